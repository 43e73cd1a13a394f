/** What stands in the caches of Apollo Client and graphcache while live answers, late answers and row changes come. */
import { gql as apolloGql } from '@apollo/client';
import { gql } from '@urql/core';
import { describe, expect, it } from 'vitest';
import { mergeInto } from '../../src/client/apollo.ts';
import { mergeUpdates } from '../../src/client/urql.ts';
import { apollo, urql } from '../support/cache-support.ts';
import { eventually, ORDERS, orders, type TestServer, testServer } from '../support/server-support.ts';

interface Order {
  readonly _rowId: string;
  readonly order_id: string;
  readonly status: string;
}
interface Answer {
  readonly asOf: { readonly id: string; readonly orders: { readonly totalCount: number; readonly nodes: readonly Order[] } };
}

const COUNT = '{ asOf { id orders { totalCount } } }';
const LIVE = 'subscription { live { id orders { totalCount } } }';
const NODES = 'nodes { id _rowId _fromSnapshotId order_id status }';
const LIST = `{ asOf { id snapshotId orders(first: 1000) { ${NODES} } } }`;
const PAST = `query ($at: SafeInt!) { asOf(snapshotId: $at) { id snapshotId orders(first: 1000) { ${NODES} } } }`;
const CHANGE = `kind before { id _rowId _fromSnapshotId order_id status } after { id _rowId _fromSnapshotId order_id status }`;
const CHANGES = `subscription ($after: String, $where: OrdersFilter) { ordersChanges(after: $after, where: $where) { cursor changes { ${CHANGE} } } }`;
const PATH = ['asOf', 'orders', 'nodes'];

const served = async (): Promise<TestServer> => {
  const server = await testServer({ tables: [ORDERS] });
  await server.engine.append('orders', orders(1, 2));
  return server;
};
const events = (server: TestServer): number => server.live().classes.live.events;
const setStatus = (server: TestServer, status: string): Promise<unknown> =>
  server.engine.update('orders', { kind: 'compare', column: 'order_id', operator: 'eq', value: '1' }, { status });
const statuses = (answer: Answer | undefined | null): string =>
  (answer?.asOf.orders.nodes ?? []).map(({ order_id, status }) => `${order_id} ${status}`).join(', ');

describe('an answer over HTTP that comes late does not put back what live has shown', () => {
  it('in Apollo, be it the first or of another widget', async () => {
    const server = await served();
    const { client, holdBack } = apollo(server.url);
    const shown: number[] = [];
    const release = holdBack();
    client.watchQuery<Answer>({ query: apolloGql(COUNT) }).subscribe(({ data, dataState }) => {
      if (dataState === 'complete') shown.push(data.asOf.orders.totalCount);
    });
    client.subscribe({ query: apolloGql(LIVE) }).subscribe({});
    await eventually(() => expect(events(server)).toBe(1));
    await server.engine.append('orders', orders(10, 1));
    await eventually(() => expect(events(server)).toBe(2));
    release();
    await eventually(() => expect(shown.at(-1)).toBe(3));
    const releaseOther = holdBack();
    const other = client.query({ query: apolloGql('{ asOf { id timestamp } }') });
    await server.engine.append('orders', orders(11, 1));
    await eventually(() => expect(shown.at(-1)).toBe(4));
    releaseOther();
    await other;
    expect(shown.at(-1)).toBe(4);
    expect(shown).toEqual([...shown].sort());
  });

  it('in graphcache', async () => {
    const server = await served();
    const { client, holdBack } = urql(server.url);
    const shown: number[] = [];
    client.query<Answer>(gql(COUNT), {}).subscribe(({ data }) => void (data && shown.push(data.asOf.orders.totalCount)));
    await eventually(() => expect(shown).toEqual([2]));
    client.subscription(gql(LIVE), {}).subscribe(() => {});
    await eventually(() => expect(events(server)).toBe(1));
    const release = holdBack();
    const other = client.query(gql('{ asOf { id timestamp } }'), {}).toPromise();
    await server.engine.append('orders', orders(10, 1));
    await eventually(() => expect(shown.at(-1)).toBe(3));
    release();
    await other;
    expect(shown.at(-1)).toBe(3);
    expect(shown).toEqual([...shown].sort());
  });

  it('a live query that does not select its id changes no widget of graphcache, nor does an event without an answer one of Apollo', async () => {
    const server = await served();
    const { client } = urql(server.url);
    const shown: unknown[] = [];
    client.query<Answer>(gql(COUNT), {}).subscribe(({ data }) => void shown.push(data?.asOf?.orders.totalCount));
    await eventually(() => expect(shown).toEqual([2]));
    client.subscription(gql('subscription { live { orders { totalCount } } }'), {}).subscribe(() => {});
    await eventually(() => expect(events(server)).toBe(1));
    const { data } = await client.query<Answer>(gql(COUNT), {}).toPromise();
    expect([data?.asOf.orders.totalCount, shown.at(-1)]).toEqual([2, 2]);
    const cached = apollo(server.url).cache;
    cached.writeQuery({ query: apolloGql(COUNT), data: { asOf: { __typename: 'CatalogView', id: 'VjoyMg', orders: null } } });
    cached.write({ query: apolloGql(LIVE), dataId: 'ROOT_SUBSCRIPTION', result: { live: null } });
    expect(cached.readQuery({ query: apolloGql(COUNT) })).toMatchObject({ asOf: { id: 'VjoyMg' } });
  });
});

describe('two widgets that ask for other fields of one connection', () => {
  it('share what the cache has of it, in Apollo', async () => {
    const server = await served();
    const { client, requests } = apollo(server.url);
    const shown = { count: 0, nodes: 0 };
    client.watchQuery<Answer>({ query: apolloGql('{ asOf { id orders { totalCount } } }') }).subscribe(({ data, dataState }) => {
      if (dataState === 'complete') shown.count = data.asOf.orders.totalCount;
    });
    client.watchQuery<Answer>({ query: apolloGql('{ asOf { id orders { nodes { id order_id } } } }') }).subscribe(({ data, dataState }) => {
      if (dataState === 'complete') shown.nodes = data.asOf.orders.nodes.length;
    });
    await eventually(() => expect(shown).toEqual({ count: 2, nodes: 2 }));
    client.subscribe({ query: apolloGql('subscription { live { id orders { totalCount nodes { id order_id } } } }') }).subscribe({});
    await eventually(() => expect(events(server)).toBe(1));
    await server.engine.append('orders', orders(10, 1));
    await eventually(() => expect(shown).toEqual({ count: 3, nodes: 3 }));
    expect(requests()).toBe(2);
  });

  it('and a fragment on Node reads ids, in Apollo', async () => {
    const server = await served();
    const { client } = apollo(server.url);
    const query = apolloGql('{ asOf { ...Named orders { nodes { ...Named order_id } } } } fragment Named on Node { id }');
    const { data } = await client.query<Answer>({ query });
    expect(data?.asOf.id).toEqual(expect.any(String));
    expect(new Set(data?.asOf.orders.nodes.map((row) => (row as unknown as { id: string }).id)).size).toBe(2);
  });
});

describe('row changes merged into a list of the cache', () => {
  it('leave the instant that the list was read at what it was, in Apollo', async () => {
    const server = await served();
    const { client } = apollo(server.url);
    const watched = client.watchQuery<Answer>({ query: apolloGql(LIST) });
    const shown = { past: '', list: '' };
    watched.subscribe(({ data, dataState }) => {
      if (dataState === 'complete') shown.list = statuses(data);
    });
    client.watchQuery<Answer>({ query: apolloGql(PAST), variables: { at: 2 } }).subscribe(({ data, dataState }) => {
      if (dataState === 'complete') shown.past = statuses(data);
    });
    await eventually(() => expect(shown).toEqual({ past: '1 new, 2 paid', list: '1 new, 2 paid' }));
    watched.subscribeToMore({ document: apolloGql(CHANGES), variables: { after: '2' }, updateQuery: mergeInto<Order>(PATH) });
    await setStatus(server, 'a');
    await setStatus(server, 'b');
    await eventually(() => expect(shown.list).toBe('1 b, 2 paid'));
    expect(shown.past).toBe('1 new, 2 paid');
    const again = await client.query<Answer>({ query: apolloGql(PAST), variables: { at: 2 }, fetchPolicy: 'network-only' });
    expect(statuses(again.data)).toBe('1 new, 2 paid');
    expect(shown.list).toBe('1 b, 2 paid');
  });

  it('and in graphcache, where each subscription may have a list of its own', async () => {
    const server = await served();
    const list = gql(LIST);
    const { client } = urql(server.url, {
      ordersChanges: mergeUpdates<Order>({ query: list, path: PATH, when: ({ where }) => where == null }),
    });
    const shown = { past: '', list: '' };
    client.query<Answer>(list, {}).subscribe(({ data }) => {
      shown.list = statuses(data);
    });
    client.query<Answer>(gql(PAST), { at: 2 }).subscribe(({ data }) => {
      shown.past = statuses(data);
    });
    await eventually(() => expect(shown).toEqual({ past: '1 new, 2 paid', list: '1 new, 2 paid' }));
    let others = 0;
    client.subscription(gql(CHANGES), { after: '1', where: { status: { eq: 'nobody' } } }).subscribe(() => {
      others += 1;
    });
    client.subscription(gql(CHANGES), { after: '2' }).subscribe(() => {});
    await setStatus(server, 'a');
    await setStatus(server, 'nobody');
    await eventually(() => expect([shown.list, others]).toEqual(['1 nobody, 2 paid', 1]));
    await setStatus(server, 'b');
    await eventually(() => expect([shown.list, others]).toEqual(['1 b, 2 paid', 2]));
    expect(shown.past).toBe('1 new, 2 paid');
  });

  it('never step back when a page subscribes again from where its list was read', async () => {
    const server = await served();
    const { client } = apollo(server.url);
    const watched = client.watchQuery<Answer>({ query: apolloGql(LIST) });
    const seen: string[] = [];
    watched.subscribe(({ data, dataState }) => {
      if (dataState === 'complete') seen.push(statuses(data));
    });
    await eventually(() => expect(seen).toHaveLength(1));
    const mount = (): (() => void) =>
      watched.subscribeToMore({ document: apolloGql(CHANGES), variables: { after: '2' }, updateQuery: mergeInto<Order>(PATH) });
    const unmount = mount();
    for (const status of ['a', 'b', 'c']) await setStatus(server, status);
    await eventually(() => expect(seen.at(-1)).toBe('1 c, 2 paid'));
    const before = seen.length;
    unmount();
    mount();
    await server.engine.append('orders', orders(3, 1));
    await eventually(() => expect(seen.at(-1)).toBe('1 c, 2 paid, 3 new'));
    expect(seen.slice(before)).toEqual(['1 c, 2 paid, 3 new']);
  });

  it('let versions go that nothing shows any more, in Apollo, however often changes come', async () => {
    const server = await served();
    const { client, cache } = apollo(server.url);
    const watched = client.watchQuery<Answer>({ query: apolloGql(LIST) });
    let list = '';
    watched.subscribe(({ data, dataState }) => {
      if (dataState === 'complete') list = statuses(data);
    });
    await eventually(() => expect(list).not.toBe(''));
    watched.subscribeToMore({ document: apolloGql(CHANGES), variables: { after: '2' }, updateQuery: mergeInto<Order>(PATH) });
    let most = 0;
    for (let times = 0; times < 60; times += 1) {
      await setStatus(server, `s${times}`);
      await eventually(() => expect(list).toContain(`s${times},`));
      most = Math.max(most, Object.keys(cache.extract()).filter((key) => key.startsWith('OrdersRow:')).length);
    }
    await eventually(() =>
      expect(Object.keys(cache.extract()).filter((key) => key.startsWith('OrdersRow:')).length).toBeLessThanOrEqual(4),
    );
    // Not only in the end.
    expect(most).toBeLessThan(60);
  });
});
