import { once } from 'node:events';
import { GraphQLError } from 'graphql';
import { describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { EngineError } from '../../src/engine/index.ts';
import { toGraphQLError } from '../../src/resolvers/errors.ts';
import {
  closeCode,
  type ErrorAnswer,
  liveClient,
  ORDERS,
  orders,
  type TestServer,
  testServer,
  webSocketUrl,
} from '../support/server-support.ts';

const APPEND = 'mutation ($rows: [JSON!]!) { append(table: "orders", rows: $rows) { insertedRows } }';

function limit(name: string, maximum: number, actual: unknown): object {
  return { code: 'LIMIT_EXCEEDED', details: { limit: name, maximum, actual } };
}

/** Sends a body as it is. */
async function post(server: TestServer, body: string, headers: Record<string, string> = {}): Promise<{ status: number; text: string }> {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  });
  return { status: response.status, text: await response.text() };
}

/** The code of the only error that an answer holds. */
function codeIn(text: string): string {
  const { errors, data } = JSON.parse(text) as { errors: ErrorAnswer[]; data?: unknown };
  expect(data ?? null).toBeNull();
  expect(errors).toHaveLength(1);
  expect(errors[0]?.extensions.details).toBeTypeOf('object');
  return errors[0]?.extensions.code ?? '';
}

async function overSocket(server: TestServer, query: string): Promise<readonly ErrorAnswer[]> {
  const first = liveClient(server.url).iterate({ query }).next();
  return first.then(
    () => [],
    (errors: unknown) => errors as readonly ErrorAnswer[],
  );
}

describe('what goes past a limit is refused with the limit, its maximum and what was asked', () => {
  it.each([
    [
      'depthMax',
      5,
      6,
      '{ asOf { orders { edges { node { order_id ... on Node { id } } } } table(name: "orders") { snapshot { view { snapshot { id } } } } } }',
    ],
    [
      'depthMax',
      5,
      6,
      '{ ...A } fragment A on Query { asOf { ...B } } fragment B on CatalogView { table(name: "orders") { snapshot { view { snapshot { id } } } } }',
    ],
    ['aliasesMax', 2, 3, '{ a: asOf { id } b: asOf { c: id } }'],
    ['tokensMax', 100, 101, `{ ${'id '.repeat(200)}}`],
  ])('%s', async (name, maximum, actual, document) => {
    const server = await testServer({ tables: [ORDERS], flags: ['--max-depth', '5', '--max-aliases', '2', '--max-tokens', '100'] });
    expect((await server.failure(document)).extensions).toMatchObject(limit(name, maximum, actual));
    expect((await overSocket(server, document))[0]?.extensions).toMatchObject(limit(name, maximum, actual));
  });

  it('fragments that go round in a circle are refused, not followed', async () => {
    const server = await testServer();
    const { errors } = await server.query('{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }');
    expect(errors?.[0]?.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
  });

  it('what GraphiQL asks about the schema is within every limit, however tight', async () => {
    const server = await testServer({ flags: ['--max-depth', '3', '--max-aliases', '0'] });
    const { getIntrospectionQuery } = await import('graphql');
    await server.data(getIntrospectionQuery({ inputValueDeprecation: true, oneOf: true }));
  });

  it.each(['with a Content-Length', 'in chunks of unannounced length'])('a request body, sent %s', async (how) => {
    const server = await testServer({ tables: [ORDERS], flags: ['--body-limit', '2048'] });
    const body = (bytes: number): string =>
      JSON.stringify({ query: '{ __typename }', variables: { x: '' } }).replace('""', `"${'x'.repeat(bytes)}"`);
    const send = (text: string): Promise<Response> =>
      fetch(`${server.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        ...(how.startsWith('with') ? { body: text } : { body: new Blob([text]).stream(), duplex: 'half' }),
      });
    const refused = await send(body(3000));
    expect(refused.status).toBe(413);
    const { errors } = (await refused.json()) as { errors: ErrorAnswer[] };
    expect(errors[0]?.extensions).toMatchObject(limit('bodyLimitBytes', 2048, expect.any(Number)));
    const taken = await send(body(1000));
    expect([taken.status, await taken.json()]).toEqual([200, { data: { __typename: 'Query' } }]);
  });

  it('a WebSocket message: the socket closes with 1009, and the others stay open', async () => {
    const server = await testServer({ flags: ['--body-limit', '2048'] });
    const open = async (): Promise<WebSocket> => {
      const socket = new WebSocket(webSocketUrl(server.url), 'graphql-transport-ws');
      await once(socket, 'open');
      return socket;
    };
    const [bad, good] = await Promise.all([open(), open()]);
    const closed = closeCode(bad);
    bad.send(JSON.stringify({ type: 'connection_init', payload: { x: 'x'.repeat(3000) } }));
    expect(await closed).toBe(1009);
    good.send(JSON.stringify({ type: 'connection_init' }));
    const [answer] = (await once(good, 'message')) as [Buffer];
    expect(JSON.parse(answer.toString())).toEqual({ type: 'connection_ack' });
    good.terminate();
  });

  it.each([
    ['asOf { orders(first: 1001) { nodes { id } } }', limit('first', 1000, 1001)],
    ['asOf { table(name: "orders") { rows(last: 5000) { nodes } } }', limit('last', 1000, 5000)],
    ['commits(first: 1001) { nodes { id } }', limit('first', 1000, 1001)],
    ['table(name: "orders") { snapshots(first: 1001) { nodes { id } } }', limit('first', 1000, 1001)],
    ['asOf { orders(last: 1001) { totalCount } }', limit('last', 1000, 1001)],
    ['asOf { orders { groupBy(columns: [status], first: 1001) { totalCount } } }', limit('first', 1000, 1001)],
    [
      'asOf { table(name: "orders") { aggregate(groupBy: ["status"], functions: [{function: COUNT}], first: 1001) { nodes } } }',
      limit('first', 1000, 1001),
    ],
    ['diff(from: {snapshotId: 1}) { orders { changes(first: 1001) { totalCount } } }', limit('first', 1000, 1001)],
    [`asOf { orders(where: ${'{not: '.repeat(21)}{}${'}'.repeat(21)}) { totalCount } }`, limit('filterDepthMax', 20, expect.any(Number))],
    [
      `asOf { orders(where: {or: [${'{amount: {gt: 1}} '.repeat(600)}]}) { totalCount } }`,
      limit('filterNodesMax', 500, expect.any(Number)),
    ],
  ])('{ %.70s ... }', async (field, extensions) => {
    const server = await testServer({ tables: [ORDERS] });
    expect((await server.failure(`{ ${field} }`)).extensions).toMatchObject(extensions);
  });

  it('the words of a commit', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const document =
      'mutation ($rows: [JSON!]!, $options: CommitOptions) { append(table: "orders", rows: $rows, options: $options) { replayed } }';
    for (const options of [
      { author: 'a'.repeat(257) },
      { message: 'a'.repeat(10_001) },
      { idempotencyKey: 'a'.repeat(257) },
      { properties: { a: 'a'.repeat(16 * 1024) } },
    ])
      expect((await server.failure(document, { rows: orders(1, 1), options })).extensions.code, Object.keys(options)[0]).toBe(
        'LIMIT_EXCEEDED',
      );
    for (const options of [{ properties: [1] }, { properties: 'x' }, { expectedSnapshotId: -1 }])
      expect((await server.failure(document, { rows: orders(1, 1), options })).extensions.code, JSON.stringify(options)).toBe(
        'BAD_USER_INPUT',
      );
  });
});

describe('a beginner’s request is answered with what was wrong with it', () => {
  it.each([
    '{',
    '',
    'hello',
    'null',
    '[]',
    '"x"',
    '[{"query": "{ __typename }"}]',
    '{"query": 3}',
    '{}',
    '{"query": "{ __typename }", "variables": 3}',
    '{"query": "{ __typename }", "operationName": "Nope"}',
  ])('a POST with the body %j: 4xx and BAD_USER_INPUT', async (body) => {
    const server = await testServer();
    const { status, text } = await post(server, body);
    expect(codeIn(text)).toBe('BAD_USER_INPUT');
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
  });

  it.each([
    ['GET ?query={ with variables that are no JSON', 'GET', '?query=%7B__typename%7D&variables=x', {}],
    ['GET with extensions that are no JSON', 'GET', '?query=%7B__typename%7D&extensions=x', {}],
    ['GET without a query', 'GET', '', {}],
    ['GET of a mutation', 'GET', '?query=mutation%7Bcompact%7BflushedRows%7D%7D', {}],
    ['PUT', 'PUT', '', {}],
    ['a POST of plain text', 'POST', '', { 'content-type': 'text/plain' }],
    ['a POST that accepts only XML', 'POST', '', { 'content-type': 'application/json', accept: 'application/xml' }],
  ])('%s: 4xx and an error with a code', async (_, method, path, headers) => {
    const server = await testServer();
    const body = method === 'GET' ? {} : { body: '{"query": "{ __typename }"}' };
    const response = await fetch(`${server.url}/graphql${path}`, { method, headers, ...body });
    expect(codeIn(await response.text())).toBe('BAD_USER_INPUT');
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(response.status).toBeLessThan(500);
  });

  it('a subscription sent as an ordinary request is told to use the WebSocket', async () => {
    const server = await testServer();
    const { text } = await post(server, '{"query": "subscription { snapshotCommitted { snapshotId } }"}', { accept: 'application/json' });
    expect(codeIn(text)).toBe('BAD_USER_INPUT');
  });
});

describe('a defect of the server is masked, and logged under the reference that the client gets', () => {
  const internal = (error: unknown): { extensions: Record<string, unknown>; message: string; logged: [unknown, string][] } => {
    const logged: [unknown, string][] = [];
    const { extensions, message } = toGraphQLError(error, (cause, reference) => void logged.push([cause, reference]));
    return { extensions: extensions as Record<string, unknown>, message, logged };
  };

  it('whatever was thrown, and however deep it is wrapped', () => {
    const secret = new TypeError('secret /etc/passwd');
    for (const error of [
      secret,
      new GraphQLError('secret', { originalError: secret }),
      new GraphQLError('secret', { originalError: new GraphQLError('secret', { originalError: secret }) }),
    ]) {
      const { extensions, message, logged } = internal(error);
      expect(message).not.toContain('secret');
      expect(extensions).toEqual({ code: 'INTERNAL_SERVER_ERROR', details: { reference: logged[0]?.[1] } });
      expect(logged).toEqual([[secret, expect.stringMatching(/^[0-9a-f-]{36}$/)]]);
    }
    for (const thrown of ['secret', undefined, null, 7, { secret: 1 }])
      expect(internal(thrown).extensions['code']).toBe('INTERNAL_SERVER_ERROR');
  });

  it('an error of the engine passes with its code, details and hint, and is not logged', () => {
    const error = new EngineError('CONFLICT', 'it changed', { details: { table: 't' }, hint: 'Read again.' });
    const { extensions, message, logged } = internal(new GraphQLError('wrapped', { originalError: error, path: ['a'] }));
    expect(extensions).toEqual({ code: 'CONFLICT', details: { table: 't' }, hint: 'Read again.' });
    expect(message).toBe('it changed');
    expect(logged).toEqual([]);
  });

  it('over HTTP too: an engine that closed under the server leaks nothing of its storage, and the log has the reference', async () => {
    const server = await testServer({ tables: [ORDERS], expectErrorLogs: true });
    await server.data(APPEND, { rows: orders(1, 1) });
    await server.engine.close();
    const { message, extensions } = await server.failure('{ commits { nodes { id } } }');
    expect(message).not.toMatch(/level|database/i);
    if (extensions.code === 'SHUTTING_DOWN') return;
    expect(extensions.code).toBe('INTERNAL_SERVER_ERROR');
    const { reference } = extensions.details;
    expect(server.logs.filter((line) => line['reference'] === reference)).toMatchObject([
      { level: 50, msg: 'internal error', err: { stack: expect.any(String) } },
    ]);
  });
});
