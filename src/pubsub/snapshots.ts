/**
 * The iterator behind snapshotCommitted: every commit after a snapshot that matches, in order, once, one event a commit.
 * Written by hand, not as a generator, so that `return()` ends it at once even while it waits.
 */
import type { Commit, Operation, Snapshot, SnapshotId, TableId } from '../engine/index.ts';
import type { CommitFeed } from './feed.ts';

/** One commit, with those of its snapshots that match. */
export interface SnapshotEvent {
  readonly commit: Commit;
  readonly snapshots: readonly Snapshot[];
  /** Whether this was the newest commit when it was sent. */
  readonly caughtUp: boolean;
  readonly headSnapshotId: SnapshotId;
}

export interface SnapshotFilter {
  /** All tables where absent. */
  readonly tableIds?: ReadonlySet<TableId> | undefined;
  /** All operations where absent. */
  readonly operations?: ReadonlySet<Operation> | undefined;
}

const DONE: IteratorResult<never> = { done: true, value: undefined };

/** Events after `after`, which may lie in the future: then it waits. */
export function snapshotEvents(feed: CommitFeed, filter: SnapshotFilter, after: number): AsyncIterableIterator<SnapshotEvent> {
  let position = after;
  let read: readonly Commit[] = [];
  let at = 0;
  let ended = false;
  let wake: (() => void) | undefined;
  let takeBack: (() => void) | undefined;
  // Calls of next() are answered one after the other, in order.
  let last: Promise<unknown> = Promise.resolve();

  const step = async (): Promise<IteratorResult<SnapshotEvent>> => {
    while (!ended) {
      const commit = read[at];
      if (commit !== undefined) {
        at += 1;
        position = commit.snapshotId;
        const event = matching(feed, filter, commit);
        if (event !== undefined) return { done: false, value: event };
        continue;
      }
      read = await feed.after(position);
      at = 0;
      if (read.length > 0 || ended) continue;
      if (feed.stopped) break;
      // A commit may have landed between that read and here; from here to onNext nothing can.
      if (feed.headSnapshotId > position) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
        takeBack = feed.onNext(resolve);
      });
      takeBack = undefined;
      wake = undefined;
    }
    return DONE;
  };

  const end = (): Promise<IteratorResult<SnapshotEvent>> => {
    ended = true;
    read = [];
    takeBack?.();
    wake?.();
    return Promise.resolve(DONE);
  };

  return {
    next: () => {
      const result = last.then(step);
      last = result.catch(() => {});
      return result;
    },
    return: end,
    throw: async (error: unknown) => {
      await end();
      throw error;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

function matching(feed: CommitFeed, { tableIds, operations }: SnapshotFilter, commit: Commit): SnapshotEvent | undefined {
  const snapshots = commit.snapshots.filter(
    (snapshot) =>
      (tableIds === undefined || tableIds.has(snapshot.tableId)) && (operations === undefined || operations.has(snapshot.operation)),
  );
  if (snapshots.length === 0) return undefined;
  const { headSnapshotId } = feed;
  return { commit, snapshots, caughtUp: commit.snapshotId === headSnapshotId, headSnapshotId };
}
