/** Slots: a bounded number of tasks run at once; the others wait in the order in which they came. */

/** How long tasks follow each other before what else the event loop has to do comes first, milliseconds. */
const STRETCH_MS = 4;

export class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];
  /** When the event loop last had its turn, as far as is known here. */
  #pausedAt = 0;
  #isPausing = false;

  constructor(places: number) {
    this.#free = places;
  }

  async take<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await task();
    } finally {
      this.#free += 1;
      this.#next();
    }
  }

  #next(): void {
    if (this.#waiting.length === 0 || this.#isPausing) return;
    if (performance.now() - this.#pausedAt > STRETCH_MS) {
      this.#isPausing = true;
      setImmediate(() => {
        this.#isPausing = false;
        this.#pausedAt = performance.now();
        while (this.#free > 0 && this.#waiting.length > 0) this.#begin();
      });
    } else this.#begin();
  }

  #begin(): void {
    this.#free -= 1;
    this.#waiting.shift()?.();
  }
}
