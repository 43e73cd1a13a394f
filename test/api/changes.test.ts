import { describe, expect, it } from 'vitest';
import { type Loose, testServer } from '../support/server-support.ts';

type Server = Awaited<ReturnType<typeof testServer>>;

const TABLES = `mutation {
  orders: createTable(input: {name: "orders", primaryKey: ["order_id"], columns: [
    {name: "order_id", type: LONG}, {name: "status", type: STRING, default: "new"}, {name: "amount", type: DOUBLE}]}) { commit { snapshotId } }
  notes: createTable(input: {name: "notes", columns: [{name: "text", type: STRING}]}) { commit { snapshotId } }
}`;

/** Two tables, and three orders in commit 3. */
async function filled(): Promise<Server> {
  const server = await testServer();
  await server.data(TABLES);
  await server.data(`mutation { appendOrders(rows: [
    {order_id: "1", amount: 10}, {order_id: "2", amount: 20, status: "paid"}, {order_id: "3", amount: 30}]) { insertedRows } }`);
  return server;
}

const ORDERS = '{ asOf { orders { nodes { order_id status amount } } } }';
const rowsOf = async (server: Server, document = ORDERS): Promise<Loose[]> =>
  (await server.data<{ asOf: { orders: { nodes: Loose[] } } }>(document)).asOf.orders.nodes;
const codeOf = async (server: Server, document: string, variables?: Loose): Promise<string | undefined> =>
  (await server.query(document, variables)).errors?.[0]?.extensions.code;

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

describe('history through the API', () => {
  it('diff: net, in steps, filtered, generic and typed; Snapshot.changes', async () => {
    const server = await filled();
    await server.data('mutation { updateOrders(where: {order_id: {eq: "1"}}, set: {amount: 11}) { updatedRows } }');
    await server.data('mutation { updateOrders(where: {order_id: {eq: "1"}}, set: {amount: 12}) { updatedRows } }');
    await server.data('mutation { deleteOrders(where: {order_id: {eq: "2"}}) { deletedRows } }');
    const answer = await server.data(`{
      diff(from: {snapshotId: 3}) {
        from { snapshotId } to { snapshotId }
        tables { table { name } insertedRows updatedRows deletedRows }
        orders { updatedRows deletedRows changes { nodes { kind snapshotId before { amount } after { amount } } } }
        steps: orders(mode: FULL, kinds: [UPDATE]) { updatedRows changes(first: 1) { nodes { snapshotId after { amount } } pageInfo { hasNextPage endCursor } } }
        table(name: "orders", where: {column: "amount", eq: 20}) { deletedRows updatedRows changes { nodes { kind before after } } }
      }
      table(name: "orders") { snapshot(snapshotId: 5) { changes { nodes { kind before after } } } }
    }`);
    expect(answer).toMatchObject({
      diff: {
        from: { snapshotId: 3 },
        to: { snapshotId: 6 },
        tables: [{ table: { name: 'orders' }, insertedRows: 0, updatedRows: 1, deletedRows: 1 }],
        orders: {
          updatedRows: 1,
          deletedRows: 1,
          changes: {
            nodes: [
              { kind: 'UPDATE', snapshotId: 5, before: { amount: 10 }, after: { amount: 12 } },
              { kind: 'DELETE', snapshotId: 6, before: { amount: 20 }, after: null },
            ],
          },
        },
        steps: { updatedRows: 2, changes: { nodes: [{ snapshotId: 4, after: { amount: 11 } }], pageInfo: { hasNextPage: true } } },
        table: {
          deletedRows: 1,
          updatedRows: 0,
          changes: { nodes: [{ kind: 'DELETE', before: { order_id: '2', status: 'paid', amount: 20 }, after: null }] },
        },
      },
      table: {
        snapshot: {
          changes: {
            nodes: [
              { kind: 'UPDATE', before: { order_id: '1', status: 'new', amount: 11 }, after: { order_id: '1', status: 'new', amount: 12 } },
            ],
          },
        },
      },
    });
  });

  it('pages of a diff go on from their cursor, also where newer commits have come; cursors of other diffs are refused', async () => {
    const server = await filled();
    const page = (after: string | null, more = ''): string =>
      `{ diff(from: {snapshotId: 2}) { orders(${more}mode: NET) { changes(first: 2, after: ${JSON.stringify(after)}) { nodes { after { order_id } } pageInfo { endCursor hasNextPage } } } } }`;
    type Page = { diff: { orders: { changes: { nodes: Loose[]; pageInfo: { endCursor: string; hasNextPage: boolean } } } } };
    const first = (await server.data<Page>(page(null))).diff.orders.changes;
    expect(first.nodes).toHaveLength(2);
    await server.data('mutation { deleteOrders(where: {order_id: {eq: "3"}}) { deletedRows } }');
    const second = (await server.data<Page>(page(first.pageInfo.endCursor))).diff.orders.changes;
    expect(second).toMatchObject({ nodes: [{ after: { order_id: '3' } }], pageInfo: { hasNextPage: false } });
    const other = page(first.pageInfo.endCursor).replace('snapshotId: 2', 'snapshotId: 1');
    expect(await codeOf(server, other)).toBe('CURSOR_INVALID');
    expect(await codeOf(server, page(first.pageInfo.endCursor).replace('NET', 'FULL'))).toBe('CURSOR_INVALID');
  });

  it('restore: a dry run says what it would change, then it does', async () => {
    const server = await filled();
    await server.data('mutation { createTag(name: "good", message: "before") { name commit { snapshotId } } }');
    await server.data('mutation { deleteOrders(where: {and: []}) { deletedRows } }');
    const restore = (dryRun: boolean): string => `mutation { restore(to: {tag: "good"}, dryRun: ${dryRun}) {
      dryRun commit { snapshotId } insertedRows diff { orders { insertedRows changes { nodes { kind after { order_id } } } } } } }`;
    const dry = await server.data<{ restore: Loose }>(restore(true));
    expect(dry.restore).toMatchObject({ dryRun: true, commit: null, insertedRows: 3, diff: { orders: { insertedRows: 3 } } });
    expect(await rowsOf(server)).toEqual([]);
    const done = await server.data<{ restore: Loose }>(restore(false));
    expect(done.restore).toMatchObject({ dryRun: false, commit: { snapshotId: 5 }, insertedRows: 3 });
    expect(done.restore['diff']).toEqual(dry.restore['diff']);
    expect(await rowsOf(server)).toHaveLength(3);
    expect(await rowsOf(server, '{ asOf(snapshotId: 4) { orders { nodes { order_id } } } }'), 'nothing is lost').toEqual([]);
  });

  it('tags: listed, read by, refused twice, dropped', async () => {
    const server = await filled();
    await server.data('mutation { createTag(name: "v1", at: {snapshotId: 2}) { name } }');
    expect(
      await server.data('{ tags { nodes { name commit { snapshotId } } } asOf(tag: "v1") { snapshotId orders { totalCount } } }'),
    ).toEqual({
      tags: { nodes: [{ name: 'v1', commit: { snapshotId: 2 } }] },
      asOf: { snapshotId: 2, orders: { totalCount: 0 } },
    });
    expect(await codeOf(server, 'mutation { createTag(name: "v1") { name } }')).toBe('TAG_EXISTS');
    expect(await codeOf(server, '{ asOf(tag: "v2") { snapshotId } }')).toBe('TAG_NOT_FOUND');
    expect(await codeOf(server, 'mutation { createTag(name: "no spaces") { name } }')).toBe('INVALID_NAME');
    expect(await codeOf(server, '{ asOf(tag: "v1", snapshotId: 2) { snapshotId } }')).toBe('BAD_USER_INPUT');
    await server.data('mutation { dropTag(name: "v1") { name } }');
    expect(await codeOf(server, 'mutation { dropTag(name: "v1") { name } }')).toBe('TAG_NOT_FOUND');
  });

  it('expireSnapshots, retention and availableFrom; an age is an age', async () => {
    const server = await filled();
    for (const n of [4, 5, 6]) await server.data(`mutation { appendOrders(rows: [{order_id: "${n}"}]) { insertedRows } }`);
    expect(
      await server.data('mutation { expireSnapshots(table: "orders", olderThanMs: 3600000) { removedSnapshots } }'),
      'none is an hour old',
    ).toEqual({
      expireSnapshots: { removedSnapshots: 0 },
    });
    expect(
      await server.data('mutation { expireSnapshots(table: "orders", retainLast: 2, dryRun: true) { dryRun removedSnapshots } }'),
    ).toEqual({
      expireSnapshots: { dryRun: true, removedSnapshots: 2 },
    });
    await server.data('mutation { expireSnapshots(table: "orders", retainLast: 2) { removedSnapshots } }');
    expect(
      await server.data('{ table(name: "orders") { snapshots { totalCount nodes { snapshotId } } retention { maxAgeMs inherited } } }'),
    ).toEqual({
      table: {
        snapshots: { totalCount: 2, nodes: [{ snapshotId: 6 }, { snapshotId: 5 }] },
        retention: { maxAgeMs: null, inherited: true },
      },
    });
    const { errors } = await server.query('{ asOf(snapshotId: 4) { orders { totalCount } } }');
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'SNAPSHOT_EXPIRED', details: { oldestSnapshotId: 5 } });
    await server.data(
      'mutation { alterTable(table: "orders", changes: [{setRetention: {maxAgeMs: 1000, minSnapshots: 3}}]) { commit { snapshotId } } }',
    );
    expect(await server.data('{ table(name: "orders") { retention { maxAgeMs minSnapshots inherited } } }')).toEqual({
      table: { retention: { maxAgeMs: 1000, minSnapshots: 3, inherited: false } },
    });
    expect(await codeOf(server, 'mutation { expireSnapshots { removedSnapshots } }')).toBe('BAD_USER_INPUT');
  });

  it('eraseRows and verify', async () => {
    const server = await filled();
    const answer =
      await server.data(`mutation { eraseRows(table: "orders", where: {column: "order_id", eq: "2"}, reason: "asked to", options: {author: "dpo"}) {
      erasedRows erasedVersions commit { snapshotId author message } } }`);
    expect(answer).toEqual({
      eraseRows: { erasedRows: 1, erasedVersions: 1, commit: { snapshotId: 4, author: 'dpo', message: 'asked to' } },
    });
    expect(await rowsOf(server, '{ asOf(snapshotId: 3) { orders { nodes { order_id } } } }')).toEqual([
      { order_id: '1' },
      { order_id: '3' },
    ]);
    expect(await server.data('{ verify { ok commits firstBadCommit findings { what } } }')).toEqual({
      verify: { ok: true, commits: 4, firstBadCommit: null, findings: [] },
    });
  });

  it("the typed API follows alterTable and dropTable at once; the past is read with today's columns", async () => {
    const server = await filled();
    await server.data(`mutation { alterTable(table: "orders", changes: [
      {renameColumn: {name: "status", to: "state"}}, {addColumn: {name: "rank", type: INT, default: 1}}]) { commit { snapshotId } } }`);
    expect(
      await server.data(
        '{ asOf(snapshotId: 3) { orders(where: {rank: {eq: 1}}, first: 1) { nodes { state rank } } table(name: "orders") { columns { name } } } }',
      ),
    ).toEqual({
      asOf: {
        orders: { nodes: [{ state: 'new', rank: 1 }] },
        table: { columns: [{ name: 'order_id' }, { name: 'status' }, { name: 'amount' }] },
      },
    });
    await server.data('mutation { dropTable(table: "orders") { commit { snapshotId } } }');
    expect(await codeOf(server, ORDERS)).toBe('GRAPHQL_VALIDATION_FAILED');
    expect(
      await server.data(
        '{ table(name: "orders") { droppedAt asOf(snapshotId: 3) { rowCount } } tables { nodes { name } } all: tables(includeDropped: true) { nodes { name } } }',
      ),
    ).toMatchObject({
      table: { droppedAt: expect.any(String), asOf: { rowCount: 3 } },
      tables: { nodes: [{ name: 'notes' }] },
      all: { nodes: [{ name: 'orders' }, { name: 'notes' }] },
    });
    expect(await codeOf(server, '{ table(name: "orders") { asOf { rowCount } } }')).toBe('TABLE_NOT_FOUND_AS_OF');
  });
});
