import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { parse } from 'graphql';
import { createClient } from 'graphql-ws';
import { describe, expect, it, onTestFinished } from 'vitest';
import WebSocket from 'ws';
import { mergeInto } from '../../src/client/apollo.ts';
import {
  mergeChanges,
  mergeChangesAt,
  type RowChange,
  resumable,
  resumeFacts,
  retryDelayMs,
  retryForever,
} from '../../src/client/index.ts';
import { isRefusal } from '../../src/client/refusals.ts';
import { restartingServer, resumingClient } from '../support/client-support.ts';
import { eventually, ORDERS, orders, testServer, webSocketUrl } from '../support/server-support.ts';

interface Commits {
  readonly snapshotCommitted: { readonly snapshotId: number };
}

const WATCH = 'subscription ($after: SafeInt) { snapshotCommitted(after: $after) { snapshotId } }';
const CHANGES = `subscription ($after: String, $where: OrdersFilter) {
  ordersChanges(after: $after, where: $where) { cursor changes { kind before { _rowId } after { _rowId order_id status } } }
}`;

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe('resumable()', () => {
  it('gets every commit once and in order, over cut sockets and restarts of the server', async () => {
    const server = await restartingServer([ORDERS]);
    const { client, cut, sockets } = resumingClient(server.url);
    const seen: number[] = [];
    const errors: unknown[] = [];
    const stop = client.subscribe<Commits>(
      { query: WATCH, variables: { after: 0 } },
      {
        next: ({ data }) => void seen.push(data?.snapshotCommitted.snapshotId ?? Number.NaN),
        error: (error) => errors.push(error),
        complete: () => {},
      },
    );
    let next = 1;
    const write = async (count: number): Promise<void> => {
      for (const id of range(next, next + count - 1)) await server.current.engine.append('orders', orders(id, 1));
      next += count;
    };
    for (let round = 0; round < 4; round += 1) {
      await write(15);
      cut();
      await write(15);
      await server.restart();
      await write(5);
    }
    await eventually(() => expect(seen.at(-1)).toBe(next));
    expect(seen).toEqual(range(1, next));
    expect(sockets.length).toBeGreaterThan(4);
    expect(errors).toEqual([]);
    stop();
  });

  it('without a position begins at the newest commit that there is, also when the first socket never brings an event', async () => {
    const server = await testServer({ tables: [ORDERS] });
    await server.engine.append('orders', orders(1, 1));
    const { client, cut } = resumingClient(server.url);
    const events = client.iterate<Commits>({ query: WATCH });
    await eventually(() => expect(server.live().classes.snapshotCommitted.subscriptions).toBe(1));
    cut();
    await server.engine.append('orders', orders(2, 1));
    expect((await events.next()).value?.data?.snapshotCommitted.snapshotId).toBe(3);
    await events.return?.();
    await eventually(() => expect(server.live().classes.snapshotCommitted.subscriptions).toBe(0));
  });

  it('resumes row changes inside a large commit, and the rows that were merged are the rows of the table', async () => {
    const server = await restartingServer([ORDERS]);
    const { client, cut } = resumingClient(server.url);
    type Row = { readonly _rowId: string; readonly order_id: string; readonly status: string };
    interface Changes {
      readonly ordersChanges: { readonly changes: readonly RowChange<Row>[] };
    }
    let rows: readonly Row[] = [];
    let cuts = 0;
    const where = { status: { eq: 'open' } };
    const stop = client.subscribe<Changes>(
      { query: CHANGES, variables: { where, after: '0' } },
      {
        next: ({ data }) => {
          rows = mergeChanges(rows, data?.ordersChanges.changes ?? []);
          if (cuts < 6) {
            cuts += 1;
            cut();
          }
        },
        error: () => {},
        complete: () => {},
      },
    );
    const { engine } = server.current;
    await engine.append('orders', orders(1, 2_600, { status: 'open' }));
    await engine.update('orders', { kind: 'compare', column: 'order_id', operator: 'gt', value: '1300' }, { status: 'shut' });
    await engine.update('orders', { kind: 'compare', column: 'order_id', operator: 'gt', value: '2590' }, { status: 'open' });
    await server.restart();
    await server.current.engine.delete('orders', { kind: 'compare', column: 'order_id', operator: 'lt', value: '3' });
    const expected = [...range(3, 1300), ...range(2591, 2600)].map(String);
    await eventually(() => expect(rows.map((row) => row.order_id).sort((left, right) => Number(left) - Number(right))).toEqual(expected));
    expect(cuts).toBe(6);
    stop();
  });

  it('leaves queries, mutations and live queries as they are', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const { client } = resumingClient(server.url);
    expect((await client.iterate({ query: '{ tables { nodes { name } } }' }).next()).value).toEqual({
      data: { tables: { nodes: [{ name: 'orders' }] } },
    });
    const live = client.iterate<{ live: { orders: { totalCount: number } } }>({ query: 'subscription { live { orders { totalCount } } }' });
    expect((await live.next()).value?.data?.live.orders.totalCount).toBe(0);
    await live.return?.();
  });

  it('says at once what is wrong with a document that cannot be resumed, and how to write it', () => {
    expect(() => resumeFacts('subscription { snapshotCommitted { snapshotId } }')).toThrow(
      /subscription \(\$after: SafeInt\) \{ snapshotCommitted\(after: \$after\)/,
    );
    expect(() => resumeFacts('subscription { ordersChanges(after: "3") { cursor } }')).toThrow(/\$after: String/);
    expect(() => resumeFacts('subscription ($after: String) { ordersChanges(after: $after) { snapshotId } }')).toThrow(/select `cursor`/);
    expect(() => resumeFacts('subscription ($after: String) { ordersChanges(after: $after) { at: cursor } }')).toThrow(/not as `at`/);
    expect(
      resumeFacts('subscription ($from: String) { changes(table: "t", after: $from) { ...E } } fragment E on RowChangeEvent { cursor }'),
    ).toEqual({
      variable: 'from',
      type: 'String',
      hasDefault: false,
    });
  });

  it('leaves a subscription that there is not to the server, which knows what is meant', async () => {
    expect(resumeFacts('subscription ($after: String) { orderChange(after: $after) { cursor } }')).toBeNull();
    const { client } = resumingClient((await testServer({ tables: [ORDERS] })).url);
    const asked = client.iterate({ query: 'subscription { snapshotsCommitted { snapshotId } }' });
    await expect(asked.next()).rejects.toMatchObject([{ message: 'there is no subscription snapshotsCommitted' }]);
  });

  it('tells the operations of one document apart, and finds the field in a fragment', () => {
    const document = parse(`
      subscription Commits($from: SafeInt) { ...C }
      subscription Changes($at: String) { changes(table: "t", after: $at) { cursor } }
      subscription Live { ... { live { snapshotId } } }
      fragment C on Subscription { snapshotCommitted(after: $from) { ...Id } }
      fragment Id on SnapshotEvent { snapshotId }`);
    expect(resumeFacts(document, 'Changes')).toEqual({ variable: 'at', type: 'String', hasDefault: false });
    expect(resumeFacts(document, 'Commits')).toEqual({ variable: 'from', type: 'SafeInt', hasDefault: false });
    expect(resumeFacts(document, 'Live')).toBeNull();
  });

  it('gives the error of a document that cannot be resumed to its subscriber, not to the caller', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const { client } = resumingClient(server.url);
    const query = 'subscription { changes(table: "orders") { cursor } }';
    const errors: unknown[] = [];
    client.subscribe({ query }, { next: () => {}, error: (error) => errors.push(error), complete: () => {} })();
    expect(errors).toEqual([expect.any(TypeError)]);
    await expect(client.iterate({ query }).next()).rejects.toThrow(/pass a variable as `after`/);
  });

  it('completes where the client is disposed of before a server was ever reached', async () => {
    const server = await testServer({ tables: [ORDERS] });
    await server.stop();
    const client = resumable(createClient({ url: webSocketUrl(server.url), webSocketImpl: WebSocket, ...retryForever }));
    const events = client.iterate({ query: WATCH });
    const next = events.next();
    await client.dispose();
    await expect(next).resolves.toMatchObject({ done: true });
  });

  it('begins where the document says, where nothing is passed', async () => {
    const server = await testServer({ tables: [ORDERS] });
    await server.engine.append('orders', orders(1, 1));
    const { client } = resumingClient(server.url);
    const query = 'subscription ($after: SafeInt = 0) { snapshotCommitted(after: $after) { snapshotId } }';
    expect((await client.iterate({ query }).next()).value).toEqual({ data: { snapshotCommitted: { snapshotId: 1 } } });
  });

  it('connects again where the connection has gone silent without a word, as a sleeping laptop leaves it', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const pairs: { readonly near: Socket; readonly far: Socket; isSilent: boolean }[] = [];
    const proxy = createServer((near) => {
      const far = connect(Number(new URL(server.url).port), '127.0.0.1');
      const pair = { near, far, isSilent: false };
      pairs.push(pair);
      near.on('data', (data) => void (pair.isSilent || far.write(data)));
      far.on('data', (data) => void (pair.isSilent || near.write(data)));
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        one.on('error', () => {});
        one.on('close', () => void (pair.isSilent || other.destroy()));
      }
    });
    onTestFinished(() => {
      for (const { near, far } of pairs) for (const socket of [near, far]) socket.destroy();
      proxy.close();
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const { port } = proxy.address() as AddressInfo;
    const plain = createClient({ url: `ws://127.0.0.1:${port}/graphql`, webSocketImpl: WebSocket, ...retryForever, keepAlive: 50 });
    onTestFinished(() => Promise.resolve(plain.dispose()).catch(() => {}));
    const events = resumable(plain, { pongMs: 200 }).iterate<Commits>({ query: WATCH, variables: { after: 0 } });
    const next = async (): Promise<unknown> => (await events.next()).value;
    expect(await next()).toEqual({ data: { snapshotCommitted: { snapshotId: 1 } } });
    for (const pair of pairs) pair.isSilent = true;
    await server.engine.append('orders', orders(1, 1));
    expect(await next()).toEqual({ data: { snapshotCommitted: { snapshotId: 2 } } });
    expect(pairs.length).toBe(2);
  });

  it('passes on that what it would resume from has expired', async () => {
    const server = await testServer({ tables: [ORDERS] });
    for (const id of range(1, 4)) await server.engine.append('orders', orders(id, 1));
    await server.engine.expireSnapshots({ retainLast: 1 });
    const { client } = resumingClient(server.url);
    const { value } = await client.iterate({ query: WATCH, variables: { after: 1 } }).next();
    expect(value).toMatchObject({ errors: [{ extensions: { code: 'SNAPSHOT_EXPIRED', details: { oldestSnapshotId: 5 } } }] });
  });

  it('what stops before it has begun leaves nothing', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const { client } = resumingClient(server.url);
    const completed: true[] = [];
    client.subscribe({ query: WATCH }, { next: () => {}, error: () => {}, complete: () => completed.push(true) })();
    await eventually(() => expect(completed).toEqual([true]));
    await server.engine.append('orders', orders(1, 1));
    expect(server.live().classes.snapshotCommitted.subscriptions).toBe(0);
  });
});

describe('retryDelayMs', () => {
  it('grows to ten seconds and no further, with some chance in it', () => {
    for (const retries of range(0, 60)) {
      const delay = retryDelayMs(retries);
      expect(delay).toBeGreaterThanOrEqual(Math.min(10_000, 200 * 2 ** retries) / 2);
      expect(delay).toBeLessThanOrEqual(10_000);
    }
  });
});

describe('mergeChanges', () => {
  const row = (id: number, status = 'new') => ({ _rowId: `r${id}`, id, status });
  const rows = [row(1), row(2), row(3)];

  it('adds, replaces and removes by row, in order, without touching the list it was given', () => {
    const before = structuredClone(rows);
    const merged = mergeChanges(rows, [
      { kind: 'DELETE', before: row(1) },
      { kind: 'UPDATE', before: row(3), after: row(3, 'paid') },
      { kind: 'INSERT', after: row(4) },
    ]);
    expect(merged).toEqual([row(2), row(3, 'paid'), row(4)]);
    expect(rows).toEqual(before);
    expect(mergeChanges(rows, [{ kind: 'INSERT', after: row(0) }], { compare: (left, right) => left.id - right.id, limit: 3 })).toEqual([
      row(0),
      row(1),
      row(2),
    ]);
  });

  it('says what is missing where rows cannot be told apart, and changes nothing', () => {
    const without = [{ a: 1 }] as unknown as { _rowId: string }[];
    const insert = { kind: 'INSERT', after: { _rowId: 'r1' } } as const;
    expect(() => mergeChanges(without, [insert])).toThrow(/select it in the list/);
    expect(() => mergeChanges([], [{ kind: 'INSERT', after: { a: 1 } as never }])).toThrow(/select it in `after`/);
    expect(() => mergeChanges([], [{ kind: 'DELETE' }])).toThrow(/select it in `before`/);
    expect(() => mergeChangesAt({ asOf: { orders: { nodes: [] } } }, ['asOf', 'ordrs', 'nodes'], [insert])).toThrow(
      /no ordrs in what has orders/,
    );
    expect(() => mergeChangesAt({ asOf: { orders: { nodes: [] } } }, ['asOf', 'orders'], [insert])).toThrow(
      /no list of rows; it has nodes/,
    );
    // A table that did not exist then has no list.
    expect(mergeChangesAt({ asOf: { orders: null } }, ['asOf', 'orders', 'nodes'], [insert])).toEqual({ asOf: { orders: null } });
    const merge = mergeInto(['asOf', 'orders', 'nodes']);
    const update = (event: object) => ({ complete: true, subscriptionData: { data: { ordersChanges: event } } });
    expect(() => merge({ asOf: { orders: { nodes: [{ id: 'x' }] } } }, update({ changes: [insert] }))).toThrow(/_rowId/);
    expect(() => merge({ asOf: { orders: { nodes: [] } } }, update({ cursor: '1' }))).toThrow(/selects changes/);
  });

  it('is harmless where an event comes twice, and gives the list back where nothing changes', () => {
    const changes = [
      { kind: 'DELETE', before: row(1) },
      { kind: 'INSERT', after: row(4) },
    ] as const;
    const once = mergeChanges(rows, changes);
    expect(mergeChanges(once, changes)).toEqual(once);
    expect(mergeChanges(rows, [])).toBe(rows);
    expect(mergeChanges(rows, [{ kind: 'DELETE', before: row(9) }])).toBe(rows);
  });
});

describe('isRefusal', () => {
  it.each([
    [{ code: 4401, reason: 'Unauthorized' }, true],
    [{ code: 4429 }, true],
    [{ code: 1013 }, false],
    [{ code: 1006 }, false],
    [new Error('Socket closed with event 4403 Forbidden'), true],
    [new Error('Socket closed with event 1006'), false],
    [{ statusCode: 404 }, true],
    [{ response: { status: 400 } }, true],
    [{ response: { status: 429 } }, false],
    [{ response: { status: 503 } }, false],
    [new TypeError('fetch failed'), false],
    [null, false],
  ])('%o: %s', (error, expected) => {
    expect(isRefusal(error)).toBe(expected);
  });
});
