/**
 * A source as an async iterator, for whoever executes GraphQL by himself. Written by hand, not as a generator, so that
 * `return()` ends it at once even while it waits.
 */
import type { CommitFeed } from './feed.ts';
import type { Source } from './source.ts';

const DONE: IteratorResult<never> = { done: true, value: undefined };

export function iterate<Event>(feed: CommitFeed, source: Pick<Source<Event>, 'reader' | 'start'>): AsyncIterableIterator<Event> {
  const reader = source.reader(source.start);
  let ended = false;
  let wake: (() => void) | undefined;
  let takeBack: (() => void) | undefined;
  // Calls of next() are answered one after the other, in order.
  let last: Promise<unknown> = Promise.resolve();

  const step = async (): Promise<IteratorResult<Event>> => {
    while (!ended) {
      const step = await reader.next();
      if (ended) break;
      if (step !== undefined) return { done: false, value: step.event };
      if (feed.stopped) break;
      // A commit may have landed between that read and here; from here to onNext nothing can.
      if (feed.headSnapshotId > reader.position.snapshotId) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
        takeBack = feed.onNext(resolve);
      });
      takeBack = undefined;
      wake = undefined;
    }
    return DONE;
  };

  const end = (): Promise<IteratorResult<Event>> => {
    ended = true;
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
