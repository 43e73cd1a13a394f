import { describe, expect, it } from 'vitest';
import { type Loose, liveClient, subscribe, testServer } from '../support/server-support.ts';

type Server = Awaited<ReturnType<typeof testServer>>;
interface Node {
  readonly _rowId: string;
  readonly _fromSnapshotId: number;
  readonly order_id: string;
}

/** Orders 1 to 3 in commit 3, order 2 changed in commit 4; one note. */
async function filled(): Promise<{ readonly server: Server; readonly nodes: readonly Node[] }> {
  const server = await testServer();
  await server.data(`mutation {
    orders: createTable(input: {name: "orders", primaryKey: ["order_id"], columns: [{name: "order_id", type: LONG}, {name: "status", type: STRING}]}) { replayed }
    notes: createTable(input: {name: "notes", columns: [{name: "text", type: STRING}]}) { replayed } }`);
  await server.data('mutation { appendOrders(rows: [{order_id: 1}, {order_id: 2}, {order_id: 3}]) { replayed } }');
  await server.data(
    'mutation { updateOrders(where: {order_id: {eq: 2}}, set: {status: "paid"}) { replayed } appendNotes(rows: [{text: "x"}]) { replayed } }',
  );
  return { server, nodes: await nodesOf(server) };
}

const nodesOf = async (server: Server): Promise<Node[]> =>
  (await server.data<{ asOf: { orders: { nodes: Node[] } } }>('{ asOf { orders { nodes { _rowId _fromSnapshotId order_id } } } }')).asOf
    .orders.nodes;

/** The keys that a filter finds, typed by a variable and by literals, and generic. */
async function found(server: Server, where: Loose, generic: Loose, instant = ''): Promise<unknown[]> {
  const literal = JSON.stringify(where).replace(/"(\w+)":/g, '$1: ');
  const [one, two, three] = await Promise.all([
    server.data<{ asOf: { orders: { nodes: Node[] } } }>(
      `query ($w: OrdersFilter) { asOf${instant} { orders(where: $w) { nodes { order_id } } } }`,
      { w: where },
    ),
    server.data<{ asOf: { orders: { nodes: Node[] } } }>(`{ asOf${instant} { orders(where: ${literal}) { nodes { order_id } } } }`),
    server.data<{ asOf: { table: { rows: { nodes: Node[] } } } }>(
      `query ($w: Filter) { asOf${instant} { table(name: "orders") { rows(where: $w) { nodes } } } }`,
      { w: generic },
    ),
  ]);
  const keys = one.asOf.orders.nodes.map(({ order_id }) => order_id);
  expect(two.asOf.orders.nodes.map(({ order_id }) => order_id)).toEqual(keys);
  expect(three.asOf.table.rows.nodes.map(({ order_id }) => order_id)).toEqual(keys);
  return keys;
}

describe('_rowId and _fromSnapshotId in filters', () => {
  it('read what they name, through the typed and the generic API', async () => {
    const { server, nodes } = await filled();
    const [first, second] = nodes as [Node, Node];
    for (const compact of [false, true]) {
      if (compact) await server.data('mutation { compact { flushedRows } }');
      expect(await found(server, { _rowId: { eq: second._rowId } }, { column: '_rowId', eq: second._rowId })).toEqual(['2']);
      expect(
        await found(server, { _rowId: { in: [first._rowId, second._rowId] } }, { column: '_rowId', in: [first._rowId, second._rowId] }),
      ).toEqual(['1', '2']);
      expect(await found(server, { not: { _rowId: { ne: first._rowId } } }, { not: { column: '_rowId', ne: first._rowId } })).toEqual([
        '1',
      ]);
      expect(await found(server, { _fromSnapshotId: { eq: 4 } }, { column: '_fromSnapshotId', eq: 4 })).toEqual(['2']);
      expect(await found(server, { _fromSnapshotId: { lt: 4 } }, { column: '_fromSnapshotId', lt: 4 })).toEqual(['1', '3']);
      expect(await found(server, { _fromSnapshotId: { eq: 3 } }, { column: '_fromSnapshotId', eq: 3 }, '(snapshotId: 3)')).toEqual([
        '1',
        '2',
        '3',
      ]);
    }
  });

  it('guard an edit: it is made where the version is the one that was read, and by one of two', async () => {
    const { server, nodes } = await filled();
    const where = { _rowId: { eq: nodes[1]?._rowId }, _fromSnapshotId: { eq: nodes[1]?._fromSnapshotId } };
    const edit = 'mutation ($w: OrdersFilter!, $s: String) { updateOrders(where: $w, set: {status: $s}) { updatedRows } }';
    const answers = await Promise.all(['a', 'b'].map((s) => server.data<{ updateOrders: { updatedRows: number } }>(edit, { w: where, s })));
    expect(answers.map(({ updateOrders }) => updateOrders.updatedRows).sort()).toEqual([0, 1]);
  });

  it('are taken by delete, replace, commit, upsert, diff, changes and eraseRows', async () => {
    const { server, nodes } = await filled();
    const [one, two, three] = nodes.map(({ _rowId }) => _rowId);
    const { diff } = await server.data<{ diff: Loose }>(
      `{ diff(from: {snapshotId: 2}) { orders(where: {_fromSnapshotId: {eq: 4}}) { insertedRows } table(name: "orders", where: {column: "_rowId", eq: "${two}"}) { changes { nodes { kind } } } } }`,
    );
    expect(diff).toEqual({ orders: { insertedRows: 1 }, table: { changes: { nodes: [{ kind: 'INSERT' }] } } });
    const answers = await server.data(
      `mutation ($one: ID, $two: ID!) {
        upsertOrders(rows: [{order_id: 1, status: "u"}, {order_id: 2, status: "u"}], onConflict: {where: {_fromSnapshotId: {eq: 3}}}) { updatedRows }
        commit(operations: [{orders: {update: {where: {_rowId: {eq: $two}}, set: {status: "c"}}}}, {delete: {table: "orders", where: {column: "_rowId", eq: "${three}"}}}]) { updatedRows deletedRows }
        deleteOrders(where: {_rowId: {eq: $one}}) { deletedRows rows { order_id } }
        replaceOrders(rows: [{order_id: 9}], where: {_rowId: {in: [$two]}}) { insertedRows deletedRows }
        eraseRows(table: "orders", where: {column: "_rowId", eq: "${one}"}, reason: "asked for") { erasedRows }
      }`,
      { one, two },
    );
    expect(answers).toEqual({
      upsertOrders: { updatedRows: 1 },
      commit: { updatedRows: 1, deletedRows: 1 },
      deleteOrders: { deletedRows: 1, rows: [{ order_id: '1' }] },
      replaceOrders: { insertedRows: 1, deletedRows: 1 },
      eraseRows: { erasedRows: 1 },
    });
  });

  it('are taken by live queries and subscriptions to changes', async () => {
    const { server, nodes } = await filled();
    const where = `{_rowId: {eq: "${nodes[1]?._rowId}"}}`;
    const client = liveClient(server.url);
    const live = await subscribe<Loose>(server, client, `subscription { live { orders(where: ${where}) { nodes { status } } } }`);
    const typed = await subscribe<Loose>(server, client, `subscription { ordersChanges(where: ${where}) { changes { kind } } }`);
    const generic = await subscribe<Loose>(
      server,
      client,
      `subscription { changes(table: "orders", where: {column: "_rowId", eq: "${nodes[1]?._rowId}"}) { changes { kind } } }`,
    );
    expect(await live.take()).toEqual({ live: { orders: { nodes: [{ status: 'paid' }] } } });
    await server.data('mutation { updateOrders(where: {and: []}, set: {status: "all"}) { updatedRows } }');
    expect(await live.take()).toEqual({ live: { orders: { nodes: [{ status: 'all' }] } } });
    expect(await typed.take()).toEqual({ ordersChanges: { changes: [{ kind: 'UPDATE' }] } });
    expect(await generic.take()).toEqual({ changes: { changes: [{ kind: 'UPDATE' }] } });
  });

  it('refuse ids that name no row of the table, and null', async () => {
    const { server, nodes } = await filled();
    const { asOf } = await server.data<{ asOf: { orders: { nodes: { id: string }[] }; notes: { nodes: Node[] } } }>(
      '{ asOf(snapshotId: 5) { id orders { nodes { id } } notes { nodes { _rowId } } } }',
    );
    const cases: readonly (readonly [string, unknown, string])[] = [
      ['a version', asOf.orders.nodes[0]?.id, 'one version'],
      ['a row of another table', asOf.notes.nodes[0]?._rowId, 'another table'],
      ['something else', 'x', 'not an id of a row'],
      ['a number', 1, 'not an id of a row'],
      ['null', null, 'null'],
    ];
    for (const [name, id, word] of cases) {
      const typed = await server.query('mutation ($i: ID) { deleteOrders(where: {_rowId: {eq: $i}}) { deletedRows } }', { i: id });
      const listed = await server.query('query ($w: OrdersFilter) { asOf { orders(where: $w) { totalCount } } }', {
        w: { _rowId: { in: [nodes[0]?._rowId, ...(id === null ? [] : [id])] }, ...(id === null ? { _fromSnapshotId: { eq: null } } : {}) },
      });
      const generic = await server.query(
        'mutation ($i: JSON) { delete(table: "orders", where: {column: "_rowId", eq: $i}) { deletedRows } }',
        { i: id },
      );
      for (const { errors } of [typed, listed, generic]) {
        expect(errors?.[0]?.extensions.code, name).toBe('BAD_USER_INPUT');
        expect(errors?.[0]?.message, name).toContain(word);
      }
    }
    const unset = await server.query(
      'mutation ($i: ID, $s: SafeInt) { deleteOrders(where: {_rowId: {eq: $i}, _fromSnapshotId: {eq: $s}}) { deletedRows } }',
      { i: nodes[0]?._rowId },
    );
    expect(unset.errors?.[0]).toMatchObject({ message: expect.stringContaining('$s'), extensions: { code: 'BAD_USER_INPUT' } });
    const ordered = await server.query('{ asOf { table(name: "orders") { rows(where: {column: "_rowId", gt: "x"}) { totalCount } } } }');
    expect(ordered.errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
    expect(await nodesOf(server)).toHaveLength(3);
  });
});
