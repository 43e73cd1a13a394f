/** Live events: the fields of Subscription that do not depend on any table. */
import type { Instant } from '../engine/index.ts';
import type { ChangesEvent, SnapshotEvent } from '../pubsub/index.ts';
import { subscribeToLive } from '../resolvers/live.ts';
import { marked } from '../resolvers/marks.ts';
import { eventCursor, genericEventChanges, liveView, subscribeToChanges, subscribeToSnapshots } from '../resolvers/subscriptions.ts';
import type { Builder } from './builder.ts';
import type { addGenericFilter } from './conditions.ts';
import type { RowChanges } from './diff.ts';
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
      'Live events, over WebSocket (graphql-transport-ws) or as an event stream (graphql-sse). Subscriptions with the same document and variables share one execution.',
    fields: (t) => ({
      snapshotCommitted: t.field({
        type: committed,
        nullable: true,
        description:
          'Every commit that changes the tables, in order, without gaps, one event for each commit. With `after`, first the commits after it, then new ones. Without it, from now on.',
        args: {
          tables: t.arg.stringList({
            description:
              'Only commits that change at least one of these tables, by name; also of a table that gets the name later. By default all commits.',
          }),
          operations: t.arg({ type: [shared.operation], description: 'Only these operations; by default all.' }),
          after: t.arg({
            type: 'SafeInt',
            description: 'The last snapshotId that you saw; 0 for all of history. An id past the newest commit is SNAPSHOT_NOT_FOUND.',
          }),
        },
        subscribe: (_root, args, context) => subscribeToSnapshots(context, args),
        resolve: (at: SnapshotEvent) => at,
      }),
      changes: t.field({
        type: changed,
        nullable: true,
        description:
          'Row changes of the table that has the name now, in commit order, without gaps; a large commit comes in several events. With `where`, events are relative to the filter: a row that starts to match is reported as INSERT, a row that stops matching as DELETE.',
        args: {
          table: t.arg.string({ required: true, description: "The table's name." }),
          where: t.arg({ type: generic.filter, description: 'Only rows that match.' }),
          after: t.arg.string({
            description:
              "The cursor of the last event that you saw, or a snapshotId in decimal; '0' for all of history. Without it, from now on.",
          }),
        },
        subscribe: (_root, args, context) => subscribeToChanges(context, args as Parameters<typeof subscribeToChanges>[1]),
        resolve: (at: ChangesEvent) => at,
      }),
      live: t.field({
        type: objects.view,
        nullable: true,
        description:
          'A live query: the answer of Query.asOf at the present, at once, and again after each commit that changes the answer. All tables are read at one snapshot. Commits that come close together are answered together.',
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
        description: "The commit's id. To resume, pass the last one that you saw as `after`.",
        resolve: (at) => at.commit.snapshotId,
      }),
      incarnation: t.string({
        description:
          'The incarnation of the database: another text after each restore from a backup. If it differs from the event before, commits that you saw are gone, and the same snapshotId may name another commit. Then read everything again.',
        resolve: (_at, _args, { session }) => session.incarnation,
      }),
      commit: t.field({ type: objects.commit, description: 'The commit.', resolve: (at) => at.commit }),
      snapshots: t.field({
        type: [objects.snapshot],
        description: 'Its snapshots that match.',
        resolve: (at) => [...at.snapshots],
      }),
      caughtUp: t.boolean({
        ...marked({ tellsHead: true }),
        description: 'Whether this was the newest commit when the event was made.',
        resolve: (at) => at.caughtUp,
      }),
      headSnapshotId: t.field({
        ...marked({ tellsHead: true }),
        type: 'SafeInt',
        description: 'The newest commit when the event was made.',
        resolve: (at) => at.headSnapshotId,
      }),
    }),
  });
}

/** What events of row changes have in both APIs. */
export const CHANGES_EVENT_TEXT = {
  snapshotId: 'The commit that made the changes.',
  cursor:
    'The position after this event. To resume, pass the last one that you saw as `after`; this also works within a large commit. After a restore from a backup it is CURSOR_INVALID.',
  changes: 'The changes, by row, at most 1,000. Empty if rows were erased: then read the table again.',
  endOfCommit: 'Whether the commit has no more changes that match after this event.',
  caughtUp: 'Whether this is the end of the commit that was the newest when the event was made.',
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
      caughtUp: t.boolean({ ...marked({ tellsHead: true }), description: text.caughtUp, resolve: (at) => at.caughtUp }),
      headSnapshotId: t.field({
        ...marked({ tellsHead: true }),
        type: 'SafeInt',
        description: text.headSnapshotId,
        resolve: (at) => at.headSnapshotId,
      }),
    }),
  });
}
