import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { print } from 'graphql';
import { describe, expect, it, onTestFinished } from 'vitest';
import WebSocket from 'ws';
import { type Loose, ORDERS, type TestServer, testServer, webSocketUrl } from '../support/server-support.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const DOCUMENT = '{ tables { nodes { name } } }';
const TABLES = { data: { tables: { nodes: [{ name: 'orders' }] } } };
const byHash = (hash = sha256(DOCUMENT)): Loose => ({ extensions: { persistedQuery: { version: 1, sha256Hash: hash } } });
const REFUSED = {
  message: 'PersistedQueryNotSupported',
  extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED', details: {}, hint: expect.stringContaining('query') },
};

async function post(server: TestServer, body: Loose, accept = 'application/json'): Promise<{ status: number; text: string }> {
  const headers = { 'content-type': 'application/json', accept };
  const response = await fetch(`${server.url}/graphql`, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: response.status, text: await response.text() };
}

/** Answers to some messages on one socket, until each operation has ended. */
async function overSocket(server: TestServer, payloads: readonly Loose[]): Promise<Loose[]> {
  const socket = new WebSocket(webSocketUrl(server.url), 'graphql-transport-ws');
  onTestFinished(() => socket.terminate());
  await once(socket, 'open');
  const answers: Loose[] = [];
  const done = new Promise<void>((resolve, reject) => {
    socket.on('close', (code, reason) => reject(new Error(`closed with ${code} ${String(reason)}`)));
    socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as Loose;
      if (message['type'] === 'connection_ack')
        for (const [id, payload] of payloads.entries()) socket.send(JSON.stringify({ id: String(id), type: 'subscribe', payload }));
      else if (message['type'] !== 'complete') answers.push(message);
      if (answers.length === payloads.length) resolve();
    });
  });
  socket.send(JSON.stringify({ type: 'connection_init' }));
  await done;
  return answers;
}

describe('an operation that is asked for by the hash of its document alone', () => {
  it.each(['', null, undefined])('is PERSISTED_QUERY_NOT_SUPPORTED over POST, with query %j', async (query) => {
    const server = await testServer({ tables: [ORDERS] });
    for (const accept of ['application/json', 'application/graphql-response+json', '*/*']) {
      const { status, text } = await post(server, { ...byHash(), query, variables: { a: 1 }, operationName: 'Q' }, accept);
      expect({ status, ...(JSON.parse(text) as object) }, accept).toEqual({ status: 200, errors: [REFUSED] });
    }
  });

  it('over GET', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const parameters = new URLSearchParams({ extensions: JSON.stringify(byHash()['extensions']), variables: '{}' });
    for (const accept of ['application/json', 'application/graphql-response+json']) {
      const response = await fetch(`${server.url}/graphql?${parameters}`, { headers: { accept } });
      expect({ status: response.status, ...((await response.json()) as object) }, accept).toEqual({ status: 200, errors: [REFUSED] });
    }
  });

  it('over an event stream', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const { status, text } = await post(server, byHash(), 'text/event-stream');
    expect(status).toBe(200);
    const data = /^data: (\{.*\})$/m.exec(text)?.[1] ?? '';
    expect(JSON.parse(data)).toEqual({ errors: [REFUSED] });
    expect(text).toContain('event: complete');
  });

  it('over a WebSocket, which stays open and answers the document itself', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const live = 'subscription { live { orders { totalCount } } }';
    const answers = await overSocket(server, [
      byHash(),
      { ...byHash(sha256(live)), query: null },
      { query: DOCUMENT, ...byHash() },
      { query: live, ...byHash(sha256(live)) },
    ]);
    expect(answers.sort((left, right) => Number(left['id']) - Number(right['id']))).toEqual([
      { id: '0', type: 'error', payload: [REFUSED] },
      { id: '1', type: 'error', payload: [REFUSED] },
      { id: '2', type: 'next', payload: TABLES },
      { id: '3', type: 'next', payload: { data: { live: { orders: { totalCount: 0 } } } } },
    ]);
  });

  it('a text that only speaks of persistedQuery is what it was', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const query = 'query ($persistedQuery: String!) { table(name: $persistedQuery) { name } }';
    const [answer] = await overSocket(server, [{ query, variables: { persistedQuery: 'orders' } }]);
    expect(answer?.['payload']).toEqual({ data: { table: { name: 'orders' } } });
  });
});

describe('a hash beside a document', () => {
  it.each([sha256(DOCUMENT), 'f'.repeat(64), ''])('%s is not looked at: the document is executed', async (hash) => {
    const server = await testServer({ tables: [ORDERS] });
    const { status, text } = await post(server, { query: DOCUMENT, ...byHash(hash) });
    expect({ status, ...(JSON.parse(text) as object) }).toEqual({ status: 200, ...TABLES });
  });
});

it('without document and without hash a request is BAD_USER_INPUT', async () => {
  const server = await testServer({ tables: [ORDERS] });
  for (const extensions of [undefined, null, {}, { persistedQuery: null }, { other: {} }]) {
    const { status, text } = await post(server, { extensions });
    expect({ status, ...(JSON.parse(text) as object) }).toMatchObject({
      status: 400,
      errors: [{ extensions: { code: 'BAD_USER_INPUT' } }],
    });
  }
});

describe("Apollo's PersistedQueryLink", () => {
  it.each([false, true])(
    'gets its answer by the document, and sends no hash after that; GET for hashes: %s',
    async (useGETForHashedQueries) => {
      const server = await testServer({ tables: [ORDERS] });
      const sent: { method: string; hashed: boolean; document: boolean }[] = [];
      const http = new HttpLink({
        uri: `${server.url}/graphql`,
        fetch: (input, init) => {
          const text = decodeURIComponent(`${String(input)} ${String(init?.body ?? '')}`);
          sent.push({ method: init?.method ?? 'GET', hashed: text.includes('sha256Hash'), document: text.includes('tables') });
          return fetch(input, init);
        },
      });
      const persisted = new PersistedQueryLink({ sha256, useGETForHashedQueries });
      const client = new ApolloClient({ link: persisted.concat(http), cache: new InMemoryCache() });
      onTestFinished(() => client.stop());
      const query = gql(DOCUMENT);
      for (let n = 0; n < 2; n += 1) {
        const { data, error } = await client.query({ query, fetchPolicy: 'network-only' });
        expect(error).toBeUndefined();
        expect(data).toMatchObject(TABLES.data);
      }
      expect(sent[0]).toEqual({ method: useGETForHashedQueries ? 'GET' : 'POST', hashed: true, document: false });
      expect(sent.slice(1).every(({ document }) => document)).toBe(true);
      expect(sent.at(-1)?.hashed).toBe(false);
      expect(sent).toHaveLength(3);
      expect(print(query)).toContain('tables');
    },
  );
});
