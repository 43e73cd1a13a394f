import { readFileSync } from 'node:fs';
import {
  buildSchema,
  type GraphQLObjectType,
  type GraphQLOutputType,
  getNamedType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { CUSTOMERS, type Loose, ORDERS, orders, SAMPLES, type TestServer, testServer } from '../support/server-support.ts';

const schema = buildSchema(readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8'));
const objects = Object.values(schema.getTypeMap()).filter(
  (type): type is GraphQLObjectType => isObjectType(type) && !type.name.startsWith('__'),
);
const isConnection = (type: GraphQLObjectType): boolean => type.name.endsWith('Connection');

function isList(type: GraphQLOutputType): boolean {
  return isListType(isNonNullType(type) ? type.ofType : type);
}

/** Lists that are no pages, and what bounds each. `*` stands for a table's prefix. */
const BOUNDED: Readonly<Record<string, string>> = {
  'Table.columns': 'columnsMax',
  'Table.primaryKey': 'primaryKeyColumnsMax',
  'Table.notices': 'few: each is a reason of its own',
  'RestorePayload.skippedRowIds': 'the first 100, as its description says; skippedRows counts all',
  'TableView.columns': 'columnsMax',
  'DataFile.bounds': 'one a column',
  'Commit.snapshots': 'one a table that the commit touched',
  'SnapshotEvent.snapshots': 'one a table that the commit touched',
  'CommitPayload.snapshots': 'one a table that the commit touched',
  'CommitPayload.notices': 'one an operation of the commit',
  'RestorePayload.snapshots': 'one a table that is restored',
  'RestorePayload.notices': 'one an operation of the commit',
  'ErasePayload.snapshots': 'one: the table',
  'ErasePayload.notices': 'one: the table',
  '*WritePayload.snapshots': 'one: the table',
  '*WritePayload.notices': 'one: the table',
  '*WritePayload.rows': '1,000, as its description says; insertedRows, updatedRows and deletedRows count all',
  'VerifyReport.findings': 'one a damaged thing that the check of the whole database found',
  'CompactPayload.tables': 'one a table; tablesMax',
  'ExpirePayload.tables': 'one a table; tablesMax',
  'CatalogDiff.tables': 'one a table that differs; tablesMax',
  'RowChangeEvent.changes': 'changesPerEventMax; endOfCommit tells whether the commit goes on',
  '*ChangeEvent.changes': 'changesPerEventMax; endOfCommit tells whether the commit goes on',
};

const PREFIX = /^(?:Orders|Customers|Samples)/;

describe('no list is cut without a word', () => {
  it('every connection has nodes, edges with cursors, pageInfo and totalCount, and a node type of its own', () => {
    const connections = objects.filter(isConnection);
    expect(connections.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        ...['Table', 'Commit', 'Tag', 'Snapshot', 'DataFile', 'Row', 'RowChange', 'JSON'].map((name) => `${name}Connection`),
        ...['OrdersRow', 'OrdersGroup', 'OrdersChange'].map((name) => `${name}Connection`),
      ]),
    );
    for (const type of connections) {
      const name = type.name.replace(/Connection$/, '');
      const fields = type.getFields();
      const node = getNamedType(fields['nodes']?.type ?? type).name;
      expect(
        ['nodes', 'edges', 'pageInfo', 'totalCount'].map((field) => String(fields[field]?.type)),
        type.name,
      ).toEqual([`[${node}!]!`, `[${name}Edge!]!`, 'PageInfo!', 'SafeInt!']);
      const edge = schema.getType(`${name}Edge`) as GraphQLObjectType;
      expect(Object.values(edge.getFields()).map((field) => `${field.name}: ${field.type}`)).toEqual(['cursor: String!', `node: ${node}!`]);
    }
  });

  it('every field that gives a connection takes first and after, and says how many come where none is asked for', () => {
    const fields = objects.flatMap((type) =>
      Object.values(type.getFields())
        .filter((field) => getNamedType(field.type).name.endsWith('Connection'))
        .map((field) => ({ name: `${type.name}.${field.name}`, field })),
    );
    expect(fields.length).toBeGreaterThan(15);
    for (const { name, field } of fields) {
      const names = field.args.map((argument) => argument.name);
      expect(names, name).toEqual(expect.arrayContaining(['first', 'after']));
      const first = field.args.find((argument) => argument.name === 'first');
      expect(first?.defaultValue === 100 || (first?.description ?? '').endsWith('Without first and last it is 50.'), name).toBe(true);
    }
  });

  it('every other list is bounded by what it lists', () => {
    const lists = objects
      .filter((type) => !isConnection(type))
      .flatMap((type) => Object.values(type.getFields()).map((field) => ({ type, field })))
      .filter(({ field }) => isList(field.type))
      .map(({ type, field }) => `${type.name.replace(PREFIX, '*')}.${field.name}`);
    expect(lists.length).toBeGreaterThan(10);
    expect([...new Set(lists)].filter((name) => BOUNDED[name] === undefined)).toEqual([]);
  });
});

interface Counted {
  readonly totalCount: number;
  readonly nodes: readonly unknown[];
  readonly pageInfo: { readonly endCursor: string | null; readonly hasNextPage: boolean };
}

/** totalCount of a list, after it was walked to its end: how many items there were must be the same. */
async function counted(
  server: TestServer,
  wrap: (list: string) => string,
  field: string,
  args: string,
  node = '__typename',
): Promise<number> {
  let after: string | null = null;
  let seen = 0;
  for (;;) {
    const list = `list: ${field}(first: 2, after: $after${args === '' ? '' : `, ${args}`}) { totalCount nodes${node === '' ? '' : ` { ${node} }`} pageInfo { endCursor hasNextPage } }`;
    const data: Loose = await server.data(`query ($after: String) { ${wrap(list)} }`, { after });
    let holder = data;
    while (holder['list'] === undefined) holder = Object.values(holder)[0] as Loose;
    const page = holder['list'] as Counted;
    seen += page.nodes.length;
    if (!page.pageInfo.hasNextPage) {
      expect(seen, `${field}(${args})`).toBe(page.totalCount);
      return page.totalCount;
    }
    after = page.pageInfo.endCursor;
  }
}

describe('totalCount', () => {
  async function busyServer(): Promise<TestServer> {
    const server = await testServer({ tables: [ORDERS, CUSTOMERS, SAMPLES] });
    const { engine } = server;
    for (let n = 1; n <= 7; n += 1) {
      await engine.append('orders', orders(n * 10, 3), { author: n % 2 === 0 ? 'ann' : 'bob' });
      if (n % 3 === 0) await engine.append('customers', [{ id: String(n), name: 'c' }], { author: 'ann' });
      await engine.createTag(`tag${n}`);
    }
    await engine.delete('orders', { kind: 'compare', column: 'order_id', operator: 'eq', value: '10' }, { author: 'ann' });
    await engine.dropTable('samples');
    return server;
  }

  it('is how many items there are in all, of every list and every filter of it', async () => {
    const server = await busyServer();
    const root = (list: string): string => list;
    const table = (list: string): string => `table(name: "orders") { ${list} }`;
    expect(await counted(server, root, 'tables', '')).toBe(2);
    expect(await counted(server, root, 'tables', 'includeDropped: true')).toBe(3);
    expect(await counted(server, root, 'tags', '')).toBe(7);
    expect(await counted(server, root, 'commits', '')).toBe(server.engine.headSnapshotId);
    expect(await counted(server, root, 'commits', 'author: "ann"')).toBe(6);
    expect(await counted(server, root, 'commits', 'author: "nobody"')).toBe(0);
    expect(await counted(server, root, 'commits', 'tables: ["orders"]')).toBe(9);
    expect(await counted(server, root, 'commits', 'tables: ["orders", "customers", "orders"]')).toBe(12);
    expect(await counted(server, root, 'commits', 'tables: ["customers", "orders"], author: "ann"')).toBe(6);
    expect(await counted(server, root, 'commits', 'tables: ["samples"], author: "ann"')).toBe(0);
    expect(await counted(server, root, 'commits', 'tables: []')).toBe(0);
    expect(await counted(server, root, 'commits', 'from: "2000-01-01T00:00:00Z"')).toBe(server.engine.headSnapshotId);
    expect(await counted(server, root, 'commits', 'to: "2000-01-01T00:00:00Z"')).toBe(0);
    expect(await counted(server, root, 'commits', 'from: "2000-01-01T00:00:00Z", tables: ["customers"]')).toBe(3);
    expect(await counted(server, table, 'snapshots', '')).toBe(9);
    expect(await counted(server, table, 'snapshots', 'operation: APPEND')).toBe(7);
    expect(await counted(server, (list) => table(`asOf { ${list} }`), 'rows', '', '')).toBe(20);
    expect(await counted(server, (list) => table(`asOf { ${list} }`), 'rows', 'where: {column: "status", eq: "paid"}', '')).toBe(13);
    expect(await counted(server, (list) => table(`asOf { ${list} }`), 'aggregate', 'groupBy: ["order_id"], functions: []', '')).toBe(20);
    expect(await counted(server, (list) => table(`asOf { ${list} }`), 'aggregate', 'functions: [{function: COUNT}]', '')).toBe(1);
    expect(await counted(server, (list) => table(`asOf { ${list} }`), 'files', '')).toBe(1);
    expect(await counted(server, (list) => table(`currentSnapshot { ${list} }`), 'manifest', '')).toBe(1);
    expect(await counted(server, (list) => table(`currentSnapshot { ${list} }`), 'changes', '')).toBe(1);
    expect(await counted(server, (list) => `asOf { ${list} }`, 'orders', '')).toBe(20);
    expect(await counted(server, (list) => `asOf { orders { ${list} } }`, 'groupBy', 'columns: [order_id]')).toBe(20);
    const diff = (of: string) => (list: string) => `diff(from: {snapshotId: 3}) { ${of} { ${list} } }`;
    expect(await counted(server, diff('orders'), 'changes', '')).toBe(20);
    expect(await counted(server, diff('orders(mode: FULL)'), 'changes', '')).toBe(22);
    expect(await counted(server, diff('orders(mode: FULL, kinds: [DELETE])'), 'changes', '')).toBe(1);
    expect(await counted(server, diff('orders(where: {status: {eq: "paid"}})'), 'changes', '')).toBe(13);
    expect(await counted(server, diff('table(name: "customers")'), 'changes', '')).toBe(2);
  });

  it('alone reads no page: it is given beside arguments that choose one', async () => {
    const server = await busyServer();
    const answer = await server.data(`{
      commits(first: 0) { totalCount nodes { id } }
      tags(last: 1) { totalCount nodes { name } }
      asOf { orders(first: 0) { totalCount groupBy(columns: [status], first: 0) { totalCount nodes { key { status } } } } }
    }`);
    expect(answer).toEqual({
      commits: { totalCount: server.engine.headSnapshotId, nodes: [] },
      tags: { totalCount: 7, nodes: [{ name: 'tag7' }] },
      asOf: { orders: { totalCount: 20, groupBy: { totalCount: 2, nodes: [] } } },
    });
  });

  it('of a list whose arguments are wrong is refused, as its page would be', async () => {
    const server = await busyServer();
    const table = (list: string): string => `{ table(name: "orders") { ${list} } }`;
    const refused: readonly (readonly [code: string, document: string])[] = [
      ...[
        (list: string) => `{ ${list.replace('LIST', 'tables')} }`,
        (list: string) => `{ ${list.replace('LIST', 'tags')} }`,
        (list: string) => `{ ${list.replace('LIST', 'commits')} }`,
        (list: string) => table(list.replace('LIST', 'snapshots')),
        (list: string) => table(`asOf { ${list.replace('LIST', 'rows')} }`),
        (list: string) => table(`asOf { ${list.replace('LIST', 'files')} }`),
        (list: string) => table(`asOf { ${list.replace('LIST(', 'aggregate(functions: [{function: COUNT}], ')} }`),
        (list: string) => table(`currentSnapshot { ${list.replace('LIST', 'manifest')} }`),
        (list: string) => table(`currentSnapshot { ${list.replace('LIST', 'changes')} }`),
        (list: string) => `{ asOf { ${list.replace('LIST', 'orders')} } }`,
        (list: string) => `{ asOf { orders { ${list.replace('LIST(', 'groupBy(columns: [status], ')} } } }`,
        (list: string) => `{ diff(from: {snapshotId: 3}) { orders { ${list.replace('LIST', 'changes')} } } }`,
      ].flatMap((wrap): (readonly [string, string])[] => [
        ['CURSOR_INVALID', wrap('LIST(after: "abc") { totalCount }')],
        ['BAD_USER_INPUT', wrap('LIST(first: -1) { totalCount }')],
        ['LIMIT_EXCEEDED', wrap('LIST(first: 1001) { totalCount }')],
      ]),
      ['COLUMN_NOT_FOUND', table('asOf { rows(columns: ["nope"]) { totalCount } }')],
      ['COLUMN_NOT_FOUND', table('asOf { rows(orderBy: [{column: "nope", direction: ASC}]) { totalCount } }')],
      ['COLUMN_NOT_FOUND', table('asOf { aggregate(functions: [{function: SUM, column: "nope"}]) { totalCount } }')],
      ['CURSOR_INVALID', '{ asOf { orders(after: "abc") { aggregate { count } } } }'],
    ];
    for (const [code, document] of refused) {
      const { errors } = await server.query(document);
      expect(errors?.[0]?.extensions.code, document).toBe(code);
    }
  });

  it('of snapshots and of commits of a table leaves out what has expired', async () => {
    const server = await busyServer();
    await server.engine.dropTag('tag1');
    await server.engine.expireSnapshots({ table: 'orders', retainLast: 2 });
    const table = (list: string): string => `table(name: "orders") { ${list} }`;
    const snapshots = await counted(server, table, 'snapshots', '');
    expect(snapshots).toBeLessThan(9);
    expect(await counted(server, (list) => list, 'commits', 'tables: ["orders"]')).toBe(snapshots);
    expect(await counted(server, (list) => list, 'commits', '')).toBe(server.engine.headSnapshotId);
  });
});
