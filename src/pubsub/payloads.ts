/**
 * Payloads (executed events), kept for a while: subscribers that come late, or come back, are often behind by the same few
 * events. Bounded in bytes over all broadcasts; the least recently used go first.
 */
import { LRUCache } from 'lru-cache';
import type { RowCopies, RowCopy } from '../engine/index.ts';
import type { Payload } from './connection.ts';

interface Kept {
  readonly payload: Promise<Payload>;
  /** The newest commit when it was executed, which the event may tell. */
  readonly headSnapshotId: number;
}

export class Payloads implements RowCopy {
  readonly #kept: LRUCache<string, Kept>;
  /** Under execution: how large they are is not known yet. */
  readonly #underWay = new Map<string, Kept>();

  /** Lets the registry go of it. */
  readonly leave: () => void;

  constructor(bytesMax: number, copies: RowCopies) {
    this.#kept = new LRUCache({ maxSize: bytesMax });
    this.leave = copies.join('executed events', this);
  }

  get bytes(): number {
    return this.#kept.calculatedSize;
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
    const known = this.#underWay.get(key) ?? this.#kept.get(key);
    if (known !== undefined && (!head.isTold || known.headSnapshotId === head.now)) return known.payload;
    this.#kept.delete(key);
    const kept: Kept = { payload: execute(), headSnapshotId: head.now };
    this.#underWay.set(key, kept);
    const isOurs = (): boolean => this.#underWay.get(key) === kept && this.#underWay.delete(key);
    kept.payload.then(
      ({ jsonAndBrace }) => {
        // What it keeps from being freed, which is more than its own length where it is a slice of something larger.
        if (isOurs()) this.#kept.set(key, kept, { size: jsonAndBrace.buffer.byteLength + 256 });
      },
      () => void isOurs(),
    );
    return kept.payload;
  }

  /** Lets go of everything, whatever the table: an event may show rows of several. */
  forget(): void {
    this.#kept.clear();
    this.#underWay.clear();
  }

  kept(): unknown {
    return [...this.#kept.values(), ...this.#underWay.values()].map(({ payload }) => payload);
  }
}
