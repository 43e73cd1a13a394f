/** Branded numbers, so that one kind of id is never passed for another. All are safe integers. */
declare const brand: unique symbol;
type Branded<Name extends string> = number & { readonly [brand]: Name };

/** Catalog-wide, 1, 2, 3, ... in commit order with no gaps; 0 is the empty catalog before the first commit. */
export type SnapshotId = Branded<'SnapshotId'>;
/** A table's identity, never reused. */
export type TableId = Branded<'TableId'>;
/** A data file's identity within its catalog, never reused. */
export type FileId = Branded<'FileId'>;
/** A row's identity within its table: the same over all its versions. */
export type RowId = Branded<'RowId'>;
/** A position in the log; commits and maintenance both take one. */
export type LogIndex = Branded<'LogIndex'>;
/** UTC milliseconds since the epoch. */
export type TimestampMs = Branded<'TimestampMs'>;

export const asSnapshotId = (value: number): SnapshotId => value as SnapshotId;
export const asTableId = (value: number): TableId => value as TableId;
export const asFileId = (value: number): FileId => value as FileId;
export const asRowId = (value: number): RowId => value as RowId;
export const asLogIndex = (value: number): LogIndex => value as LogIndex;
export const asTimestampMs = (value: number): TimestampMs => value as TimestampMs;
