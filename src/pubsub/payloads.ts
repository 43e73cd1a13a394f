/**
 * Executed events, kept for a while: subscribers that come late, or back, are often behind by the same few events. Bounded
 * in bytes over all channels; the least recently used go first.
 */
import type { RowCopies, RowCopy } from '../engine/index.ts';
import type { Payload } from './sink.ts';

interface Kept {
  readonly payload: Promise<Payload>;
  /** The newest commit when it was executed, which the event may tell. */
  readonly headSnapshotId: number;
  bytes: number;
}

export class Payloads implements RowCopy {
  readonly #bytesMax: number;
  /** In order of use, the least recent first. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  /** Lets the registry go of it. */
  readonly leave: () => void;

  constructor(bytesMax: number, copies: RowCopies) {
    this.#bytesMax = bytesMax;
    this.leave = copies.join('executed events', this);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * The payload under a key, executed where it is not there. `head` is the newest commit where the event tells it: one that
   * was executed under another head is then executed again. Nothing is kept of an event that may have rows which were erased
   * since it was read.
   */
  get(
    key: string,
    { head, mayBeKept }: { readonly head: { readonly now: number; readonly isTold: boolean }; readonly mayBeKept: boolean },
    execute: () => Promise<Payload>,
  ): Promise<Payload> {
    if (!mayBeKept) return execute();
    const known = this.#kept.get(key);
    if (known !== undefined && (!head.isTold || known.headSnapshotId === head.now)) {
      this.#kept.delete(key);
      this.#kept.set(key, known);
      return known.payload;
    }
    this.#remove(key);
    const kept: Kept = { payload: execute(), headSnapshotId: head.now, bytes: 0 };
    this.#kept.set(key, kept);
    kept.payload.then(
      ({ jsonAndBrace }) => {
        if (this.#kept.get(key) !== kept) return;
        // What it keeps from being freed, which is more than its own length where it is a slice of something larger.
        kept.bytes = jsonAndBrace.buffer.byteLength + 256;
        this.#bytes += kept.bytes;
        for (const oldest of this.#kept.keys()) {
          if (this.#bytes <= this.#bytesMax) break;
          this.#remove(oldest);
        }
      },
      () => {
        if (this.#kept.get(key) === kept) this.#kept.delete(key);
      },
    );
    return kept.payload;
  }

  #remove(key: string): void {
    const kept = this.#kept.get(key);
    if (kept === undefined) return;
    this.#kept.delete(key);
    this.#bytes -= kept.bytes;
  }

  /** Lets go of everything, whatever the table: an event may show rows of several. */
  forget(): void {
    this.#kept.clear();
    this.#bytes = 0;
  }

  kept(): unknown {
    return [...this.#kept.values()].map(({ payload }) => payload);
  }
}
