/** Lists that are loaded page by page beside a live first page: loaded pages stay, rows come once. */
import { gql as apolloGql } from '@apollo/client';
import { relayStylePagination } from '@apollo/client/utilities';
import { gql } from '@urql/core';
import { relayPagination } from '@urql/exchange-graphcache/extras';
import { describe, expect, it, vi } from 'vitest';
import { rowPages } from '../../src/client/apollo.ts';
import { withFirstPage, withNextPage } from '../../src/client/pages.ts';
import { rowPages as graphcachePages } from '../../src/client/urql.ts';
import { apollo, urql } from '../support/cache-support.ts';
import { eventually, ORDERS, orders, type TestServer, testServer } from '../support/server-support.ts';

interface Page {
  readonly asOf: {
    readonly orders: {
      readonly totalCount: number;
      readonly nodes: readonly { readonly order_id: string }[];
      readonly edges: readonly { readonly node: { readonly order_id: string } }[];
      readonly pageInfo: { readonly endCursor: string; readonly hasNextPage: boolean };
    };
  };
}

const FIELDS = 'totalCount nodes { id order_id } edges { cursor node { id order_id } } pageInfo { endCursor hasNextPage }';
const ORDER = 'orderBy: [{ order_id: DESC }]';
const PAGES = `query ($after: String) { asOf { id orders(first: 3, after: $after, ${ORDER}) { ${FIELDS} } } }`;
const LIVE = `subscription { live { id orders(first: 3, ${ORDER}) { ${FIELDS} } } }`;

/** Orders 11 to 20; live and paged from the newest. */
const served = async (): Promise<TestServer> => {
  const server = await testServer({ tables: [ORDERS] });
  await server.engine.append('orders', orders(11, 10));
  return server;
};
const remove = (server: TestServer, id: number): Promise<unknown> =>
  server.engine.delete('orders', { kind: 'compare', column: 'order_id', operator: 'eq', value: String(id) });

const nodesOf = (page: Page | undefined): string => page?.asOf.orders.nodes.map(({ order_id }) => order_id).join(' ') ?? 'nothing';
const edgesOf = (page: Page | undefined): string => page?.asOf.orders.edges.map(({ node }) => node.order_id).join(' ') ?? 'nothing';

/** A page in Apollo beside a live list, with all that it showed. */
async function apolloPage(server: TestServer, orderPolicy: unknown) {
  const warnings = [vi.spyOn(console, 'warn'), vi.spyOn(console, 'error')];
  const policies = orderPolicy === undefined ? {} : { CatalogView: { fields: { orders: orderPolicy as never } } };
  const { client, requests } = apollo(server.url, { policies });
  const watched = client.watchQuery<Page>({ query: apolloGql(PAGES), variables: {} });
  const shown: (Page | undefined)[] = [];
  watched.subscribe(({ data, dataState }) => void shown.push(dataState === 'complete' ? (data as Page) : undefined));
  await eventually(() => expect(shown.at(-1)).toBeDefined());
  client.subscribe({ query: apolloGql(LIVE) }).subscribe({});
  await eventually(() => expect(server.live().classes.live.events).toBe(1));
  let from = shown.length;
  return {
    /** From now on data must always be there: other variables have been answered. */
    loaded: () => {
      from = shown.length;
    },
    watched,
    shown: () => shown.at(-1),
    requests,
    check: () => {
      expect(shown.slice(from).every((page) => page !== undefined)).toBe(true);
      expect(warnings.flatMap(({ mock }) => mock.calls)).toEqual([]);
    },
  };
}

describe('Apollo', () => {
  it('rowPages and fetchMore: pages stay while the first one comes live, and go on where they ended', async () => {
    const server = await served();
    const { watched, shown, check, requests } = await apolloPage(server, rowPages());
    const more = () => watched.fetchMore({ variables: { after: shown()?.asOf.orders.pageInfo.endCursor } });
    await more();
    await eventually(() => expect(nodesOf(shown())).toBe('20 19 18 17 16 15'));
    await server.engine.append('orders', orders(21, 1));
    await eventually(() => expect(nodesOf(shown())).toBe('21 20 19 18 17 16 15'));
    expect(edgesOf(shown())).toBe(nodesOf(shown()));
    expect(shown()?.asOf.orders.totalCount).toBe(11);
    await remove(server, 20);
    await eventually(() => expect(nodesOf(shown())).toBe('21 19 18 17 16 15'));
    await more();
    await eventually(() => expect(nodesOf(shown())).toBe('21 19 18 17 16 15 14 13 12'));
    await more();
    await eventually(() => expect(nodesOf(shown())).toBe('21 19 18 17 16 15 14 13 12 11'));
    expect(shown()?.asOf.orders.pageInfo.hasNextPage).toBe(false);
    expect(requests()).toBe(4);
    check();
  });

  it('relayStylePagination: data is always there, without warnings', async () => {
    const server = await served();
    const { watched, shown, check } = await apolloPage(server, relayStylePagination(['where', 'orderBy']));
    await watched.fetchMore({ variables: { after: shown()?.asOf.orders.pageInfo.endCursor } });
    await eventually(() => expect(edgesOf(shown())).toBe('20 19 18 17 16 15'));
    await server.engine.append('orders', orders(21, 1));
    await eventually(() => expect(edgesOf(shown())).toMatch(/^21 20 19/));
    check();
  });

  it('plain variables: page 2 stays what it was, whatever is committed elsewhere', async () => {
    const server = await served();
    const { watched, shown, check, requests, loaded } = await apolloPage(server, undefined);
    await watched.setVariables({ after: shown()?.asOf.orders.pageInfo.endCursor });
    await eventually(() => expect(nodesOf(shown())).toBe('17 16 15'));
    loaded();
    for (let id = 21; id < 26; id += 1) {
      await server.engine.append('orders', orders(id, 1));
      await eventually(() => expect(server.live().classes.live.events).toBe(id - 19));
    }
    expect(nodesOf(shown())).toBe('17 16 15');
    expect(requests()).toBe(2);
    check();
  });
});

describe('graphcache', () => {
  const page = async (server: TestServer, resolver: unknown) => {
    const { client, requests } = urql(server.url, {}, resolver === undefined ? {} : { resolvers: { CatalogView: { orders: resolver } } });
    const shown: (Page | undefined)[] = [];
    let asked: { unsubscribe(): void } | undefined;
    const ask = (after?: string): void => {
      asked?.unsubscribe();
      asked = client.query<Page>(gql(PAGES), { after }).subscribe(({ data }) => void shown.push(data));
    };
    ask();
    await eventually(() => expect(nodesOf(shown.at(-1))).toBe('20 19 18'));
    client.subscription(gql(LIVE), {}).subscribe(() => {});
    await eventually(() => expect(server.live().classes.live.events).toBe(1));
    return {
      ask: () => ask(shown.at(-1)?.asOf.orders.pageInfo.endCursor),
      shown: () => shown.at(-1),
      requests,
      check: () => expect(shown.every((one) => one?.asOf != null)).toBe(true),
    };
  };

  it('rowPages: pages stay while the first one comes live, and go on where they ended', async () => {
    const server = await served();
    const { ask, shown, check } = await page(server, graphcachePages());
    ask();
    await eventually(() => expect(nodesOf(shown())).toBe('20 19 18 17 16 15'));
    await server.engine.append('orders', orders(21, 1));
    await eventually(() => expect(nodesOf(shown())).toBe('21 20 19 18 17 16 15'));
    expect(edgesOf(shown())).toBe(nodesOf(shown()));
    await remove(server, 20);
    await eventually(() => expect(nodesOf(shown())).toBe('21 19 18 17 16 15'));
    ask();
    await eventually(() => expect(nodesOf(shown())).toBe('21 19 18 17 16 15 14 13 12'));
    ask();
    await eventually(() => expect(nodesOf(shown())).toBe('21 19 18 17 16 15 14 13 12 11'));
    expect(edgesOf(shown())).toBe(nodesOf(shown()));
    expect(shown()?.asOf.orders.pageInfo.hasNextPage).toBe(false);
    check();
  });

  it('relayPagination: data is always there', async () => {
    const server = await served();
    const { ask, shown, check } = await page(server, relayPagination());
    ask();
    await eventually(() => expect(nodesOf(shown())).toBe('20 19 18 17 16 15'));
    await server.engine.append('orders', orders(21, 1));
    await eventually(() => expect(nodesOf(shown())).toMatch(/^21 20 19.* 17 16 15/));
    check();
  });

  it('plain variables: page 2 stays what it was, whatever is committed elsewhere', async () => {
    const server = await served();
    const { ask, shown, check, requests } = await page(server, undefined);
    ask();
    await eventually(() => expect(nodesOf(shown())).toBe('17 16 15'));
    await server.engine.append('orders', orders(21, 1));
    await eventually(() => expect(server.live().classes.live.events).toBe(2));
    expect(requests()).toBe(2);
    check();
  });
});

describe('pages put together', () => {
  const first = (loaded: string, page: string): string => withFirstPage([...loaded], [...page], (item) => item).join('');

  it('a first page that comes again', () => {
    expect(first('', 'abc')).toBe('abc');
    expect(first('abcdef', 'abc')).toBe('abcdef');
    expect(first('abcdef', 'xab'), 'one came').toBe('xabcdef');
    expect(first('abcdef', 'acd'), 'one went').toBe('acdef');
    expect(first('abcdef', 'bcd'), 'the first went').toBe('bcdef');
    expect(first('abcdef', 'abd'), 'the last went').toBe('abdef');
    expect(first('abcdef', 'def'), 'a whole page went').toBe('def');
    expect(first('abcdef', 'xbc'), 'one came and one went').toBe('xbcdef');
    expect(first('abcdef', 'fab'), 'one moved up').toBe('fabcde');
    expect(first('abcdef', 'xyz'), 'a whole page came').toBe('xyzabcdef');
    expect(first('ab', 'xa'), 'less than a page').toBe('xab');
  });

  it('the next page, and the one before', () => {
    const next = (loaded: string, page: string, isBefore?: boolean): string =>
      withNextPage([...loaded], [...page], (item) => item, isBefore).join('');
    expect(next('abc', 'def')).toBe('abcdef');
    expect(next('abc', 'cde'), 'rows come once').toBe('abcde');
    expect(next('def', 'abc', true)).toBe('abcdef');
  });
});
