/**
 * restore: some or all tables back to what they were at an instant, as a new commit. Nothing is lost: the state that is left
 * behind stays readable, and what ended comes back as new versions of the same rows. Its cost is that of the difference.
 */
import {
  type CatalogState,
  existedAt,
  isKept,
  snapshotExpired,
  type TableState,
  tableEverNamed,
  tableNamed,
  tablesOf,
} from '../../catalog/state.ts';
import type { QueryOptions } from '../../data/duckdb.ts';
import type { ChangeFile, TableChange } from '../../log/entry.ts';
import { EngineError } from '../../model/errors.ts';
import type { Snapshot } from '../../model/history.ts';
import type { SnapshotId, TableId } from '../../model/ids.ts';
import type { TableSchema } from '../../model/types.ts';
import type { History } from '../../read/history.ts';
import { type BulkParts, bulkRestore } from './bulk.ts';
import type { Evaluated } from './evaluate.ts';

export interface RestoreParts extends BulkParts {
  readonly history: History;
}

/** Which tables go back; all of the catalog where null. */
export interface RestoreRequest {
  readonly tables: readonly string[] | null;
  readonly to: SnapshotId;
}

/** A table, and what it was at the instant; undefined where it did not exist. */
export interface Restorable {
  readonly table: TableState;
  readonly past: Snapshot | undefined;
}

/** @throws EngineError TABLE_NOT_FOUND, TABLE_NOT_FOUND_AS_OF, SNAPSHOT_EXPIRED */
export async function restorableTables(
  history: History,
  state: CatalogState,
  { tables: names, to }: RestoreRequest,
): Promise<Restorable[]> {
  const found: Restorable[] = [];
  if (names === null) for (const table of tablesOf(state)) found.push(...(await restorable(history, table, to, false)));
  for (const name of new Set(names ?? [])) {
    const table = await tableNamedAt(history, state, name, to);
    found.push(...(await restorable(history, table, to, true)));
  }
  return found;
}

/** None where the table was not there then and is not there now: it stays away. */
async function restorable(history: History, table: TableState, to: SnapshotId, isNamed: boolean): Promise<Restorable[]> {
  if (to >= table.createdSnapshotId && !isKept(table, to)) throw snapshotExpired(table, to);
  const past = to < table.createdSnapshotId ? undefined : await history.snapshotAtOrBefore(table, to);
  const existed = past !== undefined && past.operation !== 'DROP';
  if (!existed && isNamed) {
    throw new EngineError('TABLE_NOT_FOUND_AS_OF', `table ${table.name} did not exist at snapshot ${to}`, {
      details: {
        table: table.name,
        createdAt: new Date(table.createdAtMs).toISOString(),
        droppedAt: table.droppedAtMs === null ? null : new Date(table.droppedAtMs).toISOString(),
      },
      hint: 'Choose an instant at which it existed, or drop it with dropTable.',
    });
  }
  return existed || table.droppedSnapshotId === null ? [{ table, past: existed ? past : undefined }] : [];
}

/** The table that had a name at a snapshot; the newest that ever had it where none did. */
async function tableNamedAt(history: History, state: CatalogState, name: string, at: SnapshotId): Promise<TableState> {
  for (const table of tablesOf(state).reverse()) {
    if (table.name !== name || at < table.createdSnapshotId) continue;
    // What it was then has expired: that is told, and no other table is taken for it.
    if (existedAt(table, at) && !isKept(table, at)) return table;
    const past = await history.snapshotAtOrBefore(table, at);
    if (past !== undefined && past.operation !== 'DROP') return table;
  }
  return tableEverNamed(state, name) ?? tableNamed(state, name);
}

export async function evaluateRestore(
  parts: RestoreParts,
  state: CatalogState,
  request: RestoreRequest,
  options: QueryOptions,
): Promise<Evaluated> {
  const changes: TableChange[] = [];
  const files: { tableId: TableId; file: ChangeFile }[] = [];
  let bytes = 0;
  const restorable = await restorableTables(parts.history, state, request);
  // What goes makes room for names that come back.
  for (const { table, past } of restorable) if (past === undefined) changes.push({ kind: 'drop', tableId: table.id });
  for (const { table, past } of restorable) {
    if (past === undefined) continue;
    if (table.droppedSnapshotId !== null) changes.push({ kind: 'undrop', tableId: table.id });
    const schema = restoredSchema(table, past.schemaVersion);
    if (schema !== table.schema) {
      const { description, retention } = table;
      changes.push({
        kind: 'alter',
        tableId: table.id,
        operation: 'RESTORE',
        schemaVersion: table.schema.version,
        schema,
        description,
        retention,
      });
    }
    if (past.snapshotId === table.last.snapshotId) continue;
    const built = await bulkRestore(parts, table, { schema, to: request.to }, options);
    if (built === undefined) continue;
    changes.push(built.change);
    files.push(...built.files.map((file) => ({ tableId: table.id, file })));
    bytes += built.bytes;
  }
  const tables = restorable.map(({ table }) => table);
  return { state, changes, tables, found: [], restsOn: 'tables', files, bytes, memory: new Map(), rows: undefined };
}

/** The columns that a table had, as a new version of them; the present ones where they are the same version. */
function restoredSchema(table: TableState, version: number): TableSchema {
  const then = table.schemas.find((schema) => schema.version === version);
  if (then === undefined || then.version === table.schema.version) return table.schema;
  const same =
    JSON.stringify([then.columns, then.primaryKey], bigints) === JSON.stringify([table.schema.columns, table.schema.primaryKey], bigints);
  return same ? table.schema : { ...then, version: table.schema.version + 1, since: 0 };
}

const bigints = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? `${value}n` : value);
