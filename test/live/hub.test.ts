/** The broadcasts, with executions that a test holds back or refuses: what each subscriber of a broadcast is sent, and what none is. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Engine, EngineError, type Instant, Session } from '../../src/engine/index.ts';
import {
  Broadcasts,
  type ChangesEvent,
  CommitFeed,
  changesSource,
  type Executed,
  liveSource,
  after as rightAfter,
  type SubscriberConnection,
  type Subscription,
  snapshotSource,
} from '../../src/pubsub/index.ts';
import { eventually, ORDERS, orders } from '../support/server-support.ts';
import { temporaryDirectory, testEngine } from '../support/support.ts';

interface Parts {
  readonly engine: Engine;
  readonly feed: CommitFeed;
  readonly broadcasts: Broadcasts;
}

async function parts(): Promise<Parts> {
  const engine = await testEngine();
  await engine.createTable(ORDERS);
  const feed = new CommitFeed(new Session(engine));
  const broadcasts = new Broadcasts(new Session(engine), feed, engine.rowCopies);
  onTestFinished(() => {
    feed.stop();
    broadcasts.stop();
  });
  return { engine, feed, broadcasts };
}

/** A connection that is never congested. */
function connection(): SubscriberConnection & { readonly sent: string[]; readonly ends: unknown[] } {
  const sent: string[] = [];
  const ends: unknown[] = [];
  return {
    sent,
    ends,
    send: ({ jsonAndBrace }) => void sent.push(jsonAndBrace.subarray(0, -1).toString()),
    isCongested: false,
    onDrained: (resume) => resume(),
    end: (error) => void ends.push(error),
  };
}

const executed = (value: unknown): Executed => ({ jsonAndBrace: Buffer.from(`${JSON.stringify(value)}}`), content: JSON.stringify(value) });
const overload = new EngineError('OVERLOADED', 'too many queries wait');

function live({ engine, feed }: Parts, execute: (instant: Instant) => Promise<Executed>): Subscription<Instant> {
  const source = liveSource(new Session(engine), feed, { ids: new Set(), names: new Set(), isEvery: true });
  return { key: 'live', source, tellsHead: false, execute };
}

describe('the answer of a live query', () => {
  it('is never older than what was committed before its subscriber came', async () => {
    const all = await parts();
    const gates: (() => void)[] = [];
    const subscription = live(all, async ({ snapshotId }) => {
      await new Promise<void>((resolve) => gates.push(resolve));
      return executed(snapshotId);
    });
    const [early, late] = [connection(), connection()];
    onTestFinished(all.broadcasts.subscribe(subscription, early));
    await eventually(() => expect(gates).toHaveLength(1));
    await all.engine.append('orders', orders(1, 1));
    onTestFinished(all.broadcasts.subscribe(subscription, late));
    gates[0]?.();
    await eventually(() => expect(gates).toHaveLength(2));
    // The first answer is of the snapshot before; it was under way when the second came.
    expect([early.sent, late.sent]).toEqual([['1'], []]);
    gates[1]?.();
    await eventually(() => expect([early.sent, late.sent]).toEqual([['1', '2'], ['2']]));
  });

  it('is asked for again where the server was too busy, and being busy is told to nobody', async () => {
    const all = await parts();
    let runs = 0;
    const subscription = live(all, async ({ snapshotId }) => {
      runs += 1;
      return runs < 3 ? { ...executed({ errors: ['OVERLOADED'] }), overload } : executed(snapshotId);
    });
    const one = connection();
    onTestFinished(all.broadcasts.subscribe(subscription, one));
    await eventually(() => expect(one.sent).toEqual(['1']));
    expect([runs, one.ends]).toEqual([3, []]);
  });

  it('is not waited for by who has left meanwhile', async () => {
    const all = await parts();
    let runs = 0;
    const subscription = live(all, async () => {
      runs += 1;
      return { ...executed(null), overload };
    });
    const leave = all.broadcasts.subscribe(subscription, connection());
    await eventually(() => expect(runs).toBe(1));
    leave();
    expect(all.broadcasts.classes().live).toMatchObject({ subscriptions: 0, distinct: 0 });
    expect(runs).toBe(1);
  });
});

describe('events of row changes', () => {
  it.each(['live', 'catching up'])('are read again where the server was too busy, each once and in order: %s', async (when) => {
    const all = await parts();
    const { engine, feed, broadcasts } = all;
    const orders_ = engine.table('orders');
    const failing = new Set([2, 3, 5]);
    const source = changesSource(
      new Session(engine),
      feed,
      { tableId: orders_.id },
      rightAfter(when === 'live' ? engine.headSnapshotId : 0),
    );
    const subscription: Subscription<ChangesEvent> = {
      key: 'changes',
      source: {
        ...source,
        reader: (position) => {
          const reader = source.reader(position);
          return {
            get position() {
              return reader.position;
            },
            next: async () => {
              // Each commit is refused once before it is read.
              const next = reader.position.snapshotId + 1;
              if (failing.delete(next) && next <= engine.headSnapshotId) throw overload;
              return reader.next();
            },
          };
        },
      },
      tellsHead: false,
      execute: async ({ snapshotId }) => (failing.delete(snapshotId) ? { ...executed(null), overload } : executed(snapshotId)),
    };
    const one = connection();
    const commit = async (): Promise<void> => {
      for (let id = 1; id <= 5; id += 1) await engine.append('orders', orders(id, 1));
    };
    if (when !== 'live') await commit();
    onTestFinished(broadcasts.subscribe(subscription, one));
    if (when === 'live') await commit();
    await eventually(() => expect(one.sent).toEqual(['2', '3', '4', '5', '6']));
    expect(one.ends).toEqual([]);
  });
});

describe('what has expired before it was read from the log', () => {
  /** An engine whose commits are in the log only, and a feed that has none in memory. */
  async function reopened(): Promise<{ engine: Engine; feed: CommitFeed }> {
    const directory = await temporaryDirectory();
    const first = await testEngine({ directory });
    await first.createTable(ORDERS);
    await first.createTable({ ...ORDERS, name: 'others' });
    for (let id = 1; id <= 4; id += 1) await first.append('orders', orders(id, 1));
    await first.close();
    const engine = await testEngine({ directory });
    const feed = new CommitFeed(new Session(engine));
    onTestFinished(() => feed.stop());
    return { engine, feed };
  }

  it.each(['snapshotCommitted', 'changes', 'live'] as const)('is told to who would have been sent it: %s', async (kind) => {
    const { engine, feed } = await reopened();
    const { id } = engine.table('orders');
    const reader =
      kind === 'snapshotCommitted'
        ? snapshotSource(new Session(engine), feed, {}, 2).reader(rightAfter(2))
        : kind === 'changes'
          ? changesSource(new Session(engine), feed, { tableId: id }, rightAfter(2)).reader(rightAfter(2))
          : liveSource(new Session(engine), feed, { ids: new Set([id]), names: new Set(), isEvery: false }).reader(rightAfter(2));
    // Nothing holds it: as where expiry was on its way when the subscriber came.
    await engine.expireSnapshots({ table: 'orders', retainLast: 1 });
    if (kind === 'live') await expect(reader.next()).resolves.toMatchObject({ event: { snapshotId: 6 } });
    else await expect(reader.next()).rejects.toMatchObject({ code: 'SNAPSHOT_EXPIRED', details: { table: 'orders', oldestSnapshotId: 6 } });
  });

  it('is no matter to who watches another table', async () => {
    const { engine, feed } = await reopened();
    await engine.expireSnapshots({ table: 'orders', retainLast: 1 });
    await engine.append('others', orders(9, 1));
    const reader = snapshotSource(new Session(engine), feed, { tables: new Set(['others']) }, 2).reader(rightAfter(2));
    await expect(reader.next()).resolves.toMatchObject({ position: { snapshotId: 7 } });
  });
});
