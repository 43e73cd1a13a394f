/** A thousand subscribers with a thousand different variables: what is not shared. Figures only. */
import { type LiveClients, quiet, socketUrl, subscribed, withLiveClients } from '../live.ts';
import { commits, type Post, withPosts } from '../posts.ts';
import {
  type BenchOptions,
  type Figures,
  median,
  type Report,
  rounded,
  type ServerProcess,
  startTidemark,
  withDirectory,
  withServers,
} from '../support.ts';
import { CREATE, EVENTS } from '../tables.ts';

const ROWS = 20;
/** Tables beside the one that is committed to: enough that every subscriber can name other ones of them. */
const OTHER_TABLES = 10;

/** What subscribers ask for with different variables, and how many events come of a commit. */
const KINDS = [
  {
    name: 'eventsChanges, filtered by customer',
    query: 'subscription ($where: EventsFilter) { eventsChanges(where: $where) { snapshotId changes { after { order_id amount } } } }',
    variables: (n: number) => ({ where: { customer_id: { eq: String(n) } } }),
    messages: () => ROWS,
  },
  {
    name: 'snapshotCommitted, filtered by tables',
    query: 'subscription ($tables: [String!]) { snapshotCommitted(tables: $tables) { snapshotId } }',
    variables: (n: number) => ({ tables: [EVENTS.name, ...others().filter((_, bit) => (n >> bit) % 2 === 1)] }),
    messages: (size: number) => size,
  },
] as const;

function others(): string[] {
  return Array.from({ length: OTHER_TABLES }, (_, at) => `other${at}`);
}

export function fanoutDistinct({ quick, note }: BenchOptions): Promise<Report> {
  const size = quick ? 100 : 1_000;
  const count = quick ? 5 : 100;
  return withDirectory((directory) =>
    withServers([startTidemark(`${directory}/tidemark`)], async ([server]) => {
      for (const name of [EVENTS.name, ...others()]) await server.query(CREATE, { input: { ...EVENTS, name } });
      // Each commit has rows of 20 different customers out of those that are watched.
      const next = commits(ROWS, (row, id) => ({ ...row, customer_id: String(id % size) }));
      return withPosts(`${server.url}/graphql`, async (post) => {
        for (let warmup = 0; warmup < (quick ? 10 : 300); warmup += 1) await post(next());
        const alone = await measured(server, count, async () => void (await post(next())));
        const figures: Record<string, Figures> = {};
        for (const kind of KINDS) {
          const found = await withLiveClients(1, (clients) => watched({ clients, server, kind, size, count, post, next }));
          figures[kind.name] = { ...found, 'CPU ms, commit alone': rounded(alone) };
          note(`${kind.name}: ${found['CPU ms']} ms of CPU a commit`);
        }
        return {
          case: 'fanout-distinct',
          ratio: rounded(Number(figures[KINDS[0].name]?.['CPU ms']) / alone),
          baseline: `the CPU of the commit alone (${size} subscribers of row changes, of which a commit concerns ${ROWS})`,
          target: 'none',
          met: null,
          figures,
        };
      });
    }),
  );
}

/** CPU milliseconds that each of so many runs costs. */
async function measured(server: ServerProcess, count: number, run: () => Promise<void>): Promise<number> {
  const cpu = server.cpuSeconds();
  for (let done = 0; done < count; done += 1) await run();
  return ((server.cpuSeconds() - cpu) / count) * 1000;
}

interface Watch {
  readonly clients: LiveClients;
  readonly server: ServerProcess;
  readonly kind: (typeof KINDS)[number];
  readonly size: number;
  readonly count: number;
  readonly post: Post;
  readonly next: () => string;
}

async function watched({ clients, server, kind, size, count, post, next }: Watch): Promise<Figures> {
  const group = kind.name;
  const expected = kind.messages(size);
  const variables = Array.from({ length: size }, (_, n) => kind.variables(n));
  await clients.open({ group, url: socketUrl(server), count: size, query: kind.query, variables });
  await subscribed(clients, group, expected, () => post(next()));
  const lastMs: number[] = [];
  const cpuMs = await measured(server, count, async () => {
    const { last } = await clients.expect(group, expected);
    const { sentMs } = await post(next());
    lastMs.push((await last) - sentMs);
  });
  const { messages } = await clients.count(group);
  await clients.close(group);
  // What is closed gets nothing more: the next kind is measured alone.
  await post(next());
  if ((await quiet(clients, group)) !== messages) throw new Error('a closed socket got an event');
  return { 'events a commit': expected, 'CPU ms': rounded(cpuMs), 'sent to last ms': rounded(median(lastMs)) };
}
