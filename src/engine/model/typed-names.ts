/**
 * The names that the typed API derives from a table, all in one place: what a table and a column are called there, which
 * fields and types the API makes of a table, and which names it needs for itself. The name of a table or column is kept in
 * the catalog, so that no upgrade renames one.
 */
import { EngineError } from './errors.ts';
import { checkColumnName, checkTableName, foldName } from './names.ts';

/** Names the typed API needs for itself; a column or table of such a name gets a trailing underscore there. */
const RESERVED_COLUMNS = new Set(['id', 'and', 'or', 'not', 'then', 'true', 'false', 'null']);
const RESERVED_TABLES = new Set(['table', 'tables', 'snapshotId', 'timestamp', 'id', 'from', 'to', 'then', 'catalog', 'row']);

/** Fields of the fixed API that stand beside table names: the keys of CommitOperation, folded. Every kind of operation has one. */
const OPERATION_KEYS = ['append', 'replace', 'delete', 'update', 'upsert', 'createtable', 'altertable', 'droptable'] as const;
export type OperationKey = (typeof OPERATION_KEYS)[number];
const TAKEN_TABLE_NAMES: ReadonlySet<string> = new Set(OPERATION_KEYS);

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

/** The field of a row by its primary key, beside that of the rows, which has the name of the table itself. */
export function byKeyField(graphqlName: string): string {
  return `${graphqlName}ByKey`;
}

/** The subscription to a table's row changes. */
export function changesField(graphqlName: string): string {
  return `${graphqlName}Changes`;
}

/** A table's type of a kind: OrdersRow. */
export function tableTypeName(prefix: string, kind: TableTypeKind): string {
  return `${prefix}${kind}`;
}

/** The types that name all columns of a table. */
export type TableTypeKind = 'Row' | 'RowInput' | 'RowPatch' | 'Filter' | 'OrderBy';

interface NamedTable {
  readonly graphqlName: string;
  readonly schema: { readonly primaryKey: readonly string[] };
}

/** The fields that two tables would both have, folded: in a view of the catalog, or among the subscriptions. */
function fieldsOf({ graphqlName, schema }: NamedTable): string[] {
  const fields = [graphqlName, changesField(graphqlName), ...(schema.primaryKey.length > 0 ? [byKeyField(graphqlName)] : [])];
  return fields.map(foldName);
}

/** Whether a field of one table would have the name of the other table. */
export function fieldsClash(left: NamedTable, right: NamedTable): boolean {
  return fieldsOf(left).includes(foldName(right.graphqlName)) || fieldsOf(right).includes(foldName(left.graphqlName));
}
