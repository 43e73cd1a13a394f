/** One WebSocket: what its subscriptions are sent, as graphql-transport-ws has it, and the iterators that graphql-ws holds. */
import type { Duplex } from 'node:stream';
import type { ExecutionResult } from 'graphql';
import type { WebSocket } from 'ws';
import type { Payload, Sink } from '../pubsub/index.ts';
import { Congestion, type ConnectionCounts, type ConnectionLimits } from './connection.ts';
import { beginFrame } from './frames.ts';

/** Clients come again after this code; they know that it was not their request. */
export const TRY_AGAIN_LATER = 1013;
const CLOSING_MS = 1_000;
const CLOSE_BRACE = Buffer.from('}');

export class SocketConnection {
  readonly socket: WebSocket;
  /** What the WebSocket writes to. Events are written here, a whole frame at a time: half the cost of a send. */
  readonly #stream: Duplex;
  readonly #congestion: Congestion;
  /** Whether the client has answered since the last ping. */
  isAlive = true;
  /** Operations under way, subscriptions and others. */
  operations = 0;

  constructor(
    { socket, stream }: { readonly socket: WebSocket; readonly stream: Duplex },
    limits: ConnectionLimits,
    counts: ConnectionCounts,
  ) {
    this.socket = socket;
    this.#stream = stream;
    this.#congestion = new Congestion(limits, counts, () => this.closeStalled());
  }

  /** A client that does not read may not read why either. */
  closeStalled(): void {
    this.socket.close(TRY_AGAIN_LATER, 'The client reads too slowly; resume after the last event that was seen.');
    const timer = setTimeout(() => this.socket.terminate(), CLOSING_MS);
    this.socket.once('close', () => clearTimeout(timer));
  }

  closed(): void {
    this.#congestion.close();
  }

  /** Where the events of one subscription go. */
  sink(id: string, end: (error: unknown) => void): Sink {
    const prefix = `{"id":${JSON.stringify(id)},"type":"next","payload":`;
    const congestion = this.#congestion;
    return {
      send: (payload) => this.#send(prefix, payload),
      get isCongested() {
        return congestion.isCongested;
      },
      onDrained: (resume) => congestion.onDrained(resume),
      end,
    };
  }

  #send(prefix: string, payload: Payload): void {
    // After a close frame there may be no other.
    if (this.socket.readyState !== this.socket.OPEN) return;
    const rest = restOf(payload);
    const stream = this.#stream;
    const isSmall = rest.length <= COPIED_BYTES_MAX;
    const { bytes, restAt } = beginFrame(prefix, rest, isSmall);
    const fills = this.#congestion.fills(stream.writableLength + prefix.length + rest.length);
    const written = fills ? () => this.#congestion.drained() : undefined;
    if (isSmall) {
      rest.copy(bytes, restAt);
      stream.write(bytes, written);
      return;
    }
    stream.cork();
    stream.write(bytes);
    stream.write(rest, written);
    stream.uncork();
  }
}

/** Up to here a message is copied into one piece for each socket; past it two pieces, one of them shared, are cheaper. */
const COPIED_BYTES_MAX = 1_024;

/** What follows the id in a message, the same for all sockets. */
const rests = new WeakMap<Payload, Buffer>();

function restOf(payload: Payload): Buffer {
  let rest = rests.get(payload);
  if (rest === undefined) {
    rest = Buffer.concat([payload.json, CLOSE_BRACE]);
    rests.set(payload, rest);
  }
  return rest;
}

const DONE: IteratorResult<never> = { done: true, value: undefined };

/** What graphql-ws holds of a shared subscription: it yields nothing but the error that ends it; `return()` leaves. */
export class PendingResults implements AsyncIterableIterator<ExecutionResult> {
  #leave: (() => void) | undefined;
  #last: ExecutionResult | undefined;
  #resolve: ((result: IteratorResult<ExecutionResult>) => void) | undefined;
  #isOver = false;

  /** Begins, with what leaves the channel. */
  begin(leave: () => void): void {
    if (this.#isOver) leave();
    else this.#leave = leave;
  }

  /** Ends the subscription from here; `last` is sent before. */
  end(last?: ExecutionResult): void {
    if (this.#isOver) return;
    this.#last = last;
    this.#finish();
  }

  #finish(): void {
    this.#isOver = true;
    this.#leave?.();
    this.#leave = undefined;
    const resolve = this.#resolve;
    this.#resolve = undefined;
    resolve?.(this.#take());
  }

  #take(): IteratorResult<ExecutionResult> {
    const last = this.#last;
    this.#last = undefined;
    return last === undefined ? DONE : { done: false, value: last };
  }

  next(): Promise<IteratorResult<ExecutionResult>> {
    if (this.#isOver) return Promise.resolve(this.#take());
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  return(): Promise<IteratorResult<ExecutionResult>> {
    if (!this.#isOver) this.#finish();
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
