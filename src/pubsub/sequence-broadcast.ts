/**
 * A broadcast of events that all count: commits and row changes. It reads its source as far as the log goes and hands each
 * payload to every subscriber that keeps up; a subscriber that does not goes back to reading from the log, and joins again where
 * it has caught up. So each gets exactly the events after its position, in order, once (invariant 7).
 *
 * The states of a subscriber:
 *
 *                   at the broadcast's position
 *      joining ───────────────────────────────────────────────► live
 *         │ at an earlier one                                  ▲  │
 *         ▼                                 caught up: looked  │  │
 *      queued ───── has a slot ─────► reading ── at and joined ┘  │
 *       ▲  ▲                            │  │     in one step      │
 *       │  └── the slot's time is up ───┘  │                      │
 *       │                                  │ its connection       │ its connection
 *       │                                  ▼ is full              │ is full
 *       └──────── it has drained ─────── paused ◄─────────────────┘
 *
 * From every state it may go: it leaves, an error ends it, or the server stops. A subscriber that is behind holds what it still
 * needs against expiry.
 */
import { Broadcast, type BroadcastParts, type Subscriber } from './broadcast.ts';
import type { Payload } from './connection.ts';
import { Lease } from './lease.ts';
import { after, END, isBefore, type Position } from './position.ts';
import type { Reader, Source, Step } from './source.ts';
import { checkStep, type Follows } from './states.ts';

/**
 * How long a subscriber reads from the log before another has its slot, milliseconds. Not much shorter: subscribers that go on by
 * turns each read what another has just read, and the kept changes are those of a third.
 */
const SLOT_MS = 1_000;

type State = 'joining' | 'live' | 'queued' | 'reading' | 'paused';

const FOLLOWS: Follows<State> = {
  joining: ['live', 'queued', 'paused'],
  live: ['paused'],
  queued: ['reading'],
  reading: ['live', 'queued', 'paused'],
  paused: ['queued'],
};

/** A subscriber that reads from the log, or waits to. */
interface Behind {
  state: State;
  /** Holds what it still needs. */
  readonly lease: Lease;
}

export class SequenceBroadcast<Event> extends Broadcast<Event> {
  readonly #execute: (step: Step<Event>) => Promise<Payload>;
  /** Subscribers that get each payload as it is executed. */
  readonly #live = new Set<Subscriber>();
  /** All others. */
  readonly #behind = new Map<Subscriber, Behind>();
  #position: Position;

  /** `execute` gives the payload of an event; asked twice for one, it may answer from what it kept. */
  constructor(source: Source<Event>, parts: BroadcastParts, execute: (step: Step<Event>) => Promise<Payload>) {
    super(source, parts);
    this.#execute = execute;
    // Whoever wants earlier events reads them from the log.
    this.#position = after(parts.feed.headSnapshotId);
    void this.#run();
  }

  lag(headSnapshotId: number): number {
    let oldest = this.#live.size === 0 ? headSnapshotId : this.#position.snapshotId;
    for (const { position } of this.#behind.keys()) oldest = Math.min(oldest, position.snapshotId);
    return Math.max(0, headSnapshotId - oldest);
  }

  /** Keeps no event once it has been sent. */
  forget(): void {}

  kept(): unknown {
    return [];
  }

  protected joined(subscriber: Subscriber): void {
    if (this.#isCurrent(subscriber)) this.#live.add(subscriber);
    else this.#fallBehind(subscriber, subscriber.connection.isCongested ? 'paused' : 'queued');
  }

  protected left(subscriber: Subscriber): void {
    this.#live.delete(subscriber);
    this.#behind.get(subscriber)?.lease.release();
    this.#behind.delete(subscriber);
  }

  #isCurrent(subscriber: Subscriber): boolean {
    const { position } = subscriber;
    if (isBefore(position, this.#position)) return false;
    // Inside a commit, only where an event of the broadcast ends: its next one begins there. What lies in the future is waited for.
    return position.row === END || !isBefore(this.#position, position) || position.snapshotId > this.parts.feed.headSnapshotId;
  }

  async #run(): Promise<void> {
    const lease = new Lease(this.parts.hold, this.#position);
    try {
      const reader = this.source.reader(this.#position);
      do {
        await this.#readOn(reader, lease);
      } while (await this.more(reader.position));
    } catch (error) {
      if (!this.parts.feed.stopped) this.endAll(error);
    } finally {
      lease.release();
    }
  }

  async #readOn(reader: Reader<Event>, lease: Lease): Promise<void> {
    for (;;) {
      const step = await this.#inSlot(() => reader.next());
      if (this.isClosed) return;
      if (step === undefined) break;
      const payload = await this.#inSlot(() => this.#execute(step));
      if (payload === undefined || this.isClosed) return;
      this.#position = step.position;
      lease.move(step.position);
      this.#deliver(payload, step.position);
    }
    this.#position = reader.position;
    lease.move(reader.position);
  }

  #inSlot<T>(work: () => Promise<T>): Promise<T | undefined> {
    return this.patiently(() => this.parts.running(work));
  }

  #deliver(payload: Payload, position: Position): void {
    for (const subscriber of this.#live) {
      // One that came with a position ahead of the broadcast's has it already.
      if (!isBefore(subscriber.position, position)) continue;
      if (subscriber.connection.isCongested) {
        this.#live.delete(subscriber);
        this.#fallBehind(subscriber, 'paused', 'live');
        continue;
      }
      subscriber.position = position;
      this.send(subscriber, payload);
    }
  }

  #fallBehind(subscriber: Subscriber, to: State, from: State = 'joining'): void {
    checkStep(FOLLOWS, from, to);
    const behind: Behind = { state: to, lease: new Lease(this.parts.hold, subscriber.position) };
    this.#behind.set(subscriber, behind);
    this.#catchUp(subscriber, behind).catch((error: unknown) => this.end(subscriber, error));
  }

  #step(behind: Behind, to: State): void {
    checkStep(FOLLOWS, behind.state, to);
    behind.state = to;
  }

  /** Brings one subscriber from its position to where the broadcast is. */
  async #catchUp(subscriber: Subscriber, behind: Behind): Promise<void> {
    const reader = this.source.reader(subscriber.position);
    while (behind.state === 'paused' || behind.state === 'queued') {
      if (behind.state === 'paused') {
        await new Promise<void>((resolve) => subscriber.connection.onDrained(resolve));
        this.#step(behind, 'queued');
      }
      await this.parts.catchingUp(() => this.#readFor(subscriber, reader, behind));
    }
  }

  /** Reads for a subscriber that has a slot, until it has caught up, cannot go on, or is over: then it stays what it is. */
  async #readFor(subscriber: Subscriber, reader: Reader<Event>, behind: Behind): Promise<void> {
    this.#step(behind, 'reading');
    const end = performance.now() + SLOT_MS;
    while (performance.now() < end) {
      if (subscriber.isGone || this.parts.feed.stopped) return;
      // In one step with the look at its position: what the broadcast reads next finds the subscriber there.
      if (this.#isCurrent(subscriber)) return this.#catchesUp(subscriber, behind);
      if (subscriber.connection.isCongested) return this.#step(behind, 'paused');
      const step = await this.patiently(() => reader.next());
      if (step === undefined) {
        subscriber.position = reader.position;
        continue;
      }
      const payload = await this.patiently(() => this.#execute(step));
      if (payload === undefined || subscriber.isGone) return;
      subscriber.position = step.position;
      behind.lease.move(step.position);
      this.send(subscriber, payload);
    }
    this.#step(behind, 'queued');
  }

  #catchesUp(subscriber: Subscriber, behind: Behind): void {
    this.#step(behind, 'live');
    this.#behind.delete(subscriber);
    behind.lease.release();
    this.#live.add(subscriber);
  }
}
