/** Subscriptions: which commits a subscriber wants, and from where on. */
import { EngineError, type Operation } from '../engine/index.ts';
import { type SnapshotEvent, snapshotEvents } from '../pubsub/index.ts';
import type { Context } from './context.ts';

export interface SnapshotCommittedArguments {
  readonly tables?: readonly string[] | null | undefined;
  readonly operations?: readonly Operation[] | null | undefined;
  readonly after?: number | null | undefined;
}

/** @throws EngineError TABLE_NOT_FOUND, SNAPSHOT_EXPIRED */
export function subscribeToSnapshots(context: Context, args: SnapshotCommittedArguments): AsyncIterableIterator<SnapshotEvent> {
  const { engine, feed } = context;
  if (args.after != null && args.after < 0)
    throw new EngineError('BAD_USER_INPUT', `after: ${args.after} is not a snapshotId`, {
      hint: 'Pass the last snapshotId that was seen, or 0.',
    });
  if (args.after != null) refuseExpired(context, args.tables, args.after);
  const filter = {
    tableIds: args.tables == null ? undefined : new Set(args.tables.map((name) => engine.table(name).id)),
    operations: args.operations == null ? undefined : new Set(args.operations),
  };
  return snapshotEvents(feed, filter, args.after ?? engine.headSnapshotId);
}

/** Snapshots that have expired cannot be sent any more: a subscriber that resumes before them is told. */
function refuseExpired({ engine }: Context, names: readonly string[] | null | undefined, after: number): void {
  const tables = names == null ? engine.tables(true) : names.map((name) => engine.table(name));
  const expired = tables.find(({ kept }) => kept.horizon > after + 1);
  if (expired === undefined) return;
  const { horizon, horizonMs } = expired.kept;
  throw new EngineError('SNAPSHOT_EXPIRED', `after: snapshots of table ${expired.name} up to ${horizon - 1} have expired`, {
    details: { table: expired.name, snapshotId: after, oldestSnapshotId: horizon, availableFrom: new Date(horizonMs).toISOString() },
    hint: `Read the table as of snapshot ${horizon} or later, and subscribe after that one.`,
  });
}
