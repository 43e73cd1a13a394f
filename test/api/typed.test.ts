import { describe, expect, it } from 'vitest';
import { CUSTOMERS, DEMO_TABLES, ORDERS, orders, SAMPLES, type TestServer, testServer } from '../support/server-support.ts';

/** One value of every type, in wire form. */
const SAMPLE = {
  a_boolean: true,
  an_int: -2147483648,
  a_long: '9223372036854775807',
  a_float: 0.5,
  a_double: 1.7976931348623157e308,
  a_decimal: '1234567890.12345678',
  a_date: '2026-11-22',
  a_time: '10:00:00.000001',
  a_timestamp: '2026-11-22T10:00:00.000001',
  an_instant: '2026-11-22T10:00:00.123456Z',
  a_string: 'naïve 🌊',
  a_uuid: '123e4567-e89b-12d3-a456-426614174000',
  a_binary: 'AAH/',
  a_json: { nested: [1, null, 'x'], big: 9007199254740991 },
};
const SAMPLE_FIELDS = Object.keys(SAMPLE).join(' ');

interface Page {
  nodes: { order_id: string; amount: number }[];
  pageInfo: { endCursor: string; startCursor: string; hasNextPage: boolean; hasPreviousPage: boolean };
  totalCount: number;
}

async function append(server: TestServer, rows: readonly unknown[], options: Record<string, unknown> = {}): Promise<number> {
  type Data = { appendOrders: { commit: { snapshotId: number } } };
  const document =
    'mutation ($rows: [OrdersRowInput!]!, $options: CommitOptions) { appendOrders(rows: $rows, options: $options) { commit { snapshotId } } }';
  return (await server.data<Data>(document, { rows, options })).appendOrders.commit.snapshotId;
}

async function orderServer(...batches: (readonly unknown[])[]): Promise<TestServer> {
  const server = await testServer({ tables: [ORDERS, CUSTOMERS] });
  for (const rows of batches) await append(server, rows);
  return server;
}

describe('typed rows go in and come out', () => {
  it('every type keeps its value, on the way in as a variable and read back in the same answer', async () => {
    const server = await testServer({ tables: DEMO_TABLES });
    const nothing = Object.fromEntries(Object.keys(SAMPLE).map((name) => [name, null]));
    const answer = await server.data(
      `mutation ($rows: [SamplesRowInput!]!) {
        appendSamples(rows: $rows, options: {message: "first", author: "test", properties: {ticket: 7}}) {
          commit { snapshotId message author properties snapshots { operation table { name } } }
          insertedRows updatedRows deletedRows replayed
          rows { ${SAMPLE_FIELDS} _fromSnapshotId }
          view { snapshotId samples { totalCount nodes { ${SAMPLE_FIELDS} } } }
        }
      }`,
      { rows: [SAMPLE, {}] },
    );
    const commit = { snapshotId: 4, message: 'first', author: 'test', properties: { ticket: 7 } };
    expect(answer).toEqual({
      appendSamples: {
        commit: { ...commit, snapshots: [{ operation: 'APPEND', table: { name: 'samples' } }] },
        insertedRows: 2,
        updatedRows: 0,
        deletedRows: 0,
        replayed: false,
        rows: [
          { ...SAMPLE, _fromSnapshotId: 4 },
          { ...nothing, _fromSnapshotId: 4 },
        ],
        view: { snapshotId: 4, samples: { totalCount: 2, nodes: [SAMPLE, nothing] } },
      },
    });
  });

  it('every type keeps its value as a literal in the document', async () => {
    const server = await testServer({ tables: [SAMPLES] });
    const literal = Object.entries(SAMPLE)
      .map(([name, value]) => `${name}: ${name === 'a_json' ? '{nested: [1, null, "x"], big: 9007199254740991}' : JSON.stringify(value)}`)
      .join(', ');
    const answer = await server.data(`mutation { appendSamples(rows: [{${literal}}]) { rows { ${SAMPLE_FIELDS} } } }`);
    expect(answer).toEqual({ appendSamples: { rows: [SAMPLE] } });
    // A long past 2^53 may also be written as a plain integer.
    const long = await server.data('mutation { appendSamples(rows: [{a_long: 9223372036854775806}]) { rows { a_long } } }');
    expect(long).toEqual({ appendSamples: { rows: [{ a_long: '9223372036854775806' }] } });
  });

  it('an absent column takes its default, null means null, and `first` limits the rows of the answer', async () => {
    const server = await testServer({ tables: DEMO_TABLES });
    const answer = await server.data(
      `mutation { appendCustomers(rows: [{id_: 1, name: "A"}, {id_: "2", name: "B", active: null}, {id_: 3, name: "C", active: false}]) {
        rows { id_ active } first: rows(first: 1) { id_ } none: rows(first: 0) { id_ }
      } }`,
    );
    expect(answer).toEqual({
      appendCustomers: {
        rows: [
          { id_: '1', active: true },
          { id_: '2', active: null },
          { id_: '3', active: false },
        ],
        first: [{ id_: '1' }],
        none: [],
      },
    });
  });

  it('an empty append succeeds and makes no snapshot', async () => {
    const server = await orderServer(orders(1, 1));
    const answer = await server.data(
      'mutation { appendOrders(rows: []) { commit { snapshotId } snapshots { snapshotId } insertedRows rows { id } view { snapshotId } } }',
    );
    expect(answer).toEqual({
      appendOrders: { commit: null, snapshots: [{ snapshotId: 3 }], insertedRows: 0, rows: [], view: { snapshotId: 3 } },
    });
  });

  it('the same idempotency key again answers with the first commit and changes nothing', async () => {
    const server = await orderServer();
    const document = `mutation ($amount: Float) { appendOrders(rows: [{order_id: 1, customer_id: 1, amount: $amount}], options: {idempotencyKey: "k"}) {
      commit { snapshotId } replayed insertedRows rows { order_id amount } view { orders { totalCount } } } }`;
    const first = await server.data<{ appendOrders: object }>(document, { amount: 1 });
    expect(first.appendOrders).toMatchObject({ commit: { snapshotId: 3 }, replayed: false });
    const again = await server.data<{ appendOrders: object }>(document, { amount: 1 });
    expect(again.appendOrders).toEqual({ ...first.appendOrders, replayed: true });
    const other = await server.failure(document, { amount: 2 });
    expect(other.extensions).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED', details: { snapshotId: 3 } });
  });

  it('a commit that expects an older table is refused as a conflict that says what is there', async () => {
    const server = await orderServer(orders(1, 1), orders(2, 1));
    const { extensions } = await server.failure(
      'mutation { appendOrders(rows: [{order_id: 9, customer_id: 1}], options: {expectedSnapshotId: 3}) { replayed } }',
    );
    expect(extensions).toMatchObject({ code: 'CONFLICT', details: { table: 'orders', expectedSnapshotId: 3, actualSnapshotId: 4 } });
    expect(await append(server, orders(9, 1), { expectedSnapshotId: 4 })).toBe(5);
  });
});

describe('filters, orders and aggregates of the typed API', () => {
  const count = 'totalCount nodes { order_id }';

  it('sibling keys mean AND; and, or, not combine', async () => {
    const server = await orderServer(orders(1, 10));
    const answer = await server.data(`{ asOf {
      both: orders(where: {status: {eq: "paid"}, amount: {gt: 4, lte: 8.5}}) { ${count} }
      either: orders(where: {or: [{order_id: {eq: 1}}, {order_id: {in: ["9", 10]}}]}) { ${count} }
      none: orders(where: {or: []}) { ${count} }
      neither: orders(where: {not: {order_id: {gte: 3}}}) { ${count} }
      text: orders(where: {status: {startsWith: "pa", ilike: "%AI%"}}) { totalCount }
      all: orders(where: {}) { totalCount }
    } }`);
    const ids = (...list: number[]): object => ({ totalCount: list.length, nodes: list.map((id) => ({ order_id: String(id) })) });
    const expected = { both: ids(4, 6, 8), either: ids(1, 9, 10), none: ids(), neither: ids(1, 2) };
    expect(answer).toEqual({ asOf: { ...expected, text: { totalCount: 5 }, all: { totalCount: 10 } } });
  });

  it('several orders apply one after the other, nulls where the direction puts them', async () => {
    const server = await orderServer(orders(1, 4), [{ order_id: 9, customer_id: 1 }]);
    const answer = await server.data(`{ asOf {
      down: orders(orderBy: [{status: DESC}, {order_id: DESC}]) { nodes { order_id } }
      up: orders(orderBy: [{status: ASC}, {order_id: ASC}]) { nodes { order_id } }
      last: orders(orderBy: [{amount: DESC_NULLS_LAST}], first: 1) { nodes { order_id } }
      first: orders(orderBy: [{amount: ASC_NULLS_FIRST}], first: 1) { nodes { order_id } }
    } }`);
    const nodes = (...list: number[]): object => ({ nodes: list.map((id) => ({ order_id: String(id) })) });
    expect(answer).toEqual({ asOf: { down: nodes(9, 4, 2, 3, 1), up: nodes(1, 3, 2, 4, 9), last: nodes(4), first: nodes(9) } });
  });

  it('aggregates and groups are of the whole filter, not of the page', async () => {
    const server = await orderServer(orders(1, 4));
    const answer = await server.data(`{ asOf { orders(where: {order_id: {lte: 3}}, first: 1) {
      nodes { order_id }
      totalCount
      aggregate { count sum { order_id amount } avg { order_id } min { status placed_at } max { amount } countDistinct { status } }
      groupBy(columns: [status, status]) { nodes { key { status customer_id } aggregate { count sum { amount } } } totalCount pageInfo { hasNextPage } }
      one: groupBy(columns: [status], first: 1) { edges { node { key { status } aggregate { max { amount } } } } totalCount pageInfo { hasNextPage } }
    } } }`);
    expect(answer).toEqual({
      asOf: {
        orders: {
          nodes: [{ order_id: '1' }],
          totalCount: 3,
          aggregate: {
            count: 3,
            sum: { order_id: '6', amount: 7.5 },
            avg: { order_id: 2 },
            min: { status: 'new', placed_at: null },
            max: { amount: 3.5 },
            countDistinct: { status: 2 },
          },
          groupBy: {
            nodes: [
              { key: { status: 'new', customer_id: null }, aggregate: { count: 2, sum: { amount: 5 } } },
              { key: { status: 'paid', customer_id: null }, aggregate: { count: 1, sum: { amount: 2.5 } } },
            ],
            totalCount: 2,
            pageInfo: { hasNextPage: false },
          },
          one: {
            edges: [{ node: { key: { status: 'new' }, aggregate: { max: { amount: 3.5 } } } }],
            totalCount: 2,
            pageInfo: { hasNextPage: true },
          },
        },
      },
    });
  });

  it('two aliases of one aggregate, asked for in different fragments, both answer', async () => {
    const server = await orderServer(orders(1, 2));
    const answer = await server.data(
      `query ($no: Boolean = false) { asOf { orders { ...A b: aggregate { max { amount } count @include(if: $no) } } } }
       fragment A on OrdersRowConnection { a: aggregate { ... on OrdersAggregate { sum { amount } } } }`,
    );
    expect(answer).toEqual({ asOf: { orders: { a: { sum: { amount: 4 } }, b: { max: { amount: 2.5 } } } } });
  });

  it('a row is found by its primary key, now and in the past, and null where there is none', async () => {
    const server = await orderServer(orders(1, 1), orders(2, 1));
    const answer = await server.data(`{
      now: asOf { ordersByKey(order_id: 2) { order_id amount } no: ordersByKey(order_id: "404") { id } }
      past: asOf(snapshotId: 3) { ordersByKey(order_id: "2") { id } one: ordersByKey(order_id: 1) { amount } }
      before: asOf(timestamp: "1970-01-01T00:00:00Z") { ordersByKey(order_id: 1) { id } }
    }`);
    expect(answer).toEqual({
      now: { ordersByKey: { order_id: '2', amount: 2.5 }, no: null },
      past: { ordersByKey: null, one: { amount: 1.5 } },
      before: { ordersByKey: null },
    });
  });
});

describe('a cursor pins the snapshot of its page, so pages never shift', () => {
  it.each([
    ['insertion order', ''],
    ['an order of the reader', 'orderBy: [{status: ASC}, {amount: DESC}],'],
    ['a filter', 'where: {amount: {gt: 3}},'],
  ])('in %s, while commits land between the pages, forwards and back', async (_, args) => {
    const server = await orderServer(orders(1, 10));
    const page = `pageInfo { endCursor startCursor hasNextPage hasPreviousPage } totalCount nodes { order_id amount }`;
    type Data = { asOf: { snapshotId: number; orders: Page } };
    const whole = (await server.data<Data>(`{ asOf { snapshotId orders(${args} first: 100) { ${page} } } }`)).asOf;
    expect(whole.orders.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: false });
    const forwards = `query ($after: String) { asOf { snapshotId orders(${args} first: 3, after: $after) { ${page} } } }`;
    const seen: Page['nodes'][] = [];
    let after: string | null = null;
    for (let more = true, next = 11; more; next += 5) {
      const { asOf }: Data = await server.data<Data>(forwards, { after });
      expect(asOf.snapshotId).toBe(whole.snapshotId);
      expect(asOf.orders.totalCount).toBe(whole.orders.totalCount);
      seen.push(asOf.orders.nodes);
      after = asOf.orders.pageInfo.endCursor;
      more = asOf.orders.pageInfo.hasNextPage;
      await append(server, orders(next, 5, { amount: 5.25 }));
    }
    expect(seen.flat()).toEqual(whole.orders.nodes);
    const backwards = `query ($before: String) { asOf { snapshotId orders(${args} last: 4, before: $before) { ${page} } } }`;
    const { asOf } = await server.data<Data>(backwards, { before: after });
    expect(asOf).toMatchObject({ snapshotId: whole.snapshotId, orders: { pageInfo: { hasNextPage: true } } });
    expect(asOf.orders.nodes).toEqual(whole.orders.nodes.slice(-5, -1));
  });

  it('with another instant than its own, or beside a cursor of another, a cursor is refused with both snapshots', async () => {
    const server = await orderServer(orders(1, 4));
    const first = '{ asOf { snapshotId orders(first: 1) { pageInfo { endCursor } } } }';
    type Data = { asOf: { snapshotId: number; orders: Page } };
    const old = (await server.data<Data>(first)).asOf;
    await append(server, orders(20, 1));
    const young = (await server.data<Data>(first)).asOf;
    const cursors = { a: old.orders.pageInfo.endCursor, b: young.orders.pageInfo.endCursor };
    const at = 'query ($a: String) { asOf(snapshotId: 4) { orders(after: $a) { nodes { id } } } }';
    expect((await server.failure(at, { a: cursors.a })).extensions).toMatchObject({
      code: 'CURSOR_INVALID',
      details: { cursorSnapshotId: 3, snapshotId: 4 },
    });
    const two = 'query ($a: String, $b: String) { asOf { x: orders(after: $a) { nodes { id } } y: orders(after: $b) { nodes { id } } } }';
    const { code, details } = (await server.failure(two, cursors)).extensions;
    expect({ code, ids: Object.values(details).sort() }).toEqual({ code: 'CURSOR_INVALID', ids: [3, 4] });
    // Its own instant, said again, is no other instant.
    const same = 'query ($a: String) { asOf(snapshotId: 3) { orders(after: $a) { nodes { order_id } } } }';
    expect(await server.data(same, { a: cursors.a })).toEqual({
      asOf: { orders: { nodes: ['2', '3', '4'].map((order_id) => ({ order_id })) } },
    });
  });

  it('a cursor of another table, of another order, or no cursor at all is CURSOR_INVALID', async () => {
    const server = await orderServer(orders(1, 2));
    const { asOf } = await server.data<{ asOf: { orders: Page } }>('{ asOf { orders(first: 1) { pageInfo { endCursor } } } }');
    const after = asOf.orders.pageInfo.endCursor;
    for (const field of [
      'customers(after: $after)',
      'orders(after: $after, orderBy: [{amount: ASC}])',
      'orders(after: "zzz")',
      'orders(before: "")',
    ]) {
      const document = `query ($after: String) { asOf { ${field} { nodes { id } } } unused: asOf { orders(after: $after) { totalCount } } }`;
      expect((await server.failure(document, { after })).extensions.code, field).toBe('CURSOR_INVALID');
    }
  });

  it('first: 0 is allowed, and still counts', async () => {
    const server = await orderServer(orders(1, 2));
    const answer = await server.data('{ asOf { orders(first: 0) { nodes { id } totalCount pageInfo { hasNextPage endCursor } } } }');
    expect(answer).toEqual({ asOf: { orders: { nodes: [], totalCount: 2, pageInfo: { hasNextPage: true, endCursor: null } } } });
  });
});
