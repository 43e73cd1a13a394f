/** Those that are called with each round's commits, in order, once durable. What one of them raises is reported, and stops no other. */
import type { Commit } from './model/history.ts';

export type CommitListener = (commits: readonly Commit[]) => void;

export class CommitListeners {
  readonly #listeners = new Set<CommitListener>();
  readonly #report: (error: unknown, task: string) => void;

  constructor(report: (error: unknown, task: string) => void) {
    this.#report = report;
  }

  get size(): number {
    return this.#listeners.size;
  }

  /** @returns a function that takes the listener out again */
  add(listener: CommitListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  tell(commits: readonly Commit[]): void {
    for (const listener of commits.length === 0 ? [] : this.#listeners) {
      try {
        listener(commits);
      } catch (error) {
        this.#report(error, 'commit listener');
      }
    }
  }
}
