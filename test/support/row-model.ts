/** Filters, orders and rows as plain JavaScript over wire values: what the engine's answers are compared with. */
import fc from 'fast-check';
import type { ColumnDefinition, Engine, Filter, Order, TextOperator } from '../../src/engine/index.ts';
import { TOO_BIG_FOR_HOT } from './random-rows.ts';

/** A row in wire form; `id` is its position in insertion order. */
export type ModelRow = Readonly<Record<string, unknown>>;

interface ModelColumn extends ColumnDefinition {
  /** Few values, so that filters hit and orders tie. */
  readonly pool: readonly unknown[];
  readonly compare: (left: never, right: never) => number;
}

const byNumber = (left: number, right: number): number => left - right;
const byText = (left: string, right: string): number => Buffer.compare(Buffer.from(left), Buffer.from(right));
const byBytes = (left: string, right: string): number => Buffer.compare(Buffer.from(left, 'base64'), Buffer.from(right, 'base64'));
const byInteger = (left: string, right: string): number => Number(BigInt(left) - BigInt(right));
const unscaled = (text: string): bigint => BigInt(text.replace('.', ''));
const byDecimal = (left: string, right: string): number =>
  unscaled(left) < unscaled(right) ? -1 : unscaled(left) > unscaled(right) ? 1 : 0;
/** Instants in wire form have three or six decimals. */
const byInstant = (left: string, right: string): number =>
  byText(left.slice(0, 26).replace('Z', '000'), right.slice(0, 26).replace('Z', '000'));

const TEXTS = ['', 'a', 'A', 'ab', 'aB', 'b%', 'a_b', 'a\\b', 'é', 'É', '\ufffd', '😀', 'a\0', 'a\nb', 'zz'];

export const MODEL_COLUMNS: readonly ModelColumn[] = [
  { name: 'int', type: 'INT', pool: [-3, -1, 0, 1, 2, 2_147_483_647], compare: byNumber },
  { name: 'long', type: 'LONG', pool: ['-9007199254740993', '0', '7', '9007199254740992', '9007199254740993'], compare: byInteger },
  { name: 'double', type: 'DOUBLE', pool: [-1.5, 0, 0.1, 0.5, 1e300], compare: byNumber },
  {
    name: 'decimal',
    type: 'DECIMAL',
    precision: 30,
    scale: 4,
    pool: ['-1.5000', '0.0000', '0.0001', '12345678901234567890.0000'],
    compare: byDecimal,
  },
  { name: 'boolean', type: 'BOOLEAN', pool: [false, true], compare: (left: boolean, right: boolean) => Number(left) - Number(right) },
  { name: 'text', type: 'STRING', pool: TEXTS, compare: byText },
  { name: 'date', type: 'DATE', pool: ['0001-01-01', '1969-12-31', '2026-11-22'], compare: byText },
  { name: 'time', type: 'TIME', pool: ['00:00:00.000000', '10:00:00.000001', '23:59:59.999999'], compare: byText },
  {
    name: 'at',
    type: 'TIMESTAMPTZ',
    pool: ['1969-12-31T23:59:59.999999Z', '2026-11-22T10:00:00.000Z', '2026-11-22T10:00:00.000001Z', '2026-11-22T10:00:00.001Z'],
    compare: byInstant,
  },
  {
    name: 'uuid',
    type: 'UUID',
    pool: ['00000000-0000-0000-0000-000000000001', '7fffffff-0000-0000-0000-000000000000', '80000000-0000-0000-0000-000000000000'],
    compare: byText,
  },
  { name: 'bytes', type: 'BINARY', pool: ['', 'AA==', 'AAA=', 'gA==', '/w=='], compare: byBytes },
];

const columnOf = (name: string): ModelColumn => {
  const column = MODEL_COLUMNS.find((candidate) => candidate.name === name);
  if (column === undefined) throw new Error(`no column ${name}`);
  return column;
};

/** Compares two values of a column, neither of them null. */
export function compareValues(name: string, left: unknown, right: unknown): number {
  return columnOf(name).compare(left as never, right as never);
}

const modelRow: fc.Arbitrary<ModelRow> = fc.record(
  Object.fromEntries(MODEL_COLUMNS.map(({ name, pool }) => [name, fc.option(fc.constantFrom(...pool), { freq: 5 })])),
);

/** Random rows; `id` is the position in insertion order. */
export const modelRows: fc.Arbitrary<ModelRow[]> = fc
  .array(modelRow, { minLength: 1, maxLength: 60 })
  .map((rows) => rows.map((row, id) => ({ id, ...row })));

const column = fc.constantFrom(...MODEL_COLUMNS);
const PATTERN_PARTS = ['%', '_', 'a', 'A', 'b', 'é', 'É', '\\%', '\\_', '\\\\', '😀', '\0', '\n'];
const pattern = fc.array(fc.constantFrom(...PATTERN_PARTS), { maxLength: 4 }).map((parts) => parts.join(''));

const compareFilter = column.chain(({ name, pool }) =>
  fc.record({
    kind: fc.constant('compare' as const),
    column: fc.constant(name),
    operator: fc.constantFrom('eq' as const, 'ne' as const, 'gt' as const, 'gte' as const, 'lt' as const, 'lte' as const),
    value: fc.constantFrom(...pool),
  }),
);
const inFilter = column.chain(({ name, pool }) =>
  fc.record({
    kind: fc.constant('in' as const),
    column: fc.constant(name),
    values: fc.array(fc.constantFrom(...pool), { maxLength: 3 }),
    negated: fc.boolean(),
  }),
);
const nullFilter = column.chain(({ name }) =>
  fc.record({ kind: fc.constant('isNull' as const), column: fc.constant(name), isNull: fc.boolean() }),
);
const textFilter = fc.oneof(
  fc.record({
    kind: fc.constant('text' as const),
    column: fc.constant('text'),
    operator: fc.constantFrom('contains' as const, 'startsWith' as const, 'endsWith' as const),
    value: fc.constantFrom(...TEXTS, 'B', '%', '_', '\\', 'b'),
  }),
  fc.record({
    kind: fc.constant('text' as const),
    column: fc.constant('text'),
    operator: fc.constantFrom('like' as const, 'ilike' as const),
    value: pattern,
  }),
);

/** Random filters, nested a few levels deep. */
export const modelFilter: fc.Arbitrary<Filter> = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(compareFilter, inFilter, nullFilter, textFilter),
    fc.record({ kind: fc.constantFrom('and' as const, 'or' as const), filters: fc.array(tie('filter'), { maxLength: 3 }) }),
    fc.record({ kind: fc.constant('not' as const), filter: tie('filter') }),
  ),
})).filter;

/** Random orders of up to three columns; none means insertion order. */
export const modelOrder: fc.Arbitrary<Order[]> = fc.array(
  fc.record({
    column: column.map(({ name }) => name),
    direction: fc.constantFrom('ASC' as const, 'DESC' as const, 'ASC_NULLS_FIRST' as const, 'DESC_NULLS_LAST' as const),
  }),
  { maxLength: 3 },
);

/** Whether a row matches, as docs and api say it. */
export function matches(filter: Filter, row: ModelRow): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.filters.every((inner) => matches(inner, row));
    case 'or':
      return filter.filters.some((inner) => matches(inner, row));
    case 'not':
      return !matches(filter.filter, row);
    case 'isNull':
      return (row[filter.column] === null) === filter.isNull;
    default:
      return row[filter.column] !== null && matchesValue(filter, row[filter.column]);
  }
}

function matchesValue(filter: Extract<Filter, { kind: 'compare' | 'in' | 'text' }>, value: unknown): boolean {
  if (filter.kind === 'in') return filter.values.some((wanted) => compareValues(filter.column, value, wanted) === 0) !== filter.negated;
  if (filter.kind === 'text') return matchesText(filter.operator, value as string, filter.value as string);
  const order = compareValues(filter.column, value, filter.value);
  return { eq: order === 0, ne: order !== 0, gt: order > 0, gte: order >= 0, lt: order < 0, lte: order <= 0 }[filter.operator];
}

function matchesText(operator: TextOperator, value: string, text: string): boolean {
  if (operator === 'contains') return value.includes(text);
  if (operator === 'startsWith') return value.startsWith(text);
  if (operator === 'endsWith') return value.endsWith(text);
  const source = text.replace(/\\([\s\S])|([%_])|([^%_\\])/gu, (_, escaped?: string, wildcard?: string, plain?: string) => {
    if (wildcard !== undefined) return wildcard === '%' ? '[\\s\\S]*' : '[\\s\\S]';
    return `\\u{${(escaped ?? plain ?? '').codePointAt(0)?.toString(16)}}`;
  });
  return new RegExp(`^${source}$`, operator === 'ilike' ? 'iu' : 'u').test(value);
}

/** The rows in an order, ties in insertion order. */
export function sorted(rows: readonly ModelRow[], orders: readonly Order[]): ModelRow[] {
  return [...rows].sort((left, right) => {
    for (const { column: name, direction } of orders) {
      const [a, b] = [left[name], right[name]];
      const nullsFirst = direction === 'DESC' || direction === 'ASC_NULLS_FIRST';
      if (a === null && b === null) continue;
      if (a === null) return nullsFirst ? -1 : 1;
      if (b === null) return nullsFirst ? 1 : -1;
      const order = compareValues(name, a, b);
      if (order !== 0) return direction.startsWith('DESC') ? -order : order;
    }
    return Number(left['id']) - Number(right['id']);
  });
}

/**
 * Stores rows so that they lie everywhere at once: some in the file of a compaction, some in six files of large appends
 * (more than are read one by one), the last ones hot.
 */
export async function storeEverywhere(engine: Engine, name: string, rows: readonly ModelRow[]): Promise<void> {
  const columns = MODEL_COLUMNS.map(({ pool: _, compare: __, ...definition }) => definition);
  await engine.createTable({ name, columns: [{ name: 'id', type: 'INT' }, ...columns, { name: 'pad', type: 'STRING' }] });
  const parts = Array.from({ length: 9 }, (_, part) => rows.filter((_row, index) => Math.floor((index * 9) / rows.length) === part));
  for (const [part, some] of parts.entries()) {
    const isLarge = part >= 1 && part <= 6;
    await engine.append(name, isLarge ? some.map((row, at) => (at === 0 ? { ...row, pad: TOO_BIG_FOR_HOT } : row)) : some);
    if (part === 0) await engine.compact(name);
  }
}
