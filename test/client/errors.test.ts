/** The types of errors in tidemark/client: every code of the API is among them, and errors of every client are read. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ApolloClient, gql as apolloGql, HttpLink, InMemoryCache } from '@apollo/client';
import { cacheExchange, createClient, fetchExchange, gql } from '@urql/core';
import { expect, it } from 'vitest';
import { API_ERROR_CODES, errorExtensions } from '../../src/client/index.ts';
import { ERROR_CODES } from '../../src/engine/index.ts';
import { liveClient, ORDERS, testServer } from '../support/server-support.ts';

it('has the codes of docs/errors.md, and those of the engine that an answer can have', () => {
  const docs = readFileSync(fileURLToPath(new URL('../../docs/errors.md', import.meta.url)), 'utf8');
  const documented = [...docs.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code);
  expect(documented.toSorted()).toEqual([...API_ERROR_CODES].toSorted());
  const atStart = ['DIRECTORY_IN_USE', 'FORMAT_UNSUPPORTED', 'CLOCK_NOT_ACCEPTED'];
  expect(ERROR_CODES.filter((code) => !atStart.includes(code) && !(API_ERROR_CODES as readonly string[]).includes(code))).toEqual([]);
});

it('reads the errors of Apollo Client, urql, graphql-ws and plain answers, and tells details apart by code', async () => {
  const server = await testServer({ tables: [ORDERS] });
  const document = 'mutation { append(table: "orders", rows: [{ order_id: "x" }]) { replayed } }';
  const apollo = new ApolloClient({ link: new HttpLink({ uri: `${server.url}/graphql` }), cache: new InMemoryCache() });
  const urql = createClient({ url: `${server.url}/graphql`, exchanges: [cacheExchange, fetchExchange], preferGetMethod: false });
  const errors: unknown[] = [
    await apollo.mutate({ mutation: apolloGql(document) }).catch((error: unknown) => error),
    (await urql.mutation(gql(document), {})).error,
    (await server.query(document)).errors,
    (await server.query(document)).errors?.[0],
    (await liveClient(server.url).iterate({ query: document }).next()).value?.errors,
  ];
  for (const error of errors) {
    const extensions = errorExtensions(error);
    expect(extensions?.code).toBe('INVALID_ROW');
    if (extensions?.code === 'INVALID_ROW') expect(extensions.details.rows[0]).toMatchObject({ index: 0, column: 'order_id' });
  }
});

it('finds nothing in other errors', () => {
  for (const error of [undefined, null, 'text', new TypeError('fetch failed'), { extensions: { code: 'SOMETHING' } }, [], { errors: [] }])
    expect(errorExtensions(error)).toBeUndefined();
});
