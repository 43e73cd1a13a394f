/** A bounded number of tasks at once, and a bounded number that wait. */
import { EngineError } from '../model/errors.ts';

export class Semaphore {
  #free: number;
  readonly #queueMax: number;
  readonly #limitName: string;
  readonly #waiting: (() => void)[] = [];

  constructor(places: number, queueMax: number, limitName: string) {
    this.#free = places;
    this.#queueMax = queueMax;
    this.#limitName = limitName;
  }

  /** @throws EngineError OVERLOADED where too many wait already */
  async with<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else {
      if (this.#waiting.length >= this.#queueMax) {
        throw new EngineError('OVERLOADED', `${this.#limitName}: ${this.#queueMax} tasks wait already`, {
          details: { retryAfterMs: 500, limit: this.#limitName, maximum: this.#queueMax },
          hint: 'Try again after details.retryAfterMs milliseconds.',
        });
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}
