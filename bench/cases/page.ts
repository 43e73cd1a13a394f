/** Pages of 50 and single rows of a table of a million rows, now and in the middle of its history, against Yoga alone. */
import { openEngine } from '../../src/engine/index.ts';
import {
  type BenchOptions,
  type Figures,
  median,
  type Report,
  rounded,
  type ServerProcess,
  startPageBaseline,
  startTidemark,
  withDirectory,
  withLoad,
  withServers,
} from '../support.ts';
import { ORDERS, order } from '../tables.ts';

const CONNECTIONS = 64;
const BATCH_ROWS = 50_000;
const WARM_SECONDS = 10;
const COLUMNS = 'id order_id customer_id amount status placed_at';

type Row = Readonly<Record<string, unknown>>;
interface View {
  readonly asOf: { readonly orders?: { readonly nodes: Row[] }; readonly ordersByKey?: Row | null };
}

const at = (snapshotId: number | undefined): string => (snapshotId === undefined ? 'asOf' : `asOf(snapshotId: ${snapshotId})`);
const pageQuery = (page: string, snapshotId?: number): string => `{ ${at(snapshotId)} { orders(${page}) { nodes { ${COLUMNS} } } } }`;
const keyQuery = (type: string, snapshotId?: number): string =>
  `query ($key: ${type}!) { ${at(snapshotId)} { ordersByKey(order_id: $key) { ${COLUMNS} } } }`;

/** Loads orders 0 to `rows`, in batches. @returns the snapshot in the middle and the rows that it has */
async function loadOrders(directory: string, rows: number): Promise<{ snapshotId: number; rows: number }> {
  const engine = await openEngine({ directory });
  await engine.createTable(ORDERS);
  let middle = { snapshotId: 0, rows: 0 };
  for (let start = 0; start < rows; start += BATCH_ROWS) {
    const count = Math.min(BATCH_ROWS, rows - start);
    const batch = Array.from({ length: count }, (_, index) => order(start + index));
    const { commit } = await engine.append('orders', batch);
    if (start + count <= rows / 2) middle = { snapshotId: commit?.snapshotId ?? 0, rows: start + count };
  }
  await engine.close();
  return middle;
}

async function sample(server: ServerProcess, rows: number): Promise<Row> {
  const nodes = async (page: string): Promise<Row[]> => ((await server.query(pageQuery(page))) as unknown as View).asOf.orders?.nodes ?? [];
  const single: Row[] = [];
  for (let index = 0; index < 20; index += 1) {
    const key = String(Math.floor((index / 20) * rows));
    const { asOf } = (await server.query(keyQuery('BigInt'), { key })) as unknown as View;
    if (asOf.ordersByKey != null) single.push(asOf.ordersByKey);
  }
  return { first: await nodes('first: 50'), last: await nodes('last: 50'), rows: single };
}

export function page({ quick, note }: BenchOptions): Promise<Report> {
  const rows = quick ? 200_000 : 1_000_000;
  const rounds = quick ? 1 : 3;
  const seconds = quick ? 1 : 3;
  return withDirectory(async (directory) => {
    const middle = await loadOrders(directory, rows);
    note(`${rows} rows loaded`);
    return withServers([startTidemark(directory)], ([tidemark]) =>
      sample(tidemark, rows).then((answers) =>
        withServers([startPageBaseline(answers)], ([baseline]) =>
          withLoad(async (load) => {
            const run = async (server: ServerProcess, query: string, keysBelow: number, length = seconds) => {
              const template = JSON.stringify({ query, variables: query.startsWith('query') ? { key: '__KEY__' } : {} });
              const cpu = server.cpuSeconds();
              const result = await load.run({ url: server.url, connections: CONNECTIONS, seconds: length, template, keysBelow });
              return { ...result, cpuMicros: ((server.cpuSeconds() - cpu) / result.requests) * 1e6 };
            };
            const variants = [
              { name: 'first 50, now', ours: pageQuery('first: 50'), theirs: pageQuery('first: 50'), keysBelow: rows },
              {
                name: 'first 50, middle',
                ours: pageQuery('first: 50', middle.snapshotId),
                theirs: pageQuery('first: 50', 1),
                keysBelow: rows,
              },
              { name: 'newest 50, now', ours: pageQuery('last: 50'), theirs: pageQuery('last: 50'), keysBelow: rows },
              {
                name: 'newest 50, middle',
                ours: pageQuery('last: 50', middle.snapshotId),
                theirs: pageQuery('last: 50', 1),
                keysBelow: rows,
              },
              { name: 'by key, now', ours: keyQuery('BigInt'), theirs: keyQuery('String'), keysBelow: rows },
              {
                name: 'by key, middle',
                ours: keyQuery('BigInt', middle.snapshotId),
                theirs: keyQuery('String', 1),
                keysBelow: middle.rows,
              },
            ];
            const figures: Record<string, Figures> = {};
            const ratios: number[] = [];
            for (const { name, ours: query, theirs: bare, keysBelow } of variants) {
              const cold = await run(tidemark, query, keysBelow);
              // Random keys need a while until they have touched every block once.
              if (name.startsWith('by key') && !quick) await run(tidemark, query, keysBelow, WARM_SECONDS);
              await run(baseline, bare, keysBelow);
              const ours: Awaited<ReturnType<typeof run>>[] = [];
              const theirs: Awaited<ReturnType<typeof run>>[] = [];
              for (let round = 0; round < rounds; round += 1) {
                theirs.push(await run(baseline, bare, keysBelow));
                ours.push(await run(tidemark, query, keysBelow));
              }
              const ratio = median(ours.map((one, index) => one.requestsPerSecond / (theirs[index]?.requestsPerSecond ?? Number.NaN)));
              ratios.push(ratio);
              figures[name] = {
                ratio: rounded(ratio),
                'requests/s': Math.round(median(ours.map((one) => one.requestsPerSecond))),
                'Yoga/s': Math.round(median(theirs.map((one) => one.requestsPerSecond))),
                'first round/s': Math.round(cold.requestsPerSecond),
                'p50 ms': median(ours.map((one) => one.p50Ms)),
                'p99 ms': median(ours.map((one) => one.p99Ms)),
                'CPU us': Math.round(median(ours.map((one) => one.cpuMicros))),
                'Yoga CPU us': Math.round(median(theirs.map((one) => one.cpuMicros))),
              };
              note(`${name}: ${rounded(ratio)}`);
            }
            return {
              case: 'page',
              ratio: rounded(Math.min(...ratios)),
              baseline: `the requests/s of bare Yoga with the same rows in memory (${rows} rows; the lowest of six questions)`,
              target: 'none',
              met: null,
              figures,
            };
          }),
        ),
      ),
    );
  });
}
