import { describe, expect, it } from 'vitest';
import {
  CUSTOMERS,
  type Event,
  eventually,
  liveClient,
  ORDERS,
  orders,
  subscribe,
  type TestServer,
  testServer,
} from '../support/server-support.ts';

interface Live {
  readonly live: {
    readonly snapshotId: number;
    readonly orders: {
      readonly nodes: readonly { readonly order_id: string; readonly status: string }[];
      readonly totalCount: number;
    } | null;
    readonly customers?: { readonly totalCount: number } | null;
  };
}

const LIVE = `subscription ($where: OrdersFilter) {
  live { id snapshotId timestamp orders(where: $where, first: 2, orderBy: [{order_id: DESC}]) {
    nodes { id order_id status } edges { cursor } pageInfo { endCursor hasNextPage } totalCount
  } }
}`;
const BOTH = 'subscription { live { snapshotId orders { totalCount } customers { totalCount } } }';

const executions = (server: TestServer): number => server.live().classes.live.executions;

describe('a live query', () => {
  it('answers at once, and again after each commit that changes the answer', async () => {
    const server = await testServer({ tables: [ORDERS] });
    await server.engine.append('orders', orders(1, 3));
    const watch = await subscribe<Live>(server, liveClient(server.url), LIVE);
    expect((await watch.take()).live).toMatchObject({
      snapshotId: 2,
      orders: { nodes: [{ order_id: '3' }, { order_id: '2' }], totalCount: 3 },
    });
    await server.engine.append('orders', orders(4, 1));
    expect((await watch.take()).live).toMatchObject({
      snapshotId: 3,
      orders: { nodes: [{ order_id: '4' }, { order_id: '3' }], totalCount: 4 },
    });
    await server.engine.delete('orders', { kind: 'compare', column: 'order_id', operator: 'eq', value: '4' });
    expect((await watch.take()).live).toMatchObject({
      snapshotId: 4,
      orders: { nodes: [{ order_id: '3' }, { order_id: '2' }], totalCount: 3 },
    });
  });

  it('sends nothing when the answer is the same, although its snapshot, cursors and ids of the view differ', async () => {
    const server = await testServer({ tables: [ORDERS, CUSTOMERS] });
    await server.engine.append('orders', orders(1, 3, { status: 'new' }));
    const watch = await subscribe<Live>(server, liveClient(server.url), LIVE, { where: { status: { eq: 'new' } } });
    expect((await watch.take()).live.snapshotId).toBe(3);
    const before = executions(server);
    await server.engine.append('orders', orders(10, 1, { status: 'old' })); // runs, and finds the same
    await eventually(() => expect(executions(server)).toBe(before + 1));
    await server.engine.append('customers', [{ id: 1, name: 'x' }]); // does not even run
    await server.engine.append('orders', orders(11, 1, { status: 'new' }));
    expect((await watch.take()).live).toMatchObject({ snapshotId: 6, orders: { totalCount: 4 } });
    expect(executions(server)).toBe(before + 2);
  });

  it('reads all tables of one answer at one snapshot', async () => {
    const server = await testServer({ tables: [ORDERS, CUSTOMERS] });
    const watch = await subscribe<Live>(server, liveClient(server.url), BOTH);
    await watch.take();
    const commits = 40;
    const written = (async () => {
      for (let id = 1; id <= commits; id += 1)
        await server.engine.commit([
          { kind: 'append', table: 'orders', rows: orders(id, 1) },
          { kind: 'append', table: 'customers', rows: [{ id, name: 'x' }] },
        ]);
    })();
    for (;;) {
      const { live } = await watch.take();
      expect(live.customers?.totalCount).toBe(live.orders?.totalCount);
      expect(live.orders?.totalCount).toBe(live.snapshotId - 2);
      if (live.orders?.totalCount === commits) break;
    }
    await written;
  });

  it('is run once for all who ask the same, and not once a commit when these come fast', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const watches = [];
    for (let count = 0; count < 20; count += 1) watches.push(await subscribe<Live>(server, liveClient(server.url), LIVE));
    for (const watch of watches) await watch.take();
    expect(executions(server)).toBe(1);
    expect(server.live().classes.live).toMatchObject({ subscriptions: 20, distinct: 1 });
    const commits = 300;
    await Promise.all(Array.from({ length: commits }, (_, id) => server.engine.append('orders', orders(id, 1))));
    for (const watch of watches) {
      let last = 0;
      for (let count = -1; count < commits; ) {
        const { live } = await watch.take();
        expect(live.snapshotId).toBeGreaterThan(last);
        last = live.snapshotId;
        count = live.orders?.totalCount ?? 0;
      }
    }
    expect(executions(server)).toBeLessThan(commits / 2);
  });

  it('answers somebody who comes later at once too, with what he has written himself in it', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const first = await subscribe<Live>(server, liveClient(server.url), LIVE);
    await first.take();
    for (let id = 1; id <= 20; id += 1) {
      await server.engine.append('orders', orders(id, 1));
      const late = await subscribe<Live>(server, liveClient(server.url), LIVE);
      expect((await late.take()).live.orders?.totalCount).toBe(id);
      await late.return?.();
    }
  });

  it('of no table follows every commit', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const watch = await subscribe<Live>(server, liveClient(server.url), 'subscription { live { snapshotId } }');
    expect((await watch.take()).live.snapshotId).toBe(1);
    await server.engine.append('orders', orders(1, 1));
    expect((await watch.take()).live.snapshotId).toBe(2);
  });

  it('through the generic API follows its table by name, over a drop and a new table of the name', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const document = 'subscription { live { table(name: "orders") { rowCount rows { nodes } } } }';
    interface Generic {
      readonly live: { readonly table: { readonly rowCount: number } | null };
    }
    const watch = await subscribe<Generic>(server, liveClient(server.url), document);
    expect((await watch.take()).live.table?.rowCount).toBe(0);
    await server.engine.append('orders', orders(1, 2));
    expect((await watch.take()).live.table?.rowCount).toBe(2);
    await server.engine.dropTable('orders');
    expect((await watch.take()).live.table).toBeNull();
    await server.engine.createTable(ORDERS);
    expect((await watch.take()).live.table?.rowCount).toBe(0);
  });

  it('takes no cursors, and names a table that is not there', async () => {
    const server = await testServer({ tables: [ORDERS] });
    await server.engine.append('orders', orders(1, 3));
    const { asOf } = await server.data<{ asOf: { orders: { pageInfo: { endCursor: string } } } }>(
      '{ asOf { orders(first: 1) { pageInfo { endCursor } } } }',
    );
    const failure = async (query: string): Promise<unknown> => {
      const { value } = (await liveClient(server.url).iterate({ query }).next()) as IteratorResult<Event<unknown>>;
      return (value as { errors?: readonly unknown[] }).errors?.[0];
    };
    const after = JSON.stringify(asOf.orders.pageInfo.endCursor);
    expect(await failure(`subscription { live { orders(after: ${after}) { totalCount } } }`)).toMatchObject({
      extensions: { code: 'CURSOR_INVALID' },
    });
    expect(await failure('subscription { live { table(name: "nope") { rowCount } } }')).toMatchObject({
      extensions: { code: 'TABLE_NOT_FOUND' },
    });
  });

  it('follows every table where it looks at commits, through which others are reached', async () => {
    const server = await testServer({ tables: [ORDERS, { ...ORDERS, name: 'others' }] });
    const both = ['orders', 'others'].map((table) => ({ append: { table, rows: orders(1, 1) } }));
    await server.data('mutation ($both: [CommitOperation!]!) { commit(operations: $both) { commit { snapshotId } } }', { both });
    const live = await subscribe<{ live: { table: { snapshot: { commit: { snapshots: unknown[] } } } } }>(
      server,
      liveClient(server.url),
      'subscription { live { table(name: "orders") { snapshot { commit { snapshots { table { name currentSnapshot { snapshotId } } } } } } } }',
    );
    const seen = async (): Promise<unknown[]> => (await live.take()).live.table.snapshot.commit.snapshots;
    const at = (...ids: number[]) =>
      ['orders', 'others'].map((name, index) => ({ table: { name, currentSnapshot: { snapshotId: ids[index] } } }));
    expect(await seen()).toEqual(at(3, 3));
    await server.engine.append('others', orders(2, 1));
    expect(await seen()).toEqual(at(3, 4));
  });
});
