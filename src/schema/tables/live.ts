/** `ordersChanges`: the row changes of one table, typed, live. */
import { changesField } from '../../engine/index.ts';
import type { ChangesEvent } from '../../pubsub/index.ts';
import { marked } from '../../resolvers/marks.ts';
import { eventCursor, subscribeToTypedChanges, typedEventChanges } from '../../resolvers/subscriptions.ts';
import type { TypedTable } from '../../resolvers/table-types.ts';
import type { Builder } from '../builder.ts';
import { CHANGES_EVENT_TEXT } from '../live.ts';
import type { addDiffFields } from './diff.ts';
import type { RowTypes } from './row.ts';

export function addChangesField(builder: Builder, typed: TypedTable, { filter }: RowTypes, change: ChangeRef): void {
  const { table, prefix } = typed;
  const text = CHANGES_EVENT_TEXT;
  const event = builder.objectRef<ChangesEvent>(`${prefix}ChangeEvent`).implement({
    description: `What one commit, or a part of a large one, did to the rows of ${table.name}.`,
    fields: (t) => ({
      snapshotId: t.field({ type: 'SafeInt', description: text.snapshotId, resolve: (at) => at.snapshotId }),
      cursor: t.string({ description: text.cursor, resolve: (at, _args, context) => eventCursor(at, context) }),
      changes: t.field({ type: [change], description: text.changes, resolve: (at) => typedEventChanges(typed, at) }),
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
  builder.subscriptionFields((t) => ({
    [changesField(table.graphqlName)]: t.field({
      type: event,
      nullable: true,
      description: `Row changes of ${table.name}, in commit order, without gaps; a large commit comes in several events. With \`where\`, events are relative to the filter: a row that starts to match is reported as INSERT, a row that stops matching as DELETE.`,
      args: {
        where: t.arg({ type: filter, description: 'Only rows that match.' }),
        after: t.arg.string({
          description:
            "The cursor of the last event that you saw, or a snapshotId in decimal; '0' for all of history. Without it, from now on.",
        }),
      },
      subscribe: (_root, args, context) => subscribeToTypedChanges(context, typed, args as Parameters<typeof subscribeToTypedChanges>[2]),
      resolve: (at: ChangesEvent) => at,
    }),
  }));
}

/** The type of one change, which diffs of the table have too. */
type ChangeRef = ReturnType<typeof addDiffFields>;
