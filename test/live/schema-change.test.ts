/** Tables come, change and go under running subscriptions: none breaks, none misses a commit. */
import { createClient } from 'graphql-sse';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually, liveClient, ORDERS, type Subscription, subscribe, type TestServer, testServer } from '../support/server-support.ts';

type Row = Readonly<Record<string, unknown>>;

/** How to see, in an event of a class, whether it is of a commit and tells of an order. */
interface Watch {
  readonly document: string;
  readonly rowsOf: (data: Row, orderId: string) => readonly Row[];
}

const pick = (data: Row, ...path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>((value, key) => (value as Record<string, unknown> | null)?.[key], data);

const changed = (field: string) => (data: Row, orderId: string) =>
  (pick(data, field, 'changes') as readonly { readonly after: Row }[])
    .map(({ after }) => after)
    .filter((row) => row['order_id'] === orderId);
const listed =
  (...path: readonly (string | number)[]) =>
  (data: Row, orderId: string) =>
    ((pick(data, ...path, 'nodes') ?? []) as readonly Row[]).filter((row) => row['order_id'] === orderId);

const WATCHES: Readonly<Record<string, Watch>> = {
  snapshotCommitted: {
    document: `subscription { snapshotCommitted(tables: ["orders"]) { snapshotId
      snapshots { view { rows(orderBy: [{ column: "order_id" }]) { nodes } } } } }`,
    rowsOf: listed('snapshotCommitted', 'snapshots', 0, 'view', 'rows'),
  },
  changes: { document: 'subscription { changes(table: "orders") { cursor changes { kind after } } }', rowsOf: changed('changes') },
  ordersChanges: {
    document: 'subscription { ordersChanges(where: { amount: { gte: 0 } }) { cursor changes { kind after { order_id status amount } } } }',
    rowsOf: changed('ordersChanges'),
  },
  'live, typed': {
    document: 'subscription { live { snapshotId orders(where: { amount: { gte: 0 } }) { nodes { order_id status amount } } } }',
    rowsOf: listed('live', 'orders'),
  },
  'live, generic': {
    document: 'subscription { live { snapshotId table(name: "orders") { rows { nodes } } } }',
    rowsOf: listed('live', 'table', 'rows'),
  },
};

/** Reads on until an event tells of an order. Every event on the way must be whole. */
async function rowOf(subscription: Subscription<Row>, { rowsOf }: Watch, orderId: string): Promise<Row> {
  for (;;) {
    const data = await subscription.take();
    const [row, ...more] = rowsOf(data, orderId);
    expect(more).toEqual([]);
    if (row !== undefined) return row;
  }
}

interface Change {
  readonly what: string;
  /** GraphQL of a mutation field. */
  readonly mutation: string;
  /** The columns of an order, as they are called from now on, besides its key. */
  readonly row: Row;
}

const alter = (change: string): string => `alterTable(table: "orders", changes: [${change}]) { commit { snapshotId } }`;
const CHANGES: readonly Change[] = [
  {
    what: 'another table is created',
    mutation: 'createTable(input: { name: "third", columns: [{ name: "a", type: INT }] }) { commit { snapshotId } }',
    row: { amount: 1, status: 'new' },
  },
  {
    what: 'a column is added',
    mutation: alter('{ addColumn: { name: "rank", type: INT, default: 7 } }'),
    row: { amount: 2, status: 'new' },
  },
  {
    what: 'a column is widened',
    mutation: alter('{ widenColumn: { name: "rank", type: LONG } }'),
    row: { amount: 3, status: 'new', rank: '9' },
  },
  { what: 'a column is renamed', mutation: alter('{ renameColumn: { name: "status", to: "state" } }'), row: { amount: 4, state: 'paid' } },
  {
    what: 'the columns change places',
    mutation: alter('{ reorderColumns: { names: ["amount", "order_id", "customer_id", "state", "placed_at", "rank"] } }'),
    row: { amount: 5, state: 'paid' },
  },
  { what: 'a column is dropped', mutation: alter('{ dropColumn: { name: "placed_at" } }'), row: { amount: 6, state: 'paid' } },
  {
    what: 'the other table is dropped',
    mutation: 'dropTable(table: "third") { commit { snapshotId } }',
    row: { amount: 7, state: 'paid' },
  },
];

const CLIENTS = {
  'a WebSocket': (server: TestServer) => liveClient(server.url),
  'an event stream': ({ url }: TestServer) => {
    const client = createClient({ url: `${url}/graphql`, retryAttempts: 0 });
    onTestFinished(() => client.dispose());
    return client as unknown as ReturnType<typeof liveClient>;
  },
} as const;

describe.each(Object.entries(CLIENTS))('while subscriptions run over %s', (_, clientOf) => {
  it('tables are created, changed in every way and dropped, and each subscription goes on', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const client = clientOf(server);
    const running: { readonly name: string; readonly watch: Watch; readonly subscription: Subscription<Row> }[] = [];
    for (const [name, watch] of Object.entries(WATCHES))
      running.push({ name, watch, subscription: await subscribe<Row>(server, client, watch.document) });
    for (const [index, { what, mutation, row }] of CHANGES.entries()) {
      await server.data(`mutation { ${mutation} }`);
      const orderId = String(index + 1);
      await server.engine.append('orders', [{ order_id: orderId, customer_id: '1', ...row }]);
      for (const { name, watch, subscription } of running) {
        const seen = await rowOf(subscription, watch, orderId);
        const isTyped = name === 'ordersChanges' || name === 'live, typed';
        // What was asked for by the names of then is answered by them.
        const expected = isTyped ? { order_id: orderId, amount: row['amount'], status: row['status'] ?? row['state'] } : { ...row };
        expect(seen, `${name} after ${what}`).toMatchObject(expected);
      }
      // One that begins now knows the new names.
      const late = await subscribe<{ live: { orders: { nodes: readonly Row[] } } }>(
        server,
        client,
        `subscription { live { orders(where: { order_id: { eq: "${orderId}" } }) { nodes { ${Object.keys(row).join(' ')} } } } }`,
      );
      expect((await late.take()).live.orders.nodes).toEqual([row]);
      await late.return?.();
    }
    await eventually(() => expect(Object.values(server.live().classes).map(({ subscriptions }) => subscriptions)).toEqual([1, 2, 2]));
  });

  it('its own table is dropped and comes again: who follows it by name goes on', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const client = clientOf(server);
    const live = WATCHES['live, generic'] as Watch;
    const commits = await subscribe<Row>(server, client, 'subscription { snapshotCommitted(tables: ["orders"]) { snapshotId } }');
    const lists = await subscribe<Row>(server, client, live.document);
    await server.data('mutation { dropTable(table: "orders") { commit { snapshotId } } }');
    await server.engine.createTable(ORDERS);
    await server.engine.append('orders', [{ order_id: '1', customer_id: '1', amount: 1 }]);
    const seen: unknown[] = [];
    while (seen.at(-1) !== 4) seen.push(pick(await commits.take(), 'snapshotCommitted', 'snapshotId'));
    expect(seen).toEqual([2, 3, 4]);
    // And who comes back is told of both tables.
    const resumed = await subscribe<Row>(server, client, 'subscription { snapshotCommitted(tables: ["orders"], after: 0) { snapshotId } }');
    for (const snapshotId of [1, 2, 3, 4]) expect(await resumed.take()).toEqual({ snapshotCommitted: { snapshotId } });
    const found = await rowOf(lists, live, '1');
    expect(found).toMatchObject({ amount: 1 });
  });

  it('a dropped column that is selected is null from then on, in every row, before and after, and in filters', async () => {
    const server = await testServer();
    await server.engine.createTable({
      name: 'r',
      columns: [
        { name: 'k', type: 'INT', required: true },
        { name: 'v', type: 'INT' },
      ],
      primaryKey: ['k'],
    });
    await server.engine.append(
      'r',
      [1, 2].map((k) => ({ k, v: k })),
    );
    const client = clientOf(server);
    const rows = await subscribe<Row>(server, client, 'subscription { live { r { nodes { k v } aggregate { sum { v } } } } }');
    const filtered = await subscribe<Row>(
      server,
      client,
      'subscription { live { r(where: { v: { gt: 0 } }) { totalCount nodes { k } } } }',
    );
    const nulls = await subscribe<Row>(server, client, 'subscription { live { r(where: { v: { isNull: true } }) { totalCount } } }');
    const changes = await subscribe<Row>(server, client, 'subscription { rChanges { changes { kind before { k v } after { k v } } } }');
    const matching = await subscribe<Row>(
      server,
      client,
      'subscription { rChanges(where: { v: { isNull: true } }) { changes { kind before { v } } } }',
    );
    expect(pick(await rows.take(), 'live', 'r')).toEqual({
      nodes: [
        { k: 1, v: 1 },
        { k: 2, v: 2 },
      ],
      aggregate: { sum: { v: '3' } },
    });
    expect(pick(await filtered.take(), 'live', 'r', 'totalCount')).toBe(2);
    expect(pick(await nulls.take(), 'live', 'r', 'totalCount')).toBe(0);
    await server.engine.alterTable('r', [{ kind: 'dropColumn', name: 'v' }]);
    expect(pick(await rows.take(), 'live', 'r')).toEqual({
      nodes: [
        { k: 1, v: null },
        { k: 2, v: null },
      ],
      aggregate: { sum: { v: null } },
    });
    expect(pick(await filtered.take(), 'live', 'r')).toEqual({ totalCount: 0, nodes: [] });
    expect(pick(await nulls.take(), 'live', 'r', 'totalCount')).toBe(2);
    await server.data('mutation { update(table: "r", where: { column: "k", eq: 1 }, set: { k: 1 }) { updatedRows } }');
    const update = { kind: 'UPDATE', before: { k: 1, v: null }, after: { k: 1, v: null } };
    expect(await changes.take()).toEqual({ rChanges: { changes: [update] } });
    expect(await matching.take()).toEqual({ rChanges: { changes: [{ kind: 'UPDATE', before: { v: null } }] } });
    // Also once files hold the rows, as they were before and since.
    await server.engine.compact();
    await server.data('mutation { append(table: "r", rows: [{ k: 3 }]) { insertedRows } }');
    expect(pick(await rows.take(), 'live', 'r', 'nodes')).toEqual([1, 2, 3].map((k) => ({ k, v: null })));
    // A column of the same name is another column.
    await server.engine.alterTable('r', [{ kind: 'addColumn', column: { name: 'v', type: 'INT', default: 9 } }]);
    await server.data('mutation { append(table: "r", rows: [{ k: 4 }]) { insertedRows } }');
    const last = await rowOf(rows, { document: '', rowsOf: (data) => (pick(data, 'live', 'r', 'nodes') as readonly Row[]).slice(3) }, '4');
    expect(last).toEqual({ k: 4, v: null });
  });
});
