/**
 * What a subscription is about: a source of events that any number of readers read, each from a position of its own. The
 * log is the buffer: a reader pulls, so one that is slow neither loses an event nor makes a queue grow (invariant 7).
 */
import type { Commit, SnapshotId, TableId } from '../engine/index.ts';
import type { CommitFeed } from './feed.ts';
import type { LiveClass } from './figures.ts';
import { after, END, type Position } from './position.ts';

/** One event, and where a subscriber is once it has seen it. */
export interface Step<Event> {
  readonly event: Event;
  readonly position: Position;
  /** The last row of the same commit that came before it, where it begins inside one. */
  readonly afterRow?: number | undefined;
  /** The newest commit when the event was read. */
  readonly headSnapshotId: SnapshotId;
  /** How many erasures there had been before the event was read. */
  readonly erasures: number;
}

export interface Reader<Event> {
  /** How far has been read: commits that do not match are passed over. */
  readonly position: Position;
  /** The next event; undefined where there is none yet. */
  next(): Promise<Step<Event> | undefined>;
}

export interface Source<Event> extends AsyncIterable<Event> {
  readonly kind: LiveClass;
  /** What the subscription's words came to mean when it began, where words may mean another thing later: a table's identity. */
  readonly about: string;
  /** Where the subscriber that asked begins. */
  readonly start: Position;
  /** Whether only the newest event matters, as with answers of a live query: who is behind is sent that one. */
  readonly isLatestOnly: boolean;
  /** Whether an event may show rows of a table; asked of sources of which only the newest event matters. */
  shows(tableId: TableId): boolean;
  reader(from: Position): Reader<Event>;
}

/** The commits after a position, one by one; those of the log are read some at a time. */
export class CommitReader {
  readonly #feed: CommitFeed;
  #read: readonly Commit[] = [];
  #at = 0;
  #last: number;

  constructor(feed: CommitFeed, last: number) {
    this.#feed = feed;
    this.#last = last;
  }

  /** The commit that was given last. */
  get last(): number {
    return this.#last;
  }

  async next(): Promise<Commit | undefined> {
    if (this.#at >= this.#read.length) {
      this.#read = await this.#feed.after(this.#last);
      this.#at = 0;
    }
    const commit = this.#read[this.#at];
    if (commit === undefined) return undefined;
    this.#at += 1;
    this.#last = commit.snapshotId;
    return commit;
  }
}

/** A reader of events that are commits, or parts of them: `eventOf` says what a commit is to the subscriber. */
export function commitEvents<Event>(feed: CommitFeed, from: Position, eventOf: (commit: Commit) => Event | undefined): Reader<Event> {
  const commits = new CommitReader(feed, from.row === END ? from.snapshotId : from.snapshotId - 1);
  return {
    get position() {
      return after(commits.last);
    },
    next: async () => {
      for (;;) {
        const { erasures } = feed;
        const commit = await commits.next();
        if (commit === undefined) return undefined;
        const event = eventOf(commit);
        if (event !== undefined) return { event, position: after(commit.snapshotId), headSnapshotId: feed.headSnapshotId, erasures };
      }
    },
  };
}
