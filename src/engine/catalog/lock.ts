/**
 * Who has a data directory open. LevelDB's lock keeps other processes out, but it is a POSIX lock: a second attempt from
 * this very process would release it, so those are refused here, before LevelDB is asked.
 */
import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../model/errors.ts';

const held = new Set<string>();

/** Claims a directory for this process. @returns a function that gives it back @throws EngineError DIRECTORY_IN_USE */
export function claimDirectory(dataDirectory: string): () => void {
  const path = realpathSync(dataDirectory);
  if (held.has(path)) throw inUse({ pid: process.pid, startedAt: 'earlier' });
  held.add(path);
  return () => void held.delete(path);
}

export interface Holder {
  readonly pid: number;
  readonly startedAt: string;
}

/** Who wrote LOCK last, which may have ended since; undefined where nobody did. */
export function readHolder(dataDirectory: string): Holder | undefined {
  try {
    const holder = JSON.parse(readFileSync(join(dataDirectory, 'LOCK'), 'utf8')) as Partial<Holder>;
    return typeof holder.pid === 'number' ? { pid: holder.pid, startedAt: String(holder.startedAt) } : undefined;
  } catch {
    return undefined;
  }
}

export function writeHolder(dataDirectory: string): void {
  writeFileSync(join(dataDirectory, 'LOCK'), `${JSON.stringify({ pid: process.pid, startedAt: new Date().toISOString() })}\n`);
}

/** Whether another process that wrote LOCK still runs. Its own pid means an earlier life: containers start at 1 again. */
export function mayBeAlive(holder: Holder | undefined): boolean {
  if (holder === undefined || holder.pid === process.pid) return false;
  try {
    process.kill(holder.pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

export function inUse(holder: Holder | undefined, cause?: unknown): EngineError {
  const who = holder === undefined ? 'another process' : `process ${holder.pid}, started ${holder.startedAt}`;
  return new EngineError('DIRECTORY_IN_USE', `the data directory is in use by ${who}`, {
    details: holder === undefined ? {} : { ...holder },
    hint: 'Stop that process, or choose another directory with --data.',
    ...(cause === undefined ? {} : { cause }),
  });
}
