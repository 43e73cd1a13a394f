/** Leases: snapshots that a query under way, or the next page of a cursor, still needs; expiry leaves them alone. */
import type { SnapshotId } from '../model/ids.ts';
import { LIMITS } from '../model/limits.ts';

export class Leases {
  /** How many hold each snapshot. */
  readonly #holders = new Map<SnapshotId, number>();
  /** Until when cursors keep each snapshot, by the process's own clock; the longest kept last. */
  readonly #cursors = new Map<SnapshotId, number>();

  /** Keeps a snapshot until the returned function is called; idempotent. */
  hold(snapshotId: SnapshotId): () => void {
    this.#holders.set(snapshotId, (this.#holders.get(snapshotId) ?? 0) + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const left = (this.#holders.get(snapshotId) ?? 1) - 1;
      if (left > 0) this.#holders.set(snapshotId, left);
      else this.#holders.delete(snapshotId);
    };
  }

  /** Keeps a snapshot for the next page of a cursor that was handed out now. */
  keepForCursor(snapshotId: SnapshotId): void {
    this.#cursors.delete(snapshotId);
    if (this.#cursors.size >= LIMITS.cursorLeasesMax) this.#cursors.delete(this.#cursors.keys().next().value as SnapshotId);
    this.#cursors.set(snapshotId, performance.now() + LIMITS.cursorLeaseMs);
  }

  /** How many snapshots are kept, each counted once for queries and once for cursors. */
  get size(): number {
    this.#forgetOld();
    return this.#holders.size + this.#cursors.size;
  }

  /** The oldest snapshot that is needed; undefined where none is. */
  oldest(): SnapshotId | undefined {
    this.#forgetOld();
    let oldest: SnapshotId | undefined;
    for (const map of [this.#holders, this.#cursors])
      for (const snapshotId of map.keys()) if (oldest === undefined || snapshotId < oldest) oldest = snapshotId;
    return oldest;
  }

  #forgetOld(): void {
    const now = performance.now();
    for (const [snapshotId, until] of this.#cursors) {
      if (until > now) break;
      this.#cursors.delete(snapshotId);
    }
  }
}
