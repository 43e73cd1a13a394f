/** A thousand subscribers of ten different live queries, over a table that takes 200 commits a second. */
import { type LiveClients, nowMs, socketUrl, startMeasured, withLiveClients } from '../live.ts';
import { type BenchOptions, type Report, rounded, withDirectory, withServers } from '../support.ts';
import { CREATE, EVENTS, order } from '../tables.ts';

const DISTINCT = 10;
const COMMITS_PER_SECOND = 200;
const APPEND = 'mutation ($rows: [EventsRowInput!]!) { appendEvents(rows: $rows) { insertedRows } }';
const QUERY = `subscription ($customer: BigInt!) {
  live { snapshotId events(where: { customer_id: { eq: $customer } }, first: 10, orderBy: [{ order_id: DESC }]) { nodes { order_id amount } totalCount } }
}`;

export function liveQuery({ quick, note }: BenchOptions): Promise<Report> {
  const subscribers = quick ? 100 : 1_000;
  const rows = quick ? 5_000 : 100_000;
  const seconds = quick ? 2 : 15;
  return withDirectory((directory) =>
    withLiveClients((clients) =>
      withServers([startMeasured(directory, ['bin/tidemark.cjs', '--data', `${directory}/tidemark`, '--port', '0'])], async ([server]) => {
        await server.query(CREATE, { input: EVENTS });
        let nextId = 0;
        const append = (count: number): Promise<unknown> =>
          server.query(APPEND, {
            rows: Array.from({ length: count }, () => {
              nextId += 1;
              return { ...order(nextId), customer_id: String(nextId % DISTINCT) };
            }),
          });
        while (nextId < rows) await append(5_000);
        await server.query('mutation { compact { flushedRows } }');
        const group = 'live';
        const variables = Array.from({ length: DISTINCT }, (_, customer) => ({ customer: String(customer) }));
        const answered = await clients.expect(group, subscribers);
        await clients.open({ group, url: socketUrl(server), count: subscribers, query: QUERY, variables });
        await answered.last;
        const before = { executions: await executions(server.url), messages: (await clients.count(group)).messages };
        await server.memory();
        const cpu = server.cpuSeconds();
        const commits = await paced(seconds, () => append(1));
        const cpuShare = (server.cpuSeconds() - cpu) / seconds;
        const { loopP99Ms } = await server.memory();
        const runs = (await executions(server.url)) - before.executions;
        const messages = (await settled(clients, group)) - before.messages;
        note(`${commits} commits, ${runs} executions, ${messages} answers`);
        return {
          case: 'live-query',
          ratio: rounded(runs / (commits * DISTINCT)),
          baseline: `one execution a commit and distinct query (${commits} commits, ${DISTINCT} queries of ${subscribers} subscribers)`,
          target: 'at most one run of a query under way: fewer executions than that',
          met: runs <= commits * DISTINCT,
          figures: {
            [`${seconds} s`]: {
              'commits/s': rounded(commits / seconds),
              executions: runs,
              'executions/s and query': rounded(runs / seconds / DISTINCT),
              'answers sent': messages,
              'CPU cores': rounded(cpuShare),
              'event loop p99 ms': rounded(loopP99Ms),
            },
          },
        };
      }),
    ),
  );
}

/** Commits at a steady rate, however long each takes. @returns how many */
async function paced(seconds: number, commit: () => Promise<unknown>): Promise<number> {
  const begun = nowMs();
  const under: Promise<unknown>[] = [];
  for (let sent = 0; ; sent += 1) {
    const dueMs = (sent / COMMITS_PER_SECOND) * 1000;
    if (dueMs >= seconds * 1000) break;
    const waitMs = dueMs - (nowMs() - begun);
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    under.push(commit());
  }
  await Promise.all(under);
  return under.length;
}

/** What the server says it has executed. */
async function executions(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const found = /^tidemark_live_executions_total\{class="live"\} (\d+)/m.exec(text);
  return found === null ? Number.NaN : Number(found[1]);
}

/** Waits until no more answers come. */
async function settled(clients: LiveClients, group: string): Promise<number> {
  for (let last = -1; ; ) {
    const { messages } = await clients.count(group);
    if (messages === last) return messages;
    last = messages;
    await new Promise((resolve) => setTimeout(resolve, 1_500));
  }
}
