/**
 * Payloads (executed events), kept for a while: subscribers that come late, or come back, are often behind by the same few
 * events. Bounded in bytes over all broadcasts; the least recently used go first.
 */
import type { Payload } from './sink.ts';

interface Kept {
  readonly payload: Promise<Payload>;
  /** The newest commit when it was executed, which the event may tell. */
  readonly headSnapshotId: number;
  bytes: number;
}

export class Payloads {
  readonly #bytesMax: number;
  /** In order of use, the least recent first. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * The payload under a key, executed where it is not there. `head` is the newest commit where the event tells it: one that
   * was executed under another head is then executed again.
   */
  get(key: string, head: { readonly now: number; readonly isTold: boolean }, execute: () => Promise<Payload>): Promise<Payload> {
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

  /** Lets go of everything: erasure leaves no copy of a row. */
  clear(): void {
    this.#kept.clear();
    this.#bytes = 0;
  }
}
