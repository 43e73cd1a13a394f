/** Odd values of every type as cells, and what filters, orders and groups over them mean: a plain model to compare with. */
import type { Cell, ColumnDefinition, CompareOperator, Order, TextOperator } from '../../src/engine/index.ts';

/** One optional column of every type, named after it. */
export const ODD_COLUMNS = [
  { name: 'boolean', type: 'BOOLEAN' },
  { name: 'int', type: 'INT' },
  { name: 'long', type: 'LONG' },
  { name: 'float', type: 'FLOAT' },
  { name: 'double', type: 'DOUBLE' },
  { name: 'decimal', type: 'DECIMAL', precision: 38, scale: 10 },
  { name: 'date', type: 'DATE' },
  { name: 'time', type: 'TIME' },
  { name: 'timestamp', type: 'TIMESTAMP' },
  { name: 'timestamptz', type: 'TIMESTAMPTZ' },
  { name: 'string', type: 'STRING' },
  { name: 'uuid', type: 'UUID' },
  { name: 'binary', type: 'BINARY' },
  { name: 'json', type: 'JSON' },
] as const satisfies readonly ColumnDefinition[];

export type OddColumn = (typeof ODD_COLUMNS)[number]['name'];
export type OddRow = { readonly k: number } & Readonly<Record<OddColumn, Cell>>;

const MOST = 10n ** 38n - 1n;
const [FIRST_MICROS, LAST_MICROS] = [-62_135_596_800_000_000n, 253_402_300_799_999_999n];
const bytes = (...values: readonly number[]): Uint8Array => new Uint8Array(values);
const INSTANTS = [FIRST_MICROS, LAST_MICROS, 0n, -1n, 1n];
const LONG_TEXT = 'y'.repeat(70);

/** Cells that an API takes. */
export const ODD_CELLS: Readonly<Record<OddColumn, readonly Cell[]>> = {
  boolean: [true, false],
  int: [0, -1, 2147483647, -2147483648],
  long: [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 9007199254740993n],
  float: [-0, 0, 1, -1, Math.fround(0.1), 3.4028234663852886e38, Math.fround(1e-45)],
  double: [-0, 0, 1, -1, 0.1, 1.7976931348623157e308, -1.7976931348623157e308, 5e-324],
  decimal: [0n, 1n, -1n, MOST, -MOST, 10n ** 19n, -(10n ** 10n)],
  date: [-719_162, 2_932_896, 0, -1],
  time: [0, 1, 86_399_999_999],
  timestamp: INSTANTS,
  timestamptz: INSTANTS,
  string: [
    ...['', 'a', 'A', 'ab', 'ä', 'é', 'e\u0301', '\u0000', 'a\u0000b', '\ufeff', '\ufeffa', '\uffff', '😀', '\u{10ffff}', ' ', '\n'],
    ...["'", '"', '\\', '%', '_', LONG_TEXT, `${LONG_TEXT}z`, 'σ', 'ς', 'Σ'],
  ],
  uuid: ['0', '7', '8', 'f'].map((digit) => '00000000-0000-0000-0000-000000000000'.replace('0', digit)),
  binary: [
    bytes(),
    bytes(0),
    bytes(0xff),
    bytes(0x22),
    bytes(0x27, 0x5c),
    bytes(0x41),
    new Uint8Array(80).fill(0xfe),
    new Uint8Array(81).fill(0xfe),
  ],
  json: ['{}', '[]', '"a"', '0', '{"a":[1,null,{"then":1}]}', '"\\u0000"'],
};

/** Cells that only a file can bring. */
export const IMPORTED_CELLS: Partial<Readonly<Record<OddColumn, readonly Cell[]>>> = {
  float: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  double: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
};

/** The order of two cells: NaN equals itself and is above all, -0.0 is 0.0, text goes by code points, bytes by value. */
export function orderOf(left: Exclude<Cell, null>, right: Exclude<Cell, null>): number {
  if (typeof left === 'string') return orderOfLists([...left].map(codePoint), [...(right as string)].map(codePoint));
  if (left instanceof Uint8Array) return orderOfLists([...left], [...(right as Uint8Array)]);
  const [leftIsNaN, rightIsNaN] = [Number.isNaN(left), Number.isNaN(right)];
  if (leftIsNaN || rightIsNaN) return Number(leftIsNaN) - Number(rightIsNaN);
  return Number(left > right) - Number(left < right);
}

const codePoint = (character: string): number => character.codePointAt(0) as number;

function orderOfLists(left: readonly number[], right: readonly number[]): number {
  const at = left.findIndex((value, index) => value !== right[index]);
  if (at < 0) return left.length - right.length;
  return at >= right.length ? 1 : (left[at] as number) - (right[at] as number);
}

export type OddFilter =
  | { readonly kind: 'compare'; readonly column: OddColumn; readonly operator: CompareOperator; readonly cell: Exclude<Cell, null> }
  | { readonly kind: 'in'; readonly column: OddColumn; readonly cells: readonly Exclude<Cell, null>[]; readonly negated: boolean }
  | { readonly kind: 'isNull'; readonly column: OddColumn; readonly isNull: boolean }
  | { readonly kind: 'text'; readonly operator: TextOperator; readonly text: string }
  | { readonly kind: 'not'; readonly filter: OddFilter };

export function matchesOdd(filter: OddFilter, row: OddRow): boolean {
  if (filter.kind === 'not') return !matchesOdd(filter.filter, row);
  const cell = row[filter.kind === 'text' ? 'string' : filter.column];
  if (filter.kind === 'isNull') return (cell === null) === filter.isNull;
  if (cell === null) return false;
  if (filter.kind === 'in') return filter.cells.some((one) => orderOf(cell, one) === 0) !== filter.negated;
  if (filter.kind === 'text') return matchesText(filter.operator, cell as string, filter.text);
  const order = orderOf(cell, filter.cell);
  return { eq: order === 0, ne: order !== 0, gt: order > 0, gte: order >= 0, lt: order < 0, lte: order <= 0 }[filter.operator];
}

/** `text` without what is special in a pattern; patterns are made of it by patternOf. */
function matchesText(operator: TextOperator, value: string, text: string): boolean {
  switch (operator) {
    case 'startsWith':
      return value.startsWith(text);
    case 'endsWith':
      return value.endsWith(text);
    case 'contains':
    case 'like':
      return value.includes(text);
    case 'ilike':
      return folded(value).includes(folded(text));
    default:
      throw new TypeError(`no operator ${operator satisfies never}`);
  }
}

const folded = (text: string): string => text.toUpperCase().toLowerCase().replaceAll('ς', 'σ');

/** The pattern of texts that contain a text. */
export const patternOf = (text: string): string => `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`;

export function sortedOdd(rows: readonly OddRow[], orders: readonly (Order & { readonly column: OddColumn })[]): OddRow[] {
  return [...rows].sort((left, right) => {
    for (const { column, direction } of orders) {
      const [a, b] = [left[column], right[column]];
      const nullsFirst = direction === 'DESC' || direction === 'ASC_NULLS_FIRST';
      if (a === null || b === null) {
        if (a === b) continue;
        return (a === null) === nullsFirst ? -1 : 1;
      }
      const order = orderOf(a, b);
      if (order !== 0) return direction.startsWith('DESC') ? -order : order;
    }
    return left.k - right.k;
  });
}

/** A text for a cell: two cells have the same only where they are the same to the bit. */
export function exactly(cell: Cell | undefined): string {
  if (cell instanceof Uint8Array) return `bytes ${Buffer.from(cell).toString('hex')}`;
  if (typeof cell === 'number') return Object.is(cell, -0) ? '-0' : String(cell);
  return typeof cell === 'bigint' ? `${cell}n` : JSON.stringify(cell ?? null);
}

/** The same where filters take cells for equal. */
export const alike = (cell: Cell | undefined): string => exactly(typeof cell === 'number' ? cell + 0 : cell);
