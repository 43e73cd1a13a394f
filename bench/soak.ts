/**
 * A mixed load for a long time, and what the server's process takes: appends, updates, deletes, pages, aggregates, filters,
 * history and subscribers, over data that old rows leave again. Prints a line of JSON a minute, and a last one that compares
 * the halves. `npm run soak -- --seconds 1200`
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const PROGRAM = fileURLToPath(new URL('../bin/tidemark.cjs', import.meta.url));
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '1200' },
    /** Seconds between two lines. */
    every: { type: 'string', default: '60' },
    /** Rows that stay. */
    rows: { type: 'string', default: '100000' },
    /** What waits between two operations of a client, milliseconds: bounds the load. */
    pause: { type: 'string', default: '20' },
  },
});
const SECONDS = Number(values.seconds);
const ROWS_KEPT = Number(values.rows);
const PAUSE_MS = Number(values.pause);
const BATCH = 100;
const SUBSCRIBERS = 20;

interface Served {
  readonly child: ChildProcess;
  readonly url: string;
}

async function serve(directory: string): Promise<Served> {
  const flags = ['--port', '0', '--memory', '256', '--cache', '64', '--retention-max-age', '60s', '--retention-min-snapshots', '50'];
  const child = spawn(process.execPath, [PROGRAM, '--data', directory, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { url: found } = JSON.parse(line) as { url?: string };
      if (found !== undefined) resolve(found);
    });
  });
  return { child, url };
}

async function ask<Data>(url: string, query: string, variables: object = {}): Promise<Data> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data: Data; errors?: readonly Refused[] };
  const [error] = errors ?? [];
  if (error !== undefined) count(error, query);
  return data;
}

interface Refused {
  readonly message: string;
  readonly extensions: { readonly code: string };
}

/** How often an error came, by its code: a line of the report. */
const refused: Record<string, number> = {};

/** A defect ends the run; what is refused is counted, and shown once. */
function count({ message, extensions: { code } }: Refused, query: string): void {
  if (code === 'INTERNAL_SERVER_ERROR') throw new Error(`${code} for ${query.slice(0, 80)}`);
  refused[code] = (refused[code] ?? 0) + 1;
  if (refused[code] === 1) process.stderr.write(`${code}: ${message} (${query.slice(0, 80)})\n`);
}

const CREATE =
  'mutation { createTable(input: {name: "orders", columns: [{name: "k", type: LONG}, {name: "customer", type: LONG}, {name: "amount", type: DOUBLE}, {name: "status", type: STRING}, {name: "note", type: STRING}], primaryKey: ["k"]}) { replayed } }';
const APPEND = 'mutation ($rows: [JSON!]!) { append(table: "orders", rows: $rows) { insertedRows } }';
const UPDATE = 'mutation ($k: JSON!, $set: JSON!) { update(table: "orders", where: {column: "k", eq: $k}, set: $set) { updatedRows } }';
const DELETE = 'mutation ($k: JSON!) { delete(table: "orders", where: {column: "k", lt: $k}) { deletedRows } }';
const READS = [
  '{ asOf { orders(last: 50) { nodes { k amount status note } } } }',
  '{ asOf { orders(first: 50, orderBy: [{amount: DESC}]) { nodes { k amount } } } }',
  '{ asOf { orders(where: {status: {eq: "s3"}}, first: 20) { totalCount nodes { k note } } } }',
  '{ asOf { orders { aggregate { count sum { amount } avg { amount } } } } }',
  '{ table(name: "orders") { snapshots(first: 20) { nodes { snapshotId summary { totalRows } } } } }',
  '{ commits(first: 50) { nodes { snapshotId timestamp } } }',
];
const SUBSCRIPTIONS = [
  'subscription { snapshotCommitted { snapshotId } }',
  'subscription { ordersChanges { kind after { k status } } }',
  'subscription { live { orders(last: 10) { nodes { k status } } } }',
];

/** Until the end, one operation after the other with a pause in between. */
async function repeat(isOver: () => boolean, work: () => Promise<unknown>): Promise<void> {
  while (!isOver()) {
    await work();
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** Kilobytes of /proc's figures, as MiB. */
function memoryOf(pid: number): Record<string, number> {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const mebibytes = (name: string): number => Math.round(Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0) / 1024);
  const rss = mebibytes('Rss');
  const anonymous = mebibytes('Anonymous');
  return { rssMiB: rss, anonymousMiB: anonymous, mappedFilesMiB: rss - anonymous };
}

async function figuresOf(url: string): Promise<Record<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const figure = (name: string): number => Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)`, 'm').exec(text)?.[1] ?? 0);
  return {
    heapMiB: Math.round(figure('nodejs_heap_size_used_bytes') / 2 ** 20),
    heapTotalMiB: Math.round(figure('nodejs_heap_size_total_bytes') / 2 ** 20),
    externalMiB: Math.round(figure('nodejs_external_memory_bytes') / 2 ** 20),
    cacheMiB: Math.round(figure('tidemark_cache_bytes') / 2 ** 20),
    mirrorRows: figure('tidemark_mirror_rows'),
    hotRows: figure('tidemark_hot_rows'),
    dataFiles: figure('tidemark_data_files'),
    descriptors: figure('process_open_fds'),
    snapshotId: figure('tidemark_head_snapshot_id'),
  };
}

async function soak({ child, url }: Served): Promise<readonly number[]> {
  const startedMs = performance.now();
  const isOver = (): boolean => performance.now() - startedMs > SECONDS * 1000;
  let next = 0;
  await ask(url, CREATE);
  const client = createClient({ url: `${url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket });
  let events = 0;
  for (let index = 0; index < SUBSCRIBERS; index += 1)
    client.subscribe(
      { query: SUBSCRIPTIONS[index % SUBSCRIPTIONS.length] as string },
      {
        next: () => {
          events += 1;
        },
        error: () => {},
        complete: () => {},
      },
    );
  const append = async (): Promise<void> => {
    const from = next;
    next += BATCH;
    const rows = Array.from({ length: BATCH }, (_, at) => ({
      k: String(from + at),
      customer: String(at % 37),
      amount: ((from + at) * 7919) % 10007,
      status: `s${at % 5}`,
      note: `note ${from + at} ${'x'.repeat((at * 13) % 200)}`,
    }));
    await ask(url, APPEND, { rows });
  };
  const rssMiB: number[] = [];
  const report = async (): Promise<void> => {
    const memory = memoryOf(child.pid as number);
    rssMiB.push(memory['rssMiB'] as number);
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    process.stdout.write(`${JSON.stringify({ seconds, ...memory, ...(await figuresOf(url)), events, refused })}\n`);
  };
  const timer = setInterval(() => void report(), Number(values.every) * 1000);
  let read = 0;
  await Promise.all([
    repeat(isOver, append),
    repeat(isOver, append),
    repeat(isOver, () => ask(url, UPDATE, { k: String(Math.floor(Math.random() * next)), set: { status: 'changed' } })),
    repeat(isOver, async () => {
      if (next > ROWS_KEPT * 1.2) await ask(url, DELETE, { k: String(next - ROWS_KEPT) });
      await new Promise((resolve) => setTimeout(resolve, 2_000));
    }),
    ...Array.from({ length: 3 }, () =>
      repeat(isOver, () => {
        read += 1;
        return ask(url, READS[read % READS.length] as string);
      }),
    ),
  ]);
  clearInterval(timer);
  await report();
  await client.dispose();
  return rssMiB;
}

const directory = mkdtempSync(join(tmpdir(), 'tidemark-soak-'));
const served = await serve(directory);
try {
  const rssMiB = await soak(served);
  const half = Math.floor(rssMiB.length / 2);
  const greatest = (list: readonly number[]): number => Math.max(...list);
  process.stdout.write(
    `${JSON.stringify({ firstHalfMaxMiB: greatest(rssMiB.slice(0, half)), secondHalfMaxMiB: greatest(rssMiB.slice(half)), byMinuteMiB: rssMiB })}\n`,
  );
} finally {
  served.child.removeAllListeners('exit');
  const ended = once(served.child, 'exit');
  served.child.kill('SIGTERM');
  await ended;
  rmSync(directory, { recursive: true, force: true });
}
