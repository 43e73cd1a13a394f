/**
 * The log: the seam between who wants to commit and who applies. On one machine the applied batch itself is the durable
 * log, so LocalLog is a bounded queue in arrival order; a replicated log keeps its own copy behind the same two verbs.
 * Keeps invariant 2: whatever order `follow` yields is the order of commits.
 */
import { EngineError } from '../model/errors.ts';
import { LIMITS } from '../model/limits.ts';
import type { LogEntry, Outcome } from './entry.ts';
import { assertEntry } from './entry-check.ts';

/** An entry on its way, with the promise its writer waits on. */
export interface PendingEntry {
  readonly entry: LogEntry;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
  /** When it was logged, by the process's own clock, milliseconds; 0 where nobody measures. */
  readonly submittedMs: number;
}

export interface Log {
  /**
   * Puts an entry into the one order. Resolves with its outcome once that is durable.
   * @throws EngineError OVERLOADED {retryAfterMs}, SHUTTING_DOWN
   */
  append(entry: LogEntry): Promise<Outcome>;
  /** The next entries in order, at most a round's worth of bytes; undefined once the log is closed and empty. */
  follow(): Promise<PendingEntry[] | undefined>;
}

export class LocalLog implements Log {
  readonly #isMeasured: boolean;
  #pending: PendingEntry[] = [];
  #pendingBytes = 0;
  #closed = false;
  #wake: (() => void) | undefined;

  constructor({ isMeasured }: { readonly isMeasured: boolean }) {
    this.#isMeasured = isMeasured;
  }

  append(entry: LogEntry): Promise<Outcome> {
    if (this.#closed)
      return Promise.reject(new EngineError('SHUTTING_DOWN', 'the database is shutting down', { hint: 'Try again in a moment.' }));
    if (this.#pendingBytes + entry.bytes > LIMITS.pendingBytesMax && this.#pending.length > 0) {
      return Promise.reject(
        new EngineError('OVERLOADED', 'too many commits wait to be written', {
          details: { retryAfterMs: 100, limit: 'pendingBytesMax', maximum: LIMITS.pendingBytesMax },
          hint: 'Try again after details.retryAfterMs milliseconds.',
        }),
      );
    }
    return new Promise((resolve, reject) => {
      assertEntry(entry);
      this.#pending.push({ entry, resolve, reject, submittedMs: this.#isMeasured ? performance.now() : 0 });
      this.#pendingBytes += entry.bytes;
      this.#wake?.();
    });
  }

  async follow(): Promise<PendingEntry[] | undefined> {
    while (this.#pending.length === 0) {
      if (this.#closed) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    return this.#takeRound();
  }

  #takeRound(): PendingEntry[] {
    let bytes = 0;
    let count = 0;
    for (const { entry } of this.#pending) {
      if (count > 0 && bytes + entry.bytes > LIMITS.roundBytesMax) break;
      bytes += entry.bytes;
      count += 1;
    }
    this.#pendingBytes -= bytes;
    if (count === this.#pending.length) {
      const round = this.#pending;
      this.#pending = [];
      return round;
    }
    return this.#pending.splice(0, count);
  }

  /** What waits to be written. */
  get pending(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.#pending.length, bytes: this.#pendingBytes };
  }

  /** No more entries are taken; what waits is still followed. */
  close(): void {
    this.#closed = true;
    this.#wake?.();
  }
}
