/** Every bound of the engine, by name. What goes past one is LIMIT_EXCEEDED or OVERLOADED with the bound in it. */
import { EngineError } from './errors.ts';

export const LIMITS = {
  /** Rows in one append through the API. */
  rowsPerCommitMax: 100_000,
  /** Rows in one imported Parquet file of a table with a primary key (its keys travel in one batch). */
  importKeysMax: 500_000,
  /** Encoded bytes up to which a commit's rows travel inside the commit; larger batches become a data file first. */
  hotCommitBytesMax: 64 * 1024,
  /** Bytes of entries in one group commit. */
  roundBytesMax: 1024 * 1024,
  /** Bytes of entries that wait for the sequencer. */
  pendingBytesMax: 64 * 1024 * 1024,
  /** Hot rows of one table past which appends wait for a flush. */
  hotRowsMax: 200_000,
  /** Hot bytes of one table past which appends wait for a flush. */
  hotBytesMax: 64 * 1024 * 1024,
  /** How long an append waits for a flush before OVERLOADED. */
  hotWaitMs: 10_000,
  /** Rows that one table's mirror takes in one turn of the event loop. */
  mirrorRowsPerTurn: 2_000,
  /** Rows in all mirrors together before the least recently used go. */
  mirrorRowsMax: 1_000_000,
  /** Staged files being written at once. */
  stagingMax: 2,
  /** Appends that wait for a place to stage. */
  stagingQueueMax: 64,
  /** Rows that a commit of several operations, or an upsert, update or replace with rows in memory, may change of one table. */
  changedRowsMax: 100_000,
  /** Rows that one delete, update, replace or restore of many rows may end. */
  endedRowsMax: 20_000_000,
  /** Versions in the delete vectors of one table past which changes wait for a compaction. */
  looseEndsMax: 4_000_000,
  /** How long a change may keep its table to itself, or wait for it. */
  holdMs: 10_000,
  /** Rows that one erasure takes out of history. */
  erasedRowsMax: 100_000,
  /** Operations of one commit. */
  operationsMax: 1_000,
  /** Snapshots of a table that a diff in steps goes through. */
  diffSnapshotsMax: 10_000,
  tagsMax: 10_000,
  tagLengthMax: 200,
  retentionSnapshotsMax: 1_000_000_000,
  reasonLengthMax: 10_000,
  /** How long a cursor keeps its snapshot from expiring, after the page that gave it was read. */
  cursorLeaseMs: 5 * 60 * 1000,
  cursorLeasesMax: 10_000,
  tablesMax: 10_000,
  columnsMax: 500,
  primaryKeyColumnsMax: 16,
  messageLengthMax: 10_000,
  authorLengthMax: 256,
  propertiesBytesMax: 16 * 1024,
  idempotencyKeyLengthMax: 256,
  idempotencyAgeMs: 24 * 3600 * 1000,
  idempotencyKeysMax: 1_000_000,
  descriptionLengthMax: 4_000,
  pageDefault: 50,
  pageMax: 1_000,
  /** Groups of a page where `first` is not given. */
  groupPageDefault: 100,
  orderColumnsMax: 16,
  groupColumnsMax: 16,
  filterNodesMax: 500,
  filterDepthMax: 20,
  filterListMax: 10_000,
  /** Code points of a pattern of like and ilike. */
  likePatternMax: 1_000,
  /** `_` behind the first `%` of such a pattern. */
  likeAnyMax: 10,
  /** Lists and objects inside each other in a value of a JSON column. */
  jsonDepthMax: 500,
  /** Bad rows reported for one batch. */
  invalidRowsReported: 100,
  /** Bad cells reported for one batch. */
  invalidCellsReported: 1_000,
  /** How far ahead of the server's clock an asOf may be and is waited for. */
  futureWaitMs: 5_000,
  /** How long `atLeast` waits for a commit. */
  arrivalWaitMs: 5_000,
  /** How far the machine's clock may be set, either way, while the database runs; past it, it is not followed. Less than keys are kept. */
  clockJumpMs: 23 * 3600 * 1000,
  /** How far a start may find the machine's clock ahead of the newest commit; past it, a person has to accept it. */
  clockAheadAtStartMs: 400 * 24 * 3600 * 1000,
  /** How far the persisted time ceiling runs ahead of the clock. */
  ceilingLeadMs: 1_000,
  /** How often a catalog that cannot be written is tried again, and how often the disk and the lock are looked at. */
  recoverEveryMs: 1_000,
  /** A write that comes at least so long after the last try is tried at once. */
  recoverPauseMs: 200,
  /** Past so many tries in vain the time between two grows, up to this. */
  recoverEveryMaxMs: 10_000,
  /** Free space of the disk below which no commit is taken; on small disks the part of them that follows. */
  diskReserveBytes: 64 * 1024 * 1024,
  diskReservePart: 1 / 20,
  /** Free space that a start needs beside what it makes of LevelDB's log. */
  startSpaceBytes: 1024 * 1024,
  /** Descriptors that are kept in reserve, so that LevelDB can open its next files when there is none left. */
  descriptorReserve: 8,
  /** Queries that wait for a DuckDB connection before OVERLOADED. */
  queryQueueMax: 256,
  /** How long what has no time of its own (imports, flushes) waits for a DuckDB connection before OVERLOADED. */
  queryWaitMs: 30_000,
  /** Bytes of rows that one answer may read or hold; the server gives it from --max-answer. */
  answerBytesMax: 64 * 1024 * 1024,
  /** Bytes of rows that one change may read into memory. */
  changedBytesMax: 256 * 1024 * 1024,
  /** Commits held in memory for subscribers that are caught up. */
  feedRingMax: 4_096,
  /** Commits read from the log in one step while a subscriber catches up. */
  feedReadMax: 256,
  /** Executed events that are kept for subscribers that are behind, in bytes. */
  livePayloadBytesMax: 64 * 1024 * 1024,
  /** Subscribers that read from the log at once. */
  catchingUpMax: 16,
  /** Different subscriptions of one class that read or execute their next event at once; well below what the query queue takes. */
  liveRunsMax: 16,
  /** Subscriptions that differ in document, variables or permissions. */
  distinctSubscriptionsMax: 10_000,
  /** Changed rows in one event; a larger commit comes in several. */
  changesPerEventMax: 1_000,
  /** About how many bytes of rows one event takes, before and after together; one change is always taken. */
  changesPerEventBytesMax: 1024 * 1024,
  /** Rows and bytes of one compaction's inputs. */
  compactRowsMax: 8_000_000,
  compactBytesMax: 512 * 1024 * 1024,
} as const;

export function limitExceeded(limit: string, maximum: number, actual: number, hint: string): EngineError {
  return new EngineError('LIMIT_EXCEEDED', `${limit}: ${actual} is more than the maximum of ${maximum}`, {
    details: { limit, maximum, actual },
    hint,
  });
}
