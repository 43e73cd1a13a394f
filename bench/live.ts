/** What the cases of the live path share: subscribers in processes of their own, and when what was sent to them came. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { LiveAnswer, LiveJob, OpenJob } from './live-clients.ts';
import type { ServerProcess } from './support.ts';

type Unsent<Job> = Job extends unknown ? Omit<Job, 'id'> : never;
type Opening = Omit<OpenJob, 'kind'>;

export interface LiveClients {
  open(job: Opening): Promise<void>;
  /**
   * Resolves once the subscribers count, with a promise of when a group's last message came, milliseconds since the epoch.
   * Where there are several processes, each socket of the group must get as many.
   */
  expect(group: string, messages: number): Promise<{ readonly last: Promise<number> }>;
  count(group: string): Promise<{ readonly messages: number; readonly sample: string }>;
  close(group: string): Promise<void>;
}

export const nowMs = (): number => performance.timeOrigin + performance.now();

export function socketUrl(server: ServerProcess): string {
  return `${server.url.replace('http', 'ws')}/graphql`;
}

/** Jobs for one process, and their answers: `begun` where it says that it has begun, `done` at the end. */
class Worker {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: LiveAnswer) => void>();
  #nextId = 1;
  /** How many sockets of each group are here. */
  readonly sockets = new Map<string, number>();

  constructor() {
    const path = fileURLToPath(new URL('./live-clients.ts', import.meta.url));
    this.#child = fork(path, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#child.on('message', (answer: LiveAnswer) => this.#waiting.get(answer.id)?.(answer));
    // A job that has no answer yet gets none.
    this.#child.once('exit', (code) => {
      for (const [id, tell] of [...this.#waiting]) tell({ id, error: `the subscribers' process ended with ${code}` });
    });
  }

  send(job: Unsent<LiveJob>): { readonly begun: Promise<LiveAnswer>; readonly done: Promise<LiveAnswer> } {
    const id = this.#nextId;
    this.#nextId += 1;
    const answers = { begun: this.#answer(-id), done: this.#answer(id) };
    // Each is awaited by whoever needs it; what nobody awaits is no error.
    answers.begun.catch(() => {});
    answers.done.catch(() => {});
    this.#child.send({ ...job, id });
    return answers;
  }

  stop(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  #answer(id: number): Promise<LiveAnswer> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, (answer) => {
        this.#waiting.delete(id);
        if (answer.error === undefined) resolve(answer);
        else reject(new Error(answer.error));
      });
    });
  }
}

/** Parts of a whole number that differ by one at most. */
function shares(whole: number, parts: number): number[] {
  return Array.from({ length: parts }, (_, at) => Math.floor((whole * (at + 1)) / parts) - Math.floor((whole * at) / parts));
}

/** Some work with subscribers in so many processes. */
export async function withLiveClients<T>(processes: number, work: (clients: LiveClients) => Promise<T>): Promise<T> {
  const workers = Array.from({ length: processes }, () => new Worker());
  const share = (group: string, worker: Worker, messages: number): number => {
    if (processes === 1) return messages;
    const all = workers.reduce((sum, { sockets }) => sum + (sockets.get(group) ?? 0), 0);
    return ((worker.sockets.get(group) ?? 0) * messages) / all;
  };
  try {
    return await work({
      open: async (job) => {
        const counts = shares(job.count, processes);
        const opened = workers.map(async (worker, at) => {
          const count = counts[at] ?? 0;
          await worker.send({ kind: 'open', ...job, count }).done;
          worker.sockets.set(job.group, (worker.sockets.get(job.group) ?? 0) + count);
        });
        await Promise.all(opened);
      },
      expect: async (group, messages) => {
        const sent = workers.map((worker) => worker.send({ kind: 'expect', group, messages: share(group, worker, messages) }));
        await Promise.all(sent.map(({ begun }) => begun));
        return { last: Promise.all(sent.map(({ done }) => done)).then((all) => Math.max(...all.map(({ atMs = Number.NaN }) => atMs))) };
      },
      count: async (group) => {
        const all = await Promise.all(workers.map((worker) => worker.send({ kind: 'count', group }).done));
        return {
          messages: all.reduce((sum, { messages = 0 }) => sum + messages, 0),
          sample: all.find(({ sample }) => sample !== undefined)?.sample ?? '',
        };
      },
      close: async (group) => {
        await Promise.all(workers.map((worker) => worker.send({ kind: 'close', group }).done));
      },
    });
  } finally {
    for (const worker of workers) worker.stop();
  }
}

/** How long subscribers may take until all of them are served. */
const SUBSCRIBED_WITHIN_MS = 60_000;

/**
 * Commits until every subscriber of a group gets what is committed.
 *
 * @throws Error where that takes a minute
 */
export async function subscribed(clients: LiveClients, group: string, messages: number, commit: () => Promise<unknown>): Promise<void> {
  const until = nowMs() + SUBSCRIBED_WITHIN_MS;
  for (let before = (await clients.count(group)).messages; nowMs() < until; ) {
    await commit();
    const now = await quiet(clients, group);
    if (now - before === messages) return;
    before = now;
  }
  throw new Error(`${group}: a commit did not reach everyone`);
}

/** Waits until no more messages come. @returns how many a group has received */
export async function quiet(clients: LiveClients, group: string, forMs = 200): Promise<number> {
  for (let last = -1; ; ) {
    const { messages } = await clients.count(group);
    if (messages === last) return messages;
    last = messages;
    await new Promise((resolve) => setTimeout(resolve, forMs));
  }
}
