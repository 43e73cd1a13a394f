/** Holds an answer of a live query back that is older than what this client has been answered: the next one is on its way. */

/** Options of `keepNewestLink` and `keepNewestExchange`. */
export interface LiveGateOptions {
  /**
   * How long an answer of a live query waits at most for the next one, milliseconds; 1,000 by default. Then it is passed on:
   * later commits have not changed what it says.
   */
  readonly waitMs?: number;
}

const WAIT_MS = 1_000;

export class LiveGate<Answer> {
  readonly #isBehind: (answer: Answer) => boolean;
  readonly #pass: (answer: Answer) => void;
  readonly #waitMs: number;
  #held: Answer | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(isBehind: (answer: Answer) => boolean, pass: (answer: Answer) => void, { waitMs = WAIT_MS }: LiveGateOptions = {}) {
    this.#isBehind = isBehind;
    this.#pass = pass;
    this.#waitMs = waitMs;
  }

  take(answer: Answer): void {
    if (this.#isBehind(answer)) {
      this.#held = answer;
      this.#timer ??= setTimeout(() => this.flush(), this.#waitMs);
      return;
    }
    this.stop();
    this.#pass(answer);
  }

  /** Passes on what is held, in the end. */
  flush(): void {
    const held = this.#held;
    this.stop();
    if (held !== undefined) this.#pass(held);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#held = undefined;
  }
}
