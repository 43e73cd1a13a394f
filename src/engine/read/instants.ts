/**
 * Instants: from the choice of one (`asOf`) to a snapshot. Keeps invariant 3: once an instant has answered, every later
 * commit gets a later timestamp, also after a crash, since a ceiling above the instant is on disk before the answer goes out.
 */
import { CEILING_KEY } from '../catalog/keys.ts';
import { encodeNumber } from '../catalog/records.ts';
import { type CatalogState, tagNotFound } from '../catalog/state.ts';
import type { CatalogStore } from '../catalog/store.ts';
import { EngineError, unreachable } from '../model/errors.ts';
import { asSnapshotId } from '../model/ids.ts';
import { LIMITS } from '../model/limits.ts';
import type { TimeKeeper } from '../time/time-keeper.ts';
import { Arrivals } from './arrivals.ts';
import { type History, type Instant, instantOf } from './history.ts';

/** The choice of an instant. */
export type AsOf =
  /** `atLeast`: not before this commit is there, which is waited for up to 5 s. */
  | { readonly kind: 'newest'; readonly atLeast?: number | undefined }
  /** UTC milliseconds, inclusive. */
  | { readonly kind: 'timestamp'; readonly timestampMs: number }
  | { readonly kind: 'snapshot'; readonly snapshotId: number }
  | { readonly kind: 'tag'; readonly tag: string };

export interface InstantsParts {
  readonly current: () => CatalogState;
  readonly store: CatalogStore;
  readonly history: History;
  readonly time: TimeKeeper;
  /** Resolves when no commit at or before the timestamp is still on its way to disk. */
  readonly settledAt: (timestampMs: number) => Promise<void>;
}

export class Instants {
  readonly #parts: InstantsParts;
  readonly #arrivals = new Arrivals();
  #ceilingWrite: Promise<void> | undefined;

  constructor(parts: InstantsParts) {
    this.#parts = parts;
  }

  /**
   * The snapshot that an instant means. Once answered, the answer never changes: later commits get later timestamps.
   * @throws EngineError FUTURE_TIMESTAMP {now}, SNAPSHOT_NOT_FOUND, TAG_NOT_FOUND
   */
  async resolve(asOf: AsOf, signal?: AbortSignal): Promise<Instant> {
    switch (asOf.kind) {
      case 'newest':
        return asOf.atLeast === undefined ? this.#newest() : this.#newestFrom(asOf.atLeast, signal);
      case 'snapshot':
        return this.#bySnapshot(asOf.snapshotId);
      case 'tag':
        return this.#byTag(asOf.tag);
      case 'timestamp':
        return this.#byTimestamp(asOf.timestampMs, signal);
      default:
        return unreachable(asOf);
    }
  }

  #newest(): Instant {
    return instantOf(this.#parts.current());
  }

  async #newestFrom(atLeast: number, signal: AbortSignal | undefined): Promise<Instant> {
    const { current, time } = this.#parts;
    if (!Number.isSafeInteger(atLeast) || atLeast < 0)
      throw new EngineError('BAD_USER_INPUT', `atLeast: ${atLeast} is not a snapshotId`, { hint: 'Pass the snapshotId of a commit.' });
    if (current().snapshotId >= atLeast) return this.#newest();
    const { arrival, cancel } = this.#arrivals.of(atLeast);
    const over = new AbortController();
    try {
      const limit = time.wait(LIMITS.arrivalWaitMs, signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]));
      await Promise.race([arrival, limit]);
    } finally {
      cancel();
      over.abort();
    }
    const { snapshotId } = current();
    if (snapshotId >= atLeast) return this.#newest();
    const seconds = LIMITS.arrivalWaitMs / 1000;
    throw new EngineError('SNAPSHOT_NOT_FOUND', `snapshot ${atLeast} was not there within ${seconds} s; the newest is ${snapshotId}`, {
      details: { snapshotId: atLeast, newestSnapshotId: snapshotId },
      hint: 'atLeast takes the snapshotId of a commit that was made. Ask again if it is on its way here.',
    });
  }

  /** To be called whenever there are new commits, once the state has them: reads that wait for one go on. */
  arrived(): void {
    this.#arrivals.arrived(this.#parts.current().snapshotId);
  }

  #bySnapshot(snapshotId: number): Instant {
    const state = this.#parts.current();
    if (snapshotId === state.snapshotId) return this.#newest();
    if (!Number.isSafeInteger(snapshotId) || snapshotId < 1 || snapshotId > state.snapshotId) {
      throw new EngineError('SNAPSHOT_NOT_FOUND', `there is no snapshot ${snapshotId}; the newest is ${state.snapshotId}`, {
        details: { snapshotId, newestSnapshotId: state.snapshotId },
        hint: 'Snapshots count from 1; table(name) { snapshots { nodes { snapshotId } } } lists those of a table.',
      });
    }
    const id = asSnapshotId(snapshotId);
    return { snapshotId: id, timestampMs: this.#parts.history.commit(id).timestampMs };
  }

  #byTag(name: string): Instant {
    const { tags } = this.#parts.current();
    const tag = tags.get(name);
    if (tag !== undefined)
      return tag.snapshotId === 0 ? { snapshotId: tag.snapshotId, timestampMs: null } : this.#bySnapshot(tag.snapshotId);
    throw tagNotFound({ tags }, name);
  }

  async #byTimestamp(timestampMs: number, signal: AbortSignal | undefined): Promise<Instant> {
    const { time, current, settledAt } = this.#parts;
    if (!Number.isSafeInteger(timestampMs))
      throw new EngineError('BAD_USER_INPUT', `${timestampMs} is not an instant in whole milliseconds`);
    await time.raiseBarrier(timestampMs, () => current().timestampMs, signal);
    // Nothing that is stamped from here on can be at or before the instant; what was stamped before is waited for.
    await settledAt(timestampMs);
    const ceiling = time.ceilingNeeded(timestampMs, current().timestampMs);
    if (ceiling !== undefined) await this.#persistCeiling(ceiling, timestampMs);
    return this.#parts.history.instantAt(current(), timestampMs);
  }

  /** One write at a time; a read that comes meanwhile waits for it and looks again. */
  async #persistCeiling(wanted: number, timestampMs: number): Promise<void> {
    const { time, current } = this.#parts;
    for (
      let ceiling: number | undefined = wanted;
      ceiling !== undefined;
      ceiling = time.ceilingNeeded(timestampMs, current().timestampMs)
    ) {
      this.#ceilingWrite ??= this.#writeCeiling(ceiling).finally(() => {
        this.#ceilingWrite = undefined;
      });
      await this.#ceilingWrite;
    }
  }

  /** An instant that cannot be fixed on disk is not answered: after a crash it might be answered otherwise. */
  async #writeCeiling(ceilingMs: number): Promise<void> {
    const { store, time } = this.#parts;
    try {
      await store.admit(true);
      await store.write([{ key: CEILING_KEY, value: encodeNumber(ceilingMs) }], { sync: true });
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      const { code, details, hint = '', cause } = error;
      throw new EngineError(
        code,
        `this instant was not read before, and the small write that lets it answer the same after a crash failed: ${error.message}`,
        {
          details,
          hint: `${hint} Reading the newest data, a snapshotId, a tag or an instant before the newest commit goes on.`.trim(),
          cause,
        },
      );
    }
    time.ceilingPersisted(ceilingMs);
  }
}
