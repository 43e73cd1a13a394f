import { once } from 'node:events';
import {
  buildClientSchema,
  buildSchema,
  getIntrospectionQuery,
  type IntrospectionQuery,
  introspectionFromSchema,
  parse,
  printSchema,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { RowCopies } from '../../src/engine/data/row-copies.ts';
import { checkDocument, checkText, type DocumentLimits } from '../../src/server/graphql/document-limits.ts';
import { Documents } from '../../src/server/graphql/documents.ts';
import { type ErrorAnswer, liveClient, ORDERS, type TestServer, testServer, webSocketUrl } from '../support/server-support.ts';

const LIMITS: DocumentLimits = {
  depthMax: 20,
  aliasesMax: 100,
  tokensMax: 20_000,
  directivesMax: 200,
  fragmentsMax: 500,
  fieldsMax: 10_000,
  documentKiB: 1024,
};

/** Sends an operation whose variables are JSON text, and takes the first error of the answer. */
type Send = (server: TestServer, query: string, variables: string) => Promise<ErrorAnswer | undefined>;

function bodyOf(query: string, variables: string): string {
  return `{"query":${JSON.stringify(query)},"variables":${variables}}`;
}

function post(accept: string): Send {
  return async (server, query, variables) => {
    const headers = { 'content-type': 'application/json', accept };
    const response = await fetch(`${server.url}/graphql`, { method: 'POST', headers, body: bodyOf(query, variables) });
    let text = '';
    // A stream that goes on is left after its first event.
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk).toString();
      if (/^data: \{.*\}\n/m.test(text)) break;
    }
    return (JSON.parse(/^data: (\{.*\})$/m.exec(text)?.[1] ?? text) as { errors?: ErrorAnswer[] }).errors?.[0];
  };
}

const overSocket: Send = async (server, query, variables) => {
  const socket = new WebSocket(webSocketUrl(server.url), 'graphql-transport-ws');
  await once(socket, 'open');
  socket.send('{"type":"connection_init"}');
  await once(socket, 'message');
  socket.send(`{"id":"1","type":"subscribe","payload":${bodyOf(query, variables)}}`);
  const [data] = (await once(socket, 'message')) as [Buffer];
  socket.terminate();
  const { payload } = JSON.parse(String(data)) as { payload: ErrorAnswer[] | { errors?: ErrorAnswer[] } };
  return Array.isArray(payload) ? payload[0] : payload.errors?.[0];
};

const TRANSPORTS: Readonly<Record<string, Send>> = {
  http: post('application/json'),
  webSocket: overSocket,
  eventStream: post('text/event-stream'),
};

/** `{"and": [{"and": [...]}]}`, so many times. */
function nested(levels: number): string {
  return `${'{"and":['.repeat(levels)}{}${']}'.repeat(levels)}`;
}

const FILTERED = 'query ($w: OrdersFilter) { asOf { orders(where: $w) { totalCount } } }';
const GENERIC = 'query ($w: Filter) { asOf { table(name: "orders") { rows(where: $w) { totalCount } } } }';
const WATCHED = 'subscription ($w: OrdersFilter) { live { orders(where: $w) { totalCount } } }';
const PROPERTIES = 'mutation ($w: JSON) { append(table: "orders", rows: [], options: {properties: $w}) { replayed } }';
const ROWS = 'mutation ($w: JSON!) { append(table: "orders", rows: [$w]) { replayed } }';

describe('what is nested too deep is LIMIT_EXCEEDED, however deep it is', () => {
  const LIMIT = {
    code: 'LIMIT_EXCEEDED',
    details: { limit: expect.any(String), maximum: expect.any(Number), actual: expect.any(Number) },
  };

  it.each(Object.keys(TRANSPORTS))('in variables, over %s', async (transport) => {
    const server = await testServer({ tables: [ORDERS] });
    for (const depth of [25, 1_000, 2_000, 3_000, 10_000, 100_000]) {
      for (const document of [FILTERED, GENERIC, WATCHED, PROPERTIES, ROWS]) {
        // Below the limits JSON is JSON; an ordinary request cannot subscribe.
        if (depth === 25 && (document === PROPERTIES || document === ROWS)) continue;
        if (document === WATCHED && transport === 'http') continue;
        const error = await TRANSPORTS[transport]?.(server, document, `{"w":${nested(depth)}}`);
        expect(error?.extensions, `${document} ${depth}`).toMatchObject(LIMIT);
      }
    }
    expect(await server.data('{ __typename }')).toEqual({ __typename: 'Query' });
  });

  it.each(Object.keys(TRANSPORTS))('in a document, over %s', async (transport) => {
    const server = await testServer({ tables: [ORDERS] });
    const deep = (depth: number): string[] => [
      `{ asOf { orders(where: ${'{not: '.repeat(depth)}{}${'}'.repeat(depth)}) { totalCount } } }`,
      `{ asOf { orders(where: ${'{and: ['.repeat(depth)}{}${']}'.repeat(depth)}) { totalCount } } }`,
      `{ ${'asOf { '.repeat(depth)}id${' }'.repeat(depth)} }`,
      ...(depth < 1_000
        ? []
        : [
            `query ($w: JSON = ${'['.repeat(depth)}${']'.repeat(depth)}) { asOf { id } }`,
            `query ($w: JSON = ${'{a: '.repeat(depth)}1${'}'.repeat(depth)}) { asOf { id } }`,
            `{ asOf { orders(where: {and: ${'['.repeat(depth)}${']'.repeat(depth)}}) { totalCount } } }`,
            `{ ${'... { '.repeat(depth)}__typename${' }'.repeat(depth)} }`,
            `query ($x: ${'['.repeat(depth)}Int${']'.repeat(depth)}) { asOf { id } }`,
            `mutation { append(table: "orders", rows: [{a: ${'['.repeat(depth)}${']'.repeat(depth)}}]) { replayed } }`,
          ]),
    ];
    for (const depth of [25, 1_000, 2_000, 3_000, 100_000])
      for (const document of deep(depth)) {
        const error = await TRANSPORTS[transport]?.(server, document, '{}');
        expect(error?.extensions, `${document.slice(0, 60)} ${depth}`).toMatchObject(LIMIT);
      }
    expect(await server.data('{ __typename }')).toEqual({ __typename: 'Query' });
  });

  it('a JSON value of a row keeps up to 500 levels, and is named where it has more', async () => {
    const server = await testServer({
      tables: [
        {
          name: 'docs',
          columns: [
            { name: 'k', type: 'LONG' },
            { name: 'body', type: 'JSON' },
          ],
        },
      ],
    });
    const append = (depth: number) =>
      server.query('mutation ($r: [JSON!]!) { append(table: "docs", rows: $r) { insertedRows } }', {
        r: [{ k: 1, body: JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`) as unknown }],
      });
    expect((await append(500)).errors).toBeUndefined();
    expect((await append(501)).errors?.[0]?.extensions).toMatchObject({
      code: 'INVALID_ROW',
      details: { rows: [{ index: 0, column: 'body', reason: expect.stringContaining('jsonDepthMax') }] },
    });
  });
});

describe('what a document may have', () => {
  const check = (text: string): void => {
    checkText(text, LIMITS);
    checkDocument(parse(text), LIMITS);
  };
  const doubled = (levels: number, spread: (name: string) => string): string => {
    const fragments = Array.from(
      { length: levels },
      (_, at) => `fragment F${at} on Snapshot { ${spread(`F${at + 1}`)} ${spread(`F${at + 1}`)} }`,
    );
    return `{ ...F0 } ${fragments.join(' ')} fragment F${levels} on Snapshot { id }`;
  };
  it.each([
    ['directivesMax', `{ a ${'@skip(if: false) '.repeat(201)} }`],
    ['directivesMax', `{ ${'a @unknown '.repeat(5_000)} }`],
    ['fragmentsMax', `{ ${'...F '.repeat(501)} } fragment F on Query { a }`],
    ['fieldsMax', doubled(18, (name) => `... { parent { ...${name} } }`)],
    ['fieldsMax', doubled(18, (name) => `...${name}`)],
    ['aliasesMax', `{ ${Array.from({ length: 101 }, (_, at) => `a${at}: __typename`).join(' ')} }`],
    ['aliasesMax', `{ __schema { ${Array.from({ length: 101 }, (_, at) => `a${at}: types { name }`).join(' ')} } }`],
    ['nameLengthMax', `{ ${'a'.repeat(257)}: id }`],
    ['documentBytesMax', `{ a(b: "${'x'.repeat(1024 * 1024)}") }`],
    ['documentBytesMax', `# ${'é'.repeat(1024 * 512)}\n{ a }`],
    ['introspectionListsMax', '{ __schema { types { fields { type { fields { name } } } } } }'],
    [
      'introspectionListsMax',
      '{ __type(name: "Query") { ...A } } fragment A on __Type { fields { type { possibleTypes { interfaces { name } } } } }',
    ],
    ['introspectionsMax', `{ ${Array.from({ length: 21 }, (_, at) => `a${at}: __type(name: "Query") { name }`).join(' ')} }`],
  ])('%s: %.60s', (limit, text) => {
    let refused: unknown;
    try {
      check(text);
    } catch (error) {
      refused = (error as ErrorAnswer).extensions;
    }
    expect(refused).toMatchObject({ code: 'LIMIT_EXCEEDED', details: { limit, maximum: expect.any(Number), actual: expect.any(Number) } });
  });

  it('what people write is within all of it', () => {
    check(getIntrospectionQuery({ inputValueDeprecation: true, oneOf: true, specifiedByUrl: true, schemaDescription: true }));
    check(`{ asOf { orders { ${'id '.repeat(500)} } } }`);
    check('{ a: __type(name: "A") { fields { type { fields { name } } } } }');
  });

  it('no more than ten errors are looked for', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const { errors } = await server.query(`{ ${Array.from({ length: 3_000 }, (_, at) => `nothing${at}`).join(' ')} }`);
    expect(errors?.length).toBeLessThanOrEqual(11);
  });
});

describe('parsed documents are kept up to a number of bytes', () => {
  const parsing = (documents: Documents) => {
    const { onParse } = documents.plugin();
    return (text: string): unknown => {
      let parseFn = parse as (text: string) => unknown;
      onParse?.({
        context: {},
        params: { source: text },
        parseFn,
        setParseFn: (given: never) => {
          parseFn = given;
        },
      } as never);
      return parseFn(text);
    };
  };

  it('however many and however large they are; the one used last stays', () => {
    const documents = new Documents({ ...LIMITS, documentCacheMiB: 8 }, new RowCopies());
    const parseIt = parsing(documents);
    const text = (at: number): string => `{ t${at}(in: [${'1 '.repeat(3_000)}]) }`;
    const kept = parseIt(text(0));
    for (let at = 1; at < 100; at += 1) {
      parseIt(text(at));
      expect(parseIt(text(0))).toBe(kept);
      expect(documents.bytes).toBeLessThanOrEqual(8 * 1024 * 1024);
    }
    expect(documents.bytes).toBeGreaterThan(4 * 1024 * 1024);
  });

  it('what is kept is counted for at least what it takes', () => {
    const before = process.memoryUsage().heapUsed;
    const documents = new Documents({ ...LIMITS, documentCacheMiB: 32 }, new RowCopies());
    const parseIt = parsing(documents);
    for (let at = 0; at < 20; at += 1) parseIt(`{ t${at}(in: [${'1 '.repeat(5_000)}]) { ${'k '.repeat(5_000)} } }`);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(2 * documents.bytes + 32 * 1024 * 1024);
  });

  it('an erasure lets go of all: values may stand in their text', () => {
    const documents = new Documents({ ...LIMITS, documentCacheMiB: 8 }, new RowCopies());
    const parseIt = parsing(documents);
    const first = parseIt('{ t(name: "Alice") }');
    expect(parseIt('{ t(name: "Alice") }')).toBe(first);
    documents.forget();
    expect(documents.bytes).toBe(0);
    expect(parseIt('{ t(name: "Alice") }')).not.toBe(first);
  });
});

describe('introspection', () => {
  it.each([
    ['alone', (query: string) => query],
    ['beside other fields', (query: string) => query.replace('__schema', 'asOf { id } __typename __schema')],
    [
      'in a fragment',
      (query: string) =>
        `${query.replace(/\{\s*__schema/, '{ ... @include(if: true) { __schema').replace(/\}\s*fragment/, '} } fragment')}`,
    ],
  ])('%s, in parts, is the same as in one piece', async (_, changed) => {
    const server = await testServer({ tables: [ORDERS] });
    const sdl = await (await fetch(`${server.url}/schema.graphql`)).text();
    const options = { inputValueDeprecation: true, schemaDescription: true, oneOf: true, specifiedByUrl: true };
    const query = changed(getIntrospectionQuery(options));
    const whole = introspectionFromSchema(buildSchema(sdl), options) as IntrospectionQuery;
    const byName = (types: readonly { name: string }[]) => [...types].sort((left, right) => (left.name < right.name ? -1 : 1));
    for (const answer of [await server.data<IntrospectionQuery>(query), await server.data<IntrospectionQuery>(query)]) {
      expect(byName(answer.__schema.types).map(({ name }) => name)).toEqual(byName(whole.__schema.types).map(({ name }) => name));
      expect(printSchema(buildClientSchema(answer)).length).toBe(printSchema(buildClientSchema(whole)).length);
    }
    const { value } = await liveClient(server.url).iterate<IntrospectionQuery>({ query }).next();
    expect(value?.data?.__schema.types.length).toBe(whole.__schema.types.length);
  });

  it('with aliases, variables and both in two fragments', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const query =
      'query ($d: Boolean!) { s: __schema { ...A all: types { name } ...B } } fragment A on __Schema { queryType { name } } fragment B on __Schema { types { name fields(includeDeprecated: $d) { name } } }';
    const { s } = await server.data<{ s: { queryType: unknown; all: { name: string }[]; types: { name: string; fields: unknown }[] } }>(
      query,
      { d: true },
    );
    expect(s.queryType).toEqual({ name: 'Query' });
    expect(s.all.map(({ name }) => name)).toEqual(s.types.map(({ name }) => name));
    expect(s.types.find(({ name }) => name === 'OrdersRow')?.fields).toBeInstanceOf(Array);
    await server.data('mutation { createTable(input: {name: "later", columns: [{name: "k", type: LONG}]}) { replayed } }');
    const after = await server.data<typeof s extends infer S ? { s: S } : never>(query, { d: true });
    expect(after.s.all.map(({ name }) => name)).toContain('LaterRow');
  });
});
