/** Ids of log entries, and what every entry starts with. */
import { randomBytes } from 'node:crypto';
import { ENTRY_FORMAT } from './entry.ts';

/** What an entry weighs beside its rows, about. */
export const ENTRY_OVERHEAD_BYTES = 200;

let entryPrefix = randomBytes(12).toString('hex');
let entryCounter = 0;

/** 16 bytes, hex, unique: random for the process, counted within it. */
export function entryId(): string {
  entryCounter += 1;
  if (entryCounter > 0xffffffff) {
    entryPrefix = randomBytes(12).toString('hex');
    entryCounter = 1;
  }
  return entryPrefix + entryCounter.toString(16).padStart(8, '0');
}

export function maintenanceHeader(): { readonly format: typeof ENTRY_FORMAT; readonly id: string; readonly bytes: number } {
  return { format: ENTRY_FORMAT, id: entryId(), bytes: ENTRY_OVERHEAD_BYTES };
}
