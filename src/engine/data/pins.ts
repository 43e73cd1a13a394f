/**
 * Pins. A read holds the log index of the state that it reads. Files, hot rows and mirrors that the state names stay until
 * no pin of that index or an older one is left. Keeps invariant 3 while maintenance replaces files under readers.
 */
import type { LogIndex } from '../model/ids.ts';

export interface Pin {
  /** Idempotent. */
  release(): void;
}

interface Retired {
  readonly at: LogIndex;
  readonly dispose: () => void;
}

export class Pins {
  /** Held pins by index. Insertion order is index order, so the first key is the oldest. */
  readonly #held = new Map<LogIndex, number>();
  readonly #retired: Retired[] = [];
  readonly #idle: (() => void)[] = [];

  /** `index` must not be below that of an earlier pin. */
  pin(index: LogIndex): Pin {
    this.#held.set(index, (this.#held.get(index) ?? 0) + 1);
    let released = false;
    return {
      release: () => {
        if (released) return;
        released = true;
        const left = (this.#held.get(index) ?? 1) - 1;
        if (left > 0) this.#held.set(index, left);
        else {
          this.#held.delete(index);
          this.#dispose();
          if (this.#held.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
        }
      },
    };
  }

  /** Disposes of what states before `at` name, as soon as none of them is pinned. */
  retire(at: LogIndex, dispose: () => void): void {
    this.#retired.push({ at, dispose });
    this.#dispose();
  }

  /** Resolves when no pin is held. */
  whenIdle(): Promise<void> {
    if (this.#held.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  get heldPins(): number {
    let pins = 0;
    for (const count of this.#held.values()) pins += count;
    return pins;
  }

  get waiting(): number {
    return this.#retired.length;
  }

  #dispose(): void {
    const oldest = this.#held.keys().next().value ?? Number.POSITIVE_INFINITY;
    while (this.#retired[0] !== undefined && this.#retired[0].at <= oldest) this.#retired.shift()?.dispose();
  }
}
