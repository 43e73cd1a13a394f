/**
 * How much memory work may take at once. A `MemoryPool` is what all work of a kind shares; a `Budget` is the part of one
 * operation, bounded by itself and by what is left of the pool. Keeps invariant 5: what goes past a bound ends with its name.
 */
import { EngineError } from './errors.ts';
import { limitExceeded } from './limits.ts';

export interface Bound {
  readonly limit: string;
  readonly maximum: number;
  /** What to do about it. */
  readonly hint: string;
}

export class MemoryPool {
  readonly bound: Bound;
  #taken = 0;

  constructor(bound: Bound) {
    this.bound = bound;
  }

  get taken(): number {
    return this.#taken;
  }

  take(bytes: number): boolean {
    if (this.#taken + bytes > this.bound.maximum) return false;
    this.#taken += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#taken -= bytes;
  }
}

export class Budget {
  readonly #bound: Bound;
  readonly #pool: MemoryPool | undefined;
  #taken = 0;
  #isOver = false;
  /** Why nothing more is read for the operation: what it asked for does not fit, whatever else it asked for. */
  #exceeded: EngineError | undefined;

  constructor(bound: Bound, pool?: MemoryPool) {
    this.#bound = bound;
    this.#pool = pool;
  }

  /** @throws EngineError LIMIT_EXCEEDED {limit, maximum, actual} where some more bytes would not fit; takes none */
  require(bytes: number): void {
    if (this.#exceeded !== undefined) throw this.#exceeded;
    const { limit, maximum, hint } = this.#bound;
    if (this.#taken + bytes <= maximum) return;
    this.#exceeded = limitExceeded(limit, maximum, this.#taken + bytes, hint);
    throw this.#exceeded;
  }

  /** Takes bytes until `release`. @throws EngineError as `require`, and OVERLOADED where others have taken the pool's */
  charge(bytes: number): void {
    this.require(bytes);
    if (this.#isOver) return;
    if (this.#pool?.take(bytes) === false) throw overloaded(this.#pool.bound);
    this.#taken += bytes;
  }

  /** Gives everything back; what is charged after that is not taken. Idempotent. */
  release(): void {
    this.#isOver = true;
    this.#pool?.give(this.#taken);
    this.#taken = 0;
  }
}

export function overloaded({ limit, maximum }: Bound): EngineError {
  return new EngineError('OVERLOADED', `${limit}: the requests under way take all of the ${maximum} bytes that they may take together`, {
    details: { retryAfterMs: 500, limit, maximum },
    hint: 'Try again after details.retryAfterMs milliseconds, or ask for less at once.',
  });
}
