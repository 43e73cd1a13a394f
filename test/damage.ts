/** What tests of damaged disks share: a database whose every answer is known, copies of it, flipped bytes, and a full check. */
import { closeSync, cpSync, openSync, readdirSync, readSync, statSync, writeSync } from 'node:fs';
import { join, relative } from 'node:path';
import { asSnapshotId, type Engine, EngineError, type EngineOptions, openEngine } from '../src/engine/index.ts';
import { rowsAsOf, temporaryDirectory } from './support.ts';

/** A commit as it was acknowledged. */
export interface Told {
  readonly snapshotId: number;
  readonly timestampMs: number;
  readonly table: 'notes' | 'events';
  readonly rows: readonly Record<string, unknown>[];
}

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

export interface Inspection {
  /** Answers that are not what was written, and failures that are not CORRUPT_DATA. */
  readonly wrong: string[];
  /** What CORRUPT_DATA errors and findings of verify said. */
  readonly found: { readonly file: string; readonly what: string }[];
}

/** Opens a directory, asks for everything that was ever told, and verifies. */
export async function inspect(directory: string, told: readonly Told[], options: Partial<EngineOptions> = {}): Promise<Inspection> {
  const wrong: string[] = [];
  const found: { file: string; what: string }[] = [];
  const attempt = async <T>(what: string, work: () => Promise<T>, expected?: T): Promise<T | undefined> => {
    try {
      const answer = await work();
      if (expected !== undefined && JSON.stringify(answer) !== JSON.stringify(expected))
        wrong.push(`${what}: ${JSON.stringify(answer)?.slice(0, 200)}, written was ${JSON.stringify(expected).slice(0, 200)}`);
      return answer;
    } catch (error) {
      if (error instanceof EngineError && error.code === 'CORRUPT_DATA')
        found.push({ file: String(error.details['file']), what: `${what}: ${error.message}` });
      else wrong.push(`${what}: ${error}`);
      return undefined;
    }
  };
  const maintenance = { flushRows: 1e9, flushBytes: 1e12, autoCompact: false };
  const engine = await attempt('open', () =>
    openEngine({ directory, threads: 1, maintenance, onBackgroundError: (error) => wrong.push(`in the background: ${error}`), ...options }),
  );
  if (engine === undefined) return { wrong, found };
  try {
    for (const { snapshotId, timestampMs, rows } of told) {
      await attempt(`commit ${snapshotId}`, async () => {
        const commit = engine.read.history.commit(asSnapshotId(snapshotId));
        return [commit.snapshotId, commit.timestampMs, commit.snapshots[0]?.insertedRows];
      }, [snapshotId, timestampMs, rows.length]);
      const last = told.findLast((other) => other.timestampMs <= timestampMs);
      await attempt(
        `as of time of ${snapshotId}`,
        async () => (await engine.read.resolve({ kind: 'timestamp', timestampMs })).snapshotId as number,
        last?.snapshotId,
      );
    }
    const lo = told.at(0)?.snapshotId ?? 0;
    const hi = told.at(-1)?.snapshotId ?? 0;
    for (const table of ['notes', 'events'] as const) {
      for (const at of [hi, lo, ...[1, 2, 3, 4].map((fifth) => lo + Math.floor(((hi - lo) * fifth) / 5))]) {
        const rows = told.filter((commit) => commit.table === table && commit.snapshotId <= at).flatMap((commit) => commit.rows);
        await attempt(`${table} as of ${at}`, () => rowsAsOf(engine, table, { kind: 'snapshot', snapshotId: at }), rows);
        await attempt(`count of ${table} as of ${at}`, () => countAsOf(engine, table, at), rows.length);
      }
    }
    const notes = engine.findTable('notes');
    for (const { table, rows } of notes === undefined ? [] : told) {
      if (table !== 'notes' || notes === undefined) continue;
      const target = { tableId: notes.id, schema: notes.schema, snapshotId: engine.headSnapshotId, nextRow: notes.last.nextRow };
      for (const row of rows) {
        await attempt(
          `notes by key ${row['id']}`,
          async () => String((await engine.read.rowByKey(target, { id: row['id'] }, notes.schema.columns))?.cells[1] ?? null),
          String(row['body']),
        );
      }
    }
    const report = await attempt('verify', () => engine.verify());
    for (const finding of report?.findings ?? []) found.push(finding);
  } finally {
    await attempt('close', () => engine.close());
  }
  return { wrong, found };
}

async function countAsOf(engine: Engine, table: string, snapshotId: number): Promise<number> {
  const instant = await engine.read.resolve({ kind: 'snapshot', snapshotId });
  const at = await engine.read.tableAt(engine.table(table), instant.snapshotId);
  return at === undefined ? -1 : engine.read.count(at, undefined);
}
