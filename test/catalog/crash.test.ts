import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { asSnapshotId, type Engine, openEngine, type TableAt } from '../../src/engine/index.ts';
import { crashRow } from '../support/crash-rows.ts';
import { copyOf } from '../support/damage.ts';
import { randomNumbers, scaled, seedOf } from '../support/random.ts';
import { temporaryDirectory } from '../support/support.ts';

const ROUNDS = scaled(5);
const WRITER = fileURLToPath(new URL('../support/crash-writer.ts', import.meta.url));

interface Acknowledged {
  readonly attempt: string;
  readonly snapshotId: number;
  readonly rowId: number;
  readonly rows: number;
}

/** All that writers ever said. */
interface Heard {
  /** Rows of each attempt. */
  readonly tried: Map<string, number>;
  readonly acknowledged: Acknowledged[];
}

/** Runs a writer and kills it at its line number `killAt`. @returns lines heard, the ones on their way included */
async function writeAndKill(directory: string, record: Heard, round: number, seed: number, killAt: number): Promise<number> {
  const child = spawn(process.execPath, ['--import', 'tsx', WRITER, directory, String(round), String(seed)], {
    env: { ...process.env, UV_THREADPOOL_SIZE: '24' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let complaint = '';
  child.stderr.on('data', (bytes) => {
    complaint += bytes;
  });
  const exited = new Promise<NodeJS.Signals | null>((resolve) => child.on('exit', (_, signal) => resolve(signal)));
  let lines = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [word, attempt = '', ...numbers] = line.split(' ');
    if (word === 'failed') throw new Error(`round ${round}: in the background of the writer: ${line}`);
    const [first = 0, rowId = 0, rows = 0] = numbers.map(Number);
    if (word === 'try') record.tried.set(attempt, first);
    // A line that the kill cut in two has too few fields, and says nothing.
    if (word === 'ok' && numbers.length === 3) record.acknowledged.push({ attempt, snapshotId: first, rowId, rows });
    if (lines === killAt) child.kill('SIGKILL');
    lines += 1;
  }
  expect(await exited, `the writer of round ${round} ended by itself: ${complaint}`).toBe('SIGKILL');
  return lines;
}

async function newestOf(engine: Engine): Promise<TableAt | undefined> {
  const table = engine.findTable('log');
  return table === undefined ? undefined : engine.read.tableAt(table, engine.headSnapshotId);
}

interface Found {
  readonly attempt: string;
  readonly part: number;
  readonly filler: string | undefined;
  readonly rowId: number;
  readonly from: number;
}

async function scan(engine: Engine, at: TableAt, round: number | undefined): Promise<Found[]> {
  const columns = round === undefined ? ['attempt', 'part'] : ['attempt', 'part', 'filler'];
  const where = round === undefined ? {} : { where: { kind: 'compare', column: 'round', operator: 'eq', value: round } as const };
  const found: Found[] = [];
  for (let after: string | undefined; ; ) {
    const page = await engine.read.page(at, { first: 1000, columns, after, ...where });
    for (const { rowId, fromSnapshotId, cells } of page.rows) {
      const [attempt, part, filler] = cells;
      found.push({
        attempt: String(attempt),
        part: Number(part),
        filler: round === undefined ? undefined : String(filler),
        rowId,
        from: fromSnapshotId,
      });
    }
    if (!page.hasNextPage) return found;
    after = page.cursorAt(page.rows.length - 1);
  }
}

/** Every commit in order, its attempt by its message. */
async function commitsOf(engine: Engine): Promise<Map<string, { snapshotId: number; firstRow: number; rows: number }>> {
  const byAttempt = new Map<string, { snapshotId: number; firstRow: number; rows: number }>();
  let next = 1;
  for (let after = asSnapshotId(0); ; ) {
    const commits = await engine.read.history.commitsAfter(after, 1000);
    for (const { snapshotId, message, snapshots } of commits) {
      expect(snapshotId, 'ids have no gap').toBe(next);
      next += 1;
      after = snapshotId;
      const [snapshot] = snapshots;
      if (snapshot === undefined || message === null) continue;
      expect(byAttempt.has(message), `attempt ${message} was committed once`).toBe(false);
      byAttempt.set(message, { snapshotId, firstRow: snapshot.nextRow - snapshot.insertedRows, rows: snapshot.insertedRows });
    }
    if (commits.length === 0) break;
  }
  expect(next - 1).toBe(engine.headSnapshotId);
  return byAttempt;
}

/** Holds what is in the database against what the writers said. */
async function check(engine: Engine, record: Heard, round: number): Promise<void> {
  const committed = await commitsOf(engine);
  for (const { attempt, snapshotId, rowId, rows } of record.acknowledged) {
    const commit = committed.get(attempt);
    if (commit?.snapshotId !== snapshotId || commit.firstRow !== rowId || commit.rows !== rows)
      expect(commit, `acknowledged attempt ${attempt}`).toEqual({ snapshotId, firstRow: rowId, rows });
  }
  for (const [attempt, { rows }] of committed)
    if (record.tried.get(attempt) !== rows) expect(rows, `rows of ${attempt}`).toBe(record.tried.get(attempt));

  const at = await newestOf(engine);
  if (at === undefined) return expect(record.tried.size).toBe(0);
  const total = [...committed.values()].reduce((sum, { rows }) => sum + rows, 0);
  expect(at.snapshot.totalRows).toBe(total);
  expect(await engine.read.aggregate(at, { terms: [{ function: 'COUNT' }] })).toEqual([total]);

  const all = await scan(engine, at, undefined);
  expect(all).toHaveLength(total);
  all.forEach(({ attempt, part, rowId, from }, index) => {
    const commit = committed.get(attempt);
    if (rowId !== index || from !== commit?.snapshotId || rowId !== commit.firstRow + part)
      expect({ attempt, part, rowId, from }, `row ${index}`).toEqual({ commit });
  });
  for (const { attempt, part, filler } of await scan(engine, at, round)) {
    const expected = crashRow(round, attempt, part, committed.get(attempt)?.rows ?? 0).filler;
    if (filler !== expected) expect(filler, `cells of ${attempt}`).toBe(expected);
  }
  expect((await engine.verify()).findings).toEqual([]);
}

describe('an acknowledged commit survives kill -9', () => {
  it(`over ${ROUNDS} kills: every acknowledged commit whole, every other one whole or absent`, {
    timeout: 240_000 * Math.max(1, ROUNDS / 20),
  }, async () => {
    const seed = seedOf('crash test');
    const random = randomNumbers(seed);
    const directory = await temporaryDirectory();
    const record: Heard = { tried: new Map(), acknowledged: [] };
    for (let round = 0; round < ROUNDS; round += 1) {
      // Now and then while it opens, most often while it writes.
      const killAt = random(8) === 0 ? random(3) : 3 + random(1200);
      await writeAndKill(directory, record, round, random(2 ** 31), killAt);
      // Every other time the next writer, not this check, is the one that recovers.
      const checked = round % 2 === 0 ? directory : await copyOf(directory);
      const engine = await openEngine({ directory: checked, maintenance: { flushRows: 1e9, autoCompact: false } });
      try {
        await check(engine, record, round);
      } finally {
        await engine.close();
      }
    }
    expect(record.acknowledged.length).toBeGreaterThan(ROUNDS * 10);
    console.log(`${record.acknowledged.length} of ${record.tried.size} attempts were acknowledged before a kill`);
  });
});
