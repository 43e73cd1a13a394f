/** One commit to many identical subscribers, against a raw ws broadcast of the same bytes to as many clients. */
import { type LiveClients, nowMs, socketUrl, withLiveClients } from '../live.ts';
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
import { CREATE, EVENTS, order } from '../tables.ts';

const TARGET = 1.5;
const SIZES_OF_EVENT = [
  { name: 'small event', query: 'subscription { snapshotCommitted { snapshotId } }', rows: 1 },
  {
    name: '20 rows',
    query: 'subscription { eventsChanges { snapshotId changes { after { order_id customer_id amount status placed_at } } } }',
    rows: 20,
  },
] as const;
const APPEND = 'mutation ($rows: [EventsRowInput!]!) { appendEvents(rows: $rows) { insertedRows } }';
/** Commits in a row that CPU is measured over: the kernel counts it in ticks of 10 ms. */
const BURST = 10;

interface Burst {
  readonly cpuMs: number;
  readonly lastMs: number[];
}

export function fanout({ quick, note }: BenchOptions): Promise<Report> {
  const sizes = quick ? [200] : [1_000, 5_000];
  const bursts = quick ? 1 : 9;
  const warmups = quick ? 20 : 300;
  return withDirectory((directory) =>
    withLiveClients(async (clients) => {
      const figures: Record<string, Figures> = {};
      const ratios: number[] = [];
      for (const size of sizes) {
        for (const event of SIZES_OF_EVENT) {
          const name = `${size}, ${event.name}`;
          const data = `${directory}/${size}-${event.rows}`;
          await withServers([startTidemark(data), startBroadcastBaseline()], async ([tidemark, baseline]) => {
            const found = await measured({ clients, tidemark, baseline, name, size, event, bursts, warmups });
            ratios.push(Number(found['CPU ratio']), Number(found['time ratio']));
            figures[name] = found;
            note(`${name}: CPU ${found['CPU ratio']}, time ${found['time ratio']}`);
          });
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
    }),
  );
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

async function measured({ clients, tidemark, baseline, name, size, event, bursts, warmups }: Job): Promise<Figures> {
  let nextId = 1;
  const rows = (): unknown[] =>
    Array.from({ length: event.rows }, () => {
      nextId += 1;
      return order(nextId);
    });
  const commit = (): Promise<unknown> => tidemark.query(APPEND, { rows: rows() });
  await tidemark.query(CREATE, { input: EVENTS });
  // A server that has run for a while, as those do that have this many subscribers.
  for (let count = 0; count < warmups; count += 1) await commit();
  const alone: number[] = [];
  for (let burst = 0; burst < bursts; burst += 1) {
    const cpu = tidemark.cpuSeconds();
    for (let count = 0; count < BURST; count += 1) await commit();
    alone.push(((tidemark.cpuSeconds() - cpu) / BURST) * 1000);
  }
  const [ours, theirs] = [`${name}, tidemark`, `${name}, baseline`];
  await clients.open({ group: ours, url: socketUrl(tidemark), count: size, query: event.query });
  await clients.open({ group: theirs, url: socketUrl(baseline), count: size });
  await subscribed(clients, ours, size, commit);
  const { sample } = await clients.count(ours);
  const broadcast = (): Promise<unknown> =>
    fetch(baseline.url, { method: 'POST', body: JSON.stringify({ message: sample, rows: rows() }) }).then((response) => response.text());
  const burst = async (server: ServerProcess, group: string, send: () => Promise<unknown>): Promise<Burst> => {
    const cpu = server.cpuSeconds();
    const lastMs: number[] = [];
    for (let count = 0; count < BURST; count += 1) {
      const { last } = await clients.expect(group, size);
      const begun = nowMs();
      const [at] = await Promise.all([last, send()]);
      lastMs.push(at - begun);
    }
    return { cpuMs: ((server.cpuSeconds() - cpu) / BURST) * 1000, lastMs };
  };
  const found: Record<'ours' | 'theirs', Burst[]> = { ours: [], theirs: [] };
  for (let round = -1; round < bursts; round += 1) {
    const one = { theirs: await burst(baseline, theirs, broadcast), ours: await burst(tidemark, ours, commit) };
    // The first round warms both up.
    if (round < 0) continue;
    found.ours.push(one.ours);
    found.theirs.push(one.theirs);
  }
  const cpu = { ours: median(found.ours.map(({ cpuMs }) => cpuMs)), theirs: median(found.theirs.map(({ cpuMs }) => cpuMs)) };
  const last = { ours: median(found.ours.flatMap(({ lastMs }) => lastMs)), theirs: median(found.theirs.flatMap(({ lastMs }) => lastMs)) };
  return {
    bytes: Buffer.byteLength(sample),
    'CPU ratio': rounded(cpu.ours / cpu.theirs),
    'CPU ms': rounded(cpu.ours),
    'baseline CPU ms': rounded(cpu.theirs),
    'CPU ms of the commit alone': rounded(median(alone)),
    'time ratio': rounded(last.ours / last.theirs),
    'last client ms': rounded(last.ours),
    'baseline ms': rounded(last.theirs),
  };
}

/** Waits until every subscriber of a group gets what is committed. */
export async function subscribed(clients: LiveClients, group: string, size: number, commit: () => Promise<unknown>): Promise<void> {
  for (;;) {
    const before = await clients.count(group);
    await commit();
    await new Promise((resolve) => setTimeout(resolve, 200));
    if ((await clients.count(group)).messages - before.messages === size) return;
  }
}
