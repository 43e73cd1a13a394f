import { describe, expect, it } from 'vitest';
import type { Engine, SnapshotId } from '../../src/engine/index.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { failureOf, rowsAsOf, testEngine } from '../support/support.ts';

const ITEMS = { name: 'items', columns: [{ name: 'n', type: 'INT' as const, required: true }], primaryKey: ['n'] };
const ALL = { kind: 'and', filters: [] } as const;
const equals = (value: number) => ({ kind: 'compare', column: 'n', operator: 'eq', value }) as const;

async function appended(engine: Engine, commits: number): Promise<void> {
  await engine.createTable(ITEMS);
  for (let n = 1; n <= commits; n += 1) await engine.append('items', [{ n }]);
}

const idsOf = async (engine: Engine): Promise<number[]> =>
  (
    await engine.read.history.snapshots(engine.table('items').id, undefined, {
      lo: 0 as SnapshotId,
      hi: engine.headSnapshotId,
      descending: false,
      limit: 1000,
    })
  ).map(({ snapshotId }) => snapshotId);

const at = (snapshotId: number) => ({ kind: 'snapshot', snapshotId }) as const;
const numbers = async (engine: Engine, snapshotId: number): Promise<unknown[]> =>
  (await rowsAsOf(engine, 'items', at(snapshotId))).map(({ n }) => n);

describe('expireSnapshots', () => {
  it('6 appends with retainLast 2: 4 snapshots go, 2 stay, all 6 rows stay', async () => {
    const engine = await testEngine();
    await appended(engine, 6);
    const dry = await engine.expireSnapshots({ retainLast: 2, dryRun: true });
    expect(dry).toMatchObject({ dryRun: true, removedSnapshots: 4 });
    expect(await idsOf(engine)).toHaveLength(7);
    expect(await engine.expireSnapshots({ retainLast: 2 })).toMatchObject({ dryRun: false, removedSnapshots: 4 });
    expect(await idsOf(engine)).toEqual([6, 7]);
    expect(await numbers(engine, 7)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await numbers(engine, 6)).toEqual([1, 2, 3, 4, 5]);
    const { history } = engine.read;
    expect(await history.countSnapshots(engine.table('items'), undefined, 0 as SnapshotId, engine.headSnapshotId)).toBe(2);
    expect(await history.countSnapshots(engine.table('items'), 'APPEND', 0 as SnapshotId, engine.headSnapshotId)).toBe(2);
  });

  it('20 appends, all that can expire: 1 snapshot with 20 rows', async () => {
    const engine = await testEngine();
    await appended(engine, 20);
    await engine.expireSnapshots({ retainLast: 1 });
    expect(await idsOf(engine)).toEqual([21]);
    expect(await numbers(engine, 21)).toHaveLength(20);
    expect(await engine.expireSnapshots({ retainLast: 1 }), 'again: nothing').toMatchObject({ removedSnapshots: 0 });
  });

  it('before the horizon: SNAPSHOT_EXPIRED with what is available; the horizon itself can be read', async () => {
    const engine = await testEngine();
    await appended(engine, 3);
    await engine.expireSnapshots({ table: 'items', retainLast: 1 });
    const error = await failureOf(numbers(engine, 3));
    expect(error).toMatchObject({ code: 'SNAPSHOT_EXPIRED', details: { table: 'items', snapshotId: 3, oldestSnapshotId: 4 } });
    const availableFrom = Date.parse(String(error.details?.['availableFrom']));
    expect(await rowsAsOf(engine, 'items', { kind: 'timestamp', timestampMs: availableFrom })).toHaveLength(3);
    const diff = { from: 2 as SnapshotId, to: 4 as SnapshotId };
    expect(await failureOf(engine.read.diff(engine.table('items'), diff))).toMatchObject({ code: 'SNAPSHOT_EXPIRED' });
  });

  it('a tagged snapshot stays, and goes once the tag is gone', async () => {
    const engine = await testEngine();
    await appended(engine, 5);
    await engine.update('items', equals(2), { n: 20 });
    await engine.createTag('release', at(4));
    await engine.delete('items', ALL);
    await engine.expireSnapshots({ retainLast: 1 });
    await engine.compact();
    expect(await idsOf(engine)).toEqual([4, 8]);
    expect(await rowsAsOf(engine, 'items', { kind: 'tag', tag: 'release' })).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
    expect(await failureOf(numbers(engine, 5))).toMatchObject({ code: 'SNAPSHOT_EXPIRED' });
    expect((await engine.verify()).findings).toEqual([]);
    await engine.dropTag('release');
    await engine.expireSnapshots({ retainLast: 1 });
    expect(await failureOf(numbers(engine, 4))).toMatchObject({ code: 'SNAPSHOT_EXPIRED' });
    expect(await idsOf(engine)).toEqual([8]);
  });

  it('compaction gives the space of what nothing can see any more back', async () => {
    const engine = await testEngine();
    await engine.createTable({
      name: 'items',
      columns: [
        { name: 'n', type: 'INT' },
        { name: 'text', type: 'STRING' },
      ],
    });
    await engine.append(
      'items',
      Array.from({ length: 5000 }, (_, n) => ({ n, text: `${n} ${'x'.repeat(40)}` })),
    );
    for (let round = 0; round < 4; round += 1) {
      await engine.update('items', ALL, { text: `round ${round} ${'y'.repeat(40)}` });
      await engine.compact('items');
    }
    const rows = (): number => engine.table('items').files.reduce((sum, file) => sum + file.rowCount, 0);
    expect(rows()).toBe(25_000);
    const { reclaimableBytes } = await engine.expireSnapshots({ retainLast: 1, dryRun: true });
    expect(reclaimableBytes).toBeGreaterThan(0);
    await engine.expireSnapshots({ retainLast: 1 });
    await engine.compact('items');
    expect(rows()).toBe(5000);
    expect(await rowsAsOf(engine, 'items', { kind: 'newest' }, { first: 1 })).toMatchObject([{ n: 0 }]);
    expect((await engine.verify()).findings).toEqual([]);
  });

  it('a page that was begun before expiry goes on: its cursor keeps the snapshot', async () => {
    const engine = await testEngine();
    await appended(engine, 10);
    const target = await engine.read.tableAt(engine.table('items'), 6 as SnapshotId);
    if (target === undefined) throw new Error('no table');
    const first = await engine.read.page(target, { first: 2 });
    await engine.delete('items', ALL);
    await engine.expireSnapshots({ retainLast: 1 });
    await engine.compact();
    const second = await engine.read.page(target, { first: 10, after: first.cursorAt(1) });
    expect(second.rows.map(({ cells }) => cells[0])).toEqual([3, 4, 5]);
    expect(await failureOf(numbers(engine, 5)), 'older ones did go').toMatchObject({ code: 'SNAPSHOT_EXPIRED' });
  });

  it('a query that holds its snapshot keeps it until it is done', async () => {
    const engine = await testEngine();
    await appended(engine, 4);
    const release = engine.read.leases.hold(3 as SnapshotId);
    await engine.expireSnapshots({ retainLast: 1 });
    expect(await numbers(engine, 3)).toEqual([1, 2]);
    release();
    await engine.expireSnapshots({ retainLast: 1 });
    expect(await failureOf(numbers(engine, 3))).toMatchObject({ code: 'SNAPSHOT_EXPIRED' });
  });

  it('a scan that started before expiry finishes right while compaction takes its files away', async () => {
    const engine = await testEngine();
    await engine.createTable({ name: 'items', columns: [{ name: 'n', type: 'INT' }] });
    for (let part = 0; part < 4; part += 1) {
      await engine.append(
        'items',
        Array.from({ length: 30_000 }, (_, n) => ({ n: part * 30_000 + n })),
      );
    }
    const target = await engine.read.tableAt(engine.table('items'), 5 as SnapshotId);
    if (target === undefined) throw new Error('no table');
    const scans = Array.from({ length: 8 }, () => engine.read.aggregate(target, { terms: [{ function: 'SUM', column: 'n' }] }));
    const taking = (async () => {
      await engine.delete('items', ALL);
      await engine.expireSnapshots({ retainLast: 1 });
      await engine.compact('items');
    })();
    const sums = await Promise.all(scans);
    await taking;
    expect(new Set(sums.map(([sum]) => sum))).toEqual(new Set([String((119_999 * 120_000) / 2)]));
  });

  it('by age: what was current then can still be read, and every instant since', async () => {
    const clock = new ManualClock(1_000_000);
    const engine = await testEngine({ clock });
    await engine.createTable(ITEMS);
    for (let n = 1; n <= 5; n += 1) {
      clock.nowMs = 1_000_000 + n * 1000;
      await engine.append('items', [{ n }]);
    }
    await engine.expireSnapshots({ olderThanMs: 1_003_500 });
    expect(await idsOf(engine)).toEqual([4, 5, 6]);
    expect(await rowsAsOf(engine, 'items', { kind: 'timestamp', timestampMs: 1_003_600 })).toHaveLength(3);
    expect(await failureOf(rowsAsOf(engine, 'items', { kind: 'timestamp', timestampMs: 1_002_999 }))).toMatchObject({
      code: 'SNAPSHOT_EXPIRED',
    });
  });

  it('with both limits only what both let go expires; with none it is refused', async () => {
    const engine = await testEngine();
    await appended(engine, 6);
    await engine.expireSnapshots({ retainLast: 3, olderThanMs: Date.now() + 1000 });
    expect(await idsOf(engine)).toEqual([5, 6, 7]);
    expect(await failureOf(engine.expireSnapshots({}))).toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(await failureOf(engine.expireSnapshots({ retainLast: 0 }))).toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(await failureOf(engine.expireSnapshots({ table: 'nope', retainLast: 1 }))).toMatchObject({ code: 'TABLE_NOT_FOUND' });
  });
});

describe('the end of a table that all else has expired of', () => {
  it.each(['hot', 'in a file'])(
    'rows that were %s: verify finds nothing wrong, before and after their space is given back',
    async (place) => {
      const engine = await testEngine();
      await appended(engine, 3);
      if (place === 'in a file') await engine.compact('items');
      await engine.dropTable('items');
      await engine.expireSnapshots({ retainLast: 1 });
      expect((await engine.verify()).findings).toEqual([]);
      await engine.compact();
      expect((await engine.verify()).findings).toEqual([]);
    },
  );

  it('a tag below it keeps its rows, and a table that is brought back from there is vouched for', async () => {
    const engine = await testEngine();
    await appended(engine, 3);
    await engine.createTag('before', { kind: 'newest' }, undefined);
    await engine.append('items', [{ n: 9 }]);
    await engine.compact('items');
    await engine.dropTable('items');
    await engine.expireSnapshots({ retainLast: 1 });
    await engine.compact();
    expect((await engine.verify()).findings).toEqual([]);
    await engine.restore({ to: { kind: 'tag', tag: 'before' } });
    expect(await numbers(engine, engine.headSnapshotId)).toEqual([1, 2, 3]);
    expect((await engine.verify()).findings).toEqual([]);
    await engine.expireSnapshots({ retainLast: 1 });
    expect((await engine.verify()).findings).toEqual([]);
  });

  it.each(['a key of a row that is gone', 'a key that a row which is gone had taken'])(
    'a table that is brought back from there counts the rows that came back, and %s is free',
    async (which) => {
      const engine = await testEngine();
      await appended(engine, 3);
      await engine.createTag('before', { kind: 'newest' }, undefined);
      const taken = which.startsWith('a key that') ? 2 : 9;
      if (taken === 2) await engine.delete('items', equals(2));
      await engine.append('items', [{ n: taken }, { n: 10 }]);
      await engine.compact('items');
      await engine.dropTable('items');
      await engine.expireSnapshots({ retainLast: 1 });
      await engine.compact();
      await engine.restore({ tables: ['items'], to: { kind: 'tag', tag: 'before' } });
      expect(await numbers(engine, engine.headSnapshotId)).toEqual([1, 2, 3]);
      expect(engine.table('items').last).toMatchObject({ operation: 'RESTORE', totalRows: 3 });
      expect((await failureOf(engine.append('items', [{ n: 2 }]))).code).toBe('INVALID_ROW');
      await engine.append('items', [{ n: 10 }]);
      await engine.upsert('items', [{ n: 9 }]);
      expect(await numbers(engine, engine.headSnapshotId)).toEqual([1, 2, 3, 10, 9]);
      expect(engine.table('items').last.totalRows).toBe(5);
      expect((await engine.verify()).findings).toEqual([]);
    },
  );

  it('a table that is brought back with all that a tag holds, and nothing else, has the keys of its rows alone', async () => {
    const engine = await testEngine();
    await appended(engine, 2);
    await engine.append('items', [{ n: 3 }]);
    await engine.createTag('before', { kind: 'newest' }, undefined);
    await engine.append('items', [{ n: 4 }]);
    await engine.dropTable('items');
    await engine.expireSnapshots({ retainLast: 1 });
    await engine.compact();
    await engine.restore({ tables: ['items'], to: { kind: 'tag', tag: 'before' } });
    expect(engine.table('items').last.totalRows).toBe(3);
    await engine.append('items', [{ n: 4 }]);
    expect(await numbers(engine, engine.headSnapshotId)).toEqual([1, 2, 3, 4]);
  });
});

describe('retention', () => {
  it("a table's own policy wins over the catalog's, which the others follow", async () => {
    const engine = await testEngine({ retention: { minSnapshots: 3 } });
    await appended(engine, 6);
    await engine.createTable({ ...ITEMS, name: 'others' });
    for (let n = 1; n <= 6; n += 1) await engine.append('others', [{ n }]);
    await engine.alterTable('items', [{ kind: 'setRetention', retention: { minSnapshots: 2 } }]);
    await engine.administration.applyRetention();
    expect(await idsOf(engine)).toHaveLength(2);
    const others = engine.table('others');
    const { history } = engine.read;
    expect(await history.countSnapshots(others, undefined, 0 as SnapshotId, engine.headSnapshotId)).toBe(3);
    await engine.alterTable('items', [{ kind: 'setRetention', retention: null }]);
    expect(engine.administration.retentionOf(engine.table('items'))).toEqual({ maxAgeMs: null, minSnapshots: 3 });
  });

  it('survives a restart, with everything that expired', async () => {
    const first = await testEngine();
    await appended(first, 4);
    await first.alterTable('items', [{ kind: 'setRetention', retention: { maxAgeMs: 5000, minSnapshots: 2 } }]);
    await first.createTag('kept', at(2));
    await first.expireSnapshots({ retainLast: 1 });
    await first.close();
    const engine = await testEngine({ directory: first.directory });
    expect(engine.table('items').retention).toEqual({ maxAgeMs: 5000, minSnapshots: 2 });
    expect(await idsOf(engine)).toEqual([2, 6]);
    expect(await numbers(engine, 2)).toEqual([1]);
    expect((await engine.verify()).findings).toEqual([]);
  });
});
