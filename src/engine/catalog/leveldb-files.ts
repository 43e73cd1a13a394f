/**
 * Reads LevelDB's own files, only to check them. LevelDB drops the records behind a damaged byte of its log without a
 * word and then deletes the log, so the log is checked before LevelDB sees it. Keeps invariant 6.
 * Formats: doc/log_format.md and doc/table_format.md of google/leveldb.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { uncompress } from 'snappyjs';
import { ByteReader } from '../model/bytes.ts';
import { crc32c } from '../model/crc32c.ts';

export interface Damage {
  /** Relative to the data directory. */
  readonly file: string;
  /** Byte position in the file. */
  readonly offset: number;
  readonly what: string;
}

const BLOCK_BYTES = 32 * 1024;
const HEADER_BYTES = 7;
const FOOTER_BYTES = 48;
const TRAILER_BYTES = 5;
const TABLE_MAGIC = Buffer.from('57fb808b247547db', 'hex');
const MASK_DELTA = 0xa282ead8;

function maskedCrc(bytes: Buffer, start: number, end: number): number {
  const crc = crc32c(bytes, 0, start, end);
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
}

/** Record types: a whole one, or the first, a middle, the last part of one that spans blocks. */
const FIRST_TYPE = 2;
const LAST_TYPE = 4;

/** The length of a valid log record at `at`, or undefined. */
function recordAt(bytes: Buffer, at: number, typeMax = LAST_TYPE): number | undefined {
  const blockEnd = Math.min(at - (at % BLOCK_BYTES) + BLOCK_BYTES, bytes.length);
  if (at + HEADER_BYTES > blockEnd) return undefined;
  const length = bytes.readUInt16LE(at + 4);
  const type = bytes[at + 6] as number;
  const end = at + HEADER_BYTES + length;
  if (type < 1 || type > typeMax || end > blockEnd) return undefined;
  return maskedCrc(bytes, at + 6, end) === bytes.readUInt32LE(at) ? HEADER_BYTES + length : undefined;
}

export interface LogScan {
  /** Where the first bad byte sequence starts, or undefined where all is well. */
  readonly badAt: number | undefined;
  /** Whether valid records follow it: then it is damage; else it may be the torn end that a crash leaves. */
  readonly damaged: boolean;
}

/** Checks a file in LevelDB's log format: its write-ahead log or its manifest. */
export function scanLog(bytes: Buffer): LogScan {
  let at = 0;
  while (at < bytes.length) {
    const left = BLOCK_BYTES - (at % BLOCK_BYTES);
    if (left < HEADER_BYTES) {
      at += left;
      continue;
    }
    const size = recordAt(bytes, at);
    if (size === undefined) return { badAt: at, damaged: validRecordAfter(bytes, at + 1) };
    at += size;
  }
  return { badAt: undefined, damaged: false };
}

/**
 * Whether another record begins later. Only a beginning counts: a record that spans blocks and was cut by a power loss
 * may have later parts on disk.
 */
function validRecordAfter(bytes: Buffer, start: number): boolean {
  // In the damaged record's own block nothing tells where the next one begins: byte by byte, for two blocks.
  const searchEnd = Math.min(bytes.length, start + 2 * BLOCK_BYTES);
  for (let at = start; at + HEADER_BYTES <= searchEnd; at += 1) {
    if ((bytes[at + 6] as number) <= FIRST_TYPE && recordAt(bytes, at, FIRST_TYPE) !== undefined) return true;
  }
  // Every block begins with a record, so from block starts on the records can be walked again.
  for (let block = searchEnd - (searchEnd % BLOCK_BYTES); block < bytes.length; block += BLOCK_BYTES) {
    let at = block;
    for (let size = recordAt(bytes, at); size !== undefined; size = recordAt(bytes, at)) {
      if (at >= start && (bytes[at + 6] as number) <= FIRST_TYPE) return true;
      at += size;
      if (BLOCK_BYTES - (at % BLOCK_BYTES) < HEADER_BYTES) break;
    }
  }
  return false;
}

/** The first damaged block of a LevelDB table file, or undefined. */
export function scanTable(bytes: Buffer): { offset: number; what: string } | undefined {
  if (bytes.length < FOOTER_BYTES) return { offset: 0, what: 'the table is too short to be one' };
  const footer = bytes.subarray(bytes.length - FOOTER_BYTES);
  if (!footer.subarray(40).equals(TABLE_MAGIC)) return { offset: bytes.length - 8, what: 'the magic number of the table is wrong' };
  try {
    const reader = new ByteReader(footer);
    // The metaindex names the filter blocks, the index the data blocks.
    for (const index of [readHandle(reader), readHandle(reader)]) {
      const damagedIndex = checkBlock(bytes, index);
      if (damagedIndex !== undefined) return damagedIndex;
      for (const handle of blockHandles(blockContents(bytes, index))) {
        const damaged = checkBlock(bytes, handle);
        if (damaged !== undefined) return damaged;
      }
    }
    return undefined;
  } catch (error) {
    return { offset: bytes.length - FOOTER_BYTES, what: `the table cannot be read: ${(error as Error).message}` };
  }
}

interface Handle {
  readonly offset: number;
  readonly size: number;
}

function readHandle(reader: ByteReader): Handle {
  return { offset: reader.varint(), size: reader.varint() };
}

function checkBlock(bytes: Buffer, { offset, size }: Handle): { offset: number; what: string } | undefined {
  const end = offset + size;
  if (end + TRAILER_BYTES > bytes.length) return { offset: bytes.length, what: 'a block lies outside the table' };
  if (maskedCrc(bytes, offset, end + 1) === bytes.readUInt32LE(end + 1)) return undefined;
  return { offset, what: 'the checksum of a block does not match' };
}

function blockContents(bytes: Buffer, { offset, size }: Handle): Buffer {
  const contents = bytes.subarray(offset, offset + size);
  return bytes[offset + size] === 1 ? Buffer.from(uncompress(contents)) : contents;
}

function blockHandles(block: Buffer): Handle[] {
  const restarts = block.readUInt32LE(block.length - 4);
  const end = block.length - 4 - 4 * restarts;
  const reader = new ByteReader(block.subarray(0, end));
  const handles: Handle[] = [];
  while (reader.remaining > 0) {
    reader.varint();
    const keyBytes = reader.varint();
    const valueBytes = reader.varint();
    reader.raw(keyBytes);
    handles.push(readHandle(new ByteReader(reader.raw(valueBytes))));
  }
  return handles;
}

/** A file's bytes; none where it has gone: LevelDB replaces its files while others look. */
function bytesOf(directory: string, name: string): Buffer | undefined {
  try {
    return readFileSync(join(directory, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function filesOf(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    return [];
  }
}

const isLog = (name: string): boolean => name.endsWith('.log') || name.startsWith('MANIFEST-');

/** Bytes in LevelDB's write-ahead logs: what the next open will replay. */
export function logBytes(directory: string): number {
  let bytes = 0;
  for (const name of filesOf(directory)) if (name.endsWith('.log')) bytes += bytesOf(directory, name)?.length ?? 0;
  return bytes;
}

/** Damage in the logs and the manifest, which LevelDB would swallow. `torn` lists files whose end may be a crash's doing. */
export function damagedLogs(directory: string): { damages: Damage[]; torn: string[] } {
  const damages: Damage[] = [];
  const torn: string[] = [];
  for (const name of filesOf(directory).filter(isLog)) {
    const scan = scanLog(bytesOf(directory, name) ?? Buffer.alloc(0));
    if (scan.badAt === undefined) continue;
    if (scan.damaged)
      damages.push({ file: `catalog/${name}`, offset: scan.badAt, what: 'a record of the log is damaged and others follow it' });
    else torn.push(name);
  }
  return { damages, torn };
}

/** Payloads of the whole records of a file in LevelDB's log format, up to the first that cannot be read. */
function recordsOf(bytes: Buffer): Buffer[] {
  const records: Buffer[] = [];
  let parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const left = BLOCK_BYTES - (at % BLOCK_BYTES);
    const size = left < HEADER_BYTES ? undefined : recordAt(bytes, at);
    if (size === undefined) {
      if (left >= HEADER_BYTES) break;
      at += left;
      continue;
    }
    const type = bytes[at + 6] as number;
    if (type <= FIRST_TYPE) parts = [];
    parts.push(bytes.subarray(at + HEADER_BYTES, at + size));
    if (type === 1 || type === LAST_TYPE) records.push(Buffer.concat(parts));
    at += size;
  }
  return records;
}

/** Tags of a version edit: what a record of the manifest says (db/version_edit.cc). */
const EDIT = {
  comparator: 1,
  logNumber: 2,
  nextFile: 3,
  lastSequence: 4,
  compactPointer: 5,
  deletedFile: 6,
  newFile: 7,
  previousLog: 9,
} as const;

/** The tables that LevelDB counts as its own, with their sizes: what a crash leaves half-written is not among them. */
export function liveTables(directory: string): Map<number, number> {
  const tables = new Map<number, number>();
  const current = bytesOf(directory, 'CURRENT')?.toString('latin1').trim() ?? '';
  const manifest = /^MANIFEST-\d+$/.test(current) ? bytesOf(directory, current) : undefined;
  for (const record of recordsOf(manifest ?? Buffer.alloc(0))) applyEdit(new ByteReader(record), tables);
  return tables;
}

function applyEdit(reader: ByteReader, tables: Map<number, number>): void {
  while (reader.remaining > 0) {
    switch (reader.varint()) {
      case EDIT.comparator:
        reader.blob();
        break;
      case EDIT.logNumber:
      case EDIT.nextFile:
      case EDIT.lastSequence:
      case EDIT.previousLog:
        reader.varint();
        break;
      case EDIT.compactPointer:
        reader.varint();
        reader.blob();
        break;
      case EDIT.deletedFile:
        reader.varint();
        tables.delete(reader.varint());
        break;
      case EDIT.newFile: {
        reader.varint();
        tables.set(reader.varint(), reader.varint());
        reader.blob();
        reader.blob();
        break;
      }
      default:
        return;
    }
  }
}

/** A table's bytes under either of the names that LevelDB gives them. */
function tableBytes(directory: string, number: number): Buffer | undefined {
  const name = tableName(number);
  return bytesOf(directory, name) ?? bytesOf(directory, name.replace(/ldb$/, 'sst'));
}

function tableName(number: number): string {
  return `${String(number).padStart(6, '0')}.ldb`;
}

/** What is wrong with one live table, if anything. */
export function damageOfTable(directory: string, number: number): Damage | undefined {
  const file = `catalog/${tableName(number)}`;
  const sizeBytes = liveTables(directory).get(number);
  // LevelDB replaced it meanwhile.
  if (sizeBytes === undefined) return undefined;
  return damageOfBytes(file, tableBytes(directory, number), sizeBytes);
}

function damageOfBytes(file: string, bytes: Buffer | undefined, sizeBytes: number): Damage | undefined {
  if (bytes === undefined) return { file, offset: 0, what: 'the table is missing' };
  if (bytes.length !== sizeBytes)
    return { file, offset: Math.min(bytes.length, sizeBytes), what: `the table has ${bytes.length} bytes, ${sizeBytes} were written` };
  const damage = scanTable(bytes);
  return damage === undefined ? undefined : { file, ...damage };
}

/** Damage in LevelDB's live tables, the newest first, up to about `bytesMax`; `unchecked` lists the numbers of the rest. */
export function damagedTables(directory: string, bytesMax: number): { damages: Damage[]; unchecked: number[] } {
  const damages: Damage[] = [];
  const unchecked: number[] = [];
  let left = bytesMax;
  for (const [number, sizeBytes] of [...liveTables(directory)].sort(([one], [other]) => other - one)) {
    if (left <= 0) {
      unchecked.push(number);
      continue;
    }
    left -= sizeBytes;
    const damage = damageOfBytes(`catalog/${tableName(number)}`, tableBytes(directory, number), sizeBytes);
    if (damage !== undefined) damages.push(damage);
  }
  return { damages, unchecked };
}

/** Every damaged file of a catalog folder, logs and tables, as LevelDB's own checksums tell. */
export function damagedFiles(directory: string): Damage[] {
  return [...damagedLogs(directory).damages, ...damagedTables(directory, Number.POSITIVE_INFINITY).damages];
}
