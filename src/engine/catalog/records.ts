/** Binary forms of the catalog's records (docs/format.md, "Records"). Checksums are added by the store. */
import { hash as digest } from 'node:crypto';
import { ByteReader, ByteWriter } from '../encoding/bytes.ts';
import { HASH_BYTES } from '../encoding/proof.ts';
import type { Commit, KeptRecord, ReplacedRoot, Snapshot } from '../model/history.ts';
import {
  asLogIndex,
  asRowId,
  asSnapshotId,
  asTableId,
  asTimestampMs,
  type LogIndex,
  type SnapshotId,
  type TableId,
  type TimestampMs,
} from '../model/ids.ts';
import { OPERATIONS, type Operation } from '../model/types.ts';
import { decodeKept, encodeKept, oneOf, readProof } from './table-records.ts';

export * from './table-records.ts';

export interface Head {
  readonly logIndex: LogIndex;
  readonly snapshotId: SnapshotId;
  readonly timestampMs: TimestampMs;
  readonly nextFileId: number;
  readonly idempotentCommits: number;
  /** The newest hash of the audit chain. */
  readonly hash: Buffer;
}

export function encodeHead(head: Head): Buffer {
  return new ByteWriter(64)
    .varint(head.logIndex)
    .varint(head.snapshotId)
    .varint(head.timestampMs)
    .varint(head.nextFileId)
    .varint(head.idempotentCommits)
    .raw(head.hash)
    .finish();
}

export function decodeHead(bytes: Uint8Array): Head {
  const reader = new ByteReader(bytes);
  return {
    logIndex: asLogIndex(reader.varint()),
    snapshotId: asSnapshotId(reader.varint()),
    timestampMs: asTimestampMs(reader.varint()),
    nextFileId: reader.varint(),
    idempotentCommits: reader.varint(),
    hash: Buffer.from(reader.raw(HASH_BYTES)),
  };
}

export const encodeNumber = (value: number): Buffer => new ByteWriter(10).varint(value).finish();
export const decodeNumber = (bytes: Uint8Array): number => new ByteReader(bytes).varint();

/** What a commit's record says of one table; enough to recompute the commit's hash when its snapshots have expired. */
export interface CommitTable {
  readonly tableId: TableId;
  readonly operation: Operation;
  readonly insertedRows: number;
  readonly updatedRows: number;
  readonly deletedRows: number;
  /** The root over the rows as it was first committed. */
  readonly root: Buffer;
  /** SHA-256 over the table's definition, where the commit made or changed it; else null. */
  readonly definition: Buffer | null;
}

/** A commit record holds all of a commit but its snapshots, which have records of their own. */
export interface CommitRecord extends Omit<Commit, 'snapshots'> {
  readonly tables: readonly CommitTable[];
  readonly replaced: readonly ReplacedRoot[];
}

/** The record's bytes and its hash, SHA-256 over the chain's hash before it, its snapshot id and these bytes. */
export function encodeCommit(commit: Omit<CommitRecord, 'hash'>, previousHash: Buffer): { bytes: Buffer; hash: Buffer } {
  const writer = new ByteWriter(192);
  writer.varint(commit.timestampMs).varint(commit.logIndex).raw(Buffer.from(commit.entryId, 'hex'));
  writer.optionalText(commit.author).optionalText(commit.message).optionalText(commit.properties);
  writer.varint(commit.tables.length);
  for (const table of commit.tables) {
    writer.varint(table.tableId).u8(OPERATIONS.indexOf(table.operation));
    writer.varint(table.insertedRows).varint(table.updatedRows).varint(table.deletedRows).raw(table.root);
    if (table.definition === null) writer.u8(0);
    else writer.u8(1).raw(table.definition);
  }
  writer.varint(commit.replaced.length);
  for (const { tableId, snapshotId, of, root } of commit.replaced) {
    writer
      .varint(tableId)
      .varint(snapshotId)
      .u8(of === 'commit' ? 0 : 1)
      .raw(root);
  }
  const hash = commitHash(previousHash, commit.snapshotId, writer.finish());
  return { bytes: writer.raw(hash).finish(), hash };
}

function commitHash(previousHash: Buffer, snapshotId: SnapshotId, body: Uint8Array): Buffer {
  const linked = new ByteWriter(HASH_BYTES + 9 + body.length).u8(0x63).raw(previousHash).u64(snapshotId).raw(body).finish();
  return sha256(linked);
}

/** As text and back: the buffer that Node makes of a digest costs more than the digest of a record does. */
function sha256(bytes: Buffer): Buffer {
  return Buffer.from(digest('sha256', bytes, 'binary'), 'latin1');
}

export function decodeCommit(snapshotId: SnapshotId, bytes: Uint8Array): CommitRecord {
  const reader = new ByteReader(bytes);
  const timestampMs = asTimestampMs(reader.varint());
  const logIndex = asLogIndex(reader.varint());
  const entryId = reader.raw(16).toString('hex');
  const author = reader.optionalText();
  const message = reader.optionalText();
  const properties = reader.optionalText();
  const tables = Array.from({ length: reader.varint() }, (): CommitTable => {
    const tableId = asTableId(reader.varint());
    const operation = oneOf(OPERATIONS, reader.u8(), 'operation');
    const counts = { insertedRows: reader.varint(), updatedRows: reader.varint(), deletedRows: reader.varint() };
    const root = Buffer.from(reader.raw(HASH_BYTES));
    return { tableId, operation, ...counts, root, definition: reader.u8() === 0 ? null : Buffer.from(reader.raw(HASH_BYTES)) };
  });
  const replaced = Array.from(
    { length: reader.varint() },
    (): ReplacedRoot => ({
      tableId: asTableId(reader.varint()),
      snapshotId: asSnapshotId(reader.varint()),
      of: reader.u8() === 0 ? 'commit' : 'checkpoint',
      root: Buffer.from(reader.raw(HASH_BYTES)),
    }),
  );
  const hash = Buffer.from(reader.raw(HASH_BYTES));
  return { snapshotId, timestampMs, logIndex, entryId, author, message, properties, tables, replaced, hash };
}

/** Recomputes a stored commit's hash from its bytes and the hash before it. */
export function hashOfCommit(snapshotId: SnapshotId, bytes: Buffer, previousHash: Buffer): Buffer {
  return commitHash(previousHash, snapshotId, bytes.subarray(0, bytes.length - HASH_BYTES));
}

/** A maintenance entry's record. Those that replace what the audit chain vouches for are links of it. */
export type MaintenanceRecord =
  | { readonly kind: 'rewrite' | 'tag' }
  | { readonly kind: 'expire'; readonly tableId: TableId; readonly kept: KeptRecord; readonly hash: Buffer };

const MAINTENANCE_KINDS = ['rewrite', 'tag', 'expire'] as const;

export function encodeMaintenance(kind: 'rewrite' | 'tag'): Buffer {
  return new ByteWriter(4).u8(MAINTENANCE_KINDS.indexOf(kind)).finish();
}

export function encodeExpire(
  { tableId, kept, logIndex }: { readonly tableId: TableId; readonly kept: KeptRecord; readonly logIndex: LogIndex },
  previousHash: Buffer,
): { bytes: Buffer; hash: Buffer } {
  const writer = new ByteWriter(128).u8(MAINTENANCE_KINDS.indexOf('expire')).varint(tableId).blob(encodeKept(kept));
  const hash = expireHash(previousHash, logIndex, writer.finish());
  return { bytes: writer.raw(hash).finish(), hash };
}

function expireHash(previousHash: Buffer, logIndex: LogIndex, body: Uint8Array): Buffer {
  return sha256(new ByteWriter(HASH_BYTES + 9 + body.length).u8(0x4d).raw(previousHash).u64(logIndex).raw(body).finish());
}

export function hashOfExpire(logIndex: LogIndex, bytes: Buffer, previousHash: Buffer): Buffer {
  return expireHash(previousHash, logIndex, bytes.subarray(0, bytes.length - HASH_BYTES));
}

export function decodeMaintenance(bytes: Uint8Array): MaintenanceRecord {
  const reader = new ByteReader(bytes);
  const kind = oneOf(MAINTENANCE_KINDS, reader.u8(), 'maintenance entry');
  if (kind !== 'expire') return { kind };
  const tableId = asTableId(reader.varint());
  return { kind, tableId, kept: decodeKept(reader.blob()), hash: Buffer.from(reader.raw(HASH_BYTES)) };
}

export function encodeSnapshot(snapshot: Snapshot): Buffer {
  const writer = new ByteWriter(128)
    .varint(snapshot.timestampMs)
    .u8(OPERATIONS.indexOf(snapshot.operation))
    .varint(snapshot.parentId ?? 0)
    .varint(snapshot.ordinal)
    .varint(snapshot.insertedRows)
    .varint(snapshot.updatedRows)
    .varint(snapshot.deletedRows)
    .varint(snapshot.totalRows)
    .varint(snapshot.totalFiles)
    .varint(snapshot.totalBytes)
    .varint(snapshot.nextRow)
    .varint(snapshot.hotRowsEver)
    .varint(snapshot.hotBytesEver)
    .varint(snapshot.hotVersionsEver)
    .varint(snapshot.schemaVersion)
    .raw(snapshot.proof.seed)
    .raw(snapshot.proof.root);
  snapshot.operationCounts.forEach((count, operation) => {
    if (count > 0) writer.u8(operation + 1).varint(count);
  });
  return writer.u8(0).finish();
}

export function decodeSnapshot(tableId: TableId, snapshotId: SnapshotId, bytes: Uint8Array): Snapshot {
  const reader = new ByteReader(bytes);
  const timestampMs = asTimestampMs(reader.varint());
  const operation = oneOf(OPERATIONS, reader.u8(), 'operation');
  const parentId = reader.varint();
  return {
    tableId,
    snapshotId,
    timestampMs,
    operation,
    parentId: parentId === 0 ? null : asSnapshotId(parentId),
    ordinal: reader.varint(),
    insertedRows: reader.varint(),
    updatedRows: reader.varint(),
    deletedRows: reader.varint(),
    totalRows: reader.varint(),
    totalFiles: reader.varint(),
    totalBytes: reader.varint(),
    nextRow: asRowId(reader.varint()),
    hotRowsEver: reader.varint(),
    hotBytesEver: reader.varint(),
    hotVersionsEver: reader.varint(),
    schemaVersion: reader.varint(),
    proof: readProof(reader),
    operationCounts: readOperationCounts(reader),
  };
}

function readOperationCounts(reader: ByteReader): number[] {
  const counts = OPERATIONS.map(() => 0);
  for (let operation = reader.u8(); operation !== 0; operation = reader.u8()) {
    oneOf(OPERATIONS, operation - 1, 'operation');
    counts[operation - 1] = reader.varint();
  }
  return counts;
}

/** Which key a commit used, and which commit with a key it is, from 1. */
export interface IdempotencyAgeRecord {
  readonly hash: Buffer;
  readonly ordinal: number;
}

export function encodeIdempotencyAge({ hash, ordinal }: IdempotencyAgeRecord): Buffer {
  return new ByteWriter(24).raw(hash).varint(ordinal).finish();
}

export function decodeIdempotencyAge(bytes: Uint8Array): IdempotencyAgeRecord {
  const reader = new ByteReader(bytes);
  return { hash: reader.raw(16), ordinal: reader.varint() };
}

/** What an idempotency key brought. */
export interface IdempotencyRecord {
  readonly snapshotId: SnapshotId;
  readonly timestampMs: TimestampMs;
  /** First 16 bytes of SHA-256 over the content, hex. */
  readonly content: string;
}

/** What an erasure puts in the place of a content hash: rows must not be guessed back from it. */
export const ERASED_CONTENT = '0'.repeat(32);

export function encodeIdempotency(record: IdempotencyRecord): Buffer {
  return new ByteWriter(40).varint(record.snapshotId).varint(record.timestampMs).raw(Buffer.from(record.content, 'hex')).finish();
}

export function decodeIdempotency(bytes: Uint8Array): IdempotencyRecord {
  const reader = new ByteReader(bytes);
  return {
    snapshotId: asSnapshotId(reader.varint()),
    timestampMs: asTimestampMs(reader.varint()),
    content: reader.raw(16).toString('hex'),
  };
}
