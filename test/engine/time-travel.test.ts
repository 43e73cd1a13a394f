import { describe, expect, it } from 'vitest';
import type { Engine, Filter, SnapshotId } from '../../src/engine/index.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { failureOf, rowsAsOf, testEngine } from '../support/support.ts';

const NOON = Date.UTC(2026, 10, 22, 12);
const BATCHES = [0, 1, 2, 3, 4];

/** A table `t (id)` created at noon, row 1 a second later, row 2 two seconds later: snapshots 1, 2 and 3. */
async function threeCommits(): Promise<{ engine: Engine; clock: ManualClock }> {
  const clock = new ManualClock(NOON);
  const engine = await testEngine({ clock });
  await createTable(engine);
  for (const id of [1, 2]) {
    clock.advance(1000);
    await engine.append('t', [{ id }]);
  }
  return { engine, clock };
}

async function createTable(engine: Engine, name = 't'): Promise<void> {
  await engine.createTable({ name, columns: [{ name: 'id', type: 'INT' }] });
}

/** Resolves when the next commits are durable. */
function nextCommits(engine: Engine): Promise<void> {
  return new Promise((resolve) => {
    const stop = engine.onCommits(() => {
      stop();
      resolve();
    });
  });
}

async function at(engine: Engine, timestampMs: number): Promise<SnapshotId> {
  return (await engine.read.resolve({ kind: 'timestamp', timestampMs })).snapshotId;
}

async function idsAt(engine: Engine, snapshotId: number, table = 't'): Promise<unknown[]> {
  return (await rowsAsOf(engine, table, { kind: 'snapshot', snapshotId })).map((row) => row['id']);
}

describe('asOf a timestamp', () => {
  it('is the empty catalog before the first commit', async () => {
    const { engine } = await threeCommits();
    const nothing = { snapshotId: 0, timestampMs: null };
    expect(await engine.read.resolve({ kind: 'timestamp', timestampMs: NOON - 1 })).toEqual(nothing);
    expect(await engine.read.tableAt(engine.table('t'), await at(engine, NOON - 1))).toBeUndefined();
  });

  it('is the empty catalog at 0 and at negative instants', async () => {
    const { engine } = await threeCommits();
    expect(await at(engine, 0)).toBe(0);
    expect(await at(engine, -1)).toBe(0);
    expect(await at(engine, Number.MIN_SAFE_INTEGER)).toBe(0);
  });

  it('is the empty catalog at any instant while nothing was committed', async () => {
    const engine = await testEngine({ clock: new ManualClock(NOON) });
    expect(await engine.read.resolve({ kind: 'timestamp', timestampMs: NOON })).toEqual({ snapshotId: 0, timestampMs: null });
    expect(await engine.read.resolve({ kind: 'newest' })).toEqual({ snapshotId: 0, timestampMs: null });
  });

  it("includes a commit whose time is the instant, and says that commit's time", async () => {
    const { engine } = await threeCommits();
    const instants = await Promise.all(
      [NOON, NOON + 1000, NOON + 2000].map((timestampMs) => engine.read.resolve({ kind: 'timestamp', timestampMs })),
    );
    expect(instants).toEqual([
      { snapshotId: 1, timestampMs: NOON },
      { snapshotId: 2, timestampMs: NOON + 1000 },
      { snapshotId: 3, timestampMs: NOON + 2000 },
    ]);
  });

  it('includes the newest commit at once after it, and keeps that answer when more is committed in the same millisecond', async () => {
    const { engine } = await threeCommits();
    for (const id of [3, 4, 5]) {
      const { commit } = await engine.append('t', [{ id }]);
      if (commit === null) throw new Error('nothing was committed');
      expect(await at(engine, commit.timestampMs)).toBe(commit.snapshotId);
      await engine.append('t', [{ id: id * 100 }]);
      expect(await at(engine, commit.timestampMs)).toBe(commit.snapshotId);
    }
  });

  it('is the commit before, one millisecond before a commit', async () => {
    const { engine } = await threeCommits();
    expect(await at(engine, NOON + 999)).toBe(1);
    expect(await at(engine, NOON + 1999)).toBe(2);
  });

  it('is the earlier of two commits between them', async () => {
    const { engine } = await threeCommits();
    expect(await at(engine, NOON + 500)).toBe(1);
    expect(await at(engine, NOON + 1500)).toBe(2);
  });

  it('is the newest commit after it', async () => {
    const { engine, clock } = await threeCommits();
    clock.advance(60_000);
    expect(await at(engine, clock.now())).toBe(3);
    expect(await engine.read.resolve({ kind: 'newest' })).toEqual({ snapshotId: 3, timestampMs: NOON + 2000 });
  });

  it("is FUTURE_TIMESTAMP with the server's time where the instant is more than five seconds ahead", async () => {
    const { engine, clock } = await threeCommits();
    for (const timestampMs of [clock.now() + 5001, clock.now() + 86_400_000, Number.MAX_SAFE_INTEGER]) {
      const error = await failureOf(at(engine, timestampMs));
      expect(error.code).toBe('FUTURE_TIMESTAMP');
      expect(error.details?.['now']).toBe(new Date(clock.now()).toISOString());
    }
  });

  it('waits for an instant up to five seconds ahead, and includes what is committed meanwhile', async () => {
    const { engine, clock } = await threeCommits();
    const instant = clock.now() + 5000;
    const waiting = clock.nextWait();
    const answer = at(engine, instant);
    expect(await waiting).toBe(5000);
    clock.advance(4000);
    const { commit } = await engine.append('t', [{ id: 3 }]);
    clock.advance(1000);
    expect(await answer).toBe(commit?.snapshotId);
    await engine.append('t', [{ id: 4 }]);
    expect(await at(engine, instant)).toBe(commit?.snapshotId);
  });

  it('stops waiting when the caller gives up', async () => {
    const { engine, clock } = await threeCommits();
    const caller = new AbortController();
    const waiting = clock.nextWait();
    const answer = engine.read.resolve({ kind: 'timestamp', timestampMs: clock.now() + 1000 }, caller.signal);
    await waiting;
    caller.abort(new Error('gone'));
    expect((await failureOf(answer)).message).toBe('gone');
  });

  it('has one answer, however often it is asked while commits of that very millisecond land', async () => {
    const clock = new ManualClock(NOON);
    const engine = await testEngine({ clock });
    await createTable(engine);
    for (let attempt = 0; attempt < 10; attempt += 1) {
      clock.advance(1000);
      const landed = nextCommits(engine);
      const writers = Array.from({ length: 8 }, async (_, writer) => {
        for (let index = 0; index < 10; index += 1) await engine.append('t', [{ id: writer * 10 + index }]);
      });
      // Some have landed, others have their timestamp already and are on their way to the disk.
      await landed;
      await new Promise(setImmediate);
      const answers = new Set<string>();
      const ask = async (): Promise<void> => {
        const snapshotId = await at(engine, clock.now());
        answers.add(`${snapshotId}: ${(await idsAt(engine, snapshotId)).join()}`);
      };
      for (let repeat = 0; repeat < 100; repeat += 1) await ask();
      await Promise.all(writers);
      await ask();
      expect([...answers]).toHaveLength(1);
    }
    expect(engine.headSnapshotId).toBe(801);
  });
});

describe('asOf a snapshot', () => {
  it('is SNAPSHOT_NOT_FOUND where there is no such snapshot', async () => {
    const { engine } = await threeCommits();
    for (const snapshotId of [4, 1_000_000, 0, -1, 1.5, Number.NaN]) {
      const error = await failureOf(engine.read.resolve({ kind: 'snapshot', snapshotId }));
      expect(error.code).toBe('SNAPSHOT_NOT_FOUND');
      expect(error.details).toMatchObject({ newestSnapshotId: 3 });
    }
  });

  it('reads the rows of then: [1] after the first append, [1, 2] after the second', async () => {
    const { engine } = await threeCommits();
    expect(await idsAt(engine, 1)).toEqual([]);
    expect(await idsAt(engine, 2)).toEqual([1]);
    expect(await idsAt(engine, 3)).toEqual([1, 2]);
    for (const [snapshotId, rows] of [[1, 0] as const, [2, 1] as const, [3, 2] as const]) {
      const instant = await engine.read.resolve({ kind: 'snapshot', snapshotId });
      const view = await engine.read.tableAt(engine.table('t'), instant.snapshotId);
      if (view === undefined) throw new Error('the table was there');
      expect(await engine.read.count(view, undefined)).toBe(rows);
      expect(await engine.read.count(view, { kind: 'and', filters: [] })).toBe(rows);
    }
  });

  it('filters people by what they were', async () => {
    const engine = await testEngine();
    await engine.createTable({
      name: 'people',
      columns: [
        { name: 'name', type: 'STRING', required: true },
        { name: 'age', type: 'INT' },
        { name: 'status', type: 'STRING' },
        { name: 'score', type: 'DOUBLE' },
      ],
    });
    await engine.append('people', [
      { name: 'Alice', age: 30, status: 'active', score: 95.5 },
      { name: 'Bob', age: 25, status: 'inactive', score: 82.0 },
      { name: 'Charlie', age: 35, status: 'active', score: 88.5 },
      { name: 'Diana', age: 28, status: 'pending', score: 91.0 },
      { name: 'Eve', age: 32, status: 'active', score: 77.5 },
    ]);
    const active: Filter = { kind: 'compare', column: 'status', operator: 'eq', value: 'active' };
    const ancient: Filter = { kind: 'compare', column: 'age', operator: 'gt', value: 1000 };
    const found = await rowsAsOf(engine, 'people', { kind: 'newest' }, { where: active });
    expect(found.map((row) => row['name'])).toEqual(['Alice', 'Charlie', 'Eve']);
    expect(await rowsAsOf(engine, 'people', { kind: 'newest' }, { where: ancient })).toEqual([]);
  });

  it('answers a filter rightly at each of five snapshots, before and after compaction', async () => {
    const engine = await testEngine();
    await engine.createTable({ name: 'readings', columns: [{ name: 'value', type: 'INT' }] });
    const snapshots: number[] = [];
    for (const batch of BATCHES) {
      const rows = Array.from({ length: 20 }, (_, index) => ({ value: 10 * batch + index }));
      snapshots.push((await engine.append('readings', rows)).commit?.snapshotId ?? 0);
    }
    const where: Filter = { kind: 'compare', column: 'value', operator: 'gte', value: 55 };
    const check = async (): Promise<void> => {
      for (const [last, snapshotId] of snapshots.entries()) {
        const expected = BATCHES.slice(0, last + 1).flatMap((batch) =>
          Array.from({ length: 20 }, (_, index) => 10 * batch + index).filter((value) => value >= 55),
        );
        const rows = await rowsAsOf(engine, 'readings', { kind: 'snapshot', snapshotId }, { where });
        expect(rows.map((row) => row['value'])).toEqual(expected);
      }
    };
    await check();
    await engine.compact();
    await check();
  });

  it('pins many tables at one instant: a snapshot of orders reads customers as they were then', async () => {
    const engine = await testEngine();
    await createTable(engine, 'orders');
    await createTable(engine, 'customers');
    await engine.append('customers', [{ id: 1 }]);
    const { commit } = await engine.append('orders', [{ id: 10 }]);
    await engine.append('customers', [{ id: 2 }]);
    await engine.append('orders', [{ id: 20 }]);
    const snapshotId = commit?.snapshotId ?? 0;
    expect(await idsAt(engine, snapshotId, 'customers')).toEqual([1]);
    expect(await idsAt(engine, snapshotId, 'orders')).toEqual([10]);
    expect(await idsAt(engine, snapshotId + 1, 'customers')).toEqual([1, 2]);
    expect(await idsAt(engine, snapshotId + 1, 'orders')).toEqual([10]);
  });
});

describe('the order of commits', () => {
  it('is one chain of snapshots when eight writers append at once, and no row is lost or doubled', async () => {
    const engine = await testEngine();
    await createTable(engine);
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      const mine = [];
      for (let index = 0; index < 25; index += 1) mine.push(await engine.append('t', [{ id: writer * 25 + index }]));
      return mine;
    });
    const results = (await Promise.all(writers)).flat();
    const ids = results.map((result) => result.commit?.snapshotId).sort((left, right) => Number(left) - Number(right));
    expect(ids).toEqual(Array.from({ length: 200 }, (_, index) => index + 2));

    const table = engine.table('t');
    const range = { lo: table.createdSnapshotId, hi: engine.headSnapshotId, descending: false, limit: 1000 };
    const snapshots = await engine.read.history.snapshots(table.id, 'APPEND', range);
    expect(snapshots.map((snapshot) => snapshot.snapshotId)).toEqual(ids);
    expect(snapshots.map((snapshot) => snapshot.parentId)).toEqual([1, ...ids.slice(0, -1)]);
    expect(snapshots.map((snapshot) => snapshot.totalRows)).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));

    const rows = await rowsAsOf(engine, 't', { kind: 'newest' });
    const stored = rows.map((row) => Number(row['id'])).sort((left, right) => left - right);
    expect(stored).toEqual(Array.from({ length: 200 }, (_, index) => index));
  });
});
