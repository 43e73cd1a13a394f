import { describe, expect, it } from 'vitest';
import type { Cell, ColumnDefinition, Engine, InvalidRow } from '../../src/engine/index.ts';
import { TOO_BIG_FOR_HOT } from '../support/random-rows.ts';
import { failureOf, rowsAsOf, temporaryDirectory, testEngine } from '../support/support.ts';

const EXISTS = 'a row with this primary key exists';

/** A table `t` with the key columns, and `text` beside them. */
async function tableWithKey(key: readonly ColumnDefinition[]): Promise<Engine> {
  const engine = await testEngine();
  await createTable(engine, key);
  return engine;
}

async function createTable(engine: Engine, key: readonly ColumnDefinition[]): Promise<void> {
  await engine.createTable({ name: 't', columns: [...key, { name: 'text', type: 'STRING' }], primaryKey: key.map(({ name }) => name) });
}

const ID: readonly ColumnDefinition[] = [{ name: 'id', type: 'LONG' }];

/** The bad rows that an append is refused for. */
async function refused(append: Promise<unknown>): Promise<readonly InvalidRow[]> {
  const error = await failureOf(append);
  expect(error.code).toBe('INVALID_ROW');
  return error.details?.['rows'] as readonly InvalidRow[];
}

/** The cells of the row with a key at a snapshot, the newest where absent. */
async function byKey(engine: Engine, key: Record<string, unknown>, snapshotId?: number): Promise<readonly Cell[] | undefined> {
  const instant = await engine.read.resolve(snapshotId === undefined ? { kind: 'newest' } : { kind: 'snapshot', snapshotId });
  const view = await engine.read.tableAt(engine.table('t'), instant.snapshotId);
  if (view === undefined) throw new Error('the table is there');
  return (await engine.read.rowByKey(view, key, view.schema.columns))?.cells;
}

async function count(engine: Engine): Promise<number> {
  return (await rowsAsOf(engine, 't', { kind: 'newest' })).length;
}

describe('a primary key', () => {
  it('is held by one row of a batch: others are INVALID_ROW, and nothing of the batch is kept', async () => {
    const engine = await tableWithKey(ID);
    const rows = [{ id: 1 }, { id: 2 }, { id: '1' }, { id: 3 }, { id: 2 }];
    expect(await refused(engine.append('t', rows))).toEqual([
      { index: 2, column: 'id', reason: expect.stringContaining('row 0') },
      { index: 4, column: 'id', reason: expect.stringContaining('row 1') },
    ]);
    expect(await count(engine)).toBe(0);
    expect(engine.headSnapshotId).toBe(1);
  });

  it('is held against rows that are stored, hot or flushed, and after a restart', async () => {
    const engine = await tableWithKey(ID);
    await engine.append('t', [{ id: 1 }, { id: 2 }]);
    const again = [{ id: 3 }, { id: 2 }, { id: 1 }];
    const expected = [1, 2].map((index) => ({ index, column: 'id', reason: EXISTS }));
    expect(await refused(engine.append('t', again))).toEqual(expected);
    await engine.compact();
    expect(await refused(engine.append('t', again))).toEqual(expected);
    await engine.close();
    const reopened = await testEngine({ directory: engine.directory });
    expect(await refused(reopened.append('t', again))).toEqual(expected);
    expect(await count(reopened)).toBe(2);
  });

  it('is held against rows of large appends, and by large appends', async () => {
    const engine = await tableWithKey(ID);
    await engine.append('t', [{ id: 1, text: TOO_BIG_FOR_HOT }]);
    expect(await refused(engine.append('t', [{ id: 1 }]))).toEqual([{ index: 0, column: 'id', reason: EXISTS }]);
    expect(await refused(engine.append('t', [{ id: 2, text: TOO_BIG_FOR_HOT }, { id: 1 }]))).toEqual([
      { index: 1, column: 'id', reason: EXISTS },
    ]);
    expect(await count(engine)).toBe(1);
    expect((await engine.verify()).findings).toEqual([]);
  });

  it('goes to exactly one of many who append it at once', async () => {
    const engine = await tableWithKey(ID);
    const attempts = Array.from({ length: 40 }, (_, writer) =>
      engine.append('t', [{ id: writer % 4, text: writer % 5 === 0 ? TOO_BIG_FOR_HOT : String(writer) }]),
    );
    const results = await Promise.allSettled(attempts);
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(4);
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'INVALID_ROW' });
    const ids = (await rowsAsOf(engine, 't', { kind: 'newest' })).map((row) => row['id']);
    expect(ids.sort()).toEqual(['0', '1', '2', '3']);
    expect(engine.headSnapshotId).toBe(5);
  });

  it('is free again for nobody whose batch was refused, and for whoever comes next', async () => {
    const engine = await tableWithKey(ID);
    await engine.append('t', [{ id: 1 }]);
    await refused(engine.append('t', [{ id: 2 }, { id: 1 }]));
    await engine.append('t', [{ id: 2 }]);
    expect(await count(engine)).toBe(2);
  });

  it('may have many columns: they count together, and where one value ends does not blur', async () => {
    const engine = await tableWithKey([
      { name: 'a', type: 'STRING' },
      { name: 'b', type: 'STRING' },
    ]);
    await engine.append('t', [
      { a: 'x', b: 'yz' },
      { a: 'xy', b: 'z' },
      { a: '', b: 'xyz' },
      { a: 'x\0', b: 'y' },
    ]);
    expect(await refused(engine.append('t', [{ a: 'xy', b: 'z' }]))).toEqual([{ index: 0, column: 'a, b', reason: EXISTS }]);
    expect(await byKey(engine, { a: 'x', b: 'yz' })).toEqual(['x', 'yz', null]);
  });

  it.each([
    ['UUID', '123e4567-e89b-12d3-a456-426614174000', '123E4567-E89B-12D3-A456-426614174000'],
    ['LONG', 7, '007'],
    ['TIMESTAMPTZ', '2026-11-22T12:00:00+02:00', '2026-11-22T10:00:00Z'],
    ['INT', 0, -0],
    ['TIME', '10:00', '10:00:00.000000'],
    ['BINARY', 'AP8=', new Uint8Array([0, 255])],
    ['DECIMAL', '1', '1.000'],
  ] as const)('is the same however its value is written: %s', async (type, one, other) => {
    const engine = await tableWithKey([{ name: 'key', type }]);
    await engine.append('t', [{ key: one }]);
    expect(await refused(engine.append('t', [{ key: other }]))).toHaveLength(1);
    expect(await byKey(engine, { key: other })).toBeDefined();
  });

  it('makes its columns required', async () => {
    const engine = await tableWithKey(ID);
    expect(await refused(engine.append('t', [{}, { id: null }]))).toMatchObject([
      { index: 0, column: 'id' },
      { index: 1, column: 'id' },
    ]);
  });

  it('cannot be of JSON, FLOAT or DOUBLE, name a column twice, or name one that is not there', async () => {
    const engine = await testEngine();
    const code = async (type: ColumnDefinition['type'], primaryKey: readonly string[]): Promise<unknown> =>
      (await failureOf(engine.createTable({ name: 't', columns: [{ name: 'a', type }], primaryKey }))).code;
    for (const type of ['JSON', 'FLOAT', 'DOUBLE'] as const) expect(await code(type, ['a'])).toBe('BAD_USER_INPUT');
    expect(await code('INT', ['a', 'a'])).toBe('BAD_USER_INPUT');
    expect(await code('INT', ['b'])).toBe('COLUMN_NOT_FOUND');
  });
});

describe('a row by its primary key', () => {
  it('is found while hot and after it was flushed, now and at every snapshot since it came', async () => {
    const engine = await tableWithKey(ID);
    for (const id of [1, 2, 3]) await engine.append('t', [{ id, text: `row ${id}` }]);
    for (const place of ['hot', 'flushed', 'beside hot rows']) {
      expect(await byKey(engine, { id: 2 }), place).toEqual([2n, 'row 2']);
      expect(await byKey(engine, { id: '2' }, 3), place).toEqual([2n, 'row 2']);
      expect(await byKey(engine, { id: 2 }, 2), place).toBeUndefined();
      expect(await byKey(engine, { id: 1 }, 2), place).toEqual([1n, 'row 1']);
      expect(await byKey(engine, { id: 9 }), place).toBeUndefined();
      if (place === 'flushed') await engine.append('t', [{ id: 4, text: 'row 4' }]);
      await (place === 'hot' ? engine.compact() : undefined);
    }
    expect(await byKey(engine, { id: 4 })).toEqual([4n, 'row 4']);
  });

  it('is found in the file of a large append, and after such files were merged', async () => {
    const engine = await tableWithKey(ID);
    for (const first of [0, 10]) {
      const rows = Array.from({ length: 10 }, (_, index) => ({ id: first + index, text: `row ${first + index}` }));
      await engine.append('t', [...rows, { id: first + 100, text: TOO_BIG_FOR_HOT }]);
    }
    expect(await byKey(engine, { id: 3 })).toEqual([3n, 'row 3']);
    expect(await byKey(engine, { id: 13 }, 2)).toBeUndefined();
    await engine.compact();
    expect(await byKey(engine, { id: 3 })).toEqual([3n, 'row 3']);
    expect(await byKey(engine, { id: 13 }, 2)).toBeUndefined();
    expect(await byKey(engine, { id: 13 })).toEqual([13n, 'row 13']);
  });

  it('is found after a restart', async () => {
    const directory = await temporaryDirectory();
    const engine = await testEngine({ directory });
    await createTable(engine, ID);
    await engine.append('t', [{ id: 1, text: 'hot' }]);
    await engine.close();
    expect(await byKey(await testEngine({ directory }), { id: 1 })).toEqual([1n, 'hot']);
  });

  it('is BAD_USER_INPUT where the key is incomplete or does not fit, or the table has none', async () => {
    const engine = await tableWithKey(ID);
    for (const key of [{}, { id: null }, { id: 'seven' }, { other: 1 }])
      expect((await failureOf(byKey(engine, key))).code).toBe('BAD_USER_INPUT');
    const keyless = await testEngine();
    await keyless.createTable({ name: 't', columns: [...ID] });
    expect((await failureOf(byKey(keyless, { id: 1 }))).code).toBe('BAD_USER_INPUT');
  });
});
