/** What the log orders. An entry carries a format version, a unique id and everything that apply needs: no clock, no disk. */
import type { ErrorCode, ErrorDetails } from '../model/errors.ts';
import type { ColumnBounds, Commit, DataFile } from '../model/history.ts';
import type { FileId, RowId, SnapshotId, TableId } from '../model/ids.ts';
import type { NewTable } from '../model/schema.ts';

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

export interface AppendChange {
  readonly kind: 'append';
  readonly tableId: TableId;
  /** Apply refuses the entry where the table's columns have changed since it was prepared. */
  readonly schemaVersion: number;
  readonly rowCount: number;
  /** Encoded rows that travel inside the commit, or the file that holds them. */
  readonly rows: { readonly kind: 'hot'; readonly bytes: Buffer } | { readonly kind: 'file'; readonly file: StagedFile };
  /** One 16-byte hash a row; empty on tables without a primary key. */
  readonly keyHashes: readonly Buffer[];
}

export type TableChange = CreateChange | AppendChange;

interface EntryBase {
  readonly format: typeof ENTRY_FORMAT;
  /** 16 random bytes, hex. */
  readonly id: string;
  /** What the entry weighs in memory and on disk, about. */
  readonly bytes: number;
}

export interface CommitEntry extends EntryBase {
  readonly kind: 'commit';
  readonly change: TableChange;
  readonly author: string | null;
  readonly message: string | null;
  readonly properties: string | null;
  /** `key`: hash of caller and key; `content`: hash of what is committed. 16 bytes each. */
  readonly idempotency: { readonly key: Buffer; readonly content: string } | null;
  readonly expectedSnapshotId: SnapshotId | null;
}

export interface FlushEntry extends EntryBase {
  readonly kind: 'flush';
  readonly tableId: TableId;
  /** The hot rows of this snapshot and before lie in the file. */
  readonly upTo: SnapshotId;
  /** Rows before this identity lie in files from now on. */
  readonly hotRowLo: RowId;
  readonly rowsTaken: number;
  readonly bytesTaken: number;
  readonly file: NewSortedFile;
}

export interface CompactEntry extends EntryBase {
  readonly kind: 'compact';
  readonly tableId: TableId;
  readonly inputs: readonly FileId[];
  readonly outputs: readonly NewSortedFile[];
}

/** A file that maintenance wrote; apply gives it its id. */
export interface NewSortedFile extends StagedFile {
  readonly rowLo: RowId;
  readonly rowHi: RowId;
  readonly fromLo: SnapshotId;
  readonly fromHi: SnapshotId;
  readonly schemaVersion: number;
}

export type LogEntry = CommitEntry | FlushEntry | CompactEntry;

/** What became of an entry. A refusal changed nothing. */
export type Outcome =
  | { readonly kind: 'committed'; readonly commit: Commit }
  | { readonly kind: 'replayed'; readonly snapshotId: SnapshotId }
  | { readonly kind: 'unchanged'; readonly tableId: TableId }
  | { readonly kind: 'maintained'; readonly retired: readonly DataFile[] }
  | { readonly kind: 'refused'; readonly refusal: RefusedEntry };

export interface RefusedEntry {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: ErrorDetails;
  readonly hint?: string;
}
