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

/** Answered when a group has received so many messages since it was asked; with an error where it takes a minute. */
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

/** Answered when all sockets of a group are closed. */
export interface CloseJob {
  readonly kind: 'close';
  readonly group: string;
}

export type LiveJob = (OpenJob | ExpectJob | CountJob | CloseJob) & { readonly id: number };

export interface LiveAnswer {
  readonly id: number;
  readonly error?: string;
  /** Of expect: when the last message came, milliseconds since the epoch by the clock that all processes share. */
  readonly atMs?: number;
  readonly messages?: number;
  /** The newest message, as text. */
  readonly sample?: string;
}

interface Group {
  readonly sockets: Set<WebSocket>;
  messages: number;
  sample: WebSocket.RawData | undefined;
  waiting: { readonly until: number; readonly done: () => void } | undefined;
}

const groups = new Map<string, Group>();
const BATCH = 100;
const EXPECTED_WITHIN_MS = 60_000;
const ACKNOWLEDGED = '{"type":"connection_ack"}';

function groupOf(name: string): Group {
  let group = groups.get(name);
  if (group === undefined) {
    group = { sockets: new Set(), messages: 0, sample: undefined, waiting: undefined };
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
    group.sockets.add(socket);
    socket.on('error', reject);
    socket.on('close', (code) => group.sockets.delete(socket) && reject(new Error(`a socket was closed with ${code}`)));
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

async function expected(group: Group, messages: number, begun: () => void): Promise<number> {
  const until = group.messages + messages;
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`${messages + group.messages - until} of ${messages} messages came in ${EXPECTED_WITHIN_MS} ms`)),
      EXPECTED_WITHIN_MS,
    );
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    group.waiting = { until, done };
    begun();
  });
  return performance.timeOrigin + performance.now();
}

async function run(job: LiveJob): Promise<Omit<LiveAnswer, 'id'>> {
  const group = groupOf(job.group);
  switch (job.kind) {
    case 'open':
      for (let start = 0; start < job.count; start += BATCH)
        await Promise.all(Array.from({ length: Math.min(BATCH, job.count - start) }, (_, at) => connect(job, group, start + at)));
      return {};
    case 'expect':
      return { atMs: await expected(group, job.messages, () => process.send?.({ id: -job.id } satisfies LiveAnswer)) };
    case 'count':
      return { messages: group.messages, ...(group.sample === undefined ? {} : { sample: String(group.sample) }) };
    case 'close':
      await Promise.all(
        [...group.sockets].map((socket) => {
          socket.close();
          return new Promise((resolve) => socket.once('close', resolve));
        }),
      );
      return {};
  }
}

process.on('message', (job: LiveJob) => {
  run(job).then(
    (answer) => process.send?.({ id: job.id, ...answer } satisfies LiveAnswer),
    (error: unknown) => process.send?.({ id: job.id, error: String(error) } satisfies LiveAnswer),
  );
});
process.on('disconnect', () => process.exit());
