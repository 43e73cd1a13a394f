/**
 * A file beside the catalog that holds the newest acknowledged commit. LevelDB cannot tell a log whose end was lost from
 * one that ends there; this can. Written after each synced batch and before its callers are answered, into the page
 * cache only: exact after a killed process, and after a power cut at most behind, never ahead of what was synced.
 *
 * It holds two copies in different sectors, written by one call: a write that a power cut tears leaves one of them whole,
 * and a flipped bit in one is mended by the other. Where neither can be read, it is damage, never "nothing was acknowledged".
 */
import { closeSync, constants, fdatasyncSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crc32c } from '../encoding/crc32c.ts';
import { EngineError } from '../model/errors.ts';

export interface Acknowledged {
  readonly snapshotId: number;
  readonly logIndex: number;
}

const MAGIC = 0x544d4831; // TMH1
const COPY_BYTES = 24;
/** Where the copies lie: a sector is what a disk writes as a whole. */
const COPIES_AT = [0, 512] as const;
const FILE_BYTES = 512 + COPY_BYTES;

export const WATERMARK_FILE = 'HEAD';

/** What the file says; undefined where there is none. @throws EngineError CORRUPT_DATA {file} where no copy can be read */
export function readWatermark(dataDirectory: string): Acknowledged | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(join(dataDirectory, WATERMARK_FILE));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const copies = COPIES_AT.map((at) => decode(bytes.subarray(at, at + COPY_BYTES))).filter((copy) => copy !== undefined);
  const [newest] = copies.sort((left, right) => right.logIndex - left.logIndex);
  if (newest !== undefined) return newest;
  throw new EngineError('CORRUPT_DATA', `${WATERMARK_FILE}: it does not say which commit was acknowledged last; nothing was changed`, {
    details: { file: WATERMARK_FILE },
    hint:
      'Restore the data directory from a backup. Or remove the file HEAD: then the database starts with all that its log holds, ' +
      'and nobody can tell whether the end of the log was lost.',
  });
}

function decode(bytes: Buffer): Acknowledged | undefined {
  if (bytes.length < COPY_BYTES || bytes.readUInt32BE(0) !== MAGIC || crc32c(bytes, 0, 0, 20) !== bytes.readUInt32BE(20)) return undefined;
  return { snapshotId: Number(bytes.readBigUInt64BE(4)), logIndex: Number(bytes.readBigUInt64BE(12)) };
}

function encode(bytes: Buffer, { snapshotId, logIndex }: Acknowledged): void {
  bytes.writeUInt32BE(MAGIC, 0);
  bytes.writeBigUInt64BE(BigInt(snapshotId), 4);
  bytes.writeBigUInt64BE(BigInt(logIndex), 12);
  bytes.writeUInt32BE(crc32c(bytes, 0, 0, 20), 20);
  for (const at of COPIES_AT) if (at > 0) bytes.copy(bytes, at, 0, COPY_BYTES);
}

export class Watermark {
  readonly #descriptor: number;
  readonly #bytes = Buffer.alloc(FILE_BYTES);

  /** Opens the file, or makes it; from then on it says what is acknowledged now. @throws the system's error */
  constructor(dataDirectory: string, acknowledged: Acknowledged) {
    const path = join(dataDirectory, WATERMARK_FILE);
    try {
      this.#descriptor = openSync(path, constants.O_RDWR);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      this.#descriptor = this.#create(path, acknowledged);
      return;
    }
    this.write(acknowledged);
  }

  /** A file that a power cut leaves is whole or not there. */
  #create(path: string, acknowledged: Acknowledged): number {
    const fresh = `${path}.new`;
    const descriptor = openSync(fresh, constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC, 0o644);
    try {
      encode(this.#bytes, acknowledged);
      writeSync(descriptor, this.#bytes, 0, FILE_BYTES, 0);
      fsyncSync(descriptor);
      renameSync(fresh, path);
      return descriptor;
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  }

  write(acknowledged: Acknowledged): void {
    encode(this.#bytes, acknowledged);
    writeSync(this.#descriptor, this.#bytes, 0, FILE_BYTES, 0);
  }

  /** To disk; what it says is in the page cache already. */
  sync(): void {
    fdatasyncSync(this.#descriptor);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
