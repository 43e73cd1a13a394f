/** What the cases of the live path share: subscribers in a process of their own, orders to commit, figures of the server's heap. */
import { fork } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LiveAnswer, LiveJob, OpenJob } from './live-clients.ts';
import { type ServerProcess, startNode } from './support.ts';

type Unsent<Job> = Job extends unknown ? Omit<Job, 'id'> : never;

export interface LiveClients {
  open(job: Omit<OpenJob, 'kind'>): Promise<void>;
  /** Resolves once the subscribers count, with a promise of when a group's last message came, milliseconds since the epoch. */
  expect(group: string, messages: number): Promise<{ readonly last: Promise<number> }>;
  count(group: string): Promise<{ readonly messages: number; readonly sample: string }>;
}

/** Some work with subscribers in a process of their own. */
export async function withLiveClients<T>(work: (clients: LiveClients) => Promise<T>): Promise<T> {
  const child = fork(fileURLToPath(new URL('./live-clients.ts', import.meta.url)), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const waiting = new Map<number, (answer: LiveAnswer) => void>();
  child.on('message', (answer: LiveAnswer) => waiting.get(answer.id)?.(answer));
  let nextId = 1;
  const answerTo = (id: number): Promise<LiveAnswer> =>
    new Promise((resolve, reject) => {
      waiting.set(id, (answer) => {
        waiting.delete(id);
        if (answer.error === undefined) resolve(answer);
        else reject(new Error(answer.error));
      });
    });
  const send = (job: Unsent<LiveJob>): { readonly begun: Promise<LiveAnswer>; readonly done: Promise<LiveAnswer> } => {
    const id = nextId;
    nextId += 1;
    const answers = { begun: answerTo(-id), done: answerTo(id) };
    child.send({ ...job, id });
    return answers;
  };
  try {
    return await work({
      open: async (job) => void (await send({ kind: 'open', ...job }).done),
      expect: async (group, messages) => {
        const { begun, done } = send({ kind: 'expect', group, messages });
        await begun;
        return { last: done.then(({ atMs }) => atMs ?? Number.NaN) };
      },
      count: async (group) => {
        const { messages = 0, sample = '' } = await send({ kind: 'count', group }).done;
        return { messages, sample };
      },
    });
  } finally {
    child.disconnect();
  }
}

export const nowMs = (): number => performance.timeOrigin + performance.now();

export function socketUrl(server: ServerProcess): string {
  return `${server.url.replace('http', 'ws')}/graphql`;
}

const PRELOAD = fileURLToPath(new URL('./servers/measured.mjs', import.meta.url));

export interface Memory {
  readonly heapBytes: number;
  readonly rssBytes: number;
  /** The delay of the event loop since the last question, 99th percentile. */
  readonly loopP99Ms: number;
}

export interface MeasuredServer extends ServerProcess {
  /** Collects garbage, then says what is left. */
  memory(): Promise<Memory>;
}

/** A server that can be asked for its memory; see bench/servers/measured.mjs. */
export async function startMeasured(directory: string, args: readonly string[]): Promise<MeasuredServer> {
  const path = join(directory, `memory-${args[0]?.replace(/\W/g, '-')}.json`);
  const server = await startNode(['--expose-gc', '--import', PRELOAD, ...args], undefined, { TIDEMARK_BENCH_MEMORY: path });
  const memory = async (): Promise<Memory> => {
    rmSync(path, { force: true });
    process.kill(server.pid, 'SIGUSR2');
    while (!existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 10));
    return JSON.parse(readFileSync(path, 'utf8')) as Memory;
  };
  return { ...server, memory };
}
