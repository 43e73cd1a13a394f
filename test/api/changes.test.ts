import { describe, expect, it } from 'vitest';
import { codeOf, filled, rowsOf } from '../support/changed-orders.ts';

describe('changes through the typed API', () => {
  it('update: counts, the new versions, and the state right after it in one answer', async () => {
    const server = await filled();
    const answer = await server.data(`mutation {
      updateOrders(where: {status: {eq: "new"}}, set: {status: "paid", amount: null}, options: {author: "me", message: "why"}) {
        updatedRows insertedRows deletedRows
        commit { snapshotId author message hash snapshots { operation summary { updatedRows totalRows } } }
        rows { order_id status amount _fromSnapshotId }
        view { snapshotId orders(where: {status: {eq: "paid"}}) { totalCount } }
      }
    }`);
    expect(answer).toMatchObject({
      updateOrders: {
        updatedRows: 2,
        insertedRows: 0,
        deletedRows: 0,
        commit: {
          snapshotId: 4,
          author: 'me',
          message: 'why',
          snapshots: [{ operation: 'UPDATE', summary: { updatedRows: 2, totalRows: 3 } }],
        },
        rows: [
          { order_id: '1', status: 'paid', amount: null, _fromSnapshotId: 4 },
          { order_id: '3', status: 'paid', amount: null, _fromSnapshotId: 4 },
        ],
        view: { snapshotId: 4, orders: { totalCount: 3 } },
      },
    });
  });

  it('delete answers with the versions that it ended; what matches nothing makes no commit', async () => {
    const server = await filled();
    expect(
      await server.data('mutation { deleteOrders(where: {amount: {gt: 15}}) { deletedRows rows { order_id _fromSnapshotId } } }'),
    ).toEqual({
      deleteOrders: {
        deletedRows: 2,
        rows: [
          { order_id: '2', _fromSnapshotId: 3 },
          { order_id: '3', _fromSnapshotId: 3 },
        ],
      },
    });
    expect(
      await server.data(
        'mutation { deleteOrders(where: {amount: {gt: 15}}) { deletedRows commit { snapshotId } snapshots { snapshotId } } }',
      ),
    ).toEqual({ deleteOrders: { deletedRows: 0, commit: null, snapshots: [{ snapshotId: 4 }] } });
  });

  it('upsert: rows in input order, what is given of old keys changed, new ones added', async () => {
    const server = await filled();
    const answer = await server.data(`mutation { upsertOrders(rows: [{order_id: "9"}, {order_id: "2", amount: 21}]) {
      insertedRows updatedRows rows { order_id status amount } } }`);
    expect(answer).toEqual({
      upsertOrders: {
        insertedRows: 1,
        updatedRows: 1,
        rows: [
          { order_id: '9', status: 'new', amount: null },
          { order_id: '2', status: 'paid', amount: 21 },
        ],
      },
    });
    expect((await rowsOf(server)).map(({ order_id }) => order_id)).toEqual(['1', '2', '3', '9']);
  });

  it('replace of the rows that match, and of the whole table', async () => {
    const server = await filled();
    await server.data(
      'mutation { replaceOrders(rows: [{order_id: "7"}, {order_id: "3", amount: 33}], where: {amount: {gte: 20}}) { commit { snapshotId } } }',
    );
    expect((await rowsOf(server)).map(({ order_id }) => order_id)).toEqual(['1', '3', '7']);
    await server.data('mutation { replaceOrders(rows: [{order_id: "5"}]) { commit { snapshotId } } }');
    expect((await rowsOf(server)).map(({ order_id }) => order_id)).toEqual(['5']);
  });

  it.each([
    ['an empty filter', 'deleteOrders(where: {}) { deletedRows }'],
    ['an empty condition', 'deleteOrders(where: {status: {}}) { deletedRows }'],
    ['an empty filter inside', 'deleteOrders(where: {or: [{status: {eq: "new"}}, {}]}) { deletedRows }'],
    ['not of an empty filter', 'updateOrders(where: {not: {}}, set: {amount: 1}) { updatedRows }'],
    ['a null operand', 'deleteOrders(where: {status: {eq: null}}) { deletedRows }'],
    ['an empty filter of replace', 'replaceOrders(rows: [], where: {}) { deletedRows }'],
    ['nothing to set', 'updateOrders(where: {status: {eq: "new"}}, set: {}) { updatedRows }'],
    ['the generic API alike', 'delete(table: "orders", where: {}) { deletedRows }'],
    ['inside too', 'update(table: "orders", where: {and: [{}]}, set: {amount: 1}) { updatedRows }'],
  ])('%s is BAD_USER_INPUT and changes nothing', async (_what, field) => {
    const server = await filled();
    expect(await codeOf(server, `mutation { ${field} }`)).toBe('BAD_USER_INPUT');
    expect(await rowsOf(server)).toHaveLength(3);
  });

  it('a variable that was not given does not widen a filter', async () => {
    const server = await filled();
    const document = 'mutation ($status: String) { deleteOrders(where: {status: {eq: $status}}) { deletedRows } }';
    expect(await codeOf(server, document, {})).toBe('BAD_USER_INPUT');
    expect(
      await codeOf(server, 'mutation ($s: JSON) { delete(table: "orders", where: {column: "status", eq: $s}) { deletedRows } }', {}),
    ).toBe('BAD_USER_INPUT');
    expect(await rowsOf(server)).toHaveLength(3);
  });

  it.each<[string, string]>([
    ['delete', 'mutation ($v: JSON) { delete(table: "orders", where: {column: "amount", gte: 1, eq: $v}) { deletedRows } }'],
    [
      'update',
      'mutation ($v: JSON) { update(table: "orders", where: {column: "amount", gte: 1, eq: $v}, set: {amount: 0}) { updatedRows } }',
    ],
    ['replace', 'mutation ($v: Filter) { replace(table: "orders", rows: [], where: $v) { deletedRows } }'],
    ['typed replace', 'mutation ($v: OrdersFilter) { replaceOrders(rows: [], where: $v) { deletedRows } }'],
    [
      'eraseRows',
      'mutation ($v: JSON) { eraseRows(table: "orders", where: {column: "amount", gte: 1, eq: $v}, reason: "x") { erasedRows } }',
    ],
    [
      'commit',
      'mutation ($v: StringCondition) { commit(operations: [{orders: {delete: {amount: {gte: 1}, status: $v}}}]) { deletedRows } }',
    ],
    [
      'commit, generic',
      'mutation ($v: JSON) { commit(operations: [{delete: {table: "orders", where: {column: "amount", gte: 1, lt: $v}}}]) { deletedRows } }',
    ],
    [
      'commit, update',
      'mutation ($v: String) { commit(operations: [{orders: {update: {where: {status: {gte: "", eq: $v}}, set: {amount: 0}}}}]) { updatedRows } }',
    ],
    ['diff', 'query ($v: Float) { diff(from: {snapshotId: 2}) { orders(where: {amount: {gte: 1, eq: $v}}) { insertedRows } } }'],
  ])('nor in %s: it is named', async (_what, document) => {
    const server = await filled();
    const { errors } = await server.query(document, {});
    expect(errors?.[0]).toMatchObject({ extensions: { code: 'BAD_USER_INPUT', details: { variable: 'v' } } });
    expect(await rowsOf(server)).toHaveLength(3);
  });

  it('a filter that is written as null is refused by replace, and a dryRun that is null by restore', async () => {
    const server = await filled();
    expect(await codeOf(server, 'mutation { replaceOrders(rows: [], where: null) { deletedRows } }')).toBe('BAD_USER_INPUT');
    // Inside of what a variable holds it is no other: somebody lost a value.
    for (const operation of [{ orders: { replace: { rows: [], where: null } } }, { replace: { table: 'orders', rows: [], where: null } }]) {
      const { errors } = await server.query('mutation ($all: [CommitOperation!]!) { commit(operations: $all) { deletedRows } }', {
        all: [operation],
      });
      expect(errors?.[0]).toMatchObject({
        message: 'operations[0]: where is null, which would stand for all rows',
        extensions: { code: 'BAD_USER_INPUT' },
      });
    }
    expect(await codeOf(server, 'mutation { restore(to: {snapshotId: 2}, dryRun: null) { dryRun } }')).toBe('BAD_USER_INPUT');
    expect(await codeOf(server, 'mutation { expireSnapshots(retainLast: 1, dryRun: null) { dryRun } }')).toBe('BAD_USER_INPUT');
    expect(await codeOf(server, 'mutation { expireSnapshots(olderThan: "2200-01-01T00:00:00Z") { dryRun } }')).toBe('FUTURE_TIMESTAMP');
    expect(await codeOf(server, 'mutation { delete(table: "orders", where: {and: [{and: []}]}) { deletedRows } }')).toBe('BAD_USER_INPUT');
    expect(await rowsOf(server)).toHaveLength(3);
  });

  it('{and: []} at the top is how one says all', async () => {
    const server = await filled();
    expect(await server.data('mutation { deleteOrders(where: {and: []}) { deletedRows } }')).toEqual({ deleteOrders: { deletedRows: 3 } });
    expect(await rowsOf(server)).toEqual([]);
  });
});

describe('changes through the generic API', () => {
  it('delete, update, upsert and replace take column names and JSON', async () => {
    const server = await filled();
    const answer = await server.data(`mutation {
      update(table: "orders", where: {column: "order_id", eq: "1"}, set: {amount: 11}) { updatedRows }
      upsert(table: "orders", rows: [{order_id: 2, amount: 22}]) { updatedRows }
      delete(table: "orders", where: {column: "order_id", in: ["3"]}) { deletedRows }
      replace(table: "notes", rows: [{text: "a"}]) { insertedRows }
    }`);
    expect(answer).toEqual({
      update: { updatedRows: 1 },
      upsert: { updatedRows: 1 },
      delete: { deletedRows: 1 },
      replace: { insertedRows: 1 },
    });
    expect(await rowsOf(server)).toEqual([
      { order_id: '1', status: 'new', amount: 11 },
      { order_id: '2', status: 'paid', amount: 22 },
    ]);
  });

  it.each([
    ['a column that is not there', 'update(table: "orders", where: {and: []}, set: {nope: 1}) { updatedRows }', 'INVALID_ROW'],
    ['a value that does not fit', 'update(table: "orders", where: {and: []}, set: {amount: "x"}) { updatedRows }', 'INVALID_ROW'],
    ['null in a key', 'update(table: "orders", where: {and: []}, set: {order_id: null}) { updatedRows }', 'INVALID_ROW'],
    ['one key for several rows', 'update(table: "orders", where: {and: []}, set: {order_id: 1}) { updatedRows }', 'INVALID_ROW'],
    ['set that is no object', 'update(table: "orders", where: {and: []}, set: 5) { updatedRows }', 'BAD_USER_INPUT'],
    ['a key twice', 'upsert(table: "orders", rows: [{order_id: 5}, {order_id: 5}]) { updatedRows }', 'INVALID_ROW'],
    ['upsert without a key', 'upsert(table: "notes", rows: [{text: "x"}]) { updatedRows }', 'BAD_USER_INPUT'],
    ['a table that is not there', 'delete(table: "nope", where: {and: []}) { deletedRows }', 'TABLE_NOT_FOUND'],
    ['a column in the filter', 'delete(table: "orders", where: {column: "nope", eq: 1}) { deletedRows }', 'COLUMN_NOT_FOUND'],
    [
      'a snapshot that is not the newest',
      'delete(table: "orders", where: {and: []}, options: {expectedSnapshotId: 2}) { deletedRows }',
      'CONFLICT',
    ],
  ])('%s is refused and changes nothing', async (_what, field, code) => {
    const server = await filled();
    expect(await codeOf(server, `mutation { ${field} }`)).toBe(code);
    expect(await server.data('{ commits(first: 1) { nodes { snapshotId } } }')).toEqual({ commits: { nodes: [{ snapshotId: 3 }] } });
  });

  it('a retry with an idempotencyKey returns the first commit, also where it finds nothing to do any more', async () => {
    const server = await filled();
    const document =
      'mutation { deleteOrders(where: {amount: {gt: 15}}, options: {idempotencyKey: "k"}) { replayed deletedRows commit { snapshotId } } }';
    expect(await server.data(document)).toEqual({ deleteOrders: { replayed: false, deletedRows: 2, commit: { snapshotId: 4 } } });
    expect(await server.data(document)).toEqual({ deleteOrders: { replayed: true, deletedRows: 2, commit: { snapshotId: 4 } } });
    const other = document.replace('15', '5');
    expect(await codeOf(server, other)).toBe('IDEMPOTENCY_KEY_REUSED');
  });
});

describe('commit(operations)', () => {
  it('takes both APIs and tables that it creates, in order, as one commit', async () => {
    const server = await filled();
    const answer = await server.data(`mutation {
      commit(operations: [
        {createTable: {name: "audit", columns: [{name: "what", type: STRING}]}}
        {append: {table: "audit", rows: [{what: "moved"}]}}
        {orders: {update: {where: {order_id: {eq: "1"}}, set: {status: "moved"}}}}
        {orders: {append: [{order_id: "4"}]}}
        {delete: {table: "orders", where: {column: "status", eq: "moved"}}}
        {alterTable: {table: "notes", changes: [{addColumn: {name: "at", type: TIMESTAMPTZ}}]}}
      ], options: {message: "all at once"}) {
        commit { snapshotId message snapshots { operation table { name } summary { insertedRows deletedRows updatedRows } } }
        insertedRows updatedRows deletedRows
      }
    }`);
    expect(answer).toEqual({
      commit: {
        commit: {
          snapshotId: 4,
          message: 'all at once',
          snapshots: [
            { operation: 'CREATE', table: { name: 'audit' }, summary: { insertedRows: 1, deletedRows: 0, updatedRows: 0 } },
            { operation: 'UPDATE', table: { name: 'orders' }, summary: { insertedRows: 1, deletedRows: 1, updatedRows: 0 } },
            { operation: 'ALTER', table: { name: 'notes' }, summary: { insertedRows: 0, deletedRows: 0, updatedRows: 0 } },
          ],
        },
        insertedRows: 2,
        updatedRows: 0,
        deletedRows: 1,
      },
    });
    expect((await rowsOf(server)).map(({ order_id }) => order_id)).toEqual(['2', '3', '4']);
  });

  it('is all or nothing: an error names the operation', async () => {
    const server = await filled();
    const { errors } = await server.query(`mutation {
      commit(operations: [{append: {table: "notes", rows: [{text: "x"}]}}, {append: {table: "orders", rows: [{order_id: 1}]}}]) { insertedRows }
    }`);
    expect(errors?.[0]).toMatchObject({ extensions: { code: 'INVALID_ROW', details: { operation: 1 } } });
    expect(errors?.[0]?.message).toContain('operations[1] (append)');
    expect(await server.data('{ asOf { notes { totalCount } } }')).toEqual({ asOf: { notes: { totalCount: 0 } } });
  });
});
