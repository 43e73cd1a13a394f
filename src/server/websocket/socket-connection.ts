/** One WebSocket: what its subscriptions are sent, as graphql-transport-ws has it, and the iterators that graphql-ws holds. */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ExecutionResult } from 'graphql';
import type { WebSocket } from 'ws';
import type { Payload, SubscriberConnection } from '../../pubsub/index.ts';
import { Congestion, type ConnectionCounts, type ConnectionLimits } from '../connection.ts';
import { beginFrame } from './frames.ts';
import { SHARED_BYTES_MAX, SharedFrames } from './shared-frames.ts';

/** Clients come again after this code; they know that it was not their request. */
export const TRY_AGAIN_LATER = 1013;
const CLOSING_MS = 1_000;

/** Closes a socket, and cuts it where its client does not close it too. */
export function closeSoon(socket: WebSocket, code: number, reason: string): void {
  socket.close(code, reason);
  const timer = setTimeout(() => socket.terminate(), CLOSING_MS);
  socket.once('close', () => clearTimeout(timer));
}

export class SocketConnection {
  readonly socket: WebSocket;
  /** What the WebSocket writes to. Events are written here, a whole frame at a time: half the cost of a send. */
  readonly #stream: Duplex;
  /** The same, where frames that are shared with other sockets may be written to it. */
  readonly #shares: Socket | undefined;
  readonly #frames: SharedFrames;
  readonly #congestion: Congestion;
  /** Whether the client has answered since the last ping. */
  isAlive = true;
  /** Whether a message had numbers that JSON.parse would round; they are marked. */
  hasMarkedNumbers = false;
  /** Ids of the operations under way, subscriptions and others. */
  readonly operations = new Set<string>();
  readonly #results = new Set<PendingResults>();

  constructor(
    { socket, stream, frames }: { readonly socket: WebSocket; readonly stream: Duplex; readonly frames: SharedFrames },
    limits: ConnectionLimits,
    counts: ConnectionCounts,
  ) {
    this.socket = socket;
    this.#stream = stream;
    this.#frames = frames;
    this.#shares = SharedFrames.suits(stream, socket.extensions) ? stream : undefined;
    this.#congestion = new Congestion(limits, counts, () => this.closeStalled());
  }

  /** A client that does not read may not read why either. */
  closeStalled(): void {
    closeSoon(this.socket, TRY_AGAIN_LATER, 'The client reads too slowly; resume after the last event that was seen.');
  }

  closed(): void {
    this.#congestion.close();
    for (const results of this.#results) void results.return();
  }

  /** What graphql-ws is to hold of a subscription; ended with the socket, whatever becomes of it there. */
  results(): PendingResults {
    const results = new PendingResults(() => this.#results.delete(results));
    this.#results.add(results);
    return results;
  }

  /**
   * Writes an answer; resolves when it is written or the socket is closed. While more waits than may, nothing more is read
   * from a client that asks and does not read.
   */
  answer(write: (done: () => void) => void, bytes: number): Promise<void> {
    const { socket } = this;
    if (socket.readyState !== socket.OPEN) return Promise.resolve();
    const fills = this.#congestion.fills(socket.bufferedAmount + bytes);
    if (fills && !socket.isPaused) {
      socket.pause();
      this.#congestion.onDrained(() => socket.resume());
    }
    return new Promise((resolve) => {
      write(() => {
        if (fills) this.#congestion.drained();
        resolve();
      });
    });
  }

  /** Where the events of one subscription go. */
  forSubscription(id: string, end: (error: unknown) => void): SubscriberConnection {
    const head = `{"id":${JSON.stringify(id)},"type":"next","payload":`;
    const headBytes = Buffer.byteLength(head);
    const congestion = this.#congestion;
    return {
      send: (payload) => this.#send(head, headBytes, payload),
      get isCongested() {
        return congestion.isCongested;
      },
      onDrained: (resume) => congestion.onDrained(resume),
      end,
    };
  }

  #send(head: string, headBytes: number, payload: Payload): void {
    // After a close frame there may be no other.
    if (this.socket.readyState !== this.socket.OPEN) return;
    const rest = payload.jsonAndBrace;
    const stream = this.#stream;
    const waiting = stream.writableLength;
    const fills = this.#congestion.fills(waiting + headBytes + rest.length);
    if (this.#shares !== undefined && waiting === 0 && !fills && rest.length <= SHARED_BYTES_MAX) {
      this.#frames.write(this.#shares, head, headBytes, payload);
      return;
    }
    const written = fills ? () => this.#congestion.drained() : undefined;
    stream.cork();
    stream.write(beginFrame(head, rest, false).bytes);
    stream.write(rest, written);
    stream.uncork();
  }
}

const DONE: IteratorResult<never> = { done: true, value: undefined };

/** What graphql-ws holds of a shared subscription: it yields nothing but the error that ends it; `return()` leaves. */
export class PendingResults implements AsyncIterableIterator<ExecutionResult> {
  #leave: (() => void) | undefined;
  #last: ExecutionResult | undefined;
  #resolve: ((result: IteratorResult<ExecutionResult>) => void) | undefined;
  #isOver = false;
  readonly #onOver: () => void;

  constructor(onOver: () => void) {
    this.#onOver = onOver;
  }

  /** Begins, with what leaves the broadcast. */
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
    this.#onOver();
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
