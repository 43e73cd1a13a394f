/** What clients hold from before a restore of a backup: it is refused with that word, never answered with something else. */
import { cpSync, rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { resumeFacts, wasRestored } from '../src/client/index.ts';
import { resumingClient } from './client-support.ts';
import { copyOf } from './damage.ts';
import { type ErrorAnswer, liveClient, ORDERS, orders, subscribe, type TestServer, testServer } from './server-support.ts';
import { temporaryDirectory } from './support.ts';

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

const TYPED = 'subscription ($after: String) { ordersChanges(after: $after) { cursor snapshotId } }';
const GENERIC = 'subscription ($after: String) { changes(table: "orders", after: $after) { cursor snapshotId } }';
const COMMITS = 'subscription ($after: String) { snapshotCommitted(afterCursor: $after) { cursor snapshotId } }';

type Event = Record<string, { readonly cursor: string; readonly snapshotId: number }>;

describe('after a restore from a backup', () => {
  it.each([
    ['typed row changes', TYPED, '1'],
    ['typed row changes, within a commit', TYPED, '2'],
    ['generic row changes', GENERIC, '1'],
    ['commits', COMMITS, '1'],
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

  it('what was begun anew goes on, also over a restart', async () => {
    const { server } = await restored(async () => null);
    const watch = await subscribe<Event>(server, liveClient(server.url), COMMITS, { after: '3' });
    const { cursor, snapshotId } = Object.values(await watch.take())[0] ?? { cursor: '', snapshotId: 0 };
    expect(snapshotId).toBe(4);
    const { directory } = server;
    await server.stop();
    const again = await testServer({ directory });
    await again.engine.append('orders', orders(9_002, 1));
    const resumed = await subscribe<Event>(again, liveClient(again.url), COMMITS, { after: cursor });
    expect(Object.values(await resumed.take())[0]?.snapshotId).toBe(5);
  });
});

it('resumable() resumes commits by their cursor where the document does', async () => {
  const server = await testServer({ tables: [ORDERS] });
  expect(resumeFacts(COMMITS)).toEqual({ variable: 'after', type: 'String', hasDefault: false });
  const { client, cut } = resumingClient(server.url);
  const events = client.iterate<Event>({ query: COMMITS, variables: { after: '0' } });
  const next = async () => (await events.next()).value?.data?.['snapshotCommitted'];
  expect(await next()).toEqual({ snapshotId: 1, cursor: `${server.engine.incarnation}.1` });
  cut();
  await server.engine.append('orders', orders(1, 1));
  expect((await next())?.snapshotId).toBe(2);
  await events.return?.();
  expect(() => resumeFacts('subscription ($after: String) { snapshotCommitted(afterCursor: $after) { snapshotId } }')).toThrow(
    /select `cursor`/,
  );
});

it('two places to begin at are one too many', async () => {
  const server = await testServer({ tables: [ORDERS] });
  const query = 'subscription { snapshotCommitted(after: 0, afterCursor: "0") { snapshotId } }';
  expect(await subscriptionErrors(server, query, {})).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
});
