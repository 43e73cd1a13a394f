/**
 * All broadcasts. A subscription joins the broadcast of the subscriptions that ask for the same, or opens it. This file
 * bounds what all of them share: payloads in memory, readers of the log, the number of broadcasts.
 */
import { EngineError, LIMITS, type Session, type SnapshotId } from '../engine/index.ts';
import type { Channel, ChannelParts } from './channel.ts';
import type { CommitFeed } from './feed.ts';
import { LIVE_CLASSES, type LiveClass, type LiveFigures } from './figures.ts';
import { LatestChannel, type LiveAnswer } from './latest-channel.ts';
import { Payloads } from './payloads.ts';
import { cursorOf } from './position.ts';
import { SequenceChannel } from './sequence-channel.ts';
import type { Sink } from './sink.ts';
import type { Source, Step } from './source.ts';
import { Turns } from './turns.ts';

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
  /** Executes the document for an event; used where the subscription opens a channel. */
  readonly execute: (event: Event, lifetime: Lifetime) => Promise<Executed>;
}

/** How long anybody wants what is executed; the signal is made when it is first asked for. */
export interface Lifetime {
  readonly signal: AbortSignal | undefined;
}

type ClassFigures = { -readonly [Name in 'executions' | 'events']: number };

export class Hub {
  readonly feed: CommitFeed;
  readonly #session: Session;
  readonly #channels = new Map<string, Channel<never>>();
  readonly #payloads = new Payloads(LIMITS.livePayloadBytesMax);
  readonly #catchingUp = new Turns(LIMITS.catchingUpMax);
  /** By class, so that slow live queries keep no commit waiting. */
  readonly #running: Readonly<Record<LiveClass, Turns>>;
  readonly #counted: Readonly<Record<LiveClass, ClassFigures>>;
  readonly #stopListening: () => void;
  #nextChannel = 1;

  constructor(session: Session, feed: CommitFeed) {
    this.#session = session;
    this.feed = feed;
    const none = (): ClassFigures => ({ executions: 0, events: 0 });
    const turns = (): Turns => new Turns(LIMITS.liveRunsMax);
    this.#running = { snapshotCommitted: turns(), changes: turns(), live: turns() };
    this.#counted = { snapshotCommitted: none(), changes: none(), live: none() };
    this.#stopListening = session.onCommits((commits) => {
      if (commits.some(({ snapshots }) => snapshots.some(({ operation }) => operation === 'ERASE'))) this.#payloads.clear();
    });
  }

  /**
   * Sends a subscription's events to a sink, until the returned function is called or the sink is told the end.
   * @throws EngineError OVERLOADED where there are too many different subscriptions
   */
  subscribe<Event>(subscription: Subscription<Event>, sink: Sink): () => void {
    const { key, source } = subscription;
    const known = this.#channels.get(key) as Channel<Event> | undefined;
    const channel = known ?? this.#open(subscription);
    return channel.join(sink, source.start);
  }

  #open<Event>(subscription: Subscription<Event>): Channel<Event> {
    if (this.#channels.size >= LIMITS.distinctSubscriptionsMax)
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
    const id = this.#nextChannel;
    this.#nextChannel += 1;
    const parts: ChannelParts = {
      feed: this.feed,
      hold: (snapshotId) => this.#session.hold(snapshotId as SnapshotId),
      catchingUp: (work) => this.#catchingUp.take(work),
      running: (work) => this.#running[source.kind].take(work),
      counted,
      onEmpty: () => {
        if (this.#channels.get(key) === (channel as Channel<never>)) this.#channels.delete(key);
      },
    };
    const executed = async ({ event, position }: Step<Event>): Promise<LiveAnswer> => {
      counted.executions += 1;
      const { jsonAndBrace, content, overload } = await execute(event, channel);
      if (overload !== undefined) throw overload;
      return { payload: { jsonAndBrace, cursor: cursorOf(position, this.#session.incarnation) }, content };
    };
    const channel: Channel<Event> = source.isLatestOnly
      ? new LatestChannel(source, parts, executed)
      : new SequenceChannel(source, parts, (step) =>
          this.#payloads.get(
            `${id}:${step.afterRow ?? ''}:${step.position.snapshotId}:${step.position.row}`,
            { now: step.headSnapshotId, isTold: tellsHead },
            async () => (await executed(step)).payload,
          ),
        );
    this.#channels.set(key, channel as Channel<never>);
    return channel;
  }

  /** Figures by class; those of connections are the connections' to tell. */
  classes(): LiveFigures['classes'] {
    const found = Object.fromEntries(
      LIVE_CLASSES.map((kind) => [kind, { ...this.#counted[kind], subscriptions: 0, distinct: 0, lagSnapshots: 0 }]),
    ) as { [Kind in LiveClass]: { -readonly [Name in keyof LiveFigures['classes'][Kind]]: number } };
    for (const channel of this.#channels.values()) {
      const figures = found[channel.source.kind];
      figures.subscriptions += channel.size;
      figures.distinct += 1;
      figures.lagSnapshots = Math.max(figures.lagSnapshots, channel.lag(this.feed.headSnapshotId));
    }
    return found;
  }

  stop(): void {
    this.#stopListening();
  }
}
