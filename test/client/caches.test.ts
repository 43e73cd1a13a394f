import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApolloClient, ApolloLink, gql as apolloGql, InMemoryCache, Observable } from '@apollo/client';
import { gql, type OperationResult, subscriptionExchange, Client as UrqlClient } from '@urql/core';
import { print } from 'graphql';
import { createClient as createStreamClient } from 'graphql-sse';
import { describe, expect, it, onTestFinished } from 'vitest';
import { mergeInto, resumeLink } from '../../src/client/apollo.ts';
import { isRefusal } from '../../src/client/refusals.ts';
import { mergeUpdates, resumeExchange } from '../../src/client/urql.ts';
import { apollo, urql } from '../support/cache-support.ts';
import { type RestartingServer, restartingServer } from '../support/client-support.ts';
import { eventually, ORDERS, orders, testServer } from '../support/server-support.ts';

const HAS_ID = {
  name: 'notes',
  columns: [
    { name: 'id', type: 'INT' },
    { name: 'text', type: 'STRING' },
  ],
  primaryKey: ['id'],
} as const;
const TWO_INSTANTS = `query ($old: SafeInt!) {
  past: asOf(snapshotId: $old) { id notes { nodes { id _rowId id_ text } } }
  now: asOf { id notes { nodes { id _rowId id_ text } } }
}`;
const WIDGET = '{ asOf { id snapshotId orders { totalCount nodes { id order_id status } } } }';
const LIVE = 'subscription { live { id snapshotId orders { totalCount nodes { id order_id status } } } }';
const LIST = '{ asOf { id snapshotId orders { nodes { id _rowId order_id status } } } }';
const CHANGES = `subscription ($after: String) {
  ordersChanges(after: $after) { cursor changes { kind before { id _rowId order_id status } after { id _rowId order_id status } } }
}`;
const WATCH = 'subscription ($after: SafeInt) { snapshotCommitted(after: $after) { snapshotId } }';

interface Notes {
  readonly notes: {
    readonly nodes: readonly { readonly id: string; readonly _rowId: string; readonly id_: number; readonly text: string }[];
  };
}
interface TwoInstants {
  readonly past: Notes;
  readonly now: Notes;
}
interface Order {
  readonly _rowId: string;
  readonly order_id: string;
  readonly status: string;
}
interface Widget {
  readonly asOf: { readonly snapshotId: number; readonly orders: { readonly totalCount: number; readonly nodes: readonly Order[] } };
}
interface Commits {
  readonly snapshotCommitted: { readonly snapshotId: number };
}

/** Commits while the connection is cut and the server comes and goes. @returns the last snapshotId */
async function trouble(server: RestartingServer, cut: () => void): Promise<number> {
  for (let round = 0; round < 3; round += 1) {
    for (let id = 0; id < 10; id += 1) await server.current.engine.append('orders', orders(round * 100 + id, 1));
    cut();
    for (let id = 10; id < 20; id += 1) await server.current.engine.append('orders', orders(round * 100 + id, 1));
    await server.restart();
  }
  await server.current.engine.append('orders', orders(9_999, 1));
  return server.current.engine.headSnapshotId;
}

const idsUpTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);

describe('a row of a table with a column `id`, read as of two instants in one query', () => {
  const check = ({ past, now }: TwoInstants): void => {
    const [before, after] = [past.notes.nodes[0], now.notes.nodes[0]];
    expect([before?.id_, before?.text, after?.id_, after?.text]).toEqual([1, 'old', 1, 'new']);
    expect(before?._rowId).toBe(after?._rowId);
    expect(before?.id).not.toBe(after?.id);
  };
  const served = async () => {
    const server = await testServer({ tables: [HAS_ID] });
    await server.engine.append('notes', [{ id: 1, text: 'old' }]);
    await server.engine.update('notes', { kind: 'and', filters: [] }, { text: 'new' });
    return server;
  };

  it('shows two contents in Apollo', async () => {
    const { client } = apollo((await served()).url);
    const query = apolloGql(TWO_INSTANTS);
    for (const fetchPolicy of ['network-only', 'cache-only'] as const)
      check((await client.query<TwoInstants>({ query, variables: { old: 2 }, fetchPolicy })).data as TwoInstants);
  });

  it('shows two contents in graphcache', async () => {
    const { client } = urql((await served()).url);
    for (const requestPolicy of ['network-only', 'cache-only'] as const)
      check((await client.query<TwoInstants>(gql(TWO_INSTANTS), { old: 2 }, { requestPolicy })).data as TwoInstants);
  });
});

describe('an answer of a live query feeds what reads asOf without an instant, without a request', () => {
  it('in Apollo, and what nothing shows any more leaves the cache', async () => {
    const server = await testServer({ tables: [ORDERS] });
    await server.engine.append('orders', orders(1, 2));
    const { client, cache, requests } = apollo(server.url);
    const shown: number[] = [];
    const widget = client.watchQuery<Widget>({ query: apolloGql(WIDGET) }).subscribe(({ data, dataState }) => {
      if (dataState === 'complete') shown.push(data.asOf.orders.totalCount);
    });
    await eventually(() => expect(shown).toEqual([2]));
    const live = client.subscribe({ query: apolloGql(LIVE) }).subscribe({});
    await eventually(() => expect(server.live().classes.live.events).toBe(1));
    for (let id = 10; id < 15; id += 1) {
      await server.engine.append('orders', orders(id, 1));
      await eventually(() => expect(shown.at(-1)).toBe(id - 7));
    }
    expect(requests()).toBe(1);
    const views = (): string[] => Object.keys(cache.extract()).filter((key) => key.startsWith('CatalogView'));
    await eventually(() => expect(views()).toHaveLength(1));
    live.unsubscribe();
    widget.unsubscribe();
  });

  it('in graphcache', async () => {
    const server = await testServer({ tables: [ORDERS] });
    await server.engine.append('orders', orders(1, 2));
    const { client, requests } = urql(server.url);
    const shown: number[] = [];
    const widget = client
      .query<Widget>(gql(WIDGET), {})
      .subscribe(({ data }) => void shown.push(data?.asOf.orders.totalCount ?? Number.NaN));
    await eventually(() => expect(shown).toEqual([2]));
    const live = client.subscription(gql(LIVE), {}).subscribe(() => {});
    await eventually(() => expect(server.live().classes.live.events).toBe(1));
    for (let id = 10; id < 15; id += 1) {
      await server.engine.append('orders', orders(id, 1));
      await eventually(() => expect(shown.at(-1)).toBe(id - 7));
    }
    expect(requests()).toBe(1);
    live.unsubscribe();
    widget.unsubscribe();
  });
});

describe('row changes merged into a list that the cache holds', () => {
  const edit = async (server: RestartingServer, cut: () => void): Promise<string[]> => {
    const { engine } = server.current;
    await engine.append('orders', orders(3, 2));
    cut();
    await engine.update('orders', { kind: 'compare', column: 'order_id', operator: 'eq', value: '1' }, { status: 'shipped' });
    await engine.delete('orders', { kind: 'compare', column: 'order_id', operator: 'eq', value: '2' });
    await server.restart();
    await server.current.engine.append('orders', orders(5, 1));
    return ['1 shipped', '3 new', '4 paid', '5 new'];
  };
  const brief = (nodes: readonly Order[] | undefined): string[] => (nodes ?? []).map(({ order_id, status }) => `${order_id} ${status}`);

  it('keep it what the table is, in Apollo', async () => {
    const server = await restartingServer([ORDERS]);
    await server.current.engine.append('orders', orders(1, 2));
    const { client, cut } = apollo(server.url);
    const watched = client.watchQuery<Widget>({ query: apolloGql(LIST) });
    let nodes: readonly Order[] | undefined;
    const widget = watched.subscribe(({ data, dataState }) => {
      if (dataState === 'complete') nodes = data.asOf.orders.nodes;
    });
    await eventually(() => expect(nodes).toHaveLength(2));
    watched.subscribeToMore({
      document: apolloGql(CHANGES),
      variables: { after: '2' },
      updateQuery: mergeInto<Order>(['asOf', 'orders', 'nodes']),
    });
    const expected = await edit(server, cut);
    await eventually(() => expect(brief(nodes)).toEqual(expected));
    widget.unsubscribe();
  });

  it('keep it what the table is, in graphcache', async () => {
    const server = await restartingServer([ORDERS]);
    await server.current.engine.append('orders', orders(1, 2));
    const list = gql(LIST);
    const { client, cut } = urql(server.url, { ordersChanges: mergeUpdates<Order>({ query: list, path: ['asOf', 'orders', 'nodes'] }) });
    let nodes: readonly Order[] | undefined;
    const widget = client.query<Widget>(list, {}).subscribe(({ data }) => {
      nodes = data?.asOf.orders.nodes;
    });
    await eventually(() => expect(nodes).toHaveLength(2));
    const changes = client.subscription(gql(CHANGES), { after: '2' }).subscribe(() => {});
    const expected = await edit(server, cut);
    await eventually(() => expect(brief(nodes)).toEqual(expected));
    changes.unsubscribe();
    widget.unsubscribe();
  });
});

describe('subscriptions that resume get every event once, over lost connections and restarts', () => {
  it('through Apollo', async () => {
    const server = await restartingServer([ORDERS]);
    const { client, cut } = apollo(server.url);
    const seen: number[] = [];
    const watch = client
      .subscribe<Commits>({ query: apolloGql(WATCH), variables: { after: 0 }, fetchPolicy: 'no-cache' })
      .subscribe(({ data }) => {
        seen.push(data?.snapshotCommitted.snapshotId ?? Number.NaN);
      });
    await eventually(() => expect(seen).toEqual([1]));
    const last = await trouble(server, cut);
    await eventually(() => expect(seen.at(-1)).toBe(last));
    expect(seen).toEqual(idsUpTo(last));
    watch.unsubscribe();
    await eventually(() => expect(server.current.live().classes.snapshotCommitted.subscriptions).toBe(0));
  });

  it('through urql', async () => {
    const server = await restartingServer([ORDERS]);
    const { client, cut } = urql(server.url);
    const seen: number[] = [];
    const watch = client.subscription<Commits>(gql(WATCH), { after: 0 }).subscribe(({ data }) => {
      seen.push(data?.snapshotCommitted.snapshotId ?? Number.NaN);
    });
    await eventually(() => expect(seen).toEqual([1]));
    const last = await trouble(server, cut);
    await eventually(() => expect(seen.at(-1)).toBe(last));
    expect(seen).toEqual(idsUpTo(last));
    watch.unsubscribe();
    await eventually(() => expect(server.current.live().classes.snapshotCommitted.subscriptions).toBe(0));
  });
});

describe('live queries are asked again after lost connections and restarts', () => {
  interface Counted {
    readonly live: { readonly orders: { readonly totalCount: number } };
  }
  const LIVE_COUNT = 'subscription { live { orders { totalCount } } }';

  it('through Apollo', async () => {
    const server = await restartingServer([ORDERS]);
    const { client, cut } = apollo(server.url);
    let count: number | undefined;
    const watch = client.subscribe<Counted>({ query: apolloGql(LIVE_COUNT), fetchPolicy: 'no-cache' }).subscribe(({ data }) => {
      count = data?.live.orders.totalCount;
    });
    await eventually(() => expect(count).toBe(0));
    await trouble(server, cut);
    await eventually(() => expect(count).toBe(61));
    watch.unsubscribe();
    await eventually(() => expect(server.current.live().classes.live.subscriptions).toBe(0));
  });

  it('through urql', async () => {
    const server = await restartingServer([ORDERS]);
    const { client, cut } = urql(server.url);
    let count: number | undefined;
    const watch = client.subscription<Counted>(gql(LIVE_COUNT), {}).subscribe(({ data }) => {
      count = data?.live.orders.totalCount;
    });
    await eventually(() => expect(count).toBe(0));
    await trouble(server, cut);
    await eventually(() => expect(count).toBe(61));
    watch.unsubscribe();
    await eventually(() => expect(server.current.live().classes.live.subscriptions).toBe(0));
  });
});

describe('a document that cannot be resumed', () => {
  const WITHOUT = 'subscription { ordersChanges { cursor } }';

  it('is an error of its subscription in Apollo', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const { client } = apollo(server.url);
    const error = await new Promise<Error | undefined>((resolve) => {
      client.subscribe({ query: apolloGql(WITHOUT) }).subscribe({ next: (result) => resolve(result.error), error: resolve });
    });
    expect(error?.message).toMatch(/pass a variable as `after`/);
  });

  it('is an error in its result in urql, and others go on', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const { client } = urql(server.url);
    const { error } = await new Promise<OperationResult>((resolve) => void client.subscription(gql(WITHOUT), {}).subscribe(resolve));
    expect(error?.message).toMatch(/pass a variable as `after`/);
    const { data } = await client.query(gql('{ tables { nodes { name } } }'), {}).toPromise();
    expect(data).toMatchObject({ tables: { nodes: [{ name: 'orders' }] } });
  });
});

describe('what the server refuses is told, not asked again for ever', () => {
  const wrong = async (): Promise<string> => {
    const server = createHttpServer((_, response) => response.writeHead(404).end());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const streams = (url: string) => {
    const client = createStreamClient({ url: `${url}/graphql`, retryAttempts: 0 });
    onTestFinished(() => client.dispose());
    return client;
  };

  it('through Apollo', async () => {
    const client = streams(await wrong());
    const link = ApolloLink.from([
      resumeLink({ retryDelayMs: () => 20 }),
      new ApolloLink(
        ({ query, variables }) => new Observable((observer) => client.subscribe({ query: print(query), variables }, observer as never)),
      ),
    ]);
    const apolloClient = new ApolloClient({ link, cache: new InMemoryCache() });
    onTestFinished(() => apolloClient.stop());
    const { error } = await new Promise<{ error?: Error }>((resolve) => {
      apolloClient
        .subscribe({ query: apolloGql(WATCH), variables: { after: 0 } })
        .subscribe({ next: resolve, error: (thrown) => resolve({ error: thrown }) });
    });
    expect(isRefusal(error)).toBe(true);
  });

  it('through urql', async () => {
    const url = await wrong();
    const client = streams(url);
    const urqlClient = new UrqlClient({
      url,
      preferGetMethod: false,
      exchanges: [
        resumeExchange({ retryDelayMs: () => 20 }),
        subscriptionExchange({
          forwardSubscription: ({ query, variables }) => ({
            subscribe: (sink) => ({
              unsubscribe: client.subscribe({ query: query ?? '', variables: variables as Record<string, unknown> }, sink as never),
            }),
          }),
        }),
      ],
    });
    const { error } = await new Promise<OperationResult>(
      (resolve) => void urqlClient.subscription(gql(WATCH), { after: 0 }).subscribe(resolve),
    );
    expect(isRefusal(error?.networkError)).toBe(true);
  });
});
