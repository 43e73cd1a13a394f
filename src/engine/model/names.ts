/**
 * Names: what a table or column may be called, the fold under which two names count as the same,
 * and the names that the typed API gives them. Kept in the catalog, so that no upgrade renames one.
 */
import { EngineError } from './errors.ts';

const TABLE_NAME = /^[a-z][A-Za-z0-9_]{0,62}$/;
const COLUMN_NAME = /^[A-Za-z][A-Za-z0-9_]{0,62}$/;

/** Names the typed API needs for itself; a column or table of such a name gets a trailing underscore there. */
const RESERVED_COLUMNS = new Set(['id', 'and', 'or', 'not', 'then', 'true', 'false', 'null']);
const RESERVED_TABLES = new Set(['table', 'tables', 'snapshotId', 'timestamp', 'id', 'from', 'to', 'then', 'catalog', 'row']);

/** Fields of the fixed API that stand beside table names: the keys of CommitOperation, folded. Every kind of operation has one. */
const OPERATION_KEYS = ['append', 'replace', 'delete', 'update', 'upsert', 'createtable', 'altertable', 'droptable'] as const;
export type OperationKey = (typeof OPERATION_KEYS)[number];
const TAKEN_TABLE_NAMES: ReadonlySet<string> = new Set(OPERATION_KEYS);

const INHERITED: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(Object.prototype));

/** Whether every JavaScript object has something under a name, so that `object[name]` may be nobody's value. */
export function isInherited(name: string): boolean {
  return INHERITED.has(name);
}

/** The fold under which names are compared: without case and underscores. */
export function foldName(name: string): string {
  return name.replaceAll('_', '').toLowerCase();
}

export function checkTableName(name: string, what = 'table name'): void {
  if (!TABLE_NAME.test(name)) {
    throw new EngineError('INVALID_NAME', `${what} ${JSON.stringify(name.slice(0, 80))} is not allowed`, {
      details: { name: name.slice(0, 80), pattern: TABLE_NAME.source },
      hint: 'A table name starts with a lower-case letter and has up to 63 letters, digits and underscores.',
    });
  }
}

export function checkColumnName(name: string, what = 'column name'): void {
  if (!COLUMN_NAME.test(name)) {
    throw new EngineError('INVALID_NAME', `${what} ${JSON.stringify(name.slice(0, 80))} is not allowed`, {
      details: { name: name.slice(0, 80), pattern: COLUMN_NAME.source },
      hint: 'A column name starts with a letter and has up to 63 letters, digits and underscores.',
    });
  }
}

/** A table's name in the typed API: its own, with an underscore added where the API needs the name itself. */
export function defaultTableGraphqlName(name: string): string {
  return RESERVED_TABLES.has(name) ? `${name}_` : name;
}

export function defaultColumnGraphqlName(name: string): string {
  return RESERVED_COLUMNS.has(name) ? `${name}_` : name;
}

/** The name of the fixed API that a table's name in the typed API would collide with, if any. */
export function takenByApi(graphqlName: string): string | undefined {
  return TAKEN_TABLE_NAMES.has(foldName(graphqlName)) ? `the key ${foldName(graphqlName)} of CommitOperation` : undefined;
}

/** Refuses a chosen graphqlName that the API needs for itself. */
export function checkChosenTableGraphqlName(name: string): void {
  checkTableName(name, 'graphqlName');
  if (defaultTableGraphqlName(name) !== name) throw reservedName(name);
}

export function checkChosenColumnGraphqlName(name: string): void {
  checkColumnName(name, 'graphqlName');
  if (defaultColumnGraphqlName(name) !== name) throw reservedName(name);
}

function reservedName(name: string): EngineError {
  return new EngineError('INVALID_NAME', `graphqlName ${JSON.stringify(name)} is a name that the API itself uses`, {
    details: { name },
    hint: `Choose another graphqlName, ${name}_ for example.`,
  });
}

/** The prefix of a table's GraphQL types: order_items gives OrderItems, reserved table_ gives Table_. */
export function typePrefix(graphqlName: string): string {
  const pascal = graphqlName
    .split('_')
    .map((part) => part.slice(0, 1).toUpperCase() + part.slice(1))
    .join('');
  return graphqlName.endsWith('_') ? `${pascal}_` : pascal;
}
