/** Durable one-row appends over HTTP, against the same server whose append checks the row and touches no engine. */
import {
  type BenchOptions,
  type Figures,
  median,
  type Report,
  rounded,
  startAppendBaseline,
  startTidemark,
  withDirectory,
  withLoad,
  withServers,
} from '../support.ts';
import { appendBody, CREATE, EVENTS, ORDERS } from '../tables.ts';

const CONNECTIONS = 64;
const TARGET = 0.6;
const VARIANTS = [
  { name: 'typed, no key', door: 'typed', table: EVENTS },
  { name: 'typed, primary key', door: 'typed', table: ORDERS },
  { name: 'generic, no key', door: 'generic', table: EVENTS },
  { name: 'generic, primary key', door: 'generic', table: ORDERS },
] as const;

export function append({ quick, note }: BenchOptions): Promise<Report> {
  const rounds = quick ? 1 : 5;
  const seconds = quick ? 1 : 3;
  return withDirectory((directory) =>
    withServers([startTidemark(`${directory}/tidemark`), startAppendBaseline(`${directory}/baseline`)], (servers) =>
      withLoad(async (load) => {
        const [tidemark, baseline] = servers;
        for (const server of servers) for (const input of [ORDERS, EVENTS]) await server.query(CREATE, { input });
        let nextId = 1;
        const measure = async (server: typeof tidemark, template: string, length: number) => {
          const cpu = server.cpuSeconds();
          const result = await load.run({ url: server.url, connections: CONNECTIONS, seconds: length, template, firstId: nextId });
          nextId = result.nextId;
          return { ...result, cpuMicros: ((server.cpuSeconds() - cpu) / result.requests) * 1e6 };
        };
        const figures: Record<string, Figures> = {};
        const ratios: number[] = [];
        for (const { name, door, table } of VARIANTS) {
          const template = appendBody(door, table, 1);
          for (const server of servers) await measure(server, template, quick ? 1 : 3);
          const ours: Awaited<ReturnType<typeof measure>>[] = [];
          const theirs: Awaited<ReturnType<typeof measure>>[] = [];
          for (let round = 0; round < rounds; round += 1) {
            theirs.push(await measure(baseline, template, seconds));
            ours.push(await measure(tidemark, template, seconds));
          }
          const ratio = median(ours.map((run, at) => run.requestsPerSecond / (theirs[at]?.requestsPerSecond ?? Number.NaN)));
          ratios.push(ratio);
          figures[name] = {
            ratio: rounded(ratio),
            'commits/s': Math.round(median(ours.map((run) => run.requestsPerSecond))),
            'baseline/s': Math.round(median(theirs.map((run) => run.requestsPerSecond))),
            'p50 ms': median(ours.map((run) => run.p50Ms)),
            'p99 ms': median(ours.map((run) => run.p99Ms)),
            'CPU us/commit': Math.round(median(ours.map((run) => run.cpuMicros))),
            'baseline CPU us': Math.round(median(theirs.map((run) => run.cpuMicros))),
          };
          note(`${name}: ${rounded(ratio)}`);
        }
        const lowest = Math.min(...ratios);
        return {
          case: 'append',
          ratio: rounded(lowest),
          baseline: 'the requests/s of the same server without its engine (the lowest of four variants)',
          target: `at least ${TARGET}`,
          met: lowest >= TARGET,
          figures,
        };
      }),
    ),
  );
}
