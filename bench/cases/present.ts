/** The present of a table of which a fifth was changed and compacted, against the same rows in a fresh table. */
import { join } from 'node:path';
import { type AggregateQuery, type Engine, type GroupsQuery, openEngine, type RowsQuery, type TableAt } from '../../src/engine/index.ts';
import { CUSTOMERS, importOrders, keyed, part } from '../orders.ts';
import { type BenchOptions, type Figures, interleaved, median, type Report, rounded, timed, withDirectory } from '../support.ts';

const TARGET = 1.2;
const CHANGES = 20;
/** Spots that a page or key is read at, one after another; far enough apart that none finds the block of another. */
const SPOTS = 64;

async function newest(engine: Engine, name: string): Promise<TableAt> {
  const { snapshotId } = await engine.read.resolve({ kind: 'newest' });
  const at = await engine.read.tableAt(engine.table(name), snapshotId);
  if (at === undefined) throw new Error(`there is no table ${name}`);
  return at;
}

const AGGREGATE: AggregateQuery = {
  where: { kind: 'compare', column: 'customer_id', operator: 'lt', value: String(CUSTOMERS / 2) },
  terms: [{ function: 'COUNT' }, { function: 'SUM', column: 'amount' }, { function: 'MAX', column: 'placed_at' }],
};
const GROUPS: GroupsQuery = {
  where: { kind: 'compare', column: 'amount', operator: 'gt', value: 10 },
  terms: [{ function: 'COUNT' }, { function: 'AVG', column: 'amount' }],
  groupBy: ['status'],
};

/** The reads that are compared; each gives what it found as text, the same for both tables. */
async function readsOf(engine: Engine, name: string, rows: number): Promise<Record<string, () => Promise<string>>> {
  const at = await newest(engine, name);
  const page = async (query: RowsQuery): Promise<string> => {
    const { rows: found } = await engine.read.page(at, { first: 50, ...query });
    if (found.length !== 50) throw new Error(`a page of ${found.length} rows`);
    return `${found[0]?.cells[0]} ${found[49]?.cells[0]}`;
  };
  const spot = (n: number): number => Math.floor((((n * 37) % SPOTS) / SPOTS) * (rows - 1000)) + 100;
  const cursors: string[] = [];
  for (let n = 0; n < SPOTS; n += 1) {
    const where = { kind: 'compare', column: 'order_id', operator: 'eq', value: String(spot(n)) } as const;
    cursors.push((await engine.read.page(at, { first: 1, where })).cursorAt(0));
  }
  const next: Record<string, number> = {};
  const turn = (what: string): number => {
    next[what] = (next[what] ?? -1) + 1;
    return next[what];
  };
  return {
    'filter, aggregate': async () => JSON.stringify(await engine.read.aggregate(at, AGGREGATE)),
    'filter, groups': async () => JSON.stringify((await engine.read.groups(at, GROUPS)).groups),
    'first 50': () => page({}),
    '50 in the middle': () => page({ after: cursors[turn('middle') % SPOTS] as string }),
    '50 by key': () => {
      const from = spot(turn('by key'));
      return page({
        where: { kind: 'compare', column: 'order_id', operator: 'gte', value: String(from) },
        orderBy: [{ column: 'order_id', direction: 'ASC' }],
      });
    },
    'a row by key': async () => {
      // A place of its own each time, so that most find no block in the cache.
      const key = (turn('a row') * 7919 * 13) % rows;
      const row = await engine.read.rowByKey(at, { order_id: String(key) }, at.schema.columns);
      return String(row?.cells[2]);
    },
    'top 50': () => page({ orderBy: [{ column: 'amount', direction: 'DESC' }] }),
  };
}

export function present({ quick, note }: BenchOptions): Promise<Report> {
  const rows = quick ? 100_000 : 1_000_000;
  const rounds = quick ? 7 : 41;
  return withDirectory(async (directory) => {
    const engine = await openEngine({ directory: join(directory, 'tidemark'), maintenance: { autoCompact: false } });
    try {
      await importOrders(engine, directory, keyed('changed'), rows);
      const changeMs: number[] = [];
      for (let index = 0; index < CHANGES; index += 1) {
        changeMs.push(await timed(() => engine.update('changed', part(index).where, { status: 'shipped', amount: index + 0.25 })));
      }
      const compactMs = await timed(() => engine.compact('changed'));
      note(`${CHANGES} updates, ${Math.round(median(changeMs))} ms each; compacted in ${Math.round(compactMs)} ms`);
      const changed = `customer_id < ${CHANGES * (CUSTOMERS / 100)}`;
      await importOrders(engine, directory, keyed('fresh'), rows, {
        overrides: {
          status: `CASE WHEN ${changed} THEN 'shipped' ELSE status END`,
          amount: `CASE WHEN ${changed} THEN customer_id // ${CUSTOMERS / 100} + 0.25 ELSE amount END`,
        },
      });
      const reads = { changed: await readsOf(engine, 'changed', rows), fresh: await readsOf(engine, 'fresh', rows) };
      const figures: Record<string, Figures> = {};
      for (const name of Object.keys(reads.fresh)) {
        const answers: Record<'changed' | 'fresh', string[]> = { changed: [], fresh: [] };
        const run = (table: 'changed' | 'fresh') => () =>
          timed(async () => {
            answers[table].push(await (reads[table][name] as () => Promise<string>)());
          });
        const runs = { changed: run('changed'), fresh: run('fresh') };
        // What a read finds in the cache after its first time, it shall find there; what it does not, it shall not.
        if (name !== '50 in the middle' && name !== 'a row by key') await interleaved(5, runs);
        const found = await interleaved(rounds, runs);
        if (JSON.stringify(answers.changed) !== JSON.stringify(answers.fresh)) throw new Error(`${name}: the tables differ`);
        const [ours, theirs] = [median(found.changed), median(found.fresh)];
        figures[name] = { ratio: rounded(ours / theirs), 'changed ms': rounded(ours), 'fresh ms': rounded(theirs) };
      }
      const ratio = Math.max(...Object.values(figures).map((one) => Number(one['ratio'])));
      return {
        case: 'present',
        ratio,
        baseline: `the same rows in a fresh table (${rows} rows, a fifth changed in ${CHANGES} commits, compacted; the highest of the reads)`,
        target: `at most ${TARGET}`,
        met: ratio <= TARGET,
        figures,
      };
    } finally {
      await engine.close();
    }
  });
}
