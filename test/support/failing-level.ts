/**
 * A LevelDB whose disk fails on purpose: a write fails before it reaches the log, after it has reached it, or part of the way,
 * as a full disk leaves it. What reaches the log is written into LevelDB's own file, and LevelDB does not learn of it, as it
 * does not where the sync of its log fails. It can also fail to open.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LevelHandle, type SealedPut } from '../../src/engine/catalog/level-handle.ts';
import { maskedCrc } from '../../src/engine/catalog/leveldb/crc.ts';
import { wholeRecords } from '../../src/engine/catalog/leveldb/log.ts';
import { namesIn } from './damage.ts';

export const REASONS = {
  ENOSPC: 'No space left on device',
  EIO: 'Input/output error',
  EMFILE: 'Too many open files',
  EROFS: 'Read-only file system',
} as const;
export type Reason = keyof typeof REASONS;

/** How far a failing write comes: nothing of it is in the log, a part (0 to 1), or all. */
export interface Fault {
  readonly reason: Reason;
  readonly written: number;
}

export class FailingDisk {
  /** Writes until the next fault; it is given, and then forgotten. */
  #countdown: { left: number; readonly fault: Fault } | undefined;
  /** While it is set, LevelDB cannot be opened. */
  openFails: Reason | undefined;
  /** Faults given, ever. */
  faults = 0;
  writes = 0;

  /** The write after `skip` others fails. */
  failAfter(skip: number, fault: Fault): void {
    this.#countdown = { left: skip, fault };
  }

  heal(): void {
    this.#countdown = undefined;
    this.openFails = undefined;
  }

  readonly openLevel = async (directory: string): Promise<LevelHandle> => {
    if (this.openFails !== undefined) throw levelError(directory, this.openFails);
    const handle = await LevelHandle.open(directory);
    const write = handle.write.bind(handle);
    handle.write = async (puts, options) => {
      this.writes += 1;
      const next = this.#countdown;
      if (next === undefined) return write(puts, options);
      if (next.left > 0) {
        next.left -= 1;
        return write(puts, options);
      }
      this.#countdown = undefined;
      this.faults += 1;
      appendPart(directory, puts, next.fault.written);
      throw levelError(directory, next.fault.reason);
    };
    return handle;
  };
}

/** As classic-level tells it: the reason is in the message alone. */
function levelError(directory: string, reason: Reason): Error {
  const cause = Object.assign(new Error(`IO error: ${directory}/000005.log: ${REASONS[reason]}`), { code: 'LEVEL_IO_ERROR' });
  return Object.assign(new Error('Database failed to write', { cause }), { code: 'LEVEL_IO_ERROR' });
}

function appendPart(directory: string, puts: readonly SealedPut[], part: number): void {
  const name = namesIn(directory, /^\d+\.log$/).at(-1);
  if (name === undefined) throw new Error('LevelDB has a log');
  const path = join(directory, name);
  const log = readFileSync(path);
  const bytes = framed(log.length, batchOf(log, puts));
  writeFileSync(path, bytes.subarray(0, Math.round(bytes.length * part)), { flag: 'a' });
}

/** A write batch as LevelDB encodes it (db/write_batch.cc of google/leveldb), after those that are in the log. */
function batchOf(log: Buffer, puts: readonly SealedPut[]): Buffer {
  const last = wholeRecords(log).records.at(-1)?.payload;
  const header = Buffer.alloc(12);
  header.writeBigUInt64LE(last === undefined ? 1_000_000n : last.readBigUInt64LE(0) + BigInt(last.readUInt32LE(8)));
  header.writeUInt32LE(puts.length, 8);
  const parts: Buffer[] = [header];
  for (const { key, value } of puts) {
    parts.push(Buffer.of(value === null ? 0 : 1), varint(key.length), key);
    if (value !== null) parts.push(varint(value.length), value);
  }
  return Buffer.concat(parts);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return Buffer.from([...bytes, left]);
    bytes.push((left % 128) + 128);
  }
}

const BLOCK_BYTES = 32 * 1024;

/** A record's parts with their heads, as they follow at a position of a log (doc/log_format.md of google/leveldb). */
function framed(at: number, payload: Buffer): Buffer {
  const parts: Buffer[] = [];
  let position = at;
  for (let from = 0, isLast = false; !isLast; ) {
    const left = BLOCK_BYTES - (position % BLOCK_BYTES);
    if (left < 7) {
      parts.push(Buffer.alloc(left));
      position += left;
      continue;
    }
    const length = Math.min(left - 7, payload.length - from);
    isLast = from + length === payload.length;
    const part = Buffer.alloc(7 + length);
    part.writeUInt16LE(length, 4);
    part[6] = from === 0 ? (isLast ? 1 : 2) : isLast ? 4 : 3;
    payload.copy(part, 7, from, from + length);
    part.writeUInt32LE(maskedCrc(part, 6, part.length), 0);
    parts.push(part);
    position += part.length;
    from += length;
  }
  return Buffer.concat(parts);
}
