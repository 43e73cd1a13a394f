/**
 * The only writer. Takes all entries that wait, applies them one after the other, and writes what they did, and how far
 * the log is applied, in one synced LevelDB batch. Keeps invariants 1 and 2.
 */
import { idempotencyKey, PREFIX, primaryKeyKey } from '../../catalog/keys.ts';
import { decodeIdempotency, type IdempotencyRecord } from '../../catalog/records.ts';
import type { CatalogState } from '../../catalog/state.ts';
import type { CatalogStore, Put } from '../../catalog/store.ts';
import type { CommitEntry, LogEntry, Outcome } from '../../log/entry.ts';
import type { Log, PendingEntry } from '../../log/log.ts';
import { InvariantError } from '../../model/errors.ts';
import type { Commit } from '../../model/history.ts';
import { LIMITS } from '../../model/limits.ts';
import type { EngineObserver } from '../../model/observer.ts';
import type { TimeKeeper } from '../../time/time-keeper.ts';
import { apply } from '../apply/apply.ts';
import type { Lookups } from '../apply/types.ts';
import { assertApplied } from './invariants.ts';

export interface SequencerParts {
  readonly log: Log;
  readonly store: CatalogStore;
  readonly time: TimeKeeper;
  readonly state: CatalogState;
  /** Called after each durable round, before its writers are answered: the state moves on, the feed is told. */
  readonly publish: (state: CatalogState, commits: readonly Commit[]) => void;
  /** What tests put in the place of apply, to break what it gives. */
  readonly apply?: typeof apply | undefined;
  /** Told of what is durable, once its writers were answered. */
  readonly observer?: EngineObserver | undefined;
}

interface Round {
  readonly timestampMs: number;
  readonly done: Promise<void>;
}

export class Sequencer {
  readonly #parts: SequencerParts;
  #state: CatalogState;
  /** The round that has its timestamps but is not durable yet. */
  #inFlight: Round | undefined;
  /** The timestamp of a round that failed and may be in LevelDB's log all the same; reads at or after it must wait. */
  #unresolvedMs: number | undefined;

  constructor(parts: SequencerParts) {
    this.#parts = parts;
    this.#state = parts.state;
  }

  /** Runs until the log is closed and empty. */
  async run(): Promise<void> {
    for (let round = await this.#parts.log.follow(); round !== undefined; round = await this.#parts.log.follow()) {
      await this.#round(round);
    }
  }

  /**
   * Resolves when every commit that has a timestamp at or before this one is durable and published, or known to be no commit.
   * @throws EngineError of the store where that cannot be known before its log can be written again
   */
  async settledAt(timestampMs: number): Promise<void> {
    while (this.#inFlight !== undefined && this.#inFlight.timestampMs <= timestampMs) await this.#inFlight.done;
    if (this.#unresolvedMs === undefined || this.#unresolvedMs > timestampMs) return;
    if (this.#parts.store.isUnresolved) await this.#parts.store.admit();
    this.#unresolvedMs = undefined;
  }

  async #round(round: readonly PendingEntry[]): Promise<void> {
    const { store } = this.#parts;
    try {
      const taken = store.isWritable ? round : await this.#admitted(round);
      if (taken.length === 0) return;
      const lookups = await RoundLookups.read(this.#parts, this.#state, taken);
      await this.#commitRound(taken, lookups);
    } catch (error) {
      // Apply gave what cannot be, and nothing of the round was written: what is in memory is not to be trusted with more.
      const told = error instanceof InvariantError ? store.halt(error) : error;
      for (const pending of round) pending.reject(told);
    }
  }

  /** Where the disk is nearly full, what frees space is taken, and nothing else. */
  async #admitted(round: readonly PendingEntry[]): Promise<readonly PendingEntry[]> {
    const taken: PendingEntry[] = [];
    for (const pending of round) {
      try {
        await this.#parts.store.admit(freesSpace(pending.entry));
        taken.push(pending);
      } catch (error) {
        pending.reject(error);
      }
    }
    return taken;
  }

  async #commitRound(round: readonly PendingEntry[], lookups: RoundLookups): Promise<void> {
    const { time, store } = this.#parts;
    // From here to the write is one turn of the event loop: no read can raise its barrier in between.
    let state = this.#state;
    const puts: Put[] = [];
    const outcomes: Outcome[] = [];
    const commits: Commit[] = [];
    const timestampMs = time.stamp(state.timestampMs);
    for (const { entry } of round) {
      const applied = (this.#parts.apply ?? apply)(state, entry, timestampMs, lookups);
      assertApplied(state, entry, applied, timestampMs);
      state = applied.state;
      lookups.note(applied.puts);
      for (const put of applied.puts) puts.push(put);
      outcomes.push(applied.outcome);
      if (applied.outcome.kind === 'committed') commits.push(applied.outcome.commit);
    }
    const { observer } = this.#parts;
    const isMeasured = observer !== undefined && state !== this.#state;
    const startedMs = isMeasured ? performance.now() : 0;
    if (state !== this.#state) {
      let settle = (): void => {};
      this.#inFlight = {
        timestampMs,
        done: new Promise((resolve) => {
          settle = resolve;
        }),
      };
      try {
        await store.commit(puts, state);
        this.#state = state;
        this.#parts.publish(state, commits);
      } catch (error) {
        if (store.isUnresolved) this.#unresolvedMs = Math.min(timestampMs, this.#unresolvedMs ?? timestampMs);
        throw error;
      } finally {
        this.#inFlight = undefined;
        settle();
      }
    }
    round.forEach((pending, index) => {
      pending.resolve(outcomes[index] as Outcome);
    });
    if (isMeasured) tell(observer, { round, outcomes, commits: commits.length, startedMs });
  }

  /** Whether a round is on its way to disk. */
  get isWriting(): boolean {
    return this.#inFlight !== undefined;
  }
}

/** Expiry and erasure, and what flush and compaction log: without it room would never come back. */
function freesSpace(entry: LogEntry): boolean {
  if (entry.kind === 'commit') return entry.changes.every((change) => change.kind === 'erase');
  return entry.kind === 'rewrite' || entry.kind === 'expire';
}

interface Written {
  readonly round: readonly PendingEntry[];
  readonly outcomes: readonly Outcome[];
  readonly commits: number;
  readonly startedMs: number;
}

/** Tells of a round that is durable. Nothing depends on it any more: its writers are answered. */
function tell(observer: EngineObserver, { round, outcomes, commits, startedMs }: Written): void {
  const durableMs = performance.now();
  for (const [index, { entry, submittedMs }] of round.entries()) {
    const outcome = outcomes[index];
    if (outcome?.kind !== 'committed' || entry.kind !== 'commit') continue;
    observer.onCommit({ commit: outcome.commit, durationMs: durableMs - submittedMs, bytes: rowBytesOf(entry) });
  }
  observer.onRound({ entries: round.length, commits, writeMs: durableMs - startedMs });
}

/** Encoded rows of a commit: what travels inside it, and the files that it names. */
function rowBytesOf({ changes }: CommitEntry): number {
  let bytes = 0;
  for (const change of changes) {
    if (change.kind !== 'rows') continue;
    bytes += change.hot?.bytes.length ?? 0;
    for (const { file } of change.files) bytes += file.sizeBytes;
  }
  return bytes;
}

const READ_AT_ONCE = 256;

/** Primary keys and idempotency keys of a round, read at once; what the round itself adds is seen by its later entries. */
class RoundLookups implements Lookups {
  readonly #known = new Map<string, Buffer>();

  /** Idempotency keys that were used at this instant or before are free again; looked up where a round has such a key. */
  readonly #keptSince: () => number;

  private constructor(keptSince: () => number) {
    this.#keptSince = keptSince;
  }

  static async read(
    { store, time }: Pick<SequencerParts, 'store' | 'time'>,
    state: CatalogState,
    round: readonly PendingEntry[],
  ): Promise<RoundLookups> {
    const lookups = new RoundLookups(() => time.keptSince(LIMITS.idempotencyAgeMs, state.timestampMs));
    const keys: Buffer[] = [];
    for (const { entry } of round) collectKeys(entry, keys);
    if (keys.length === 0) return lookups;
    // Few keys are read at once, in this turn: a trip through the thread pool would take longer than all of them.
    const values = keys.length <= READ_AT_ONCE ? keys.map((key) => store.get(key)) : await store.getMany(keys);
    values.forEach((value, index) => {
      if (value !== undefined) lookups.#known.set((keys[index] as Buffer).toString('latin1'), value);
    });
    return lookups;
  }

  note(puts: readonly Put[]): void {
    for (const { key, value } of puts) {
      if (key[0] !== PREFIX.key && key[0] !== PREFIX.idempotency) continue;
      if (value === null) this.#known.delete(key.toString('latin1'));
      else this.#known.set(key.toString('latin1'), value);
    }
  }

  keyExists(key: Buffer): boolean {
    return this.#known.has(key.toString('latin1'));
  }

  idempotency(hash: Buffer): IdempotencyRecord | undefined {
    const value = this.#known.get(idempotencyKey(hash).toString('latin1'));
    if (value === undefined) return undefined;
    const record = decodeIdempotency(value);
    return record.timestampMs > this.#keptSince() ? record : undefined;
  }
}

function collectKeys(entry: LogEntry, keys: Buffer[]): void {
  if (entry.kind !== 'commit') return;
  if (entry.idempotency !== null) keys.push(idempotencyKey(entry.idempotency.key));
  for (const change of entry.changes) {
    if (change.kind !== 'rows') continue;
    for (const hash of change.keys.inserted) keys.push(primaryKeyKey(change.tableId, hash));
    for (const { hash } of change.keys.moved) keys.push(primaryKeyKey(change.tableId, hash));
  }
}
