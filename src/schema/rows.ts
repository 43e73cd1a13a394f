/** `TableView`: the rows of one table at one instant, typed at run time. */
import { viewAggregate } from '../resolvers/groups.ts';
import { marked } from '../resolvers/marks.ts';
import { tableViewId } from '../resolvers/present.ts';
import type { RowConnection } from '../resolvers/rows.ts';
import { manifestOf, viewRows } from '../resolvers/table-view.ts';
import { groupPageArguments, pageArguments } from './arguments.ts';
import type { Builder } from './builder.ts';
import type { addGenericFilter } from './conditions.ts';
import { addConnection } from './connection.ts';
import type { Files } from './data-files.ts';
import type { NodeRef } from './node.ts';
import type { Refs } from './refs.ts';
import type { Shared } from './static.ts';

type Generic = ReturnType<typeof addGenericFilter>;
type JsonObject = Readonly<Record<string, unknown>>;

export function addTableView(
  builder: Builder,
  shared: Shared,
  { filter, orderBy }: Generic,
  node: NodeRef,
  refs: Refs,
  files: Files,
): void {
  const rows = addConnection<JsonObject>(builder, shared, 'Row', 'JSON', 'rows as JSON objects');
  builder.objectField(rows, 'snapshotId', (t) =>
    t.field({
      ...marked({ tellsPlace: true }),
      type: 'SafeInt',
      description:
        'The snapshot of the page. Subscribe to row changes after it to get everything that the page does not have. In a cache it stays with the page, while the view around the page is shared.',
      resolve: (page) => (page as RowConnection<JsonObject>).at.snapshotId,
    }),
  );
  const groups = addConnection<JsonObject>(
    builder,
    shared,
    'JSON',
    'JSON',
    'computed values, one JSON object a group, the largest group first',
  );
  const aggregateInput = builder.inputType('AggregateInput', {
    description: 'One value to compute.',
    fields: (t) => ({
      as: t.string({ description: 'Its name in the answer; by default function_column.' }),
      function: t.field({ type: shared.aggregateFunction, required: true, description: 'What to compute.' }),
      column: t.string({ description: 'The column; leave it out to COUNT rows.' }),
    }),
  });
  refs.tableView.implement({
    description: "One table at one instant through the generic API: rows as JSON objects with the columns' own names.",
    interfaces: [node],
    fields: (t) => ({
      id: t.id({
        ...marked({ tellsPlace: true }),
        description:
          'The global id. At the present it is always the same for a table; at a named instant it names the table and the snapshot.',
        resolve: ({ at, isPresent }, _args, { session }) =>
          tableViewId(at.tableId, { isPresent, snapshotId: at.snapshotId }, session.incarnation),
      }),
      table: t.field({ type: refs.table, description: 'The table.', resolve: ({ at }) => at.table }),
      snapshotId: t.field({
        ...marked({ tellsPlace: true }),
        type: 'SafeInt',
        description: 'The catalog snapshot of this read.',
        resolve: ({ at }) => at.snapshotId,
      }),
      snapshot: t.field({
        type: refs.snapshot,
        nullable: true,
        description: "The table's last change at or before the instant; null before its first append.",
        resolve: ({ at }) => (at.snapshot.operation === 'CREATE' ? null : at.snapshot),
      }),
      columns: t.field({ type: [shared.column], description: 'The columns at this instant.', resolve: ({ at }) => [...at.schema.columns] }),
      rows: t.field({
        type: rows,
        description:
          'Rows, a page at a time. Without orderBy they are in the order of insertion. A cursor keeps the snapshot, so pages never shift.',
        args: {
          where: t.arg({ type: filter, description: 'Only rows that match.' }),
          orderBy: t.arg({
            type: [orderBy],
            description: 'The first item of the list counts first, then the next. Ties are in the order of insertion.',
          }),
          columns: t.arg.stringList({ description: 'Names of the columns to read; by default all.' }),
          ...pageArguments(t.arg),
        },
        resolve: (view, args, context) => viewRows(context, view, args as Parameters<typeof viewRows>[2]),
      }),
      aggregate: t.field({
        type: groups,
        description:
          'Computed values, one JSON object for each group. The largest group comes first, groups of the same size are in the order of their key. Without groupBy there is one object. A cursor keeps the snapshot.',
        args: {
          where: t.arg({ type: filter, description: 'Only over rows that match.' }),
          groupBy: t.arg.stringList({ description: 'Names of the columns to group by.' }),
          functions: t.arg({ type: [aggregateInput], required: true, description: 'What to compute.' }),
          ...groupPageArguments(t.arg),
        },
        resolve: (view, args, context) => viewAggregate(context, view, args),
      }),
      rowCount: t.field({
        type: 'SafeInt',
        description: 'The number of rows. It comes from the catalog; no row is read.',
        resolve: ({ at }) => at.snapshot.totalRows,
      }),
      files: t.field({
        type: files,
        description: 'The data files and hot rows that hold the rows.',
        args: pageArguments(t.arg),
        resolve: ({ at }, args, context) => manifestOf(context, at, args),
      }),
    }),
  });
}
