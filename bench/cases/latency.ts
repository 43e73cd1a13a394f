/** How long after a commit is acknowledged its event is received, by one subscriber; against an echo over raw ws. */
import WebSocket from 'ws';
import { type LiveClients, nowMs, socketUrl, subscribed, withLiveClients } from '../live.ts';
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

const QUERY = 'subscription { snapshotCommitted { snapshotId } }';
const GROUP = 'one';
const PACED_PER_SECOND = 200;

export function latency({ quick, note }: BenchOptions): Promise<Report> {
  const count = quick ? 50 : 1_000;
  const warmups = quick ? 20 : 500;
  return withDirectory((directory) =>
    withLiveClients(1, (clients) =>
      withServers([startTidemark(`${directory}/tidemark`), startBroadcastBaseline()], async ([server, baseline]) => {
        await server.query(CREATE, { input: EVENTS });
        const next = commits(1);
        return withPosts(`${server.url}/graphql`, async (post) => {
          const job = { clients, post, next };
          for (let done = 0; done < warmups; done += 1) await post(next());
          const alone = await committed(job, count);
          await clients.open({ group: GROUP, url: socketUrl(server), count: 1, query: QUERY });
          await subscribed(clients, GROUP, 1, () => post(next()));
          await events(job, warmups, 0);
          await echo(baseline, warmups);
          const fast = await events(job, count, 0);
          const echoes = await echo(baseline, count);
          const paced = await events(job, Math.min(count, 600), 1000 / PACED_PER_SECOND);
          const after = median(fast.acknowledgedToReceived);
          note(`from the acknowledgement ${rounded(after)} ms, echo ${rounded(median(echoes))} ms`);
          return {
            case: 'latency',
            ratio: rounded(after / median(echoes)),
            baseline:
              'the round trip of an echo over raw ws (median time from the acknowledgement to the event; below 0 where the event is first)',
            target: 'none',
            met: null,
            figures: {
              'acknowledged to received': told(fast.acknowledgedToReceived),
              'sent to received': told(fast.sentToReceived),
              'sent to acknowledged': told(fast.sentToAcknowledged),
              'sent to acknowledged, no subscriber': told(alone),
              [`acknowledged to received, ${PACED_PER_SECOND}/s`]: told(paced.acknowledgedToReceived),
              [`sent to received, ${PACED_PER_SECOND}/s`]: told(paced.sentToReceived),
              'raw ws echo': told(echoes),
            },
          };
        });
      }),
    ),
  );
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function told(values: readonly number[]): Figures {
  return { 'p50 ms': rounded(median(values)), 'p99 ms': rounded(percentile(values, 0.99)) };
}

interface Job {
  readonly clients: LiveClients;
  readonly post: Post;
  readonly next: () => string;
}

/** Milliseconds until each of so many commits is acknowledged. */
async function committed({ post, next }: Job, count: number): Promise<number[]> {
  const found: number[] = [];
  for (let done = 0; done < count; done += 1) {
    const { sentMs, acknowledgedMs } = await post(next());
    found.push(acknowledgedMs - sentMs);
  }
  return found;
}

/** Commits one after the other, each no sooner than so long after the last began, and when their events came. */
async function events({ clients, post, next }: Job, count: number, everyMs: number) {
  const found = { sentToReceived: [] as number[], sentToAcknowledged: [] as number[], acknowledgedToReceived: [] as number[] };
  for (let done = 0; done < count; done += 1) {
    const { last } = await clients.expect(GROUP, 1);
    const { sentMs, acknowledgedMs } = await post(next());
    const receivedMs = await last;
    found.sentToReceived.push(receivedMs - sentMs);
    found.sentToAcknowledged.push(acknowledgedMs - sentMs);
    found.acknowledgedToReceived.push(receivedMs - acknowledgedMs);
    const left = everyMs - (nowMs() - sentMs);
    if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
  }
  return found;
}

/** Milliseconds that each of so many messages takes to the server and back. */
async function echo(server: ServerProcess, count: number): Promise<number[]> {
  const socket = new WebSocket(socketUrl(server), { perMessageDeflate: false });
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
