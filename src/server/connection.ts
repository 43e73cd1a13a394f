/**
 * A connection that events are sent over, whatever its transport: bounded in what waits for its client to read, and closed
 * where that takes too long. What it did not get it reads from the log when it is back.
 */

export interface ConnectionLimits {
  /** Bytes that may wait in a connection before it is sent no more events. */
  readonly bufferBytesMax: number;
  /** How long a connection may wait for its client to read before it is closed, milliseconds. */
  readonly stallMs: number;
}

/** What connections of one server count together. */
export interface ConnectionCounts {
  webSocket: number;
  eventStream: number;
  paused: number;
  stalled: number;
  refused: number;
}

export class Congestion {
  readonly #limits: ConnectionLimits;
  readonly #counts: ConnectionCounts;
  readonly #onStalled: () => void;
  #waiting: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  /** `onStalled` closes the connection. */
  constructor(limits: ConnectionLimits, counts: ConnectionCounts, onStalled: () => void) {
    this.#limits = limits;
    this.#counts = counts;
    this.#onStalled = onStalled;
  }

  get isCongested(): boolean {
    return this.#timer !== undefined;
  }

  /** To be asked before a send, with what waits by then. @returns whether `drained` must be called once it is all written */
  fills(bufferedBytes: number): boolean {
    if (bufferedBytes <= this.#limits.bufferBytesMax || this.#isOver) return false;
    if (this.#timer !== undefined) return true;
    this.#counts.paused += 1;
    this.#timer = setTimeout(() => {
      this.#counts.stalled += 1;
      this.#onStalled();
    }, this.#limits.stallMs);
    return true;
  }

  onDrained(resume: () => void): void {
    if (this.#isOver) return;
    if (this.isCongested) this.#waiting.push(resume);
    else resume();
  }

  drained(): void {
    if (this.#timer === undefined) return;
    this.#stopWaiting();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }

  #stopWaiting(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#counts.paused -= 1;
  }

  /** The connection is closed: nobody is called any more. */
  close(): void {
    this.#isOver = true;
    this.#stopWaiting();
    this.#waiting = [];
  }
}
