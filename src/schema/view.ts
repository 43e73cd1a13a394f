/** `CatalogView`: the whole catalog at one instant. */
import { marked } from '../resolvers/marks.ts';
import { viewId } from '../resolvers/present.ts';
import { tableInView } from '../resolvers/table-view.ts';
import { milliseconds } from './milliseconds.ts';
import type { NodeRef } from './node.ts';
import type { Refs } from './refs.ts';

export function addCatalogView(node: NodeRef, refs: Refs): void {
  refs.view.implement({
    description: 'The whole catalog at one instant: every table that existed then is a field.',
    interfaces: [node],
    fields: (t) => ({
      id: t.id({
        ...marked({ tellsPlace: true }),
        description: 'The global id: one and the same for the present, however often it is read; at a named instant that of its snapshot.',
        resolve: (view, _args, { session }) => viewId(view, session.incarnation),
      }),
      snapshotId: t.field({
        ...marked({ tellsPlace: true }),
        type: 'SafeInt',
        description: 'The commit read at; 0 where nothing was committed yet.',
        resolve: (view) => view.snapshotId,
      }),
      timestamp: t.field({
        ...marked({ tellsPlace: true }),
        type: 'DateTime',
        nullable: true,
        description: 'When that commit was made; null where nothing was committed yet.',
        resolve: (view) => (view.timestampMs === null ? null : milliseconds(view.timestampMs)),
      }),
      table: t.field({
        ...marked({ readsTableNamedBy: 'name' }),
        type: refs.tableView,
        nullable: true,
        description:
          'One table, typed at run time. Null where it did not exist at this instant; TABLE_NOT_FOUND where no table ever had the name.',
        args: { name: t.arg.string({ required: true, description: "The table's name." }) },
        resolve: (view, args, context) => tableInView(context, view, args.name),
      }),
    }),
  });
}
