/** The source behind snapshotCommitted: every commit after a snapshot that matches, in order, once, one event a commit. */
import type { Commit, Operation, Session, Snapshot, SnapshotId, Table } from '../engine/index.ts';
import { expiredAfter } from './expired.ts';
import type { CommitFeed } from './feed.ts';
import { iterate } from './iterate.ts';
import { after, type Position } from './position.ts';
import { commitEvents, type Source } from './source.ts';

/** One commit, with those of its snapshots that match. */
export interface SnapshotEvent {
  readonly commit: Commit;
  readonly snapshots: readonly Snapshot[];
  /** Whether this was the newest commit when the event was made. */
  readonly caughtUp: boolean;
  readonly headSnapshotId: SnapshotId;
}

export interface SnapshotFilter {
  /** All tables where absent; also those that come to have one of the names, or had it. */
  readonly tables?: ReadonlySet<string> | undefined;
  /** All operations where absent. */
  readonly operations?: ReadonlySet<Operation> | undefined;
}

/** Commits after `from`, which may lie in the future: then a subscriber waits. Reading raises SNAPSHOT_EXPIRED. */
export function snapshotSource(session: Session, feed: CommitFeed, filter: SnapshotFilter, from: number): Source<SnapshotEvent> {
  const { tables, operations } = filter;
  const isMeant = ({ tableId, operation }: Snapshot): boolean =>
    (tables === undefined || tables.has(session.tableById(tableId)?.name ?? '')) && (operations === undefined || operations.has(operation));
  const eventOf = (commit: Commit): SnapshotEvent | undefined => {
    // It lay in the log when the subscriber began; expiry came first.
    const gone = commit.expired
      ?.map((tableId) => session.tableById(tableId) as Table)
      .find(({ name }) => tables === undefined || tables.has(name));
    if (gone !== undefined) throw expiredAfter(gone, after(commit.snapshotId - 1));
    const snapshots = commit.snapshots.filter(isMeant);
    if (snapshots.length === 0) return undefined;
    const { headSnapshotId } = feed;
    return { commit, snapshots, caughtUp: commit.snapshotId === headSnapshotId, headSnapshotId };
  };
  const source: Source<SnapshotEvent> = {
    kind: 'snapshotCommitted',
    about: '',
    start: after(from),
    isLatestOnly: false,
    shows: () => true,
    reader: (position: Position) => commitEvents(feed, position, eventOf),
    [Symbol.asyncIterator]: () => iterate(feed, source),
  };
  return source;
}
