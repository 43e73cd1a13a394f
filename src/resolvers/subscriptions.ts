/** Subscriptions: which commits a subscriber wants, and from where on. */
import { EngineError, type Operation } from '../engine/index.ts';
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
  if (args.after != null && args.after < 0)
    throw new EngineError('BAD_USER_INPUT', `after: ${args.after} is not a snapshotId`, {
      hint: 'Pass the last snapshotId that was seen, or 0.',
    });
  const filter = {
    tableIds: args.tables == null ? undefined : new Set(args.tables.map((name) => engine.table(name).id)),
    operations: args.operations == null ? undefined : new Set(args.operations),
  };
  return snapshotEvents(feed, filter, args.after ?? engine.headSnapshotId);
}
