/** Subscriptions: which commits a subscriber wants, and from where on. */
import type { Operation } from '../engine/index.ts';
import { type SnapshotEvent, snapshotEvents } from '../pubsub/index.ts';
import type { Context } from './context.ts';

export interface SnapshotCommittedArguments {
  readonly tables?: readonly string[] | null | undefined;
  readonly operations?: readonly Operation[] | null | undefined;
  readonly after?: number | null | undefined;
}

/** @throws EngineError TABLE_NOT_FOUND */
export function subscribeToSnapshots(context: Context, args: SnapshotCommittedArguments): AsyncIterableIterator<SnapshotEvent> {
  const { engine, feed } = context;
  const filter = {
    tableIds: args.tables == null ? undefined : new Set(args.tables.map((name) => engine.table(name).id)),
    operations: args.operations == null ? undefined : new Set(args.operations),
  };
  return snapshotEvents(feed, filter, args.after ?? engine.headSnapshotId);
}
