/**
 * A broadcast: all subscriptions that ask for the same, executed and serialised once for each event, however many they are.
 * This file has what both kinds of broadcast share; how events reach subscribers is in sequence-channel.ts and
 * latest-channel.ts.
 */
import { EngineError } from '../engine/index.ts';
import type { CommitFeed } from './feed.ts';
import type { Hold } from './lease.ts';
import type { Position } from './position.ts';
import type { Payload, Sink } from './sink.ts';
import type { Source } from './source.ts';

/** What channels share. */
export interface ChannelParts {
  readonly feed: CommitFeed;
  /** Keeps a snapshot from expiring until the returned function is called. */
  readonly hold: Hold;
  /** A place among the members that read from the log; waits for one. */
  readonly catchingUp: <T>(work: () => Promise<T>) => Promise<T>;
  /** A place among the channels of the class that read or execute an event; waits for one. */
  readonly running: <T>(work: () => Promise<T>) => Promise<T>;
  readonly counted: { events: number };
  /** Called once, when the last member has left: whoever comes later needs a new channel. */
  readonly onEmpty: () => void;
}

export interface Member {
  readonly sink: Sink;
  position: Position;
  isGone: boolean;
}

/** About how long to wait before work is tried again that the server was too busy for. */
const BUSY_MS = 500;

export abstract class Channel<Event> {
  readonly source: Source<Event>;
  protected readonly parts: ChannelParts;
  readonly #members = new Set<Member>();
  readonly #waits = new Set<() => void>();
  #isClosed = false;
  #controller: AbortController | undefined;

  constructor(source: Source<Event>, parts: ChannelParts) {
    this.source = source;
    this.parts = parts;
  }

  get size(): number {
    return this.#members.size;
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

  /** Takes a subscriber in. @returns what takes it out again */
  join(sink: Sink, start: Position): () => void {
    const member: Member = { sink, position: start, isGone: false };
    this.#members.add(member);
    this.joined(member);
    return () => this.#leave(member);
  }

  protected abstract joined(member: Member): void;
  protected abstract left(member: Member): void;

  #leave(member: Member): void {
    if (member.isGone) return;
    member.isGone = true;
    this.#members.delete(member);
    this.left(member);
    if (this.#members.size > 0) return;
    this.#isClosed = true;
    this.#controller?.abort();
    this.wake();
    this.parts.onEmpty();
  }

  protected end(member: Member, error: unknown): void {
    if (member.isGone) return;
    this.#leave(member);
    member.sink.end(error);
  }

  protected endAll(error: unknown): void {
    for (const member of [...this.#members]) this.end(member, error);
  }

  protected send(member: Member, payload: Payload): void {
    this.parts.counted.events += 1;
    member.sink.send(payload);
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
   * subscriber. @returns undefined where the channel was closed meanwhile
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
