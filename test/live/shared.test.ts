import { describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import {
  CUSTOMERS,
  closeCode,
  dataOf,
  type Event,
  eventually,
  liveClient,
  ORDERS,
  orders,
  subscribe,
  type TestServer,
  testServer,
  webSocketUrl,
} from '../support/server-support.ts';

interface Data {
  readonly snapshotCommitted: { readonly snapshotId: number; readonly caughtUp?: boolean; readonly headSnapshotId?: number };
}

const WATCH = 'subscription ($after: SafeInt) { snapshotCommitted(after: $after) { snapshotId } }';
const TELLING = 'subscription ($after: SafeInt) { snapshotCommitted(after: $after) { snapshotId caughtUp headSnapshotId } }';
const order = (server: TestServer, id: number): Promise<unknown> => server.engine.append('orders', orders(id, 1));
const figures = (server: TestServer) => server.live().classes.snapshotCommitted;

describe('subscriptions that ask for the same', () => {
  it('are executed once an event, however many they are and wherever they resume', async () => {
    const server = await testServer({ tables: [ORDERS] });
    for (let id = 0; id < 9; id += 1) await order(server, id);
    const watches = [];
    for (const after of [undefined, 10, 4, '4', 0, 7, 9]) {
      const client = liveClient(server.url);
      watches.push({
        after: Number(after ?? 10),
        watch: await subscribe<Data>(server, client, WATCH, after === undefined ? {} : { after }),
      });
    }
    expect(figures(server)).toMatchObject({ subscriptions: 7, distinct: 1 });
    for (let id = 20; id < 25; id += 1) await order(server, id);
    for (const { after, watch } of watches) {
      const seen: number[] = [];
      while (seen.at(-1) !== 15) seen.push((await watch.take()).snapshotCommitted.snapshotId);
      expect(seen).toEqual(Array.from({ length: 15 - after }, (_, index) => after + 1 + index));
    }
    expect(figures(server).executions).toBe(15);
  });

  it('are told who is caught up by when the event was made for them', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const first = await subscribe<Data>(server, liveClient(server.url), TELLING);
    for (let id = 0; id < 3; id += 1) {
      await order(server, id);
      expect((await first.take()).snapshotCommitted).toMatchObject({ caughtUp: true });
    }
    const late = await subscribe<Data>(server, liveClient(server.url), TELLING, { after: 0 });
    const seen = [];
    while (seen.length < 4) seen.push((await late.take()).snapshotCommitted.caughtUp);
    expect(seen).toEqual([false, false, false, true]);
  });

  it('do not share with other variables, another document or another schema', async () => {
    const server = await testServer({ tables: [ORDERS, CUSTOMERS] });
    const document = 'subscription ($tables: [String!]) { snapshotCommitted(tables: $tables) { snapshotId } }';
    const client = liveClient(server.url);
    await subscribe(server, client, document, { tables: ['orders'] });
    await subscribe(server, client, document, { tables: ['customers'] });
    await subscribe(server, client, document, { tables: ['orders'] });
    await subscribe(server, client, `${document} `, { tables: ['orders'] });
    expect(figures(server)).toMatchObject({ subscriptions: 4, distinct: 3 });
    await server.engine.createTable({ name: 'third', columns: [{ name: 'a', type: 'INT' }] });
    await subscribe(server, client, document, { tables: ['orders'] });
    expect(figures(server)).toMatchObject({ subscriptions: 5, distinct: 4 });
    // A variable that says where to resume, and something else too, keeps them apart.
    const both =
      'subscription ($n: SafeInt!) { snapshotCommitted(after: $n) { commit { snapshots { table { snapshot(snapshotId: $n) { snapshotId } } } } } }';
    await subscribe(server, client, both, { n: 3 });
    await subscribe(server, client, both, { n: 2 });
    expect(figures(server)).toMatchObject({ subscriptions: 7, distinct: 6 });
  });

  it('an error of one field is in the event of each, and the subscription goes on', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const document = 'subscription { snapshotCommitted { snapshotId snapshots { view { rows(first: 5000) { nodes } } } } }';
    const watches = [await subscribe(server, liveClient(server.url), document), await subscribe(server, liveClient(server.url), document)];
    for (const id of [1, 2]) {
      await order(server, id);
      for (const watch of watches) {
        const { value } = (await watch.next()) as { value: Event<unknown> };
        expect(value.errors).toMatchObject([{ extensions: { code: 'LIMIT_EXCEEDED' } }]);
      }
    }
  });

  it('what was executed for others is gone after an erasure', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const document = `subscription ($after: String) { ordersChanges(after: $after) { snapshotId changes { after { order_id } } } }`;
    interface Changes {
      readonly ordersChanges: {
        readonly snapshotId: number;
        readonly changes: readonly { readonly after: { readonly order_id: string } }[];
      };
    }
    const first = await subscribe<Changes>(server, liveClient(server.url), document);
    await server.engine.append('orders', orders(1, 2));
    expect((await first.take()).ordersChanges.changes).toHaveLength(2);
    await server.data('mutation { eraseRows(table: "orders", where: {column: "order_id", eq: "2"}, reason: "asked") { erasedRows } }');
    const late = await subscribe<Changes>(server, liveClient(server.url), document, { after: '1' });
    expect((await late.take()).ordersChanges.changes.map(({ after }) => after.order_id)).toEqual(['1']);
  });
});

/** Waits until the server has nothing more to send to a socket that does not read. */
async function pausedSocket(server: TestServer): Promise<void> {
  await eventually(() => expect(server.live().paused).toBe(1));
}

describe('a client that does not read', () => {
  const WIDE = 'subscription ($after: SafeInt) { snapshotCommitted(after: $after) { snapshotId commit { message } } }';
  const message = 'm'.repeat(9_000);
  const write = (server: TestServer, from: number, count: number): Promise<unknown> =>
    Promise.all(Array.from({ length: count }, (_, index) => server.engine.append('orders', orders(from + index, 1), { message })));

  it('is paused, costs the others nothing, and reads on from the log where it was', async () => {
    const server = await testServer({ tables: [ORDERS], flags: ['--socket-buffer', '16', '--socket-stall', '600000'] });
    const client = liveClient(server.url);
    const slow = await subscribe<Data>(server, client, WIDE);
    const fast = await subscribe<Data>(server, liveClient(server.url), WIDE);
    client.sockets[0]?.pause();
    const take = async (watch: typeof slow, from: number, to: number): Promise<void> => {
      for (let id = from; id <= to; id += 1) expect((await watch.take()).snapshotCommitted.snapshotId).toBe(id);
    };
    let next = 0;
    while (server.live().paused === 0) {
      await write(server, next, 50);
      next += 50;
      await take(fast, next - 48, next + 1);
    }
    await write(server, next, 300);
    await take(fast, next + 2, next + 301);
    expect(server.live().paused).toBe(1);
    expect(figures(server).lagSnapshots).toBeGreaterThanOrEqual(300);
    client.sockets[0]?.resume();
    await take(slow, 2, next + 301);
    await eventually(() => expect(server.live()).toMatchObject({ paused: 0, classes: { snapshotCommitted: { lagSnapshots: 0 } } }));
    expect(figures(server).executions).toBeLessThan(2 * (next + 300));
  });

  it('is closed with 1013 when it takes too long, so that it comes again and resumes', async () => {
    const server = await testServer({ tables: [ORDERS], flags: ['--socket-buffer', '16', '--socket-stall', '300'] });
    const client = liveClient(server.url);
    const slow = await subscribe<Data>(server, client, WIDE);
    const ended = slow.next().catch(() => {});
    const [socket] = client.sockets;
    socket?.pause();
    for (let next = 0; server.live().paused === 0; next += 50) await write(server, next, 50);
    await eventually(() => expect(server.live()).toMatchObject({ paused: 0, closed: { stalled: 1 }, sockets: { webSocket: 0 } }));
    expect(figures(server).subscriptions).toBe(0);
    socket?.resume();
    await ended;
    const seen: number[] = [];
    const last = server.engine.headSnapshotId;
    const again = await subscribe<Data>(server, liveClient(server.url), WIDE, { after: 1 });
    while (seen.at(-1) !== last) seen.push(dataOf(await again.next()).snapshotCommitted.snapshotId);
    expect(seen).toEqual(Array.from({ length: last - 1 }, (_, index) => index + 2));
  });

  it('is not one that waits for something that does not happen: that is behind nothing, and holds nothing', async () => {
    const server = await testServer({ tables: [ORDERS, CUSTOMERS] });
    const client = liveClient(server.url);
    await subscribe<Data>(server, client, 'subscription { snapshotCommitted(tables: ["customers"]) { snapshotId } }');
    await subscribe<Data>(server, client, 'subscription { snapshotCommitted(tables: ["customers"], after: 1) { snapshotId } }');
    for (let id = 0; id < 5; id += 1) await order(server, id);
    await eventually(() => expect(figures(server)).toMatchObject({ subscriptions: 2, lagSnapshots: 0 }));
    await eventually(() => expect(server.engine.read.leases.oldest()).toBe(server.engine.headSnapshotId));
  });

  it.each(['its socket is cut', 'it has unsubscribed'])('does not keep history from expiring once %s', async (how) => {
    const server = await testServer({ tables: [ORDERS], flags: ['--socket-buffer', '16', '--socket-stall', '600000'] });
    const client = liveClient(server.url);
    const slow = await subscribe<Data>(server, client, WIDE);
    client.sockets[0]?.pause();
    for (let next = 0; server.live().paused === 0; next += 50) await write(server, next, 50);
    await pausedSocket(server);
    await write(server, 100_000, 10);
    await eventually(() => expect(figures(server).lagSnapshots).toBeGreaterThanOrEqual(10));
    expect(server.engine.read.leases.oldest()).toBeLessThanOrEqual(server.engine.headSnapshotId - 10);
    const held = await server.engine.expireSnapshots({ retainLast: 1 });
    if (how === 'it has unsubscribed') void slow.return?.();
    else client.sockets[0]?.terminate();
    await eventually(() => expect(figures(server).subscriptions).toBe(0));
    await eventually(() => expect(server.engine.read.leases.oldest()).toBeUndefined());
    const free = await server.engine.expireSnapshots({ retainLast: 1 });
    expect(free.removedSnapshots).toBeGreaterThan(0);
    expect(held.removedSnapshots + free.removedSnapshots).toBe(server.engine.headSnapshotId - 2);
  });
});

describe('limits on connections', () => {
  it('past the most operations of one socket the next is refused by name, and the others go on', async () => {
    const server = await testServer({ tables: [ORDERS], flags: ['--max-subscriptions', '2'] });
    const client = liveClient(server.url);
    const watches = [await subscribe<Data>(server, client, WATCH), await subscribe<Data>(server, client, WATCH)];
    await expect(client.iterate({ query: WATCH }).next()).rejects.toMatchObject([
      { extensions: { code: 'LIMIT_EXCEEDED', details: { limit: 'subscriptionsPerSocketMax', maximum: 2, actual: 3 } } },
    ]);
    await watches[0]?.return?.();
    await eventually(() => expect(figures(server).subscriptions).toBe(1));
    const third = await subscribe<Data>(server, client, WATCH);
    await order(server, 1);
    expect((await third.take()).snapshotCommitted.snapshotId).toBe(2);
    expect((await watches[1]?.take())?.snapshotCommitted.snapshotId).toBe(2);
  });

  it('counts subscriptions that come all at once', async () => {
    const server = await testServer({ tables: [ORDERS], flags: ['--max-subscriptions', '5'] });
    const client = liveClient(server.url);
    const tries = Array.from({ length: 20 }, () =>
      client
        .iterate({ query: WATCH })
        .next()
        .then(
          () => 'event',
          (errors: unknown) => errors,
        ),
    );
    const refused = await Promise.all(tries.slice(5));
    for (const errors of refused) expect(errors).toMatchObject([{ extensions: { code: 'LIMIT_EXCEEDED' } }]);
    await eventually(() => expect(figures(server).subscriptions).toBe(5));
    await order(server, 1);
    expect(await Promise.all(tries.slice(0, 5))).toEqual(Array.from({ length: 5 }, () => 'event'));
  });

  it('a document without an operation, or with a mistake, takes no place', async () => {
    const server = await testServer({ tables: [ORDERS], flags: ['--max-subscriptions', '1'] });
    const client = liveClient(server.url);
    for (let count = 0; count < 3; count += 1) {
      await expect(
        client.iterate({ query: 'fragment F on Query { __typename } { ...F } ', operationName: 'None' }).next(),
      ).rejects.toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
      await expect(client.iterate({ query: 'subscription { nope }' }).next()).rejects.toEqual([
        {
          message: expect.any(String),
          locations: expect.any(Array),
          extensions: { code: 'GRAPHQL_VALIDATION_FAILED', details: {}, hint: expect.stringContaining('ordersChanges') },
        },
      ]);
      const { value } = await client.iterate<{ __typename: string }>({ query: '{ __typename }' }).next();
      expect(value).toEqual({ data: { __typename: 'Query' } });
    }
    await subscribe(server, client, WATCH);
  });

  it('past the most sockets of the server the next is closed with 1013 and told why', async () => {
    const server = await testServer({ tables: [ORDERS], flags: ['--max-sockets', '1'] });
    const watch = await subscribe<Data>(server, liveClient(server.url), WATCH);
    const socket = new WebSocket(webSocketUrl(server.url), 'graphql-transport-ws');
    expect(await closeCode(socket)).toBe(1013);
    expect(server.live().closed.refused).toBe(1);
    await order(server, 1);
    expect((await watch.take()).snapshotCommitted.snapshotId).toBe(2);
    await watch.return?.();
    await eventually(() => expect(server.live().sockets.webSocket).toBe(0));
    // There is place again.
    await subscribe<Data>(server, liveClient(server.url), WATCH);
  });
});
