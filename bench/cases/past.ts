/** The past of a table of which every row was changed twenty times, against the same rows in a fresh table. */
import { join } from 'node:path';
import { type AggregateQuery, type Engine, type EngineOptions, openEngine, type SnapshotId } from '../../src/engine/index.ts';
import { CUSTOMERS, importOrders, unkeyed } from '../orders.ts';
import { type BenchOptions, type Figures, interleaved, median, type Report, rounded, timed, withDirectory } from '../support.ts';

const TARGET = 4;
/** How much dearer a read may be after twice the rounds and still count as not growing. */
const GROWTH_MAX = 1.25;

const AGGREGATE: AggregateQuery = {
  where: { kind: 'compare', column: 'customer_id', operator: 'lt', value: String(CUSTOMERS / 2) },
  terms: [{ function: 'COUNT' }, { function: 'SUM', column: 'amount' }],
};
const STATUS = 'round-';

type Place = 'oldest' | 'middle' | 'newest' | 'fresh';
type Reads = Readonly<Record<Place, () => Promise<string>>>;

/** What is read at each instant, as text: the fresh table gives the same but for the round. */
async function readsOf(engine: Engine, instants: Readonly<Record<Place, SnapshotId>>): Promise<Record<'aggregate' | 'first 50', Reads>> {
  const at = async (place: Place) => {
    const found = await engine.read.tableAt(engine.table(place === 'fresh' ? 'fresh' : 'orders'), instants[place]);
    if (found === undefined) throw new Error('the table did not exist');
    return found;
  };
  const targets = { oldest: await at('oldest'), middle: await at('middle'), newest: await at('newest'), fresh: await at('fresh') };
  const each = (read: (place: Place) => Promise<string>): Reads => ({
    oldest: () => read('oldest'),
    middle: () => read('middle'),
    newest: () => read('newest'),
    fresh: () => read('fresh'),
  });
  return {
    aggregate: each(async (place) => JSON.stringify(await engine.read.aggregate(targets[place], AGGREGATE))),
    'first 50': each(async (place) => {
      const { rows } = await engine.read.page(targets[place], { first: 50 });
      return rows.map((row) => row.cells.filter((_, column) => column !== 3).join()).join();
    }),
  };
}

interface Found {
  readonly ms: Readonly<Record<Place, number>>;
  readonly worst: number;
}

async function measure(reads: Reads, rounds: number): Promise<Found> {
  const answers = new Set([await reads.oldest(), await reads.middle(), await reads.newest(), await reads.fresh()]);
  if (answers.size !== 1) throw new Error('the instants differ in what they should share');
  const runs = {
    oldest: () => timed(reads.oldest),
    middle: () => timed(reads.middle),
    newest: () => timed(reads.newest),
    fresh: () => timed(reads.fresh),
  };
  await interleaved(4, runs);
  const found = await interleaved(rounds, runs);
  const ms = { oldest: median(found.oldest), middle: median(found.middle), newest: median(found.newest), fresh: median(found.fresh) };
  return { ms, worst: Math.max(ms.oldest, ms.middle, ms.newest) / ms.fresh };
}

function figuresOf({ ms, worst }: Found): Figures {
  const times = Object.fromEntries(Object.entries(ms).map(([name, value]) => [`${name} ms`, rounded(value)]));
  return {
    ...times,
    'oldest/fresh': rounded(ms.oldest / ms.fresh),
    'middle/fresh': rounded(ms.middle / ms.fresh),
    'newest/fresh': rounded(ms.newest / ms.fresh),
    'slowest/fresh': rounded(worst),
  };
}

export function past({ quick, note }: BenchOptions): Promise<Report> {
  const rows = quick ? 50_000 : 500_000;
  const rounds = quick ? 6 : 20;
  const times = quick ? 7 : 31;
  return withDirectory(async (directory) => {
    const open = (options: Partial<EngineOptions> = {}): Promise<Engine> =>
      openEngine({ directory: join(directory, 'tidemark'), ...options });
    let engine = await open();
    try {
      await importOrders(engine, directory, unkeyed('orders'), rows);
      await importOrders(engine, directory, unkeyed('fresh'), rows);
      const snapshots: SnapshotId[] = [engine.table('orders').last.snapshotId];
      const figures: Record<string, Figures> = {};
      const worst: Record<string, number> = {};
      const updateMs: number[] = [];
      const measured = async (label: string): Promise<void> => {
        const instants = {
          oldest: snapshots[0] as SnapshotId,
          middle: snapshots[Math.floor(snapshots.length / 2)] as SnapshotId,
          newest: snapshots.at(-1) as SnapshotId,
          fresh: engine.headSnapshotId,
        };
        for (const [name, reads] of Object.entries(await readsOf(engine, instants))) {
          const found = await measure(reads, times);
          figures[`${name}, ${label}`] = figuresOf(found);
          worst[`${name}, ${label}`] = found.worst;
        }
      };
      for (let round = 1; round <= rounds; round += 1) {
        updateMs.push(await timed(() => engine.update('orders', { kind: 'and', filters: [] }, { status: `${STATUS}${round}` })));
        snapshots.push(engine.table('orders').last.snapshotId);
        if (round !== rounds / 2 && round !== rounds) continue;
        // Compaction ran on its own so far; what it has left is done before anything is measured.
        const compactMs = await timed(() => engine.compact('orders'));
        const { files, filesBytes } = engine.table('orders');
        note(
          `${round} rounds: ${Math.round(median(updateMs))} ms each, then compacted in ${Math.round(compactMs)} ms; ` +
            `${files.length} files, ${Math.round(filesBytes / 1e6)} MB`,
        );
        await measured(`${round} rounds`);
        await engine.close();
        engine = await open({ cacheBytes: 0 });
        await measured(`${round} rounds, no cache`);
        await engine.close();
        engine = await open();
      }
      const growthOf = (name: string, suffix = ''): number =>
        rounded((worst[`${name}, ${rounds} rounds${suffix}`] as number) / (worst[`${name}, ${rounds / 2} rounds${suffix}`] as number));
      const names = ['aggregate', 'first 50'];
      // The verdict goes by the default cache; without one, the fresh table's page is a scan too, and the ratio is steadier.
      const grown = Object.fromEntries(names.map((name) => [name, growthOf(name)]));
      const cached = Object.entries(worst).filter(([name]) => !name.endsWith('no cache'));
      const ratio = rounded(Math.max(...cached.map(([, value]) => value)));
      figures['growth of slowest/fresh'] = {
        ...grown,
        ...Object.fromEntries(names.map((name) => [`${name}, no cache`, growthOf(name, ', no cache')])),
      };
      return {
        case: 'past',
        ratio,
        baseline: `the same rows in a fresh table (${rows} rows, each changed ${rounds} times, the default cache; the slowest instant)`,
        target: `at most ${TARGET}, and not growing from ${rounds / 2} rounds to ${rounds} (at most ${GROWTH_MAX})`,
        met: ratio <= TARGET && names.every((name) => Number(grown[name]) <= GROWTH_MAX),
        figures,
      };
    } finally {
      await engine.close();
    }
  });
}
