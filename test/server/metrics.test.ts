import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { createClient } from 'graphql-sse';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseMetrics } from '../support/prometheus-text.ts';
import {
  eventually,
  type Loose,
  liveClient,
  ORDERS,
  orders,
  type Subscription,
  subscribe,
  type TestServer,
  testServer,
} from '../support/server-support.ts';

const APPEND = 'mutation ($rows: [OrdersRowInput!]!) { appendOrders(rows: $rows) { replayed } }';
const WATCH = 'subscription ($after: SafeInt) { snapshotCommitted(after: $after) { snapshotId } }';

type Scrape = ReadonlyMap<string, number>;

/** All series of a server by name and labels. */
async function scrape({ url }: Pick<TestServer, 'url'>): Promise<Scrape> {
  const response = await fetch(`${url}/metrics`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  return new Map([...parseMetrics(await response.text()).values()].flatMap(({ samples }) => [...samples]));
}

const ASIDE = /^(process|nodejs)_|_bucket\{|_seconds_sum|^tidemark_http_requests_total/;

/** What a deed changed: series but those of time, of the process and of HTTP, which a scrape counts too. */
async function changedBy(server: TestServer, deed: () => Promise<unknown>): Promise<Record<string, number>> {
  const before = await scrape(server);
  await deed();
  const after = await scrape(server);
  const changed = [...after].map(([name, value]) => [name.replace(/^tidemark_/, ''), value - (before.get(name) ?? 0), name] as const);
  return Object.fromEntries(changed.filter(([, by, name]) => by !== 0 && !ASIDE.test(name)).map(([name, by]) => [name, by]));
}

const operation = (type: string, outcome = 'ok', count = 1): Record<string, number> => ({
  [`graphql_operations_total{operation="${type}",outcome="${outcome}"}`]: count,
});
const measured = (type: string, count = 1): Record<string, number> => ({
  [`graphql_operation_duration_seconds_count{operation="${type}"}`]: count,
});

describe('/metrics', () => {
  it('is text that a strict reader takes, with HELP and TYPE of each metric', async () => {
    const server = await testServer({ tables: [ORDERS] });
    await server.engine.append('orders', orders(1, 3));
    await server.query('{ nope }');
    const text = await (await fetch(`${server.url}/metrics`)).text();
    const families = parseMetrics(text);
    expect(families.size).toBeGreaterThan(60);
    expect(families.get('tidemark_commit_duration_seconds')?.samples.get('tidemark_commit_duration_seconds_count')).toBe(2);
    expect([...families.keys()].filter((name) => name.startsWith('process_') || name.startsWith('nodejs_')).length).toBeGreaterThan(20);
  });

  it('moves by exactly what was committed, flushed and merged', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const append = await changedBy(server, () => server.data(APPEND, { rows: [1, 2, 3].map((id) => ({ order_id: id, customer_id: 1 })) }));
    const bytes = append['hot_bytes'];
    expect(bytes).toBeGreaterThan(0);
    expect(append).toEqual({
      commit_duration_seconds_count: 1,
      commit_write_duration_seconds_count: 1,
      commit_round_commits_count: 1,
      commit_round_commits_sum: 1,
      'commit_operations_total{operation="APPEND"}': 1,
      'commit_rows_total{change="inserted"}': 3,
      commit_bytes_total: bytes,
      head_snapshot_id: 1,
      hot_rows: 3,
      hot_rows_table_max: 3,
      hot_bytes: bytes,
      hot_bytes_table_max: bytes,
      ...operation('mutation'),
      ...measured('mutation'),
    });
    const flush = await changedBy(server, () => server.data('mutation { compact { flushedRows } }'));
    const file = flush['data_file_bytes'];
    expect(flush).toMatchObject({
      'maintenance_duration_seconds_count{task="flush",outcome="ok"}': 1,
      'maintenance_rows_total{task="flush"}': 3,
      'maintenance_files_total{task="flush",direction="out"}': 1,
      'maintenance_bytes_total{task="flush",direction="in"}': bytes,
      'maintenance_bytes_total{task="flush",direction="out"}': file,
      data_files: 1,
      hot_rows: -3,
      hot_bytes: -(bytes ?? 0),
    });
    await server.engine.append('orders', orders(10, 5000));
    const merge = await changedBy(server, () => server.data('mutation { compact { mergedFiles } }'));
    expect(merge).toMatchObject({
      'maintenance_duration_seconds_count{task="compact",outcome="ok"}': 1,
      'maintenance_rows_total{task="compact"}': 5003,
      'maintenance_files_total{task="compact",direction="in"}': 2,
      'maintenance_files_total{task="compact",direction="out"}': 1,
      data_files: -1,
    });
    expect(Object.keys(merge).filter((name) => name.includes('flush') || name.startsWith('commit_operations'))).toEqual([]);
  });

  it('moves by exactly what was asked: by type, with the code that the client is told', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const twice = async (document: string, variables?: Loose): Promise<void> => {
      for (const _ of [1, 2]) await server.query(document, variables);
    };
    const whole = (type: string, outcome?: string) => ({ ...operation(type, outcome, 2), ...measured(type, 2) });
    expect(await changedBy(server, () => twice('{ tables { nodes { name } } }'))).toEqual(whole('query'));
    // Asked again, the document is refused out of a cache.
    expect(await changedBy(server, () => twice('{ tables {'))).toEqual(operation('unknown', 'GRAPHQL_PARSE_FAILED', 2));
    expect(await changedBy(server, () => twice('mutation { nope }'))).toEqual(whole('mutation', 'GRAPHQL_VALIDATION_FAILED'));
    expect(await changedBy(server, () => twice('mutation { dropTable(table: "nope") { replayed } }'))).toEqual(
      whole('mutation', 'TABLE_NOT_FOUND'),
    );
    expect(await changedBy(server, () => twice(APPEND, { rows: [{ order_id: 'x' }] }))).toEqual(whole('mutation', 'INVALID_ROW'));
    expect(await changedBy(server, () => twice(WATCH))).toEqual(whole('subscription', 'BAD_USER_INPUT'));
    const introspection = '{ __schema { queryType { name } } }';
    expect(await changedBy(server, () => twice(introspection))).toEqual(whole('query'));
  });

  it('counts queries of DuckDB', async () => {
    const server = await testServer({ tables: [ORDERS] });
    await server.engine.append('orders', orders(1, 5000));
    const changed = await changedBy(server, () => server.data('{ asOf { orders(where: {status: {eq: "paid"}}) { totalCount } } }'));
    expect(changed).toMatchObject({ 'query_duration_seconds_count{outcome="ok"}': 1, query_wait_seconds_count: 1, ...operation('query') });
  });

  it('counts HTTP answers by the class of their status, and the client that left before there was one', async () => {
    const server = await testServer();
    const counts = async (): Promise<number[]> => {
      const series = await scrape(server);
      return ['2xx', '3xx', '4xx', '5xx', 'none'].map((status) => series.get(`tidemark_http_requests_total{status="${status}"}`) ?? -1);
    };
    expect(await counts()).toEqual([0, 0, 0, 0, 0]);
    await fetch(`${server.url}/nope`);
    await fetch(server.url, { redirect: 'manual' });
    await server.query('{ nope }');
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    socket.write(`POST /graphql HTTP/1.1\r\nhost: ${hostname}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{`, () =>
      socket.destroy(),
    );
    // Each look is an answer too.
    let looks = 1;
    await eventually(async () => {
      const [ok = 0, ...others] = await counts();
      looks += 1;
      expect(ok).toBe(looks);
      expect(others).toEqual([1, 1, 0, 1]);
    });
  });

  it('is not for pages of other origins, and 404 where it is off', async () => {
    const server = await testServer();
    const foreign = await fetch(`${server.url}/metrics`, { headers: { origin: 'https://evil.example' } });
    expect(foreign.status).toBe(403);
    const without = await testServer({ flags: ['--metrics', 'off'], tables: [ORDERS] });
    const off = await fetch(`${without.url}/metrics`);
    expect([off.status, await off.text()]).toEqual([404, expect.stringContaining('--metrics on')]);
    expect(await without.data(APPEND, { rows: [{ order_id: 1, customer_id: 1 }] })).toEqual({ appendOrders: { replayed: false } });
  });

  it('of two servers in one process do not mix', async () => {
    const [one, other] = [await testServer({ tables: [ORDERS] }), await testServer({ tables: [ORDERS] })];
    const idle = await changedBy(other, () => one.data(APPEND, { rows: [{ order_id: 1, customer_id: 1 }] }));
    expect(idle).toEqual({});
    expect(await changedBy(other, () => other.query('{ nope }'))).toMatchObject(operation('query', 'GRAPHQL_VALIDATION_FAILED'));
    expect([...(await scrape(one)).keys()].filter((name) => name.includes('GRAPHQL_VALIDATION_FAILED'))).toEqual([]);
  });
});

describe('/metrics has the live path', () => {
  it('over WebSockets: operations, connections, subscriptions, what is executed and what is sent', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const clients = [liveClient(server.url), liveClient(server.url)];
    const events: Subscription<unknown>[] = [];
    const opened = await changedBy(server, async () => {
      for (const client of clients) events.push(await subscribe(server, client, WATCH));
    });
    expect(opened).toEqual({
      // The snapshot that a subscriber may come back with.
      leases: 1,
      'live_connections{transport="websocket"}': 2,
      'live_subscriptions{class="snapshotCommitted"}': 2,
      'live_distinct_subscriptions{class="snapshotCommitted"}': 1,
      ...operation('subscription', 'ok', 2),
      ...measured('subscription', 2),
    });
    const sent = await changedBy(server, async () => {
      await server.engine.append('orders', orders(1, 1));
      for (const subscription of events) await subscription.take();
    });
    expect(sent).toMatchObject({
      'live_executions_total{class="snapshotCommitted"}': 1,
      'live_events_total{class="snapshotCommitted"}': 2,
    });
    const asked = await changedBy(server, async () => {
      for await (const result of clients[0]?.iterate({ query: '{ tables { nodes { name } } }' }) ?? [])
        expect(result.errors).toBeUndefined();
      for (const query of ['{ tables {', '{ nope }'])
        await clients[0]
          ?.iterate({ query })
          .next()
          .catch(() => {});
    });
    expect(asked).toEqual({
      ...operation('query'),
      ...operation('query', 'GRAPHQL_VALIDATION_FAILED'),
      ...measured('query', 2),
      ...operation('unknown', 'GRAPHQL_PARSE_FAILED'),
    });
    const left = await changedBy(server, async () => {
      for (const client of clients) await client.dispose();
      await eventually(() => expect(server.live().sockets.webSocket).toBe(0));
    });
    expect(left).toMatchObject({ 'live_connections{transport="websocket"}': -2, 'live_subscriptions{class="snapshotCommitted"}': -2 });
  });

  it('over event streams, and a refused subscription counts once with its code', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const client = createClient({ url: `${server.url}/graphql`, retryAttempts: 0 });
    onTestFinished(() => client.dispose());
    const ask = (query: string): Promise<unknown> =>
      client
        .iterate({ query })
        .next()
        .catch(() => {});
    const stream = client.iterate({ query: WATCH });
    const opened = await changedBy(server, async () => {
      void stream.next().catch(() => {});
      await eventually(() => expect(server.live().classes.snapshotCommitted.subscriptions).toBe(1));
    });
    expect(opened).toMatchObject({ 'live_connections{transport="event_stream"}': 1, ...operation('subscription') });
    const refused = await changedBy(server, () => ask('subscription { snapshotCommitted(tables: ["nope"]) { snapshotId } }'));
    expect(refused).toEqual({ ...operation('subscription', 'TABLE_NOT_FOUND'), ...measured('subscription') });
    const invalid = await changedBy(server, () => ask('subscription { nope }'));
    expect(invalid).toEqual({ ...operation('subscription', 'GRAPHQL_VALIDATION_FAILED'), ...measured('subscription') });
    expect(await changedBy(server, () => ask('subscription { nope'))).toEqual(operation('unknown', 'GRAPHQL_PARSE_FAILED'));
  });
});

describe('docs/operations.md', () => {
  it('has each metric with its type and labels, and no other', async () => {
    const server = await testServer();
    const text = await (await fetch(`${server.url}/metrics`)).text();
    const served = [...parseMetrics(text).values()].filter(({ name }) => name.startsWith('tidemark_'));
    const docs = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
    const rows = [...docs.matchAll(/^\| `(tidemark_\w+)` \| (\w+) \| ([^|]*)\|/gm)];
    const described = rows.map(
      ([, name, type, labels]) => `${name} ${type} ${[...(labels ?? '').matchAll(/`(\w+)`/g)].map(([, label]) => label).join()}`,
    );
    expect(described.sort()).toEqual(served.map(({ name, type, labels }) => `${name} ${type} ${labels.join()}`).sort());
  });
});
