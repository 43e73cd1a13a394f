import { describe, expect, it } from 'vitest';
import { type Engine, type Filter, LIMITS, type SnapshotId } from '../../src/engine/index.ts';
import { sql } from '../../src/engine/read/scan/sql.ts';
import { eq, failureOf, rowsAsOf, testEngine } from '../support/support.ts';

const PEOPLE = {
  name: 'people',
  columns: [
    { name: 'id', type: 'INT' as const, required: true },
    { name: 'name', type: 'STRING' as const },
  ],
  primaryKey: ['id'],
};
const ALL = { kind: 'and', filters: [] } as const;

async function byKey(engine: Engine, id: number, snapshotId: number = engine.headSnapshotId): Promise<unknown> {
  const target = await engine.read.tableAt(engine.table('people'), snapshotId as SnapshotId);
  if (target === undefined) throw new Error('no table');
  return (await engine.read.rowByKey(target, { id }, target.schema.columns))?.cells[1];
}

describe('a row by its key, after changes', () => {
  it('is the newest version, also where the hot record of the first still lies in the catalog', async () => {
    const engine = await testEngine();
    await engine.createTable(PEOPLE);
    await engine.append('people', [{ id: 1, name: 'old' }]);
    await engine.update('people', eq('id', 1), { name: 'new' });
    // A reader that pins the state before the flush keeps its hot rows.
    let done = (): void => {};
    const held = new Promise<void>((resolve) => {
      done = resolve;
    });
    const table = engine.table('people');
    const reading = engine.read.scanner.scan(
      {
        tableId: table.id,
        visibility: { kind: 'visible', at: engine.headSnapshotId },
        columns: [],
        hidden: 'none',
        statement: (relation) => sql`SELECT count(*) FROM ${relation}, range(60000000)`,
      },
      {},
    );
    void reading.finally(done);
    await engine.compact('people');
    expect(await byKey(engine, 1)).toBe('new');
    await held;
    expect(await byKey(engine, 1)).toBe('new');
  });

  it('of a past snapshot is found by its values where the key has gone since', async () => {
    const engine = await testEngine();
    await engine.createTable(PEOPLE);
    await engine.append('people', [{ id: 1, name: 'one' }]);
    await engine.update('people', eq('id', 1), { id: 2 });
    await engine.append('people', [{ id: 1, name: 'another' }]);
    await engine.delete('people', eq('id', 2));
    expect([await byKey(engine, 1, 2), await byKey(engine, 2, 2)]).toEqual(['one', undefined]);
    expect([await byKey(engine, 1, 3), await byKey(engine, 2, 3)]).toEqual([undefined, 'one']);
    expect([await byKey(engine, 1, 4), await byKey(engine, 2, 4)]).toEqual(['another', 'one']);
    expect([await byKey(engine, 1), await byKey(engine, 2)]).toEqual(['another', undefined]);
  });
});

describe('changes that end a whole file', () => {
  it('do not tell again what had ended in it before', async () => {
    const engine = await testEngine({ maintenance: { autoCompact: false } });
    await engine.createTable(PEOPLE);
    const rows = Array.from({ length: 3000 }, (_, id) => ({ id, name: `${id} ${'x'.repeat(40)}` }));
    await engine.append('people', rows);
    await engine.compact('people');
    await engine.delete('people', eq('id', 7));
    await engine.update('people', ALL, { name: 'new' });
    const diff = await engine.read.diff(engine.table('people'), {
      from: 3 as SnapshotId,
      to: 4 as SnapshotId,
    });
    expect(diff).toMatchObject({ insertedRows: 0, updatedRows: rows.length - 1, deletedRows: 0 });
    const told: unknown[] = [];
    for (let afterRow: number | undefined, more = true; more; ) {
      const page = await engine.read.commitChanges(engine.table('people'), { snapshotId: 4 as SnapshotId, afterRow });
      told.push(...page.changes.map((change) => change.kind));
      afterRow = page.changes.at(-1)?.rowId;
      more = page.hasMore;
    }
    expect(told).toEqual(rows.slice(1).map(() => 'UPDATE'));
  });
});

describe('a commit of more rows than are looked at together', () => {
  it('is told window by window, each matching row once, whatever the filter leaves out', async () => {
    const engine = await testEngine({ maintenance: { autoCompact: false } });
    await engine.createTable({ name: 'numbers', columns: [{ name: 'n', type: 'INT' }] });
    const rows = 800_000;
    for (let n = 0; n < rows; n += 100_000)
      await engine.append(
        'numbers',
        Array.from({ length: 100_000 }, (_, at) => ({ n: n + at })),
      );
    const { snapshots } = await engine.delete('numbers', ALL);
    const snapshotId = snapshots[0]?.snapshotId as SnapshotId;
    // The second window has none.
    const wanted = [0, 5, 262_143, 524_288, 600_001, rows - 1];
    const where: Filter = { kind: 'in', column: 'n', values: wanted, negated: false };
    const read = engine.read;
    const table = engine.table('numbers');
    const found: unknown[] = [];
    for (let afterRow: number | undefined, more = true; more; ) {
      const page = await read.commitChanges(table, { snapshotId, where, afterRow });
      found.push(...page.changes.map(({ kind, before }) => [kind, before?.cells[0]]));
      if (page.changes.length === 0) expect(page.hasMore).toBe(false);
      afterRow = page.changes.at(-1)?.rowId;
      more = page.hasMore;
    }
    expect(found).toEqual(wanted.map((n) => ['DELETE', n]));
    // Unfiltered: the first rows, and the last.
    const first = await read.commitChanges(table, { snapshotId });
    expect([first.changes.length, first.hasMore]).toEqual([LIMITS.changesPerEventMax, true]);
    const last = await read.commitChanges(table, { snapshotId, afterRow: rows - 4 });
    expect([last.changes.map(({ before }) => before?.cells[0]), last.hasMore]).toEqual([[rows - 3, rows - 2, rows - 1], false]);
    expect(await read.commitChanges(table, { snapshotId, afterRow: rows - 1 })).toMatchObject({ changes: [], hasMore: false });
  });
});

describe('changes of more rows than fit in memory at once', () => {
  const rows = LIMITS.changedRowsMax + 1;

  async function large(): Promise<Engine> {
    const engine = await testEngine({ maintenance: { autoCompact: false } });
    await engine.createTable(PEOPLE);
    const half = Math.ceil(rows / 2);
    await engine.append(
      'people',
      Array.from({ length: half }, (_, id) => ({ id, name: 'a' })),
    );
    await engine.append(
      'people',
      Array.from({ length: rows - half }, (_, index) => ({ id: half + index, name: 'a' })),
    );
    return engine;
  }

  it('update, replace and delete all of them, exactly, and the past keeps them', async () => {
    const engine = await large();
    expect(await engine.update('people', ALL, { name: 'b' })).toMatchObject({ updatedRows: rows, insertedRows: 0, deletedRows: 0 });
    const counted = async (snapshotId: number, name: string): Promise<number> => {
      const target = await engine.read.tableAt(engine.table('people'), snapshotId as SnapshotId);
      return target === undefined ? -1 : engine.read.count(target, eq('name', name));
    };
    expect([await counted(4, 'b'), await counted(3, 'a'), await counted(4, 'a')]).toEqual([rows, rows, 0]);
    expect(await byKey(engine, rows - 1)).toBe('b');
    const batch = [
      { id: 5, name: 'c' },
      { id: rows + 7, name: 'd' },
    ];
    expect(await engine.replace('people', batch)).toMatchObject({ updatedRows: 1, insertedRows: 1, deletedRows: rows - 1 });
    expect(await rowsAsOf(engine, 'people', { kind: 'newest' })).toEqual(batch);
    await engine.restore({ to: { kind: 'snapshot', snapshotId: 3 } });
    expect(await counted(6, 'a')).toBe(rows);
    expect(await byKey(engine, 77)).toBe('a');
    expect(await engine.delete('people', ALL)).toMatchObject({ deletedRows: rows });
    await engine.compact('people');
    expect([await counted(3, 'a'), await counted(4, 'b'), await counted(5, 'c'), await counted(6, 'a'), await counted(7, 'a')]).toEqual([
      rows,
      rows,
      1,
      rows,
      0,
    ]);
    expect((await engine.verify()).findings).toEqual([]);
  }, 60_000);

  it('refuse a key that comes twice', async () => {
    const engine = await large();
    const twice = [
      { id: 999_999, name: 'one' },
      { id: 999_999, name: 'two' },
    ];
    expect(await failureOf(engine.replace('people', twice))).toMatchObject({ code: 'INVALID_ROW' });
    expect(engine.headSnapshotId).toBe(3);
  }, 60_000);
});

describe('a change beside others', () => {
  it('that swap the names of its columns means the columns of the moment', async () => {
    const engine = await testEngine();
    await engine.createTable({
      name: 't',
      columns: [
        { name: 'a', type: 'INT' },
        { name: 'b', type: 'INT' },
      ],
    });
    await engine.append('t', [
      { a: 1, b: 2 },
      { a: 2, b: 1 },
    ]);
    const [update, alter] = await Promise.all([
      engine.update('t', eq('a', 1), { b: 99 }),
      engine.alterTable('t', [
        { kind: 'renameColumn', name: 'a', to: 'c' },
        { kind: 'renameColumn', name: 'b', to: 'a' },
        { kind: 'renameColumn', name: 'c', to: 'b' },
      ]),
    ]);
    const updatedFirst = (update.commit?.snapshotId ?? 0) < (alter.commit?.snapshotId ?? 0);
    const rows = await rowsAsOf(engine, 't', { kind: 'newest' });
    expect(rows).toEqual(
      updatedFirst
        ? [
            { b: 1, a: 99 },
            { b: 2, a: 1 },
          ]
        : [
            { b: 1, a: 2 },
            { b: 99, a: 1 },
          ],
    );
  });

  it('erasure does not keep changes waiting, and readers beside it never fail', async () => {
    const engine = await testEngine();
    await engine.createTable(PEOPLE);
    await engine.append(
      'people',
      Array.from({ length: 300 }, (_, id) => ({ id, name: `n${id}` })),
    );
    let reading = true;
    const reader = async (): Promise<number> => {
      let reads = 0;
      for (; reading; reads += 1) await rowsAsOf(engine, 'people', { kind: 'newest' }, { where: eq('name', `n${reads % 300}`) });
      return reads;
    };
    const readers = Array.from({ length: 8 }, reader);
    for (let id = 0; id < 5; id += 1) {
      await Promise.all([
        engine.eraseRows({ table: 'people', where: eq('id', id), reason: 'test' }),
        engine.update('people', eq('id', 100 + id), { name: 'changed' }),
        engine.append('people', [{ id: 1000 + id, name: 'new' }]),
      ]);
    }
    reading = false;
    expect((await Promise.all(readers)).every((reads) => reads > 0)).toBe(true);
    expect(await rowsAsOf(engine, 'people', { kind: 'newest' }, { where: eq('name', 'changed') })).toHaveLength(5);
    expect((await engine.verify()).findings).toEqual([]);
  }, 60_000);
});

describe('what expiry leaves', () => {
  it('of a dropped table is nothing, once nothing of it is kept', async () => {
    const engine = await testEngine();
    await engine.createTable(PEOPLE);
    await engine.append(
      'people',
      Array.from({ length: 2000 }, (_, id) => ({ id, name: 'x'.repeat(40) })),
    );
    await engine.dropTable('people');
    await engine.expireSnapshots({ retainLast: 1 });
    await engine.compact();
    expect(engine.tableEverNamed('people')?.files).toEqual([]);
  });

  it('is erased with the rows: the oldest commit does not show them any more', async () => {
    const engine = await testEngine();
    await engine.createTable(PEOPLE);
    await engine.append('people', [
      { id: 1, name: 'secret' },
      { id: 2, name: 'other' },
    ]);
    await engine.delete('people', eq('id', 1));
    await engine.expireSnapshots({ retainLast: 1 });
    await engine.compact();
    await engine.eraseRows({ table: 'people', where: eq('name', 'secret'), reason: 'asked to' });
    const diff = await engine.read.diff(engine.table('people'), { from: 2 as SnapshotId, to: 3 as SnapshotId });
    expect((await diff.page({})).changes).toEqual([]);
  });

  it('counts rows of tagged snapshots right after an erasure', async () => {
    const engine = await testEngine();
    await engine.createTable(PEOPLE);
    await engine.append(
      'people',
      [1, 2, 3].map((id) => ({ id, name: 'x' })),
    );
    await engine.createTag('t');
    await engine.append('people', [{ id: 4, name: 'y' }]);
    await engine.eraseRows({ table: 'people', where: eq('id', 1), reason: 'asked to' });
    await engine.expireSnapshots({ retainLast: 1 });
    const target = await engine.read.tableAt(engine.table('people'), 2 as SnapshotId);
    expect(target?.snapshot.totalRows).toBe(2);
    expect(await rowsAsOf(engine, 'people', { kind: 'tag', tag: 't' })).toHaveLength(2);
  });

  it('a refused erasure leaves no file behind', async () => {
    const engine = await testEngine();
    await engine.createTable(PEOPLE);
    await engine.append(
      'people',
      Array.from({ length: 2000 }, (_, id) => ({ id, name: 'x'.repeat(40) })),
    );
    const erase = engine.eraseRows({ table: 'people', where: eq('id', 1), reason: 'x' }, { expectedSnapshotId: 1 });
    expect(await failureOf(erase)).toMatchObject({ code: 'CONFLICT' });
    await engine.compact();
    expect((await engine.verify()).dataFiles).toBe(1);
  });
});
