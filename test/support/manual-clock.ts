/** A clock that tests move by hand: it stands still until told, may step either way, and tells when somebody waits for it. */
import type { Clock } from '../../src/engine/index.ts';

interface Waiter {
  leftMs: number;
  readonly resolve: () => void;
}

export class ManualClock implements Clock {
  nowMs: number;
  elapsedMs = 0;
  sleptMs = 0;
  readonly #waiters = new Set<Waiter>();
  readonly #watchers: ((ms: number) => void)[] = [];

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  now(): number {
    return this.nowMs;
  }

  elapsed(): number {
    return this.elapsedMs;
  }

  slept(): number {
    return this.sleptMs;
  }

  wait(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { leftMs: ms, resolve };
      this.#waiters.add(waiter);
      signal?.addEventListener('abort', () => {
        this.#waiters.delete(waiter);
        reject(signal.reason);
      });
      for (const watcher of this.#watchers.splice(0)) watcher(ms);
    });
  }

  /** Resolves with the milliseconds asked for when the next caller waits for time to pass. */
  nextWait(): Promise<number> {
    return new Promise((resolve) => this.#watchers.push(resolve));
  }

  /** Time passes: the clock moves on, and who has waited long enough is woken. */
  advance(ms: number): void {
    this.nowMs += ms;
    this.elapsedMs += ms;
    for (const waiter of [...this.#waiters]) {
      waiter.leftMs -= ms;
      if (waiter.leftMs > 0) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  /** The clock is set to another time, ahead or back, while no time passes. */
  step(ms: number): void {
    this.nowMs += ms;
  }

  /** The machine sleeps: the clock moves on, and the process does not notice. */
  sleep(ms: number): void {
    this.nowMs += ms;
    this.sleptMs += ms;
  }
}
