import { describe, expect, it } from 'vitest';
import type { CommitOptions, Engine, Filter } from '../../src/engine/index.ts';
import { TOO_BIG_FOR_HOT } from '../support/random-rows.ts';
import { testServer } from '../support/server-support.ts';
import { eq, failureOf, keyedTable } from '../support/support.ts';

async function filled(): Promise<Engine> {
  const engine = await keyedTable();
  await engine.append('t', [{ id: 1 }, { id: 2 }, { id: 3 }]);
  return engine;
}

/** Every way to change rows, and how many it changes. */
const CHANGES: Record<string, { readonly rows: number; readonly change: (engine: Engine, options: CommitOptions) => Promise<unknown> }> = {
  append: { rows: 2, change: (engine, options) => engine.append('t', [{ id: 4 }, { id: 5 }], options) },
  'a large append': { rows: 1, change: (engine, options) => engine.append('t', [{ id: 4, text: TOO_BIG_FOR_HOT }], options) },
  'an append of nothing': { rows: 0, change: (engine, options) => engine.append('t', [], options) },
  update: { rows: 1, change: (engine, options) => engine.update('t', eq('id', 1), { text: 'x' }, options) },
  'an update of nothing': { rows: 0, change: (engine, options) => engine.update('t', eq('id', 9), { text: 'x' }, options) },
  delete: { rows: 1, change: (engine, options) => engine.delete('t', eq('id', 1), options) },
  upsert: { rows: 2, change: (engine, options) => engine.upsert('t', [{ id: 1 }, { id: 2, text: 'x' }, { id: 9 }], options) },
  'an upsert that changes nothing': { rows: 0, change: (engine, options) => engine.upsert('t', [{ id: 1 }], options) },
  replace: { rows: 3, change: (engine, options) => engine.replace('t', [{ id: 1 }], undefined, options) },
  'several operations': {
    rows: 2,
    change: (engine, options) =>
      engine.commit(
        [
          { kind: 'append', table: 't', rows: [{ id: 4 }] },
          { kind: 'update', table: 't', where: eq('id', 1), set: { text: 'a' } },
          { kind: 'update', table: 't', where: eq('id', 1), set: { text: 'b' } },
        ],
        options,
      ),
  },
  createTable: { rows: 0, change: (engine, options) => engine.createTable({ name: 'u', columns: [{ name: 'id', type: 'INT' }] }, options) },
  'createTable of a table there is': {
    rows: 0,
    change: (engine, options) =>
      engine.createTable(
        {
          name: 't',
          columns: [
            { name: 'id', type: 'INT' },
            { name: 'text', type: 'STRING' },
          ],
          primaryKey: ['id'],
          ifExists: 'IGNORE',
        },
        options,
      ),
  },
  alterTable: {
    rows: 0,
    change: (engine, options) => engine.alterTable('t', [{ kind: 'renameColumn', name: 'text', to: 'words' }], options),
  },
  restore: {
    rows: 3,
    change: (engine, options) => engine.restore({ tables: ['t'], to: { kind: 'snapshot', snapshotId: 1 as never } }, options),
  },
  'a restore to what there is': { rows: 0, change: (engine, options) => engine.restore({ to: { kind: 'newest' } }, options) },
  eraseRows: { rows: 1, change: (engine, options) => engine.eraseRows({ table: 't', where: eq('id', 1), reason: 'r' }, options) },
  'eraseRows of nothing': {
    rows: 0,
    change: (engine, options) => engine.eraseRows({ table: 't', where: eq('id', 9), reason: 'r' }, options),
  },
};

describe.each(Object.entries(CHANGES))('expectedRows: %s', (_name, { rows, change }) => {
  it('is made where it changes so many rows, else it is a CONFLICT and nothing is done', async () => {
    const engine = await filled();
    for (const expectedRows of [rows + 1, ...(rows > 0 ? [0, rows - 1] : [])]) {
      const error = await failureOf(change(engine, { expectedRows }));
      expect(error).toMatchObject({ code: 'CONFLICT', details: { expectedRows, actualRows: rows } });
    }
    expect(engine.headSnapshotId).toBe(2);
    await change(engine, { expectedRows: rows });
    expect((await engine.verify()).findings).toEqual([]);
  });
});

describe('expectedRows', () => {
  it('lets one of two who edit the version that both read win, and tells the other', async () => {
    const engine = await filled();
    const where: Filter = { kind: 'and', filters: [eq('id', 1), eq('_fromSnapshotId', 2)] };
    const edits = await Promise.allSettled(['a', 'b', 'c'].map((text) => engine.update('t', where, { text }, { expectedRows: 1 })));
    expect(edits.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const edit of edits)
      if (edit.status === 'rejected') expect(edit.reason).toMatchObject({ code: 'CONFLICT', details: { actualRows: 0 } });
  });

  it('does not stand in the way of a retry, which returns the first commit', async () => {
    const engine = await filled();
    const options: CommitOptions = { expectedRows: 1, idempotencyKey: 'edit' };
    const where: Filter = { kind: 'and', filters: [eq('id', 1), eq('_fromSnapshotId', 2)] };
    const first = await engine.update('t', where, { text: 'a' }, options);
    expect(await engine.update('t', where, { text: 'a' }, options)).toMatchObject({
      replayed: true,
      commit: { snapshotId: first.commit?.snapshotId },
    });
    // A key is free again after a refusal.
    const other: CommitOptions = { expectedRows: 2, idempotencyKey: 'other' };
    await failureOf(engine.append('t', [{ id: 7 }], other));
    expect((await engine.append('t', [{ id: 7 }], { ...other, expectedRows: 1 })).replayed).toBe(false);
  });

  it('is a number of rows', async () => {
    const engine = await filled();
    for (const expectedRows of [-1, 1.5, Number.NaN])
      expect((await failureOf(engine.append('t', [{ id: 4 }], { expectedRows }))).code).toBe('BAD_USER_INPUT');
  });

  it('goes with every mutation that takes options, createTable too', async () => {
    const server = await testServer();
    const created = await server.data(
      `mutation { createTable(input: {name: "orders", primaryKey: ["id"], columns: [{name: "id", type: INT}, {name: "s", type: STRING}]},
        options: {author: "ann", message: "start", properties: {ticket: 7}, idempotencyKey: "k", expectedRows: 0}) { replayed commit { snapshotId author message properties } } }`,
    );
    expect(created).toEqual({
      createTable: { replayed: false, commit: { snapshotId: 1, author: 'ann', message: 'start', properties: { ticket: 7 } } },
    });
    const again = await server.data(
      `mutation { createTable(input: {name: "orders", primaryKey: ["id"], columns: [{name: "id", type: INT}, {name: "s", type: STRING}]}, options: {idempotencyKey: "k"}) { replayed commit { snapshotId } } }`,
    );
    expect(again).toEqual({ createTable: { replayed: true, commit: { snapshotId: 1 } } });
    await server.data('mutation { appendOrders(rows: [{id_: 1}], options: {expectedRows: 1}) { replayed } }');
    for (const field of [
      'appendOrders(rows: [{id_: 2}], options: {expectedRows: 9})',
      'append(table: "orders", rows: [{id: 2}], options: {expectedRows: 9})',
      'updateOrders(where: {id_: {eq: 1}, _fromSnapshotId: {eq: 1}}, set: {s: "x"}, options: {expectedRows: 1})',
      'update(table: "orders", where: {column: "id", eq: 1}, set: {s: "x"}, options: {expectedRows: "0"})',
      'upsertOrders(rows: [{id_: 1}], options: {expectedRows: 1})',
      'deleteOrders(where: {id_: {eq: 1}}, options: {expectedRows: 0})',
      'replaceOrders(rows: [], options: {expectedRows: 0})',
      'commit(operations: [{orders: {append: [{id_: 3}]}}], options: {expectedRows: 2})',
      'alterTable(table: "orders", changes: [{dropColumn: {name: "s"}}], options: {expectedRows: 1})',
      'dropTable(table: "orders", options: {expectedRows: 0})',
      'restore(to: {snapshotId: 1}, options: {expectedRows: 0})',
      'restore(to: {snapshotId: 1}, dryRun: true, options: {expectedRows: 0})',
      'createTable(input: {name: "u", columns: [{name: "k", type: INT}]}, options: {expectedRows: 1})',
    ]) {
      const { errors } = await server.query(`mutation { ${field} { replayed } }`);
      expect(errors?.[0]?.extensions, field).toMatchObject({ code: 'CONFLICT', details: { expectedRows: expect.any(Number) } });
    }
    expect(server.engine.headSnapshotId).toBe(2);
  });
});
