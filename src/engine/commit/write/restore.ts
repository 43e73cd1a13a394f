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
import { EngineError, refusalError } from '../../model/errors.ts';
import type { Snapshot } from '../../model/history.ts';
import type { SnapshotId, TableId } from '../../model/ids.ts';
import type { TableSchema } from '../../model/types.ts';
import type { History } from '../../read/history.ts';
import { apply } from '../apply/apply.ts';
import type { Lookups } from '../apply/types.ts';
import { checkExpected, type Expectations } from '../expectations.ts';
import { type BulkParts, bulkRestore } from './bulk.ts';
import type { Evaluated } from './evaluate.ts';
import { checkOptions } from './options.ts';
import { commitEntry } from './prepare.ts';

export interface RestoreParts extends BulkParts {
  readonly history: History;
}

/** Which tables go back; all of the catalog where null. */
export interface RestoreRequest {
  readonly tables: readonly string[] | null;
  readonly to: SnapshotId;
}

/** A table, and what it was at the instant; undefined where it did not exist. */
interface Restorable {
  readonly table: TableState;
  readonly past: Snapshot | undefined;
}

/** @throws EngineError TABLE_NOT_FOUND, TABLE_NOT_FOUND_AS_OF, SNAPSHOT_EXPIRED */
async function restorableTables(history: History, state: CatalogState, { tables: names, to }: RestoreRequest): Promise<Restorable[]> {
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
  changes.push(...dropsOf(restorable));
  for (const { table, past } of restorable) {
    if (past === undefined) continue;
    const schema = restoredSchema(table, past.schemaVersion);
    changes.push(...definitionChanges(table, schema));
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

/** Tables that did not exist at the instant are dropped, before all else: that frees names for tables that come back. */
function dropsOf(restorable: readonly Restorable[]): TableChange[] {
  return restorable.flatMap(({ table, past }): TableChange[] => (past === undefined ? [{ kind: 'drop', tableId: table.id }] : []));
}

/** What brings a table itself back, without its rows. */
function definitionChanges(table: TableState, schema: TableSchema): TableChange[] {
  const changes: TableChange[] = [];
  const { id: tableId, description, retention } = table;
  if (table.droppedSnapshotId !== null) changes.push({ kind: 'undrop', tableId });
  if (schema !== table.schema)
    changes.push({ kind: 'alter', tableId, operation: 'RESTORE', schemaVersion: table.schema.version, schema, description, retention });
  return changes;
}

/** Nothing is looked up for a plan: it has neither keys nor an idempotency key. */
const NO_LOOKUPS: Lookups = { keyExists: () => false, idempotency: () => undefined };

/**
 * The tables that a restore would change, where it would be taken; nothing is written. Apply itself decides, on the changes
 * to tables alone. How many rows would change is told by the diff.
 * @throws EngineError of restorableTables, TABLE_EXISTS, NAME_COLLISION, CONFLICT
 */
export async function planRestore(
  { history }: Pick<RestoreParts, 'history'>,
  state: CatalogState,
  request: RestoreRequest,
  expected: Pick<Expectations, 'expectedSnapshotId'>,
): Promise<TableState[]> {
  const restorable = await restorableTables(history, state, request);
  const changes = dropsOf(restorable);
  for (const { table, past } of restorable)
    if (past !== undefined) changes.push(...definitionChanges(table, restoredSchema(table, past.schemaVersion)));
  if (changes.length > 0) {
    const { expectedSnapshotId } = expected;
    const entry = commitEntry(changes, { ...checkOptions(null), expectedSnapshotId }, '', 0);
    const { outcome } = apply(state, entry, state.timestampMs, NO_LOOKUPS);
    if (outcome.kind === 'refused') throw refusalError(outcome.refusal);
  }
  for (const { table } of restorable) checkExpected(table, expected);
  return restorable.map(({ table }) => table);
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
