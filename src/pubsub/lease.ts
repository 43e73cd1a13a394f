/** Keeps what a subscriber still has to read from expiring, as its position moves on. */
import { neededSnapshot, type Position } from './position.ts';

export type Hold = (snapshotId: number) => () => void;

export class Lease {
  readonly #hold: Hold;
  #held: number | undefined;
  #release: (() => void) | undefined;

  constructor(hold: Hold, position: Position) {
    this.#hold = hold;
    this.move(position);
  }

  move(position: Position): void {
    const needed = Math.max(0, neededSnapshot(position));
    if (needed === this.#held) return;
    const release = this.#release;
    this.#release = this.#hold(needed);
    this.#held = needed;
    release?.();
  }

  release(): void {
    this.#release?.();
    this.#release = undefined;
    this.#held = undefined;
  }
}
