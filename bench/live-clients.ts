/**
 * Subscribers, in a process of their own so that they do not share a core with the server: raw WebSockets that speak just
 * enough graphql-transport-ws to subscribe, and count what comes. It takes jobs over IPC.
 */
import { randomUUID } from 'node:crypto';
import WebSocket from 'ws';

export interface OpenJob {
  readonly kind: 'open';
  /** Sockets are counted by it. */
  readonly group: string;
  readonly url: string;
  readonly count: number;
  /** What each subscribes to; none for a server that only broadcasts. The variables of socket n are the nth, going round. */
  readonly query?: string;
  readonly variables?: readonly Readonly<Record<string, unknown>>[];
}

/** Answered when a group has received so many messages since it was asked. */
export interface ExpectJob {
  readonly kind: 'expect';
  readonly group: string;
  readonly messages: number;
}

/** Answered with what a group has received so far. */
export interface CountJob {
  readonly kind: 'count';
  readonly group: string;
}

export type LiveJob = (OpenJob | ExpectJob | CountJob) & { readonly id: number };

export interface LiveAnswer {
  readonly id: number;
  readonly error?: string;
  /** Of expect: when the last message came, milliseconds since the epoch. */
  readonly atMs?: number;
  readonly messages?: number;
  /** The newest message, as text. */
  readonly sample?: string;
}

interface Group {
  messages: number;
  sample: WebSocket.RawData | undefined;
  waiting: { readonly until: number; readonly done: () => void } | undefined;
}

const groups = new Map<string, Group>();
const BATCH = 100;
const ACKNOWLEDGED = '{"type":"connection_ack"}';

function groupOf(name: string): Group {
  let group = groups.get(name);
  if (group === undefined) {
    group = { messages: 0, sample: undefined, waiting: undefined };
    groups.set(name, group);
  }
  return group;
}

function received(group: Group, data: WebSocket.RawData): void {
  group.messages += 1;
  group.sample = data;
  if (group.messages === group.waiting?.until) group.waiting.done();
}

function connect({ url, query, variables = [] }: OpenJob, group: Group, index: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const isGraphql = query !== undefined;
    const socket = new WebSocket(url, isGraphql ? 'graphql-transport-ws' : [], { perMessageDeflate: false });
    socket.on('error', reject);
    socket.on('open', () => (isGraphql ? socket.send('{"type":"connection_init"}') : resolve()));
    let isAcknowledged = !isGraphql;
    socket.on('message', (data) => {
      if (isAcknowledged) {
        received(group, data);
        return;
      }
      if (String(data) !== ACKNOWLEDGED) reject(new Error(`not an acknowledgement: ${String(data)}`));
      isAcknowledged = true;
      const payload = { query, variables: variables.length === 0 ? undefined : variables[index % variables.length] };
      socket.send(JSON.stringify({ id: randomUUID(), type: 'subscribe', payload }), () => resolve());
    });
  });
}

async function run(job: LiveJob): Promise<Omit<LiveAnswer, 'id'>> {
  const group = groupOf(job.group);
  switch (job.kind) {
    case 'open':
      for (let start = 0; start < job.count; start += BATCH)
        await Promise.all(Array.from({ length: Math.min(BATCH, job.count - start) }, (_, at) => connect(job, group, start + at)));
      return {};
    case 'expect': {
      await new Promise<void>((done) => {
        group.waiting = { until: group.messages + job.messages, done };
        process.send?.({ id: -job.id } satisfies LiveAnswer);
      });
      return { atMs: performance.timeOrigin + performance.now() };
    }
    case 'count':
      return { messages: group.messages, ...(group.sample === undefined ? {} : { sample: String(group.sample) }) };
  }
}

process.on('message', (job: LiveJob) => {
  run(job).then(
    (answer) => process.send?.({ id: job.id, ...answer } satisfies LiveAnswer),
    (error: unknown) => process.send?.({ id: job.id, error: String(error) } satisfies LiveAnswer),
  );
});
process.on('disconnect', () => process.exit());
