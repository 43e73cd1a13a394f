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
        description: 'The global id. At the present it is always the same; at a named instant it names the snapshot.',
        resolve: (view, _args, { session }) => viewId(view, session.incarnation),
      }),
      snapshotId: t.field({
        ...marked({ tellsPlace: true }),
        type: 'SafeInt',
        description: 'The newest commit of this read; 0 before the first commit.',
        resolve: (view) => view.snapshotId,
      }),
      timestamp: t.field({
        ...marked({ tellsPlace: true }),
        type: 'DateTime',
        nullable: true,
        description: 'When that commit was made; null before the first commit.',
        resolve: (view) => (view.timestampMs === null ? null : milliseconds(view.timestampMs)),
      }),
      table: t.field({
        ...marked({ readsTableNamedBy: 'name' }),
        type: refs.tableView,
        nullable: true,
        description:
          'One table through the generic API. Null if it did not exist at this instant; TABLE_NOT_FOUND if no table ever had the name.',
        args: { name: t.arg.string({ required: true, description: "The table's name." }) },
        resolve: (view, args, context) => tableInView(context, view, args.name),
      }),
    }),
  });
}
