/** A thousand subscribers of ten different live queries, over a table that takes 200 commits a second. */
import { nowMs, quiet, socketUrl, withLiveClients } from '../live.ts';
import { type MeasuredServer, startMeasuredTidemark } from '../measured.ts';
import { commits, type Posted, withPosts } from '../posts.ts';
import { type BenchOptions, type Figures, median, type Report, rounded, withDirectory, withServers } from '../support.ts';
import { CREATE, EVENTS } from '../tables.ts';

const DISTINCT = 10;
const COMMITS_PER_SECOND = 200;
const LOADED_AT_ONCE = 5_000;
const GROUP = 'live';
const QUERY = `subscription ($customer: BigInt!) {
  live { snapshotId events(where: { customer_id: { eq: $customer } }, first: 10, orderBy: [{ order_id: DESC }]) { nodes { order_id amount } totalCount } }
}`;

export function liveQuery({ quick, note }: BenchOptions): Promise<Report> {
  const subscribers = quick ? 100 : 1_000;
  const rows = quick ? 5_000 : 100_000;
  const seconds = quick ? 2 : 15;
  return withDirectory((directory) =>
    withLiveClients(1, (clients) =>
      withServers([startMeasuredTidemark(directory)], ([server]) =>
        withPosts(`${server.url}/graphql`, async (post) => {
          await server.query(CREATE, { input: EVENTS });
          const ofCustomers = (row: Record<string, unknown>, id: number) => ({ ...row, customer_id: String(id % DISTINCT) });
          const load = commits(LOADED_AT_ONCE, ofCustomers);
          for (let loaded = 0; loaded < rows; loaded += LOADED_AT_ONCE) await post(load());
          await server.query('mutation { compact { flushedRows } }');
          const next = commits(1, ofCustomers);
          // The same commits with nobody watching, to see what the watching costs.
          const alone = await paced(server, seconds / 3, () => post(next()));
          const variables = Array.from({ length: DISTINCT }, (_, customer) => ({ customer: String(customer) }));
          const answered = await clients.expect(GROUP, subscribers);
          await clients.open({ group: GROUP, url: socketUrl(server), count: subscribers, query: QUERY, variables });
          await answered.last;
          const before = { executions: await executions(server.url), messages: (await clients.count(GROUP)).messages };
          const watched = await paced(server, seconds, () => post(next()));
          const messages = (await quiet(clients, GROUP, 500)) - before.messages;
          const runs = (await executions(server.url)) - before.executions;
          note(`${watched.commits} commits, ${runs} executions, ${messages} answers`);
          return {
            case: 'live-query',
            ratio: rounded(runs / (watched.commits * DISTINCT)),
            baseline: `one execution a commit and distinct query (${watched.commits} commits, ${DISTINCT} queries of ${subscribers} subscribers)`,
            target: 'at most one run of a query under way, so fewer executions than that',
            met: runs <= watched.commits * DISTINCT,
            figures: {
              'nobody watches': alone.figures,
              [`${subscribers} watch`]: {
                ...watched.figures,
                executions: runs,
                'executions/s and query': rounded(runs / seconds / DISTINCT),
                'answers sent': messages,
              },
            },
          };
        }),
      ),
    ),
  );
}

/** Commits at a steady rate, however long each takes, and what that costs the server. */
async function paced(
  server: MeasuredServer,
  seconds: number,
  commit: () => Promise<Posted>,
): Promise<{ readonly commits: number; readonly figures: Figures }> {
  await server.memory();
  const [begun, cpu] = [nowMs(), server.cpuSeconds()];
  const under: Promise<Posted>[] = [];
  for (let sent = 0; ; sent += 1) {
    const dueMs = (sent / COMMITS_PER_SECOND) * 1000;
    if (dueMs >= seconds * 1000) break;
    const waitMs = dueMs - (nowMs() - begun);
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    under.push(commit());
  }
  const posted = await Promise.all(under);
  const tookSeconds = (nowMs() - begun) / 1000;
  const cpuSeconds = server.cpuSeconds() - cpu;
  const { loopP99Ms } = await server.memory();
  return {
    commits: posted.length,
    figures: {
      'commits/s': rounded(posted.length / tookSeconds),
      'sent to acknowledged p50 ms': rounded(median(posted.map(({ sentMs, acknowledgedMs }) => acknowledgedMs - sentMs))),
      'CPU cores': rounded(cpuSeconds / tookSeconds),
      'event loop p99 ms': rounded(loopP99Ms),
    },
  };
}

/** How often the server says that it has executed a live query. */
async function executions(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const found = /^tidemark_live_executions_total\{class="live"\} (\d+)/m.exec(text);
  if (found === null) throw new Error('the metrics do not tell the executions of live queries');
  return Number(found[1]);
}
