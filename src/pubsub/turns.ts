/** A bounded number of tasks at once; the others wait in the order in which they came. */
export class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(places: number) {
    this.#free = places;
  }

  async take<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await task();
    } finally {
      // What else the event loop has to do comes first.
      setImmediate(() => {
        const next = this.#waiting.shift();
        if (next === undefined) this.#free += 1;
        else next();
      });
    }
  }
}
