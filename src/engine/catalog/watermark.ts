/**
 * A file beside the catalog that holds the newest acknowledged commit. LevelDB cannot tell a log whose end was lost from
 * one that ends there; this can. Written after each synced batch and before its callers are answered, into the page
 * cache only: exact after a killed process, and after a power cut at most behind, never ahead of what was synced.
 */
import { closeSync, constants, fdatasyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crc32c } from '../model/crc32c.ts';

export interface Acknowledged {
  readonly snapshotId: number;
  readonly logIndex: number;
}

const MAGIC = 0x544d4831; // TMH1
const BYTES = 24;

export const WATERMARK_FILE = 'HEAD';

/** What the file says; undefined where there is none, or it is not readable as one. */
export function readWatermark(dataDirectory: string): Acknowledged | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(join(dataDirectory, WATERMARK_FILE));
  } catch {
    return undefined;
  }
  if (bytes.length < BYTES || bytes.readUInt32BE(0) !== MAGIC || crc32c(bytes, 0, 0, 20) !== bytes.readUInt32BE(20)) return undefined;
  return { snapshotId: Number(bytes.readBigUInt64BE(4)), logIndex: Number(bytes.readBigUInt64BE(12)) };
}

export class Watermark {
  readonly #descriptor: number;
  readonly #bytes = Buffer.alloc(BYTES);

  constructor(dataDirectory: string) {
    this.#descriptor = openSync(join(dataDirectory, WATERMARK_FILE), constants.O_RDWR | constants.O_CREAT, 0o644);
  }

  write({ snapshotId, logIndex }: Acknowledged): void {
    const bytes = this.#bytes;
    bytes.writeUInt32BE(MAGIC, 0);
    bytes.writeBigUInt64BE(BigInt(snapshotId), 4);
    bytes.writeBigUInt64BE(BigInt(logIndex), 12);
    bytes.writeUInt32BE(crc32c(bytes, 0, 0, 20), 20);
    writeSync(this.#descriptor, bytes, 0, BYTES, 0);
  }

  close(): void {
    fdatasyncSync(this.#descriptor);
    closeSync(this.#descriptor);
  }
}
