import { describe, expect, it } from 'vitest';
import { randomNumbers, seedOf } from '../support/random.ts';
import { liveClient, ORDERS, orders, type TestServer, testServer } from '../support/server-support.ts';

const WATCH =
  'subscription ($after: SafeInt) { snapshotCommitted(tables: ["orders"], after: $after) { snapshotId caughtUp headSnapshotId } }';
const WRITERS = 8;
const COMMITS = 300;

interface Data {
  readonly snapshotCommitted: { readonly snapshotId: number; readonly caughtUp: boolean; readonly headSnapshotId: number };
}

/** Eight writers over HTTP, together COMMITS commits. */
async function write(server: TestServer): Promise<void> {
  let next = 0;
  const writer = async (): Promise<void> => {
    for (let id = next++; id < COMMITS; id = next++)
      await server.data('mutation ($rows: [OrdersRowInput!]!) { appendOrders(rows: $rows) { insertedRows } }', { rows: orders(id, 1) });
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
}

/** Watches until it has seen a number of events or the last commit, then cuts the socket. @returns the ids it saw */
async function watchAndCut(server: TestServer, after: number, cutAfter: number, last: number): Promise<number[]> {
  const client = liveClient(server.url);
  const seen: number[] = [];
  try {
    for await (const { data } of client.iterate<Data>({ query: WATCH, variables: { after } })) {
      if (data == null) throw new Error('an event without data');
      const { snapshotId, caughtUp, headSnapshotId } = data.snapshotCommitted;
      expect(caughtUp).toBe(snapshotId === headSnapshotId);
      seen.push(snapshotId);
      if (snapshotId === last) break;
      // Cut in the middle: events that are on their way are lost with the socket.
      if (seen.length === cutAfter) client.sockets[0]?.terminate();
    }
  } catch (error) {
    if (!(error instanceof Object && 'code' in error && error.code === 1006)) throw error;
  }
  return seen;
}

/** Four subscribers that are cut off again and again while the writers write. */
async function cutAndResume(server: TestServer): Promise<void> {
  const random = randomNumbers(seedOf('resume test'));
  const last = 1 + COMMITS;
  const watcher = async (): Promise<number> => {
    const seen: number[] = [];
    let cuts = 0;
    for (; seen.at(-1) !== last; cuts += 1) seen.push(...(await watchAndCut(server, seen.at(-1) ?? 1, 1 + random(25), last)));
    expect(seen).toEqual(Array.from({ length: COMMITS }, (_, index) => index + 2));
    return cuts;
  };
  const [, ...cuts] = await Promise.all([write(server), watcher(), watcher(), watcher(), watcher()]);
  for (const count of cuts) expect(count).toBeGreaterThan(5);
}

describe('a subscriber that resumes with the last snapshotId that it saw', () => {
  it(`misses nothing and sees nothing twice, cut at random while ${WRITERS} writers commit ${COMMITS} times`, async () => {
    await cutAndResume(await testServer({ tables: [ORDERS], expectErrorLogs: true }));
  });

  it('is nothing for the error log when it is cut off: clients come and go', async () => {
    const server = await testServer({ tables: [ORDERS], expectErrorLogs: true });
    await cutAndResume(server);
    await server.stop();
    expect(server.logs.filter(({ level }) => level >= 40)).toEqual([]);
  });

  it('over a restart of the server too', async () => {
    const server = await testServer({ tables: [ORDERS] });
    for (const id of [1, 2, 3]) await server.engine.append('orders', orders(id, 1));
    expect(await watchAndCut(server, 1, 99, 3)).toEqual([2, 3]);
    await server.stop();
    const again = await testServer({ directory: server.directory });
    await again.engine.append('orders', orders(4, 1));
    expect(await watchAndCut(again, 3, 99, 5)).toEqual([4, 5]);
  });
});

describe('resuming from before what expiry left', () => {
  it('ends with SNAPSHOT_EXPIRED and what is available; from there on it goes', async () => {
    const server = await testServer({ tables: [ORDERS] });
    for (let id = 0; id < 4; id += 1)
      await server.data('mutation ($rows: [OrdersRowInput!]!) { appendOrders(rows: $rows) { insertedRows } }', { rows: orders(id, 1) });
    await server.data('mutation { expireSnapshots(retainLast: 2) { removedSnapshots } }');
    const client = liveClient(server.url);
    const first = async (after: number): Promise<unknown> => {
      for await (const event of client.iterate<Data>({ query: WATCH, variables: { after } })) return event;
      return undefined;
    };
    expect(await first(1)).toMatchObject({ errors: [{ extensions: { code: 'SNAPSHOT_EXPIRED', details: { oldestSnapshotId: 4 } } }] });
    expect(await first(3)).toMatchObject({ data: { snapshotCommitted: { snapshotId: 4 } } });
  });
});
