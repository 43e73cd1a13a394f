/**
 * LevelDB's log format, which its write-ahead log and its manifest have: read only to check it.
 * Format: doc/log_format.md of google/leveldb.
 */
import { maskedCrc } from './crc.ts';

const BLOCK_BYTES = 32 * 1024;
const HEADER_BYTES = 7;

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

/** A whole record of a file in LevelDB's log format. */
export interface LogRecord {
  /** Where its first part begins. */
  readonly start: number;
  readonly payload: Buffer;
}

/** Whole records of a file in LevelDB's log format, up to the first that cannot be read. @returns where they end */
export function wholeRecords(bytes: Buffer): { readonly records: LogRecord[]; readonly end: number } {
  const records: LogRecord[] = [];
  let parts: Buffer[] = [];
  let start = 0;
  let end = 0;
  for (let at = 0; at < bytes.length; ) {
    const left = BLOCK_BYTES - (at % BLOCK_BYTES);
    const size = left < HEADER_BYTES ? undefined : recordAt(bytes, at);
    if (size === undefined) {
      if (left >= HEADER_BYTES) break;
      at += left;
      continue;
    }
    const type = bytes[at + 6] as number;
    if (type <= FIRST_TYPE) {
      parts = [];
      start = at;
    }
    parts.push(bytes.subarray(at + HEADER_BYTES, at + size));
    at += size;
    if (type !== 1 && type !== LAST_TYPE) continue;
    records.push({ start, payload: Buffer.concat(parts) });
    end = at;
  }
  return { records, end };
}
