import { describe, expect, it } from 'vitest';
import type { Engine } from '../../src/engine/index.ts';
import { TOO_BIG_FOR_HOT } from '../support/random-rows.ts';
import { failureOf, rowsAsOf, testEngine } from '../support/support.ts';

/** Rows 1 and 2 in commit 2, hot, or in a file where asked. */
async function filled(stored: 'hot' | 'compacted' | 'staged' = 'hot'): Promise<Engine> {
  const engine = await testEngine();
  await engine.createTable({
    name: 't',
    columns: [
      { name: 'id', type: 'LONG' },
      { name: 'name', type: 'STRING', required: true },
      { name: 'status', type: 'STRING', default: 'new', required: true },
      { name: 'amount', type: 'DOUBLE' },
      { name: 'bytes', type: 'BINARY' },
    ],
    primaryKey: ['id'],
  });
  await engine.append('t', [
    {
      id: 1,
      name: 'ann',
      status: 'paid',
      amount: 10,
      bytes: stored === 'staged' ? Buffer.from(TOO_BIG_FOR_HOT).toString('base64') : '/w==',
    },
    { id: 2, name: 'bob' },
  ]);
  if (stored === 'compacted') await engine.compact('t');
  return engine;
}

const rows = (engine: Engine): Promise<Record<string, unknown>[]> =>
  rowsAsOf(engine, 't', { kind: 'newest' }, { columns: ['id', 'name', 'status', 'amount'] });

describe('an upsert', () => {
  it.each(['hot', 'compacted', 'staged'] as const)('keeps the columns that a row does not give, each row its own: %s', async (stored) => {
    const engine = await filled(stored);
    const result = await engine.upsert('t', [
      { id: 2, amount: 5 },
      { id: 3, name: 'cat' },
      { id: 1, status: 'open', amount: null },
    ]);
    expect(result).toMatchObject({ insertedRows: 1, updatedRows: 2, deletedRows: 0 });
    expect(result.rows.map(({ cells }) => cells.slice(0, 4))).toEqual([
      [2n, 'bob', 'new', 5],
      [3n, 'cat', 'new', null],
      [1n, 'ann', 'open', null],
    ]);
    expect(await rows(engine)).toEqual([
      { id: '1', name: 'ann', status: 'open', amount: null },
      { id: '2', name: 'bob', status: 'new', amount: 5 },
      { id: '3', name: 'cat', status: 'new', amount: null },
    ]);
  });

  it('of a new row that lacks a required column without default is INVALID_ROW, and says that the row is new', async () => {
    const engine = await filled();
    const error = await failureOf(engine.upsert('t', [{ id: 1 }, { id: 7, status: 'paid' }, { id: 2, amount: 1 }, { id: 8 }]));
    expect(error).toMatchObject({
      code: 'INVALID_ROW',
      details: {
        rows: [1, 3].map((index) => ({ index, column: 'name', reason: expect.stringContaining('the row is new') })),
        invalidRows: 2,
        totalRows: 4,
      },
    });
    expect(engine.headSnapshotId).toBe(2);
  });

  it('with null in a required column, without its key, or with a key twice is INVALID_ROW', async () => {
    const engine = await filled();
    for (const [given, column] of [
      [{ id: 1, name: null }, 'name'],
      [{ name: 'x' }, 'id'],
      [{ id: null }, 'id'],
      [{ id: 1, other: 2 }, 'other'],
    ] as const)
      expect((await failureOf(engine.upsert('t', [given]))).details).toMatchObject({ rows: [{ index: 0, column }] });
    expect((await failureOf(engine.upsert('t', [{ id: 1 }, { id: '1', amount: 2 }]))).details).toMatchObject({
      rows: [{ index: 1, column: 'id' }],
    });
  });

  it('that changes nothing makes no commit, and answers with the versions there are', async () => {
    const engine = await filled();
    const result = await engine.upsert('t', [{ id: 2 }, { id: 1, status: 'paid', amount: 10, bytes: '/w==' }]);
    expect(result).toMatchObject({ commit: null, insertedRows: 0, updatedRows: 0, snapshots: [{ snapshotId: 2 }] });
    expect(result.rows.map(({ rowId, fromSnapshotId }) => [rowId, fromSnapshotId])).toEqual([
      [1, 2],
      [0, 2],
    ]);
    const other = await engine.upsert('t', [
      { id: 1, status: 'paid' },
      { id: 2, status: 'paid' },
    ]);
    expect(other).toMatchObject({ updatedRows: 1, rows: [{ fromSnapshotId: 2 }, { fromSnapshotId: 3 }] });
    // Zero has no sign.
    await engine.upsert('t', [{ id: 1, amount: 0 }]);
    expect(await engine.upsert('t', [{ id: 1, amount: -0 }])).toMatchObject({ commit: null, updatedRows: 0 });
  });

  it('takes the default of a key column that is not given', async () => {
    const engine = await testEngine();
    await engine.createTable({
      name: 't',
      columns: [
        { name: 'k', type: 'INT', default: 7 },
        { name: 'v', type: 'INT' },
      ],
      primaryKey: ['k'],
    });
    await engine.upsert('t', [{ v: 1 }]);
    await engine.upsert('t', [{ v: 2 }]);
    expect(await rowsAsOf(engine, 't', { kind: 'newest' })).toEqual([{ k: 7, v: 2 }]);
  });

  it('sees what earlier operations of its commit did', async () => {
    const engine = await filled();
    await engine.commit([
      { kind: 'update', table: 't', where: { kind: 'compare', column: 'id', operator: 'eq', value: 1 }, set: { amount: 99 } },
      { kind: 'delete', table: 't', where: { kind: 'compare', column: 'id', operator: 'eq', value: 2 } },
      { kind: 'append', table: 't', rows: [{ id: 3, name: 'cat', amount: 3 }] },
      {
        kind: 'upsert',
        table: 't',
        rows: [
          { id: 1, status: 'late' },
          { id: 2, name: 'bea' },
          { id: 3, status: 'late' },
        ],
      },
    ]);
    expect(await rows(engine)).toEqual([
      { id: '1', name: 'ann', status: 'late', amount: 99 },
      // A row that the commit deleted is new again.
      { id: '2', name: 'bea', status: 'new', amount: null },
      { id: '3', name: 'cat', status: 'late', amount: 3 },
    ]);
  });

  it('leaves the rows that it does not change as they are, also where later operations of its commit change the columns', async () => {
    const engine = await filled();
    const result = await engine.commit([
      { kind: 'upsert', table: 't', rows: [{ id: 1 }, { id: 2, amount: 1 }] },
      { kind: 'alterTable', table: 't', changes: [{ kind: 'dropColumn', name: 'bytes' }] },
    ]);
    expect(result).toMatchObject({ insertedRows: 0, updatedRows: 1 });
  });

  it('of rows from before a column came reads the column as it is there', async () => {
    const engine = await filled();
    await engine.alterTable('t', [{ kind: 'addColumn', column: { name: 'flag', type: 'BOOLEAN', default: true } }]);
    await engine.upsert('t', [{ id: 1, amount: 11 }]);
    expect((await rowsAsOf(engine, 't', { kind: 'newest' }))[0]).toMatchObject({ id: '1', flag: true, amount: 11 });
  });

  it('from many writers at once, each of its own column, keeps what all of them gave', async () => {
    const engine = await filled();
    const given = [{ name: 'eve' }, { status: 'late' }, { amount: 4 }, { bytes: 'AA==' }];
    await Promise.all(given.map((columns) => engine.upsert('t', [{ id: 1, ...columns }])));
    expect((await rowsAsOf(engine, 't', { kind: 'newest' }))[0]).toEqual({
      id: '1',
      name: 'eve',
      status: 'late',
      amount: 4,
      bytes: 'AA==',
    });
  });
});

describe('onConflict', () => {
  it('update: [] inserts what is new, leaves what exists, and answers with both', async () => {
    const engine = await filled();
    const given = [
      { id: 1, name: 'other' },
      { id: 3, name: 'cat' },
    ];
    const result = await engine.upsert('t', given, null, { onConflict: { update: [] } });
    expect(result).toMatchObject({ insertedRows: 1, updatedRows: 0 });
    expect(result.rows.map(({ cells, fromSnapshotId }) => [cells[1], fromSnapshotId])).toEqual([
      ['ann', 2],
      ['cat', 3],
    ]);
    expect((await engine.upsert('t', given, null, { onConflict: { update: [] } })).commit).toBeNull();
  });

  it('update changes only the columns that it names and the row gives', async () => {
    const engine = await filled();
    await engine.upsert(
      't',
      [
        { id: 1, name: 'x', amount: 1 },
        { id: 2, status: 'late' },
        { id: 3, name: 'new', amount: 3 },
      ],
      null,
      {
        onConflict: { update: ['amount', 'id'] },
      },
    );
    expect(await rows(engine)).toEqual([
      { id: '1', name: 'ann', status: 'paid', amount: 1 },
      { id: '2', name: 'bob', status: 'new', amount: null },
      { id: '3', name: 'new', status: 'new', amount: 3 },
    ]);
  });

  it('where changes only existing rows that match, as they were before', async () => {
    const engine = await filled();
    const where = { kind: 'compare', column: 'status', operator: 'eq', value: 'new' } as const;
    const given = [1, 2, 3].map((id) => ({ id, name: `n${id}`, status: 'done' }));
    expect(await engine.upsert('t', given, null, { onConflict: { where } })).toMatchObject({ insertedRows: 1, updatedRows: 1 });
    expect((await rows(engine)).map(({ name }) => name)).toEqual(['ann', 'n2', 'n3']);
    expect((await engine.upsert('t', given, null, { onConflict: { where } })).commit).toBeNull();
  });

  it('refuses columns that are not there, and filters that do not fit', async () => {
    const engine = await filled();
    const code = async (onConflict: object): Promise<unknown> =>
      (await failureOf(engine.upsert('t', [{ id: 1 }], null, { onConflict }))).code;
    expect(await code({ update: ['nope'] })).toBe('COLUMN_NOT_FOUND');
    expect(await code({ where: { kind: 'isNull', column: 'nope', isNull: true } })).toBe('COLUMN_NOT_FOUND');
    expect(await code({ where: { kind: 'compare', column: 'amount', operator: 'eq', value: null } })).toBe('BAD_USER_INPUT');
  });
});
