/** What clients hold from before a restore of a backup: it is refused with that word, never answered with something else. */
import { cpSync, rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { wasRestored } from '../../src/client/index.ts';
import { copyOf } from '../support/damage.ts';
import { type ErrorAnswer, liveClient, ORDERS, orders, subscribe, type TestServer, testServer } from '../support/server-support.ts';
import { temporaryDirectory } from '../support/support.ts';

/** A server whose directory is put back from a backup after some commits, and has as many other ones since. */
async function restored<Held>(hold: (server: TestServer) => Promise<Held>): Promise<{ server: TestServer; held: Held; before: string }> {
  const directory = await temporaryDirectory();
  let server = await testServer({ directory, tables: [ORDERS] });
  await server.engine.append('orders', orders(1, 3));
  await server.stop();
  const backup = await copyOf(directory);
  server = await testServer({ directory });
  await server.engine.append('orders', orders(100, 1_500));
  await server.engine.append('orders', orders(5_000, 1));
  const held = await hold(server);
  const before = server.engine.incarnation;
  await server.stop();
  rmSync(directory, { recursive: true });
  cpSync(backup, directory, { recursive: true });
  server = await testServer({ directory });
  for (const id of [9_000, 9_001]) await server.engine.append('orders', orders(id, 1));
  return { server, held, before };
}

async function subscriptionErrors(server: TestServer, query: string, variables: Record<string, unknown>): Promise<readonly ErrorAnswer[]> {
  const { value } = await liveClient(server.url).iterate({ query, variables }).next();
  return (value as { errors?: readonly ErrorAnswer[] }).errors ?? [];
}

const REFUSED = (server: TestServer, before: string, code: string) => ({
  message: expect.stringContaining('restored from a backup'),
  extensions: { code, details: { incarnation: before, currentIncarnation: server.engine.incarnation } },
});

/** The first value of a field anywhere in some data. */
function idIn(data: unknown, name = 'id'): string {
  if (data === null || typeof data !== 'object') return '';
  const value = (data as Record<string, unknown>)[name];
  if (typeof value === 'string') return value;
  for (const inner of Object.values(data)) {
    const found = idIn(inner, name);
    if (found !== '') return found;
  }
  return '';
}

const TYPED = 'subscription ($after: String) { ordersChanges(after: $after) { cursor snapshotId } }';
const GENERIC = 'subscription ($after: String) { changes(table: "orders", after: $after) { cursor snapshotId } }';
const COMMITS = 'subscription ($after: SafeInt) { snapshotCommitted(after: $after) { snapshotId incarnation } }';

type Event = Record<string, { readonly cursor: string; readonly snapshotId: number }>;

describe('after a restore from a backup', () => {
  it.each([
    ['typed row changes', TYPED, '1'],
    ['typed row changes, within a commit', TYPED, '2'],
    ['generic row changes', GENERIC, '1'],
  ])('a cursor of %s is refused', async (_, query, after) => {
    const { server, held, before } = await restored(async (old) => {
      const watch = await subscribe<Event>(old, liveClient(old.url), query, { after });
      return Object.values(await watch.take())[0]?.cursor ?? '';
    });
    const errors = await subscriptionErrors(server, query, { after: held });
    expect(errors).toMatchObject([REFUSED(server, before, 'CURSOR_INVALID')]);
    expect(wasRestored(errors)).toBe(true);
  });

  it('the Last-Event-ID of an event stream is refused', async () => {
    const { server, before } = await restored(async () => null);
    const url = `${server.url}/graphql?${new URLSearchParams({ query: 'subscription { snapshotCommitted(after: 0) { snapshotId } }' })}`;
    const response = await fetch(url, { headers: { accept: 'text/event-stream', 'last-event-id': `${before}.2` } });
    const data = (await response.text()).split('\n').find((line) => line.startsWith('data: {'));
    expect(JSON.parse(data?.slice(6) ?? '{}')).toMatchObject({ errors: [REFUSED(server, before, 'CURSOR_INVALID')] });
  });

  it('a plain snapshotId past the newest is refused, and wasRestored knows it', async () => {
    const { server } = await restored(async () => null);
    const errors = await subscriptionErrors(server, 'subscription { snapshotCommitted(after: 7) { snapshotId } }', {});
    expect(errors).toMatchObject([{ extensions: { code: 'SNAPSHOT_NOT_FOUND', details: { snapshotId: 7, newestSnapshotId: 4 } } }]);
    expect(wasRestored(errors)).toBe(true);
    expect(wasRestored([{ extensions: { code: 'CURSOR_INVALID', details: { snapshotId: 3 } } }])).toBe(false);
    expect(wasRestored({ graphQLErrors: errors })).toBe(true);
    expect(wasRestored(new Error('lost'))).toBe(false);
  });

  it.each([
    ['version of a row', '{ asOf(snapshotId: 2) { orders(first: 1) { nodes { id } } } }', 'R'],
    ['named view', '{ asOf(snapshotId: 2) { id } }', 'V'],
    ['named view of a table', '{ table(name: "orders") { asOf(snapshotId: 2) { id } } }', 'W'],
    ['commit', '{ commit(snapshotId: 2) { id } }', 'C'],
    ['snapshot', '{ table(name: "orders") { snapshot(snapshotId: 2) { id } } }', 'S'],
  ])('the id of a %s is refused, also of one that was in the backup', async (_, document, tag) => {
    const { server, held, before } = await restored(async (old) => idIn(await old.data(document)));
    expect(Buffer.from(held, 'base64url').toString()).toMatch(new RegExp(`^${tag}:.*:${before}$`));
    expect(await server.failure('query ($id: ID!) { node(id: $id) { id } }', { id: held })).toMatchObject(
      REFUSED(server, before, 'SNAPSHOT_NOT_FOUND'),
    );
    const id = idIn(await server.data(document));
    expect(id).not.toBe(held);
    expect(await server.data('query ($id: ID!) { node(id: $id) { id } }', { id })).toEqual({ node: { id } });
  });

  it('ids of what lives on stay: tables, rows at the present, tags', async () => {
    const document = '{ table(name: "orders") { id } asOf { id orders(first: 3) { nodes { id _rowId } } } }';
    const { server, held } = await restored((old) => old.data(document));
    expect(await server.data(document)).toEqual(held);
  });

  it.each([
    ['commits', 'query ($after: String) { commits(first: 1, after: $after) { pageInfo { endCursor } } }'],
    [
      'snapshots of a table',
      'query ($after: String) { table(name: "orders") { snapshots(first: 1, after: $after) { pageInfo { endCursor } } } }',
    ],
    ['rows at the present', 'query ($after: String) { asOf { orders(first: 1, after: $after) { pageInfo { endCursor } } } }'],
    [
      'ordered rows',
      'query ($after: String) { asOf { orders(first: 1, after: $after, orderBy: [{order_id: DESC}]) { pageInfo { endCursor } } } }',
    ],
    [
      'rows at a named instant',
      'query ($after: String) { asOf(snapshotId: 2) { orders(first: 1, after: $after) { pageInfo { endCursor } } } }',
    ],
    [
      'rows through the generic API',
      'query ($after: String) { table(name: "orders") { asOf { rows(first: 1, after: $after) { pageInfo { endCursor } } } } }',
    ],
    [
      'edges of rows',
      'query ($after: String) { asOf(snapshotId: 2) { orders(first: 1, after: $after) { edges { cursor } pageInfo { endCursor } } } }',
    ],
    [
      'changes of a diff',
      'query ($after: String) { diff(from: {snapshotId: 1}) { orders { changes(first: 1, after: $after) { pageInfo { endCursor } } } } }',
    ],
    [
      'changes of a diff between named instants',
      'query ($after: String) { diff(from: {snapshotId: 1}, to: {snapshotId: 4}) { table(name: "orders") { changes(first: 1, after: $after) { pageInfo { endCursor } } } } }',
    ],
    [
      'changes of a commit',
      'query ($after: String) { commit(snapshotId: 2) { snapshots { changes(first: 1, after: $after) { pageInfo { endCursor } } } } }',
    ],
  ])('a cursor of a page of %s is refused', async (_, document) => {
    const { server, held, before } = await restored(async (old) => idIn(await old.data(document), 'endCursor'));
    expect(await server.failure(document, { after: held })).toMatchObject(REFUSED(server, before, 'CURSOR_INVALID'));
    const after = idIn(await server.data(document), 'endCursor');
    expect(await server.data(document, { after })).toBeTruthy();
  });

  it('what was begun anew goes on, also over a restart', async () => {
    const { server } = await restored(async () => null);
    const watch = await subscribe<Event>(server, liveClient(server.url), GENERIC, { after: '3' });
    const { cursor, snapshotId } = Object.values(await watch.take())[0] ?? { cursor: '', snapshotId: 0 };
    expect(snapshotId).toBe(4);
    const { directory } = server;
    await server.stop();
    const again = await testServer({ directory });
    await again.engine.append('orders', orders(9_002, 1));
    const resumed = await subscribe<Event>(again, liveClient(again.url), GENERIC, { after: cursor });
    expect(Object.values(await resumed.take())[0]?.snapshotId).toBe(5);
  });

  it('events of commits tell the incarnation', async () => {
    const { server, before } = await restored(async () => null);
    const watch = await subscribe<Event>(server, liveClient(server.url), COMMITS, { after: 3 });
    expect(await watch.take()).toEqual({ snapshotCommitted: { snapshotId: 4, incarnation: server.engine.incarnation } });
    expect(server.engine.incarnation).not.toBe(before);
  });
});
