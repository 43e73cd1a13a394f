import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/engine/index.ts';
import {
  CUSTOMERS,
  closeCode,
  eventually,
  liveClient,
  ORDERS,
  orders,
  subscribe,
  type TestServer,
  testServer,
} from '../support/server-support.ts';

interface Data {
  readonly snapshotCommitted: {
    readonly snapshotId: number;
    readonly caughtUp: boolean;
    readonly headSnapshotId: number;
    readonly commit: { readonly snapshotId: number; readonly author: string | null };
    readonly snapshots: { readonly operation: string; readonly table: { readonly name: string } }[];
  };
}

const WATCH = `subscription ($tables: [String!], $operations: [Operation!], $after: SafeInt) {
  snapshotCommitted(tables: $tables, operations: $operations, after: $after) {
    snapshotId caughtUp headSnapshotId commit { snapshotId author } snapshots { operation table { name } }
  }
}`;

async function order(server: TestServer, id: number): Promise<void> {
  await server.engine.append('orders', orders(id, 1));
}

async function customer(server: TestServer, id: number): Promise<void> {
  await server.engine.append('customers', [{ id, name: 'x' }]);
}

/** Takes events up to a snapshot, and says which came. */
async function idsUpTo(subscription: { take: () => Promise<Data> }, snapshotId: number): Promise<number[]> {
  const ids: number[] = [];
  while (ids.at(-1) !== snapshotId) ids.push((await subscription.take()).snapshotCommitted.snapshotId);
  return ids;
}

/** Reads what is there already, from `after` on, up to a snapshot. */
async function replay(server: TestServer, variables: Record<string, unknown>, upTo: number): Promise<number[]> {
  const ids: number[] = [];
  for await (const { data } of liveClient(server.url).iterate<Data>({ query: WATCH, variables })) {
    ids.push(data?.snapshotCommitted.snapshotId ?? Number.NaN);
    if (ids.at(-1) === upTo) break;
  }
  return ids;
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe('a subscriber sees every commit, in order, once', () => {
  it('from now on, each as one event that says what it did', async () => {
    const server = await testServer({ tables: [ORDERS, CUSTOMERS] });
    const watch = await subscribe<Data>(server, liveClient(server.url), WATCH);
    await server.data('mutation { appendOrders(rows: [{order_id: 1, customer_id: 1}], options: {author: "ann"}) { replayed } }');
    expect((await watch.take()).snapshotCommitted).toEqual({
      snapshotId: 3,
      caughtUp: true,
      headSnapshotId: 3,
      commit: { snapshotId: 3, author: 'ann' },
      snapshots: [{ operation: 'APPEND', table: { name: 'orders' } }],
    });
    await Promise.all(range(2, 60).map((id) => (id % 2 === 0 ? order(server, id) : customer(server, id))));
    expect(await idsUpTo(watch, 62)).toEqual(range(4, 62));
  });

  it('only of the tables and operations that it asked for', async () => {
    const server = await testServer({ tables: [ORDERS, CUSTOMERS] });
    const client = liveClient(server.url);
    const ofOrders = await subscribe<Data>(server, client, WATCH, { tables: ['orders'] });
    const creations = await subscribe<Data>(server, client, WATCH, { operations: ['CREATE'] });
    const both = await subscribe<Data>(server, client, WATCH, { tables: ['orders', 'customers'], operations: ['APPEND'] });
    await order(server, 1);
    await customer(server, 1);
    await order(server, 2);
    await server.engine.createTable({ name: 'third', columns: [{ name: 'a', type: 'INT' }] });
    await order(server, 3);
    expect(await idsUpTo(ofOrders, 7)).toEqual([3, 5, 7]);
    expect(await idsUpTo(creations, 6)).toEqual([6]);
    expect(await idsUpTo(both, 7)).toEqual([3, 4, 5, 7]);
  });

  it('after 0 all of history, after one in the middle what came since, after the head only what is new', async () => {
    const server = await testServer({ tables: [ORDERS, CUSTOMERS] });
    for (const id of range(1, 8)) await (id % 2 === 0 ? order(server, id) : customer(server, id));
    expect(await replay(server, { after: 0 }, 10)).toEqual(range(1, 10));
    expect(await replay(server, { after: '6' }, 10)).toEqual(range(7, 10));
    expect(await replay(server, { after: 0, tables: ['orders'] }, 10)).toEqual([1, 4, 6, 8, 10]);
    expect(await replay(server, { after: 4, tables: ['customers'], operations: ['APPEND'] }, 9)).toEqual([5, 7, 9]);
    await eventually(() => expect(server.feed.waiting).toBe(0));
    const atHead = await subscribe<Data>(server, liveClient(server.url), WATCH, { after: 10 });
    await order(server, 20);
    expect((await atHead.take()).snapshotCommitted).toMatchObject({ snapshotId: 11, caughtUp: true });
  });

  it('caughtUp is false while it reads history, and true at the head', async () => {
    const server = await testServer({ tables: [ORDERS] });
    for (const id of range(1, 4)) await order(server, id);
    const events: [number, boolean][] = [];
    for await (const { data } of liveClient(server.url).iterate<Data>({ query: WATCH, variables: { after: 2 } })) {
      const { snapshotId, caughtUp, headSnapshotId } = data?.snapshotCommitted ?? { snapshotId: 0, caughtUp: false, headSnapshotId: 0 };
      expect(headSnapshotId).toBe(5);
      events.push([snapshotId, caughtUp]);
      if (snapshotId === 5) break;
    }
    expect(events).toEqual([
      [3, false],
      [4, false],
      [5, true],
    ]);
  });

  it('after a snapshot that there is not, it is refused: who has seen it has seen what is gone', async () => {
    const server = await testServer({ tables: [ORDERS] });
    await order(server, 1);
    const details = { snapshotId: 3, newestSnapshotId: 2 };
    const refused = (query: string, variables: Record<string, unknown>) =>
      expect(liveClient(server.url).iterate({ query, variables }).next()).resolves.toMatchObject({
        value: {
          errors: [{ extensions: { code: 'SNAPSHOT_NOT_FOUND', details, hint: expect.stringContaining('restored from a backup') } }],
        },
      });
    await refused(WATCH, { after: 3 });
    await refused('subscription ($after: String) { ordersChanges(after: $after) { cursor } }', { after: '3' });
    await refused('subscription ($after: String) { changes(table: "orders", after: $after) { cursor } }', { after: '3' });
    const watch = await subscribe<Data>(server, liveClient(server.url), WATCH, { after: 2 });
    await order(server, 2);
    expect(await idsUpTo(watch, 3)).toEqual([3]);
  });

  it('after a negative snapshot, or of a table that is not there, it is refused', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const failure = (variables: Record<string, unknown>): Promise<unknown> =>
      liveClient(server.url)
        .iterate({ query: WATCH, variables })
        .next()
        .then(
          ({ value }) => (value as { errors?: unknown }).errors,
          (errors: unknown) => errors,
        );
    expect(await failure({ tables: ['nope'] })).toMatchObject([{ extensions: { code: 'TABLE_NOT_FOUND', details: { table: 'nope' } } }]);
    expect(await failure({ after: -1 })).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
    expect(await failure({ after: 1.5 })).toMatchObject([
      { extensions: { code: expect.stringMatching(/BAD_USER_INPUT|GRAPHQL_VALIDATION_FAILED/) } },
    ]);
    expect(await failure({ operations: ['NOPE'] })).toMatchObject([{ extensions: { details: {} } }]);
    expect(server.feed.waiting).toBe(0);
  });
});

describe('a subscription outlives what happens around it', () => {
  it('tables that are created meanwhile swap the schema under it, and their commits arrive too', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const watch = await subscribe<Data>(server, liveClient(server.url), WATCH);
    const create = (name: string): Promise<unknown> =>
      server.data(`mutation { createTable(input: {name: "${name}", columns: [{name: "a", type: INT}]}) { replayed } }`);
    await create('second');
    await server.data('mutation { appendSecond(rows: [{a: 1}]) { replayed } }');
    await create('third');
    await order(server, 1);
    const seen: string[] = [];
    for (const _ of range(1, 4)) {
      const { snapshots } = (await watch.take()).snapshotCommitted;
      seen.push(...snapshots.map(({ operation, table }) => `${operation} ${table.name}`));
    }
    expect(seen).toEqual(['CREATE second', 'APPEND second', 'CREATE third', 'APPEND orders']);
  });

  it(`it may read slower than ${LIMITS.feedRingMax} commits come, and still loses none`, async () => {
    const server = await testServer({ tables: [ORDERS] });
    const client = liveClient(server.url);
    const slow = await subscribe<Data>(server, client, WATCH, { tables: ['orders'] });
    await order(server, 0);
    expect(await idsUpTo(slow, 2)).toEqual([2]);
    const [socket] = client.sockets;
    socket?.pause();
    const commits = LIMITS.feedRingMax + 900;
    for (let id = 1; id <= commits; id += 100) await Promise.all(range(id, Math.min(id + 99, commits)).map((each) => order(server, each)));
    socket?.resume();
    expect(await idsUpTo(slow, commits + 2)).toEqual(range(3, commits + 2));
    // Who comes only now starts far behind the ring, and reads the log.
    expect(await replay(server, { after: 1 }, commits + 2)).toEqual(range(2, commits + 2));
  });
});

describe('a subscription that ends leaves nothing behind', () => {
  it('when it is unsubscribed, when its socket closes, when its socket is cut', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const listeners = server.engine.commitListeners;
    const ways: ((client: ReturnType<typeof liveClient>, watch: { return?: () => Promise<unknown> }) => unknown)[] = [
      (_, watch) => watch.return?.(),
      (client) => client.dispose(),
      (client) => client.sockets[0]?.close(),
      (client) => client.sockets[0]?.terminate(),
    ];
    for (const end of ways) {
      const client = liveClient(server.url);
      const watches = [await subscribe<Data>(server, client, WATCH), await subscribe<Data>(server, client, WATCH, { tables: ['orders'] })];
      const left = server.feed.waiting;
      expect(left).toBe(2);
      const ended = watches.map((watch) => watch.next().catch(() => {}));
      for (const watch of watches) await end(client, watch);
      await Promise.all(ended);
      await eventually(() => expect(server.feed.waiting).toBe(0));
      expect(server.engine.commitListeners).toBe(listeners);
    }
  });

  it('when the server stops, its socket is closed with 1001, so that the client comes again', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const client = liveClient(server.url);
    const watch = await subscribe<Data>(server, client, WATCH);
    const closed = closeCode(client.sockets[0] as (typeof client.sockets)[number]);
    const ended = watch.next().then(
      () => 'completed',
      () => 'failed',
    );
    await server.stop();
    expect(await closed).toBe(1001);
    expect(await ended).toBe('failed');
    expect(server.feed.waiting).toBe(0);
  });
});
