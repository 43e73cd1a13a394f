import { describe, expect, it } from 'vitest';
import { type Engine, Session } from '../../src/engine/index.ts';
import { CommitFeed, type SnapshotEvent, type SnapshotFilter, snapshotSource } from '../../src/pubsub/index.ts';
import { ORDERS, orders } from '../support/server-support.ts';
import { testEngine } from '../support/support.ts';

async function feedOf(commits: number): Promise<{ engine: Engine; feed: CommitFeed; commit: (id: number) => Promise<unknown> }> {
  const engine = await testEngine();
  const feed = new CommitFeed(new Session(engine));
  await engine.createTable(ORDERS);
  const commit = (id: number): Promise<unknown> => engine.append('orders', orders(id, 1));
  for (let id = 1; id < commits; id += 1) await commit(id);
  return { engine, feed, commit };
}

const snapshotEvents = (
  { engine, feed }: { engine: Engine; feed: CommitFeed },
  filter: SnapshotFilter,
  from: number,
): AsyncIterator<SnapshotEvent> => snapshotSource(new Session(engine), feed, filter, from)[Symbol.asyncIterator]();

const idOf = (result: IteratorResult<SnapshotEvent>): number | undefined =>
  result.done === true ? undefined : result.value.commit.snapshotId;

/** Lets everything that is ready to run, run. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('the iterator behind snapshotCommitted', () => {
  it('return() ends it at once while it waits, and so it ends what waits', async () => {
    const { engine, feed } = await feedOf(1);
    const events = snapshotEvents({ engine, feed }, {}, 1);
    const waiting = events.next();
    await turn();
    expect(feed.waiting).toBe(1);
    expect(await events.return?.()).toEqual({ done: true, value: undefined });
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(feed.waiting).toBe(0);
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  it('throw() ends it the same, with the error', async () => {
    const { engine, feed } = await feedOf(1);
    const events = snapshotEvents({ engine, feed }, {}, 1);
    const waiting = events.next();
    await turn();
    await expect(events.throw?.(new Error('enough'))).rejects.toThrow('enough');
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(feed.waiting).toBe(0);
  });

  it('return() before next() leaves nothing', async () => {
    const { engine, feed } = await feedOf(3);
    const events = snapshotEvents({ engine, feed }, {}, 0);
    await events.return?.();
    expect(await events.next()).toEqual({ done: true, value: undefined });
    expect(feed.waiting).toBe(0);
  });

  it('calls of next() side by side are answered in order, those that wait too', async () => {
    const { engine, feed, commit } = await feedOf(3);
    const events = snapshotEvents({ engine, feed }, {}, 0);
    const calls = Array.from({ length: 6 }, () => events.next());
    for (const id of [10, 11, 12]) await commit(id);
    expect((await Promise.all(calls)).map(idOf)).toEqual([1, 2, 3, 4, 5, 6]);
    const waiting = [events.next(), events.next()];
    await events.return?.();
    expect((await Promise.all(waiting)).map(idOf)).toEqual([undefined, undefined]);
  });

  it('when the feed stops it ends, after what it has read, and a later one ends at once after the rest', async () => {
    const { engine, feed } = await feedOf(2);
    const events = snapshotEvents({ engine, feed }, {}, 1);
    expect(idOf(await events.next())).toBe(2);
    const waiting = events.next();
    await turn();
    feed.stop();
    expect(idOf(await waiting)).toBeUndefined();
    const late = snapshotEvents({ engine, feed }, {}, 0);
    expect([idOf(await late.next()), idOf(await late.next()), idOf(await late.next())]).toEqual([1, 2, undefined]);
  });

  it('a commit that does not match wakes it and is passed over', async () => {
    const { engine, feed, commit } = await feedOf(1);
    const events = snapshotEvents({ engine, feed }, { operations: new Set(['CREATE']) }, 1);
    const waiting = events.next();
    for (const id of [1, 2]) await commit(id);
    await turn();
    expect(feed.waiting).toBe(1);
    await events.return?.();
    expect(idOf(await waiting)).toBeUndefined();
  });
});
