/** Ten and a thousand rows a commit: rows a second, and the server's CPU against JSON.parse of the same bodies. */
import {
  type BenchOptions,
  type Figures,
  median,
  type Report,
  rounded,
  startTidemark,
  withDirectory,
  withLoad,
  withServers,
} from '../support.ts';
import { appendBody, CREATE, EVENTS, ORDERS } from '../tables.ts';

const VARIANTS = [
  { name: '10 rows, typed, no key', door: 'typed', table: EVENTS, rows: 10, connections: 64 },
  { name: '10 rows, generic, no key', door: 'generic', table: EVENTS, rows: 10, connections: 64 },
  { name: '10 rows, generic, primary key', door: 'generic', table: ORDERS, rows: 10, connections: 64 },
  { name: '1000 rows, generic, no key', door: 'generic', table: EVENTS, rows: 1000, connections: 16 },
  { name: '1000 rows, generic, primary key', door: 'generic', table: ORDERS, rows: 1000, connections: 16 },
] as const;

const HEADLINE = '1000 rows, generic, no key';

/** CPU microseconds of one JSON.parse of a request's body, in this process. */
function parseMicros(template: string): number {
  const bodies = Array.from({ length: 20 }, (_, at) => template.replaceAll('__ID__', String(at * 1000)));
  const times = 20_000_000 / (template.length * bodies.length);
  const measure = (): number => {
    const start = process.cpuUsage();
    let parsed = 0;
    for (let time = 0; time < times; time += 1) {
      for (const body of bodies) {
        JSON.parse(body);
        parsed += 1;
      }
    }
    const { user, system } = process.cpuUsage(start);
    return (user + system) / parsed;
  };
  measure();
  return median([measure(), measure(), measure()]);
}

export function appendBatch({ quick, note }: BenchOptions): Promise<Report> {
  const rounds = quick ? 1 : 3;
  const seconds = quick ? 1 : 3;
  return withDirectory((directory) =>
    withServers([startTidemark(directory)], ([tidemark]) =>
      withLoad(async (load) => {
        for (const input of [ORDERS, EVENTS]) await tidemark.query(CREATE, { input });
        let nextId = 1;
        const figures: Record<string, Figures> = {};
        const ratios = new Map<string, number>();
        for (const { name, door, table, rows, connections } of VARIANTS) {
          const template = appendBody(door, table, rows);
          const run = async () => {
            const cpu = tidemark.cpuSeconds();
            const result = await load.run({ url: tidemark.url, connections, seconds, template, firstId: nextId });
            nextId = result.nextId;
            return { ...result, cpuMicros: ((tidemark.cpuSeconds() - cpu) / result.requests) * 1e6, parseMicros: parseMicros(template) };
          };
          await run();
          const runs: Awaited<ReturnType<typeof run>>[] = [];
          for (let round = 0; round < rounds; round += 1) runs.push(await run());
          const ratio = median(runs.map((one) => one.cpuMicros / one.parseMicros));
          ratios.set(name, ratio);
          const commits = median(runs.map((one) => one.requestsPerSecond));
          figures[name] = {
            'rows/s': Math.round(commits * rows),
            'commits/s': Math.round(commits),
            'p50 ms': median(runs.map((one) => one.p50Ms)),
            'p99 ms': median(runs.map((one) => one.p99Ms)),
            'CPU us/commit': Math.round(median(runs.map((one) => one.cpuMicros))),
            'JSON.parse us': rounded(median(runs.map((one) => one.parseMicros))),
            'CPU / JSON.parse': rounded(ratio),
          };
          note(`${name}: ${Math.round(commits * rows)} rows/s`);
        }
        return {
          case: 'append-batch',
          ratio: rounded(ratios.get(HEADLINE) ?? Number.NaN),
          baseline: 'the CPU time of JSON.parse of the same body (1,000 rows, generic door, no key)',
          target: 'none',
          met: null,
          figures,
        };
      }),
    ),
  );
}
