/**
 * The commit feed: one ordered source for a process, fed by the engine after durability. Subscribers pull: from a ring of
 * recent commits when they keep up, from the log when they do not, so a slow reader neither loses an event nor makes a
 * queue grow. Keeps invariant 7.
 */
import { type Commit, erasedTables, LIMITS, type Session, type SnapshotId } from '../engine/index.ts';

export class CommitFeed {
  readonly #session: Session;
  readonly #ring: Commit[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #stop: () => void;
  #stopped = false;
  #erasures = 0;

  constructor(session: Session) {
    this.#session = session;
    this.#stop = session.onCommits((commits) => this.#take(commits));
  }

  get headSnapshotId(): SnapshotId {
    return this.#session.headSnapshotId;
  }

  /** How many erasures there were since the start: what was read before one may have rows that were erased. */
  get erasures(): number {
    return this.#erasures;
  }

  #take(commits: readonly Commit[]): void {
    this.#erasures += erasedTables(commits).length;
    this.#ring.push(...commits);
    if (this.#ring.length > LIMITS.feedRingMax) this.#ring.splice(0, this.#ring.length - LIMITS.feedRingMax);
    this.#wakeAll();
  }

  #wakeAll(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /** The commits right after a snapshot, in order; empty where there are none yet. */
  async after(snapshotId: number): Promise<readonly Commit[]> {
    if (snapshotId >= this.#session.headSnapshotId) return [];
    const oldest = this.#ring[0];
    if (oldest !== undefined && oldest.snapshotId <= snapshotId + 1) {
      const start = snapshotId + 1 - oldest.snapshotId;
      return this.#ring.slice(start, start + LIMITS.feedReadMax);
    }
    return this.#session.commitsAfter(snapshotId as SnapshotId, LIMITS.feedReadMax);
  }

  /** Calls back once, at the next commit or when the feed stops. @returns a function that takes the wish back */
  onNext(wake: () => void): () => void {
    if (this.#stopped) {
      queueMicrotask(wake);
      return () => {};
    }
    this.#waiting.add(wake);
    return () => void this.#waiting.delete(wake);
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** Subscribers that wait for the next commit. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Ends every subscription after what it has read. */
  stop(): void {
    this.#stopped = true;
    this.#stop();
    this.#wakeAll();
  }
}
