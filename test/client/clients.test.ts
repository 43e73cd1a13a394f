import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { getMainDefinition } from '@apollo/client/utilities';
import { cacheExchange, fetchExchange, subscriptionExchange, Client as UrqlClient } from '@urql/core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { graphql } from '../generated/gql.ts';
import { DEMO_TABLES, eventually, liveClient, type TestServer, testServer } from '../support/server-support.ts';

const APPEND_ORDERS = graphql(`
  mutation AppendOrders($rows: [OrdersRowInput!]!) {
    appendOrders(rows: $rows) {
      commit { id snapshotId }
      rows { id order_id amount }
      view { id snapshotId orders { totalCount } }
    }
  }
`);

const TWO_INSTANTS = graphql(`
  query TwoInstants($old: SafeInt!) {
    past: asOf(snapshotId: $old) { id snapshotId orders { totalCount nodes { id _rowId order_id amount status } } }
    now: asOf { id snapshotId orders { totalCount nodes { id _rowId order_id amount status } } }
  }
`);

const ONE_INSTANT = graphql(`
  query OneInstant($at: AsOfInput) {
    asOf(at: $at) { id snapshotId timestamp orders(orderBy: [{ order_id: ASC }]) { totalCount nodes { id order_id amount } aggregate { sum { amount } } } }
  }
`);

const TABLES = graphql(`
  query Tables {
    tables { nodes { id name columns { name type } currentSnapshot { id snapshotId operation } } }
  }
`);

const WATCH = graphql(`
  subscription Watch($after: SafeInt) {
    snapshotCommitted(tables: ["orders"], after: $after) { snapshotId commit { id } snapshots { id operation summary { insertedRows } } }
  }
`);

const rows = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => ({
    order_id: String(from + index),
    customer_id: 7,
    amount: from + index + 0.5,
    status: 'new',
  }));

/** Apollo Client as its guide sets it up, with an InMemoryCache that nobody configured. */
function apollo(server: TestServer): ApolloClient {
  const http = new HttpLink({ uri: `${server.url}/graphql` });
  const live = new GraphQLWsLink(liveClient(server.url));
  const link = ApolloLink.split(
    ({ query }) => {
      const definition = getMainDefinition(query);
      return definition.kind === 'OperationDefinition' && definition.operation === 'subscription';
    },
    live,
    http,
  );
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  onTestFinished(() => client.stop());
  return client;
}

/** urql as its guide sets it up. */
function urql(server: TestServer): UrqlClient {
  const live = liveClient(server.url);
  return new UrqlClient({
    url: `${server.url}/graphql`,
    preferGetMethod: false,
    exchanges: [
      cacheExchange,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: (sink) => ({
            unsubscribe: live.subscribe(
              { query: query ?? '', variables: (variables ?? {}) as Record<string, unknown> },
              { ...sink, next: ({ data, errors }) => sink.next({ data: data ?? null, ...(errors === undefined ? {} : { errors }) }) },
            ),
          }),
        }),
      }),
    ],
  });
}

describe('Apollo Client, its cache without any configuration', () => {
  it('shows two instants of one table in one query side by side, each with its own rows', async () => {
    const server = await testServer({ tables: DEMO_TABLES });
    const client = apollo(server);
    const first = await client.mutate({ mutation: APPEND_ORDERS, variables: { rows: rows(1, 2) } });
    expect(first.data?.appendOrders?.view?.orders?.totalCount).toBe(2);
    await client.mutate({ mutation: APPEND_ORDERS, variables: { rows: rows(3, 1) } });
    const { data } = await client.query({ query: TWO_INSTANTS, variables: { old: 4 } });
    expect(data?.past?.orders?.nodes.map(({ order_id }) => order_id)).toEqual(['1', '2']);
    expect(data?.now?.orders?.nodes.map(({ order_id }) => order_id)).toEqual(['1', '2', '3']);
    expect(data?.past?.orders?.totalCount).toBe(2);
    expect(data?.now?.orders?.totalCount).toBe(3);
    // Then it is a version, now it is the row.
    const ids = [data?.past, data?.now].flatMap((view) => view?.orders?.nodes.map(({ id }) => id) ?? []);
    expect(new Set(ids).size).toBe(5);
    expect(client.readQuery({ query: TWO_INSTANTS, variables: { old: 4 } })).toEqual(data);
  });

  it('keeps what each instant showed, whatever is read after it, and answers it from the cache', async () => {
    const server = await testServer({ tables: DEMO_TABLES });
    const client = apollo(server);
    const seen = new Map<number, unknown>();
    for (const id of [1, 2, 3]) {
      await client.mutate({ mutation: APPEND_ORDERS, variables: { rows: rows(id, 1) } });
      const { data } = await client.query({ query: ONE_INSTANT, variables: { at: { snapshotId: id + 3 } } });
      expect(data?.asOf?.orders?.totalCount).toBe(id);
      seen.set(id + 3, data);
    }
    await server.stop();
    for (const [snapshotId, data] of seen)
      expect((await client.query({ query: ONE_INSTANT, variables: { at: { snapshotId } } })).data).toEqual(data);
  });

  it('has one entry for the present, one for each instant, however it was named', async () => {
    const server = await testServer({ tables: DEMO_TABLES });
    const client = apollo(server);
    await client.mutate({ mutation: APPEND_ORDERS, variables: { rows: rows(1, 1) } });
    const now = await client.query({ query: ONE_INSTANT, variables: {} });
    await client.query({ query: ONE_INSTANT, variables: { at: { snapshotId: 4 } } });
    await client.query({ query: ONE_INSTANT, variables: { at: { timestamp: now.data?.asOf?.timestamp ?? '' } } });
    await client.query({ query: ONE_INSTANT, variables: { at: { snapshotId: 3 } } });
    const cache = client.cache.extract() as Record<string, unknown>;
    const views = Object.keys(cache).filter((key) => key.startsWith('CatalogView:'));
    expect(views).toHaveLength(3);
    expect(Object.keys(cache).filter((key) => key.startsWith('OrdersRow:'))).toHaveLength(2);
  });

  it('keeps the columns of each table apart', async () => {
    const server = await testServer({ tables: DEMO_TABLES });
    const client = apollo(server);
    const { data } = await client.query({ query: TABLES });
    expect(data?.tables?.nodes.map(({ name, columns }) => [name, columns.length])).toEqual(
      DEMO_TABLES.map(({ name, columns }) => [name, columns.length]),
    );
    expect(client.readQuery({ query: TABLES })).toEqual(data);
  });

  it('subscribes over graphql-ws, and goes on from where it was', async () => {
    const server = await testServer({ tables: DEMO_TABLES });
    const client = apollo(server);
    await client.mutate({ mutation: APPEND_ORDERS, variables: { rows: rows(1, 2) } });
    const ids: number[] = [];
    const subscription = client.subscribe({ query: WATCH, variables: { after: 3 } }).subscribe(({ data, error }) => {
      expect(error).toBeUndefined();
      ids.push(data?.snapshotCommitted?.snapshotId ?? Number.NaN);
    });
    await eventually(() => expect(ids).toEqual([4]));
    await client.mutate({ mutation: APPEND_ORDERS, variables: { rows: rows(3, 1) } });
    await eventually(() => expect(ids).toEqual([4, 5]));
    subscription.unsubscribe();
    await eventually(() => expect(server.feed.waiting).toBe(0));
  });

  it('gets the code and the details of an error', async () => {
    const server = await testServer({ tables: DEMO_TABLES });
    const client = apollo(server);
    const failure = await client
      .mutate({ mutation: APPEND_ORDERS, variables: { rows: [{ order_id: 'x', customer_id: 1 }] } })
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({
      errors: [{ extensions: { code: 'INVALID_ROW', details: { rows: [{ index: 0, column: 'order_id' }] } } }],
    });
  });
});

describe('urql, with its standard exchanges', () => {
  it('shows two instants of one table in one query, and keeps each answer', async () => {
    const server = await testServer({ tables: DEMO_TABLES });
    const client = urql(server);
    const first = await client.mutation(APPEND_ORDERS, { rows: rows(1, 1) });
    expect(first.error).toBeUndefined();
    expect(first.data?.appendOrders?.rows).toMatchObject([{ order_id: '1', amount: 1.5 }]);
    await client.mutation(APPEND_ORDERS, { rows: rows(2, 1) });
    const { data } = await client.query(TWO_INSTANTS, { old: 4 });
    expect(data?.past?.orders?.nodes.map(({ order_id }) => order_id)).toEqual(['1']);
    expect(data?.now?.orders?.nodes.map(({ order_id }) => order_id)).toEqual(['1', '2']);
  });

  it('sees its own write when it asks again after a mutation', async () => {
    const server = await testServer({ tables: DEMO_TABLES });
    const client = urql(server);
    const count = async (): Promise<number | undefined> => (await client.query(ONE_INSTANT, {})).data?.asOf?.orders?.totalCount;
    expect(await count()).toBe(0);
    await client.mutation(APPEND_ORDERS, { rows: rows(1, 1) });
    expect(await count()).toBe(1);
  });

  it('subscribes over graphql-ws', async () => {
    const server = await testServer({ tables: DEMO_TABLES });
    const client = urql(server);
    await client.mutation(APPEND_ORDERS, { rows: rows(1, 2) });
    const ids: (number | undefined)[] = [];
    const { unsubscribe } = client.subscription(WATCH, { after: 0 }).subscribe(({ data, error }) => {
      expect(error).toBeUndefined();
      ids.push(data?.snapshotCommitted?.snapshotId);
    });
    await eventually(() => expect(ids).toEqual([1, 4]));
    await client.mutation(APPEND_ORDERS, { rows: rows(3, 1) });
    await eventually(() => expect(ids).toEqual([1, 4, 5]));
    unsubscribe();
    await eventually(() => expect(server.feed.waiting).toBe(0));
  });

  it('gets the code of an error', async () => {
    const server = await testServer({ tables: DEMO_TABLES });
    const { error } = await urql(server).query(ONE_INSTANT, { at: { snapshotId: 99 } });
    expect(error?.graphQLErrors[0]?.extensions).toMatchObject({ code: 'SNAPSHOT_NOT_FOUND', details: { newestSnapshotId: 3 } });
  });
});
