import { describe, expect, it } from 'vitest';
import { COLUMN_TYPES } from '../../src/engine/index.ts';
import { CUSTOMERS, ORDERS, orders, SAMPLES, type TestServer, testServer } from '../support/server-support.ts';

const APPEND =
  'mutation ($table: String!, $rows: [JSON!]!, $options: CommitOptions) { append(table: $table, rows: $rows, options: $options) { commit { snapshotId timestamp } } }';

interface Committed {
  readonly snapshotId: number;
  readonly timestamp: string;
}

async function append(server: TestServer, table: string, rows: readonly unknown[], options: object = {}): Promise<Committed> {
  return (await server.data<{ append: { commit: Committed } }>(APPEND, { table, rows, options })).append.commit;
}

describe('a table is created through the API', () => {
  it('with every column type, and reads back as it was described', async () => {
    const server = await testServer();
    const columns = COLUMN_TYPES.map((type) => ({
      name: `c_${type.toLowerCase()}`,
      type,
      ...(type === 'DECIMAL' ? { precision: 10, scale: 2 } : {}),
    }));
    const input = {
      name: 'all',
      description: 'Every type.',
      columns: [{ name: 'id', type: 'LONG', description: 'The key.' }, ...columns],
      primaryKey: ['id'],
    };
    const answer = await server.data<{ createTable: { view: { table: { table: { columns: object[] } } } } }>(
      `mutation ($input: CreateTableInput!) { createTable(input: $input) {
        commit { snapshotId snapshots { operation } } replayed insertedRows
        snapshots { operation summary { totalRows } }
        view { table(name: "all") { rowCount table { name graphqlName primaryKey description droppedAt
          columns { fieldId name graphqlName type required precision scale default description } } } }
      } }`,
      { input },
    );
    expect(answer.createTable).toMatchObject({
      commit: { snapshotId: 1, snapshots: [{ operation: 'CREATE' }] },
      snapshots: [{ operation: 'CREATE', summary: { totalRows: 0 } }],
      view: {
        table: { rowCount: 0, table: { name: 'all', graphqlName: 'all', primaryKey: ['id'], description: 'Every type.', droppedAt: null } },
      },
    });
    const described = answer.createTable.view.table.table.columns;
    expect(described).toHaveLength(COLUMN_TYPES.length + 1);
    expect(described[0]).toMatchObject({ name: 'id', graphqlName: 'id_', required: true, description: 'The key.', default: null });
    expect(described.slice(1)).toMatchObject(columns);
  });

  it('whose name is there already: TABLE_EXISTS, the same table with IGNORE, SCHEMA_MISMATCH where columns differ', async () => {
    const server = await testServer();
    const create = (columns: string, ifExists: string): string =>
      `mutation { createTable(input: {name: "t", columns: [${columns}], ifExists: ${ifExists}}) { commit { snapshotId } snapshots { snapshotId table { name } } } }`;
    await server.data(create('{name: "a", type: INT}', 'ERROR'));
    expect((await server.failure(create('{name: "a", type: INT}', 'ERROR'))).extensions).toMatchObject({
      code: 'TABLE_EXISTS',
      details: { table: 't' },
    });
    expect(await server.data(create('{name: "a", type: INT}', 'IGNORE'))).toEqual({
      createTable: { commit: null, snapshots: [{ snapshotId: 1, table: { name: 't' } }] },
    });
    for (const columns of [
      '{name: "a", type: LONG}',
      '{name: "b", type: INT}',
      '{name: "a", type: INT, required: true}',
      '{name: "a", type: INT}, {name: "b", type: INT}',
    ])
      expect((await server.failure(create(columns, 'IGNORE'))).extensions.code, columns).toBe('SCHEMA_MISMATCH');
    expect(server.engine.headSnapshotId).toBe(1);
  });

  it.each([
    ['Big', 'a', 'INVALID_NAME'],
    ['with space', 'a', 'INVALID_NAME'],
    ['_x', 'a', 'INVALID_NAME'],
    ['', 'a', 'INVALID_NAME'],
    ['t'.repeat(64), 'a', 'INVALID_NAME'],
    ['ok', '_row', 'INVALID_NAME'],
    ['ok', '1a', 'INVALID_NAME'],
    ['ok', 'ä', 'INVALID_NAME'],
    ['ok', 'a"; DROP', 'INVALID_NAME'],
    ['order_items', 'a', 'NAME_COLLISION'],
    ['orderitems', 'a', 'NAME_COLLISION'],
    ['append', 'a', 'NAME_COLLISION'],
  ])('named %j with a column %j: %s', async (name, column, code) => {
    const server = await testServer({ tables: [{ name: 'orderItems', columns: [{ name: 'a', type: 'INT' }] }] });
    const document = 'mutation ($input: CreateTableInput!) { createTable(input: $input) { replayed } }';
    const { extensions } = await server.failure(document, { input: { name, columns: [{ name: column, type: 'INT' }] } });
    expect(extensions.code).toBe(code);
    if (code === 'NAME_COLLISION') expect(extensions.details).toMatchObject({ name, other: expect.any(String) });
  });

  it('a collision is solved by a graphqlName, and the generic API keeps the own names', async () => {
    const server = await testServer({ tables: [{ name: 'orderItems', columns: [{ name: 'a', type: 'INT' }] }] });
    const answer = await server.data(
      `mutation { createTable(input: {name: "order_items", graphqlName: "items2", columns: [{name: "a", type: INT}, {name: "A_", graphqlName: "b", type: INT}]}) {
        snapshots { table { name graphqlName columns { name graphqlName } } } } }`,
    );
    const columns = [
      { name: 'a', graphqlName: 'a' },
      { name: 'A_', graphqlName: 'b' },
    ];
    expect(answer).toEqual({ createTable: { snapshots: [{ table: { name: 'order_items', graphqlName: 'items2', columns } }] } });
    expect(
      await server.data('mutation { appendItems2(rows: [{a: 1, b: 2}]) { view { table(name: "order_items") { rows { nodes } } } } }'),
    ).toEqual({
      appendItems2: { view: { table: { rows: { nodes: [{ a: 1, A_: 2 }] } } } },
    });
  });

  it.each(['table', 'tables', 'snapshotId', 'timestamp', 'id', 'from', 'to', 'then', 'catalog', 'row'])(
    'the reserved table name %s gets an underscore in the typed API, and the generic API keeps it',
    async (name) => {
      const server = await testServer({
        tables: [
          { name, columns: ['id', 'and', 'or', 'not', 'then', 'true', 'false', 'null'].map((column) => ({ name: column, type: 'INT' })) },
        ],
      });
      await append(server, name, [{ id: 1, and: 2, null: 3 }]);
      const answer = await server.data(
        `{ asOf { ${name}_(where: {id_: {eq: 1}}) { nodes { id_ and_ or_ not_ then_ true_ false_ null_ } } table(name: "${name}") { rows { nodes } } } }`,
      );
      const none = Object.fromEntries(['or', 'not', 'then', 'true', 'false'].map((column) => [column, null]));
      const typed = { id_: 1, and_: 2, null_: 3, or_: null, not_: null, then_: null, true_: null, false_: null };
      expect(answer).toEqual({
        asOf: { [`${name}_`]: { nodes: [typed] }, table: { rows: { nodes: [{ id: 1, and: 2, null: 3, ...none }] } } },
      });
    },
  );
});

describe('rows of any table, typed at run time', () => {
  it('go in and come out as JSON objects with the columns’ own names', async () => {
    const server = await testServer({ tables: [CUSTOMERS, SAMPLES] });
    await append(server, 'customers', [
      { id: 1, name: 'A' },
      { id: '2', name: 'B', active: null, born: '2000-02-29' },
    ]);
    await append(server, 'samples', [
      { a_long: '9007199254740993', a_decimal: '1.5', a_json: { x: [null] }, an_instant: 1_700_000_000_000 },
    ]);
    const answer = await server.data(`{ asOf {
      c: table(name: "customers") { snapshotId rowCount snapshot { snapshotId operation } columns { name }
        rows(orderBy: [{column: "id", direction: DESC}], columns: ["born", "id"]) { totalCount nodes edges { node } } }
      s: table(name: "samples") { rows(columns: ["a_long", "a_decimal", "a_json", "an_instant"]) { nodes } }
    } }`);
    const nodes = [
      { born: '2000-02-29', id: '2' },
      { born: null, id: '1' },
    ];
    expect(answer).toEqual({
      asOf: {
        c: {
          snapshotId: 4,
          rowCount: 2,
          snapshot: { snapshotId: 3, operation: 'APPEND' },
          columns: [{ name: 'id' }, { name: 'name' }, { name: 'active' }, { name: 'born' }],
          rows: { totalCount: 2, nodes, edges: nodes.map((node) => ({ node })) },
        },
        s: {
          rows: {
            nodes: [{ a_long: '9007199254740993', a_decimal: '1.50000000', a_json: { x: [null] }, an_instant: '2023-11-14T22:13:20.000Z' }],
          },
        },
      },
    });
  });

  it('are filtered by column, combined, and refused where a column is not there', async () => {
    const server = await testServer({ tables: [ORDERS] });
    await append(server, 'orders', orders(1, 6));
    const count = (where: string): string => `rows(where: ${where}) { totalCount }`;
    const answer = await server.data(`{ table(name: "orders") { asOf {
      a: ${count('{column: "status", eq: "paid", ne: "x"}')} b: ${count('{or: [{column: "order_id", in: [1, "6"]}, {column: "amount", lt: 2}]}')}
      c: ${count('{not: {column: "amount", gte: 3}}')} d: ${count('{and: []}')} e: ${count('{column: "placed_at", isNull: true}')}
      f: ${count('{and: [{column: "status", like: "p%"}], column: "order_id", notIn: [2]}')}
    } } }`);
    const totals = (list: Record<string, number>): object =>
      Object.fromEntries(Object.entries(list).map(([key, totalCount]) => [key, { totalCount }]));
    expect(answer).toEqual({ table: { asOf: totals({ a: 3, b: 2, c: 2, d: 6, e: 6, f: 2 }) } });
    for (const args of ['where: {column: "nope", eq: 1}', 'orderBy: [{column: "nope"}]', 'columns: ["nope"]']) {
      const { extensions } = await server.failure(`{ table(name: "orders") { asOf { rows(${args}) { nodes } } } }`);
      expect(extensions, args).toMatchObject({ code: 'COLUMN_NOT_FOUND', details: { column: 'nope' } });
    }
  });

  it('aggregates answer one object a group, under the names that were chosen', async () => {
    const server = await testServer({ tables: [ORDERS] });
    await append(server, 'orders', [...orders(1, 5), { order_id: 9, customer_id: 1 }]);
    const answer = await server.data(`{ table(name: "orders") { asOf {
      groups: aggregate(groupBy: ["status"], functions: [{function: COUNT}, {function: SUM, column: "order_id"}, {as: "mean", function: AVG, column: "amount"}]) { nodes totalCount }
      one: aggregate(where: {column: "status", eq: "paid"}, functions: [{function: MIN, column: "amount"}, {function: MAX, column: "order_id"}, {function: COUNT_DISTINCT, column: "status"}, {as: "c", function: COUNT, column: "placed_at"}]) { nodes totalCount pageInfo { hasNextPage } }
      first: aggregate(groupBy: ["status"], functions: [{function: COUNT}], first: 1) { edges { node } totalCount pageInfo { hasNextPage } }
    } } }`);
    expect(answer).toEqual({
      table: {
        asOf: {
          groups: {
            nodes: [
              { status: 'new', count: 3, sum_order_id: '9', mean: 3.5 },
              { status: 'paid', count: 2, sum_order_id: '6', mean: 3.5 },
              { status: null, count: 1, sum_order_id: '9', mean: null },
            ],
            totalCount: 3,
          },
          one: {
            nodes: [{ min_amount: 2.5, max_order_id: '4', count_distinct_status: 1, c: 0 }],
            totalCount: 1,
            pageInfo: { hasNextPage: false },
          },
          first: { edges: [{ node: { status: 'new', count: 3 } }], totalCount: 3, pageInfo: { hasNextPage: true } },
        },
      },
    });
  });

  it('pages are pinned by their cursors, under Table.asOf too', async () => {
    const server = await testServer({ tables: [ORDERS] });
    await append(server, 'orders', orders(1, 4));
    const document = `query ($after: String) { table(name: "orders") { asOf { snapshotId rows(first: 3, after: $after, columns: ["order_id"]) { nodes totalCount pageInfo { endCursor hasNextPage } } } } }`;
    type Data = { table: { asOf: { snapshotId: number; rows: { nodes: object[]; totalCount: number; pageInfo: { endCursor: string } } } } };
    const first = (await server.data<Data>(document)).table.asOf;
    await append(server, 'orders', orders(10, 5));
    const second = (await server.data<Data>(document, { after: first.rows.pageInfo.endCursor })).table.asOf;
    expect(second).toMatchObject({
      snapshotId: first.snapshotId,
      rows: { nodes: [{ order_id: '4' }], totalCount: 4, pageInfo: { hasNextPage: false } },
    });
  });

  it('files and manifest say where rows lie, before and after compaction', async () => {
    const server = await testServer({ tables: [ORDERS] });
    await append(server, 'orders', orders(1, 3));
    const document = `{ asOf { table(name: "orders") { rowCount files { nodes { kind rowCount path fromSnapshotId toSnapshotId bounds { column min max nullCount } } } } }
      table(name: "orders") { currentSnapshot { manifest { nodes { kind rowCount } } } } }`;
    expect(await server.data(document)).toMatchObject({
      asOf: { table: { rowCount: 3, files: { nodes: [{ kind: 'HOT', rowCount: 3, path: null }] } } },
      table: { currentSnapshot: { manifest: { nodes: [{ kind: 'HOT', rowCount: 3 }] } } },
    });
    expect(await server.data('mutation { compact(table: "orders") { tables { name } flushedRows mergedFiles } }')).toEqual({
      compact: { tables: [{ name: 'orders' }], flushedRows: 3, mergedFiles: 0 },
    });
    const bounds = expect.arrayContaining([
      { column: 'order_id', min: '1', max: '3', nullCount: 0 },
      expect.objectContaining({ column: 'placed_at', nullCount: 3 }),
    ]);
    expect(await server.data(document)).toMatchObject({
      asOf: {
        table: { rowCount: 3, files: { nodes: [{ kind: 'PARQUET', rowCount: 3, path: expect.stringContaining('.parquet'), bounds }] } },
      },
      table: { currentSnapshot: { manifest: { nodes: [{ kind: 'PARQUET', rowCount: 3 }] } } },
    });
  });
});
