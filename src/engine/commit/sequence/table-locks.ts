/**
 * Table locks, one for each table. Appends and maintenance share a lock; a change that reads before it writes takes the
 * locks of its tables alone for a moment, so that nothing comes between its read and its commit (invariant 2). Waiting and
 * holding are bounded in time: past it OVERLOADED, and nothing is done.
 */
import { EngineError } from '../../model/errors.ts';
import { LIMITS } from '../../model/limits.ts';

interface Gate {
  shared: number;
  held: boolean;
  /** Who waits to hold it, in order; new shared work waits behind them. */
  readonly holders: (() => void)[];
  readonly waiting: (() => void)[];
  /** Whether a holder had the last turn. */
  lastHeld: boolean;
}

/** What the creation of tables goes through: its number is none of a table's. */
export const TABLES_GATE = 0;

export class Gates {
  readonly #gates = new Map<number, Gate>();

  /** @throws EngineError OVERLOADED where a change keeps the table for too long */
  async shared<T>(id: number, work: () => Promise<T>): Promise<T> {
    const gate = this.#gate(id);
    // Who waited was counted in when the turn came.
    if (gate.held || gate.holders.length > 0) await this.#wait(gate.waiting, id);
    else gate.shared += 1;
    try {
      return await work();
    } finally {
      gate.shared -= 1;
      if (gate.shared === 0) this.#next(gate);
    }
  }

  /** Holds several gates, taken in the order of their numbers. @throws EngineError OVERLOADED */
  async exclusive<T>(ids: readonly number[], work: () => Promise<T>): Promise<T> {
    const [first, ...rest] = [...new Set(ids)].sort((left, right) => left - right);
    if (first === undefined) return work();
    const gate = this.#gate(first);
    if (gate.held || gate.shared > 0 || gate.holders.length > 0) await this.#wait(gate.holders, first);
    gate.held = true;
    gate.lastHeld = true;
    try {
      return await this.exclusive(rest, work);
    } finally {
      gate.held = false;
      this.#next(gate);
    }
  }

  #gate(id: number): Gate {
    let gate = this.#gates.get(id);
    if (gate === undefined) {
      gate = { shared: 0, held: false, holders: [], waiting: [], lastHeld: false };
      this.#gates.set(id, gate);
    }
    return gate;
  }

  /** Lets the next holder in, or all that share: in turn, so that neither keeps the other out for good. */
  #next(gate: Gate): void {
    if (gate.held || gate.shared > 0) return;
    if (gate.waiting.length > 0 && (gate.lastHeld || gate.holders.length === 0)) {
      gate.lastHeld = false;
      const entering = gate.waiting.splice(0);
      // Counted in at once: no holder may slip in before they run.
      gate.shared += entering.length;
      for (const enter of entering) enter();
      return;
    }
    const holder = gate.holders.shift();
    if (holder === undefined) return;
    // Held at once: nothing may slip in before the holder runs.
    gate.held = true;
    gate.lastHeld = true;
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
        const gate = this.#gates.get(id);
        if (gate !== undefined) this.#next(gate);
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
