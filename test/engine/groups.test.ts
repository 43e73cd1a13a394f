import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import { type Engine, type Group, type GroupsQuery, LIMITS, type TableAt } from '../../src/engine/index.ts';
import { eventually, type Loose, liveClient, ORDERS, subscribe, type TestServer, testServer } from '../support/server-support.ts';
import { failureOf, temporaryDirectory, testEngine } from '../support/support.ts';

async function viewOf(engine: Engine, table: string, snapshotId = engine.headSnapshotId): Promise<TableAt> {
  const view = await engine.read.tableAt(engine.table(table), snapshotId);
  if (view === undefined) throw new Error('the table is there');
  return view;
}

/** All groups, a page after the other, and how many pages there were. */
async function walk(engine: Engine, view: TableAt, query: GroupsQuery): Promise<{ groups: Group[]; pages: number }> {
  const groups: Group[] = [];
  let after: string | undefined;
  for (let pages = 1; ; pages += 1) {
    const page = await engine.read.groups(view, { ...query, after });
    groups.push(...page.groups);
    if (!page.hasNextPage) return { groups, pages };
    after = page.cursorAt(page.groups.length - 1);
  }
}

describe('groups', () => {
  it('come 100 at a time where nobody says how many, and all 3,001 of them are reached, each once, wherever the rows lie', async () => {
    const engine = await testEngine({ maintenance: { autoCompact: false } });
    await engine.createTable({ name: 't', columns: [{ name: 'k', type: 'INT' }] });
    await engine.append(
      't',
      Array.from({ length: 6002 }, (_, n) => ({ k: (n * 7919) % 3001 })),
    );
    await engine.append('t', [{ k: 5 }, { k: null }, { k: 4000 }]);
    const query = { groupBy: ['k'], terms: [{ function: 'COUNT' }] } as const;
    for (const place of ['staged and hot', 'compacted']) {
      const view = await viewOf(engine, 't');
      const { groups, pages } = await walk(engine, view, query);
      expect(pages, place).toBe(31);
      const others = Array.from({ length: 3001 }, (_, k) => k).filter((k) => k !== 5);
      expect(groups, place).toEqual([
        { key: [5], values: [3] },
        ...others.map((k) => ({ key: [k], values: [2] })),
        { key: [4000], values: [1] },
        { key: [null], values: [1] },
      ]);
      expect(await engine.read.countGroups(view, query), place).toBe(3003);
      await engine.compact();
    }
  });

  it('of a page stay those of its snapshot, whatever is committed, flushed and compacted meanwhile', async () => {
    const engine = await testEngine();
    await engine.createTable({ name: 't', columns: [{ name: 'k', type: 'INT' }] });
    await engine.append(
      't',
      [1, 1, 1, 2, 2, 3].map((k) => ({ k })),
    );
    const then = await viewOf(engine, 't');
    const query = { groupBy: ['k'], terms: [{ function: 'COUNT' }], first: 1 } as const;
    const first = await engine.read.groups(then, query);
    await engine.append(
      't',
      Array.from({ length: 9 }, () => ({ k: 3 })),
    );
    await engine.compact();
    expect((await engine.read.groups(then, { ...query, after: first.cursorAt(0), first: 5 })).groups).toEqual([
      { key: [2], values: [2] },
      { key: [3], values: [1] },
    ]);
    const late = await failureOf(engine.read.groups(await viewOf(engine, 't'), { ...query, after: first.cursorAt(0) }));
    expect(late).toMatchObject({ code: 'CURSOR_INVALID', details: { cursorSnapshotId: 2, snapshotId: 3 } });
  });

  it('may be none: first: 0 tells whether there is a group', async () => {
    const engine = await testEngine();
    await engine.createTable({ name: 't', columns: [{ name: 'k', type: 'INT' }] });
    const query = { groupBy: ['k'], terms: [], first: 0 };
    expect(await engine.read.groups(await viewOf(engine, 't'), query)).toMatchObject({ groups: [], hasNextPage: false });
    await engine.append('t', [{ k: 1 }]);
    expect(await engine.read.groups(await viewOf(engine, 't'), query)).toMatchObject({ groups: [], hasNextPage: true });
  });

  it('refuse a cursor of another grouping, filter, type of column, table, or of rows', async () => {
    const engine = await testEngine();
    const columns = [
      { name: 'a', type: 'INT' },
      { name: 'b', type: 'INT' },
    ] as const;
    for (const name of ['t', 'u']) {
      await engine.createTable({ name, columns });
      await engine.append(name, [
        { a: 1, b: 1 },
        { a: 2, b: 2 },
      ]);
    }
    const view = await viewOf(engine, 't');
    const where = (value: number) => ({ kind: 'compare', column: 'a', operator: 'lt', value }) as const;
    const query = { groupBy: ['a'], terms: [], first: 1, where: where(9) };
    const cursor = (await engine.read.groups(view, query)).cursorAt(0);
    const rows = (await engine.read.page(view, { first: 1 })).cursorAt(0);
    const code = async (at: TableAt, change: Partial<GroupsQuery>): Promise<unknown> =>
      (await failureOf(engine.read.groups(at, { ...query, after: cursor, ...change }))).code;
    expect((await engine.read.groups(view, { ...query, after: cursor, terms: [{ function: 'COUNT' }], first: 9 })).groups).toHaveLength(1);
    for (const change of [
      { groupBy: ['b'] },
      { groupBy: ['a', 'b'] },
      { groupBy: [] },
      { where: where(8) },
      { where: undefined },
      { after: rows },
      { after: 'nonsense' },
      { after: '' },
    ])
      expect(await code(view, change), JSON.stringify(change)).toBe('CURSOR_INVALID');
    expect(await code(await viewOf(engine, 'u'), {})).toBe('CURSOR_INVALID');
    expect((await failureOf(engine.read.page(view, { after: cursor }))).code).toBe('CURSOR_INVALID');
    // Typed reads ask for today's columns: of another type since, they are other groups.
    await engine.alterTable('t', [{ kind: 'widenColumn', name: 'a', type: 'LONG' }]);
    const wide = await engine.read.tableAt(engine.table('t'), view.snapshotId, engine.table('t').schema);
    expect(await code(wide as TableAt, {})).toBe('CURSOR_INVALID');
  });

  it('take up to 1,000 on a page and no negative number', async () => {
    const engine = await testEngine();
    await engine.createTable({ name: 't', columns: [{ name: 'k', type: 'INT' }] });
    const view = await viewOf(engine, 't');
    const refused = (first: number): Promise<unknown> => failureOf(engine.read.groups(view, { groupBy: ['k'], terms: [], first }));
    expect(await refused(1001)).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      details: { limit: 'first', maximum: LIMITS.pageMax, actual: 1001 },
    });
    expect(await refused(-1)).toMatchObject({ code: 'BAD_USER_INPUT' });
  });

  it('put 0 and -0 together, and NaN, infinities and null apart, in doubles and floats', async () => {
    const path = join(await temporaryDirectory(), 'odd.parquet');
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    const values = ['-0.0', '0.0', '-0.0', "'NaN'", "'NaN'", "'Infinity'", "'-Infinity'", 'NULL', '1.5'];
    const rows = values.map((value) => `(${value}::DOUBLE, ${value}::FLOAT)`).join(', ');
    await connection.run(`COPY (SELECT * FROM (VALUES ${rows}) AS t(double, float)) TO '${path}' (FORMAT parquet)`);
    connection.closeSync();
    instance.closeSync();
    const engine = await testEngine();
    await engine.createTable({
      name: 't',
      columns: [
        { name: 'double', type: 'DOUBLE' },
        { name: 'float', type: 'FLOAT' },
      ],
    });
    await engine.appendFile('t', path);
    await engine.append('t', [{ double: 0, float: 0 }]);
    for (const place of ['imported and hot', 'compacted']) {
      const view = await viewOf(engine, 't');
      for (const column of ['double', 'float']) {
        const { groups } = await walk(engine, view, { groupBy: [column], terms: [{ function: 'COUNT' }], first: 1 });
        // By count, then -Infinity, 1.5, Infinity, null; what JSON has no number for reads as null.
        const expected = [
          [0, 4],
          [null, 2],
          [null, 1],
          [1.5, 1],
          [null, 1],
          [null, 1],
        ];
        expect(
          groups.map(({ key, values: [count] }) => [key[0], count]),
          `${column}, ${place}`,
        ).toEqual(expected);
        expect(await engine.read.countGroups(view, { groupBy: [column] })).toBe(6);
      }
      await engine.compact();
    }
  });
});

interface Groups {
  readonly totalCount: number;
  readonly pageInfo: { readonly hasNextPage: boolean; readonly hasPreviousPage: boolean; readonly endCursor: string | null };
  readonly edges: readonly { readonly cursor: string; readonly node: unknown }[];
}

/** Walks all pages of a connection of groups through the API, under `asOf` without an instant. */
async function walkApi(server: TestServer, field: (after: string) => string, between: () => Promise<unknown>): Promise<unknown[]> {
  const nodes: unknown[] = [];
  let after: string | null = null;
  for (;;) {
    const document = `query ($after: String) { asOf { ${field('$after')} } }`;
    const view: { asOf: Record<string, Loose> } = await server.data(document, { after });
    const holder = Object.values(view.asOf)[0] as Loose;
    const page = Object.values(holder)[0] as Groups;
    expect(page.pageInfo.hasPreviousPage).toBe(after !== null);
    expect(page.pageInfo.endCursor).toBe(page.edges.at(-1)?.cursor ?? null);
    nodes.push(...page.edges.map(({ node }) => node));
    if (!page.pageInfo.hasNextPage) {
      expect(page.totalCount).toBe(nodes.length);
      return nodes;
    }
    after = page.pageInfo.endCursor;
    await between();
  }
}

const ODD = {
  name: 'odd',
  columns: [
    { name: 'd', type: 'DECIMAL', precision: 38, scale: 2 },
    { name: 'b', type: 'BINARY' },
    { name: 'at', type: 'TIMESTAMPTZ' },
    { name: 's', type: 'STRING' },
    { name: 'u', type: 'UUID' },
    { name: 'l', type: 'LONG' },
    { name: 'f', type: 'FLOAT' },
    { name: 'id', type: 'BOOLEAN' },
    { name: 'j', type: 'JSON' },
  ],
} as const;

describe('groups in the API', () => {
  const PARTS = 'totalCount pageInfo { hasNextPage hasPreviousPage endCursor } edges { cursor node';

  it('are connections in both APIs, whose cursors pin the snapshot of the first page', async () => {
    const server = await testServer({ tables: [ODD] });
    const values = {
      d: ['-999999999999999999999999999999999999.99', '0.00', null],
      b: ['/w==', '', 'QQ=='],
      at: ['0001-01-01T00:00:00.000Z', '2026-11-22T10:00:00.000001Z', null],
      s: ['', 'a\0', '😀'],
      u: ['00000000-0000-0000-0000-000000000001', null, 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
      l: ['-9223372036854775808', '9007199254740993', null],
      f: [-0, 0.1, 16777216],
      id: [true, false, null],
    };
    const rows = Array.from({ length: 9 }, (_, n) =>
      Object.fromEntries(Object.entries(values).map(([name, of]) => [name, of[n % 3] ?? null])),
    );
    await server.engine.append('odd', rows);
    const more = (): Promise<unknown> => server.engine.append('odd', [{ s: 'later' }, { s: '' }]);
    for (const [name, of] of Object.entries(values)) {
      const typedName = name === 'id' ? 'id_' : name;
      const typed = await walkApi(
        server,
        (after) =>
          `odd(where: {s: {ne: "later"}}) { groupBy(columns: [${typedName}], first: 1, after: ${after}) { ${PARTS} { key { ${typedName} } } } } }`,
        async () => undefined,
      );
      const generic = await walkApi(
        server,
        (after) =>
          `table(name: "odd") { aggregate(where: {column: "s", ne: "later"}, groupBy: ["${name}"], functions: [], first: 1, after: ${after}) { ${PARTS} } } }`,
        async () => undefined,
      );
      const keys = new Set(of.map((value) => (value === 0 ? 0 : value)));
      expect(new Set(typed.map((node) => (node as { key: Loose }).key[typedName])), name).toEqual(keys);
      expect(new Set(generic.map((node) => (node as Loose)[name])), name).toEqual(keys);
    }
    const pinned = await walkApi(
      server,
      (after) => `odd { groupBy(columns: [s], first: 1, after: ${after}) { ${PARTS} { key { s } aggregate { count } } } } }`,
      more,
    );
    expect(pinned).toEqual(['', 'a\0', '😀'].map((s) => ({ key: { s }, aggregate: { count: 3 } })));
    const again = await walkApi(
      server,
      (after) =>
        `table(name: "odd") { aggregate(groupBy: ["s"], functions: [{function: COUNT}], first: 2, after: ${after}) { ${PARTS} } } }`,
      more,
    );
    expect(again).toEqual([
      { s: '', count: 5 },
      { s: 'a\0', count: 3 },
      { s: '😀', count: 3 },
      { s: 'later', count: 2 },
    ]);
  });

  it('refuse JSON columns, which have no groups', async () => {
    const server = await testServer({ tables: [ODD] });
    expect(await server.failure('{ asOf { odd { groupBy(columns: [j]) { totalCount } } } }')).toMatchObject({
      message: expect.stringContaining('a JSON column (j) has no groups'),
      extensions: { code: 'BAD_USER_INPUT' },
    });
    expect(
      await server.failure('{ asOf { table(name: "odd") { aggregate(groupBy: ["j"], functions: []) { totalCount } } } }'),
    ).toMatchObject({ message: expect.stringContaining('a JSON column (j) has no groups'), extensions: { code: 'BAD_USER_INPUT' } });
  });

  it('on later pages belong to what the first page was: the present, or an instant', async () => {
    const server = await testServer({ tables: [ORDERS] });
    await server.engine.append('orders', [
      { order_id: '1', customer_id: '1', status: 'a' },
      { order_id: '2', customer_id: '1', status: 'b' },
    ]);
    const page = 'first: 1, after: $after) { nodes NODE pageInfo { endCursor } }';
    const fields = [
      `orders { groupBy(columns: [status], ${page.replace('NODE', '{ key { status } }')} }`,
      `table(name: "orders") { id aggregate(groupBy: ["status"], functions: [], ${page.replace('NODE', '')} }`,
    ];
    for (const instant of ['', '(snapshotId: 2)']) {
      for (const field of fields) {
        const document = `query ($after: String) { asOf${instant} { id ${field} } }`;
        const first = (await server.data<{ asOf: Loose }>(document)).asOf;
        const after = /"endCursor":"([^"]+)"/.exec(JSON.stringify(first))?.[1];
        await server.engine.append('orders', [{ order_id: String(server.engine.headSnapshotId + 1), customer_id: '1', status: 'c' }]);
        const second = (await server.data<{ asOf: Loose }>(document, { after })).asOf;
        expect(second['id']).toBe(first['id']);
        expect((second['table'] as Loose | undefined)?.['id']).toBe((first['table'] as Loose | undefined)?.['id']);
        expect(JSON.stringify(second)).not.toContain(after);
      }
    }
  });

  it('with another instant than their cursor, or under live, refuse the cursor', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const groups = (after: string): string => `orders { groupBy(columns: [status], first: 1${after}) { pageInfo { endCursor } } }`;
    await server.engine.append('orders', [
      { order_id: '1', customer_id: '1', status: 'a' },
      { order_id: '2', customer_id: '1', status: 'b' },
    ]);
    type Data = { asOf: { orders: { groupBy: { pageInfo: { endCursor: string } } } } };
    const { asOf } = await server.data<Data>(`{ asOf { ${groups('')} } }`);
    const after = `, after: "${asOf.orders.groupBy.pageInfo.endCursor}"`;
    expect(await server.failure(`{ asOf(snapshotId: 1) { ${groups(after)} } }`)).toMatchObject({
      extensions: { code: 'CURSOR_INVALID', details: { cursorSnapshotId: 2, snapshotId: 1 } },
    });
    const client = liveClient(server.url);
    const { value } = await client.iterate({ query: `subscription { live { ${groups(after)} } }` }).next();
    expect(value?.errors).toMatchObject([{ extensions: { code: 'CURSOR_INVALID' } }]);
  });

  it('under live are told again only when they differ', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const live = await subscribe<Loose>(
      server,
      liveClient(server.url),
      'subscription { live { orders { groupBy(columns: [status]) { totalCount edges { cursor node { key { status } aggregate { count } } } } } } }',
    );
    expect(await live.take()).toEqual({ live: { orders: { groupBy: { totalCount: 0, edges: [] } } } });
    await server.engine.append('orders', [{ order_id: '1', customer_id: '1', status: 'a', amount: 1 }]);
    const edge = { cursor: expect.any(String), node: { key: { status: 'a' }, aggregate: { count: 1 } } };
    expect(await live.take()).toEqual({ live: { orders: { groupBy: { totalCount: 1, edges: [edge] } } } });
    // The amount is not in the answer; the next append is.
    await server.engine.update('orders', { kind: 'and', filters: [] }, { amount: 2 });
    await eventually(() => expect(server.engine.headSnapshotId).toBe(3));
    await server.engine.append('orders', [{ order_id: '2', customer_id: '1', status: 'b' }]);
    expect(await live.take()).toMatchObject({ live: { orders: { groupBy: { totalCount: 2 } } } });
    await live.return?.();
  });
});
