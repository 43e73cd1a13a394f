/**
 * A broadcast of which only the newest event counts: a live query. At most one run of it is under way, however many commits
 * there are meanwhile; who is behind is sent the newest answer, and an answer that says the same as the last is not sent.
 *
 * The states of the broadcast:
 *
 *              a table that is asked for has changed
 *      reading ─────────────────────────────────────► running
 *       │   ▲                                          │   │ there is a newer commit already
 *       │   │ a commit, or a subscriber that came      │   ▼
 *       │   └──────────────── waiting ◄────────────────┘  resting
 *       │ nothing has changed   ▲  ▲                       │ as long as the run took, or until a subscriber comes
 *       └───────────────────────┘  └───────────────────────┘
 *
 * From every state it may be closed: the last subscriber has left, an error ends all, or the server stops.
 * A subscriber is owed the newest answer, has it, or is paused: its connection is full, and the answer is owed again when that
 * has drained.
 */
import type { TableId } from '../engine/index.ts';
import { Broadcast, type BroadcastParts, type Subscriber } from './broadcast.ts';
import type { Payload } from './connection.ts';
import type { Position } from './position.ts';
import type { Source, Step } from './source.ts';
import { checkStep, type Follows } from './states.ts';

/** An answer of a live query. */
export interface LiveAnswer {
  readonly payload: Payload;
  /** The same for answers that say the same, whatever snapshot they are of. */
  readonly content: string;
}

/** The longest rest after a run; it is as long as the run took, so that one live query never takes all there is. */
const REST_MS_MAX = 1_000;

type State = 'reading' | 'running' | 'resting' | 'waiting';

const FOLLOWS: Follows<State> = {
  reading: ['running', 'waiting'],
  running: ['resting', 'waiting'],
  resting: ['waiting'],
  waiting: ['reading'],
};

/** What a subscriber has been sent. */
interface Served {
  /** The version of the answer; 0 where it has had none. */
  version: number;
  /** The newest commit when it came: an older answer may lack what it has been told already. */
  readonly since: number;
  /** Whether it waits for its connection to drain. */
  isPaused: boolean;
}

export class LatestBroadcast<Event> extends Broadcast<Event> {
  readonly #execute: (step: Step<Event>) => Promise<LiveAnswer>;
  /** Undefined before the first, and from an erasure of what it may show until it was asked again. */
  #payload: Payload | undefined;
  /** Of the answer that was given last. */
  #content: string | undefined;
  /** How often rows that the answers may show were erased, and after how many of these the reader was begun. */
  #erasures = 0;
  #readAfter = 0;
  /** How often answers have differed. */
  #version = 0;
  readonly #served = new Map<Subscriber, Served>();
  #state: State = 'waiting';
  #position: Position;

  constructor(source: Source<Event>, parts: BroadcastParts, execute: (step: Step<Event>) => Promise<LiveAnswer>) {
    super(source, parts);
    this.#execute = execute;
    this.#position = source.start;
    void this.#run();
  }

  lag(headSnapshotId: number): number {
    return this.#content === undefined ? 0 : Math.max(0, headSnapshotId - this.#position.snapshotId);
  }

  forget(tableId: TableId): void {
    if (!this.source.shows(tableId)) return;
    this.#payload = undefined;
    this.#erasures += 1;
    // No commit may come for long: it is asked again now.
    this.wake();
  }

  kept(): unknown {
    return this.#payload;
  }

  protected joined(subscriber: Subscriber): void {
    const { headSnapshotId } = this.parts.feed;
    this.#served.set(subscriber, { version: 0, since: headSnapshotId, isPaused: false });
    // An answer that has not been held against the newest commit is not for somebody who has just come.
    if (this.#position.snapshotId >= headSnapshotId) this.#offer(subscriber);
    else this.wake();
  }

  protected left(subscriber: Subscriber): void {
    this.#served.delete(subscriber);
  }

  #offer(subscriber: Subscriber): void {
    const served = this.#served.get(subscriber);
    if (served === undefined || served.isPaused || this.#payload === undefined) return;
    if (this.#position.snapshotId < served.since || served.version === this.#version) return;
    if (subscriber.connection.isCongested) {
      served.isPaused = true;
      subscriber.connection.onDrained(() => {
        served.isPaused = false;
        this.#offer(subscriber);
      });
      return;
    }
    served.version = this.#version;
    this.send(subscriber, this.#payload);
  }

  #offerAll(): void {
    for (const subscriber of this.#served.keys()) this.#offer(subscriber);
  }

  #enter(state: State): void {
    checkStep(FOLLOWS, this.#state, state);
    this.#state = state;
  }

  async #run(): Promise<void> {
    try {
      let reader = this.source.reader(this.#position);
      do {
        if (this.#readAfter !== this.#erasures) {
          this.#readAfter = this.#erasures;
          reader = this.source.reader(this.source.start);
        }
        this.#enter('reading');
        const step = await reader.next();
        if (step !== undefined) await this.#ask(step);
        if (this.isClosed) return;
        this.#position = reader.position;
        this.#offerAll();
        this.#enter('waiting');
        // What was let go of while it was asked is asked again at once, whether or not there is a newer commit.
      } while (this.#readAfter !== this.#erasures || (await this.more(reader.position)));
    } catch (error) {
      if (!this.parts.feed.stopped) this.endAll(error);
    }
  }

  async #ask(step: Step<Event>): Promise<void> {
    this.#enter('running');
    const start = performance.now();
    const erasures = this.#erasures;
    const answer = await this.patiently(() => this.parts.running(() => this.#execute(step)));
    if (answer === undefined || this.isClosed) return;
    // It may show what was erased meanwhile; it is asked again.
    if (erasures !== this.#erasures) return;
    if (answer.content !== this.#content) this.#version += 1;
    this.#content = answer.content;
    this.#payload = answer.payload;
    this.#position = step.position;
    this.#offerAll();
    const tookMs = performance.now() - start;
    if (this.parts.feed.headSnapshotId <= step.position.snapshotId) return;
    this.#enter('resting');
    await this.rest(Math.min(tookMs, REST_MS_MAX));
  }
}
