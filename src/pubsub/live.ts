/** The source behind live queries: the newest instant, whenever a commit has touched one of the tables that are asked for. */
import type { Commit, Instant, Session, TableId } from '../engine/index.ts';
import type { CommitFeed } from './feed.ts';
import { iterate } from './iterate.ts';
import { after, type Position } from './position.ts';
import { CommitReader, type Reader, type Source, type Step } from './source.ts';

/** Tables by identity and by name; all of them where `isEvery`. */
export interface WatchedTables {
  readonly ids: ReadonlySet<TableId>;
  readonly names: ReadonlySet<string>;
  readonly isEvery: boolean;
}

/** Before every commit: a reader from here is answered at once. */
export const BEFORE_ALL: Position = { snapshotId: -1, row: 0 };

export function liveSource(session: Session, feed: CommitFeed, watched: WatchedTables): Source<Instant> {
  const shows = (tableId: TableId): boolean =>
    watched.isEvery || watched.ids.has(tableId) || watched.names.has(session.tableById(tableId)?.name ?? '');
  const touches = (commit: Commit): boolean =>
    watched.isEvery || commit.expired !== undefined || commit.snapshots.some(({ tableId }) => shows(tableId));
  const source: Source<Instant> = {
    kind: 'live',
    about: [...watched.ids].join(),
    start: BEFORE_ALL,
    isLatestOnly: true,
    shows,
    reader: (position) => new LiveReader(session, feed, touches, position),
    [Symbol.asyncIterator]: () => iterate(feed, source),
  };
  return source;
}

class LiveReader implements Reader<Instant> {
  readonly #session: Session;
  readonly #feed: CommitFeed;
  readonly #touches: (commit: Commit) => boolean;
  #position: Position;

  constructor(session: Session, feed: CommitFeed, touches: (commit: Commit) => boolean, position: Position) {
    this.#session = session;
    this.#feed = feed;
    this.#touches = touches;
    this.#position = position;
  }

  get position(): Position {
    return this.#position;
  }

  /** Passes over what came since; an answer is asked for once, however many commits there were. */
  async next(): Promise<Step<Instant> | undefined> {
    if (this.#position.snapshotId >= 0 && !(await this.#touched())) return undefined;
    const { erasures } = this.#feed;
    const event = await this.#session.resolve({ kind: 'newest' });
    this.#position = after(event.snapshotId);
    return { event, position: this.#position, headSnapshotId: event.snapshotId, erasures };
  }

  async #touched(): Promise<boolean> {
    const commits = new CommitReader(this.#feed, this.#position.snapshotId);
    for (;;) {
      const commit = await commits.next();
      if (commit === undefined) return false;
      this.#position = after(commit.snapshotId);
      if (this.#touches(commit)) return true;
    }
  }
}
