import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { asSnapshotId, type Engine, EngineError, openEngine, type TableAt } from '../../src/engine/index.ts';
import { namesIn } from '../support/damage.ts';
import { randomNumbers, scaled, seedOf } from '../support/random.ts';
import { temporaryDirectory, testEngine } from '../support/support.ts';

const EAGER = { flushRows: 40, flushBytes: 1e9, autoCompact: true };
const NEVER = { flushRows: 1e9, flushBytes: 1e12, autoCompact: false };

async function createNumbers(engine: Engine): Promise<void> {
  const columns = [
    { name: 'n', type: 'LONG' },
    { name: 'text', type: 'STRING' },
  ] as const;
  await engine.createTable({ name: 'numbers', columns });
}

const rowsFrom = (start: number, count: number): { n: string; text: string }[] =>
  Array.from({ length: count }, (_, index) => ({ n: String(start + index), text: `row ${start + index} `.repeat(12) }));

async function numbersAt(engine: Engine, snapshotId: number = engine.headSnapshotId): Promise<TableAt> {
  const at = await engine.read.tableAt(engine.table('numbers'), asSnapshotId(snapshotId));
  if (at === undefined) throw new Error(`no table at ${snapshotId}`);
  return at;
}

/** Count, sum and largest of `n` as a scan finds them. */
async function summary(engine: Engine, at: TableAt): Promise<(number | null)[]> {
  const values = await engine.read.aggregate(at, {
    terms: [{ function: 'COUNT' }, { function: 'SUM', column: 'n' }, { function: 'MAX', column: 'n' }],
  });
  return values.map((value) => (value === null ? null : Number(value)));
}

const summaryOf = (rows: number): (number | null)[] => (rows === 0 ? [0, null, null] : [rows, (rows * (rows - 1)) / 2, rows - 1]);

const filesOn = (engine: Engine): string[] => namesIn(join(engine.directory, 'data', '1'), /./);
const filesNamed = async (engine: Engine): Promise<string[]> =>
  engine.read
    .manifest(await numbersAt(engine))
    .flatMap(({ path }) => (path === null ? [] : [path.slice('data/1/'.length)]))
    .sort();

/** Lets the event loop turn until something has happened; the test's own time limit bounds it. */
async function until(happened: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await happened())) await new Promise((resolve) => setImmediate(resolve));
}

describe('readers beside flush and compaction', () => {
  it('get right answers at every past snapshot while files are written, merged and removed', { timeout: 120_000 }, async () => {
    const random = randomNumbers(seedOf('readers beside maintenance'));
    const engine = await testEngine({ maintenance: EAGER });
    await createNumbers(engine);
    const states = [{ snapshotId: engine.headSnapshotId as number, rows: 0 }];
    let writing = true;
    let reads = 0;
    const write = async (): Promise<void> => {
      // At least one compaction, and on until enough was read beside.
      for (let turn = 0; turn < Math.max(62, scaled(62)) || reads <= 50; turn += 1) {
        const rows = states.at(-1)?.rows ?? 0;
        const count = turn % 20 === 19 ? 900 : 1 + random(12);
        const { commit } = await engine.append('numbers', rowsFrom(rows, count));
        states.push({ snapshotId: commit?.snapshotId ?? 0, rows: rows + count });
        if (turn % 60 === 59) await engine.compact('numbers');
      }
      writing = false;
    };
    const read = async (): Promise<void> => {
      while (writing) {
        const { snapshotId, rows } = states[random(states.length)] ?? { snapshotId: 1, rows: 0 };
        const at = await numbersAt(engine, snapshotId);
        if (random(2) === 0) expect(await summary(engine, at)).toEqual(summaryOf(rows));
        else {
          const { rows: page } = await engine.read.page(at, { last: 50 });
          const expected = Array.from({ length: Math.min(rows, 50) }, (_, index) => Math.max(0, rows - 50) + index);
          expect(page.map(({ cells }) => Number(cells[0]))).toEqual(expected);
          expect(page.map(({ rowId }) => rowId)).toEqual(expected);
        }
        reads += 1;
      }
    };
    await Promise.all([write(), ...Array.from({ length: 6 }, read)]);
    expect(reads).toBeGreaterThan(50);
    expect((await engine.verify()).findings).toEqual([]);
  });

  it('keep the files that they read: these are unlinked when the last such reader is done', async () => {
    const engine = await testEngine({ queryConnections: 1, threads: 1, maintenance: NEVER });
    await createNumbers(engine);
    for (let start = 0; start < 8000; start += 1000) await engine.append('numbers', rowsFrom(start, 1000));
    const old = await filesNamed(engine);
    expect(old).toHaveLength(8);
    const at = await numbersAt(engine);
    let done = 0;
    const readers: Promise<(number | null)[]>[] = [];
    const start = (count: number): void => {
      for (let index = 0; index < count; index += 1) readers.push(summary(engine, at).finally(() => (done += 1)));
    };
    // With one connection, queries and the merge take turns in the order in which they came.
    start(10);
    const compacting = engine.compact('numbers');
    await until(() => engine.statistics().queriesWaiting >= 10);
    start(60);
    await compacting;
    expect(done).toBeLessThan(readers.length);
    expect(engine.statistics().retired).toBe(1);
    expect(filesOn(engine)).toEqual(expect.arrayContaining(old));
    for (const reader of readers) expect(await reader).toEqual(summaryOf(8000));
    expect(engine.statistics()).toMatchObject({ pins: 0, retired: 0, queriesRunning: 0, queriesWaiting: 0 });
    await until(() => !old.some((name) => existsSync(join(engine.directory, 'data', '1', name))));
    expect(filesOn(engine)).toEqual(await filesNamed(engine));
    expect(await summary(engine, at)).toEqual(summaryOf(8000));
  });

  it('find nothing amiss in a healthy database: verify beside commits, flush and compaction', { timeout: 120_000 }, async () => {
    const engine = await testEngine({ maintenance: { ...EAGER, flushBytes: 1024 * 1024 } });
    await createNumbers(engine);
    let writing = true;
    let runs = 0;
    const write = async (): Promise<void> => {
      // Enough that LevelDB itself writes tables and merges them meanwhile, while there is little to verify.
      const random = randomNumbers(1);
      const fill = Array.from({ length: 50_000 }, () => String.fromCharCode(97 + random(26))).join('');
      for (let turn = 0; turn < Math.max(50, scaled(50)) || runs <= 3; turn += 1) {
        await Promise.all(
          Array.from({ length: 16 }, (_, index) => engine.append('numbers', [{ n: String(turn * 16 + index), text: fill }])),
        );
      }
      writing = false;
    };
    const findings: unknown[] = [];
    const verify = async (): Promise<void> => {
      while (writing) {
        findings.push(...(await engine.verify()).findings);
        runs += 1;
      }
    };
    await Promise.all([write(), verify()]);
    expect(runs).toBeGreaterThan(3);
    expect(findings).toEqual([]);
  });
});

describe('cursors of pages', () => {
  it.each<[string, { column: string; direction: 'DESC' }[]]>([
    ['in insertion order', []],
    ['in another order', [{ column: 'n', direction: 'DESC' }]],
  ])('stay valid across appends, flush and compaction %s', async (_, orderBy) => {
    const engine = await testEngine({ maintenance: EAGER });
    await createNumbers(engine);
    await engine.append('numbers', rowsFrom(0, 900));
    await engine.append('numbers', rowsFrom(900, 30));
    const at = await numbersAt(engine);
    const forward: number[] = [];
    for (let after: string | undefined, more = true; more; ) {
      const page = await engine.read.page(at, { first: 70, after, orderBy });
      forward.push(...page.rows.map(({ cells }) => Number(cells[0])));
      after = page.cursorAt(page.rows.length - 1);
      more = page.hasNextPage;
      await engine.append('numbers', rowsFrom(10_000 + forward.length, 45));
      if (forward.length % 140 === 0) await engine.compact('numbers');
    }
    const expected = Array.from({ length: 930 }, (__, index) => (orderBy.length === 0 ? index : 929 - index));
    expect(forward).toEqual(expected);
    const backward: number[] = [];
    for (let before: string | undefined, more = true; more; ) {
      const page = await engine.read.page(await numbersAt(engine, at.snapshotId), { last: 200, before, orderBy });
      backward.unshift(...page.rows.map(({ cells }) => Number(cells[0])));
      before = page.cursorAt(0);
      more = page.hasPreviousPage;
      await engine.compact();
    }
    expect(backward).toEqual(expected);
  });
});

describe('files follow the amount of data, not the number of commits', () => {
  it('20,000 commits of one row leave a handful, and every past snapshot reads exactly', { timeout: 240_000 }, async () => {
    const random = randomNumbers(seedOf('20,000 commits'));
    const engine = await testEngine({ maintenance: { ...EAGER, flushRows: 1000 } });
    await createNumbers(engine);
    /** The number that each snapshot brought; snapshots 0 and 1 brought none. */
    const brought: number[] = [0, 0];
    let next = 0;
    const write = async (): Promise<void> => {
      while (next < 20_000) {
        const n = next;
        next += 1;
        const { commit } = await engine.append('numbers', [{ n: String(n), text: `row ${n}` }]);
        brought[commit?.snapshotId ?? 0] = n;
      }
    };
    await Promise.all(Array.from({ length: 200 }, write));
    expect(engine.headSnapshotId).toBe(20_001);
    await until(
      async () =>
        (await filesNamed(engine)).length < 10 && engine.table('numbers').last.hotRowsEver - engine.table('numbers').flushedRowsEver < 1000,
    );
    const totals: number[] = [0];
    for (const [snapshotId, n] of brought.entries()) totals.push((totals[snapshotId] ?? 0) + n);
    for (let turn = 0; turn < 200; turn += 1) {
      const snapshotId = 1 + random(20_001);
      const at = await numbersAt(engine, snapshotId);
      const [count, sum] = await summary(engine, at);
      expect([snapshotId, count, sum ?? 0]).toEqual([snapshotId, snapshotId - 1, totals[snapshotId + 1]]);
      const { rows } = await engine.read.page(at, { last: 5 });
      const newest = brought.slice(Math.max(2, snapshotId - 4), snapshotId + 1);
      expect(rows.map(({ cells }) => Number(cells[0]))).toEqual(newest);
    }
    expect((await engine.verify()).findings).toEqual([]);
  });

  it('nothing stays in data/ and tmp/ but what the manifest names, idle and after a close', async () => {
    const directory = await temporaryDirectory();
    const engine = await openEngine({ directory, maintenance: EAGER });
    await createNumbers(engine);
    for (let turn = 0; turn < 30; turn += 1) {
      await Promise.all([
        engine.append('numbers', rowsFrom(0, 30)),
        engine.append('numbers', rowsFrom(0, 900)),
        summary(engine, await numbersAt(engine)),
      ]);
    }
    await engine.compact();
    await until(async () => filesOn(engine).join() === (await filesNamed(engine)).join());
    expect(namesIn(join(directory, 'tmp'), /\.(parquet|import)$/)).toEqual([]);
    expect(engine.statistics()).toMatchObject({ pins: 0, retired: 0, mirrorRows: 0 });
    const named = await filesNamed(engine);
    expect(named).toHaveLength(1);
    await engine.close();
    expect(namesIn(join(directory, 'data', '1'), /./)).toEqual(named);
    expect(namesIn(join(directory, 'tmp'), /\.(parquet|import)$/)).toEqual([]);
  });
});

describe('closing while work is under way', () => {
  it('is clean: what was acknowledged is kept, the rest is SHUTTING_DOWN, no reader is left, no file forgotten', async () => {
    const random = randomNumbers(seedOf('close'));
    for (let round = 0; round < 8; round += 1) {
      const directory = await temporaryDirectory();
      const failures: unknown[] = [];
      const engine = await openEngine({ directory, maintenance: EAGER, onBackgroundError: (error) => failures.push(error) });
      await createNumbers(engine);
      for (let index = 0; index < 30; index += 1) await engine.append('numbers', rowsFrom(index * 20, 20));
      const attempts = Array.from({ length: 40 }, (_, index) => engine.append('numbers', rowsFrom(index, index % 8 === 0 ? 900 : 1)));
      const others: Promise<unknown>[] = [engine.compact(), engine.verify(), summary(engine, await numbersAt(engine))];
      if (random(2) === 0) await attempts[random(attempts.length)];
      const closing = engine.close();
      const settled = await Promise.allSettled([...attempts, ...others]);
      await closing;
      for (const result of settled) {
        if (result.status === 'fulfilled') continue;
        expect(result.reason).toBeInstanceOf(EngineError);
        expect(result.reason).toMatchObject({ code: 'SHUTTING_DOWN' });
      }
      expect(failures).toEqual([]);
      expect(engine.statistics()).toMatchObject({ pins: 0, retired: 0, queriesWaiting: 0 });
      const left = namesIn(join(directory, 'data', '1'), /./);
      const acknowledged = settled.slice(0, attempts.length).filter(({ status }) => status === 'fulfilled').length;
      const again = await testEngine({ directory, maintenance: NEVER });
      expect(again.headSnapshotId).toBe(31 + acknowledged);
      expect(left, 'files after the close').toEqual(await filesNamed(again));
      expect((await summary(again, await numbersAt(again)))[0]).toBe(again.table('numbers').last.totalRows);
      expect((await again.verify()).findings).toEqual([]);
    }
  });
});
