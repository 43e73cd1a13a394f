/** What the log orders. An entry carries a format version, a unique id and everything that apply needs: no clock, no disk. */
import type { ErrorData } from '../model/errors.ts';
import type {
  Checkpoint,
  ColumnBounds,
  Commit,
  DataFile,
  ErasedVersions,
  KeptRecord,
  ReplacedRoot,
  Retention,
  RowsProof,
  Tag,
} from '../model/history.ts';
import type { FileId, RowId, SnapshotId, TableId } from '../model/ids.ts';
import type { NewTable } from '../model/schema.ts';
import type { Operation, TableSchema } from '../model/types.ts';

export const ENTRY_FORMAT = 1;

/** A durable file that an entry names: its bytes are on disk before the entry is logged. */
export interface StagedFile {
  readonly name: string;
  readonly sizeBytes: number;
  /** SHA-256, hex. */
  readonly sha256: string;
  readonly rowCount: number;
  readonly bounds: readonly ColumnBounds[];
}

export interface CreateChange {
  readonly kind: 'create';
  readonly table: NewTable;
  readonly ifExists: 'ERROR' | 'IGNORE';
}

/** New columns, a new name, description or policy of a table. */
export interface AlterChange {
  readonly kind: 'alter';
  readonly tableId: TableId;
  /** What the snapshot is named by: ALTER, or RESTORE. */
  readonly operation: Operation;
  /** The schema version that it was prepared on; apply refuses the entry where that is no longer the newest. */
  readonly schemaVersion: number;
  /** The new columns; null where they stay. Its `since` is set by apply. */
  readonly schema: TableSchema | null;
  readonly description: string | null;
  readonly retention: Retention | null;
}

export interface DropChange {
  readonly kind: 'drop';
  readonly tableId: TableId;
}

/** Brings a dropped table back under its name, as restore does. */
export interface UndropChange {
  readonly kind: 'undrop';
  readonly tableId: TableId;
}

/** A durable file of new rows or new versions of rows. */
export interface ChangeFile {
  readonly file: StagedFile;
  /** Identities are assigned by apply for new rows; versions carry theirs. */
  readonly kind: 'staged' | 'versions';
  /** `versions` only: the first and last row. */
  readonly rowLo: number;
  readonly rowHi: number;
}

/** Versions that a change ends, of one file or of the hot rows. */
export interface EndedInFile {
  readonly fileId: FileId;
  /** Ascending. */
  readonly rows: Float64Array;
  readonly froms: Float64Array;
  /** Whether these are all versions of the file that still live. */
  readonly whole: boolean;
}

/** What the key index learns: keys of new rows by their position, of other rows by identity, and keys that are gone. */
export interface KeyChanges {
  /** One 16-byte hash a new row, in their order; empty on tables without a primary key. */
  readonly inserted: readonly Buffer[];
  readonly moved: readonly { readonly hash: Buffer; readonly row: number }[];
  readonly removed: readonly Buffer[];
}

/** Rows brought to and ended in one table: the net effect of one or more operations. */
export interface RowsChange {
  readonly kind: 'rows';
  readonly tableId: TableId;
  readonly operation: Operation;
  /** Apply refuses the entry where the table's columns have changed since it was prepared. */
  readonly schemaVersion: number;
  /**
   * What a change was prepared on: apply refuses the entry where the table has changed, or its rows have moved, since.
   * Null for appends, which need none.
   */
  readonly base: { readonly snapshotId: SnapshotId; readonly filesEpoch: number } | null;
  readonly insertedRows: number;
  readonly updatedRows: number;
  readonly deletedRows: number;
  /** Of the inserted rows, those that get new identities; the others were there before, and are brought back. */
  readonly newRows: number;
  /** Encoded rows that travel inside the commit: `newRows` of them new (or none), then one for each of `versionRows`. */
  readonly hot: { readonly bytes: Buffer; readonly newRows: number; readonly versionRows: readonly number[] } | null;
  readonly files: readonly ChangeFile[];
  readonly ends: readonly EndedInFile[];
  readonly keys: KeyChanges;
  /** A small change's rows before and after, as they are stored for diffs (encoding/change-record.ts); null for appends and large ones. */
  readonly changes: Buffer | null;
  readonly proof: RowsProof;
}

export type TableChange = CreateChange | AlterChange | DropChange | UndropChange | RowsChange | EraseChange;

/** Rows taken out of every snapshot of a table: files and records written anew without them. */
export interface EraseChange {
  readonly kind: 'erase';
  readonly tableId: TableId;
  readonly schemaVersion: number;
  readonly base: { readonly snapshotId: SnapshotId; readonly filesEpoch: number };
  /** Of the erased rows, those that lived. */
  readonly livingRows: number;
  /** Files that held versions of the rows, and what takes their place, with all ends of theirs in it. */
  readonly inputs: readonly FileId[];
  readonly outputs: readonly NewFile[];
  /** Identities of the rows, ascending: they leave the delete vectors. */
  readonly rows: Float64Array;
  /** Catalog records written anew without them, or, where null, taken out. */
  readonly rewritten: readonly { readonly key: Buffer; readonly value: Buffer | null }[];
  /** What hot rows are fewer by. */
  readonly hot: { readonly rows: number; readonly bytes: number; readonly versions: number };
  /** Roots over what remains of earlier commits, and of what expiry left. */
  readonly replaced: readonly ReplacedRoot[];
  readonly checkpoints: readonly Checkpoint[];
  /** How many versions of each span went; `to` null: they lived until the erasure, whose snapshot only apply knows. */
  readonly erased: readonly ErasedSpan[];
  readonly proof: RowsProof;
}

export interface ErasedSpan extends Omit<ErasedVersions, 'to'> {
  readonly to: SnapshotId | null;
}

interface EntryBase {
  readonly format: typeof ENTRY_FORMAT;
  /** 16 random bytes, hex. */
  readonly id: string;
  /** What the entry weighs in memory and on disk, about. */
  readonly bytes: number;
}

export interface CommitEntry extends EntryBase {
  readonly kind: 'commit';
  /** One a table and kind; a table's new columns come before its rows. */
  readonly changes: readonly TableChange[];
  readonly author: string | null;
  readonly message: string | null;
  readonly properties: string | null;
  /** `key`: hash of caller and key; `content`: hash of what is committed. 16 bytes each. */
  readonly idempotency: { readonly key: Buffer; readonly content: string } | null;
  readonly expectedSnapshotId: SnapshotId | null;
  /** How many rows the commit must change in all; any number where null. */
  readonly expectedRows: number | null;
}

/** flush and compact: the same versions in other files. */
export interface RewriteEntry extends EntryBase {
  readonly kind: 'rewrite';
  readonly tableId: TableId;
  readonly inputs: readonly FileId[];
  /** The hot rows that were taken too; null for compaction. */
  readonly flushed: FlushedHot | null;
  readonly outputs: readonly NewFile[];
  /** Ends of the inputs' versions by this commit and earlier ones lie in the outputs. */
  readonly endsUpTo: SnapshotId;
}

interface FlushedHot {
  /** The hot rows of this snapshot and before lie in the outputs. */
  readonly upTo: SnapshotId;
  /** New rows before this identity lie in files from now on. */
  readonly hotRowLo: RowId;
  readonly rows: number;
  readonly bytes: number;
  readonly versions: number;
}

/** Snapshots of a table that are no longer kept. */
export interface ExpireEntry extends EntryBase {
  readonly kind: 'expire';
  readonly tableId: TableId;
  /** What was kept when it was prepared; apply refuses it where that has changed. */
  readonly baseHorizon: SnapshotId;
  readonly kept: KeptRecord;
  readonly removed: readonly { readonly snapshotId: SnapshotId; readonly operation: Operation }[];
}

export interface TagEntry extends EntryBase {
  readonly kind: 'tag';
  /** Null takes the tag away. */
  readonly tag: { readonly snapshotId: SnapshotId; readonly message: string | null } | null;
  readonly name: string;
}

/** A file that maintenance wrote; apply gives it its id. */
export interface NewFile extends StagedFile {
  readonly kind: 'live' | 'history';
  readonly rowLo: RowId;
  readonly rowHi: RowId;
  readonly fromLo: SnapshotId;
  readonly fromHi: SnapshotId;
  readonly toLo: SnapshotId;
  readonly toHi: SnapshotId;
  readonly lifeLog: number;
  readonly schemaVersion: number;
}

export type LogEntry = CommitEntry | RewriteEntry | ExpireEntry | TagEntry;

/** What became of an entry. A refusal changed nothing. */
export type Outcome =
  | { readonly kind: 'committed'; readonly commit: Commit }
  | { readonly kind: 'replayed'; readonly snapshotId: SnapshotId }
  | { readonly kind: 'unchanged'; readonly tableId: TableId }
  | { readonly kind: 'maintained'; readonly retired: readonly DataFile[] }
  | { readonly kind: 'tagged'; readonly tag: Tag | null }
  | { readonly kind: 'refused'; readonly refusal: ErrorData };
