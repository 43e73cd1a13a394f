/** What maintenance and large changes do to one table while others take commits: at every snapshot, counts are those of the rows. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asSnapshotId, type Engine, type Filter } from '../../src/engine/index.ts';
import { scaled, seedOf } from '../support/random.ts';
import { testEngine } from '../support/support.ts';

const ALL: Filter = { kind: 'and', filters: [] };
const below = (n: number): Filter => ({ kind: 'compare', column: 'n', operator: 'lt', value: Math.floor(n) });

const rowsOf = (from: number, count: number): { n: number; text: string }[] =>
  Array.from({ length: count }, (_, index) => ({ n: from + index, text: `row ${from + index}` }));

async function started(): Promise<Engine> {
  const engine = await testEngine();
  for (const name of ['a', 'b'])
    await engine.createTable({
      name,
      columns: [
        { name: 'n', type: 'INT' },
        { name: 'text', type: 'STRING' },
      ],
      primaryKey: ['n'],
    });
  return engine;
}

/** Compares, at every snapshot that is kept, the counts that the catalog tells with the rows that are there. */
async function expectCounts(engine: Engine): Promise<void> {
  for (let at = 1; at <= engine.headSnapshotId; at += 1) {
    for (const table of engine.tables()) {
      const target = at < table.kept.horizon ? undefined : await engine.read.tableAt(table, asSnapshotId(at));
      if (target === undefined) continue;
      const counted = await engine.read.count(target, undefined);
      const found = await engine.read.count(target, ALL);
      const page = await engine.read.page(target, { first: 1000 });
      expect({ table: table.name, at, counted, found }).toEqual({
        table: table.name,
        at,
        counted: page.rows.length,
        found: page.rows.length,
      });
    }
  }
}

/** Something done to table a; `n` is the first number that nobody has used. */
const WORKS: Readonly<Record<string, (engine: Engine, n: number) => Promise<unknown>>> = {
  erase: (engine, n) => engine.eraseRows({ table: 'a', where: below(n / 3), reason: 'asked to' }),
  compact: (engine) => engine.compact('a'),
  expire: (engine) => engine.expireSnapshots({ table: 'a', retainLast: 5 }),
  update: (engine, n) => engine.update('a', below(n / 2), { text: 'changed' }),
  delete: (engine, n) => engine.delete('a', below(n / 4)),
  replace: (engine, n) => engine.replace('a', rowsOf(n + 1000, 3), below(n / 5)),
  upsert: (engine, n) => engine.upsert('a', rowsOf(n - 3, 6)),
  restore: (engine) =>
    engine.restore({
      tables: ['a'],
      to: { kind: 'snapshot', snapshotId: Math.max(1, engine.table('a').kept.horizon, engine.headSnapshotId - 4) },
    }),
  create: (engine, n) =>
    engine.commit([
      {
        kind: 'createTable',
        definition: { name: `made_${n}`, columns: [{ name: 'n', type: 'INT' }] },
      },
      { kind: 'append', table: `made_${n}`, rows: [{ n: 1 }, { n: 2 }] },
      { kind: 'append', table: 'a', rows: rowsOf(n + 2000, 2) },
    ]),
  tag: (engine, n) => engine.createTag(`tag-${n}`),
};

describe.each(Object.entries(WORKS))('%s, beside commits of another table', (_name, work) => {
  it('leaves the right counts at every snapshot in between', async () => {
    const engine = await started();
    let n = 1;
    let another = 1;
    for (let round = 0; round < 3; round += 1) {
      await engine.append('a', rowsOf(n, 9));
      await engine.append('b', rowsOf(another++, 1));
      if (round === 1) await engine.compact('a');
      n += 9;
      let isDone = false;
      const working = work(engine, n).finally(() => {
        isDone = true;
      });
      for (let more = 0; !isDone || more < 3; more += 1) await engine.append('b', rowsOf(another++, 1));
      await working;
      n += 3000;
    }
    await expectCounts(engine);
    expect((await engine.verify()).findings).toEqual([]);
  });
});

it('any of them, in any order and at once with commits of other tables: counts are those of the rows', async () => {
  const step = fc.record({ work: fc.constantFrom(...Object.keys(WORKS)), commits: fc.integer({ min: 0, max: 4 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 7 }), async (steps) => {
      const engine = await started();
      let n = 1;
      for (const { work, commits } of steps) {
        await engine.append('a', rowsOf(n, 7));
        n += 7;
        await Promise.all([
          WORKS[work]?.(engine, n),
          ...Array.from({ length: commits }, (_, index) => engine.append('b', rowsOf(n + index, 1))),
        ]);
        n += 5000;
      }
      await expectCounts(engine);
      expect((await engine.verify()).findings).toEqual([]);
      await engine.close();
    }),
    { numRuns: scaled(2.5), seed: seedOf('beside commits') },
  );
});
