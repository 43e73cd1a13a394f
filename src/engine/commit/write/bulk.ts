/**
 * Changes of many rows. Deleted versions are held as numbers, and DuckDB writes new versions straight into a file, so that
 * the memory of a change does not grow with the values of its rows.
 */
import type { TableState } from '../../catalog/state.ts';
import type { CatalogStore } from '../../catalog/store.ts';
import { parameter } from '../../data/cells.ts';
import type { Duck, QueryOptions } from '../../data/duckdb.ts';
import type { Staging } from '../../data/staging.ts';
import { hashKey, hashKeys, keyColumns } from '../../encoding/key-hash.ts';
import { newSeed, RootBuilder } from '../../encoding/proof.ts';
import type { ChangeFile, EndedInFile, KeyChanges, RowsChange } from '../../log/entry.ts';
import { EngineError } from '../../model/errors.ts';
import type { SnapshotId } from '../../model/ids.ts';
import { LIMITS, limitExceeded } from '../../model/limits.ts';
import type { Cell, Cells, Column, Operation, TableSchema } from '../../model/types.ts';
import { type CheckedFilter, withFilterColumns } from '../../read/scan/filter.ts';
import type { MatchedInFile, Matcher } from '../../read/scan/match.ts';
import type { Scanner } from '../../read/scan/scanner.ts';
import { joinSql, nameOf, sql, typeOf, where } from '../../read/scan/sql.ts';
import type { Visibility } from '../../read/scan/visibility.ts';
import { type BuiltRows, endedIn } from './build.ts';
import type { Patch } from './draft.ts';
import { addRows } from './prepare.ts';
import { staleKeys } from './stale-keys.ts';
import { StoredRows } from './stored-rows.ts';

export interface BulkParts {
  readonly matcher: Matcher;
  readonly scanner: Scanner;
  readonly store: CatalogStore;
  readonly staging: Staging;
  readonly duck: Duck;
}

const nowOf = (table: TableState): Visibility => ({ kind: 'visible', at: table.last.snapshotId });

/** The keys of versions that were read with their key columns, in their order. */
export function keysOf(schema: TableSchema, found: readonly MatchedInFile[]): { readonly hash: Buffer; readonly row: number }[] {
  const keys = keyColumns(schema);
  if (keys.length === 0) return [];
  return found.flatMap(({ rows, cells }) =>
    Array.from(rows, (row, index) => ({ hash: hashKey(keys, (_key, position) => cells[position]?.[index] ?? null), row })),
  );
}

function checkEnded(table: TableState, found: readonly MatchedInFile[]): number {
  const rows = found.reduce((sum, { rows: { length } }) => sum + length, 0);
  if (rows > LIMITS.endedRowsMax)
    throw limitExceeded('endedRowsMax', LIMITS.endedRowsMax, rows, 'Narrow the filter, and make the change in several commits.');
  if (table.schema.primaryKey.length > 0 && rows > LIMITS.importKeysMax)
    throw limitExceeded('importKeysMax', LIMITS.importKeysMax, rows, 'The table has a primary key: make the change in several commits.');
  return rows;
}

const ended = (table: TableState, found: readonly MatchedInFile[]): EndedInFile[] =>
  found.map(({ fileId, rows, froms }) => endedIn(table, fileId, rows, froms));

function changeOf(
  table: TableState,
  operation: Operation,
  parts: Pick<RowsChange, 'insertedRows' | 'updatedRows' | 'deletedRows' | 'newRows' | 'files' | 'ends' | 'keys' | 'proof'>,
): BuiltRows {
  const base = { snapshotId: table.last.snapshotId, filesEpoch: table.filesEpoch };
  const change: RowsChange = {
    kind: 'rows',
    tableId: table.id,
    operation,
    schemaVersion: table.schema.version,
    base,
    hot: null,
    changes: null,
    ...parts,
  };
  const { inserted, moved, removed } = parts.keys;
  const rows = parts.ends.reduce((sum, { rows: { length } }) => sum + length, 0);
  return { change, files: parts.files, bytes: rows * 16 + (inserted.length + moved.length + removed.length) * 48 };
}

export async function bulkDelete(
  parts: BulkParts,
  table: TableState,
  filter: CheckedFilter | undefined,
  options: QueryOptions,
): Promise<BuiltRows> {
  const columns = keyColumns(table.schema).map(({ column }) => column);
  const found = await parts.matcher.matchMany(table, nowOf(table), { filter, columns }, options);
  const deletedRows = checkEnded(table, found);
  const ends = ended(table, found);
  const keys: KeyChanges = { inserted: [], moved: [], removed: keysOf(table.schema, found).map(({ hash }) => hash) };
  const proof = new RootBuilder(newSeed(), table.schema.columns).finish(ends);
  return changeOf(table, 'DELETE', { insertedRows: 0, updatedRows: 0, deletedRows, newRows: 0, files: [], ends, keys, proof });
}

/** @throws EngineError LIMIT_EXCEEDED where the patch would change primary keys */
export async function bulkUpdate(
  parts: BulkParts,
  table: TableState,
  { filter, patch }: { readonly filter: CheckedFilter | undefined; readonly patch: Patch },
  options: QueryOptions,
): Promise<BuiltRows> {
  const { schema } = table;
  const found = await parts.matcher.matchMany(table, nowOf(table), { filter, columns: [] }, options);
  const updatedRows = checkEnded(table, found);
  const ends = ended(table, found);
  const values = new Map<Column, Cell>(patch.map(({ at, cell }) => [schema.columns[at] as Column, cell]));
  const root = new RootBuilder(newSeed(), schema.columns);
  const file = await writeVersions(parts, table, { visibility: nowOf(table), filter, values, root });
  const change = { insertedRows: 0, updatedRows, deletedRows: 0, newRows: 0, files: [file], ends, keys: NO_KEYS };
  return checkWritten(parts, table, file, updatedRows, changeOf(table, 'UPDATE', { ...change, proof: root.finish(ends) }));
}

const NO_KEYS: KeyChanges = { inserted: [], moved: [], removed: [] };

async function checkWritten(parts: BulkParts, table: TableState, { file }: ChangeFile, rows: number, built: BuiltRows): Promise<BuiltRows> {
  if (file.rowCount === rows) return built;
  await parts.staging.remove(table.id, file);
  throw new Error(`a change of table ${table.name} wrote ${file.rowCount} versions of ${rows}`);
}

/** Writes versions as new ones, some of their columns set to a value, and adds them to a root. */
async function writeVersions(
  parts: BulkParts,
  table: TableState,
  {
    visibility,
    filter,
    values,
    root,
  }: {
    readonly visibility: Visibility;
    readonly filter: CheckedFilter | undefined;
    readonly values: ReadonlyMap<Column, Cell>;
    readonly root: RootBuilder;
  },
): Promise<ChangeFile> {
  const { schema } = table;
  return parts.scanner.lendTable(
    table,
    {
      tableId: table.id,
      visibility,
      filter,
      columns: withFilterColumns(
        schema.columns.filter((column) => !values.has(column)),
        filter,
      ),
      hidden: 'version',
      statement: (relation, matching) => {
        const terms = schema.columns.map((column) => {
          const value = values.get(column);
          if (value === undefined) return nameOf(column);
          return sql`CAST(${parameter(column, value)} AS ${typeOf(column)}) AS ${nameOf(column)}`;
        });
        return sql`SELECT ${joinSql(terms)}, _row FROM ${relation}${where(matching)} ORDER BY _row`;
      },
    },
    (statement) =>
      parts.duck.withConnection(async (connection) => {
        const file = await parts.staging.writeVersions(connection, table.id, schema, statement);
        await parts.staging.addVersions(root, connection, table.id, schema, file);
        return file;
      }),
  );
}

/** Replaces many rows by a batch of new ones; a row whose key comes again is an update of it. */
export async function bulkReplace(
  parts: BulkParts,
  table: TableState,
  { filter, rows }: { readonly filter: CheckedFilter | undefined; readonly rows: readonly Cells[] },
  options: QueryOptions,
): Promise<BuiltRows> {
  const { schema } = table;
  const keys = keyColumns(schema);
  const found = await parts.matcher.matchMany(table, nowOf(table), { filter, columns: keys.map(({ column }) => column) }, options);
  const endedRows = checkEnded(table, found);
  const ends = ended(table, found);
  const gone = new Map(keysOf(schema, found).map(({ hash, row }) => [hash.toString('latin1'), row]));
  const versions: { readonly row: number; readonly cells: Cells }[] = [];
  const fresh: Cells[] = [];
  const inserted: Buffer[] = [];
  const hashes = hashKeys(schema, rows.length, (index) => rows[index] as Cells, 'schema');
  for (const [index, cells] of rows.entries()) {
    const hash = hashes[index];
    const row = hash === undefined ? undefined : gone.get(hash.toString('latin1'));
    if (row !== undefined && hash !== undefined) {
      versions.push({ row, cells });
      gone.delete(hash.toString('latin1'));
    } else {
      fresh.push(cells);
      if (hash !== undefined) inserted.push(hash);
    }
  }
  await refuseTaken(parts, table, inserted, gone);
  versions.sort((left, right) => left.row - right.row);
  const files: ChangeFile[] = [];
  const versionCells = versions.map(({ cells }) => cells);
  if (fresh.length > 0) files.push({ file: await parts.staging.stageRows(table.id, schema, fresh), kind: 'staged', rowLo: 0, rowHi: 0 });
  if (versions.length > 0) {
    const rowIds = versions.map(({ row }) => row);
    files.push(await parts.staging.stageVersions(table.id, schema, versionCells, rowIds));
  }
  const root = new RootBuilder(newSeed(), schema.columns);
  await addRows(root, versionCells);
  await addRows(root, fresh);
  return changeOf(table, 'REPLACE', {
    insertedRows: fresh.length,
    updatedRows: versions.length,
    deletedRows: endedRows - versions.length,
    newRows: fresh.length,
    files,
    ends,
    keys: { inserted, moved: [], removed: [...gone.keys()].map((key) => Buffer.from(key, 'latin1')) },
    proof: root.finish(ends),
  });
}

async function refuseTaken(
  parts: BulkParts,
  table: TableState,
  inserted: readonly Buffer[],
  gone: ReadonlyMap<string, number>,
): Promise<void> {
  if (inserted.length === 0) return;
  const removed = new Set(gone.values());
  const owners = await new StoredRows(table, parts.matcher, parts.store, undefined).ownersOf(inserted);
  const index = owners.findIndex((row) => row !== undefined && !removed.has(row));
  if (index < 0) return;
  throw new EngineError('INVALID_ROW', `column ${table.schema.primaryKey.join(', ')}: a row that stays has the primary key of a new one`, {
    details: { rows: [], invalidRows: 1 },
    hint: 'Nothing was changed. Replace the row too, or use upsert.',
  });
}

/**
 * Brings a table's rows back to what they were at a snapshot: versions that came since end, those that ended come back as
 * new versions of the same rows. Its cost is that of the difference. `schema`: the columns that the restored state has.
 * @returns undefined where nothing differs
 */
export async function bulkRestore(
  parts: BulkParts,
  present: TableState,
  { schema, to }: { readonly schema: TableSchema; readonly to: SnapshotId },
  options: QueryOptions,
): Promise<BuiltRows | undefined> {
  const table = { ...present, schema };
  const keyed = (of: TableSchema): Column[] => keyColumns(of).map(({ column }) => column);
  const span = { after: to, upTo: table.last.snapshotId };
  // Rows that came since have keys of the present columns, which may be wider.
  const came = await parts.matcher.matchMany(
    table,
    { kind: 'created', ...span },
    { filter: undefined, columns: keyed(present.schema) },
    options,
  );
  const went = await parts.matcher.matchMany(table, { kind: 'deleted', ...span }, { filter: undefined, columns: keyed(schema) }, options);
  const stale = await staleKeys(parts, present, options);
  return bringBack(parts, table, {
    present: present.schema,
    came,
    went,
    stale,
    visibility: { kind: 'deleted', ...span },
    filter: undefined,
  });
}

/** Versions that end, versions that come back as new ones of the same rows, and how these are read. */
interface BroughtBack {
  /** The columns that the versions that end were matched by, which may be wider than the table's. */
  readonly present: TableSchema;
  readonly came: readonly MatchedInFile[];
  readonly went: readonly MatchedInFile[];
  /** Keys that leave the index, since their rows are gone. */
  readonly stale?: readonly Buffer[] | undefined;
  readonly visibility: Visibility;
  readonly filter: CheckedFilter | undefined;
}

/** @returns undefined where nothing ends and nothing comes back */
export async function bringBack(
  parts: BulkParts,
  table: TableState,
  { present, came, went, stale = [], visibility, filter }: BroughtBack,
): Promise<BuiltRows | undefined> {
  const { schema } = table;
  const cameRows = checkEnded(table, came);
  const wentRows = checkEnded(table, went);
  if (cameRows + wentRows + stale.length === 0) return undefined;
  const ends = ended(table, came);
  const back = new Set<number>();
  for (const { rows } of went) for (const row of rows) back.add(row);
  let updatedRows = 0;
  for (const { rows } of came) for (const row of rows) if (back.has(row)) updatedRows += 1;
  const root = new RootBuilder(newSeed(), schema.columns);
  const files = wentRows === 0 ? [] : [await writeVersions(parts, table, { visibility, filter, values: new Map(), root })];
  const moved = keysOf(schema, went);
  const kept = new Map(moved.map(({ hash, row }) => [hash.toString('latin1'), row]));
  const before = keysOf(present, came);
  const removed = before.filter(({ hash }) => !kept.has(hash.toString('latin1'))).map(({ hash }) => hash);
  // A key that another row took meanwhile goes back to its row: out of the index first, then in.
  const retaken = before.filter(({ hash }) => kept.has(hash.toString('latin1'))).map(({ hash }) => hash);
  const built = changeOf(table, 'RESTORE', {
    insertedRows: wentRows - updatedRows,
    updatedRows,
    deletedRows: cameRows - updatedRows,
    newRows: 0,
    files,
    ends,
    keys: { inserted: [], moved, removed: [...removed, ...retaken, ...stale] },
    proof: root.finish(ends),
  });
  const [file] = files;
  return file === undefined ? built : checkWritten(parts, table, file, wentRows, built);
}
