/**
 * A broadcast: all subscriptions that ask for the same, executed once an event and serialised once, whoever and however many
 * they are. What its subscribers have in common; how events reach them is for the two kinds of broadcasts to say.
 */
import { EngineError, type TableId } from '../engine/index.ts';
import type { Payload, SubscriberConnection } from './connection.ts';
import type { CommitFeed } from './feed.ts';
import type { Hold } from './lease.ts';
import type { Position } from './position.ts';
import type { Source } from './source.ts';

/** What broadcasts share. */
export interface BroadcastParts {
  readonly feed: CommitFeed;
  /** Keeps a snapshot from expiring until the returned function is called. */
  readonly hold: Hold;
  /** A place among the subscribers that read from the log; waits for one. */
  readonly catchingUp: <T>(work: () => Promise<T>) => Promise<T>;
  /** A place among the broadcasts of the class that read or execute an event; waits for one. */
  readonly running: <T>(work: () => Promise<T>) => Promise<T>;
  readonly counted: { events: number };
  /** Called once, when the last subscriber has left: whoever comes later needs a new broadcast. */
  readonly onEmpty: () => void;
}

export interface Subscriber {
  readonly connection: SubscriberConnection;
  position: Position;
  isGone: boolean;
}

/** About how long to wait before work is tried again that the server was too busy for. */
const BUSY_MS = 500;

export abstract class Broadcast<Event> {
  readonly source: Source<Event>;
  protected readonly parts: BroadcastParts;
  readonly #subscribers = new Set<Subscriber>();
  readonly #waits = new Set<() => void>();
  #isClosed = false;
  #controller: AbortController | undefined;

  constructor(source: Source<Event>, parts: BroadcastParts) {
    this.source = source;
    this.parts = parts;
  }

  get size(): number {
    return this.#subscribers.size;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Aborted when nobody is left; made when it is first asked for. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }

  /** How many snapshots its furthest-behind subscriber is behind. */
  abstract lag(headSnapshotId: number): number;

  /** Lets go of what may be of a table's rows: after an erasure. */
  abstract forget(tableId: TableId): void;
  /** What it keeps of events that were sent. */
  abstract kept(): unknown;

  /** Takes a subscriber in. @returns what takes it out again */
  join(connection: SubscriberConnection, start: Position): () => void {
    const subscriber: Subscriber = { connection, position: start, isGone: false };
    this.#subscribers.add(subscriber);
    this.joined(subscriber);
    return () => this.#leave(subscriber);
  }

  protected abstract joined(subscriber: Subscriber): void;
  protected abstract left(subscriber: Subscriber): void;

  #leave(subscriber: Subscriber): void {
    if (subscriber.isGone) return;
    subscriber.isGone = true;
    this.#subscribers.delete(subscriber);
    this.left(subscriber);
    if (this.#subscribers.size > 0) return;
    this.#isClosed = true;
    this.#controller?.abort();
    this.wake();
    this.parts.onEmpty();
  }

  protected end(subscriber: Subscriber, error: unknown): void {
    if (subscriber.isGone) return;
    this.#leave(subscriber);
    subscriber.connection.end(error);
  }

  protected endAll(error: unknown): void {
    for (const subscriber of [...this.#subscribers]) this.end(subscriber, error);
  }

  protected send(subscriber: Subscriber, payload: Payload): void {
    this.parts.counted.events += 1;
    subscriber.connection.send(payload);
  }

  /** Ends every wait. */
  protected wake(): void {
    for (const end of [...this.#waits]) end();
  }

  async #wait(begin: (resolve: () => void) => () => void): Promise<void> {
    let end: (() => void) | undefined;
    await new Promise<void>((resolve) => {
      const takeBack = begin(resolve);
      end = () => {
        takeBack();
        resolve();
      };
      this.#waits.add(end);
    });
    if (end !== undefined) this.#waits.delete(end);
  }

  /** Waits until there may be more to read. @returns false where there will be none: it is closed, or the server stops */
  protected async more(position: Position): Promise<boolean> {
    const { feed } = this.parts;
    if (!this.#isClosed && !feed.stopped && feed.headSnapshotId <= position.snapshotId) await this.#wait((resolve) => feed.onNext(resolve));
    return !this.#isClosed && !feed.stopped;
  }

  /**
   * Does what the server may be too busy for just now, again and again until it has been done: being busy is no answer to a
   * subscriber. @returns undefined where the broadcast was closed meanwhile
   */
  protected async patiently<T>(work: () => Promise<T>): Promise<T | undefined> {
    while (!this.#isClosed && !this.parts.feed.stopped) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof EngineError) || error.code !== 'OVERLOADED') throw error;
        await this.rest(BUSY_MS * (0.5 + Math.random()));
      }
    }
    return undefined;
  }

  /** Does nothing for a while, or until it is woken. */
  protected async rest(ms: number): Promise<void> {
    if (this.#isClosed) return;
    await this.#wait((resolve) => {
      const timer = setTimeout(resolve, ms);
      return () => clearTimeout(timer);
    });
  }
}
