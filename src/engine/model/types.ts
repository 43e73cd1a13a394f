/**
 * Column types and the cells that hold their values inside the engine.
 *
 * | type        | cell                                     | wire (JSON) form                       |
 * | ----------- | ---------------------------------------- | -------------------------------------- |
 * | BOOLEAN     | boolean                                  | boolean                                |
 * | INT         | number, 32 bits                          | number                                 |
 * | LONG        | bigint, 64 bits                          | decimal string                         |
 * | FLOAT       | number, exactly a 32-bit float           | shortest decimal that reads back       |
 * | DOUBLE      | number                                   | number; NaN and infinities as null     |
 * | DECIMAL     | bigint, unscaled                         | decimal string                         |
 * | DATE        | number, days since 1970-01-01            | 2026-11-22                             |
 * | TIME        | number, microseconds since midnight      | 10:00:00.000000                        |
 * | TIMESTAMP   | bigint, microseconds, no zone            | 2026-11-22T10:00:00.000000 (trimmed)   |
 * | TIMESTAMPTZ | bigint, microseconds since the epoch     | 2026-11-22T10:00:00.000Z               |
 * | STRING      | string, well-formed                      | string                                 |
 * | UUID        | string, 36 lower-case characters         | string                                 |
 * | BINARY      | Uint8Array                               | base64                                 |
 * | JSON        | string, JSON text                        | the JSON value                         |
 */
export const COLUMN_TYPES = [
  'BOOLEAN',
  'INT',
  'LONG',
  'FLOAT',
  'DOUBLE',
  'DECIMAL',
  'DATE',
  'TIME',
  'TIMESTAMP',
  'TIMESTAMPTZ',
  'STRING',
  'UUID',
  'BINARY',
  'JSON',
] as const;

export type ColumnType = (typeof COLUMN_TYPES)[number];

/** One value inside the engine; its shape follows from the column's type. */
export type Cell = boolean | number | bigint | string | Uint8Array | null;

/** A row's cells, in the order of its table schema's columns. */
export type Cells = Cell[];

export interface Column {
  /** Identity of the column within its table; files and catalog go by it, names may change. */
  readonly fieldId: number;
  readonly name: string;
  /** The column's name in the typed API. Stored, so that no upgrade renames it. */
  readonly graphqlName: string;
  readonly type: ColumnType;
  readonly required: boolean;
  /** DECIMAL only: total digits, 1 to 38. */
  readonly precision: number | null;
  /** DECIMAL only: digits after the point, 0 to precision. */
  readonly scale: number | null;
  /** What an absent value reads as; null where there is none. */
  readonly default: Cell;
  readonly description: string | null;
}

export interface TableSchema {
  /** 1 at creation; each change of columns adds one. */
  readonly version: number;
  /** The commit that made this version; 0 before it is committed. */
  readonly since: number;
  readonly columns: readonly Column[];
  /** Names of the key columns, in key order; empty where the table has no primary key. */
  readonly primaryKey: readonly string[];
}

/** What a commit did to a table. The numbers are stored: never reorder. */
export const OPERATIONS = ['CREATE', 'APPEND', 'REPLACE', 'DELETE', 'UPDATE', 'UPSERT', 'ALTER', 'RESTORE', 'DROP', 'ERASE'] as const;

export type Operation = (typeof OPERATIONS)[number];

/** Whether values of a type have an order that filters, orderBy, min and max can use. */
export function isOrdered(type: ColumnType): boolean {
  return type !== 'JSON';
}

/** Whether rows can be grouped by values of a type, and different values counted. */
export function isGroupable(type: ColumnType): boolean {
  return type !== 'JSON';
}

/** Whether sum and avg fit a type. */
export function isNumeric(type: ColumnType): boolean {
  return type === 'INT' || type === 'LONG' || type === 'FLOAT' || type === 'DOUBLE' || type === 'DECIMAL';
}
