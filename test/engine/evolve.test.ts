import { describe, expect, it } from 'vitest';
import { type ColumnChange, type Engine, type SnapshotId, toWire } from '../../src/engine/index.ts';
import { eq, failureOf, rowsAsOf, testEngine } from '../support/support.ts';

const at = (snapshotId: number) => ({ kind: 'snapshot', snapshotId }) as const;

async function filled(): Promise<Engine> {
  const engine = await testEngine();
  await engine.createTable({
    name: 't',
    columns: [
      { name: 'k', type: 'INT', required: true },
      { name: 'a', type: 'STRING' },
      { name: 'f', type: 'FLOAT' },
      { name: 'd', type: 'DECIMAL', precision: 6, scale: 2 },
    ],
    primaryKey: ['k'],
  });
  await engine.append('t', [
    { k: 1, a: 'one', f: 0.5, d: '1.25' },
    { k: 2, a: 'two', f: null, d: '2.50' },
  ]);
  return engine;
}

/** Rows of an old snapshot with today's columns, as the typed API reads them. */
async function withTodaysColumns(engine: Engine, snapshotId: number): Promise<Record<string, unknown>[]> {
  const table = engine.table('t');
  const target = await engine.read.tableAt(table, snapshotId as SnapshotId);
  if (target === undefined) throw new Error('no table');
  const page = await engine.read.page({ ...target, schema: table.schema }, { first: 100 });
  return page.rows.map((row) =>
    Object.fromEntries(page.columns.map((column, index) => [column.name, toWire(column, row.cells[index] ?? null)])),
  );
}

describe.each(['hot', 'in files'])('columns change by field id, with rows %s', (where) => {
  const settle = async (engine: Engine): Promise<void> => {
    if (where === 'in files') await engine.compact();
  };

  it('an added column reads its default in rows that were there, null where it has none', async () => {
    const engine = await filled();
    await settle(engine);
    await engine.alterTable('t', [
      { kind: 'addColumn', column: { name: 'x', type: 'INT', required: true, default: 7 } },
      { kind: 'addColumn', column: { name: 'y', type: 'STRING' } },
    ]);
    expect(await rowsAsOf(engine, 't', { kind: 'newest' })).toMatchObject([
      { k: 1, x: 7, y: null },
      { k: 2, x: 7, y: null },
    ]);
    expect(await rowsAsOf(engine, 't', { kind: 'newest' }, { where: eq('x', 7) })).toHaveLength(2);
    expect(await rowsAsOf(engine, 't', at(2)), 'the past keeps its own columns').toEqual([
      { k: 1, a: 'one', f: 0.5, d: '1.25' },
      { k: 2, a: 'two', f: null, d: '2.50' },
    ]);
    expect(await withTodaysColumns(engine, 2)).toMatchObject([
      { x: 7, y: null },
      { x: 7, y: null },
    ]);
  });

  it('a renamed column keeps its values, a new one of the old name has its own', async () => {
    const engine = await filled();
    await settle(engine);
    await engine.alterTable('t', [
      { kind: 'renameColumn', name: 'a', to: 'b' },
      { kind: 'addColumn', column: { name: 'a', type: 'STRING' } },
    ]);
    await engine.append('t', [{ k: 3, a: 'new a', b: 'new b' }]);
    await settle(engine);
    const rows = await rowsAsOf(engine, 't', { kind: 'newest' }, { columns: ['k', 'a', 'b'] });
    expect(rows).toEqual([
      { k: 1, a: null, b: 'one' },
      { k: 2, a: null, b: 'two' },
      { k: 3, a: 'new a', b: 'new b' },
    ]);
    expect(await rowsAsOf(engine, 't', { kind: 'newest' }, { where: eq('a', 'one') }), 'filters go by field').toEqual([]);
    expect(await rowsAsOf(engine, 't', { kind: 'newest' }, { where: eq('b', 'one') })).toHaveLength(1);
    expect(await rowsAsOf(engine, 't', at(2), { where: eq('a', 'one') })).toHaveLength(1);
  });

  it('a dropped column that comes back is another one; the past still has the first', async () => {
    const engine = await filled();
    await settle(engine);
    await engine.alterTable('t', [{ kind: 'dropColumn', name: 'a' }]);
    await engine.alterTable('t', [{ kind: 'addColumn', column: { name: 'a', type: 'INT', default: 0 } }]);
    await engine.append('t', [{ k: 3, a: 5 }]);
    await settle(engine);
    expect((await rowsAsOf(engine, 't', { kind: 'newest' })).map(({ a }) => a)).toEqual([0, 0, 5]);
    expect((await rowsAsOf(engine, 't', at(2))).map(({ a }) => a)).toEqual(['one', 'two']);
  });

  it('wider types read old values, compare and prune right', async () => {
    const engine = await filled();
    await settle(engine);
    await engine.alterTable('t', [
      { kind: 'widenColumn', name: 'k', type: 'LONG' },
      { kind: 'widenColumn', name: 'f', type: 'DOUBLE' },
      { kind: 'widenColumn', name: 'd', precision: 30 },
    ]);
    await engine.append('t', [{ k: '9007199254740993', f: 0.1, d: '1234567890123456789.25' }]);
    await settle(engine);
    expect(await rowsAsOf(engine, 't', { kind: 'newest' }, { columns: ['k', 'f', 'd'] })).toEqual([
      { k: '1', f: 0.5, d: '1.25' },
      { k: '2', f: null, d: '2.50' },
      { k: '9007199254740993', f: 0.1, d: '1234567890123456789.25' },
    ]);
    for (const [column, value, rows] of [
      ['k', '1', 1],
      ['k', '9007199254740993', 1],
      ['d', '2.50', 1],
      ['f', 0.5, 1],
    ] as const)
      expect(await rowsAsOf(engine, 't', { kind: 'newest' }, { where: eq(column, value) }), column).toHaveLength(rows);
    const target = await engine.read.tableAt(engine.table('t'), engine.headSnapshotId);
    if (target === undefined) throw new Error('no table');
    expect((await engine.read.rowByKey(target, { k: '1' }, target.schema.columns))?.rowId, 'keys hash alike').toBe(0);
    expect(await failureOf(engine.append('t', [{ k: 1 }])), 'and stay unique').toMatchObject({ code: 'INVALID_ROW' });
    expect((await rowsAsOf(engine, 't', at(2)))[0]).toMatchObject({ k: 1, f: 0.5, d: '1.25' });
  });

  it('changes of rows see the columns of the moment', async () => {
    const engine = await filled();
    await settle(engine);
    await engine.alterTable('t', [
      { kind: 'renameColumn', name: 'a', to: 'b' },
      { kind: 'addColumn', column: { name: 'x', type: 'INT', default: 7 } },
    ]);
    await engine.update('t', eq('b', 'one'), { x: 8 });
    await settle(engine);
    expect(await rowsAsOf(engine, 't', { kind: 'newest' }, { columns: ['k', 'b', 'x'] })).toEqual([
      { k: 1, b: 'one', x: 8 },
      { k: 2, b: 'two', x: 7 },
    ]);
    const diff = await engine.read.diff(engine.table('t'), { from: 2 as SnapshotId, to: engine.headSnapshotId });
    const { changes } = await diff.page({});
    expect(changes).toHaveLength(1);
    expect([changes[0]?.before?.cells, changes[0]?.after?.cells]).toEqual([
      [1, 'one', 0.5, 125n],
      [1, 'one', 0.5, 125n, 8],
    ]);
  });

  it('restore to before the change brings the old columns back', async () => {
    const engine = await filled();
    await settle(engine);
    await engine.alterTable('t', [
      { kind: 'dropColumn', name: 'a' },
      { kind: 'widenColumn', name: 'k', type: 'LONG' },
    ]);
    await engine.append('t', [{ k: 3 }]);
    await engine.restore({ tables: ['t'], to: at(2) });
    expect(await rowsAsOf(engine, 't', { kind: 'newest' })).toEqual(await rowsAsOf(engine, 't', at(2)));
    expect(engine.table('t').schema.columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'k INT',
      'a STRING',
      'f FLOAT',
      'd DECIMAL',
    ]);
  });
});

describe('alterTable', () => {
  it('rewrites no file', async () => {
    const engine = await filled();
    await engine.compact();
    const before = engine.table('t').files.map(({ sha256 }) => sha256);
    await engine.alterTable('t', [{ kind: 'renameColumn', name: 'a', to: 'z' }]);
    await engine.compact();
    expect(engine.table('t').files.map(({ sha256 }) => sha256)).toEqual(before);
  });

  it('reorders, makes optional, describes', async () => {
    const engine = await filled();
    await engine.alterTable('t', [
      { kind: 'addColumn', column: { name: 'r', type: 'INT', required: true, default: 1 } },
      { kind: 'makeOptional', name: 'r' },
      { kind: 'reorderColumns', names: ['r', 'd', 'f', 'a', 'k'] },
      { kind: 'setDescription', column: 'a', description: 'letters' },
      { kind: 'setDescription', description: 'a table' },
    ]);
    const { schema, description } = engine.table('t');
    expect(schema.columns.map(({ name }) => name)).toEqual(['r', 'd', 'f', 'a', 'k']);
    expect(schema.columns.find(({ name }) => name === 'a')?.description).toBe('letters');
    expect(description).toBe('a table');
    await engine.append('t', [{ k: 5, r: null }]);
    expect((await rowsAsOf(engine, 't', { kind: 'newest' })).at(-1)).toEqual({ r: null, d: null, f: null, a: null, k: 5 });
  });

  it.each<[string, ColumnChange[], string]>([
    ['a key column cannot be dropped', [{ kind: 'dropColumn', name: 'k' }], 'BAD_USER_INPUT'],
    ['nor made optional', [{ kind: 'makeOptional', name: 'k' }], 'BAD_USER_INPUT'],
    ['an unknown column', [{ kind: 'dropColumn', name: 'nope' }], 'COLUMN_NOT_FOUND'],
    ['a name that is there', [{ kind: 'renameColumn', name: 'a', to: 'F' }], 'NAME_COLLISION'],
    ['a narrower type', [{ kind: 'widenColumn', name: 'f', type: 'INT' }], 'BAD_USER_INPUT'],
    ['less precision', [{ kind: 'widenColumn', name: 'd', precision: 5 }], 'BAD_USER_INPUT'],
    ['a required column without default', [{ kind: 'addColumn', column: { name: 'x', type: 'INT', required: true } }], 'BAD_USER_INPUT'],
    ['an order that leaves a column out', [{ kind: 'reorderColumns', names: ['k'] }], 'BAD_USER_INPUT'],
    ['no change at all', [], 'BAD_USER_INPUT'],
  ])('%s is refused, and nothing is changed', async (_what, changes, code) => {
    const engine = await filled();
    const before = engine.headSnapshotId;
    expect(
      await failureOf(
        engine.alterTable(
          't',
          [{ kind: 'setDescription', description: 'x' }, ...changes].slice(changes.length === 0 ? 1 : 0) as ColumnChange[],
        ),
      ),
    ).toMatchObject({ code });
    expect(engine.headSnapshotId).toBe(before);
    expect(engine.table('t').description).toBeNull();
  });

  it('appends that were prepared on the old columns are prepared again, and see no conflict', async () => {
    const engine = await filled();
    const work = [
      ...Array.from({ length: 20 }, (_, index) => engine.append('t', [{ k: 100 + index, a: 'x' }])),
      engine.alterTable('t', [{ kind: 'addColumn', column: { name: 'x', type: 'INT', default: 1 } }]),
      ...Array.from({ length: 20 }, (_, index) => engine.append('t', [{ k: 200 + index, a: 'x' }])),
    ];
    await Promise.all(work);
    expect(await rowsAsOf(engine, 't', { kind: 'newest' })).toHaveLength(42);
  });
});

describe('dropTable', () => {
  it('keeps history readable, frees the name, and restore brings the table back', async () => {
    const engine = await filled();
    await engine.dropTable('t');
    expect(engine.findTable('t')).toBeUndefined();
    const old = engine.tableEverNamed('t');
    if (old === undefined) throw new Error('no table');
    expect((await engine.read.tableAt(old, 2 as SnapshotId))?.snapshot.totalRows).toBe(2);
    expect(await engine.read.tableAt(old, 3 as SnapshotId), 'it did not exist any more').toBeUndefined();
    expect(await failureOf(engine.append('t', [{ k: 9 }]))).toMatchObject({ code: 'TABLE_NOT_FOUND' });
    await engine.createTable({ name: 't', columns: [{ name: 'other', type: 'STRING' }] });
    await engine.append('t', [{ other: 'x' }]);
    expect(engine.table('t').id).not.toBe(old.id);
    await engine.dropTable('t');
    await engine.restore({ to: at(2) });
    expect(engine.table('t').id).toBe(old.id);
    expect(await rowsAsOf(engine, 't', { kind: 'newest' })).toHaveLength(2);
    expect((await engine.verify()).findings).toEqual([]);
  });
});
