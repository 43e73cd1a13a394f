import { describe, expect, it } from 'vitest';
import { CUSTOMERS, ORDERS, orders, type TestServer, testServer } from '../support/server-support.ts';

/** Commits 1 and 2 create; then orders and customers take turns, by authors ann and bob, each in a millisecond of its own. */
async function history(commits: number): Promise<TestServer> {
  const server = await testServer({ tables: [ORDERS, CUSTOMERS] });
  for (let index = 0; index < commits; index += 1) {
    const [table, rows] = index % 2 === 0 ? ['orders', orders(index, 1)] : ['customers', [{ id: index, name: 'x' }]];
    const author = index % 3 === 0 ? 'ann' : 'bob';
    await server.data(
      'mutation ($table: String!, $rows: [JSON!]!, $author: String) { append(table: $table, rows: $rows, options: {author: $author}) { replayed } }',
      { table, rows, author },
    );
    await server.data('query ($at: DateTime) { asOf(timestamp: $at) { snapshotId } }', { at: Date.now() });
  }
  return server;
}

interface ListPage {
  readonly nodes: { readonly snapshotId: number }[];
  readonly totalCount?: number;
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string;
    readonly endCursor: string;
  };
}

const PAGE_FIELDS = 'nodes { snapshotId } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }';

/** Walks a list page by page. `field` gets the arguments of each page. */
async function walk(read: (args: string) => Promise<ListPage>, direction: 'forwards' | 'backwards', size: number): Promise<number[]> {
  const seen: number[] = [];
  for (let cursor: string | undefined; ; ) {
    const at = cursor === undefined ? '' : `, ${direction === 'forwards' ? 'after' : 'before'}: "${cursor}"`;
    const page = await read(`${direction === 'forwards' ? 'first' : 'last'}: ${size}${at}`);
    const ids = page.nodes.map(({ snapshotId }) => snapshotId);
    const { hasNextPage, hasPreviousPage, startCursor, endCursor } = page.pageInfo;
    expect(direction === 'forwards' ? hasPreviousPage : hasNextPage).toBe(cursor !== undefined);
    if (direction === 'forwards') seen.push(...ids);
    else seen.unshift(...ids);
    if (!(direction === 'forwards' ? hasNextPage : hasPreviousPage)) return seen;
    cursor = direction === 'forwards' ? endCursor : startCursor;
  }
}

describe('commits of the catalog are listed newest first', () => {
  it.each(['forwards', 'backwards'] as const)('page by page, %s', async (direction) => {
    const server = await history(9);
    const read = async (args: string): Promise<ListPage> =>
      (await server.data<{ commits: ListPage }>(`{ commits(${args}) { ${PAGE_FIELDS} } }`)).commits;
    for (const size of [1, 2, 4, 11, 50]) expect(await walk(read, direction, size)).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
  });

  it('of some tables, of an author, of a span of time, both ends included', async () => {
    const server = await history(8);
    const ids = async (args: string, variables: object = {}): Promise<number[]> => {
      const document = `query ($from: DateTime, $to: DateTime) { commits(${args}) { nodes { snapshotId } } unused: commits(from: $from, to: $to, first: 0) { nodes { id } } }`;
      return (await server.data<{ commits: ListPage }>(document, { ...variables })).commits.nodes.map(({ snapshotId }) => snapshotId);
    };
    expect(await ids('tables: ["orders"]')).toEqual([9, 7, 5, 3, 1]);
    expect(await ids('tables: ["orders", "customers"], first: 2')).toEqual([10, 9]);
    expect(await ids('tables: []')).toEqual([]);
    expect(await ids('author: "ann"')).toEqual([9, 6, 3]);
    expect(await ids('author: "ann", tables: ["orders"]')).toEqual([9, 3]);
    expect(await ids('author: "nobody"')).toEqual([]);
    const timestampOf = async (snapshotId: number): Promise<string> =>
      (await server.data<{ commit: { timestamp: string } }>(`{ commit(snapshotId: ${snapshotId}) { timestamp } }`)).commit.timestamp;
    const [from, to] = [await timestampOf(5), await timestampOf(8)];
    expect(await ids('from: $from, to: $to', { from, to })).toEqual([8, 7, 6, 5]);
    expect(await ids('to: $from', { from, to })).toEqual([5, 4, 3, 2, 1]);
    expect(await ids('from: $to', { from, to })).toEqual([10, 9, 8]);
    expect(await ids('from: $to, to: $from', { from, to })).toEqual([]);
    expect((await server.failure('{ commits(tables: ["nope"]) { nodes { id } } }')).extensions.code).toBe('TABLE_NOT_FOUND');
  });

  it('a commit says who made it, why, and what it did to each table', async () => {
    const server = await testServer({ tables: [ORDERS] });
    await server.data(
      'mutation ($rows: [JSON!]!) { append(table: "orders", rows: $rows, options: {author: "ann", message: "why", properties: {a: [1]}}) { replayed } }',
      { rows: orders(1, 3) },
    );
    const answer = await server.data(`{ commit(snapshotId: 2) { snapshotId author message properties
      snapshots { snapshotId operation parentId table { name } parent { snapshotId operation parent { id } } view { rowCount } commit { snapshotId }
        summary { insertedRows updatedRows deletedRows totalRows totalFiles } } } }`);
    const summary = { insertedRows: 3, updatedRows: 0, deletedRows: 0, totalRows: 3, totalFiles: 0 };
    const parent = { snapshotId: 1, operation: 'CREATE', parent: null };
    const snapshot = {
      snapshotId: 2,
      operation: 'APPEND',
      parentId: 1,
      table: { name: 'orders' },
      parent,
      view: { rowCount: 3 },
      commit: { snapshotId: 2 },
      summary,
    };
    expect(answer).toEqual({ commit: { snapshotId: 2, author: 'ann', message: 'why', properties: { a: [1] }, snapshots: [snapshot] } });
    expect((await server.failure('{ commit(snapshotId: 3) { id } }')).extensions.code).toBe('SNAPSHOT_NOT_FOUND');
  });
});

describe('snapshots of a table are listed newest first, and counted', () => {
  it.each(['forwards', 'backwards'] as const)('page by page, %s', async (direction) => {
    const server = await history(9);
    const read = async (args: string): Promise<ListPage> => {
      const { table } = await server.data<{ table: { snapshots: ListPage } }>(
        `{ table(name: "orders") { snapshots(${args}) { totalCount ${PAGE_FIELDS} } } }`,
      );
      expect(table.snapshots.totalCount).toBe(6);
      return table.snapshots;
    };
    for (const size of [1, 2, 6, 50]) expect(await walk(read, direction, size)).toEqual([11, 9, 7, 5, 3, 1]);
  });

  it('of one operation, and of a span of time, with counts that agree', async () => {
    const server = await history(9);
    const { commits } = await server.data<{ commits: { nodes: { snapshotId: number; timestamp: string }[] } }>(
      '{ commits { nodes { snapshotId timestamp } } }',
    );
    const at = (id: number): string => commits.nodes.find(({ snapshotId }) => snapshotId === id)?.timestamp ?? '';
    const answer = await server.data(
      `query ($from: DateTime, $to: DateTime) { table(name: "orders") {
        appends: snapshots(operation: APPEND) { totalCount nodes { snapshotId } }
        creates: snapshots(operation: CREATE) { totalCount nodes { snapshotId } }
        deletes: snapshots(operation: DELETE) { totalCount nodes { snapshotId } }
        span: snapshots(from: $from, to: $to) { totalCount nodes { snapshotId } }
        both: snapshots(to: $to, operation: APPEND, first: 1) { totalCount nodes { snapshotId } }
        none: snapshots(first: 0) { totalCount nodes { snapshotId } }
      } }`,
      { from: at(4), to: at(7) },
    );
    const list = (totalCount: number, ...ids: number[]): object => ({ totalCount, nodes: ids.map((snapshotId) => ({ snapshotId })) });
    const expected = {
      appends: list(5, 11, 9, 7, 5, 3),
      creates: list(1, 1),
      deletes: list(0),
      span: list(2, 7, 5),
      both: list(3, 7),
      none: list(6),
    };
    expect(answer).toEqual({ table: expected });
  });

  it('one is found by the commit that made it, null where that commit left the table alone', async () => {
    const server = await history(3);
    const answer = await server.data(
      '{ table(name: "orders") { currentSnapshot { snapshotId timestamp timestampMs } at: snapshot(snapshotId: 3) { operation } other: snapshot(snapshotId: 4) { operation } } }',
    );
    expect(answer).toMatchObject({ table: { currentSnapshot: { snapshotId: 5 }, at: { operation: 'APPEND' }, other: null } });
    const { currentSnapshot } = (answer as { table: { currentSnapshot: { timestamp: string; timestampMs: number } } }).table;
    expect(new Date(currentSnapshot.timestampMs).toISOString()).toBe(currentSnapshot.timestamp);
  });

  it('a cursor of another list is CURSOR_INVALID', async () => {
    const server = await history(2);
    for (const field of [
      'commits(after: "x") { nodes { id } }',
      'commits(after: "") { nodes { id } }',
      'tables(before: "x") { nodes { id } }',
    ]) {
      expect((await server.failure(`{ ${field} }`)).extensions.code, field).toBe('CURSOR_INVALID');
    }
  });
});

describe('node(id) finds every object again', () => {
  it('of every Node type, under the same type, with the same content', async () => {
    const server = await history(4);
    type Ided = { id: string; __typename: string };
    const found = await server.data<{
      tables: { nodes: (Ided & { currentSnapshot: Ided })[] };
      commit: Ided;
      asOf: Ided & { table: Ided; orders: { nodes: (Ided & { order_id: string })[] } };
    }>(`{ tables { nodes { id __typename currentSnapshot { id __typename } } } commit(snapshotId: 3) { id __typename }
      asOf(snapshotId: 5) { id __typename table(name: "orders") { id __typename } orders { nodes { id __typename order_id } } } }`);
    const nodes = [
      ...found.tables.nodes,
      ...found.tables.nodes.map((table) => table.currentSnapshot),
      found.commit,
      found.asOf,
      found.asOf.table,
      ...found.asOf.orders.nodes,
    ];
    expect(new Set(nodes.map(({ id }) => id)).size).toBe(nodes.length);
    expect(new Set(nodes.map(({ __typename }) => __typename))).toEqual(
      new Set(['Table', 'Snapshot', 'Commit', 'CatalogView', 'TableView', 'OrdersRow']),
    );
    const fields = `id __typename ... on Table { name } ... on Snapshot { snapshotId table { name } } ... on Commit { snapshotId } ... on CatalogView { snapshotId }
      ... on TableView { snapshotId rowCount } ... on OrdersRow { order_id _fromSnapshotId }`;
    for (const { id, __typename } of nodes) {
      const { node } = await server.data<{ node: Ided }>(`query ($id: ID!) { node(id: $id) { ${fields} } }`, { id });
      expect(node).toMatchObject({ id, __typename });
    }
    const row = found.asOf.orders.nodes[1];
    expect(
      await server.data('query ($id: ID!) { node(id: $id) { ... on OrdersRow { order_id _fromSnapshotId } } }', { id: row?.id }),
    ).toEqual({
      node: { order_id: row?.order_id, _fromSnapshotId: 5 },
    });
  });

  it('ids stay the same over a restart, a flush and a compaction', async () => {
    const server = await history(4);
    const document =
      '{ tables { nodes { id } } asOf(snapshotId: 6) { id orders { nodes { id _rowId } } customers { nodes { id _rowId } } } }';
    const before = await server.data(document);
    await server.data('mutation { compact { flushedRows } }');
    expect(await server.data(document)).toEqual(before);
    await server.stop();
    const again = await testServer({ directory: server.directory });
    expect(await again.data(document)).toEqual(before);
  });

  it('a well-formed id of nothing is null, and no id at all is BAD_USER_INPUT', async () => {
    const server = await history(1);
    const { incarnation } = server.engine;
    const id = (text: string): string =>
      Buffer.from(/^[SCVWR]:/.test(text) ? `${text}:${incarnation}` : text, 'latin1').toString('base64url');
    for (const text of [
      'T:99',
      'S:1:99',
      'S:2:1',
      'C:99',
      'C:0',
      'V:99',
      'W:1:99',
      'W:2:1',
      'W:9:1',
      'R:1:99:3',
      'R:1:0:1',
      'R:9:0:1',
      'T:0',
      'R:1:0:9007199254740993',
      'I:1:99',
      'I:9:0',
      'Q:9',
    ])
      expect(await server.data('query ($id: ID!) { node(id: $id) { id } }', { id: id(text) }), text).toEqual({ node: null });
    for (const text of ['', 'X', 'T', 'T:', 'T:x', 'T:-1', 'T:1:1', 'R:1:1', 'T:1.5', 'T:99999999999999999', 'I:1', 'P:1', 'Q', 'P:'])
      expect((await server.failure('query ($id: ID!) { node(id: $id) { id } }', { id: id(text) })).extensions.code, text).toBe(
        'BAD_USER_INPUT',
      );
  });
});
