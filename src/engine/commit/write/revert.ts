/**
 * revert: undoes one commit, as a new commit. Versions that the commit created are deleted, those that it deleted come back
 * as new versions of the same rows. Rows that later commits changed are never overwritten: they are a CONFLICT, or are left
 * as they are. The cost is that of the reverted commit, however many came later.
 */
import { type CatalogState, isKept, snapshotExpired, type TableState, tableById } from '../../catalog/state.ts';
import type { QueryOptions } from '../../data/duckdb.ts';
import { keyColumns } from '../../encoding/key-hash.ts';
import type { ChangeFile, TableChange } from '../../log/entry.ts';
import { EngineError } from '../../model/errors.ts';
import type { Snapshot } from '../../model/history.ts';
import { asSnapshotId, type SnapshotId, type TableId } from '../../model/ids.ts';
import { LIMITS, limitExceeded } from '../../model/limits.ts';
import { type Column, OPERATIONS } from '../../model/types.ts';
import { toWire } from '../../model/values.ts';
import type { CheckedFilter } from '../../read/scan/filter.ts';
import type { MatchedInFile, MatchRequest } from '../../read/scan/match.ts';
import { FROM_SNAPSHOT_ID, ROW_ID } from '../../read/scan/version-columns.ts';
import type { RowWindow, Visibility } from '../../read/scan/visibility.ts';
import { bringBack, keysOf } from './bulk.ts';
import type { Evaluated } from './evaluate.ts';
import type { RestoreParts } from './restore.ts';
import { StoredRows } from './stored-rows.ts';

export interface RevertRequest {
  readonly snapshotId: SnapshotId;
  /** What to do where rows of the commit have changed since: refuse all of it, or leave these rows as they are. */
  readonly onChanged: 'CONFLICT' | 'SKIP';
}

/** A row that has changed since, by its identity and, where its table has a primary key, by its key in wire form. */
export interface ChangedSince {
  readonly row: number;
  readonly key: Readonly<Record<string, unknown>> | null;
}

/** What a revert does to one table. */
export interface RevertedTable {
  readonly table: TableState;
  readonly insertedRows: number;
  readonly updatedRows: number;
  readonly deletedRows: number;
  /** Identities of the rows that are left as they are. */
  readonly skipped: readonly ChangedSince[];
}

interface Planned extends RevertedTable {
  /** Versions that end, and those that come back. */
  readonly came: readonly MatchedInFile[];
  readonly went: readonly MatchedInFile[];
}

/** Rows by identity that a revert finds, of one table. */
interface Found {
  /** Versions that the commit brought, and those of them that are still there. */
  readonly brought: readonly MatchedInFile[];
  readonly still: readonly MatchedInFile[];
  /** Versions that the commit ended. */
  readonly went: readonly MatchedInFile[];
}

/**
 * What a revert would do; nothing is written. The state is pinned by the caller.
 * @throws EngineError BAD_USER_INPUT, TABLE_NOT_FOUND, SCHEMA_MISMATCH, SNAPSHOT_EXPIRED, CONFLICT {table, rows}, LIMIT_EXCEEDED
 */
export async function planRevert(
  parts: RestoreParts,
  state: CatalogState,
  request: RevertRequest,
  options: QueryOptions,
): Promise<RevertedTable[]> {
  return plan(parts, state, request, options);
}

async function plan(parts: RestoreParts, state: CatalogState, request: RevertRequest, options: QueryOptions): Promise<Planned[]> {
  const commit = parts.history.commit(request.snapshotId);
  const planned: Planned[] = [];
  for (const tableId of commit.expired ?? []) throw snapshotExpired(tableById(state, tableId), request.snapshotId);
  for (const snapshot of commit.snapshots) {
    const table = tableById(state, snapshot.tableId);
    await checkRevertible(parts, table, snapshot);
    planned.push(await planTable(parts, table, snapshot, request, options));
  }
  return planned;
}

/** Only rows are undone; what was done to a table itself is for restore. */
async function checkRevertible(parts: RestoreParts, table: TableState, snapshot: Snapshot): Promise<void> {
  const { snapshotId, operation, parentId } = snapshot;
  const refuse = (what: string, hint: string): EngineError =>
    new EngineError('BAD_USER_INPUT', `commit ${snapshotId} ${what}, which revert does not undo`, {
      details: { table: table.name, snapshotId, operation },
      hint,
    });
  const back = `restore(tables: ["${table.name}"], to: {snapshotId: ${snapshotId - 1}}) brings the table back to what it was before.`;
  if (parentId === null || operation === 'CREATE') throw refuse(`created table ${table.name}`, 'dropTable takes the table away.');
  if (operation === 'DROP') throw refuse(`dropped table ${table.name}`, back);
  if (operation === 'ERASE') throw refuse(`erased rows of table ${table.name}`, 'What was erased is in no snapshot any more.');
  if (table.droppedSnapshotId !== null)
    throw new EngineError('TABLE_NOT_FOUND', `table ${table.name} was dropped after commit ${snapshotId}`, {
      details: { table: table.name },
      hint: 'Restore the table first.',
    });
  for (const at of [asSnapshotId(snapshotId - 1), snapshotId]) if (!isKept(table, at)) throw snapshotExpired(table, at);
  const before = parts.history.snapshot(table.id, parentId);
  if (before === undefined || before.operation === 'DROP')
    throw refuse(`brought table ${table.name} back`, 'dropTable takes the table away.');
  if (operation === 'ALTER' || before.schemaVersion !== snapshot.schemaVersion)
    throw refuse(`changed the columns or the settings of table ${table.name}`, `alterTable changes them again; ${back}`);
  const then = table.schemas.find(({ version }) => version === snapshot.schemaVersion)?.columns ?? [];
  const unfit = table.schema.columns.find(
    (column) =>
      !takes(
        column,
        then.find(({ fieldId }) => fieldId === column.fieldId),
      ),
  );
  if (unfit !== undefined)
    throw new EngineError(
      'SCHEMA_MISMATCH',
      `column ${unfit.name} of table ${table.name} no longer takes the values of before commit ${snapshotId}`,
      {
        details: { table: table.name, column: unfit.name },
        hint: back,
      },
    );
}

/** Whether a column has room for every value that it had, or reads as a default where it was not there. */
function takes(now: Column, then: Column | undefined): boolean {
  if (then === undefined) return !now.required || now.default !== null;
  if (now.required && !then.required) return false;
  if (now.type === 'DECIMAL' && then.type === 'DECIMAL') return now.scale === then.scale && (now.precision ?? 0) >= (then.precision ?? 0);
  return now.type === then.type || (then.type === 'INT' && now.type === 'LONG') || (then.type === 'FLOAT' && now.type === 'DOUBLE');
}

async function planTable(
  parts: RestoreParts,
  table: TableState,
  snapshot: Snapshot,
  { snapshotId, onChanged }: RevertRequest,
  options: QueryOptions,
): Promise<Planned> {
  const columns = keyColumns(table.schema).map(({ column }) => column);
  const span = { after: asSnapshotId(snapshotId - 1), upTo: snapshotId };
  const ofCommit: CheckedFilter = { kind: 'compare', column: FROM_SNAPSHOT_ID, operator: 'eq', cell: BigInt(snapshotId) };
  const match = (visibility: Visibility, request: Partial<MatchRequest> = {}): Promise<MatchedInFile[]> =>
    parts.matcher.matchMany(table, visibility, { filter: undefined, columns, ...request }, options);
  const brought = await match({ kind: 'created', ...span });
  const visibility: Visibility = { kind: 'visible', at: table.last.snapshotId };
  const found: Found = {
    brought,
    still: brought.length === 0 ? [] : await match(visibility, { filter: ofCommit, window: spanOf(brought) }),
    went: await match({ kind: 'deleted', ...span }),
  };
  const still = rowsOf(found.still);
  const went = rowsOf(found.went);
  const changed = await changedSince(parts, table, snapshot, found, options);
  if (changed.size > 0 && onChanged === 'CONFLICT') throw conflict(table, snapshotId, described(table, found, changed));
  if (changed.size > LIMITS.filterListMax)
    throw limitExceeded(
      'filterListMax',
      LIMITS.filterListMax,
      changed.size,
      'So many rows have changed since: restore what is left by hand.',
    );
  let updatedRows = 0;
  let insertedRows = 0;
  for (const row of went) {
    if (changed.has(row)) continue;
    if (still.has(row)) updatedRows += 1;
    else insertedRows += 1;
  }
  const ending = [...still].filter((row) => !changed.has(row)).length;
  const stays = (row: number): boolean => !changed.has(row);
  return {
    table,
    insertedRows,
    updatedRows,
    deletedRows: ending - updatedRows,
    skipped: described(table, found, changed),
    came: chosen(found.still, stays),
    went: chosen(found.went, stays),
  };
}

const rowsOf = (found: readonly MatchedInFile[]): Set<number> => {
  const rows = new Set<number>();
  for (const { rows: some } of found) for (const row of some) rows.add(row);
  return rows;
};

/** The identities between which rows lie. */
function spanOf(found: readonly MatchedInFile[]): RowWindow {
  const least = found.map(({ rows }) => rows[0] as number);
  const most = found.map(({ rows }) => rows.at(-1) as number);
  return { lo: Math.min(...least), hi: Math.max(...most) + 1 };
}

/** Rows of the commit that are not as it left them, and those whose primary key another row has now. */
async function changedSince(
  parts: RestoreParts,
  table: TableState,
  snapshot: Snapshot,
  found: Found,
  options: QueryOptions,
): Promise<Set<number>> {
  const brought = rowsOf(found.brought);
  const still = rowsOf(found.still);
  const went = rowsOf(found.went);
  const changed = new Set([...brought].filter((row) => !still.has(row)));
  // Rows that the commit deleted come back by a restore or a revert alone.
  if (restores(table.last) > restores(snapshot)) {
    const deleted = [...went].filter((row) => !brought.has(row));
    const visibility = { kind: 'visible', at: table.last.snapshotId } as const;
    for (const { row } of await parts.matcher.rows(table, visibility, deleted, [], options)) changed.add(row);
  }
  const keys = keysOf(table.schema, found.went);
  const owners = await new StoredRows(table, parts.matcher, parts.store, undefined).ownersOf(keys.map(({ hash }) => hash));
  // A row that stays as it is keeps its key, which may be that of another: until no more are found.
  for (let more = true; more; ) {
    more = false;
    keys.forEach(({ row }, index) => {
      const owner = owners[index];
      if (changed.has(row) || owner === undefined || owner === row || (still.has(owner) && !changed.has(owner))) return;
      changed.add(row);
      more = true;
    });
  }
  return changed;
}

const restores = ({ operationCounts }: Snapshot): number => operationCounts[OPERATIONS.indexOf('RESTORE')] ?? 0;

function described(table: TableState, { brought, went }: Found, rows: ReadonlySet<number>): ChangedSince[] {
  const columns = keyColumns(table.schema).map(({ column }) => column);
  const keys = new Map<number, ChangedSince['key']>();
  for (const { rows: some, cells } of [...went, ...brought]) {
    some.forEach((row, index) => {
      if (columns.length === 0 || !rows.has(row)) return;
      keys.set(row, Object.fromEntries(columns.map((column, at) => [column.name, toWire(column, cells[at]?.[index] ?? null)])));
    });
  }
  return [...rows].sort((left, right) => left - right).map((row) => ({ row, key: keys.get(row) ?? null }));
}

function conflict(table: TableState, snapshotId: SnapshotId, rows: readonly ChangedSince[]): EngineError {
  const many = rows.length === 1 ? '1 row has' : `${rows.length} rows have`;
  return new EngineError('CONFLICT', `table ${table.name}: ${many} changed since commit ${snapshotId}, or had their primary key taken`, {
    details: { table: table.name, snapshotId, rows: rows.slice(0, LIMITS.invalidRowsReported), changedRows: rows.length },
    hint: 'Nothing was done. onChanged: SKIP leaves these rows as they are and undoes the rest.',
  });
}

function chosen(found: readonly MatchedInFile[], keep: (row: number) => boolean): MatchedInFile[] {
  return found.flatMap(({ fileId, rows, froms, cells }) => {
    const places = [...rows.keys()].filter((at) => keep(rows[at] as number));
    if (places.length === rows.length) return [{ fileId, rows, froms, cells }];
    if (places.length === 0) return [];
    return [
      {
        fileId,
        rows: Float64Array.from(places, (at) => rows[at] as number),
        froms: Float64Array.from(places, (at) => froms[at] as number),
        cells: cells.map((column) => places.map((at) => column[at] ?? null)),
      },
    ];
  });
}

interface EvaluatedRevert extends Evaluated {
  readonly reverted: readonly RevertedTable[];
}

/** @throws EngineError as planRevert, and STORAGE_FULL, OVERLOADED */
export async function evaluateRevert(
  parts: RestoreParts,
  state: CatalogState,
  request: RevertRequest,
  options: QueryOptions,
): Promise<EvaluatedRevert> {
  const changes: TableChange[] = [];
  const files: { tableId: TableId; file: ChangeFile }[] = [];
  let bytes = 0;
  const reverted = await plan(parts, state, request, options);
  for (const { table, came, went, skipped } of reverted) {
    const visibility = { kind: 'deleted', after: asSnapshotId(request.snapshotId - 1), upTo: request.snapshotId } as const;
    const cells = skipped.map(({ row }) => BigInt(row));
    const filter: CheckedFilter | undefined = cells.length === 0 ? undefined : { kind: 'in', column: ROW_ID, cells, negated: true };
    const built = await bringBack(parts, table, { present: table.schema, came, went, visibility, filter });
    if (built === undefined) continue;
    changes.push(built.change);
    files.push(...built.files.map((file) => ({ tableId: table.id, file })));
    bytes += built.bytes;
  }
  const tables = reverted.map(({ table }) => table);
  return { state, changes, tables, found: [], restsOn: 'tables', files, bytes, memory: new Map(), rows: undefined, reverted };
}
