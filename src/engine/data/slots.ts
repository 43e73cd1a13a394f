/**
 * Slots: a bounded number of tasks at once (a semaphore). The others wait in the order in which they came; where `waitingMax`
 * is given, a bounded number of them.
 */
import { EngineError } from '../model/errors.ts';

export interface SlotsOptions {
  /** Tasks at once. */
  readonly slots: number;
  /** The limit on tasks that wait, and what a task that is one too many is told; no limit where absent. */
  readonly waiting?: { readonly max: number; readonly limit: string; readonly retryAfterMs: number; readonly message: string };
  /** How long tasks follow each other before all else that the event loop has to do comes first, milliseconds; always where absent. */
  readonly stretchMs?: number;
}

export class Slots {
  readonly #options: SlotsOptions;
  #free: number;
  readonly #waiting: (() => void)[] = [];
  /** When the event loop last had its turn, as far as is known here. */
  #pausedAt = 0;
  #isPausing = false;

  constructor(options: SlotsOptions) {
    this.#options = options;
    this.#free = options.slots;
  }

  /** Runs a task when it has a slot. @throws EngineError OVERLOADED where too many wait already */
  async use<T>(task: () => Promise<T>): Promise<T> {
    // A slot that is free while others wait, until the event loop has had its turn, is theirs.
    if (this.#free > 0 && this.#waiting.length === 0) this.#free -= 1;
    else {
      this.#refuseTooMany();
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    try {
      return await task();
    } finally {
      this.#free += 1;
      this.#next();
    }
  }

  #refuseTooMany(): void {
    const { waiting } = this.#options;
    if (waiting === undefined || this.#waiting.length < waiting.max) return;
    throw new EngineError('OVERLOADED', waiting.message, {
      details: { retryAfterMs: waiting.retryAfterMs, limit: waiting.limit, maximum: waiting.max },
      hint: 'Try again after details.retryAfterMs milliseconds.',
    });
  }

  #next(): void {
    if (this.#waiting.length === 0 || this.#isPausing) return;
    const { stretchMs } = this.#options;
    if (stretchMs === undefined || performance.now() - this.#pausedAt <= stretchMs) {
      this.#begin();
      return;
    }
    this.#isPausing = true;
    setImmediate(() => {
      this.#isPausing = false;
      this.#pausedAt = performance.now();
      while (this.#free > 0 && this.#waiting.length > 0) this.#begin();
    });
  }

  #begin(): void {
    this.#free -= 1;
    this.#waiting.shift()?.();
  }
}
