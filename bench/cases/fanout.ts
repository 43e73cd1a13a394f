/** One commit to many identical subscribers, against a raw ws broadcast of the same bytes to as many clients. */
import { type LiveClients, socketUrl, subscribed, withLiveClients } from '../live.ts';
import { commits, type Post, withPosts } from '../posts.ts';
import {
  type BenchOptions,
  type Figures,
  median,
  type Report,
  rounded,
  type ServerProcess,
  startBroadcastBaseline,
  startTidemark,
  withDirectory,
  withServers,
} from '../support.ts';
import { CREATE, EVENTS } from '../tables.ts';

const TARGET = 1.5;
const SIZES_OF_EVENT = [
  { name: 'small event', query: 'subscription { snapshotCommitted { snapshotId } }', rows: 1 },
  {
    name: '20 rows',
    query: 'subscription { eventsChanges { snapshotId changes { after { order_id customer_id amount status placed_at } } } }',
    rows: 20,
  },
] as const;
/** Commits in a row of one server, before it is the other's turn. */
const BURST = 10;
/**
 * Pairs of servers, each in processes of their own: what a send costs depends on which cores the kernel wakes for it, and
 * stays so for the life of a process.
 */
const PAIRS = 5;
/** One warm-up in so many is of the size that is measured. */
const WARMUP_EVENTS = 20;
/** Processes of subscribers: with one, it and not the server would say when the last client has its message. */
const CLIENT_PROCESSES = 2;

interface Burst {
  readonly cpuMs: number;
  readonly acknowledgedMs: number[];
  readonly sentToLastMs: number[];
  readonly acknowledgedToLastMs: number[];
}

interface Job {
  readonly clients: LiveClients;
  readonly tidemark: ServerProcess;
  readonly baseline: ServerProcess;
  readonly name: string;
  readonly size: number;
  readonly event: (typeof SIZES_OF_EVENT)[number];
  readonly bursts: number;
  readonly warmups: number;
}

export function fanout({ quick, note }: BenchOptions): Promise<Report> {
  const sizes = quick ? [200] : [1_000, 5_000];
  const pairs = quick ? 1 : PAIRS;
  const bursts = quick ? 2 : 9;
  const warmups = quick ? 20 : 3_000;
  return withDirectory(async (directory) => {
    const figures: Record<string, Figures> = {};
    const ratios: number[] = [];
    for (const size of sizes) {
      for (const event of SIZES_OF_EVENT) {
        const name = `${size}, ${event.name}`;
        const found: Figures[] = [];
        for (let pair = 0; pair < pairs; pair += 1) {
          const data = `${directory}/${size}-${event.rows}-${pair}`;
          const figures = await withLiveClients(CLIENT_PROCESSES, (clients) =>
            withServers([startTidemark(data), startBroadcastBaseline()], ([tidemark, baseline]) =>
              measured({ clients, tidemark, baseline, name, size, event, bursts, warmups }),
            ),
          );
          note(`${name}: CPU ${figures['CPU ratio']}, time ${figures['time ratio']}`);
          found.push(figures);
        }
        const middle = medians(found);
        ratios.push(Number(middle['CPU ratio']), Number(middle['time ratio']));
        figures[name] = middle;
      }
    }
    const ratio = Math.max(...ratios);
    return {
      case: 'fanout',
      ratio,
      baseline: "a raw ws broadcast of the same bytes (the higher of the server's CPU and the time to the last client, over all sizes)",
      target: `at most ${TARGET}`,
      met: ratio <= TARGET,
      figures,
    };
  });
}

/** The middle of each figure. */
function medians(found: readonly Figures[]): Figures {
  return Object.fromEntries(
    Object.keys(found[0] ?? {}).map((name) => [name, rounded(median(found.map((figures) => Number(figures[name]))))]),
  );
}

async function measured({ tidemark, baseline, ...job }: Job): Promise<Figures> {
  await tidemark.query(CREATE, { input: EVENTS });
  return withPosts(`${tidemark.url}/graphql`, (commit) =>
    withPosts(baseline.url, (broadcast) => compared({ ...job, tidemark, baseline, commit, broadcast })),
  );
}

async function compared({
  clients,
  tidemark,
  baseline,
  commit,
  broadcast,
  name,
  size,
  event,
  bursts,
  warmups,
}: Job & { readonly commit: Post; readonly broadcast: Post }): Promise<Figures> {
  const next = commits(event.rows);
  // Servers that have run for a while, as those do that have this many subscribers. Rows that would be flushed meanwhile
  // are not brought.
  const small = commits(1);
  for (let count = 0; count < warmups; count += 1) {
    const body = count % WARMUP_EVENTS === 0 ? next() : small();
    await commit(body);
    await broadcast(body);
  }
  const alone = await burstOf({ server: tidemark, post: commit, next, count: bursts * BURST });
  const [ours, theirs] = [`${name}, tidemark`, `${name}, baseline`];
  await clients.open({ group: ours, url: socketUrl(tidemark), count: size, query: event.query });
  await clients.open({ group: theirs, url: socketUrl(baseline), count: size });
  await subscribed(clients, ours, size, () => commit(next()));
  const { sample } = await clients.count(ours);
  await fetch(baseline.url, { method: 'PUT', body: sample });
  const arrival = (group: string) => () => clients.expect(group, size);
  const found: Record<'ours' | 'theirs', Burst[]> = { ours: [], theirs: [] };
  for (let round = -1; round < bursts; round += 1) {
    const broadcasts = await burstOf({ server: baseline, post: broadcast, next, count: BURST, arrival: arrival(theirs) });
    const committed = await burstOf({ server: tidemark, post: commit, next, count: BURST, arrival: arrival(ours) });
    // The first round warms both up.
    if (round < 0) continue;
    found.ours.push(committed);
    found.theirs.push(broadcasts);
  }
  return figuresOf(sample, alone, found);
}

/** So many posts in a row, each after the last has arrived everywhere. */
async function burstOf({
  server,
  post,
  next,
  count,
  arrival,
}: {
  readonly server: ServerProcess;
  readonly post: Post;
  readonly next: () => string;
  readonly count: number;
  readonly arrival?: () => Promise<{ readonly last: Promise<number> }>;
}): Promise<Burst> {
  const found = { acknowledgedMs: [] as number[], sentToLastMs: [] as number[], acknowledgedToLastMs: [] as number[] };
  const cpu = server.cpuSeconds();
  for (let done = 0; done < count; done += 1) {
    const last = (await arrival?.())?.last;
    const { sentMs, acknowledgedMs } = await post(next());
    found.acknowledgedMs.push(acknowledgedMs - sentMs);
    if (last === undefined) continue;
    found.sentToLastMs.push((await last) - sentMs);
    found.acknowledgedToLastMs.push((await last) - acknowledgedMs);
  }
  return { cpuMs: ((server.cpuSeconds() - cpu) / count) * 1000, ...found };
}

function figuresOf(sample: string, alone: Burst, { ours, theirs }: Record<'ours' | 'theirs', readonly Burst[]>): Figures {
  const cpu = { ours: median(ours.map(({ cpuMs }) => cpuMs)), theirs: median(theirs.map(({ cpuMs }) => cpuMs)) };
  const of = (bursts: readonly Burst[], times: 'acknowledgedMs' | 'sentToLastMs' | 'acknowledgedToLastMs'): number =>
    median(bursts.flatMap((burst) => burst[times]));
  return {
    bytes: Buffer.byteLength(sample),
    'CPU ratio': rounded(cpu.ours / cpu.theirs),
    'CPU ms': rounded(cpu.ours),
    'baseline CPU ms': rounded(cpu.theirs),
    'CPU ms, commit alone': rounded(alone.cpuMs),
    'time ratio': rounded(of(ours, 'sentToLastMs') / of(theirs, 'sentToLastMs')),
    'sent to last ms': rounded(of(ours, 'sentToLastMs')),
    'baseline ms': rounded(of(theirs, 'sentToLastMs')),
    'acknowledged to last ms': rounded(of(ours, 'acknowledgedToLastMs')),
    'acknowledged ms': rounded(of(ours, 'acknowledgedMs')),
    'acknowledged ms, commit alone': rounded(median(alone.acknowledgedMs)),
  };
}
