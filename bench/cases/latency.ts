/** How long after a commit is acknowledged its event is received, by one subscriber; against an echo over raw ws. */
import WebSocket from 'ws';
import { nowMs, socketUrl, withLiveClients } from '../live.ts';
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
import { subscribed } from './fanout.ts';

const APPEND = 'mutation ($rows: [EventsRowInput!]!) { appendEvents(rows: $rows) { insertedRows } }';
const QUERY = 'subscription { snapshotCommitted { snapshotId } }';
const PACED_PER_SECOND = 200;

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function told(values: readonly number[]): Figures {
  return { 'p50 ms': rounded(median(values)), 'p99 ms': rounded(percentile(values, 0.99)) };
}

export function latency({ quick, note }: BenchOptions): Promise<Report> {
  const commits = quick ? 50 : 1_000;
  return withDirectory((directory) =>
    withLiveClients((clients) =>
      withServers([startTidemark(`${directory}/tidemark`), startBroadcastBaseline()], async ([server, baseline]) => {
        await server.query(CREATE, { input: EVENTS });
        let nextId = 1;
        const commit = (): Promise<unknown> => {
          nextId += 1;
          return server.query(APPEND, { rows: [order(nextId)] });
        };
        await clients.open({ group: 'one', url: socketUrl(server), count: 1, query: QUERY });
        await subscribed(clients, 'one', 1, commit);
        const rounds = async (count: number, everyMs: number) => {
          const found = { sent: [] as number[], acknowledged: [] as number[] };
          for (let done = 0; done < count; done += 1) {
            const { last } = await clients.expect('one', 1);
            const begun = nowMs();
            let acknowledged = Number.NaN;
            const answered = commit().then(() => {
              acknowledged = nowMs();
            });
            const [at] = await Promise.all([last, answered]);
            found.sent.push(at - begun);
            found.acknowledged.push(at - acknowledged);
            const left = everyMs - (nowMs() - begun);
            if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
          }
          return found;
        };
        await rounds(quick ? 10 : 300, 0);
        const fast = await rounds(commits, 0);
        const paced = await rounds(Math.min(commits, 600), 1000 / PACED_PER_SECOND);
        const echoes = await echo(baseline, commits);
        note(`from the acknowledgement ${rounded(median(fast.acknowledged))} ms, echo ${rounded(median(echoes))} ms`);
        return {
          case: 'latency',
          ratio: rounded(median(fast.sent) / median(echoes)),
          baseline: 'the median round trip of an echo over raw ws (a commit sent to its event received; not to compare, to place it)',
          target: 'none',
          met: null,
          figures: {
            'acknowledged to received': told(fast.acknowledged),
            'sent to received': told(fast.sent),
            [`acknowledged to received, ${PACED_PER_SECOND}/s`]: told(paced.acknowledged),
            [`sent to received, ${PACED_PER_SECOND}/s`]: told(paced.sent),
            'raw ws echo': told(echoes),
          },
        };
      }),
    ),
  );
}

async function echo(server: ServerProcess, count: number): Promise<number[]> {
  const socket = new WebSocket(socketUrl(server));
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  const found: number[] = [];
  for (let done = 0; done < count; done += 1) {
    const begun = nowMs();
    const back = new Promise((resolve) => socket.once('message', resolve));
    socket.send('{"snapshotId":1}');
    await back;
    found.push(nowMs() - begun);
  }
  socket.close();
  return found;
}
