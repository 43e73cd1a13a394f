/** Answers that arrive out of order: what a page shows never steps back. Real clients, and a socket that is slower than HTTP. */
import { ApolloClient, ApolloLink, gql as apolloGql, InMemoryCache, Observable } from '@apollo/client';
import { gql } from '@urql/core';
import { parse } from 'graphql';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AnswerOrder } from '../../src/client/answer-order.ts';
import { keepNewestLink } from '../../src/client/apollo.ts';
import { TOLD, toldDocument } from '../../src/client/told-documents.ts';
import { apollo, urql } from '../support/cache-support.ts';
import { eventually, ORDERS, orders, type TestServer, testServer } from '../support/server-support.ts';

interface Shown {
  readonly orders: { readonly nodes: readonly { readonly order_id: string; readonly status: string }[] };
}
interface Answer {
  readonly asOf: Shown;
}

const ROWS = 'orders(first: 5) { nodes { id order_id status } }';
const LIST = `{ asOf { id ${ROWS} } }`;
const LIVE = `subscription { live { id ${ROWS} } }`;
const EDIT = 'mutation ($status: String!) { updateOrders(where: {order_id: {eq: 1}}, set: {status: $status}) { rows { id status } } }';

const served = async (): Promise<TestServer> => {
  const server = await testServer({ tables: [ORDERS] });
  await server.engine.append('orders', orders(1, 2));
  return server;
};
const statusOf = (view: Shown | undefined): string => view?.orders.nodes[0]?.status ?? 'none';

describe('without any helper and without live', () => {
  it('a mutation changes the list on the page, in Apollo', async () => {
    const { url } = await served();
    const client = new ApolloClient({
      link: new ApolloLink(
        ({ query, variables }) =>
          new Observable((observer) => {
            const body = JSON.stringify({ query: query.loc?.source.body, variables });
            fetch(`${url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
              .then((response) => response.json())
              .then((result) => {
                observer.next(result as ApolloLink.Result);
                observer.complete();
              }, observer.error);
          }),
      ),
      cache: new InMemoryCache({ addTypename: false } as object),
    });
    onTestFinished(() => client.stop());
    const withTypes = (text: string) => apolloGql(text.replaceAll('{ id', '{ __typename id'));
    const seen: string[] = [];
    client.watchQuery<Answer>({ query: withTypes(LIST) }).subscribe(({ data, dataState }) => {
      if (dataState === 'complete') seen.push(statusOf(data.asOf));
    });
    await eventually(() => expect(seen).toEqual(['new']));
    await client.mutate({ mutation: withTypes(EDIT), variables: { status: 'shipped' } });
    await eventually(() => expect(seen).toEqual(['new', 'shipped']));
  });

  it('and in graphcache', async () => {
    const { client, requests } = urql((await served()).url);
    const seen: string[] = [];
    client.query<Answer>(gql(LIST), {}).subscribe(({ data }) => void seen.push(statusOf(data?.asOf)));
    await eventually(() => expect(seen).toEqual(['new']));
    await client.mutation(gql(EDIT), { status: 'shipped' }).toPromise();
    await eventually(() => expect(seen).toEqual(['new', 'shipped']));
    expect(requests()).toBe(2);
  });
});

describe('a live answer that is older than a mutation’s waits for the next', () => {
  const answer = (at: number, status: string): unknown => ({
    live: {
      __typename: 'CatalogView',
      id: PRESENT,
      [TOLD.viewId]: PRESENT,
      [TOLD.snapshotId]: at,
      orders: { nodes: [{ __typename: 'OrdersRow', id: ROW, order_id: '1', status }] },
    },
  });
  const PRESENT = Buffer.from('P').toString('base64url');
  const ROW = Buffer.from('I:1:0').toString('base64url');

  /** Apollo over a link whose answers come when the test says. */
  const page = (waitMs: number) => {
    let live: { next(result: ApolloLink.Result): void } | undefined;
    const results: Record<string, unknown> = {
      query: { asOf: { ...(answer(8, 'new') as { live: object }).live } },
      mutation: {
        updateOrders: {
          __typename: 'OrdersWritePayload',
          [TOLD.commit]: { __typename: 'Commit', snapshotId: 10 },
          rows: [{ __typename: 'OrdersRow', id: ROW, status: 'shipped' }],
        },
      },
    };
    const transport = new ApolloLink(
      ({ operationType }) =>
        new Observable((observer) => {
          if (operationType === 'subscription') live = observer;
          else {
            observer.next({ data: results[operationType] } as ApolloLink.Result);
            observer.complete();
          }
        }),
    );
    const client = new ApolloClient({ link: keepNewestLink({ waitMs }).concat(transport), cache: new InMemoryCache() });
    onTestFinished(() => client.stop());
    const seen: string[] = [];
    client.watchQuery<Answer>({ query: apolloGql(LIST) }).subscribe(({ data, dataState }) => {
      if (dataState === 'complete') seen.push(statusOf(data.asOf));
    });
    client.subscribe({ query: apolloGql(LIVE) }).subscribe({});
    return { client, seen, live: (at: number, status: string) => live?.next({ data: answer(at, status) } as ApolloLink.Result) };
  };

  it('so an optimistic answer is not taken back by a slow socket', async () => {
    const { client, seen, live } = page(60_000);
    await eventually(() => expect(seen).toEqual(['new']));
    await client.mutate({ mutation: apolloGql(EDIT), variables: { status: 'shipped' } });
    // A commit from elsewhere, before the edit; then the edit itself.
    live(9, 'new');
    live(10, 'shipped');
    live(11, 'paid');
    await eventually(() => expect(seen).toEqual(['new', 'shipped', 'paid']));
  });

  it('for a while only; then it is passed on, with the newest that is known of each row', async () => {
    const { client, seen, live } = page(1);
    await eventually(() => expect(seen).toEqual(['new']));
    await client.mutate({ mutation: apolloGql(EDIT), variables: { status: 'shipped' } });
    const told: string[] = [];
    client
      .subscribe<{ live: Shown }>({ query: apolloGql(LIVE), fetchPolicy: 'no-cache' })
      .subscribe(({ data }) => void told.push(statusOf(data?.live)));
    live(9, 'new');
    await eventually(() => expect(told).toEqual(['shipped']));
    expect(seen).toEqual(['new', 'shipped']);
  });
});

describe('a query whose answer was overtaken', () => {
  it('is asked again, in Apollo: its list is not an old one', async () => {
    const server = await served();
    const { client, holdBack, requests } = apollo(server.url);
    const live: string[] = [];
    client.subscribe<{ live: Shown }>({ query: apolloGql(LIVE) }).subscribe(({ data }) => void live.push(statusOf(data?.live)));
    await eventually(() => expect(live).toEqual(['new']));
    const release = holdBack();
    const late = client.query<Answer>({ query: apolloGql(LIST), fetchPolicy: 'network-only' });
    await eventually(() => expect(requests()).toBe(1));
    await server.data(EDIT, { status: 'shipped' });
    await eventually(() => expect(live.at(-1)).toBe('shipped'));
    release();
    expect(statusOf((await late).data?.asOf)).toBe('shipped');
  });

  it('and in urql', async () => {
    const server = await served();
    const { client, holdBack, requests } = urql(server.url);
    const live: string[] = [];
    client.subscription<{ live: Shown }>(gql(LIVE), {}).subscribe(({ data }) => void live.push(statusOf(data?.live)));
    await eventually(() => expect(live).toEqual(['new']));
    const release = holdBack();
    const late = client.query<Answer>(gql(LIST), {}, { requestPolicy: 'network-only' }).toPromise();
    await eventually(() => expect(requests()).toBe(1));
    await server.data(EDIT, { status: 'shipped' });
    await eventually(() => expect(live.at(-1)).toBe('shipped'));
    release();
    expect(statusOf((await late).data?.asOf)).toBe('shipped');
  });
});

describe('a database that was put back from a backup', () => {
  it('is believed: an answer to what was asked afterwards counts, however old it is', () => {
    const order = new AnswerOrder();
    const query = parse(LIST);
    const [view, row] = ['P', 'I:1:0'].map((text) => Buffer.from(text).toString('base64url'));
    const answer = (at: number, status: string): unknown => ({
      asOf: { id: view, [TOLD.viewId]: view, [TOLD.snapshotId]: at, orders: { nodes: [{ id: row, order_id: '1', status }] } },
    });
    const shown = (data: unknown): string => statusOf((data as Answer).asOf);
    expect(shown(order.admit({ query }, answer(10, 'new')))).toBe('new');
    // It was asked before the other one was told.
    expect(order.forgetIfRestored({ query }, answer(9, 'old'), 8)).toBe(false);
    expect(shown(order.admit({ query }, answer(9, 'old')))).toBe('new');
    expect(order.newest).toBe(10);
    expect(order.forgetIfRestored({ query }, answer(4, 'restored'), 10)).toBe(true);
    expect(shown(order.admit({ query }, answer(4, 'restored')))).toBe('restored');
  });
});

describe('documents that tell', () => {
  it('select the snapshot in views and payloads, through fragments, and nowhere else; answers come without it', async () => {
    const server = await served();
    const order = new AnswerOrder();
    const texts = [
      'query Q { ...Root table(name: "orders") { asOf { id } } } fragment Root on Query { now: asOf { ...View } } fragment View on CatalogView { orders { nodes { id } } }',
      'mutation { appendOrders(rows: [{order_id: 9, customer_id: 1}]) { ...P } createTag(name: "t") { name } } fragment P on OrdersWritePayload { rows { id } v: view { snapshotId } }',
      'mutation { updateOrders(where: {order_id: {eq: 1}}, set: {status: "x"}) { updatedRows } compact { flushedRows } }',
    ];
    for (const [index, text] of texts.entries()) {
      const document = parse(text);
      const data = await server.data(toldDocument(document) as never);
      expect(JSON.stringify(data).includes(TOLD.snapshotId), text).toBe(index < 2);
      const admitted = JSON.stringify(order.admit({ query: document }, data));
      for (const name of Object.values(TOLD)) expect(admitted).not.toContain(name);
      expect(toldDocument(document)).toBe(toldDocument(document));
    }
  });
});
