import { describe, expect, it } from 'vitest';
import {
  CUSTOMERS,
  type ErrorAnswer,
  liveClient,
  ORDERS,
  orders,
  SAMPLES,
  type TestServer,
  testServer,
} from '../support/server-support.ts';

async function codeOf(server: TestServer, document: string, variables: Record<string, unknown> = {}): Promise<string> {
  return (await server.failure(document, variables)).extensions.code;
}

/** The errors of one operation over a WebSocket, and its data. */
async function overSocket(server: TestServer, document: string, variables: Record<string, unknown> = {}): Promise<readonly ErrorAnswer[]> {
  const results = liveClient(server.url).iterate({ query: document, variables });
  try {
    const { value } = await results.next();
    return ((value as { errors?: readonly ErrorAnswer[] } | undefined)?.errors ?? []) as readonly ErrorAnswer[];
  } catch (error) {
    return error as readonly ErrorAnswer[];
  }
}

const APPEND_TYPED = 'mutation ($rows: [OrdersRowInput!]!) { appendOrders(rows: $rows) { insertedRows } }';
const APPEND = 'mutation ($rows: [JSON!]!) { append(table: "orders", rows: $rows) { insertedRows } }';
const BAD_ROWS = [
  { order_id: 1, customer_id: 1 },
  { order_id: 1.5, customer_id: 1 },
  { order_id: 2, customer_id: 1, amount: 'much' },
  { order_id: 3 },
  { order_id: 4, customer_id: 1, nope: 1 },
  { order_id: 5, customer_id: null },
  { order_id: '9223372036854775808', customer_id: 1, placed_at: 'today' },
];

describe('bad rows are named, every one, through both APIs', () => {
  it.each([
    ['typed variables over HTTP', APPEND_TYPED, 'http'],
    ['generic variables over HTTP', APPEND, 'http'],
    ['typed variables over a WebSocket', APPEND_TYPED, 'ws'],
    ['generic variables over a WebSocket', APPEND, 'ws'],
  ])('%s', async (_, document, way) => {
    const server = await testServer({ tables: [ORDERS] });
    const variables = { rows: BAD_ROWS };
    const [error] = way === 'http' ? [await server.failure(document, variables)] : await overSocket(server, document, variables);
    expect(error?.extensions.code).toBe('INVALID_ROW');
    expect(error?.extensions.details).toMatchObject({ invalidRows: 6, totalRows: 7 });
    const { rows } = (error?.extensions.details ?? {}) as { rows?: { index: number; column: string | null; reason: string }[] };
    const reason = expect.stringMatching(/\w/);
    expect(rows).toEqual([
      { index: 1, column: 'order_id', reason },
      { index: 2, column: 'amount', reason },
      { index: 3, column: 'customer_id', reason },
      { index: 4, column: 'nope', reason },
      { index: 5, column: 'customer_id', reason },
      { index: 6, column: 'order_id', reason },
      { index: 6, column: 'placed_at', reason },
    ]);
    expect(server.engine.headSnapshotId).toBe(1);
  });

  it('the first hundred of many are listed, and all are counted', async () => {
    const server = await testServer({ tables: [ORDERS] });
    for (const document of [APPEND, APPEND_TYPED]) {
      const { details } = (await server.failure(document, { rows: Array.from({ length: 250 }, () => ({ order_id: 'x', customer_id: 1 })) }))
        .extensions;
      expect(details).toMatchObject({ invalidRows: 250, totalRows: 250 });
      expect(details['rows']).toHaveLength(100);
    }
  });

  it('the column of a renamed field is named as the typed API calls it', async () => {
    const server = await testServer({ tables: [CUSTOMERS] });
    const document = 'mutation ($rows: [CustomersRowInput!]!) { appendCustomers(rows: $rows) { insertedRows } }';
    const { details } = (await server.failure(document, { rows: [{ id_: 'x', name: 'A' }] })).extensions;
    expect(details).toMatchObject({ rows: [{ index: 0, column: 'id_' }] });
  });

  it('a single row variable, and a row nested in a list literal, are checked the same', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const document = 'mutation ($row: OrdersRowInput!) { appendOrders(rows: [$row]) { insertedRows } }';
    expect((await server.failure(document, { row: { order_id: 1.5, customer_id: 1 } })).extensions).toMatchObject({
      code: 'INVALID_ROW',
      details: { rows: [{ index: 0, column: 'order_id' }] },
    });
  });

  it('rows written into the document itself say where they are wrong', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const document = 'mutation { appendOrders(rows: [{order_id: 1, customer_id: 1}, {order_id: 2, customer_id: 1.5}]) { insertedRows } }';
    const { errors } = await server.query(document);
    expect(errors).toMatchObject([
      {
        locations: [{ line: 1, column: expect.any(Number) }],
        extensions: { code: expect.stringMatching(/^(INVALID_ROW|BAD_USER_INPUT)$/), details: {} },
      },
    ]);
  });
});

describe('an argument that makes no sense is BAD_USER_INPUT', () => {
  it.each([
    'asOf(snapshotId: 1, timestamp: "1970-01-01T00:00:00Z") { id }',
    'asOf(at: {snapshotId: 1}, timestamp: "1970-01-01T00:00:00Z") { id }',
    'asOf(at: {timestamp: "1970-01-01T00:00:00Z"}, snapshotId: 1) { id }',
    'table(name: "orders") { asOf(snapshotId: 1, at: {snapshotId: 1}) { id } }',
    'asOf { orders(first: -1) { nodes { id } } }',
    'asOf { orders(last: -1) { nodes { id } } }',
    'asOf { orders(first: -1) { totalCount } }',
    'asOf { table(name: "orders") { rows(last: -1) { totalCount } } }',
    'asOf { table(name: "orders") { aggregate(functions: [{function: COUNT}], first: -1) { nodes } } }',
    'diff(from: {snapshotId: 1}) { orders { changes(last: -1) { totalCount } } }',
    'asOf { orders(first: 1, last: 1) { nodes { id } } }',
    'asOf { orders { groupBy(columns: []) { totalCount } } }',
    'asOf { orders { groupBy(columns: [status], first: -1) { totalCount } } }',
    'commits(first: -1) { nodes { id } }',
    'tables(first: 1, last: 1) { nodes { id } }',
    'node(id: "nope") { id }',
    'asOf { table(name: "orders") { rows(where: {eq: 1}) { nodes } } }',
    'asOf { table(name: "orders") { rows(where: {column: "status"}) { nodes } } }',
    'asOf { table(name: "orders") { rows(where: {column: "status", eq: 1}) { nodes } } }',
    'asOf { table(name: "orders") { rows(where: {column: "amount", contains: "1"}) { nodes } } }',
    'asOf { table(name: "orders") { rows(where: {column: "order_id", gt: 1.5}) { nodes } } }',
    'asOf { table(name: "orders") { aggregate(functions: [{function: SUM}]) { nodes } } }',
    'asOf { table(name: "orders") { aggregate(functions: [{function: SUM, column: "status"}]) { nodes } } }',
    'asOf { table(name: "orders") { aggregate(functions: [{function: COUNT}, {function: COUNT}]) { nodes } } }',
  ])('{ %s }', async (field) => {
    const server = await testServer({ tables: [ORDERS] });
    expect(await codeOf(server, `{ ${field} }`)).toBe('BAD_USER_INPUT');
  });

  const typed = [
    '{status: {eq: null}}',
    '{status: {ne: null}}',
    '{status: {gt: null}}',
    '{status: {in: null}}',
    '{status: {notIn: null}}',
  ].concat(
    [
      '{status: {isNull: null}}',
      '{status: {contains: null}}',
      '{status: {ilike: null}}',
      '{status: null}',
      '{and: null}',
      '{or: null}',
      '{not: null}',
    ],
    ['{or: [{status: {eq: null}}]}', '{not: {amount: {lt: null}}}', '{and: [{status: {eq: "a"}}, {not: {order_id: {eq: null}}}]}'],
  );
  it.each(typed)('a null operand never widens a filter: orders(where: %s)', async (where) => {
    const server = await testServer({ tables: [ORDERS] });
    expect(await codeOf(server, `{ asOf { orders(where: ${where}) { totalCount } } }`)).toBe('BAD_USER_INPUT');
    // The same as a variable.
    const value = JSON.parse(where.replaceAll(/(\w+):/g, '"$1":')) as unknown;
    expect(await codeOf(server, 'query ($where: OrdersFilter) { asOf { orders(where: $where) { totalCount } } }', { where: value })).toBe(
      'BAD_USER_INPUT',
    );
  });

  it.each([
    '{column: "status", eq: null}',
    '{column: "status", in: null}',
    '{column: "status", isNull: null}',
    '{column: null, eq: 1}',
    '{column: null}',
    '{and: null}',
    '{or: null}',
    '{not: null}',
    '{not: {column: "status", ne: null}}',
    '{column: "status", eq: "a", gt: null}',
  ])('a null operand never widens a filter: rows(where: %s)', async (where) => {
    const server = await testServer({ tables: [ORDERS] });
    expect(await codeOf(server, `{ asOf { table(name: "orders") { rows(where: ${where}) { totalCount } } } }`)).toBe('BAD_USER_INPUT');
  });

  it.each([
    ['String', 'orders(where: {status: {eq: $v}})'],
    ['String', 'orders(where: {status: {ne: "x", eq: $v}})'],
    ['[String!]', 'orders(where: {status: {in: $v}})'],
    ['StringCondition', 'orders(where: {status: $v})'],
    ['[OrdersFilter!]', 'orders(where: {and: $v})'],
    ['OrdersFilter', 'orders(where: {not: $v, amount: {gt: 1}})'],
    ['Boolean', 'orders(where: {or: [{amount: {isNull: $v}}]})'],
    ['JSON', 't: table(name: "orders") { rows(where: {column: "status", ne: "x", eq: $v}) }'],
  ])('a variable of type %s that was not given never widens a filter: %s', async (type, field) => {
    const server = await testServer({ tables: [ORDERS] });
    await server.data(APPEND, { rows: orders(1, 4) });
    const selection = field.endsWith(') }') ? field.replace(/ }$/, ' { totalCount } }') : `${field} { totalCount }`;
    expect(await codeOf(server, `query ($v: ${type}) { asOf { ${selection} } }`)).toBe('BAD_USER_INPUT');
  });

  it('a filter that is not given at all still matches all rows', async () => {
    const server = await testServer({ tables: [ORDERS] });
    await server.data(APPEND, { rows: orders(1, 4) });
    expect(await server.data('query ($where: OrdersFilter) { asOf { orders(where: $where) { totalCount } } }')).toEqual({
      asOf: { orders: { totalCount: 4 } },
    });
  });
});

describe('what GraphQL itself refuses has a code and details too', () => {
  it.each([
    ['{ asOf { id }', 'GRAPHQL_PARSE_FAILED'],
    ['', 'GRAPHQL_PARSE_FAILED'],
    ['{ nope }', 'GRAPHQL_VALIDATION_FAILED'],
    ['{ asOf { orders } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['{ asOf { orders { nodes { id nope } } } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['{ asOf(at: {snapshotId: 1, timestamp: "1970-01-01T00:00:00Z"}) { id } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['{ asOf(at: {}) { id } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['{ asOf { orders(orderBy: [{amount: ASC, status: ASC}]) { totalCount } } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['{ asOf(snapshotId: 1.5) { id } }', 'BAD_USER_INPUT'],
    ['{ asOf(snapshotId: "one") { id } }', 'BAD_USER_INPUT'],
    ['{ asOf(timestamp: "yesterday") { id } }', 'BAD_USER_INPUT'],
    ['{ asOf { orders(where: {placed_at: {gt: "2026-13-01"}}) { totalCount } } }', 'BAD_USER_INPUT'],
    ['{ asOf { orders(where: {order_id: {gt: 1.5}}) { totalCount } } }', 'BAD_USER_INPUT'],
  ])('%j: %s, over HTTP and over a WebSocket', async (document, code) => {
    const server = await testServer({ tables: [ORDERS] });
    const { errors } = await server.query(document);
    expect(errors?.[0]?.extensions).toMatchObject({ code, details: {} });
    if (document !== '') expect((await overSocket(server, document))[0]?.extensions).toMatchObject({ code, details: {} });
  });

  it('a wrong literal says where it stands', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const { errors } = await server.query('{\n  asOf(timestamp: "yesterday") { id }\n}');
    expect(errors).toMatchObject([{ locations: [{ line: 2, column: 19 }] }]);
  });

  it('a wrong variable is refused with its name and reason', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const { message, extensions } = await server.failure('query ($at: DateTime) { asOf(timestamp: $at) { id } }', { at: 'yesterday' });
    expect(message).toContain('$at');
    expect(message).toContain('yesterday');
    expect(extensions).toMatchObject({ code: expect.stringMatching(/^(BAD_USER_INPUT|GRAPHQL_VALIDATION_FAILED)$/), details: {} });
  });

  it('a typed column of JSON, a decimal too long and a date out of range are refused with a reason', async () => {
    const server = await testServer({ tables: [SAMPLES] });
    const document = 'mutation ($rows: [SamplesRowInput!]!) { appendSamples(rows: $rows) { insertedRows } }';
    for (const row of [
      { a_decimal: '12345678901.123' },
      { a_decimal: '0.123456789' },
      { a_date: '2026-02-30' },
      { an_int: 2147483648 },
      { an_int: '7' },
      { a_binary: '*' },
      { a_uuid: 'x' },
      { a_string: '\ud800' },
      { a_float: 1e300 },
    ]) {
      const { extensions } = await server.failure(document, { rows: [row] });
      expect(extensions, JSON.stringify(row)).toMatchObject({
        code: 'INVALID_ROW',
        details: { rows: [{ index: 0, column: Object.keys(row)[0] }] },
      });
    }
  });
});

describe('which operation of a document is meant', () => {
  const TWO = 'query A { tables { nodes { name } } } subscription B { snapshotCommitted { snapshotId } }';

  it.each([
    [TWO, undefined, 'operationName: the document has the operations A, B; say which one is meant'],
    [TWO, 'C', 'operationName: the document has the operations A, B; there is no C'],
    ['fragment F on Table { name }', undefined, 'operationName: the document has no operation; say which one is meant'],
  ])('must be clear, over every transport: %s, %s', async (query, operationName, message) => {
    const server = await testServer({ tables: [ORDERS] });
    const body = JSON.stringify({ query, operationName });
    for (const accept of ['application/json', 'text/event-stream']) {
      const response = await fetch(`${server.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept },
        body,
      });
      const text = await response.text();
      expect(text).toContain(message);
      expect(text).toContain('BAD_USER_INPUT');
    }
    const payload = { query, ...(operationName === undefined ? {} : { operationName }) };
    await expect(liveClient(server.url).iterate(payload).next()).rejects.toMatchObject([
      { message, extensions: { code: 'BAD_USER_INPUT' } },
    ]);
  });
});

it('an empty list of tables or operations to follow is a mistake, not silence', async () => {
  const server = await testServer({ tables: [ORDERS] });
  for (const [argument, name] of [
    ['tables: []', 'tables'],
    ['operations: []', 'operations'],
  ]) {
    const [error] = await overSocket(server, `subscription { snapshotCommitted(${argument}) { snapshotId } }`);
    expect(error).toMatchObject({
      message: `${name}: an empty list matches nothing; leave ${name} out for all`,
      extensions: { code: 'BAD_USER_INPUT' },
    });
  }
});
