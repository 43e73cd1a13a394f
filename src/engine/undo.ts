/** restore and revert: resolves what is asked for, and builds the answer. */
import type { Administration } from './administration.ts';
import { type CatalogState, type TableState, tableById } from './catalog/state.ts';
import { unexpectedRows } from './commit/expectations.ts';
import type { CheckedOptions } from './commit/write/options.ts';
import type { RestoreRequest } from './commit/write/restore.ts';
import type { RevertedTable } from './commit/write/revert.ts';
import type { Outcome } from './log/entry.ts';
import { EngineError, refusalError } from './model/errors.ts';
import { asSnapshotId } from './model/ids.ts';
import type { Instant } from './read/history.ts';
import type { Reads } from './read/reads.ts';
import {
  type CommitResult,
  nothing,
  type RestoreOptions,
  type RestoreResult,
  type RevertOptions,
  type RevertResult,
  type UndoDiff,
} from './results.ts';

export interface UndoParts {
  readonly read: Reads;
  readonly administration: Administration;
  readonly result: (outcome: Outcome) => CommitResult;
  readonly current: () => CatalogState;
}

type Counts = Pick<CommitResult, 'insertedRows' | 'updatedRows' | 'deletedRows'>;

const NONE: UndoDiff['without'] = new Map();

export async function restoreTables(
  parts: UndoParts,
  { tables = null, to, dryRun, signal }: RestoreOptions,
  options: CheckedOptions,
): Promise<RestoreResult> {
  if (tables !== null && tables.length === 0)
    throw new EngineError('BAD_USER_INPUT', 'tables is empty: name at least one table, or leave it out for the whole catalog');
  const instant = await parts.read.resolve(to, signal);
  const request = { tables, to: instant.snapshotId };
  if (dryRun === true) return wouldRestore(parts, request, instant, options);
  const { outcome, evaluated } = await parts.administration.restore(request, options);
  return undone(parts, outcome, evaluated?.tables ?? []);
}

async function wouldRestore(
  { read, administration }: UndoParts,
  request: RestoreRequest,
  to: Instant,
  options: CheckedOptions,
): Promise<RestoreResult> {
  const tables = await administration.wouldRestore(request, options);
  const from = await read.resolve({ kind: 'newest' });
  const diffs: Counts[] = [];
  for (const table of tables) diffs.push(await read.diff(table, { from: from.snapshotId, to: to.snapshotId }));
  return { ...would(tables, diffs, options), diff: { from, to, tables, without: NONE } };
}

/** What a commit is that was not made. @throws EngineError CONFLICT where it would change other than the expected number of rows */
function would(tables: readonly TableState[], changes: readonly Counts[], { expectedRows }: CheckedOptions): CommitResult {
  const sum = (key: keyof Counts): number => changes.reduce((total, counts) => total + counts[key], 0);
  const counts = { insertedRows: sum('insertedRows'), updatedRows: sum('updatedRows'), deletedRows: sum('deletedRows') };
  const unexpected = unexpectedRows(expectedRows, counts.insertedRows + counts.updatedRows + counts.deletedRows);
  if (unexpected !== undefined) throw refusalError(unexpected);
  return { ...nothing(tables.map(({ last }) => last)), ...counts };
}

/** What a commit did, over the tables that it was about; of a commit that is replayed its own snapshots tell them. */
async function undone(
  { read, result, current }: UndoParts,
  outcome: Outcome | undefined,
  about: readonly TableState[],
): Promise<RestoreResult> {
  const done = outcome === undefined ? nothing(about.map(({ last }) => last)) : result(outcome);
  const to = done.commit ?? (await read.resolve({ kind: 'newest' }));
  const from = done.commit === null ? to : await before(read, done.commit.snapshotId);
  const tables = done.replayed ? done.snapshots.map(({ tableId }) => tableById(current(), tableId)) : about;
  return { ...done, diff: { from, to, tables, without: NONE } };
}

/** The instant before a commit: the empty catalog's where it is the first. */
async function before(read: Reads, snapshotId: number): Promise<Instant> {
  if (snapshotId === 1) return { snapshotId: asSnapshotId(0), timestampMs: null };
  return read.resolve({ kind: 'snapshot', snapshotId: asSnapshotId(snapshotId - 1) });
}

/**
 * Undoes one commit, as a new commit: its rows are as they were before it. Rows that later commits changed are a CONFLICT
 * {table, rows}, or with onChanged: SKIP are left as they are and named in the result.
 * @throws EngineError SNAPSHOT_NOT_FOUND, SNAPSHOT_EXPIRED, BAD_USER_INPUT, TABLE_NOT_FOUND, SCHEMA_MISMATCH, CONFLICT,
 *   LIMIT_EXCEEDED, OVERLOADED
 */
export async function revertCommit(
  parts: UndoParts,
  { snapshotId, onChanged, dryRun }: RevertOptions,
  options: CheckedOptions,
): Promise<RevertResult> {
  const { read, administration } = parts;
  const found = await read.resolve({ kind: 'snapshot', snapshotId: asSnapshotId(snapshotId) });
  const request = { snapshotId: found.snapshotId, onChanged: onChanged ?? 'CONFLICT' } as const;
  if (dryRun === true) {
    const reverted = await administration.wouldRevert(request, options);
    const tables = tablesOf(reverted);
    const without = new Map(reverted.map(({ table, skipped }) => [table.id, skipped.map(({ row }) => row)]));
    // Backwards over the commit itself: what came since stays.
    const diff = { from: found, to: await before(read, found.snapshotId), tables, without };
    return { ...would(tables, reverted, options), diff, reverted };
  }
  const { outcome, reverted } = await administration.revert(request, options);
  return { ...(await undone(parts, outcome, tablesOf(reverted))), reverted };
}

function tablesOf(reverted: readonly RevertedTable[]): TableState[] {
  return reverted.map(({ table }) => table);
}
