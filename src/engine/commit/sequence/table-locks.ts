/**
 * Locks of tables, one a table. Appends and maintenance share a lock; a change that reads before it writes has the locks of its
 * tables alone for a moment, so that nothing comes between what it read and what it commits (invariant 2). Waiting and holding are
 * bounded in time: past it OVERLOADED, and nothing is done.
 */
import { EngineError } from '../../model/errors.ts';
import { LIMITS } from '../../model/limits.ts';

interface TableLock {
  shared: number;
  held: boolean;
  /** Changes that wait to have it alone, in order; new shared work waits behind them. */
  readonly holders: (() => void)[];
  readonly waiting: (() => void)[];
  /** Whether a holder had the last turn. */
  lastHeld: boolean;
}

/** What the creation of tables goes through: its number is none of a table's. */
export const TABLES_LOCK = 0;

export class TableLocks {
  readonly #locks = new Map<number, TableLock>();

  /** @throws EngineError OVERLOADED where a change keeps the table for too long */
  async shared<T>(id: number, work: () => Promise<T>): Promise<T> {
    const lock = this.#lock(id);
    // Shared work that waited was counted when it was let in.
    if (lock.held || lock.holders.length > 0) await this.#wait(lock.waiting, id);
    else lock.shared += 1;
    try {
      return await work();
    } finally {
      lock.shared -= 1;
      if (lock.shared === 0) this.#next(lock);
    }
  }

  /** Holds several locks, taken in the order of their numbers. @throws EngineError OVERLOADED */
  async exclusive<T>(ids: readonly number[], work: () => Promise<T>): Promise<T> {
    const [first, ...rest] = [...new Set(ids)].sort((left, right) => left - right);
    if (first === undefined) return work();
    const lock = this.#lock(first);
    if (lock.held || lock.shared > 0 || lock.holders.length > 0) await this.#wait(lock.holders, first);
    lock.held = true;
    lock.lastHeld = true;
    try {
      return await this.exclusive(rest, work);
    } finally {
      lock.held = false;
      this.#next(lock);
    }
  }

  #lock(id: number): TableLock {
    let lock = this.#locks.get(id);
    if (lock === undefined) {
      lock = { shared: 0, held: false, holders: [], waiting: [], lastHeld: false };
      this.#locks.set(id, lock);
    }
    return lock;
  }

  /** Lets the next holder in, or all that share: in turn, so that neither keeps the other out for good. */
  #next(lock: TableLock): void {
    if (lock.held || lock.shared > 0) return;
    if (lock.waiting.length > 0 && (lock.lastHeld || lock.holders.length === 0)) {
      lock.lastHeld = false;
      const entering = lock.waiting.splice(0);
      // Counted in at once: no holder may slip in before they run.
      lock.shared += entering.length;
      for (const enter of entering) enter();
      return;
    }
    const holder = lock.holders.shift();
    if (holder === undefined) return;
    // Held at once: nothing may slip in before the holder runs.
    lock.held = true;
    lock.lastHeld = true;
    holder();
  }

  #wait(queue: (() => void)[], id: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        const at = queue.indexOf(enter);
        if (at >= 0) queue.splice(at, 1);
        const lock = this.#locks.get(id);
        if (lock !== undefined) this.#next(lock);
        reject(overloaded());
      }, LIMITS.holdMs);
      queue.push(enter);
    });
  }
}

function overloaded(): EngineError {
  return new EngineError('OVERLOADED', `a table was locked by another change for more than ${LIMITS.holdMs} ms; nothing was done`, {
    details: { retryAfterMs: 500, limit: 'holdMs', maximum: LIMITS.holdMs },
    hint: 'Try again after details.retryAfterMs milliseconds.',
  });
}
