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

/** What a write did. If there was nothing to commit, `commit` is null and the counts are 0. */
export interface CommitResult {
  /** The commit; null if there was nothing to commit. */
  readonly commit: Commit | null;
  /** The snapshots that the commit made; the tables' current ones if there was nothing to commit. */
  readonly snapshots: readonly Snapshot[];
  /** Whether this is an earlier commit with the same idempotency key, and nothing was changed. */
  readonly replayed: boolean;
  /** Rows that the commit inserted. */
  readonly insertedRows: number;
  /** Rows that the commit updated. */
  readonly updatedRows: number;
  /** Rows that the commit deleted. */
  readonly deletedRows: number;
}

/** The result of a write of rows. */
export interface ChangeResult extends CommitResult {
  /**
   * The row versions after the write, with all columns of the table. Append and upsert give them in the order of the input, also rows
   * that an upsert did not change. Delete gives the deleted versions. Empty for several operations, for files, for writes of more than
   * 100,000 rows, and for a replayed commit.
   */
  readonly rows: readonly { readonly rowId: RowId; readonly fromSnapshotId: SnapshotId; readonly cells: Cells }[];
}

/** What `engine.restore` restores. */
export interface RestoreOptions {
  /** Names of the tables; by default the whole catalog. An empty list is refused. */
  readonly tables?: readonly string[] | null | undefined;
  /** The instant to restore. */
  readonly to: AsOf;
  /** Whether only the plan is answered, and nothing is done. */
  readonly dryRun?: boolean | null | undefined;
  /** Ends the wait for an instant that is in the future. */
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

/** What `engine.revert` undoes. */
export interface RevertOptions {
  /** The commit to undo. */
  readonly snapshotId: number;
  /** What to do with rows that were changed after the commit: CONFLICT (default) refuses the revert, SKIP leaves these rows as they are. */
  readonly onChanged?: 'CONFLICT' | 'SKIP' | null | undefined;
  /** Whether to change nothing and only answer what would change. */
  readonly dryRun?: boolean | null | undefined;
}

export interface RevertResult extends RestoreResult {
  /** Table by table, with the rows that were left as they are; empty where it was replayed. */
  readonly reverted: readonly RevertedTable[];
}

/** The result of `engine.eraseRows`. */
export interface EraseResult extends CommitResult {
  /** How many rows were erased. */
  readonly erasedRows: number;
  /** How many versions these rows had, over all of history. */
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
  throw new EngineError(
    'OVERLOADED',
    `table ${table.name} has more than ${LIMITS.looseEndsMax} deleted versions that wait for compaction`,
    {
      details: { retryAfterMs: 5000, limit: 'looseEndsMax', maximum: LIMITS.looseEndsMax },
      hint: 'Try again after details.retryAfterMs milliseconds, or call compact.',
    },
  );
}
