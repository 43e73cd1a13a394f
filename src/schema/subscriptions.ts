/** What happens, live: the fields of Subscription that do not depend on any table. */
import type { Instant } from '../engine/index.ts';
import type { ChangesEvent, SnapshotEvent } from '../pubsub/index.ts';
import { subscribeToLive } from '../resolvers/live.ts';
import { eventCursor, genericEventChanges, liveView, subscribeToChanges, subscribeToSnapshots } from '../resolvers/subscriptions.ts';
import type { Builder } from './builder.ts';
import type { addGenericFilter } from './conditions.ts';
import type { RowChanges } from './diffs.ts';
import type { Objects } from './objects.ts';
import type { Shared } from './static.ts';

interface SubscriptionParts {
  readonly shared: Shared;
  readonly objects: Objects;
  readonly generic: ReturnType<typeof addGenericFilter>;
  readonly rowChanges: RowChanges;
}

export function addSubscription(builder: Builder, parts: SubscriptionParts): void {
  const { shared, objects, generic } = parts;
  const committed = snapshotEvent(builder, parts);
  const changed = rowChangeEvent(builder, parts);
  builder.subscriptionType({
    description:
      'What happens, live, over WebSocket (graphql-transport-ws) or as an event stream (graphql-sse). Subscribers of the same document and variables share one execution.',
    fields: (t) => ({
      snapshotCommitted: t.field({
        type: committed,
        nullable: true,
        description:
          'Every commit that touches the tables, in order, none lost, one event a commit. `after` resumes: what came since, then live. Without it: from now.',
        args: {
          tables: t.arg.stringList({
            description: 'Only commits that touch any of these tables, by name: also one that comes to have it. All where not given.',
          }),
          operations: t.arg({ type: [shared.operation], description: 'Only these operations; all where not given.' }),
          after: t.arg({
            type: 'SafeInt',
            description: 'The last snapshotId that was seen; 0 for all of history. One past the newest is SNAPSHOT_NOT_FOUND.',
          }),
        },
        subscribe: (_root, args, context) => subscribeToSnapshots(context, args),
        resolve: (at: SnapshotEvent) => at,
      }),
      changes: t.field({
        type: changed,
        nullable: true,
        description:
          'Row changes of the table that has the name now, in commit order, none lost; a large commit comes in several events. With `where`, what somebody sees who knows only rows that match: one that comes to match is an INSERT, one that no longer does a DELETE.',
        args: {
          table: t.arg.string({ required: true, description: "The table's name." }),
          where: t.arg({ type: generic.filter, description: 'Only rows that match.' }),
          after: t.arg.string({
            description:
              "The cursor of the last event that was seen, or a snapshotId in decimal; '0' for all of history. Without it: from now.",
          }),
        },
        subscribe: (_root, args, context) => subscribeToChanges(context, args as Parameters<typeof subscribeToChanges>[1]),
        resolve: (at: ChangesEvent) => at,
      }),
      live: t.field({
        type: objects.view,
        nullable: true,
        description:
          'A live query: what Query.asOf answers now, at once, and again after each commit that changes the answer, all tables at one snapshot. Commits that come close together are answered together.',
        subscribe: (_root, _args, context, info) => subscribeToLive(context, info),
        resolve: (at: Instant, _args, context) => liveView(context, at),
      }),
    }),
  });
}

function snapshotEvent(builder: Builder, { objects }: SubscriptionParts) {
  return builder.objectRef<SnapshotEvent>('SnapshotEvent').implement({
    description: 'One commit.',
    fields: (t) => ({
      snapshotId: t.field({
        type: 'SafeInt',
        description: "The commit's id. Pass the last one seen as `after` to resume exactly.",
        resolve: (at) => at.commit.snapshotId,
      }),
      incarnation: t.string({
        description:
          'Which life of the database this is: another text after each restore from a backup. Where it is not the one of the event before, commits that were seen are gone, and the same snapshotId may be another commit: read everything again.',
        resolve: (_at, _args, { session }) => session.incarnation,
      }),
      commit: t.field({ type: objects.commit, description: 'The commit.', resolve: (at) => at.commit }),
      snapshots: t.field({
        type: [objects.snapshot],
        description: 'Those of its snapshots that match.',
        resolve: (at) => [...at.snapshots],
      }),
      caughtUp: t.boolean({ description: 'Whether this was the newest commit when the event was made.', resolve: (at) => at.caughtUp }),
      headSnapshotId: t.field({
        type: 'SafeInt',
        description: 'The newest commit when the event was made.',
        resolve: (at) => at.headSnapshotId,
      }),
    }),
  });
}

/** What events of row changes have in both doors. */
export const CHANGES_EVENT_TEXT = {
  snapshotId: 'The commit that made the changes.',
  cursor:
    'Where this event ends. Pass the last one seen as `after` to resume exactly, also within a large commit. After a restore from a backup it is CURSOR_INVALID.',
  changes: 'The changes, by row, at most 1,000. Empty where rows were erased: nothing is told of these, read the table again.',
  endOfCommit: 'Whether the commit has no further changes that match.',
  caughtUp: 'Whether this ends the commit that was the newest when the event was made.',
  headSnapshotId: 'The newest commit when the event was made.',
} as const;

function rowChangeEvent(builder: Builder, { rowChanges }: SubscriptionParts) {
  const text = CHANGES_EVENT_TEXT;
  return builder.objectRef<ChangesEvent>('RowChangeEvent').implement({
    description: 'What one commit, or a part of a large one, did to the rows of a table.',
    fields: (t) => ({
      snapshotId: t.field({ type: 'SafeInt', description: text.snapshotId, resolve: (at) => at.snapshotId }),
      cursor: t.string({ description: text.cursor, resolve: (at, _args, context) => eventCursor(at, context) }),
      changes: t.field({ type: [rowChanges.change], description: text.changes, resolve: genericEventChanges }),
      endOfCommit: t.boolean({ description: text.endOfCommit, resolve: (at) => at.endOfCommit }),
      caughtUp: t.boolean({ description: text.caughtUp, resolve: (at) => at.caughtUp }),
      headSnapshotId: t.field({ type: 'SafeInt', description: text.headSnapshotId, resolve: (at) => at.headSnapshotId }),
    }),
  });
}
