/** The source behind snapshotCommitted: every commit after a snapshot that matches, in order, once, one event a commit. */
import type { Commit, Engine, Operation, Snapshot, SnapshotId } from '../engine/index.ts';
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

/** Commits after `from`, which may lie in the future: then a subscriber waits. */
export function snapshotSource(engine: Engine, feed: CommitFeed, filter: SnapshotFilter, from: number): Source<SnapshotEvent> {
  const { tables, operations } = filter;
  const isMeant = ({ tableId, operation }: Snapshot): boolean =>
    (tables === undefined || tables.has(engine.tableById(tableId)?.name ?? '')) && (operations === undefined || operations.has(operation));
  const source: Source<SnapshotEvent> = {
    kind: 'snapshotCommitted',
    about: '',
    start: after(from),
    isLatestOnly: false,
    reader: (position: Position) => commitEvents(feed, position, (commit) => eventOf(feed, commit, commit.snapshots.filter(isMeant))),
    [Symbol.asyncIterator]: () => iterate(feed, source),
  };
  return source;
}

function eventOf(feed: CommitFeed, commit: Commit, snapshots: readonly Snapshot[]): SnapshotEvent | undefined {
  if (snapshots.length === 0) return undefined;
  const { headSnapshotId } = feed;
  return { commit, snapshots, caughtUp: commit.snapshotId === headSnapshotId, headSnapshotId };
}
