/** restore and revert: what is asked for, resolved, and what became of it. */
import type { Administration } from './administration.ts';
import type { CheckedOptions } from './commit/write/options.ts';
import type { Outcome } from './log/entry.ts';
import { EngineError } from './model/errors.ts';
import { asSnapshotId } from './model/ids.ts';
import type { AsOf, Reads } from './read/reads.ts';
import { type CommitResult, nothing, type RevertOptions, type RevertResult } from './results.ts';

export interface UndoParts {
  readonly read: Reads;
  readonly administration: Administration;
  readonly result: (outcome: Outcome) => CommitResult;
}

export interface RestoreOptions {
  /** All of the catalog where absent. */
  readonly tables?: readonly string[] | null;
  readonly to: AsOf;
}

export async function restoreTables(
  { read, administration, result }: UndoParts,
  { tables, to }: RestoreOptions,
  options: CheckedOptions,
): Promise<CommitResult> {
  const { snapshotId } = await read.resolve(to);
  const { outcome, evaluated } = await administration.restore({ tables: tables ?? null, to: snapshotId }, options);
  return outcome === undefined ? nothing((evaluated?.tables ?? []).map(({ last }) => last)) : result(outcome);
}

/**
 * Undoes one commit, as a new commit: its rows are as they were before it. Rows that later commits changed are a CONFLICT
 * {table, rows}, or with onChanged: SKIP are left as they are and named in the result.
 * @throws EngineError SNAPSHOT_NOT_FOUND, SNAPSHOT_EXPIRED, BAD_USER_INPUT, TABLE_NOT_FOUND, SCHEMA_MISMATCH, CONFLICT,
 *   LIMIT_EXCEEDED, OVERLOADED
 */
export async function revertCommit(
  { read, administration, result }: UndoParts,
  { snapshotId, onChanged, dryRun }: RevertOptions,
  options: CheckedOptions,
): Promise<RevertResult> {
  const found = await read.resolve({ kind: 'snapshot', snapshotId: asSnapshotId(snapshotId) });
  if (found.snapshotId === 0)
    throw new EngineError('SNAPSHOT_NOT_FOUND', 'there is no commit 0: it stands for the empty catalog', { details: { snapshotId } });
  const request = { snapshotId: found.snapshotId, onChanged: onChanged ?? 'CONFLICT' } as const;
  if (dryRun === true) {
    const reverted = await administration.wouldRevert(request, options);
    const sum = (key: 'insertedRows' | 'updatedRows' | 'deletedRows'): number => reverted.reduce((total, table) => total + table[key], 0);
    const counts = { insertedRows: sum('insertedRows'), updatedRows: sum('updatedRows'), deletedRows: sum('deletedRows') };
    return { ...nothing(reverted.map(({ table }) => table.last)), ...counts, reverted };
  }
  const { outcome, reverted } = await administration.revert(request, options);
  return { ...(outcome === undefined ? nothing(reverted.map(({ table }) => table.last)) : result(outcome)), reverted };
}
