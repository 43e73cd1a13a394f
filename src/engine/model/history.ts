/** What history is made of: commits, the snapshots they make of each table, and the files that hold rows. */
import type { FileId, LogIndex, RowId, SnapshotId, TableId, TimestampMs } from './ids.ts';
import type { Cell, Operation } from './types.ts';

/** The state of one table after a commit that changed it. Counts make ranges of history countable by subtraction. */
export interface Snapshot {
  readonly tableId: TableId;
  readonly snapshotId: SnapshotId;
  readonly timestampMs: TimestampMs;
  /** What the commit did to the table. */
  readonly operation: Operation;
  /** The table's snapshot before this one; null for the first. */
  readonly parentId: SnapshotId | null;
  /** Position among the table's snapshots, from 1. */
  readonly ordinal: number;
  /** How many snapshots of each operation the table has up to this one, in the order of OPERATIONS. */
  readonly operationCounts: readonly number[];
  /** Rows that the commit inserted. */
  readonly insertedRows: number;
  /** Rows that the commit updated. */
  readonly updatedRows: number;
  /** Rows that the commit deleted. */
  readonly deletedRows: number;
  /** Rows of the table after the commit. */
  readonly totalRows: number;
  /** Data files right after the commit; flush and compaction change the number later without a commit. */
  readonly totalFiles: number;
  /** Bytes of data files and hot rows right after the commit. */
  readonly totalBytes: number;
  /** The identity that the next new row of the table gets. */
  readonly nextRow: RowId;
  /** Hot rows and bytes that the table's commits ever brought; what flush took is kept beside it. */
  readonly hotRowsEver: number;
  readonly hotBytesEver: number;
  /** Of the hot rows ever, those that are new versions of rows that were there before. */
  readonly hotVersionsEver: number;
  readonly schemaVersion: number;
  /** What hashes the commit's rows of this table (docs/audit.md): replaced, with its seed, when rows are erased. */
  readonly proof: RowsProof;
}

/** A root over the rows that a commit brought to and ended in one table, and the secret that its leaves are keyed with. */
export interface RowsProof {
  /** 16 random bytes. */
  readonly seed: Buffer;
  /** SHA-256. */
  readonly root: Buffer;
}

/** The atomic unit of change: one or more tables, one timestamp. */
export interface Commit {
  readonly snapshotId: SnapshotId;
  /** UTC milliseconds; never decreases from one commit to the next. */
  readonly timestampMs: TimestampMs;
  readonly logIndex: LogIndex;
  /** 16 random bytes, hex: the unique id of the log entry. */
  readonly entryId: string;
  /** Who made it, as given by the writer. */
  readonly author: string | null;
  /** Why, as given by the writer. */
  readonly message: string | null;
  /** JSON text of an object. */
  readonly properties: string | null;
  /** SHA-256 over this commit's content and the hash before it in the audit chain. */
  readonly hash: Buffer;
  /** One for each table that it changed, in the order of the operations, without expired ones. */
  readonly snapshots: readonly Snapshot[];
  /** Tables whose snapshot has expired; absent where none has. */
  readonly expired?: readonly TableId[] | undefined;
}

/** What is known of one column's values in one file; used to leave files unread. */
export interface ColumnBounds {
  readonly fieldId: number;
  /** A value no stored one is below; null where unknown or all are null. */
  readonly min: Cell;
  /** A value no stored one is above; null where unknown, all are null, or NaN is among them. */
  readonly max: Cell;
  readonly nullCount: number;
}

/**
 * An immutable Parquet file of one table.
 * - `staged` files were written by an append and hold the user's columns only: row = rowLo + position, from = fromLo.
 * - `versions` files were written by a change and hold new versions of rows: they carry `_row`; from = fromLo.
 * - `live` files were written by flush or compaction, of versions that lived then: `_row` and `_from`, sorted by `_row`.
 * - `history` files hold versions that have ended: `_row`, `_from` and `_to`, sorted by `_to`.
 */
export interface DataFile {
  readonly fileId: FileId;
  readonly tableId: TableId;
  readonly kind: FileKind;
  /** File name within the table's folder. */
  readonly name: string;
  readonly sizeBytes: number;
  /** SHA-256 of the bytes, hex. */
  readonly sha256: string;
  readonly rowCount: number;
  readonly rowLo: RowId;
  readonly rowHi: RowId;
  readonly fromLo: SnapshotId;
  readonly fromHi: SnapshotId;
  /** `history` only: the first and last end, and floor(log2(to - from)) of all its versions. */
  readonly toLo: SnapshotId;
  readonly toHi: SnapshotId;
  readonly lifeLog: number;
  /** The commit that ended every version in the file that still lived; null while some may live. Not for `history`. */
  readonly endedAt: SnapshotId | null;
  readonly schemaVersion: number;
  readonly bounds: readonly ColumnBounds[];
}

export const FILE_KINDS = ['staged', 'versions', 'live', 'history'] as const;
type FileKind = (typeof FILE_KINDS)[number];

/** Versions of one file, or of the hot rows, that one commit ended; loose until compaction writes `_to` into a file. */
export interface Ends {
  /** HOT for hot rows. */
  readonly fileId: FileId;
  /** The commit that ended them. */
  readonly to: SnapshotId;
  /** Ascending. */
  readonly rows: Float64Array;
  /** The commit that brought each. */
  readonly froms: Float64Array;
}

/** What stands for the hot rows where a file is named. */
export const HOT = 0 as FileId;

/** A name for a snapshot. It never moves, and its snapshot does not expire. */
export interface Tag {
  readonly name: string;
  readonly snapshotId: SnapshotId;
  readonly message: string | null;
  readonly createdAtMs: TimestampMs;
}

/** Snapshots of a table that stay readable below the horizon: at [from, until), since a tag lies there. */
export interface Held {
  readonly from: SnapshotId;
  readonly until: SnapshotId;
}

/** How much of a table's history is kept; null where that does not limit it. Both must allow expiry. */
export interface Retention {
  /** Snapshots older than this may expire, milliseconds. */
  readonly maxAgeMs: number | null;
  /** The newest so many snapshots are always kept; at least 1. */
  readonly minSnapshots: number | null;
}

/** A root over the rows of a table as of a snapshot that expiry or a tag made the end of what is kept. */
export interface Checkpoint extends RowsProof {
  readonly at: SnapshotId;
}

/** What expiry left of a table's history. */
export interface KeptRecord {
  /** The oldest snapshot from which on all are kept; 0 where none has expired. */
  readonly horizon: SnapshotId;
  /** When that snapshot was made. */
  readonly horizonMs: TimestampMs;
  /** Snapshots below it that tags hold. */
  readonly held: readonly Held[];
  /** Rows of the oldest snapshots that are kept, in place of the roots of the commits that brought them. */
  readonly checkpoints: readonly Checkpoint[];
  /** What was erased from the table, ever. */
  readonly erased: readonly ErasedVersions[];
}

/** A root that an erasure put in the place of an earlier one: of a commit's rows, or of a checkpoint. */
export interface ReplacedRoot {
  readonly tableId: TableId;
  readonly snapshotId: SnapshotId;
  readonly of: 'commit' | 'checkpoint';
  readonly root: Buffer;
}

/** How many erased versions were visible at [from, to): what past counts of rows are corrected by. */
export interface ErasedVersions {
  readonly from: SnapshotId;
  readonly to: SnapshotId;
  readonly rows: number;
}
