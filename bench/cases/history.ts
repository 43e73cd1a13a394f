/** What a long history costs: pages of the past, commits and reopening at 100,000 snapshots and at 1,000. */
import { join } from 'node:path';
import { type Engine, openEngine } from '../../src/engine/index.ts';
import {
  askOverOneConnection,
  type BenchOptions,
  type Figures,
  interleaved,
  median,
  type Report,
  rounded,
  startTidemark,
  timed,
  withDirectory,
  withServers,
} from '../support.ts';
import { EVENTS, order } from '../tables.ts';

const WRITERS = 64;
const PAGE_TARGET = 1.2;
const COMMIT_TARGET = 1.1;
const REOPEN_TARGET = 1.5;
const REOPEN_MS_TARGET = 500;
/** The oldest instant is that of this commit, so that its page is full. */
const OLDEST = 100;

/** Brings a catalog to a number of one-row commits. */
async function fill(engine: Engine, commits: number): Promise<void> {
  if (engine.findTable('events') === undefined) await engine.createTable(EVENTS);
  let next: number = engine.headSnapshotId;
  const write = async (): Promise<void> => {
    while (next < commits) {
      next += 1;
      await engine.append('events', [order(next)]);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
}

async function instants(engine: Engine): Promise<Record<'oldest' | 'middle' | 'newest', number>> {
  const head = engine.headSnapshotId;
  const timestampOf = async (snapshotId: number): Promise<number> => {
    const { timestampMs } = await engine.read.resolve({ kind: 'snapshot', snapshotId });
    return timestampMs ?? 0;
  };
  return { oldest: await timestampOf(OLDEST), middle: await timestampOf(Math.floor(head / 2)), newest: await timestampOf(head) };
}

async function readPage(engine: Engine, timestampMs: number, last: boolean): Promise<number> {
  const { snapshotId } = await engine.read.resolve({ kind: 'timestamp', timestampMs });
  const at = await engine.read.tableAt(engine.table('events'), snapshotId);
  if (at === undefined) throw new Error('the table did not exist');
  const { rows } = await engine.read.page(at, last ? { last: 50 } : { first: 50 });
  if (rows.length !== 50) throw new Error(`a page of ${rows.length} rows`);
  return rows.length;
}

async function repeated(times: number, work: () => Promise<unknown>): Promise<number> {
  return (
    (await timed(async () => {
      for (let time = 0; time < times; time += 1) await work();
    })) / times
  );
}

interface Pages {
  readonly medians: Readonly<Record<string, number>>;
  /** The slowest instant of the long history against its fastest, and against the short history. */
  readonly spread: number;
  readonly againstShort: number;
}

function pagesOf(found: Readonly<Record<'oldest' | 'middle' | 'newest' | 'short', readonly number[]>>): Pages {
  const medians = { oldest: median(found.oldest), middle: median(found.middle), newest: median(found.newest), short: median(found.short) };
  const times = [medians.oldest, medians.middle, medians.newest];
  return { medians, spread: Math.max(...times) / Math.min(...times), againstShort: Math.max(...times) / medians.short };
}

async function measurePages(long: Engine, short: Engine, times: Times, last: boolean, rounds: number): Promise<Pages> {
  return pagesOf(
    await interleaved(rounds, {
      oldest: () => repeated(20, () => readPage(long, times.long.oldest, last)),
      middle: () => repeated(20, () => readPage(long, times.long.middle, last)),
      newest: () => repeated(20, () => readPage(long, times.long.newest, last)),
      short: () => repeated(20, () => readPage(short, times.short.newest, last)),
    }),
  );
}

function pageFigures(pages: Pages): Figures {
  const ms = Object.fromEntries(Object.entries(pages.medians).map(([name, value]) => [`${name} ms`, rounded(value)]));
  return { ...ms, 'slowest/fastest': rounded(pages.spread), 'slowest/short': rounded(pages.againstShort) };
}

/** The same page over HTTP, as a client asks for it: servers on both catalogs. */
function measureServedPages(
  paths: Readonly<Record<'long' | 'short', string>>,
  times: Times,
  last: boolean,
  rounds: number,
): Promise<Pages> {
  const query = (timestampMs: number): string =>
    `{ asOf(timestamp: ${timestampMs}) { events(${last ? 'last' : 'first'}: 50) { nodes { order_id customer_id amount status placed_at } } } }`;
  return withServers([startTidemark(paths.long), startTidemark(paths.short)], ([long, short]) =>
    askOverOneConnection(long.url, (askLong) =>
      askOverOneConnection(short.url, async (askShort) => {
        const runs = {
          oldest: () => repeated(20, () => askLong(query(times.long.oldest))),
          middle: () => repeated(20, () => askLong(query(times.long.middle))),
          newest: () => repeated(20, () => askLong(query(times.long.newest))),
          short: () => repeated(20, () => askShort(query(times.short.newest))),
        };
        await interleaved(5, runs);
        return pagesOf(await interleaved(rounds, runs));
      }),
    ),
  );
}

interface Times {
  readonly long: Readonly<Record<'oldest' | 'middle' | 'newest', number>>;
  readonly short: Readonly<Record<'oldest' | 'middle' | 'newest', number>>;
}

export function history({ quick, note }: BenchOptions): Promise<Report> {
  const commits = quick ? 20_000 : 100_000;
  const rounds = quick ? 5 : 25;
  return withDirectory(async (directory) => {
    const paths = { long: join(directory, 'long'), short: join(directory, 'short') };
    const open = (name: keyof typeof paths): Promise<Engine> => openEngine({ directory: paths[name] });
    let [long, short] = [await open('long'), await open('short')];
    try {
      await fill(short, 1000);
      const fillMs = await timed(() => fill(long, commits));
      note(`${commits} commits, ${Math.round((commits / fillMs) * 1000)} a second`);
      const times = { long: await instants(long), short: await instants(short) };
      for (const last of [false, true]) await measurePages(long, short, times, last, 3);
      const first = await measurePages(long, short, times, false, rounds);
      const newest = await measurePages(long, short, times, true, rounds);
      note('pages measured in the engine');

      const reopened = async (name: keyof typeof paths): Promise<number> => {
        let engine: Engine | undefined;
        const ms = await timed(async () => {
          engine = await open(name);
        });
        await engine?.close();
        return ms;
      };
      await long.close();
      await short.close();
      const reopenMs = await interleaved(quick ? 3 : 11, { long: () => reopened('long'), short: () => reopened('short') });
      const reopen = { long: median(reopenMs.long), short: median(reopenMs.short) };
      note('reopening measured');
      const servedFirst = await measureServedPages(paths, times, false, rounds);
      const servedNewest = await measureServedPages(paths, times, true, rounds);
      note('pages measured over HTTP');

      [long, short] = [await open('long'), await open('short')];
      let id = commits * 10;
      const commit = async (engine: Engine): Promise<void> => {
        id += 1;
        await engine.append('events', [order(id)]);
      };
      // One commit here, one there: neighbours in time share what else the machine does.
      const once = { long: () => timed(() => commit(long)), short: () => timed(() => commit(short)) };
      await interleaved(100, once);
      const latency = await interleaved(quick ? 200 : 1500, once);
      const commitMs = { long: median(latency.long), short: median(latency.short) };

      const { spread, againstShort } = servedFirst;
      const commitRatio = commitMs.long / commitMs.short;
      const reopenRatio = reopen.long / reopen.short;
      return {
        case: 'history',
        ratio: rounded(Math.max(spread, againstShort)),
        baseline: `the fastest instant, or the same page in a catalog of 1,000 snapshots, over HTTP (${commits} snapshots; the first 50 rows)`,
        target: `pages (the first 50, over HTTP) at most ${PAGE_TARGET}, a commit at most ${COMMIT_TARGET}, reopening at most ${REOPEN_TARGET} and under ${REOPEN_MS_TARGET} ms`,
        met:
          spread <= PAGE_TARGET &&
          againstShort <= PAGE_TARGET &&
          commitRatio <= COMMIT_TARGET &&
          reopenRatio <= REOPEN_TARGET &&
          reopen.long < REOPEN_MS_TARGET,
        figures: {
          'first 50, over HTTP': pageFigures(servedFirst),
          'newest 50, over HTTP': pageFigures(servedNewest),
          'first 50, in the engine': pageFigures(first),
          'newest 50, in the engine': pageFigures(newest),
          'one-row commit': {
            'newest ms': rounded(commitMs.long),
            'short ms': rounded(commitMs.short),
            'slowest/short': rounded(commitRatio),
          },
          reopen: { 'newest ms': rounded(reopen.long), 'short ms': rounded(reopen.short), 'slowest/short': rounded(reopenRatio) },
        },
      };
    } finally {
      await long.close();
      await short.close();
    }
  });
}
