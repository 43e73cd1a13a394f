/** The block cache is a fast path; these compare it with plain scans. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asRowId, asSnapshotId, type Engine } from '../../src/engine/index.ts';
import { temporaryDirectory, testEngine } from '../support/support.ts';

const COLUMNS = [
  { name: 'id', type: 'LONG', required: true },
  { name: 'text', type: 'STRING' },
  { name: 'number', type: 'DOUBLE' },
] as const;

const row = (id: number): Record<string, unknown> => ({ id, text: id % 7 === 0 ? null : `text ${id}`, number: id / 3 });

/** Rows in staged files, sorted files and hot, over many snapshots. */
async function filled(engine: Engine): Promise<number> {
  await engine.createTable({ name: 't', columns: COLUMNS, primaryKey: ['id'] });
  let next = 0;
  const append = async (count: number): Promise<void> => {
    await engine.append(
      't',
      Array.from({ length: count }, (_, index) => row(next + index)),
    );
    next += count;
  };
  for (const count of [3000, 1, 1, 5000, 2, 40]) await append(count);
  await engine.compact('t');
  for (const count of [4000, 1, 6000, 3, 1, 500, 1]) await append(count);
  return next;
}

async function page(engine: Engine, snapshotId: number, query: { first?: number; last?: number; columns?: string[] }): Promise<unknown> {
  const at = await engine.read.tableAt(engine.table('t'), asSnapshotId(snapshotId));
  const { rows, hasNextPage, hasPreviousPage } = await engine.read.page(at ?? expect.fail('no table'), query);
  return { rows: rows.map(({ rowId, fromSnapshotId, cells }) => ({ rowId, fromSnapshotId, cells })), hasNextPage, hasPreviousPage };
}

describe('pages and rows from the block cache', () => {
  it('are those of the columns that are asked for, whoever asked first with others', async () => {
    const decimal = { name: 'd', type: 'DECIMAL', precision: 4, scale: 2 } as const;
    for (const wideFirst of [true, false]) {
      const engine = await testEngine();
      await engine.createTable({
        name: 't',
        columns: [{ name: 'k', type: 'INT' }, decimal, { name: 'f', type: 'FLOAT' }, { name: 'i', type: 'INT' }],
      });
      await engine.append('t', [{ k: 1, d: '12.34', f: 0.5, i: 1 }]);
      await engine.alterTable('t', [
        { kind: 'widenColumn', name: 'd', precision: 10 },
        { kind: 'widenColumn', name: 'f', type: 'DOUBLE' },
        { kind: 'widenColumn', name: 'i', type: 'LONG' },
      ]);
      await engine.append('t', [{ k: 2, d: '99999.99', f: 1e300, i: '9007199254740993' }]);
      await engine.compact();
      const wide = engine.table('t').schema;
      await engine.restore({ to: { kind: 'snapshot', snapshotId: 2 } });
      const narrow = engine.table('t').schema;
      const read = async (schema: typeof wide): Promise<unknown> => {
        const at = await engine.read.tableAt(engine.table('t'), asSnapshotId(4), schema);
        const { rows } = await engine.read.page(at ?? expect.fail('no table'), {});
        return rows.map(({ cells }) => cells);
      };
      const expected = new Map([
        [
          wide,
          [
            [1, 1234n, 0.5, 1n],
            [2, 9999999n, 1e300, 9007199254740993n],
          ],
        ],
        [
          narrow,
          [
            [1, 1234n, 0.5, 1],
            [2, null, null, null],
          ],
        ],
      ]);
      for (const schema of wideFirst ? [wide, narrow, wide] : [narrow, wide, narrow])
        expect(await read(schema)).toEqual(expected.get(schema));
    }
  });

  it('are what a scan without the cache finds, at every snapshot, also when the cache is far too small', async () => {
    const directory = await temporaryDirectory();
    const first = await testEngine({ directory, maintenance: { autoCompact: false } });
    await filled(first);
    await first.close();
    const plain = await testEngine({ directory, cacheBytes: 0, maintenance: { autoCompact: false } });
    const queries = fc.record({
      snapshotId: fc.integer({ min: 1, max: plain.headSnapshotId }),
      size: fc.nat(1000),
      backward: fc.boolean(),
      columns: fc.subarray(['id', 'text', 'number']),
    });
    const asked = fc.sample(queries, { numRuns: 80, seed: 20261122 });
    const ask = (engine: Engine) =>
      Promise.all(
        asked.map(({ snapshotId, size, backward, columns }) =>
          page(engine, snapshotId, { ...(backward ? { last: size } : { first: size }), columns }),
        ),
      );
    const expected = await ask(plain);
    await plain.close();
    for (const cacheBytes of [100_000, 64 * 1024 * 1024]) {
      const cached = await testEngine({ directory, cacheBytes, maintenance: { autoCompact: false } });
      expect(await ask(cached)).toEqual(expected);
      expect(await ask(cached)).toEqual(expected);
      await cached.close();
    }
  });

  it('follow their rows when compaction moves them to other files', async () => {
    const engine = await testEngine({ maintenance: { autoCompact: false } });
    const count = await filled(engine);
    const before = await page(engine, engine.headSnapshotId, { first: 1000 });
    await engine.compact('t');
    expect(await page(engine, engine.headSnapshotId, { first: 1000 })).toEqual(before);
    const at = (await engine.read.tableAt(engine.table('t'), engine.headSnapshotId)) ?? expect.fail('no table');
    for (const id of [0, 3000, 8001, count - 1]) {
      const found = await engine.read.rowByKey(at, { id }, at.schema.columns);
      expect(found?.cells[0]).toBe(BigInt(id));
      const again = await engine.read.rowById(
        at.tableId,
        { rowId: asRowId(id), fromSnapshotId: found?.fromSnapshotId ?? asSnapshotId(0) },
        at.schema.columns,
      );
      expect(again).toEqual(found);
    }
  });
});
