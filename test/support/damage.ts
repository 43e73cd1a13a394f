/** What tests of damaged disks share: a database whose every answer is known, copies of it, flipped bytes. */
import { createHash } from 'node:crypto';
import { closeSync, cpSync, openSync, readdirSync, readFileSync, readSync, statSync, writeSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Engine } from '../../src/engine/index.ts';
import type { Told } from './inspect.ts';
import { temporaryDirectory } from './support.ts';

export async function createTables(engine: Engine): Promise<void> {
  await engine.createTable({
    name: 'notes',
    columns: [
      { name: 'id', type: 'LONG' },
      { name: 'body', type: 'STRING' },
    ],
    primaryKey: ['id'],
  });
  await engine.createTable({
    name: 'events',
    columns: [
      { name: 'n', type: 'INT' },
      { name: 'label', type: 'STRING' },
    ],
  });
}

/** Small commits, one after the other, to both tables; what each was acknowledged as. */
export async function writeCommits(engine: Engine, count: number, random: (below: number) => number): Promise<Told[]> {
  const told: Told[] = [];
  for (let index = 0; index < count; index += 1) {
    const table = random(3) === 0 ? 'events' : 'notes';
    const rows = Array.from({ length: 1 + random(3) }, (_, at): Record<string, unknown> => {
      const text = Array.from({ length: random(60) }, () => String.fromCharCode(97 + random(26))).join('');
      return table === 'notes' ? { id: String(index * 10 + at), body: text } : { n: index * 10 + at, label: random(5) === 0 ? null : text };
    });
    const { commit } = await engine.append(table, rows, { message: `commit ${index}` });
    if (commit === null) throw new Error('an append of rows made no commit');
    told.push({ snapshotId: commit.snapshotId, timestampMs: commit.timestampMs, table, rows });
  }
  return told;
}

/** A copy of a data directory, of an open engine too: as a kill would leave it. */
export async function copyOf(directory: string): Promise<string> {
  const copy = await temporaryDirectory();
  // LevelDB's own lock file is left out: opening it here would end the lock of an engine in this process.
  const skipped = new Set(['LOCK', join('catalog', 'LOCK'), 'tmp']);
  cpSync(directory, copy, { recursive: true, filter: (path) => !skipped.has(relative(directory, path)) });
  return copy;
}

/** Every file of a directory with its SHA-256: what must be the same where a start refuses and changes nothing. */
export function contentsOf(directory: string): Record<string, string> {
  const contents: Record<string, string> = {};
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    // What LOCK says helps people and decides nothing; the lock itself is in the kernel.
    if (!entry.isFile() || path === join(directory, 'LOCK')) continue;
    contents[relative(directory, path)] = createHash('sha256').update(readFileSync(path)).digest('hex');
  }
  return contents;
}

/** Names in a folder that match, in order. */
export function namesIn(folder: string, pattern: RegExp): string[] {
  return readdirSync(folder)
    .filter((name) => pattern.test(name))
    .sort();
}

/** The largest file of a catalog that matches; its name. */
export function largest(directory: string, pattern: RegExp): string {
  const names = namesIn(join(directory, 'catalog'), pattern);
  const sizeOf = (name: string): number => statSync(join(directory, 'catalog', name)).size;
  const [name] = names.sort((left, right) => sizeOf(right) - sizeOf(left));
  if (name === undefined) throw new Error(`no file ${pattern} in the catalog`);
  return name;
}

/** Flips bits of one byte; a negative position counts from the end. */
export function flip(path: string, position: number, mask = 0x10): void {
  const file = openSync(path, 'r+');
  const at = position < 0 ? statSync(path).size + position : position;
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, at);
  byte[0] = (byte[0] as number) ^ mask;
  writeSync(file, byte, 0, 1, at);
  closeSync(file);
}
