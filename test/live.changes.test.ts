import { describe, expect, it } from 'vitest';
import { type Event, eventually, liveClient, ORDERS, orders, subscribe, type TestServer, testServer } from './server-support.ts';

interface Change {
  readonly kind: 'INSERT' | 'UPDATE' | 'DELETE';
  readonly snapshotId: number;
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
}

interface ChangeEvent {
  readonly snapshotId: number;
  readonly cursor: string;
  readonly changes: readonly Change[];
  readonly endOfCommit: boolean;
  readonly caughtUp: boolean;
  readonly headSnapshotId: number;
}

const FIELDS = 'snapshotId cursor endOfCommit caughtUp headSnapshotId';
const TYPED = `subscription ($where: OrdersFilter, $after: String) {
  ordersChanges(where: $where, after: $after) {
    ${FIELDS} changes { kind snapshotId before { _rowId order_id status amount } after { id _rowId order_id status amount } }
  }
}`;
const GENERIC = `subscription ($where: Filter, $after: String) {
  changes(table: "orders", where: $where, after: $after) { ${FIELDS} changes { kind snapshotId _rowId before after } }
}`;

/** Reads from a position on until a commit is wholly seen. */
async function readTo(server: TestServer, document: string, variables: Record<string, unknown>, last: number): Promise<ChangeEvent[]> {
  const events: ChangeEvent[] = [];
  for await (const { data, errors } of liveClient(server.url).iterate<Record<string, ChangeEvent>>({ query: document, variables })) {
    expect(errors).toBeUndefined();
    const event = Object.values(data ?? {})[0] as ChangeEvent;
    events.push(event);
    if (event.endOfCommit && event.snapshotId === last) break;
  }
  return events;
}

const brief = ({ kind, before, after }: Change): string => `${kind} ${before?.['order_id'] ?? ''}>${after?.['order_id'] ?? ''}`;

describe('changes tell what each commit did to the rows', () => {
  it('inserted, updated with before and after, deleted, one event a commit, in both doors', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const client = liveClient(server.url);
    const typed = await subscribe<{ ordersChanges: ChangeEvent }>(server, client, TYPED);
    const generic = await subscribe<{ changes: ChangeEvent }>(server, client, GENERIC);
    await server.engine.append('orders', orders(1, 3));
    await server.engine.update('orders', { kind: 'compare', column: 'order_id', operator: 'eq', value: '2' }, { status: 'shipped' });
    await server.engine.delete('orders', { kind: 'compare', column: 'order_id', operator: 'lte', value: '2' });
    await server.engine.upsert('orders', [...orders(3, 1, { amount: 9 }), ...orders(4, 1)]);

    const first = (await typed.take()).ordersChanges;
    expect(first).toMatchObject({ snapshotId: 2, cursor: '2', endOfCommit: true });
    expect(first.changes.map(brief)).toEqual(['INSERT >1', 'INSERT >2', 'INSERT >3']);
    const second = (await typed.take()).ordersChanges;
    expect(second.changes).toMatchObject([{ kind: 'UPDATE', snapshotId: 3, before: { status: 'paid' }, after: { status: 'shipped' } }]);
    expect(second.changes[0]?.before?.['_rowId']).toBe(second.changes[0]?.after?.['_rowId']);
    expect((await typed.take()).ordersChanges.changes.map(brief)).toEqual(['DELETE 1>', 'DELETE 2>']);
    const last = (await typed.take()).ordersChanges;
    expect(last.changes.map(brief)).toEqual(['UPDATE 3>3', 'INSERT >4']);
    expect(last).toMatchObject({ snapshotId: 5, caughtUp: true, headSnapshotId: 5 });

    const ids: number[] = [];
    for (let count = 0; count < 4; count += 1) ids.push((await generic.take()).changes.snapshotId);
    expect(ids).toEqual([2, 3, 4, 5]);
  });

  it('with where, as somebody sees it who knows only rows that match: coming in is an INSERT, going out a DELETE', async () => {
    const server = await testServer({ tables: [ORDERS] });
    await server.engine.append('orders', orders(1, 4));
    const where = { status: { eq: 'paid' } };
    const watch = await subscribe<{ ordersChanges: ChangeEvent }>(server, liveClient(server.url), TYPED, { where });
    const generic = await subscribe<{ changes: ChangeEvent }>(server, liveClient(server.url), GENERIC, {
      where: { column: 'status', eq: 'paid' },
    });
    const set = (id: number, fields: Record<string, unknown>): Promise<unknown> =>
      server.engine.update('orders', { kind: 'compare', column: 'order_id', operator: 'eq', value: String(id) }, fields);
    await set(1, { status: 'paid' }); // new: comes in
    await set(3, { amount: 1 }); // stays out: no event
    await set(2, { amount: 7 }); // stays in
    await set(2, { status: 'new' }); // goes out
    await server.engine.delete('orders', { kind: 'and', filters: [] }); // 1 and 4 match, 2 and 3 do not
    for (const take of [async () => (await watch.take()).ordersChanges, async () => (await generic.take()).changes]) {
      const seen: string[] = [];
      for (let count = 0; count < 4; count += 1) {
        const { snapshotId, changes } = await take();
        seen.push(`${snapshotId}: ${changes.map(brief).join(', ')}`);
      }
      expect(seen).toEqual(['3: INSERT >1', '5: UPDATE 2>2', '6: DELETE 2>', '7: DELETE 1>, DELETE 4>']);
    }
  });

  it('a large commit in several events, and a cursor resumes inside it', async () => {
    const server = await testServer({ tables: [ORDERS] });
    await server.engine.append('orders', orders(1, 2_500));
    await server.engine.update('orders', { kind: 'and', filters: [] }, { status: 'old' });
    await server.engine.append('orders', orders(9_000, 1));
    for (const document of [TYPED, GENERIC]) {
      const events = await readTo(server, document, { after: '1' }, 4);
      expect(events.map(({ snapshotId, changes, endOfCommit }) => [snapshotId, changes.length, endOfCommit])).toEqual([
        [2, 1000, false],
        [2, 1000, false],
        [2, 500, true],
        [3, 1000, false],
        [3, 1000, false],
        [3, 500, true],
        [4, 1, true],
      ]);
      const all = events.flatMap(({ changes }) => changes.map(brief));
      expect(new Set(all).size).toBe(5_001);
      for (const [at, { cursor }] of events.slice(0, -1).entries()) {
        const rest = await readTo(server, document, { after: cursor }, 4);
        expect(rest.flatMap(({ changes }) => changes.map(brief))).toEqual(
          events.slice(at + 1).flatMap(({ changes }) => changes.map(brief)),
        );
      }
    }
    const filtered = await readTo(server, TYPED, { after: '2', where: { order_id: { gt: '1400' } } }, 4);
    expect(filtered.map(({ snapshotId, changes, endOfCommit }) => [snapshotId, changes.length, endOfCommit])).toEqual([
      [3, 1000, false],
      [3, 100, true],
      [4, 1, true],
    ]);
  });

  it('also of more changes than are kept of a commit', async () => {
    const server = await testServer({ tables: [ORDERS] });
    await server.engine.append('orders', orders(1, 10_500));
    await server.engine.update('orders', { kind: 'and', filters: [] }, { status: 'old' });
    const events = await readTo(server, TYPED, { after: '1' }, 3);
    const sizes = [...Array.from({ length: 10 }, () => 1000), 500];
    expect(events.map(({ changes }) => changes.length)).toEqual([...sizes, ...sizes]);
    expect(events.flatMap(({ endOfCommit }, at) => (endOfCommit ? [at] : []))).toEqual([10, 21]);
    const all = events.flatMap(({ changes }) => changes.map(brief));
    expect(new Set(all).size).toBe(21_000);
    const rest = await readTo(server, TYPED, { after: events[14]?.cursor }, 3);
    expect(rest.flatMap(({ changes }) => changes.map(brief))).toEqual(all.slice(14_500));
    const filtered = await readTo(server, GENERIC, { after: '1', where: { column: 'order_id', gt: '9400' } }, 3);
    expect(filtered.map(({ snapshotId, changes, endOfCommit }) => [snapshotId, changes.length, endOfCommit])).toEqual([
      [2, 1000, false],
      [2, 100, true],
      [3, 1000, false],
      [3, 100, true],
    ]);
  });

  it('the same after flush, compaction and a restart as when they were new', async () => {
    const server = await testServer({ tables: [ORDERS] });
    await server.engine.append('orders', orders(1, 30));
    await server.engine.update('orders', { kind: 'compare', column: 'order_id', operator: 'lt', value: '10' }, { status: 'old' });
    await server.engine.delete('orders', { kind: 'compare', column: 'order_id', operator: 'gte', value: '25' });
    const fresh = await readTo(server, TYPED, { after: '0' }, 4);
    await server.engine.compact('orders');
    const { directory } = server;
    await server.stop();
    const again = await testServer({ directory });
    expect(await readTo(again, TYPED, { after: '0' }, 4)).toEqual(fresh);
  });

  it('an erasure is told without what it erased: the event has no changes', async () => {
    const server = await testServer({ tables: [ORDERS] });
    await server.engine.append('orders', orders(1, 3));
    const watch = await subscribe<{ ordersChanges: ChangeEvent }>(server, liveClient(server.url), TYPED);
    await server.data('mutation { eraseRows(table: "orders", where: {column: "order_id", eq: "2"}, reason: "asked") { erasedRows } }');
    expect((await watch.take()).ordersChanges).toMatchObject({ snapshotId: 3, changes: [], endOfCommit: true });
    // Who comes late is not told of them either.
    const late = await readTo(server, TYPED, { after: '1' }, 3);
    expect(late.flatMap(({ changes }) => changes.map(brief))).toEqual(['INSERT >1', 'INSERT >3']);
  });

  it('a table that is dropped loses its rows, and a restore brings them back', async () => {
    const server = await testServer({ tables: [ORDERS] });
    await server.engine.append('orders', orders(1, 2));
    const watch = await subscribe<{ changes: ChangeEvent }>(server, liveClient(server.url), GENERIC);
    await server.engine.dropTable('orders');
    await server.engine.restore({ tables: ['orders'], to: { kind: 'snapshot', snapshotId: 2 } });
    expect((await watch.take()).changes.changes.map(brief)).toEqual(['DELETE 1>', 'DELETE 2>']);
    expect((await watch.take()).changes.changes.map(brief)).toEqual(['INSERT >1', 'INSERT >2']);
  });
});

describe('changes that cannot be told are refused with a code', () => {
  const failure = async (server: TestServer, query: string, variables: Record<string, unknown> = {}): Promise<unknown> => {
    const { value } = (await liveClient(server.url)
      .iterate({ query, variables })
      .next()
      .catch((errors: unknown) => ({ value: { errors } }))) as IteratorResult<Event<unknown>>;
    return (value as { errors?: readonly unknown[] }).errors?.[0];
  };

  it('a table or column that is not there, a null operand, a position that is none, a subscription without its variable', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const code = (name: string): object => ({ extensions: { code: name } });
    expect(await failure(server, 'subscription { changes(table: "nope") { cursor } }')).toMatchObject(code('TABLE_NOT_FOUND'));
    expect(await failure(server, GENERIC, { where: { column: 'nope', eq: 1 } })).toMatchObject(code('COLUMN_NOT_FOUND'));
    expect(await failure(server, GENERIC, { where: { column: 'status', eq: null } })).toMatchObject(code('BAD_USER_INPUT'));
    expect(await failure(server, TYPED, { after: 'yesterday' })).toMatchObject(code('BAD_USER_INPUT'));
    const unset = 'subscription ($id: BigInt) { ordersChanges(where: {order_id: {eq: $id}}) { cursor } }';
    expect(await failure(server, unset)).toMatchObject(code('BAD_USER_INPUT'));
    await eventually(() => expect(server.live().classes.changes.subscriptions).toBe(0));
  });

  it('from before what expiry left', async () => {
    const server = await testServer({ tables: [ORDERS] });
    for (let id = 0; id < 4; id += 1) await server.engine.append('orders', orders(id, 1));
    await server.engine.expireSnapshots({ retainLast: 1 });
    expect(await failure(server, TYPED, { after: '1' })).toMatchObject({
      extensions: { code: 'SNAPSHOT_EXPIRED', details: { oldestSnapshotId: 5 } },
    });
  });
});
