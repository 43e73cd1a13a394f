import { describe, expect, it } from 'vitest';
import type { Engine } from '../../src/engine/index.ts';
import { TOO_BIG_FOR_HOT } from '../support/random-rows.ts';
import { eq, failureOf, keyedTable, rowsAsOf } from '../support/support.ts';

/** Rows 1 to 4 of table t in commit 2. */
async function filled(): Promise<Engine> {
  const engine = await keyedTable();
  await engine.append(
    't',
    [1, 2, 3, 4].map((id) => ({ id, text: `t${id}` })),
  );
  return engine;
}

const shown = async (engine: Engine, table = 't'): Promise<unknown[]> =>
  (await rowsAsOf(engine, table, { kind: 'newest' })).map(({ id, text }) => `${id} ${text}`);

describe('revert of one commit', () => {
  it.each(['hot', 'compacted', 'large'] as const)(
    'brings back what it changed and deleted, takes what it inserted, keeps all else: %s',
    async (stored) => {
      const engine = await filled();
      const text = stored === 'large' ? TOO_BIG_FOR_HOT : 'new';
      await engine.commit([
        { kind: 'update', table: 't', where: eq('id', 1), set: { text: 'bad' } },
        { kind: 'delete', table: 't', where: eq('id', 2) },
        { kind: 'append', table: 't', rows: [{ id: 9, text }] },
      ]);
      await engine.update('t', eq('id', 3), { text: 'good' });
      await engine.append('t', [{ id: 5, text: 't5' }]);
      if (stored === 'compacted') await engine.compact();
      const would = await engine.revert({ snapshotId: 3, dryRun: true });
      expect(would).toMatchObject({ commit: null, insertedRows: 1, updatedRows: 1, deletedRows: 1 });
      expect(engine.headSnapshotId).toBe(5);
      const done = await engine.revert({ snapshotId: 3 }, { author: 'ann', message: 'undo', expectedRows: 3 });
      expect(done).toMatchObject({
        insertedRows: 1,
        updatedRows: 1,
        deletedRows: 1,
        commit: { snapshotId: 6, author: 'ann' },
        snapshots: [{ operation: 'RESTORE' }],
      });
      expect(done.reverted).toMatchObject([{ skipped: [] }]);
      expect(await shown(engine)).toEqual(['1 t1', '2 t2', '3 good', '4 t4', '5 t5']);
      // The rows are the same rows, and their keys are theirs again.
      expect(
        (await rowsAsOf(engine, 't', { kind: 'newest' }, { where: { kind: 'in', column: '_rowId', values: [0, 1], negated: false } })).map(
          ({ id }) => id,
        ),
      ).toEqual([1, 2]);
      expect((await failureOf(engine.append('t', [{ id: 2 }]))).code).toBe('INVALID_ROW');
      await engine.append('t', [{ id: 9 }]);
      await engine.compact();
      expect((await engine.verify()).findings).toEqual([]);
      expect(await rowsAsOf(engine, 't', { kind: 'snapshot', snapshotId: 3 as never })).toHaveLength(4);
    },
  );

  it('names the rows that were changed since, and does nothing', async () => {
    const engine = await filled();
    await engine.update('t', { kind: 'and', filters: [] }, { text: 'bad' });
    await engine.update('t', eq('id', 2), { text: 'mended' });
    await engine.delete('t', eq('id', 3));
    const error = await failureOf(engine.revert({ snapshotId: 3 }));
    expect(error).toMatchObject({
      code: 'CONFLICT',
      details: {
        table: 't',
        snapshotId: 3,
        changedRows: 2,
        rows: [
          { row: 1, key: { id: 2 } },
          { row: 2, key: { id: 3 } },
        ],
      },
    });
    expect((await failureOf(engine.revert({ snapshotId: 3, dryRun: true }))).code).toBe('CONFLICT');
    expect(engine.headSnapshotId).toBe(5);
    const skipped = await engine.revert({ snapshotId: 3, onChanged: 'SKIP' });
    expect(skipped).toMatchObject({ updatedRows: 2, insertedRows: 0, deletedRows: 0 });
    expect(skipped.reverted[0]?.skipped.map(({ row }) => row)).toEqual([1, 2]);
    expect(await shown(engine)).toEqual(['1 t1', '2 mended', '4 t4']);
    expect((await engine.revert({ snapshotId: 3, onChanged: 'SKIP' })).commit).toBeNull();
  });

  it('of a delete whose key is taken since is a CONFLICT, or leaves the row away', async () => {
    const engine = await filled();
    await engine.delete('t', { kind: 'in', column: 'id', values: [1, 2], negated: false });
    await engine.append('t', [{ id: 1, text: 'another' }]);
    expect(await failureOf(engine.revert({ snapshotId: 3 }))).toMatchObject({
      code: 'CONFLICT',
      details: { rows: [{ row: 0, key: { id: 1 } }] },
    });
    expect(await engine.revert({ snapshotId: 3, onChanged: 'SKIP' })).toMatchObject({ insertedRows: 1 });
    expect(await shown(engine)).toEqual(['2 t2', '3 t3', '4 t4', '1 another']);
    expect((await engine.verify()).findings).toEqual([]);
  });

  it('gives keys back that it moved, also where rows changed places', async () => {
    const engine = await filled();
    await engine.commit([
      { kind: 'update', table: 't', where: eq('id', 1), set: { id: 7 } },
      { kind: 'update', table: 't', where: eq('id', 2), set: { id: 1 } },
      { kind: 'update', table: 't', where: eq('id', 7), set: { id: 2 } },
    ]);
    expect(await shown(engine)).toEqual(['2 t1', '1 t2', '3 t3', '4 t4']);
    await engine.revert({ snapshotId: 3 });
    expect(await shown(engine)).toEqual(['1 t1', '2 t2', '3 t3', '4 t4']);
    // One of the two stays as it is, and so does the other, whose key it has.
    await engine.revert({ snapshotId: 4 });
    await engine.update('t', eq('text', 't1'), { text: 'kept' });
    expect((await engine.revert({ snapshotId: 5, onChanged: 'SKIP' })).commit).toBeNull();
    expect((await engine.verify()).findings).toEqual([]);
  });

  it('of a revert is the commit again', async () => {
    const engine = await filled();
    await engine.delete('t', eq('id', 1));
    await engine.revert({ snapshotId: 3 });
    expect(await shown(engine)).toEqual(['1 t1', '2 t2', '3 t3', '4 t4']);
    // What the commit deleted is there again: there is nothing left to undo.
    expect((await failureOf(engine.revert({ snapshotId: 3 }))).code).toBe('CONFLICT');
    await engine.revert({ snapshotId: 4 });
    expect(await shown(engine)).toEqual(['2 t2', '3 t3', '4 t4']);
    await engine.revert({ snapshotId: 5 });
    expect(await shown(engine)).toEqual(['1 t1', '2 t2', '3 t3', '4 t4']);
  });

  it('undoes several tables in one commit, or none', async () => {
    const engine = await filled();
    await engine.createTable({
      name: 'u',
      columns: [
        { name: 'id', type: 'INT' },
        { name: 'text', type: 'STRING' },
      ],
    });
    const both = (id: number) => [
      { kind: 'append', table: 't', rows: [{ id, text: 'x' }] } as const,
      {
        kind: 'append',
        table: 'u',
        rows: [
          { id, text: 'x' },
          { id, text: 'y' },
        ],
      } as const,
    ];
    await engine.commit(both(8));
    await engine.update('u', eq('text', 'y'), { text: 'z' });
    expect(await failureOf(engine.revert({ snapshotId: 4 }))).toMatchObject({
      code: 'CONFLICT',
      details: { table: 'u', rows: [{ row: 1, key: null }] },
    });
    expect(await shown(engine)).toHaveLength(5);
    await engine.revert({ snapshotId: 4, onChanged: 'SKIP' });
    expect([await shown(engine), await shown(engine, 'u')]).toEqual([['1 t1', '2 t2', '3 t3', '4 t4'], ['8 z']]);
  });

  it('goes with idempotency keys and expectations', async () => {
    const engine = await filled();
    await engine.delete('t', eq('id', 1));
    const options = { idempotencyKey: 'undo' };
    await engine.revert({ snapshotId: 3 }, options);
    expect(await engine.revert({ snapshotId: 3 }, options)).toMatchObject({ replayed: true, reverted: [] });
    expect((await failureOf(engine.revert({ snapshotId: 4 }, options))).code).toBe('IDEMPOTENCY_KEY_REUSED');
    for (const dryRun of [false, true]) {
      expect((await failureOf(engine.revert({ snapshotId: 4, dryRun }, { expectedSnapshotId: 3 }))).code).toBe('CONFLICT');
      expect((await failureOf(engine.revert({ snapshotId: 4, dryRun }, { expectedRows: 2 }))).code).toBe('CONFLICT');
    }
  });

  it('refuses what changed a table itself, and says what does that', async () => {
    const engine = await filled();
    await engine.alterTable('t', [{ kind: 'addColumn', column: { name: 'more', type: 'INT' } }]);
    await engine.alterTable('t', [{ kind: 'setDescription', description: 'rows' }]);
    await engine.dropTable('t');
    await engine.restore({ to: { kind: 'snapshot', snapshotId: 4 as never } });
    await engine.eraseRows({ table: 't', where: eq('id', 4), reason: 'r' });
    for (const snapshotId of [1, 3, 4, 5, 6, 7]) {
      const error = await failureOf(engine.revert({ snapshotId }));
      expect(error, String(snapshotId)).toMatchObject({ code: 'BAD_USER_INPUT', details: { table: 't', snapshotId } });
    }
    // An erased row does not come back, and what is left of its commit does.
    expect(await engine.revert({ snapshotId: 2 })).toMatchObject({ deletedRows: 3 });
    expect((await engine.verify()).findings).toEqual([]);
    expect((await failureOf(engine.revert({ snapshotId: 99 }))).code).toBe('SNAPSHOT_NOT_FOUND');
    expect((await failureOf(engine.revert({ snapshotId: 0 }))).code).toBe('SNAPSHOT_NOT_FOUND');
  });

  it('reads the columns of then as those of now, or refuses where one has no room for its values', async () => {
    const engine = await filled();
    await engine.delete('t', eq('id', 1));
    await engine.alterTable('t', [
      { kind: 'addColumn', column: { name: 'flag', type: 'BOOLEAN', default: true, required: true } },
      { kind: 'renameColumn', name: 'text', to: 'words' },
      { kind: 'widenColumn', name: 'id', type: 'LONG' },
    ]);
    await engine.delete('t', eq('id', 2));
    await engine.revert({ snapshotId: 3 });
    expect((await rowsAsOf(engine, 't', { kind: 'newest' }))[0]).toEqual({ id: '1', words: 't1', flag: true });
    await engine.restore({ tables: ['t'], to: { kind: 'snapshot', snapshotId: 2 as never } });
    expect(await failureOf(engine.revert({ snapshotId: 5 }))).toMatchObject({ code: 'SCHEMA_MISMATCH', details: { column: 'id' } });
  });

  it('is SNAPSHOT_EXPIRED where the versions may be gone, and TABLE_NOT_FOUND where the table is', async () => {
    const engine = await filled();
    await engine.delete('t', eq('id', 1));
    await engine.append('t', [{ id: 8 }]);
    await engine.expireSnapshots({ retainLast: 1 });
    for (const snapshotId of [2, 3]) expect((await failureOf(engine.revert({ snapshotId }))).code).toBe('SNAPSHOT_EXPIRED');
    await engine.append('t', [{ id: 9 }]);
    await engine.dropTable('t');
    expect((await failureOf(engine.revert({ snapshotId: 5 }))).code).toBe('TABLE_NOT_FOUND');
  });
});
