/** The context that every resolver gets. */
import type { Budget, Session, SnapshotId } from '../engine/index.ts';
import type { CommitFeed } from '../pubsub/index.ts';
import type { TableTypes } from './table-types.ts';

export interface Context {
  /** What the principal of the request may do, and all that a resolver can do. */
  readonly session: Session;
  readonly feed: CommitFeed;
  /** The tables that the operation's schema was built from. */
  readonly types: TableTypes;
  /** What may surprise about a table in the typed API as it is now. */
  readonly notices: (tableId: number) => Promise<readonly string[]>;
  /** Keeps a snapshot from expiring until the operation has ended. */
  readonly hold: (snapshotId: SnapshotId) => void;
  /** What lets the held snapshots go; undefined while nothing is executed. */
  readonly holding: { releases: (() => void)[] | undefined };
  /** How long the client waits, and what its answer may take. The signal is made when it is first asked for: a commit never asks. */
  readonly lifetime: { readonly signal: AbortSignal | undefined; readonly budget: Budget };
  /** Where a subscriber goes on, whatever `after` says: the Last-Event-ID of an event stream that was cut. */
  readonly resumeAfter?: string | undefined;
}
