import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { type Engine, EngineError, type EngineNotice, openEngine } from '../../src/engine/index.ts';
import { contentsOf, copyOf, flip, largest } from '../support/damage.ts';
import { FailingDisk, type Fault, REASONS, type Reason } from '../support/failing-level.ts';
import { randomNumbers, scaled, seedOf } from '../support/random.ts';
import { failureOf, rowsAsOf, temporaryDirectory } from '../support/support.ts';

const OPERATIONS = scaled(10);
const CODES: Readonly<Record<Reason, string>> = { ENOSPC: 'STORAGE_FULL', EIO: 'READ_ONLY', EMFILE: 'OVERLOADED', EROFS: 'READ_ONLY' };
const MAINTENANCE = { flushRows: 1e9, flushBytes: 1e12, autoCompact: false };
const TABLE = {
  name: 't',
  columns: [
    { name: 'k', type: 'INT' as const, required: true },
    { name: 'text', type: 'STRING' as const },
  ],
  primaryKey: ['k'],
};

/** What must be there: the rows by key, after which commit. */
interface Model {
  rows: Map<number, string>;
  snapshotId: number;
}

const all = { kind: 'and', filters: [] } as const;
const keyed = (k: number) => ({ kind: 'compare', column: 'k', operator: 'eq', value: k }) as const;

async function open(directory: string, disk: FailingDisk, notices: EngineNotice[] = []): Promise<Engine> {
  const options = { directory, threads: 1, maintenance: MAINTENANCE, onBackgroundError: () => {} };
  return openEngine({ ...options, onNotice: (notice) => void notices.push(notice) }, { openLevel: disk.openLevel });
}

const byKey = (rows: Iterable<readonly [number, string]>) => [...rows].sort(([left], [right]) => left - right);

async function expectModel(engine: Engine, { rows, snapshotId }: Model, what: string): Promise<void> {
  expect(engine.headSnapshotId, what).toBe(snapshotId);
  const found = await rowsAsOf(engine, 't', { kind: 'newest' });
  expect(byKey(found.map((row) => [Number(row['k']), String(row['text'])])), what).toEqual(byKey(rows));
  const commits = await engine.read.history.commitsAfter(0 as never, 1000);
  expect(commits.at(-1)?.snapshotId ?? 0, what).toBe(snapshotId);
}

/** One random change, and what the model is after it. */
function change(
  random: (below: number) => number,
  { rows }: Model,
): { name: string; run: (engine: Engine) => Promise<unknown>; rows: Map<number, string> } {
  const next = new Map(rows);
  const k = random(30);
  const text = 'x'.repeat(random(4) === 0 ? 50_000 : random(300));
  switch (random(7)) {
    case 0:
      for (const key of next.keys()) next.set(key, text.slice(0, 40));
      return { name: 'update', rows: next, run: (engine) => engine.update('t', all, { text: text.slice(0, 40) }) };
    case 1:
      next.delete(k);
      return { name: 'delete', rows: next, run: (engine) => engine.delete('t', keyed(k)) };
    case 2:
      return { name: 'compact', rows: next, run: (engine) => engine.compact() };
    case 3:
      next.delete(k);
      return { name: 'eraseRows', rows: next, run: (engine) => engine.eraseRows({ table: 't', where: keyed(k), reason: 'asked' }) };
    case 4:
      return { name: 'asOf(now)', rows: next, run: (engine) => engine.read.resolve({ kind: 'timestamp', timestampMs: engine.now() }) };
    default:
      next.set(k, text);
      return { name: 'upsert', rows: next, run: (engine) => engine.upsert('t', [{ k, text }], { idempotencyKey: String(Math.random()) }) };
  }
}

describe('at every write of a random history the disk fails once', () => {
  it(`over ${OPERATIONS} operations: nothing acknowledged is lost, nothing else is there, and writing goes on by itself`, {
    timeout: 120_000,
  }, async () => {
    const seed = seedOf('fault test');
    const random = randomNumbers(seed);
    const disk = new FailingDisk();
    const directory = await temporaryDirectory();
    let engine = await open(directory, disk);
    await engine.createTable(TABLE);
    const model: Model = { rows: new Map(), snapshotId: 1 };
    const answered: { timestampMs: number; snapshotId: number }[] = [];
    for (let operation = 0; operation < OPERATIONS; operation += 1) {
      const { name, run, rows } = change(random, model);
      for (let skip = 0, done = false; !done; skip += 1) {
        const fault = randomFault(random);
        const what = `operation ${operation}, ${name}, ${fault.reason} at its write ${skip}, ${fault.written} of it written`;
        const before = disk.faults;
        disk.failAfter(skip, fault);
        const error = await run(engine).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        disk.heal();
        done = error === undefined;
        // Refused for the failure before, which was a moment ago: once writing goes on, the same again.
        if (error !== undefined && disk.faults === before) {
          expect(error, what).toBeInstanceOf(EngineError);
          await vi.waitFor(() => expect(engine.writeTrouble, what).toBeUndefined(), { timeout: 60_000 });
          skip -= 1;
          continue;
        }
        if (error !== undefined) {
          expect(error, what).toBeInstanceOf(EngineError);
          expect(error, what).toMatchObject({ code: CODES[fault.reason] });
          expect(disk.faults, what).toBe(before + 1);
        }
        // Where only what follows a change failed (an erasure takes old bytes off the disk), the change itself is there.
        if (done || engine.headSnapshotId > model.snapshotId) {
          model.rows = rows;
          model.snapshotId = engine.headSnapshotId;
        }
        await expectModel(engine, model, what);
        if (disk.faults > before && random(3) === 0) {
          await expectCrashKeeps(directory, model, `${what}, killed then`);
        }
        if (disk.faults > before && random(8) === 0) {
          await engine.close();
          engine = await open(directory, disk);
          await expectModel(engine, model, `${what}, stopped and started then`);
        }
        if (skip > 20) throw new Error(`${what}: it never comes to an end`);
      }
      const timestampMs = engine.now();
      const { snapshotId } = await engine.read.resolve({ kind: 'timestamp', timestampMs });
      answered.push({ timestampMs, snapshotId });
    }
    for (const { timestampMs, snapshotId } of answered)
      expect((await engine.read.resolve({ kind: 'timestamp', timestampMs })).snapshotId, 'an instant that has answered').toBe(snapshotId);
    expect((await engine.verify()).findings).toEqual([]);
    expect(disk.faults).toBeGreaterThan(OPERATIONS / 2);
    console.log(`${disk.faults} of ${disk.writes} writes failed`);
    await engine.close();
  });
});

function randomFault(random: (below: number) => number): Fault {
  const reasons = Object.keys(REASONS) as Reason[];
  const parts = [0, 0.01, 0.3, 0.5, 0.9, 0.999, 1];
  return { reason: reasons[random(reasons.length)] as Reason, written: parts[random(parts.length)] as number };
}

/** What a kill at this moment would leave opens with all that was acknowledged and nothing else. */
async function expectCrashKeeps(directory: string, model: Model, what: string): Promise<void> {
  const copy = await copyOf(directory);
  const engine = await openEngine({ directory: copy, threads: 1, maintenance: MAINTENANCE });
  try {
    await expectModel(engine, model, what);
  } finally {
    await engine.close();
  }
}

describe('while the catalog cannot be written', () => {
  it.each<[Reason, number]>([
    ['ENOSPC', 0.5],
    ['EIO', 1],
    ['EMFILE', 0],
    ['EROFS', 0],
  ])('after %s, and as long as it lasts: writes say so, reads go on, and it ends by itself', async (reason, written) => {
    const disk = new FailingDisk();
    const notices: EngineNotice[] = [];
    const engine = await open(await temporaryDirectory(), disk, notices);
    await engine.createTable(TABLE);
    await engine.append('t', [{ k: 1, text: 'one' }]);
    disk.failAfter(0, { reason, written });
    disk.openFails = reason;
    const first = await failureOf(engine.append('t', [{ k: 2, text: 'two' }]));
    expect(first).toMatchObject({ code: CODES[reason] });
    expect(first.details?.['retryAfterMs']).toBeGreaterThan(0);
    for (const attempt of [2, 3]) {
      expect(await failureOf(engine.append('t', [{ k: attempt, text: 'no' }]))).toMatchObject({ code: CODES[reason] });
      expect(await failureOf(engine.createTag(`tag-${attempt}`))).toMatchObject({ code: CODES[reason] });
      expect(await failureOf(engine.eraseRows({ table: 't', where: keyed(1), reason: 'asked' }))).toMatchObject({ code: CODES[reason] });
      expect(await rowsAsOf(engine, 't', { kind: 'newest' })).toEqual([{ k: 1, text: 'one' }]);
      expect(await rowsAsOf(engine, 't', { kind: 'snapshot', snapshotId: 2 })).toHaveLength(1);
      expect(engine.writeTrouble?.error.code).toBe(CODES[reason]);
      expect(engine.statistics().writeFailed).toBe(true);
    }
    disk.heal();
    // Nobody writes: it is tried again by itself.
    await vi.waitFor(() => expect(engine.writeTrouble).toBeUndefined(), { timeout: 20_000, interval: 20 });
    expect(engine.statistics().writeFailed).toBe(false);
    await engine.append('t', [{ k: 2, text: 'two' }]);
    expect(await rowsAsOf(engine, 't', { kind: 'newest' })).toHaveLength(2);
    expect(
      notices.map(({ level, details }) => [level, details['code']]),
      'told once each',
    ).toEqual([
      ['warn', CODES[reason]],
      ['info', undefined],
    ]);
    await engine.close();
  });

  it('reads in the middle of the reopening are answered, however many', async () => {
    const disk = new FailingDisk();
    const engine = await open(await temporaryDirectory(), disk);
    await engine.createTable(TABLE);
    for (let k = 0; k < 20; k += 1) await engine.append('t', [{ k, text: `row ${k}` }]);
    for (let round = 0; round < 5; round += 1) {
      disk.failAfter(0, { reason: 'EIO', written: 1 });
      await failureOf(engine.append('t', [{ k: 100 + round, text: 'no' }]));
      let reads = 0;
      const writing = engine.append('t', [{ k: 200 + round, text: 'yes' }]);
      const reading = async (): Promise<void> => {
        while (engine.writeTrouble !== undefined || reads < 10) {
          expect((await rowsAsOf(engine, 't', { kind: 'snapshot', snapshotId: 21 })).length).toBe(20);
          expect(engine.read.history.commit(5 as never).snapshotId).toBe(5);
          expect(await engine.read.history.commitsAfter(0 as never, 1000)).not.toEqual([]);
          reads += 1;
        }
      };
      await Promise.all([writing, reading(), reading(), reading()]);
      expect(reads).toBeGreaterThanOrEqual(10);
    }
    await engine.close();
  });

  it('an acknowledged commit that is gone from the disk ends writing for good, and the start after says which file', async () => {
    const disk = new FailingDisk();
    const directory = await temporaryDirectory();
    const engine = await open(directory, disk);
    await engine.createTable(TABLE);
    await engine.append('t', [{ k: 1, text: 'one' }]);
    disk.failAfter(0, { reason: 'EIO', written: 0 });
    await failureOf(engine.append('t', [{ k: 2, text: 'two' }]));
    flip(join(directory, 'catalog', largest(directory, /\.log$/)), -30);
    expect(await failureOf(engine.append('t', [{ k: 2, text: 'two' }]))).toMatchObject({ code: 'CORRUPT_DATA' });
    expect(await failureOf(engine.append('t', [{ k: 2, text: 'two' }]))).toMatchObject({ code: 'CORRUPT_DATA' });
    expect(await rowsAsOf(engine, 't', { kind: 'newest' }), 'memory has it').toHaveLength(1);
    await engine.close();
    const before = contentsOf(directory);
    expect(await failureOf(open(directory, disk))).toMatchObject({ code: 'CORRUPT_DATA' });
    expect(contentsOf(directory)).toEqual(before);
  });
});

describe('a start on a disk that fails', () => {
  it.each<[Reason, string]>([
    ['ENOSPC', 'STORAGE_FULL'],
    ['EMFILE', 'OVERLOADED'],
    ['EIO', 'READ_ONLY'],
  ])('%s is told as %s, and changes nothing', async (reason, code) => {
    const disk = new FailingDisk();
    const directory = await temporaryDirectory();
    const engine = await open(directory, disk);
    await engine.createTable(TABLE);
    await engine.append('t', [{ k: 1, text: 'one' }]);
    const killed = await copyOf(directory);
    await engine.close();
    const before = contentsOf(killed);
    disk.openFails = reason;
    expect(await failureOf(open(killed, disk))).toMatchObject({ code });
    expect(contentsOf(killed)).toEqual(before);
    disk.heal();
    const again = await open(killed, disk);
    await expectModel(again, { rows: new Map([[1, 'one']]), snapshotId: 2 }, 'once it is over');
    await again.close();
  });
});
