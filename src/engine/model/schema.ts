/** Table schemas: what a createTable may say, checked whole before anything is stored. */
import { EngineError } from './errors.ts';
import { LIMITS, limitExceeded } from './limits.ts';
import { checkColumnName, checkTableName, foldName } from './names.ts';
import {
  checkChosenColumnGraphqlName,
  checkChosenTableGraphqlName,
  defaultColumnGraphqlName,
  defaultTableGraphqlName,
  takenByApi,
} from './typed-names.ts';
import type { Cell, Cells, Column, ColumnType, TableSchema } from './types.ts';
import { COLUMN_TYPES } from './types.ts';
import { parseCell, Refusal, toWire } from './values.ts';

/** A new column. */
export interface ColumnDefinition {
  /** A letter, then up to 62 letters, digits and underscores. Unique in the table without regard to case. */
  readonly name: string;
  /** The name in the typed API; derived from `name` by default. */
  readonly graphqlName?: string | null | undefined;
  /** The type of its values. */
  readonly type: ColumnType;
  /** Whether null is refused; false by default. Key columns are always required. */
  readonly required?: boolean | null | undefined;
  /** DECIMAL only: the number of digits, 1 to 38; 18 by default. */
  readonly precision?: number | null | undefined;
  /** DECIMAL only: the number of digits after the point; 0 by default. */
  readonly scale?: number | null | undefined;
  /** The value of a row that does not give one, in the JSON form of the type; null by default. */
  readonly default?: unknown;
  /** What the column means. */
  readonly description?: string | null | undefined;
}

/** A new table. */
export interface TableDefinition {
  /** A lower-case letter, then up to 62 letters, digits and underscores. */
  readonly name: string;
  /** The name of its fields in the typed API; derived from `name` by default. */
  readonly graphqlName?: string | null | undefined;
  /** Its columns, in order; 1 to 500. */
  readonly columns: readonly ColumnDefinition[];
  /** Names of the columns that identify a row, at most 16; without it, the table has no primary key. */
  readonly primaryKey?: readonly string[] | null | undefined;
  /** What the table holds. */
  readonly description?: string | null | undefined;
  /**
   * What to do if a table with the name exists. ERROR (default) fails with TABLE_EXISTS. IGNORE answers with the existing table if its
   * columns are the same, and fails with SCHEMA_MISMATCH otherwise.
   */
  readonly ifExists?: 'ERROR' | 'IGNORE' | null | undefined;
}

/** A checked table definition, ready to be logged. */
export interface NewTable {
  readonly name: string;
  readonly graphqlName: string;
  readonly description: string | null;
  readonly schema: TableSchema;
}

const DECIMAL_PRECISION_MAX = 38;
const KEY_TYPES: ReadonlySet<ColumnType> = new Set(COLUMN_TYPES.filter((type) => type !== 'JSON' && type !== 'FLOAT' && type !== 'DOUBLE'));

/**
 * Checks a table definition against the naming rules, the types and itself.
 * @throws EngineError INVALID_NAME, NAME_COLLISION, BAD_USER_INPUT, COLUMN_NOT_FOUND, LIMIT_EXCEEDED
 */
export function defineTable(definition: TableDefinition): NewTable {
  checkTableName(definition.name);
  if (definition.graphqlName != null) checkChosenTableGraphqlName(definition.graphqlName);
  const graphqlName = definition.graphqlName ?? defaultTableGraphqlName(definition.name);
  const taken = takenByApi(graphqlName);
  if (taken !== undefined) throw nameCollision(`table ${definition.name}`, taken, definition.name);
  if (definition.columns.length === 0) throw bad('a table needs at least one column', { table: definition.name });
  if (definition.columns.length > LIMITS.columnsMax) {
    throw limitExceeded('columnsMax', LIMITS.columnsMax, definition.columns.length, 'Split the table.');
  }
  const primaryKey = definition.primaryKey ?? [];
  const columns = definition.columns.map((column, index) => defineColumn(column, index + 1, primaryKey.includes(column.name)));
  checkColumnNames(columns);
  checkPrimaryKey(primaryKey, columns);
  return {
    name: definition.name,
    graphqlName,
    description: describe(definition.description, `table ${definition.name}`),
    schema: { version: 1, since: 0, columns, primaryKey: [...primaryKey] },
  };
}

export function defineColumn(definition: ColumnDefinition, fieldId: number, inKey: boolean): Column {
  const where = `column ${definition.name}`;
  checkColumnName(definition.name);
  if (definition.graphqlName != null) checkChosenColumnGraphqlName(definition.graphqlName);
  const type = definition.type;
  if (!COLUMN_TYPES.includes(type)) throw bad(`${where}: ${String(type)} is not a column type`, { types: COLUMN_TYPES });
  const { precision, scale } = decimalShape(definition, where);
  const column = {
    fieldId,
    name: definition.name,
    graphqlName: definition.graphqlName ?? defaultColumnGraphqlName(definition.name),
    type,
    required: definition.required === true || inKey,
    precision,
    scale,
    default: null,
    description: describe(definition.description, where),
  };
  return { ...column, default: parseDefault(column, definition.default, where) };
}

function decimalShape(definition: ColumnDefinition, where: string): { precision: number | null; scale: number | null } {
  if (definition.type !== 'DECIMAL') {
    if (definition.precision != null || definition.scale != null) throw bad(`${where}: precision and scale are for DECIMAL only`);
    return { precision: null, scale: null };
  }
  const precision = definition.precision ?? 18;
  const scale = definition.scale ?? 0;
  if (!Number.isInteger(precision) || precision < 1 || precision > DECIMAL_PRECISION_MAX) {
    throw bad(`${where}: precision ${precision} is not between 1 and ${DECIMAL_PRECISION_MAX}`);
  }
  if (!Number.isInteger(scale) || scale < 0 || scale > precision) throw bad(`${where}: scale ${scale} is not between 0 and the precision`);
  return { precision, scale };
}

function parseDefault(column: Column, value: unknown, where: string): Cell {
  if (value === undefined || value === null) return null;
  const cell = parseCell(column, value);
  if (cell instanceof Refusal) throw bad(`${where}: the default does not fit: ${cell.reason}`);
  return cell;
}

export function describe(text: string | null | undefined, where: string): string | null {
  if (text == null) return null;
  if (text.length > LIMITS.descriptionLengthMax) {
    throw limitExceeded('descriptionLengthMax', LIMITS.descriptionLengthMax, text.length, `Shorten the description of ${where}.`);
  }
  if (!text.isWellFormed()) throw bad(`${where}: the description has a lone surrogate, half of a character`);
  return text;
}

export function checkColumnNames(columns: readonly Column[]): void {
  const names = new Map<string, Column>();
  const graphqlNames = new Map<string, Column>();
  for (const column of columns) {
    const sameName = names.get(column.name.toLowerCase());
    if (sameName !== undefined) {
      throw new EngineError('NAME_COLLISION', `there is a column ${sameName.name} already`, {
        details: { name: column.name, other: sameName.name },
        hint: 'Column names differ by more than case. Choose another name.',
      });
    }
    const sameGraphqlName = graphqlNames.get(foldName(column.graphqlName));
    if (sameGraphqlName !== undefined) throw nameCollision(`column ${column.name}`, `column ${sameGraphqlName.name}`, column.name);
    names.set(column.name.toLowerCase(), column);
    graphqlNames.set(foldName(column.graphqlName), column);
  }
}

function checkPrimaryKey(primaryKey: readonly string[], columns: readonly Column[]): void {
  if (primaryKey.length > LIMITS.primaryKeyColumnsMax) {
    throw limitExceeded('primaryKeyColumnsMax', LIMITS.primaryKeyColumnsMax, primaryKey.length, 'Use fewer key columns.');
  }
  const seen = new Set<string>();
  for (const name of primaryKey) {
    const column = columns.find((candidate) => candidate.name === name);
    if (column === undefined) throw columnNotFound(name, columns, 'primaryKey');
    if (seen.has(name)) throw bad(`primaryKey names column ${name} twice`);
    if (!KEY_TYPES.has(column.type)) throw bad(`column ${name}: a ${column.type} cannot be part of a primary key`);
    seen.add(name);
  }
}

/**
 * Cells of one schema version as those of another's columns, by field id: what is missing takes the default. A value from
 * after its column was widened, read with the columns from before, is null where it does not fit them.
 */
export function mapCells(from: readonly Column[], to: readonly Column[]): (cells: readonly Cell[]) => Cells {
  const places = to.map((column) => {
    const at = from.findIndex((candidate) => candidate.fieldId === column.fieldId);
    return { at, convert: at < 0 ? undefined : conversion(from[at] as Column, column), absent: column.default };
  });
  return (cells) =>
    places.map(({ at, convert, absent }) => {
      if (at < 0) return absent;
      const cell = cells[at] ?? null;
      return convert !== undefined && cell !== null ? convert(cell) : cell;
    });
}

const INT_MAX = 2n ** 31n;

function conversion(from: Column, to: Column): ((cell: Cell) => Cell) | undefined {
  if (from.type === 'INT' && to.type === 'LONG') return (cell) => BigInt(cell as number);
  if (from.type === 'LONG' && to.type === 'INT')
    return (cell) => ((cell as bigint) >= -INT_MAX && (cell as bigint) < INT_MAX ? Number(cell) : null);
  if (from.type === 'DOUBLE' && to.type === 'FLOAT') return (cell) => (Object.is(Math.fround(cell as number), cell) ? cell : null);
  if (from.type !== 'DECIMAL' || (from.precision ?? 0) <= (to.precision ?? 0)) return undefined;
  const limit = 10n ** BigInt(to.precision ?? 0);
  return (cell) => ((cell as bigint) < limit && (cell as bigint) > -limit ? cell : null);
}

/** Whether two schemas mean the same to a caller that says createTable with ifExists: IGNORE. */
export function sameColumns(left: TableSchema, right: TableSchema): boolean {
  return JSON.stringify(comparable(left)) === JSON.stringify(comparable(right));
}

function comparable(schema: TableSchema): unknown {
  const columns = schema.columns.map((column) => [
    column.name,
    column.graphqlName,
    column.type,
    column.required,
    column.precision,
    column.scale,
    toWire(column, column.default),
  ]);
  return [columns, schema.primaryKey];
}

/** @throws EngineError COLUMN_NOT_FOUND naming the place and the columns there are */
export function columnNamed(schema: TableSchema, name: string, where: string): Column {
  const column = schema.columns.find((candidate) => candidate.name === name);
  if (column === undefined) throw columnNotFound(name, schema.columns, where);
  return column;
}

function columnNotFound(name: string, columns: readonly Column[], where: string): EngineError {
  const names = columns.map((column) => column.name);
  return new EngineError('COLUMN_NOT_FOUND', `${where}: there is no column ${JSON.stringify(name.slice(0, 80))}`, {
    details: { column: name.slice(0, 80), columns: names },
    hint: `The columns are ${names.slice(0, 20).join(', ')}.`,
  });
}

function nameCollision(what: string, other: string, name: string): EngineError {
  return new EngineError('NAME_COLLISION', `${what} would have the same name as ${other} in the typed API`, {
    details: { name, other },
    hint: 'Names are compared without case and underscores. Choose another name, or give a graphqlName.',
  });
}

function bad(message: string, details: Record<string, unknown> = {}): EngineError {
  return new EngineError('BAD_USER_INPUT', message, { details });
}
