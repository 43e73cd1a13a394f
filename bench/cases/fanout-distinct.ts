/** A thousand subscribers with a thousand different variables: what is not shared. Figures only. */
import { type LiveClients, nowMs, socketUrl, withLiveClients } from '../live.ts';
import { type BenchOptions, type Figures, median, type Report, rounded, startTidemark, withDirectory, withServers } from '../support.ts';
import { CREATE, EVENTS, order } from '../tables.ts';
import { subscribed } from './fanout.ts';

const APPEND = 'mutation ($rows: [EventsRowInput!]!) { appendEvents(rows: $rows) { insertedRows } }';
const ROWS = 20;

/** What subscribers ask for with different variables, and how many of a commit's events come of it. */
const KINDS = [
  {
    name: 'ordersChanges, 20 of them match',
    query: 'subscription ($where: EventsFilter) { eventsChanges(where: $where) { snapshotId changes { after { order_id amount } } } }',
    variables: (n: number) => ({ where: { customer_id: { eq: String(n) } } }),
    messages: () => ROWS,
  },
  {
    name: 'snapshotCommitted, all match',
    query:
      'subscription ($tables: [String!], $n: Int!) { snapshotCommitted(tables: $tables) { snapshotId snapshots { manifest(first: $n) { nodes { rowCount } } } } }',
    variables: (n: number) => ({ tables: ['events'], n: n % 1000 }),
    messages: (size: number) => size,
  },
] as const;

export function fanoutDistinct({ quick, note }: BenchOptions): Promise<Report> {
  const size = quick ? 100 : 1_000;
  const commits = quick ? 5 : 60;
  return withDirectory((directory) =>
    withLiveClients((clients) =>
      withServers([startTidemark(`${directory}/tidemark`)], async ([server]) => {
        await server.query(CREATE, { input: EVENTS });
        const figures: Record<string, Figures> = {};
        let nextId = 1;
        // Each commit has rows of 20 customers out of those that are watched.
        const commit = (): Promise<unknown> => {
          const rows = Array.from({ length: ROWS }, (_, at) => {
            nextId += 1;
            return { ...order(nextId), customer_id: String((nextId * 7 + at) % size) };
          });
          return server.query(APPEND, { rows });
        };
        for (let count = 0; count < (quick ? 10 : 200); count += 1) await commit();
        const cpuOf = async (work: () => Promise<unknown>): Promise<number> => {
          const cpu = server.cpuSeconds();
          for (let count = 0; count < commits; count += 1) await work();
          return ((server.cpuSeconds() - cpu) / commits) * 1000;
        };
        const alone = await cpuOf(commit);
        for (const { name, query, variables, messages } of KINDS) {
          await clients.open({
            group: name,
            url: socketUrl(server),
            count: size,
            query,
            variables: Array.from({ length: size }, (_, n) => variables(n)),
          });
          const expected = messages(size);
          await subscribed(clients, name, expected, commit);
          const lastMs: number[] = [];
          const cpuMs = await cpuOf(() => oneCommit(clients, { group: name, expected, commit, lastMs }));
          figures[name] = {
            'CPU ms': rounded(cpuMs),
            'CPU ms of the commit alone': rounded(alone),
            'last client ms': rounded(median(lastMs)),
          };
          note(`${name}: ${rounded(median(lastMs))} ms to the last client`);
        }
        return {
          case: 'fanout-distinct',
          ratio: rounded(Number(figures[KINDS[0].name]?.['CPU ms']) / alone),
          baseline: `the CPU of the commit alone (${size} subscribers of different variables; the row changes)`,
          target: 'none',
          met: null,
          figures,
        };
      }),
    ),
  );
}

async function oneCommit(
  clients: LiveClients,
  { group, expected, commit, lastMs }: { group: string; expected: number; commit: () => Promise<unknown>; lastMs: number[] },
): Promise<void> {
  const { last } = await clients.expect(group, expected);
  const begun = nowMs();
  const [at] = await Promise.all([last, commit()]);
  lastMs.push(at - begun);
}
