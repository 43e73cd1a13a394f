/**
 * All broadcasts. A subscription joins the broadcast of those that ask for the same, or opens it. Keeps what is bounded over
 * all of them: executed events in memory, readers of the log, and their number.
 */
import { EngineError, LIMITS, type RowCopies, type RowCopy, type Session, Slots, type SnapshotId, type TableId } from '../engine/index.ts';
import type { Broadcast, BroadcastParts } from './broadcast.ts';
import type { SubscriberConnection } from './connection.ts';
import type { CommitFeed } from './feed.ts';
import { LIVE_CLASSES, type LiveClass, type LiveFigures } from './figures.ts';
import { LatestBroadcast, type LiveAnswer } from './latest-broadcast.ts';
import { Payloads } from './payloads.ts';
import { cursorOf } from './position.ts';
import { SequenceBroadcast } from './sequence-broadcast.ts';
import type { Source, Step } from './source.ts';

/** An executed event. */
export interface Executed {
  /** As a payload's. */
  readonly jsonAndBrace: Buffer;
  /** Of a live query: the same for answers that say the same. */
  readonly content: string;
  /** Why part of it could not be read now though it could at another time; it is executed again then. */
  readonly overload?: EngineError | undefined;
}

export interface Subscription<Event> {
  /** The same for all subscriptions that are to share their execution: document, operation, variables, permissions. */
  readonly key: string;
  readonly source: Source<Event>;
  /** Whether the document asks which commit was the newest: then an event is not the same at two times. */
  readonly tellsHead: boolean;
  /** Executes the document for an event; used where the subscription opens a broadcast. */
  readonly execute: (event: Event, lifetime: Lifetime) => Promise<Executed>;
}

/** How long anybody wants what is executed; the signal is made when it is first asked for. */
export interface Lifetime {
  readonly signal: AbortSignal | undefined;
}

/** How long readers and executions follow each other before what else the event loop has to do comes first, milliseconds. */
const STRETCH_MS = 4;

type ClassFigures = { -readonly [Name in 'executions' | 'events']: number };

export class Broadcasts implements RowCopy {
  readonly feed: CommitFeed;
  readonly #session: Session;
  readonly #broadcasts = new Map<string, Broadcast<never>>();
  readonly #payloads: Payloads;
  readonly #catchingUp = new Slots({ slots: LIMITS.catchingUpMax, stretchMs: STRETCH_MS });
  /** By class, so that slow live queries keep no commit waiting. */
  readonly #running: Readonly<Record<LiveClass, Slots>>;
  readonly #counted: Readonly<Record<LiveClass, ClassFigures>>;
  readonly #leave: () => void;
  #nextBroadcast = 1;

  constructor(session: Session, feed: CommitFeed, copies: RowCopies) {
    this.#session = session;
    this.feed = feed;
    const none = (): ClassFigures => ({ executions: 0, events: 0 });
    const slots = (): Slots => new Slots({ slots: LIMITS.liveRunsMax, stretchMs: STRETCH_MS });
    this.#running = { snapshotCommitted: slots(), changes: slots(), live: slots() };
    this.#counted = { snapshotCommitted: none(), changes: none(), live: none() };
    this.#payloads = new Payloads(LIMITS.livePayloadBytesMax, copies);
    this.#leave = copies.join('answers of live queries', this);
  }

  /**
   * Sends a subscription's events to a connection, until the returned function is called or the connection is told the end.
   * @throws EngineError OVERLOADED where there are too many different subscriptions
   */
  subscribe<Event>(subscription: Subscription<Event>, connection: SubscriberConnection): () => void {
    const { key, source } = subscription;
    const known = this.#broadcasts.get(key) as Broadcast<Event> | undefined;
    const broadcast = known ?? this.#open(subscription);
    return broadcast.join(connection, source.start);
  }

  #open<Event>(subscription: Subscription<Event>): Broadcast<Event> {
    if (this.#broadcasts.size >= LIMITS.distinctSubscriptionsMax)
      throw new EngineError(
        'OVERLOADED',
        `distinctSubscriptionsMax: ${LIMITS.distinctSubscriptionsMax} different subscriptions run already`,
        {
          details: { retryAfterMs: 5_000, limit: 'distinctSubscriptionsMax', maximum: LIMITS.distinctSubscriptionsMax },
          hint: 'Use the same document and fewer different variables, so that subscribers share, or try again later.',
        },
      );
    const { key, source, execute, tellsHead } = subscription;
    const counted = this.#counted[source.kind];
    const id = this.#nextBroadcast;
    this.#nextBroadcast += 1;
    const parts: BroadcastParts = {
      feed: this.feed,
      hold: (snapshotId) => this.#session.hold(snapshotId as SnapshotId),
      catchingUp: (work) => this.#catchingUp.use(work),
      running: (work) => this.#running[source.kind].use(work),
      counted,
      onEmpty: () => {
        if (this.#broadcasts.get(key) === (broadcast as Broadcast<never>)) this.#broadcasts.delete(key);
      },
    };
    const executed = async ({ event, position }: Step<Event>): Promise<LiveAnswer> => {
      counted.executions += 1;
      const { jsonAndBrace, content, overload } = await execute(event, broadcast);
      if (overload !== undefined) throw overload;
      return { payload: { jsonAndBrace, cursor: cursorOf(position, this.#session.incarnation) }, content };
    };
    const broadcast: Broadcast<Event> = source.isLatestOnly
      ? new LatestBroadcast(source, parts, executed)
      : new SequenceBroadcast(source, parts, (step) =>
          this.#payloads.get(
            `${id}:${step.afterRow ?? ''}:${step.position.snapshotId}:${step.position.row}`,
            { head: { now: step.headSnapshotId, isTold: tellsHead }, mayBeKept: step.erasures === this.feed.erasures },
            async () => (await executed(step)).payload,
          ),
        );
    this.#broadcasts.set(key, broadcast as Broadcast<never>);
    return broadcast;
  }

  /** Figures by class; those of connections are the connections' to tell. */
  classes(): LiveFigures['classes'] {
    const found = Object.fromEntries(
      LIVE_CLASSES.map((kind) => [kind, { ...this.#counted[kind], subscriptions: 0, distinct: 0, lagSnapshots: 0 }]),
    ) as { [Kind in LiveClass]: { -readonly [Name in keyof LiveFigures['classes'][Kind]]: number } };
    for (const broadcast of this.#broadcasts.values()) {
      const figures = found[broadcast.source.kind];
      figures.subscriptions += broadcast.size;
      figures.distinct += 1;
      figures.lagSnapshots = Math.max(figures.lagSnapshots, broadcast.lag(this.feed.headSnapshotId));
    }
    return found;
  }

  forget(tableId: TableId): void {
    for (const broadcast of this.#broadcasts.values()) broadcast.forget(tableId);
  }

  kept(): unknown {
    return [...this.#broadcasts.values()].map((broadcast) => broadcast.kept());
  }

  stop(): void {
    this.#payloads.leave();
    this.#leave();
  }
}
