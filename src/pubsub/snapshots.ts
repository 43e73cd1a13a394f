/** The source behind snapshotCommitted: every commit after a snapshot that matches, in order, once, one event a commit. */
import type { Commit, Operation, Snapshot, SnapshotId, TableId } from '../engine/index.ts';
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
  /** All tables where absent. */
  readonly tableIds?: ReadonlySet<TableId> | undefined;
  /** All operations where absent. */
  readonly operations?: ReadonlySet<Operation> | undefined;
}

/** Commits after `from`, which may lie in the future: then a subscriber waits. */
export function snapshotSource(feed: CommitFeed, filter: SnapshotFilter, from: number): Source<SnapshotEvent> {
  const source: Source<SnapshotEvent> = {
    kind: 'snapshotCommitted',
    start: after(from),
    isLatestOnly: false,
    reader: (position: Position) => commitEvents(feed, position, (commit) => matching(feed, filter, commit)),
    [Symbol.asyncIterator]: () => iterate(feed, source),
  };
  return source;
}

function matching(feed: CommitFeed, { tableIds, operations }: SnapshotFilter, commit: Commit): SnapshotEvent | undefined {
  const snapshots = commit.snapshots.filter(
    (snapshot) =>
      (tableIds === undefined || tableIds.has(snapshot.tableId)) && (operations === undefined || operations.has(snapshot.operation)),
  );
  if (snapshots.length === 0) return undefined;
  const { headSnapshotId } = feed;
  return { commit, snapshots, caughtUp: commit.snapshotId === headSnapshotId, headSnapshotId };
}
