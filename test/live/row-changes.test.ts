/** The specification of row changes as subscriptions send them. Those of commits and diffs are in test/api/changes.test.ts. */
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/engine/index.ts';
import { type Event, eventually, liveClient, ORDERS, orders, subscribe, type TestServer, testServer } from '../support/server-support.ts';
import { temporaryDirectory } from '../support/support.ts';

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

describe('row changes report what each commit did to the rows', () => {
  it('inserted, updated with before and after, deleted, one event a commit, in both APIs', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const client = liveClient(server.url);
    const typed = await subscribe<{ ordersChanges: ChangeEvent }>(server, client, TYPED);
    const generic = await subscribe<{ changes: ChangeEvent }>(server, client, GENERIC);
    await server.engine.append('orders', orders(1, 3));
    await server.engine.update('orders', { kind: 'compare', column: 'order_id', operator: 'eq', value: '2' }, { status: 'shipped' });
    await server.engine.delete('orders', { kind: 'compare', column: 'order_id', operator: 'lte', value: '2' });
    await server.engine.upsert('orders', [...orders(3, 1, { amount: 9 }), ...orders(4, 1)]);

    const first = (await typed.take()).ordersChanges;
    expect(first).toMatchObject({ snapshotId: 2, cursor: `${server.engine.incarnation}.2`, endOfCommit: true });
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

  it('with where, relative to the filter: a row that starts to match is an INSERT, a row that stops matching a DELETE', async () => {
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

  it('an erasure sends an event without changes, so nothing of the erased rows', async () => {
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

describe('row changes that cannot be sent are refused with a code', () => {
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

describe('row changes resume at any row of a commit', () => {
  const NUMBERS = {
    name: 'numbers',
    columns: [
      { name: 'n', type: 'INT' as const },
      { name: 'even', type: 'BOOLEAN' as const },
    ],
  };
  const ALL = 'subscription ($after: String) { changes(table: "numbers", after: $after) { cursor endOfCommit changes { after } } }';
  const EVEN = 'subscription { changes(table: "numbers", where: { column: "even", eq: true }) { cursor endOfCommit changes { after } } }';
  interface Numbers {
    readonly changes: {
      readonly cursor: string;
      readonly endOfCommit: boolean;
      readonly changes: readonly { readonly after: { readonly n: number } }[];
    };
  }
  const numbers = (count: number) => Array.from({ length: count }, (_, n) => ({ n, even: n % 2 === 0 }));

  async function rest(server: TestServer, after: string): Promise<number[]> {
    const found: number[] = [];
    for await (const { data } of liveClient(server.url).iterate<Numbers>({ query: ALL, variables: { after } })) {
      if (data == null) throw new Error('no data');
      found.push(...data.changes.changes.map((change) => change.after.n));
      if (data.changes.endOfCommit) break;
    }
    return found;
  }

  it.each([1_500, 2_500, 3_000])('also with the cursor of another filter, beside others who have read it: %d rows', async (count) => {
    const server = await testServer({ tables: [NUMBERS] });
    const even = await subscribe<Numbers>(server, liveClient(server.url), EVEN);
    const all = await subscribe<Numbers>(server, liveClient(server.url), ALL);
    await server.engine.append('numbers', numbers(count));
    const { cursor } = (await even.take()).changes;
    while (!(await all.take()).changes.endOfCommit);
    for (const after of [cursor, ...[0, 499, 998, 999, 1000, count - 2].map((row) => `${server.engine.incarnation}.2:${row}`)]) {
      // Nothing is left of a commit that one event tells whole.
      if (!after.includes(':')) continue;
      const from = Number(after.split(':')[1]) + 1;
      expect(await rest(server, after), after).toEqual(
        numbers(count)
          .slice(from)
          .map(({ n }) => n),
      );
    }
  });

  it.each([false, true])('which has expired meanwhile: it is told, also after a restart: %s', async (restarts) => {
    const directory = await temporaryDirectory();
    let server = await testServer({ directory, tables: [NUMBERS] });
    await server.engine.append('numbers', numbers(2_500));
    await server.engine.append('numbers', numbers(1));
    await server.engine.expireSnapshots({ table: 'numbers', retainLast: 1 });
    if (restarts) {
      await server.stop();
      server = await testServer({ directory });
    }
    const { value } = await liveClient(server.url)
      .iterate({ query: ALL, variables: { after: `${server.engine.incarnation}.2:999` } })
      .next();
    expect(value).toMatchObject({ errors: [{ extensions: { code: 'SNAPSHOT_EXPIRED', details: { oldestSnapshotId: 3 } } }] });
  });

  it('and while others are being told the same commit', async () => {
    const server = await testServer({ tables: [NUMBERS] });
    const all = await subscribe<Numbers>(server, liveClient(server.url), ALL);
    await server.engine.append('numbers', numbers(40_000));
    await all.take();
    expect(await rest(server, `${server.engine.incarnation}.2:20499`)).toEqual(
      numbers(40_000)
        .slice(20_500)
        .map(({ n }) => n),
    );
  });
});

describe('the filter of row changes', () => {
  it('names columns as they are called now, also of commits from before they were renamed or added', async () => {
    const server = await testServer({
      tables: [
        {
          name: 't',
          columns: [
            { name: 'a', type: 'INT' },
            { name: 'b', type: 'STRING' },
          ],
        },
      ],
    });
    await server.engine.append('t', [
      { a: 1, b: 'x' },
      { a: 2, b: 'y' },
    ]);
    await server.engine.alterTable('t', [
      { kind: 'renameColumn', name: 'b', to: 'c' },
      { kind: 'addColumn', column: { name: 'd', type: 'INT', default: 7 } },
    ]);
    await server.engine.append('t', [{ a: 3, c: 'x', d: 8 }]);
    const seen = async (where: object): Promise<number[]> => {
      const query = 'subscription ($where: Filter) { changes(table: "t", after: "1", where: $where) { snapshotId changes { after } } }';
      const found: number[] = [];
      for await (const { data } of liveClient(server.url).iterate<{ changes: { snapshotId: number; changes: { after: { a: number } }[] } }>(
        { query, variables: { where } },
      )) {
        found.push(...(data?.changes.changes ?? []).map(({ after }) => after.a));
        if (data?.changes.snapshotId === 4) break;
      }
      return found;
    };
    expect(await seen({ column: 'c', eq: 'x' })).toEqual([1, 3]);
    // The default of a column that came later is what those rows have in it.
    expect(await seen({ column: 'd', gte: 7 })).toEqual([1, 2, 3]);
  });
});

describe('rows of any size', () => {
  it.each([15, 60])('come in events of about a megabyte, each row once, and only as many at once in memory: %d rows', async (count) => {
    const server = await testServer({
      tables: [
        {
          name: 't',
          columns: [
            { name: 'a', type: 'INT' },
            { name: 'text', type: 'STRING' },
          ],
        },
      ],
    });
    const size = 100_000;
    await server.engine.append(
      't',
      Array.from({ length: count }, (_, a) => ({ a, text: 'x'.repeat(size) })),
    );
    await server.engine.update('t', { kind: 'compare', column: 'a', operator: 'gte', value: 0 }, { a: 7 });
    const query = 'subscription { changes(table: "t", after: "2") { endOfCommit changes { _rowId before after } } }';
    const rows: string[] = [];
    for await (const { data } of liveClient(server.url).iterate<{ changes: { endOfCommit: boolean; changes: { _rowId: string }[] } }>({
      query,
    })) {
      if (data == null) throw new Error('no data');
      rows.push(...data.changes.changes.map(({ _rowId }) => _rowId));
      // Two rows of it, before and after, are already four tenths of a megabyte.
      expect(data.changes.changes.length).toBeLessThanOrEqual(LIMITS.changesPerEventBytesMax / (2 * size));
      if (data.changes.endOfCommit) break;
    }
    expect([rows.length, new Set(rows).size]).toEqual([count, count]);
  });
});
