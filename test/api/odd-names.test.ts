/** Names that GraphQL, JavaScript or SQL has a use for, as columns and as tables, through every operation of both APIs. */
import { createClient } from 'graphql-sse';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type LiveClient, type Loose, liveClient, subscribe, type TestServer, testServer } from '../support/server-support.ts';

const INHERITED = ['constructor', 'toString', 'valueOf', 'hasOwnProperty', 'isPrototypeOf', 'propertyIsEnumerable', 'toLocaleString'];
const JAVASCRIPT = ['prototype', 'then', 'catch', 'toJSON', 'length', 'name', 'arguments', 'caller', 'get', 'set', 'undefined', 'class'];
const GRAPHQL = [
  'query mutation subscription fragment on true false null type input enum schema directive',
  'id node nodes and or not key count first after where columns view Query',
]
  .join(' ')
  .split(' ');
const SQL = [
  'select',
  'from',
  'where_',
  'rowid',
  'rowId',
  'order',
  'group',
  'table',
  'limit',
  'primary',
  'default',
  'file_row_number',
  'oid',
];
const NAMES = [...INHERITED, ...JAVASCRIPT, ...GRAPHQL, ...SQL];
/** A table's name begins with a lower-case letter, and some are keys of CommitOperation. */
const TABLES = NAMES.filter((name) => /^[a-z]/.test(name));

/** An object of one key, whatever the key is called. */
const one = (key: string, value: unknown): Loose => JSON.parse(`{ ${JSON.stringify(key)}: ${JSON.stringify(value)} }`) as Loose;

/** Makes the table `t` with a column of the name. @returns what the typed API calls it, and the commit */
async function makeColumn(server: TestServer, name: string): Promise<{ readonly field: string; readonly since: number }> {
  const made = 'mutation ($input: CreateTableInput!) { createTable(input: $input) { commit { snapshotId } } }';
  const { createTable } = await server.data<{ createTable: { commit: { snapshotId: number } } }>(made, {
    input: {
      name: 't',
      columns: [
        { name: 'k1', type: 'LONG' },
        { name, type: 'STRING' },
      ],
      primaryKey: ['k1'],
    },
  });
  const { table } = await server.data<{ table: { columns: { graphqlName: string }[] } }>(
    '{ table(name: "t") { columns { graphqlName } } }',
  );
  return { field: table.columns[1]?.graphqlName ?? '', since: createTable.commit.snapshotId };
}

async function workWith(server: TestServer, name: string): Promise<void> {
  const { field, since } = await makeColumn(server, name);
  // Typed, by variables.
  const written = await server.data<Loose>(
    `mutation ($rows: [TRowInput!]!, $set: TRowPatch!, $where: TFilter!, $o: [CommitOperation!]!) {
      appendT(rows: $rows) { insertedRows } updateT(where: $where, set: $set) { updatedRows } commit(operations: $o) { insertedRows } }`,
    {
      rows: [{ k1: 1, ...one(field, 'a') }, { k1: 2 }],
      where: { k1: { eq: 1 } },
      set: one(field, 'b'),
      o: [{ t: { append: [{ k1: '3', ...one(field, 'c') }] } }, { append: { table: 't', rows: [{ k1: '4', ...one(name, 'd') }] } }],
    },
  );
  expect(written).toEqual({ appendT: { insertedRows: 2 }, updateT: { updatedRows: 1 }, commit: { insertedRows: 2 } });
  const read = `query ($where: TFilter, $orderBy: [TOrderBy!]) { asOf { t(where: $where, orderBy: $orderBy) {
    nodes { k1 ${field} } totalCount aggregate { min { ${field} } } } tByKey(k1: 1) { ${field} } } }`;
  const ofValue = await server.data<{ asOf: { t: { nodes: Loose[] } } }>(read, {
    where: { or: [one(field, { in: ['b', 'd'] }), { k1: { lt: 0 } }] },
    orderBy: [one(field, 'DESC')],
  });
  expect(ofValue.asOf).toEqual({
    t: {
      nodes: [
        { k1: '4', ...one(field, 'd') },
        { k1: '1', ...one(field, 'b') },
      ],
      totalCount: 2,
      aggregate: { min: one(field, 'b') },
    },
    tByKey: one(field, 'b'),
  });
  const unset = await server.data<{ asOf: { t: { totalCount: number } } }>(read, { where: { k1: { eq: 2 } }, orderBy: [{ k1: 'ASC' }] });
  expect(unset.asOf.t.totalCount).toBe(1);
  // Typed, by literals.
  await server.data(`mutation { appendT(rows: [{ k1: 5, ${field}: "e" }]) { replayed }
    updateT(where: { ${field}: { eq: "e" } }, set: { ${field}: "f" }) { updatedRows }
    upsertT(rows: [{ k1: 2, ${field}: "g" }]) { updatedRows } deleteT(where: { ${field}: { eq: "f" } }) { deletedRows } }`);
  // Generic.
  const generic = await server.data<{ table: { asOf: { rows: { nodes: Loose[] } } } }>(
    `query ($where: Filter, $c: [String!]) { table(name: "t") { asOf { rows(where: $where, columns: $c) { nodes } } } }`,
    { where: { column: name, eq: 'g' }, c: [name] },
  );
  expect(generic.table.asOf.rows.nodes).toEqual([one(name, 'g')]);
  await server.data('mutation ($set: JSON!) { update(table: "t", where: { column: "k1", eq: 4 }, set: $set) { updatedRows } }', {
    set: one(name, 'h'),
  });
  const { diff } = await server.data<{ diff: { t: { changes: { nodes: Loose[] } }; table: { changes: { nodes: Loose[] } } } }>(
    `{ diff(from: { snapshotId: ${since} }) { t(where: { ${field}: { eq: "h" } }) { changes { nodes { after { ${field} } } } }
      table(name: "t", where: { column: "${name}", eq: "h" }) { changes { nodes { after } } } } }`,
  );
  expect(diff.t.changes.nodes).toEqual([{ after: one(field, 'h') }]);
  expect(diff.table.changes.nodes).toEqual([{ after: { k1: '4', ...one(name, 'h') } }]);
  // What is missing or wrong is told as of any other column.
  const bad = await server.failure('mutation ($rows: [TRowInput!]!) { appendT(rows: $rows) { replayed } }', { rows: [one(field, 1)] });
  expect(bad.extensions).toMatchObject({
    code: 'INVALID_ROW',
    details: {
      rows: [
        { index: 0, column: 'k1' },
        { index: 0, column: field },
      ],
    },
  });
}

describe('a column of an unusual name', () => {
  it.each([
    ['JavaScript objects inherit', INHERITED],
    ['JavaScript has a use for', JAVASCRIPT],
    ['GraphQL has a use for', GRAPHQL],
    ['SQL has a use for', SQL],
  ])('that %s is written, read and changed by literals and by variables', async (_, names) => {
    const server = await testServer();
    for (const name of names) {
      await workWith(server, name);
      await server.data('mutation { dropTable(table: "t") { replayed } }');
    }
  });

  const LIVE: Readonly<Record<string, (server: TestServer) => LiveClient>> = {
    'a WebSocket': ({ url }) => liveClient(url),
    'an event stream': ({ url }) => {
      const client = createClient({ url: `${url}/graphql`, retryAttempts: 0 });
      onTestFinished(() => client.dispose());
      return client as unknown as LiveClient;
    },
  };
  it.each(Object.keys(LIVE))('is in filters and events over %s', async (transport) => {
    for (const name of ['constructor', 'then']) {
      const server = await testServer();
      const { field } = await makeColumn(server, name);
      const client = LIVE[transport]?.(server) as LiveClient;
      const document = `subscription ($where: TFilter) { tChanges(where: $where) { changes { after { k1 ${field} } } } }`;
      const changes = await subscribe<Loose>(server, client, document, { where: { k1: { gt: 1 } } });
      const live = await subscribe<Loose>(server, client, 'subscription { live { table(name: "t") { rows { nodes } } } }');
      expect(await live.take()).toEqual({ live: { table: { rows: { nodes: [] } } } });
      await server.engine.append('t', [{ k1: 2, ...one(name, 'x') }]);
      expect(await changes.take()).toEqual({ tChanges: { changes: [{ after: { k1: '2', ...one(field, 'x') } }] } });
      expect(await live.take()).toEqual({ live: { table: { rows: { nodes: [{ k1: '2', ...one(name, 'x') }] } } } });
    }
  });
});

describe('a table of an unusual name', () => {
  it('is written and read through both APIs, or refused with NAME_COLLISION, and disturbs no other', async () => {
    const server = await testServer();
    const make = (name: string): string =>
      `createTable(input: { name: "${name}", columns: [{ name: "k1", type: LONG }], primaryKey: ["k1"] }) { replayed }`;
    await server.data(`mutation { ${make('plain')} }`);
    const made: string[] = [];
    for (const name of new Set(TABLES)) {
      const { errors } = await server.query(`mutation { ${make(name)} }`);
      if (errors === undefined) made.push(name);
      else expect(errors[0]?.extensions.code, name).toBe('NAME_COLLISION');
    }
    expect(made).toEqual(expect.arrayContaining([...INHERITED, 'then', 'query', 'select', 'order']));
    const { tables } = await server.data<{ tables: { nodes: { name: string; graphqlName: string }[] } }>(
      '{ tables(first: 1000) { nodes { name graphqlName } } }',
    );
    for (const { name, graphqlName } of tables.nodes) {
      const operations = [one(graphqlName, { append: [{ k1: 1 }] }), { append: { table: name, rows: [{ k1: 2 }] } }];
      const document = `mutation ($o: [CommitOperation!]!) { commit(operations: $o) { insertedRows
        view { ${graphqlName}(orderBy: [{ k1: ASC }]) { nodes { k1 } } table(name: "${name}") { rows { nodes } } } } }`;
      const { commit } = await server.data<{ commit: Loose }>(document, { o: operations });
      expect(commit, name).toEqual({
        insertedRows: 2,
        view: { ...one(graphqlName, { nodes: [{ k1: '1' }, { k1: '2' }] }), table: { rows: { nodes: [{ k1: '1' }, { k1: '2' }] } } },
      });
    }
  });
});

describe('JSON with keys that JavaScript has a use for', () => {
  const text = '{"then": {"then": 1}, "constructor": 2, "__proto__": {"x": 1}, "toJSON": 3, "toString": null, "length": -1}';

  it('is read as it was written: in columns, properties, defaults, pages, changes and live', async () => {
    const server = await testServer();
    const value = JSON.parse(text) as Loose;
    await server.data(
      'mutation ($d: JSON) { createTable(input: { name: "t", columns: [{ name: "k", type: INT }, { name: "j", type: JSON, default: $d }] }) { replayed } }',
      { d: value },
    );
    const { appendT } = await server.data<{ appendT: Loose }>(
      'mutation ($j: JSON, $p: JSON) { appendT(rows: [{ k: 1, j: $j }, { k: 2 }], options: { properties: $p }) { commit { properties } rows { j } } }',
      { j: [value, [value]], p: value },
    );
    expect(appendT).toEqual({ commit: { properties: value }, rows: [{ j: [value, [value]] }, { j: value }] });
    const rows = [
      { k: 1, j: [value, [value]] },
      { k: 2, j: value },
    ];
    const read = `{ table(name: "t") { columns { default } asOf { rows { nodes edges { node } } } currentSnapshot { changes { nodes { after } } } } }`;
    const expected = {
      columns: [{ default: null }, { default: value }],
      asOf: { rows: { nodes: rows, edges: rows.map((node) => ({ node })) } },
      currentSnapshot: { changes: { nodes: rows.map((after) => ({ after })) } },
    };
    expect(JSON.stringify(await server.data(read))).toBe(JSON.stringify({ table: expected }));
    await server.data('mutation { compact(table: "t") { flushedRows } }');
    expect(JSON.stringify(await server.data(read))).toBe(JSON.stringify({ table: expected }));
    const changes = await subscribe<Loose>(
      server,
      liveClient(server.url),
      'subscription { changes(table: "t", after: "0") { changes { after } } }',
    );
    expect(await changes.take()).toEqual({ changes: { changes: rows.map((after) => ({ after })) } });
  });

  it('an answer cannot call a field then: that is refused before anything is done', async () => {
    const server = await testServer();
    const mutation = 'mutation { createTable(input: { name: "t", columns: [{ name: "k", type: INT }] }) { then: replayed } }';
    expect((await server.failure(mutation)).extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
    expect(await server.data('{ asOf { snapshotId __proto__: snapshotId constructor: snapshotId } }')).toEqual({
      asOf: JSON.parse('{ "snapshotId": 0, "__proto__": 0, "constructor": 0 }'),
    });
  });

  it('a variable that is called as what objects inherit has a value, or is said to have none', async () => {
    const server = await testServer();
    const document =
      'query ($constructor: String, $toString: Int = 5) { table(name: "x") { name } tables(first: $toString) { nodes { name } } commits(author: $constructor) { nodes { snapshotId } } }';
    expect((await server.failure(document)).extensions).toMatchObject({ code: 'BAD_USER_INPUT', details: { variable: 'constructor' } });
    expect(await server.data(document, { constructor: null })).toEqual({ table: null, tables: { nodes: [] }, commits: { nodes: [] } });
  });
});
