/**
 * Cuts the part off LevelDB's log that was never acknowledged: a torn end, and a whole batch whose write was answered by an
 * error. Afterwards the log holds exactly what callers were answered, and LevelDB may be opened again. A record of the log
 * is a write batch: db/write_batch.cc of google/leveldb.
 */
import { closeSync, fsyncSync, ftruncateSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ByteReader } from '../../encoding/bytes.ts';
import { HEAD_KEY } from '../keys.ts';
import { wholeRecords } from './log.ts';

/** Sequence number and count of a batch. */
const BATCH_HEADER_BYTES = 12;
const PUT = 1;

/** The log index that a batch brings, as its record of the head says; undefined where it has none. */
function logIndexOf(batch: Buffer): number | undefined {
  const reader = new ByteReader(batch);
  reader.raw(BATCH_HEADER_BYTES);
  let logIndex: number | undefined;
  while (reader.remaining > 0) {
    const isPut = reader.u8() === PUT;
    const isHead = HEAD_KEY.equals(reader.blob());
    if (!isPut) continue;
    const value = reader.blob();
    if (isHead) logIndex = new ByteReader(value).varint();
  }
  return logIndex;
}

/** How much of a log, in bytes, is acknowledged. */
function acknowledgedEnd(log: Buffer, logIndex: number): number {
  const { records, end } = wholeRecords(log);
  const first = records.find(({ payload }) => (logIndexOf(payload) ?? 0) > logIndex);
  return first?.start ?? end;
}

/** @returns the logs that were shortened @throws the system's error */
export function cutLogs(directory: string, logIndex: number): string[] {
  const cut: string[] = [];
  for (const name of readdirSync(directory)) {
    if (!name.endsWith('.log')) continue;
    const path = join(directory, name);
    const bytes = readFileSync(path);
    const end = acknowledgedEnd(bytes, logIndex);
    if (end === bytes.length) continue;
    const descriptor = openSync(path, 'r+');
    try {
      ftruncateSync(descriptor, end);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    cut.push(name);
  }
  return cut;
}
