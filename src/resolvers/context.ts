/** What every resolver gets. */
import type { Engine } from '../engine/index.ts';
import type { CommitFeed } from '../pubsub/index.ts';
import type { TableTypes } from './table-types.ts';

export interface Context {
  readonly engine: Engine;
  readonly feed: CommitFeed;
  /** The tables that the operation's schema was built from. */
  readonly types: TableTypes;
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal | undefined;
}
