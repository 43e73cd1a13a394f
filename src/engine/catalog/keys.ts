/**
 * Keys of the catalog (docs/format.md, "Keys"). Binary and big-endian, so that LevelDB's order is the order that reads
 * need. User values never stand in a key unhashed: LevelDB's own info log prints keys.
 */
import { hash as digest } from 'node:crypto';
import type { FileId, LogIndex, SnapshotId, TableId } from '../model/ids.ts';
import { OPERATIONS, type Operation } from '../model/types.ts';

export const PREFIX = {
  meta: 0x00,
  commit: 0x63, // c
  time: 0x74, // t
  snapshot: 0x73, // s
  operation: 0x6f, // o
  author: 0x61, // a
  hot: 0x68, // h
  file: 0x66, // f
  table: 0x54, // T
  flushed: 0x46, // F
  key: 0x6b, // k
  idempotency: 0x69, // i
  idempotencyAge: 0x6a, // j
  maintenance: 0x4d, // M
  ends: 0x64, // d
  changes: 0x78, // x
  tag: 0x67, // g
  kept: 0x52, // R
} as const;

const meta = (name: string): Buffer => Buffer.concat([Buffer.of(PREFIX.meta), Buffer.from(name, 'latin1')]);

/** Format version; written once. */
export const FORMAT_KEY = meta('format');
/** Applied log index, newest snapshot and timestamp; written in every batch. */
export const HEAD_KEY = meta('head');
/** The instant that a start takes as the floor of its clock. */
export const CEILING_KEY = meta('ceiling');
/** Which incarnation of the database this is, and what its file INCARNATION physically is. */
export const INCARNATION_KEY = meta('incarnation');

function putU64(buffer: Buffer, value: number, at: number): void {
  buffer.writeUInt32BE(Math.floor(value / 2 ** 32), at);
  buffer.writeUInt32BE(value % 2 ** 32, at + 4);
}

function numberKey(prefix: number, value: number): Buffer {
  const key = Buffer.allocUnsafe(9);
  key[0] = prefix;
  putU64(key, value, 1);
  return key;
}

function tableNumberKey(prefix: number, tableId: TableId, value: number): Buffer {
  const key = Buffer.allocUnsafe(13);
  key[0] = prefix;
  key.writeUInt32BE(tableId, 1);
  putU64(key, value, 5);
  return key;
}

function tableKeyOf(prefix: number, tableId: TableId): Buffer {
  const key = Buffer.allocUnsafe(5);
  key[0] = prefix;
  key.writeUInt32BE(tableId, 1);
  return key;
}

export const commitKey = (snapshotId: SnapshotId): Buffer => numberKey(PREFIX.commit, snapshotId);
/** The last commit of each millisecond: ties go to the highest snapshot. */
export const timeKey = (timestampMs: number): Buffer => numberKey(PREFIX.time, timestampMs);
export const snapshotKey = (tableId: TableId, snapshotId: SnapshotId): Buffer => tableNumberKey(PREFIX.snapshot, tableId, snapshotId);
export const hotKey = (tableId: TableId, snapshotId: SnapshotId): Buffer => tableNumberKey(PREFIX.hot, tableId, snapshotId);
export const fileKey = (tableId: TableId, fileId: FileId): Buffer => tableNumberKey(PREFIX.file, tableId, fileId);
export const tableKey = (tableId: TableId): Buffer => tableKeyOf(PREFIX.table, tableId);
export const keptKey = (tableId: TableId): Buffer => tableKeyOf(PREFIX.kept, tableId);
export const flushedKey = (tableId: TableId): Buffer => tableKeyOf(PREFIX.flushed, tableId);
export const maintenanceKey = (index: LogIndex): Buffer => numberKey(PREFIX.maintenance, index);
export const idempotencyAgeKey = (snapshotId: SnapshotId): Buffer => numberKey(PREFIX.idempotencyAge, snapshotId);
export const idempotencyKey = (hash: Uint8Array): Buffer => Buffer.concat([Buffer.of(PREFIX.idempotency), hash]);

export const changesKey = (tableId: TableId, snapshotId: SnapshotId): Buffer => tableNumberKey(PREFIX.changes, tableId, snapshotId);

/** Delete vectors of one file by one commit; file 0 stands for the hot rows. */
export function endsKey(tableId: TableId, to: SnapshotId, fileId: FileId): Buffer {
  const key = Buffer.allocUnsafe(21);
  key[0] = PREFIX.ends;
  key.writeUInt32BE(tableId, 1);
  putU64(key, to, 5);
  putU64(key, fileId, 13);
  return key;
}

/** The name stands hashed: the first 16 bytes of SHA-256. */
export function tagKey(name: string): Buffer {
  return Buffer.concat([Buffer.of(PREFIX.tag), digest('sha256', Buffer.from(name), 'buffer').subarray(0, 16)]);
}

/** All keys of one table under a prefix. */
export function tableRange(prefix: number, tableId: TableId): { gte: Buffer; lt: Buffer } {
  return { gte: tableKeyOf(prefix, tableId), lt: tableKeyOf(prefix, (tableId + 1) as TableId) };
}

/** `hash`: the first 16 bytes of SHA-256 over the encoded key cells. */
export function primaryKeyKey(tableId: TableId, hash: Uint8Array): Buffer {
  const key = Buffer.allocUnsafe(21);
  key[0] = PREFIX.key;
  key.writeUInt32BE(tableId, 1);
  key.set(hash, 5);
  return key;
}

/** The hash in a key that primaryKeyKey made. */
export const keyHashIn = (key: Buffer): Buffer => key.subarray(5);

export function operationKey(tableId: TableId, operation: Operation, snapshotId: SnapshotId): Buffer {
  const key = Buffer.allocUnsafe(14);
  key[0] = PREFIX.operation;
  key.writeUInt32BE(tableId, 1);
  key[5] = OPERATIONS.indexOf(operation);
  putU64(key, snapshotId, 6);
  return key;
}

/** The author stands hashed: the first 16 bytes of SHA-256. */
export function authorKey(author: string, snapshotId: SnapshotId): Buffer {
  const key = Buffer.allocUnsafe(25);
  key[0] = PREFIX.author;
  key.set(digest('sha256', Buffer.from(author), 'buffer').subarray(0, 16), 1);
  putU64(key, snapshotId, 17);
  return key;
}

/** The number in a key's last eight bytes. */
export function lastNumber(key: Buffer): number {
  return key.readUInt32BE(key.length - 8) * 2 ** 32 + key.readUInt32BE(key.length - 4);
}

/** All keys of a prefix. */
export function prefixRange(prefix: number): { gte: Buffer; lt: Buffer } {
  return { gte: Buffer.of(prefix), lt: Buffer.of(prefix + 1) };
}
