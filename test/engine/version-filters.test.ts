import { describe, expect, it } from 'vitest';
import { type Engine, type Filter, LIMITS } from '../../src/engine/index.ts';
import { TOO_BIG_FOR_HOT } from '../support/random-rows.ts';
import { eq, keyedTable, rowsAsOf, testEngine } from '../support/support.ts';

const among = (column: string, values: readonly unknown[], negated = false): Filter => ({ kind: 'in', column, values, negated });
const ids = async (engine: Engine, where: Filter, snapshotId?: number): Promise<unknown[]> => {
  const asOf = snapshotId === undefined ? ({ kind: 'newest' } as const) : ({ kind: 'snapshot', snapshotId } as const);
  return (await rowsAsOf(engine, 't', asOf, { where, columns: ['id'] })).map(({ id }) => id);
};

/** Rows 0 to 2 in commit 2, 3 and 4 (a large append) in 3; 1 changed in 4, 0 deleted in 5, 5 in 6, 3 changed in 7. */
async function filled(): Promise<Engine> {
  const engine = await keyedTable();
  await engine.append('t', [{ id: 0 }, { id: 1 }, { id: 2 }]);
  await engine.append('t', [{ id: 3, text: TOO_BIG_FOR_HOT }, { id: 4 }]);
  await engine.update('t', eq('id', 1), { text: 'a' });
  await engine.delete('t', eq('id', 0));
  await engine.append('t', [{ id: 5 }]);
  await engine.update('t', eq('id', 3), { text: 'b' });
  return engine;
}

const EXPECTED: readonly (readonly [Filter, readonly number[], number?])[] = [
  [eq('_rowId', 3), [3]],
  [eq('_rowId', 0), []],
  [eq('_rowId', 0), [0], 4],
  [eq('_rowId', 2 ** 52), []],
  [among('_rowId', [5, 1, 0, 99]), [1, 5]],
  [among('_rowId', []), []],
  [among('_rowId', [1, 2], true), [3, 4, 5]],
  [{ kind: 'not', filter: eq('_rowId', 1) }, [2, 3, 4, 5]],
  [{ kind: 'compare', column: '_rowId', operator: 'gte', value: 4 }, [4, 5]],
  [{ kind: 'compare', column: '_rowId', operator: 'lt', value: 3 }, [1, 2]],
  [{ kind: 'or', filters: [eq('_rowId', 1), eq('_rowId', 5)] }, [1, 5]],
  [{ kind: 'and', filters: [eq('_rowId', 1), eq('_rowId', 5)] }, []],
  [{ kind: 'isNull', column: '_rowId', isNull: false }, [1, 2, 3, 4, 5]],
  [{ kind: 'isNull', column: '_fromSnapshotId', isNull: true }, []],
  [eq('_fromSnapshotId', 2), [2]],
  [eq('_fromSnapshotId', 2), [0, 1, 2], 3],
  [eq('_fromSnapshotId', 3), [4]],
  [eq('_fromSnapshotId', 7), [3]],
  [among('_fromSnapshotId', [4, 6]), [1, 5]],
  [{ kind: 'compare', column: '_fromSnapshotId', operator: 'gt', value: 3 }, [1, 3, 5]],
  [{ kind: 'and', filters: [eq('_rowId', 3), eq('_fromSnapshotId', 3)] }, []],
  [{ kind: 'and', filters: [eq('_rowId', 3), eq('_fromSnapshotId', 3)] }, [3], 6],
  [{ kind: 'and', filters: [eq('_fromSnapshotId', 4), { kind: 'text', column: 'text', operator: 'like', value: 'a%' }] }, [1]],
];

describe('a filter on _rowId and _fromSnapshotId', () => {
  it('reads the versions that it names, hot, staged and compacted, now and at earlier snapshots', async () => {
    const engine = await filled();
    for (const stored of ['hot and staged', 'compacted', 'compacted, and hot beside it', 'after a restart']) {
      for (const [where, rows, snapshotId] of EXPECTED)
        expect(await ids(engine, where, snapshotId), `${stored}: ${JSON.stringify(where)}`).toEqual(rows);
      if (stored === 'hot and staged') await engine.compact();
      else if (stored === 'compacted') await engine.update('t', eq('_rowId', 99), { text: 'c' });
    }
  });

  it('counts and groups what it names', async () => {
    const engine = await filled();
    const at = await engine.read.tableAt(engine.table('t'), engine.headSnapshotId);
    if (at === undefined) throw new Error('the table is there');
    expect(await engine.read.count(at, eq('_fromSnapshotId', 7))).toBe(1);
    const sums = await engine.read.aggregate(at, { where: among('_rowId', [1, 2, 0]), terms: [{ function: 'SUM', column: 'id' }] });
    expect(sums).toEqual(['3']);
  });

  it('changes a row only where nobody has changed it since it was read', async () => {
    const engine = await filled();
    const where: Filter = { kind: 'and', filters: [eq('id', 4), eq('_fromSnapshotId', 3)] };
    const edits = await Promise.all(['mine', 'yours', 'theirs'].map((text) => engine.update('t', where, { text })));
    expect(edits.map(({ updatedRows }) => updatedRows).sort()).toEqual([0, 0, 1]);
    expect(edits.filter(({ commit }) => commit !== null)).toHaveLength(1);
    expect((await engine.delete('t', where)).commit).toBeNull();
    expect((await engine.delete('t', among('_rowId', [4, 5]))).deletedRows).toBe(2);
    expect(await engine.replace('t', [{ id: 9 }], eq('_rowId', 2))).toMatchObject({ insertedRows: 1, deletedRows: 1 });
  });

  it('within one commit: what the commit has changed itself is of no earlier snapshot, and rows that it brings are no others', async () => {
    const engine = await filled();
    const result = await engine
      .commit([
        { kind: 'append', table: 't', rows: [{ id: 10 }] },
        { kind: 'update', table: 't', where: eq('_rowId', 2), set: { text: 'once' } },
        { kind: 'update', table: 't', where: eq('_fromSnapshotId', 2), set: { text: 'again' } },
        {
          kind: 'delete',
          table: 't',
          where: { kind: 'and', filters: [{ kind: 'compare', column: '_fromSnapshotId', operator: 'gt', value: 7 }, eq('id', 10)] },
        },
        { kind: 'update', table: 't', where: among('_rowId', [1, 2]), set: { id: 0 } },
      ])
      .catch((error: unknown) => error);
    expect(result).toMatchObject({ code: 'INVALID_ROW' });
    const done = await engine.commit([
      { kind: 'append', table: 't', rows: [{ id: 10 }] },
      { kind: 'update', table: 't', where: eq('_rowId', 2), set: { text: 'once' } },
      { kind: 'update', table: 't', where: eq('_fromSnapshotId', 2), set: { text: 'again' } },
      { kind: 'delete', table: 't', where: { kind: 'not', filter: among('_rowId', [1, 2, 3, 4]) } },
    ]);
    expect(done).toMatchObject({ insertedRows: 0, updatedRows: 1, deletedRows: 1 });
    expect((await rowsAsOf(engine, 't', { kind: 'newest' })).map(({ id, text }) => [id, text])).toEqual([
      [1, 'a'],
      [2, 'once'],
      [3, 'b'],
      [4, null],
    ]);
  });

  it('upserts only rows that are as they were read', async () => {
    const engine = await filled();
    const given = [1, 2].map((id) => ({ id, text: 'x' }));
    expect(await engine.upsert('t', given, null, { onConflict: { where: eq('_fromSnapshotId', 4) } })).toMatchObject({ updatedRows: 1 });
    expect(await ids(engine, eq('text', 'x'))).toEqual([1]);
  });

  it('finds changes whose version before or after it names', async () => {
    const engine = await filled();
    for (const where of [eq('_fromSnapshotId', 3), eq('_rowId', 3)]) {
      const diff = await engine.read.diff(engine.table('t'), { from: 6 as never, to: 7 as never, where });
      expect(diff).toMatchObject({ insertedRows: 0, updatedRows: 1, deletedRows: 0 });
    }
    const page = await engine.read.commitChanges(engine.table('t'), { snapshotId: 7 as never, where: eq('_fromSnapshotId', 7) });
    expect(page.changes).toMatchObject([{ kind: 'INSERT', rowId: 3 }]);
  });

  it('erases a row by its id', async () => {
    const engine = await filled();
    expect(await engine.eraseRows({ table: 't', where: eq('_rowId', 3), reason: 'asked for' })).toMatchObject({
      erasedRows: 1,
      erasedVersions: 2,
    });
    expect((await engine.verify()).findings).toEqual([]);
  });

  it('changes many rows at once', async () => {
    const engine = await testEngine();
    await engine.createTable({ name: 't', columns: [{ name: 'id', type: 'INT' }] });
    const half = LIMITS.changedRowsMax / 2 + 1000;
    for (const first of [0, half])
      await engine.append(
        't',
        Array.from({ length: half }, (_, at) => ({ id: first + at })),
      );
    const where: Filter = { kind: 'compare', column: '_rowId', operator: 'gte', value: 1 };
    expect((await engine.update('t', where, { id: 7 })).updatedRows).toBe(2 * half - 1);
    expect((await engine.delete('t', eq('_fromSnapshotId', 4))).deletedRows).toBe(2 * half - 1);
    expect(await ids(engine, { kind: 'and', filters: [] })).toEqual([0]);
  });
});
