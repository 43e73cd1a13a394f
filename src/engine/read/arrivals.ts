/** Reads that wait for a commit which another node, or a moment, will bring: told by the commit itself, never by looking again. */

interface Waiting {
  readonly snapshotId: number;
  readonly resolve: () => void;
}

export class Arrivals {
  readonly #waiting = new Set<Waiting>();

  /** Resolves once a commit of this or a later id has come; `cancel` when nobody waits any more. */
  of(snapshotId: number): { readonly arrival: Promise<void>; readonly cancel: () => void } {
    let resolve = (): void => {};
    const arrival = new Promise<void>((done) => {
      resolve = done;
    });
    const waiting = { snapshotId, resolve };
    this.#waiting.add(waiting);
    return { arrival, cancel: () => void this.#waiting.delete(waiting) };
  }

  /** To be called with the newest commit, whenever there is a new one. */
  arrived(newest: number): void {
    for (const { snapshotId, resolve } of this.#waiting) if (snapshotId <= newest) resolve();
  }
}
