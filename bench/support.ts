/** What the cases share: servers and the load generator in processes of their own, medians, and the shape of a report. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { cpuSecondsOf } from './cpu.ts';
import type { LoadJob, LoadResult } from './load.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const STOP_MS = 30_000;

export interface BenchOptions {
  /** A small run, to see that a case works; its figures mean little. */
  readonly quick: boolean;
  /** Says what is going on, on stderr. */
  readonly note: (text: string) => void;
}

/** One row of a case's table. */
export type Figures = Readonly<Record<string, number | string>>;

export interface Report {
  readonly case: string;
  /** The headline: this many times the baseline. */
  readonly ratio: number;
  /** What the ratio is a ratio to. */
  readonly baseline: string;
  readonly target: string;
  /** null where the case has no target. */
  readonly met: boolean | null;
  readonly figures: Readonly<Record<string, Figures>>;
}

export type BenchCase = (options: BenchOptions) => Promise<Report>;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** Rounds to a number of significant digits, for figures that people read. */
export function rounded(value: number, digits = 3): number {
  return Number.isFinite(value) ? Number(value.toPrecision(digits)) : value;
}

/** Milliseconds that work took. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Runs each of several things in turn, round after round, so that what else the machine does falls on all of them alike. */
export async function interleaved<Name extends string>(
  rounds: number,
  runs: Readonly<Record<Name, () => Promise<number>>>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(runs) as Name[];
  const found = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, number[]>;
  for (let round = 0; round < rounds; round += 1) {
    for (const name of round % 2 === 0 ? names : [...names].reverse()) found[name].push(await runs[name]());
  }
  return found;
}

/** A fresh directory for the length of some work. */
export async function withDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-bench-'));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Bytes of all files below a directory. */
export async function bytesOf(directory: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    bytes += entry.isDirectory() ? await bytesOf(path) : (await stat(path)).size;
  }
  return bytes;
}

/** A file of the vega-datasets package. */
export function dataset(name: string): string {
  const entry = createRequire(import.meta.url).resolve('vega-datasets');
  const marker = join('node_modules', 'vega-datasets');
  const root = entry.slice(0, entry.lastIndexOf(marker) + marker.length);
  return join(root === '' ? dirname(entry) : root, 'data', name);
}

interface Answer {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly { readonly message: string }[];
}

/** A server under measure, in a process of its own. */
export interface ServerProcess {
  readonly url: string;
  readonly pid: number;
  /** CPU seconds that the process has used, all threads together; NaN where the system does not tell. */
  cpuSeconds(): number;
  /** The data of one operation. */
  query(query: string, variables?: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>>>;
  stop(): Promise<void>;
}

async function ask(url: string, query: string, variables?: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>>> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as Answer;
  if (errors !== undefined || data == null) throw new Error(`${errors?.[0]?.message ?? 'no data'} (${query.slice(0, 100)})`);
  return data;
}

/** Lends a function that sends one operation after another over one kept connection, and reads each answer whole. */
export async function askOverOneConnection<T>(url: string, work: (ask: (query: string) => Promise<string>) => Promise<T>): Promise<T> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ask = (query: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json', accept: 'application/json' };
      const outgoing = request(`${url}/graphql`, { method: 'POST', agent, headers }, (response) => {
        response.setEncoding('utf8');
        let body = '';
        response.on('data', (chunk: string) => {
          body += chunk;
        });
        response.on('end', () => (body.includes('"errors"') ? reject(new Error(body.slice(0, 500))) : resolve(body)));
      });
      outgoing.on('error', reject);
      outgoing.end(JSON.stringify({ query }));
    });
  try {
    return await work(ask);
  } finally {
    agent.destroy();
  }
}

async function announced(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('the server has no output');
  const lines = createInterface({ input: child.stdout });
  for await (const line of lines) {
    if (!line.startsWith('{')) continue;
    const { url } = JSON.parse(line) as { url?: string };
    if (url !== undefined) {
      // What it prints later is read too, or it would wait for a full pipe.
      child.stdout.resume();
      return url;
    }
  }
  throw new Error('the server ended before it was ready');
}

/** A server by its command line; it says on stdout where it serves. */
export async function startNode(
  args: readonly string[],
  input?: unknown,
  variables: Readonly<Record<string, string>> = {},
): Promise<ServerProcess> {
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TIDEMARK_')));
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...environment, UV_THREADPOOL_SIZE: '24', NODE_ENV: 'production', ...variables },
  });
  const exited = once(child, 'exit');
  child.stdin?.end(input === undefined ? '' : JSON.stringify(input));
  const url = await announced(child);
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await exited;
    clearTimeout(timer);
  };
  const { pid = 0 } = child;
  return { url, pid, cpuSeconds: () => cpuSecondsOf(pid), query: (query, variables) => ask(url, query, variables), stop };
}

/** The server as it is released: compiled, started by bin/tidemark.cjs. `nodeFlags` come from TIDEMARK_BENCH_NODE_FLAGS. */
export function startTidemark(directory: string, flags: readonly string[] = []): Promise<ServerProcess> {
  const nodeFlags = (process.env['TIDEMARK_BENCH_NODE_FLAGS'] ?? '').split(' ').filter((flag) => flag !== '');
  return startNode([...nodeFlags, 'bin/tidemark.cjs', '--data', directory, '--port', '0', ...flags]);
}

/** The same server whose appends check the rows and touch no engine; see bench/servers/append-baseline.mjs. */
export function startAppendBaseline(directory: string): Promise<ServerProcess> {
  return startNode(['bench/servers/append-baseline.mjs', directory]);
}

/** A bare ws server that broadcasts what it is posted; see bench/servers/broadcast-baseline.mjs. */
export function startBroadcastBaseline(): Promise<ServerProcess> {
  return startNode(['bench/servers/broadcast-baseline.mjs']);
}

/** Bare Yoga that answers from memory with the rows that it is given; see bench/servers/page-baseline.mjs. */
export function startPageBaseline(answers: unknown): Promise<ServerProcess> {
  return startNode(['bench/servers/page-baseline.mjs'], answers);
}

/** Some work with servers that are stopped after it, whatever happens. */
export async function withServers<T, const Servers extends readonly Promise<ServerProcess>[]>(
  starting: Servers,
  work: (servers: { -readonly [At in keyof Servers]: Awaited<Servers[At]> }) => Promise<T>,
): Promise<T> {
  const settled = await Promise.allSettled(starting);
  const stopAll = () => Promise.all(settled.map((start) => (start.status === 'fulfilled' ? start.value.stop() : undefined)));
  try {
    return await work((await Promise.all(starting)) as { -readonly [At in keyof Servers]: Awaited<Servers[At]> });
  } finally {
    await stopAll();
  }
}

export interface LoadGenerator {
  /** @throws Error where a request failed */
  run(job: LoadJob): Promise<LoadResult>;
}

/** Some work with a load generator in a process of its own. */
export async function withLoad<T>(work: (load: LoadGenerator) => Promise<T>): Promise<T> {
  const child = fork(fileURLToPath(new URL('./load.ts', import.meta.url)), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const run = async (job: LoadJob): Promise<LoadResult> => {
    child.send(job);
    const [answer] = (await once(child, 'message')) as [{ result?: LoadResult; error?: string }];
    if (answer.result === undefined) throw new Error(`the load generator failed: ${answer.error}`);
    const { failures, firstFailure, requests } = answer.result;
    if (failures > 0) throw new Error(`${failures} of ${requests} requests failed: ${firstFailure ?? 'no answer'}`);
    return answer.result;
  };
  try {
    return await work({ run });
  } finally {
    child.disconnect();
  }
}
