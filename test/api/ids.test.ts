/** `id` names what was asked for: the row and the view themselves at the present, a version at a named instant. */
import { describe, expect, it } from 'vitest';
import { dataOf, liveClient, ORDERS, orders, type TestServer, testServer } from '../support/server-support.ts';

interface Row {
  readonly id: string;
  readonly _rowId: string;
  readonly _fromSnapshotId: number;
}
interface Page {
  readonly nodes: readonly Row[];
  readonly pageInfo: { readonly startCursor: string; readonly endCursor: string };
}
interface View {
  readonly id: string;
  readonly snapshotId: number;
  readonly orders: Page;
  readonly table: { readonly id: string };
}
type Views = Record<string, View>;

const ROWS = 'nodes { id _rowId _fromSnapshotId } pageInfo { startCursor endCursor }';
const VIEW = `id snapshotId orders { ${ROWS} } table(name: "orders") { id }`;
const NODE = `query ($id: ID!) { node(id: $id) { id __typename ... on OrdersRow { _rowId status } ... on CatalogView { snapshotId } ... on TableView { rowCount } } }`;

/** Two rows, of commit 2; the first is changed by commit 3. */
async function served(): Promise<TestServer> {
  const server = await testServer({ tables: [ORDERS] });
  await server.engine.append('orders', orders(1, 2));
  await server.data('mutation { updateOrders(where: {order_id: {eq: 1}}, set: {status: "shipped"}) { updatedRows } }');
  return server;
}

const ids = ({ orders: page }: View): string[] => page.nodes.map(({ id }) => id);
const rowIds = ({ orders: page }: View): string[] => page.nodes.map(({ _rowId }) => _rowId);

describe('at the present', () => {
  it('the id of a row is the row, over its updates, and the view has one id', async () => {
    const server = await served();
    const { now: first } = (await server.data<Views>(`{ now: asOf { ${VIEW} } }`)) as { now: View };
    expect(ids(first)).toEqual(rowIds(first));
    await server.data('mutation { updateOrders(where: {and: []}, set: {status: "new"}) { updatedRows } }');
    const { now: second } = (await server.data<Views>(`{ now: asOf { ${VIEW} } }`)) as { now: View };
    expect(ids(second)).toEqual(ids(first));
    expect([second.id, second.table.id]).toEqual([first.id, first.table.id]);
    expect(second.snapshotId).toBe(first.snapshotId + 1);
    expect(second.orders.nodes.map(({ _fromSnapshotId }) => _fromSnapshotId)).toEqual([4, 4]);
  });

  it('a mutation, its view, a live query, a row by key and the generic API give the same ids', async () => {
    const server = await served();
    const { now } = (await server.data<Views>(`{ now: asOf { ${VIEW} } }`)) as { now: View };
    const { updateOrders: payload } = await server.data<{ updateOrders: { rows: Row[]; view: View } }>(
      `mutation { updateOrders(where: {order_id: {eq: 2}}, set: {status: "x"}) { rows { id _rowId } view { ${VIEW} } } }`,
    );
    expect(payload.rows).toEqual([{ id: ids(now)[1], _rowId: ids(now)[1] }]);
    expect([payload.view.id, payload.view.table.id, ...ids(payload.view)]).toEqual([now.id, now.table.id, ...ids(now)]);
    const events = liveClient(server.url).iterate<{ live: View }>({ query: `subscription { live { ${VIEW} } }` });
    const { live } = dataOf(await events.next()) as unknown as { live: View };
    await events.return?.();
    expect([live.id, live.table.id, ...ids(live)]).toEqual([now.id, now.table.id, ...ids(now)]);
    const answer = await server.data('{ asOf { ordersByKey(order_id: 1) { id } } table(name: "orders") { asOf { id } } }');
    expect(answer).toEqual({ asOf: { ordersByKey: { id: ids(now)[0] } }, table: { asOf: { id: now.table.id } } });
  });

  it('so does each mutation that brings rows, and a delete gives the rows that went', async () => {
    const server = await served();
    const { appendOrders } = await server.data<Record<string, { rows: Row[] }>>(
      'mutation { appendOrders(rows: [{order_id: 7, customer_id: 1}]) { rows { id _rowId } } }',
    );
    const id = appendOrders?.rows[0]?.id;
    expect(appendOrders?.rows[0]?._rowId).toBe(id);
    expect(await server.data(NODE, { id })).toMatchObject({ node: { id, __typename: 'OrdersRow' } });
    expect(
      await server.data('mutation { upsertOrders(rows: [{order_id: 7, customer_id: 1, status: "u"}]) { rows { id status } } }'),
    ).toEqual({ upsertOrders: { rows: [{ id, status: 'u' }] } });
    expect(await server.data('mutation { deleteOrders(where: {order_id: {eq: 7}}) { rows { id status } } }')).toEqual({
      deleteOrders: { rows: [{ id, status: 'u' }] },
    });
    expect(await server.data(NODE, { id })).toEqual({ node: null });
    const { replaceOrders } = await server.data<Record<string, { rows: Row[] }>>(
      'mutation { replaceOrders(rows: [{order_id: 8, customer_id: 1}]) { rows { id _rowId } } }',
    );
    expect(replaceOrders?.rows[0]?.id).toBe(replaceOrders?.rows[0]?._rowId);
  });

  it('also in an empty catalog', async () => {
    const server = await testServer();
    const answer = await server.data<Record<string, { id: string }>>(
      '{ now: asOf { id snapshotId } past: asOf(timestamp: "2001-01-01T00:00:00Z") { id } }',
    );
    expect(answer['now']).toMatchObject({ snapshotId: 0 });
    expect(answer['now']?.id).not.toBe(answer['past']?.id);
    expect(
      await server.data('query ($id: ID!) { node(id: $id) { id ... on CatalogView { snapshotId } } }', { id: answer['now']?.id }),
    ).toEqual({
      node: { id: answer['now']?.id, snapshotId: 0 },
    });
    await server.engine.createTable(ORDERS);
    expect(await server.data('{ asOf { id } }')).toEqual({ asOf: { id: answer['now']?.id } });
  });
});

describe('at a named instant', () => {
  it('be it the newest, ids are of versions and of snapshots', async () => {
    const server = await served();
    await server.data('mutation { createTag(name: "t") { id } }');
    const { now, by, at, tag, old } = (await server.data<Views>(
      `query ($at: DateTime) { now: asOf { ${VIEW} } by: asOf(snapshotId: 3) { ${VIEW} } at: asOf(timestamp: $at) { ${VIEW} }
         tag: asOf(at: {tag: "t"}) { ${VIEW} } old: asOf(snapshotId: 2) { ${VIEW} } }`,
      { at: (await server.data<{ commit: { timestamp: string } }>('{ commit(snapshotId: 3) { timestamp } }')).commit.timestamp },
    )) as Record<'now' | 'by' | 'at' | 'tag' | 'old', View>;
    expect(rowIds(by)).toEqual(rowIds(now));
    for (const view of [at, tag]) expect([view.id, view.table.id, ...ids(view)]).toEqual([by.id, by.table.id, ...ids(by)]);
    // The second row is the same version at both.
    expect(ids(old)[1]).toBe(ids(by)[1]);
    const views = [now, by, old];
    expect(new Set(views.map(({ id }) => id)).size).toBe(3);
    expect(new Set(views.map(({ table }) => table.id)).size).toBe(3);
    expect(new Set(views.map((view) => ids(view)[0])).size).toBe(3);
    expect(await server.data(NODE, { id: ids(old)[0] })).toMatchObject({ node: { id: ids(old)[0], status: 'new' } });
    expect(await server.data(NODE, { id: ids(now)[0] })).toMatchObject({ node: { id: ids(now)[0], status: 'shipped' } });
  });

  it('in diffs, row changes and the view of a snapshot too', async () => {
    const server = await served();
    const { by } = (await server.data<Views>(`{ by: asOf(snapshotId: 3) { ${VIEW} } }`)) as { by: View };
    const { diff, table } = await server.data<{
      diff: { orders: { changes: { nodes: { after: Row }[] } } };
      table: { currentSnapshot: { view: { id: string } } };
    }>(
      '{ diff(from: {snapshotId: 2}) { orders { changes { nodes { after { id _rowId } } } } } table(name: "orders") { currentSnapshot { view { id } } } }',
    );
    expect(diff.orders.changes.nodes[0]?.after).toEqual({ id: ids(by)[0], _rowId: rowIds(by)[0] });
    expect(table.currentSnapshot.view.id).toBe(by.table.id);
    const events = liveClient(server.url).iterate({
      query: 'subscription { ordersChanges(after: "2") { changes { after { id } } } }',
    });
    expect(dataOf(await events.next())).toEqual({ ordersChanges: { changes: [{ after: { id: ids(by)[0] } }] } });
    await events.return?.();
  });

  it('a commit that is replayed after others is no present', async () => {
    const server = await served();
    const document =
      'mutation { appendOrders(rows: [{order_id: 9, customer_id: 1}], options: {idempotencyKey: "k"}) { replayed rows { id _rowId } view { id snapshotId } } }';
    const { appendOrders: first } = await server.data<Record<string, { view: View }>>(document);
    const { appendOrders: again } = await server.data<Record<string, { view: View }>>(document);
    expect(again?.view.id).toBe(first?.view.id);
    await server.engine.append('orders', orders(20, 1));
    const { appendOrders: late } = await server.data<Record<string, { view: View; rows: Row[] }>>(document);
    expect(late).toMatchObject({ replayed: true, view: { snapshotId: 4 } });
    // Not the row as it is now.
    expect(late?.rows[0]?.id).not.toBe(late?.rows[0]?._rowId);
    expect(late?.view.id).not.toBe(first?.view.id);
  });
});

describe('a page that goes on from a cursor is of what its first page was', () => {
  const NEXT = `query ($after: String) { next: asOf { id snapshotId orders(first: 1, after: $after) { ${ROWS} } } }`;
  const first = (instant: string): string => `{ first: asOf${instant} { id orders(first: 1) { ${ROWS} } } }`;

  it('of the present, also under live and after later commits', async () => {
    const server = await served();
    const { first: one } = (await server.data<Views>(first(''))) as { first: View };
    const events = liveClient(server.url).iterate({ query: `subscription { live { id orders(first: 1) { ${ROWS} } } }` });
    const { live } = dataOf(await events.next()) as unknown as { live: View };
    await events.return?.();
    await server.data('mutation { updateOrders(where: {and: []}, set: {status: "y"}) { updatedRows } }');
    for (const { orders: page } of [one, live]) {
      const { next } = (await server.data<Views>(NEXT, { after: page.pageInfo.endCursor })) as { next: View };
      expect(next).toMatchObject({ id: one.id, snapshotId: 3 });
      expect(next.orders.nodes).toHaveLength(1);
      expect(ids(next)).toEqual(rowIds(next));
      const back = `query ($before: String) { next: asOf { id orders(last: 1, before: $before) { ${ROWS} } } }`;
      const { next: previous } = (await server.data<Views>(back, { before: next.orders.pageInfo.startCursor })) as { next: View };
      expect([previous.id, ...ids(previous)]).toEqual([one.id, ...ids(one)]);
      const node =
        'query ($id: ID!, $after: String) { node(id: $id) { id ... on CatalogView { orders(after: $after) { nodes { id } } } } }';
      expect(await server.data(node, { id: one.id, after: page.pageInfo.endCursor })).toEqual({
        node: { id: one.id, orders: { nodes: next.orders.nodes.map(({ id }) => ({ id })) } },
      });
    }
  });

  it('of a named instant', async () => {
    const server = await served();
    const { first: one } = (await server.data<Views>(first('(snapshotId: 3)'))) as { first: View };
    const after = one.orders.pageInfo.endCursor;
    const { next } = (await server.data<Views>(NEXT, { after })) as { next: View };
    expect(next.id).toBe(one.id);
    expect(ids(next)).not.toEqual(rowIds(next));
    // A named instant stays one with a cursor of the present.
    const { first: now } = (await server.data<Views>(first(''))) as { first: View };
    const named = NEXT.replace('asOf', 'asOf(snapshotId: 3)');
    const { next: same } = (await server.data<Views>(named, { after: now.orders.pageInfo.endCursor })) as { next: View };
    expect([same.id, ...ids(same)]).toEqual([next.id, ...ids(next)]);
  });

  it('of a table through the generic API', async () => {
    const server = await served();
    const document = (instant: string): string =>
      `query ($after: String) { table(name: "orders") { asOf${instant} { id rows(first: 1, after: $after) { nodes pageInfo { endCursor } } } } }`;
    type Generic = { table: { asOf: { id: string; rows: { pageInfo: { endCursor: string }; nodes: unknown[] } } } };
    const now = await server.data<Generic>(document(''));
    const then = await server.data<Generic>(document('(snapshotId: 3)'));
    await server.engine.append('orders', orders(30, 1));
    for (const { table } of [now, then]) {
      const next = await server.data<Generic>(document(''), { after: table.asOf.rows.pageInfo.endCursor });
      expect(next.table.asOf.id).toBe(table.asOf.id);
      expect(next.table.asOf.rows.nodes).toMatchObject([{ order_id: '2' }]);
    }
    expect(now.table.asOf.id).not.toBe(then.table.asOf.id);
  });
});
