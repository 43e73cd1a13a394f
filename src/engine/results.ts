/** What changes answer with. */
import { looseEndsIn, type TableState } from './catalog/state.ts';
import type { Evaluated } from './commit/write/evaluate.ts';
import type { RevertedTable } from './commit/write/revert.ts';
import type { Outcome } from './log/entry.ts';
import { EngineError } from './model/errors.ts';
import type { Commit, Snapshot } from './model/history.ts';
import { asRowId, type RowId, type SnapshotId, type TableId } from './model/ids.ts';
import { LIMITS } from './model/limits.ts';
import type { Cells } from './model/types.ts';
import type { History, Instant } from './read/history.ts';
import type { AsOf } from './read/instants.ts';

/** What a mutation did. Counts are 0 and `commit` is null where there was nothing to commit. */
export interface CommitResult {
  readonly commit: Commit | null;
  /** The snapshots that the commit made; the tables' current ones where there is none. */
  readonly snapshots: readonly Snapshot[];
  /** Whether an earlier commit with the same idempotency key is returned. */
  readonly replayed: boolean;
  readonly insertedRows: number;
  readonly updatedRows: number;
  readonly deletedRows: number;
}

export interface ChangeResult extends CommitResult {
  /**
   * The row versions that the operation brought (delete: those it ended), all of the table's columns; append and upsert in
   * input order, and where an upsert left a row as it was, the version there is. Empty for several operations, for files, for changes of more than 100,000 rows, and where it was replayed.
   */
  readonly rows: readonly { readonly rowId: RowId; readonly fromSnapshotId: SnapshotId; readonly cells: Cells }[];
}

export interface RestoreOptions {
  /** All of the catalog where absent; at least one where given. */
  readonly tables?: readonly string[] | null | undefined;
  readonly to: AsOf;
  /** Whether only the plan is answered, and nothing is done. */
  readonly dryRun?: boolean | null | undefined;
  /** Ends the wait for an instant that has not come yet. */
  readonly signal?: AbortSignal | undefined;
}

/** Two instants and the tables in which they are compared: what was changed, or on a dry run would be. */
export interface UndoDiff {
  readonly from: Instant;
  readonly to: Instant;
  readonly tables: readonly TableState[];
  /** Rows that stay as they are, by table. */
  readonly without: ReadonlyMap<TableId, readonly number[]>;
}

/** Counts, also of a dry run, which has no commit. */
export interface RestoreResult extends CommitResult {
  readonly diff: UndoDiff;
}

export interface RevertOptions {
  readonly snapshotId: number;
  readonly onChanged?: 'CONFLICT' | 'SKIP' | null | undefined;
  readonly dryRun?: boolean | null | undefined;
}

export interface RevertResult extends RestoreResult {
  /** Table by table, with the rows that were left as they are; empty where it was replayed. */
  readonly reverted: readonly RevertedTable[];
}

export interface EraseResult extends CommitResult {
  readonly erasedRows: number;
  /** Versions of them, over all of history. */
  readonly erasedVersions: number;
}

/** What a commit did, be it made now or by an earlier call with the same idempotency key. */
export function committedResult(history: History, outcome: Outcome): CommitResult {
  if (outcome.kind !== 'committed' && outcome.kind !== 'replayed') throw new Error(`a commit ended as ${outcome.kind}`);
  const replayed = outcome.kind === 'replayed';
  const commit = replayed ? history.commit(outcome.snapshotId) : outcome.commit;
  const sum = (key: 'insertedRows' | 'updatedRows' | 'deletedRows'): number =>
    commit.snapshots.reduce((total, snapshot) => total + snapshot[key], 0);
  return {
    commit,
    snapshots: commit.snapshots,
    replayed,
    insertedRows: sum('insertedRows'),
    updatedRows: sum('updatedRows'),
    deletedRows: sum('deletedRows'),
  };
}

/** The rows of an append, as they were committed: new identities follow one another. */
export function appendedRows(rows: readonly Cells[], { snapshots }: CommitResult): ChangeResult['rows'] {
  const [snapshot] = snapshots;
  if (snapshot === undefined) return [];
  const rowBase = snapshot.nextRow - snapshot.insertedRows;
  return rows.map((cells, index) => ({ rowId: asRowId(rowBase + index), fromSnapshotId: snapshot.snapshotId, cells }));
}

/** The rows of a single operation's answer, as they were committed; what an upsert left alone, as it is. */
export function changedRows({ rows }: Evaluated, { snapshots }: CommitResult): ChangeResult['rows'] {
  const [snapshot] = snapshots;
  if (rows === undefined || snapshot === undefined) return [];
  const inserted = rows.draft.inserted.filter((row) => row.cells !== null);
  const rowBase = snapshot.nextRow - inserted.length;
  const places = new Map(inserted.map((row, index) => [row, rowBase + index]));
  return rows.rows.flatMap((row) => {
    const rowId = asRowId(row.row ?? places.get(row) ?? 0);
    if (row.cells !== null) {
      const fromSnapshotId = row.cells === row.original?.cells ? row.original.from : snapshot.snapshotId;
      return [{ rowId, fromSnapshotId, cells: row.cells }];
    }
    return row.original === undefined ? [] : [{ rowId, fromSnapshotId: row.original.from, cells: row.original.cells }];
  });
}

export function nothing(snapshots: readonly Snapshot[]): CommitResult {
  return { commit: null, snapshots, replayed: false, insertedRows: 0, updatedRows: 0, deletedRows: 0 };
}

/** @throws EngineError OVERLOADED where too many ended versions still lie in the files of living ones: changes wait for compaction */
export function refuseTooManyEnds(table: TableState): void {
  if (looseEndsIn(table) <= LIMITS.looseEndsMax) return;
  throw new EngineError('OVERLOADED', `table ${table.name} has more than ${LIMITS.looseEndsMax} ended versions that wait for compaction`, {
    details: { retryAfterMs: 5000, limit: 'looseEndsMax', maximum: LIMITS.looseEndsMax },
    hint: 'Try again after details.retryAfterMs milliseconds, or call compact.',
  });
}
