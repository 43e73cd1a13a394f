/** What history is made of: commits, the snapshots they make of each table, and the files that hold rows. */
import type { FileId, LogIndex, RowId, SnapshotId, TableId, TimestampMs } from './ids.ts';
import type { Cell, Operation } from './types.ts';

/** The state of one table after a commit that changed it. Counts make ranges of history countable by subtraction. */
export interface Snapshot {
  readonly tableId: TableId;
  readonly snapshotId: SnapshotId;
  readonly timestampMs: TimestampMs;
  readonly operation: Operation;
  /** The table's snapshot before this one; null for the first. */
  readonly parentId: SnapshotId | null;
  /** Position among the table's snapshots, from 1. */
  readonly ordinal: number;
  /** How many snapshots of each operation the table has up to this one, in the order of OPERATIONS. */
  readonly operationCounts: readonly number[];
  readonly insertedRows: number;
  readonly updatedRows: number;
  readonly deletedRows: number;
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
  readonly schemaVersion: number;
}

/** The atomic unit of change. */
export interface Commit {
  readonly snapshotId: SnapshotId;
  /** UTC milliseconds; never decreases from one commit to the next. */
  readonly timestampMs: TimestampMs;
  readonly logIndex: LogIndex;
  /** 16 random bytes, hex: the unique id of the log entry. */
  readonly entryId: string;
  readonly author: string | null;
  readonly message: string | null;
  /** JSON text of an object. */
  readonly properties: string | null;
  /** CRC-32C chained over this record and all before it. */
  readonly chain: number;
  /** One a touched table, in the order of the operations. */
  readonly snapshots: readonly Snapshot[];
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
 * `staged` files were written by an append and hold the user's columns only: row = rowLo + position, from = fromLo.
 * `sorted` files were written by flush or compaction and carry `_row` and `_from`, sorted by `_row`.
 */
export interface DataFile {
  readonly fileId: FileId;
  readonly tableId: TableId;
  readonly kind: 'staged' | 'sorted';
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
  readonly schemaVersion: number;
  readonly bounds: readonly ColumnBounds[];
}
