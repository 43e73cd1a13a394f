import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import WebSocket from 'ws';
import { closeCode, type ErrorAnswer, eventually, type TestServer, testServer, webSocketUrl } from '../support/server-support.ts';

const TABLE = {
  name: 't',
  columns: [
    { name: 'k', type: 'LONG' },
    { name: 'd', type: 'DOUBLE' },
    { name: 'j', type: 'JSON' },
    { name: 'x', type: 'STRING' },
  ],
} as const;
const GENERIC = 'mutation ($r: [JSON!]!) { append(table: "t", rows: $r) { insertedRows } }';
const TYPED = 'mutation ($r: [TRowInput!]!) { appendT(rows: $r) { insertedRows } }';

interface Outcome {
  readonly data?: unknown;
  readonly errors?: readonly ErrorAnswer[];
}

async function post(server: TestServer, body: string | Buffer): Promise<Outcome & { status: number }> {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: body as BodyInit,
  });
  return { status: response.status, ...((await response.json()) as Outcome) };
}

/** One operation over a raw socket; the variables are JSON text. */
async function overSocket(server: TestServer, query: string, variables: string): Promise<Outcome> {
  const socket = new WebSocket(webSocketUrl(server.url), 'graphql-transport-ws');
  await once(socket, 'open');
  socket.send('{"type":"connection_init"}');
  await once(socket, 'message');
  socket.send(`{"id":"1","type":"subscribe","payload":{"query":${JSON.stringify(query)},"variables":${variables}}}`);
  const [data] = (await once(socket, 'message')) as [Buffer];
  socket.terminate();
  const { payload } = JSON.parse(String(data)) as { payload: Outcome | ErrorAnswer[] };
  return Array.isArray(payload) ? { errors: payload } : payload;
}

const NUMBERS: readonly (readonly [column: 'd' | 'j' | 'k', text: string, isKept: boolean])[] = [
  ...(['9007199254740993', '12345678901234567890', '1e400', '0.1234567890123456789', '-9007199254740995'] as const).flatMap((text) => [
    ['d', text, false] as const,
    ['j', text, false] as const,
  ]),
  ...(['123456789012345680000', '9007199254740992', '1e21', '0.1', '0.30000000000000004', '1.50'] as const).flatMap((text) => [
    ['d', text, true] as const,
    ['j', text, true] as const,
  ]),
  ['k', '9007199254740993', true],
  ['k', '-9223372036854775808', true],
  ['k', '12345678901234567890', false],
];

describe('a number is kept with all its digits or refused, however it comes', () => {
  it.each(NUMBERS)('%s: %s', async (column, text, isKept) => {
    const server = await testServer({ tables: [TABLE] });
    const row = (value: string): string => (column === 'j' ? `{"a":[${value}]}` : value);
    const variables = `{"r":[{"x":"${text}","${column}":${row(text)}}]}`;
    const literal = column === 'j' ? `{a: [${text}]}` : text;
    const outcomes: Record<string, Outcome> = {
      'generic, variable': await post(server, `{"query":${JSON.stringify(GENERIC)},"variables":${variables}}`),
      'typed, variable': await post(server, `{"query":${JSON.stringify(TYPED)},"variables":${variables}}`),
      'generic, socket': await overSocket(server, GENERIC, variables),
      'generic, literal': await server.query(
        `mutation { append(table: "t", rows: [{x: "${text}", ${column}: ${literal}}]) { insertedRows } }`,
      ),
      'typed, literal': await server.query(`mutation { appendT(rows: [{x: "${text}", ${column}: ${literal}}]) { insertedRows } }`),
    };
    for (const [way, { errors }] of Object.entries(outcomes)) {
      const code = errors?.[0]?.extensions.code;
      if (isKept) expect(code, way).toBeUndefined();
      else expect(code, way).toMatch(way === 'typed, literal' ? /INVALID_ROW|BAD_USER_INPUT|GRAPHQL_VALIDATION_FAILED/ : /INVALID_ROW/);
      if (!isKept && way !== 'typed, literal') expect(errors?.[0]?.extensions.details, way).toMatchObject({ rows: [{ index: 0, column }] });
    }
    const found = await server.data<{ asOf: { t: { nodes: Record<string, unknown>[] } } }>('{ asOf { t { nodes { k d j } } } }');
    expect(found.asOf.t.nodes).toHaveLength(isKept ? 5 : 0);
    for (const node of found.asOf.t.nodes) {
      const kept = column === 'j' ? (node['j'] as { a: unknown[] }).a[0] : node[column];
      expect(kept).toEqual(column === 'k' ? text : Number(text));
    }
  });

  it('in a filter too, and in the variables of a GET', async () => {
    const server = await testServer({ tables: [TABLE] });
    await server.engine.append('t', [{ k: '9007199254740993', d: 9007199254740992 }]);
    const query = 'query ($k: BigInt, $d: Float) { asOf { t(where: {k: {eq: $k}, d: {eq: $d}}) { totalCount } } }';
    const ask = async (variables: string): Promise<Outcome> => {
      const response = await fetch(`${server.url}/graphql?${new URLSearchParams({ query, variables })}`);
      return (await response.json()) as Outcome;
    };
    expect(await ask('{"k": 9007199254740993, "d": 9007199254740992}')).toEqual({ data: { asOf: { t: { totalCount: 1 } } } });
    expect((await ask('{"k": 9007199254740993, "d": 9007199254740993}')).errors).toHaveLength(1);
  });
});

describe('text is UTF-8 or refused', () => {
  it('in a body, naming the place', async () => {
    const server = await testServer({ tables: [TABLE] });
    const body = (bytes: Buffer): Buffer =>
      Buffer.concat([Buffer.from(`{"query":${JSON.stringify(GENERIC)},"variables":{"r":[{"x":"é\uFFFD`), bytes, Buffer.from('"}]}}')]);
    const start = body(Buffer.alloc(0)).length - '"}]}}'.length;
    for (const bytes of [[0xff], [0xc3], [0xe2, 0x82], [0xed, 0xa0, 0x80], [0xc0, 0xaf], [0xf5, 0x80, 0x80, 0x80]]) {
      const { status, errors } = await post(server, body(Buffer.from(bytes)));
      expect(status).toBe(400);
      expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', details: { place: start } });
    }
    expect((await post(server, body(Buffer.from('€')))).errors).toBeUndefined();
  });

  it('in the address of a GET, for a stream too', async () => {
    const server = await testServer();
    for (const accept of ['application/json', 'text/event-stream'])
      for (const search of [
        'query=%7B__typename%7D&variables=%7B%22a%22%3A%22%ff%22%7D',
        'query=%7B__typename%20%23%C3%28%7D',
        'query=%7B__typename%7D&x=%',
      ]) {
        const response = await fetch(`${server.url}/graphql?${search}`, { headers: { accept } });
        expect(response.status).toBe(400);
        expect(((await response.json()) as Outcome).errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
      }
  });

  it.each([false, true])('in a message of a WebSocket, binary: %s', async (binary) => {
    const server = await testServer();
    const socket = new WebSocket(webSocketUrl(server.url), 'graphql-transport-ws');
    await once(socket, 'open');
    const closed = closeCode(socket);
    socket.send(Buffer.from([0x22, 0xff, 0x22]), { binary });
    expect(await closed).toBe(1007);
  });
});

describe('bodies and connections are bounded together', () => {
  it('a client that sends a body past the limit gets to read its 413', async () => {
    const server = await testServer();
    const limit = 32 * 1024 * 1024;
    const { status, errors } = await post(server, `{"query":"{ __typename }","variables":{"x":"${'x'.repeat(limit + 5_000_000)}"}}`);
    expect(status).toBe(413);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'LIMIT_EXCEEDED', details: { limit: 'bodyLimitBytes', maximum: limit } });
  });

  it('past the most connections the next is closed at once; where one goes, another comes', async () => {
    const server = await testServer({ flags: ['--max-connections', '3'] });
    const { port } = new URL(server.url);
    const open = async (): Promise<Socket> => {
      const socket = connect(Number(port), '127.0.0.1');
      onTestFinished(() => void socket.destroy());
      socket.on('error', () => {});
      await once(socket, 'connect');
      return socket;
    };
    const idle = [await open(), await open(), await open()];
    const refused = await open();
    await once(refused, 'close');
    for (const socket of idle) socket.destroy();
    await eventually(async () => expect(await server.data('{ __typename }')).toEqual({ __typename: 'Query' }));
  });
});
