import { describe, expect, it } from 'vitest';
import type { Engine, Instant } from '../../src/engine/index.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { eventually, type Loose, ORDERS, testServer } from '../support/server-support.ts';
import { failureOf, testEngine } from '../support/support.ts';

const NOON = Date.UTC(2026, 10, 22, 12);

async function started(): Promise<{ engine: Engine; clock: ManualClock }> {
  const clock = new ManualClock(NOON);
  const engine = await testEngine({ clock, maintenance: { autoCompact: false } });
  await engine.createTable({ name: 't', columns: [{ name: 'k', type: 'INT' }] });
  return { engine, clock };
}

const atLeast = (engine: Engine, snapshotId: number, signal?: AbortSignal): Promise<Instant> =>
  engine.read.resolve({ kind: 'newest', atLeast: snapshotId }, signal);

describe('asOf(atLeast) is the present, not before a commit', () => {
  it('answers at once where the commit is there, with the newest one', async () => {
    const { engine } = await started();
    await engine.append('t', [{ k: 1 }]);
    for (const id of [0, 1, 2]) expect(await atLeast(engine, id)).toMatchObject({ snapshotId: 2 });
  });

  it('waits for the commit and for no other, and is told by it', async () => {
    const { engine, clock } = await started();
    const waits = clock.nextWait();
    let third: Instant | undefined;
    const waiting = atLeast(engine, 3).then((instant) => {
      third = instant;
      return instant;
    });
    expect(await waits).toBe(5_000);
    await engine.append('t', [{ k: 1 }]);
    expect(await engine.read.resolve({ kind: 'newest' })).toMatchObject({ snapshotId: 2 });
    expect(third).toBeUndefined();
    await engine.append('t', [{ k: 2 }]);
    // No time has passed.
    expect(await waiting).toMatchObject({ snapshotId: 3, timestampMs: NOON });
  });

  it('several that wait are each told by their own commit', async () => {
    const { engine } = await started();
    const all = [4, 2, 3, 2].map((id) => atLeast(engine, id));
    for (let k = 0; k < 3; k += 1) await engine.append('t', [{ k }]);
    const ids = (await Promise.all(all)).map(({ snapshotId }) => snapshotId as number);
    for (const [at, id] of [4, 2, 3, 2].entries()) expect(ids[at]).toBeGreaterThanOrEqual(id);
  });

  it('is SNAPSHOT_NOT_FOUND after 5 s, and what comes later is no longer waited for', async () => {
    const { engine, clock } = await started();
    const waits = clock.nextWait();
    const waiting = failureOf(atLeast(engine, 9));
    await waits;
    clock.advance(4_999);
    await engine.append('t', [{ k: 1 }]);
    clock.advance(1);
    expect(await waiting).toMatchObject({
      code: 'SNAPSHOT_NOT_FOUND',
      message: expect.stringContaining('snapshot 9 was not there within 5 s; the newest is 2'),
      details: { snapshotId: 9, newestSnapshotId: 2 },
    });
  });

  it('is given up when its caller goes away', async () => {
    const { engine, clock } = await started();
    const caller = new AbortController();
    const waits = clock.nextWait();
    const waiting = failureOf(atLeast(engine, 2, caller.signal));
    await waits;
    caller.abort(new Error('gone'));
    expect((await waiting).message).toBe('gone');
  });

  it('refuses what is no snapshotId', async () => {
    const { engine } = await started();
    for (const id of [-1, 1.5, Number.NaN]) expect(await failureOf(atLeast(engine, id))).toMatchObject({ code: 'BAD_USER_INPUT' });
  });
});

describe('an instant that is waited for', () => {
  it('is read as the table is then, not as it was when the question came', async () => {
    const { engine, clock } = await started();
    const table = engine.table('t');
    for (const asOf of [{ kind: 'newest', atLeast: 2 } as const, { kind: 'timestamp', timestampMs: NOON + 2_000 } as const]) {
      const waits = clock.nextWait();
      const waiting = engine.read.resolve(asOf);
      await waits;
      await engine.append('t', [{ k: 1 }]);
      clock.advance(1_000);
      const { snapshotId } = await waiting;
      expect((await engine.read.tableAt(table, snapshotId))?.snapshot).toMatchObject({ snapshotId, totalRows: snapshotId - 1 });
    }
  });
});

describe('atLeast in the API', () => {
  it('stands beside no instant; null counts as left out on either side', async () => {
    const server = await testServer({ tables: [ORDERS] });
    for (const instant of ['snapshotId: 1', 'timestamp: "2026-01-01T00:00:00Z"', 'tag: "x"', 'at: {snapshotId: 1}'])
      for (const field of [`asOf(atLeast: 1, ${instant}) { id }`, `table(name: "orders") { asOf(${instant}, atLeast: 1) { id } }`])
        expect(await server.failure(`{ ${field} }`), field).toMatchObject({
          message: expect.stringContaining('atLeast'),
          extensions: { code: 'BAD_USER_INPUT' },
        });
    expect(await server.failure('{ asOf(atLeast: -1) { id } }')).toMatchObject({ extensions: { code: 'BAD_USER_INPUT' } });
    expect(
      await server.data(`{
        a: asOf(atLeast: 1, snapshotId: null, timestamp: null, tag: null, at: null) { snapshotId }
        b: asOf(atLeast: null, snapshotId: 1) { snapshotId }
        c: table(name: "orders") { asOf(atLeast: "1") { snapshotId } }
      }`),
    ).toEqual({ a: { snapshotId: 1 }, b: { snapshotId: 1 }, c: { asOf: { snapshotId: 1 } } });
  });

  it('is the present: the same view and rows as without it', async () => {
    const server = await testServer({ tables: [ORDERS] });
    await server.engine.append('orders', [{ order_id: '1', customer_id: '1' }]);
    const { a, b } = await server.data('{ a: asOf(atLeast: 2) { id orders { nodes { id } } } b: asOf { id orders { nodes { id } } } }');
    expect(a).toEqual(b);
  });

  it('reads what another client has just committed', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const reading = server.data(
      '{ asOf(atLeast: 2) { snapshotId orders { totalCount } } table(name: "orders") { asOf(atLeast: 2) { rowCount } } }',
    );
    await server.engine.append('orders', [{ order_id: '1', customer_id: '1' }]);
    expect(await reading).toEqual({
      asOf: { snapshotId: 2, orders: { totalCount: 1 } },
      table: { asOf: { rowCount: 1 } },
    });
  });

  it('with a cursor inside reads its snapshot, which must not be older', async () => {
    const server = await testServer({ tables: [ORDERS] });
    await server.engine.append(
      'orders',
      [1, 2, 3].map((id) => ({ order_id: String(id), customer_id: '1' })),
    );
    const document =
      'query ($least: SafeInt, $after: String) { asOf(atLeast: $least) { snapshotId orders(first: 2, after: $after) { pageInfo { endCursor } } } }';
    type Data = { asOf: { snapshotId: number; orders: { pageInfo: { endCursor: string } } } };
    const { asOf } = await server.data<Data, Loose>(document, { least: 2 });
    const after = asOf.orders.pageInfo.endCursor;
    await server.engine.append('orders', [{ order_id: '4', customer_id: '1' }]);
    await eventually(() => expect(server.engine.headSnapshotId).toBe(3));
    expect((await server.data<Data, Loose>(document, { least: 2, after })).asOf.snapshotId).toBe(2);
    expect(await server.failure(document, { least: 3, after })).toMatchObject({
      extensions: { code: 'CURSOR_INVALID', details: { cursorSnapshotId: 2, snapshotId: 3 } },
    });
  });
});
