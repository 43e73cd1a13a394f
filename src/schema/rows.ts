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
        'The snapshot that the page was read at: row changes after it are those that the page lacks. It stays with the page in a cache, where the view it stands in is shared.',
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
      as: t.string({ description: 'Its name in the answer; function_column where not given.' }),
      function: t.field({ type: shared.aggregateFunction, required: true, description: 'What to compute.' }),
      column: t.string({ description: 'Over which column; none for COUNT of rows.' }),
    }),
  });
  refs.tableView.implement({
    description: "One table at one instant, typed at run time: rows as JSON objects with the columns' own names.",
    interfaces: [node],
    fields: (t) => ({
      id: t.id({
        ...marked({ tellsPlace: true }),
        description: 'The global id: one and the same for the present of a table; at a named instant that of the table and its snapshot.',
        resolve: ({ at, isPresent }, _args, { session }) =>
          tableViewId(at.tableId, { isPresent, snapshotId: at.snapshotId }, session.incarnation),
      }),
      table: t.field({ type: refs.table, description: 'The table.', resolve: ({ at }) => at.table }),
      snapshotId: t.field({
        ...marked({ tellsPlace: true }),
        type: 'SafeInt',
        description: 'The catalog snapshot read at.',
        resolve: ({ at }) => at.snapshotId,
      }),
      snapshot: t.field({
        type: refs.snapshot,
        nullable: true,
        description: "The table's last change at or before the instant; null before its first append.",
        resolve: ({ at }) => (at.snapshot.operation === 'CREATE' ? null : at.snapshot),
      }),
      columns: t.field({ type: [shared.column], description: 'The columns as of then.', resolve: ({ at }) => [...at.schema.columns] }),
      rows: t.field({
        type: rows,
        description:
          'Rows, a page at a time, in insertion order where no orderBy is given. A cursor pins the snapshot, so pages never shift.',
        args: {
          where: t.arg({ type: filter, description: 'Only rows that match.' }),
          orderBy: t.arg({ type: [orderBy], description: 'First by the first, then by the next; ties by insertion.' }),
          columns: t.arg.stringList({ description: 'Names of the columns to read; all where not given.' }),
          ...pageArguments(t.arg),
        },
        resolve: (view, args, context) => viewRows(context, view, args as Parameters<typeof viewRows>[2]),
      }),
      aggregate: t.field({
        type: groups,
        description:
          'Computed values, one JSON object a group, the largest group first and equal ones by key; one object where there is no groupBy. A cursor pins the snapshot.',
        args: {
          where: t.arg({ type: filter, description: 'Over rows that match.' }),
          groupBy: t.arg.stringList({ description: 'Names of the columns to group by.' }),
          functions: t.arg({ type: [aggregateInput], required: true, description: 'What to compute.' }),
          ...groupPageArguments(t.arg),
        },
        resolve: (view, args, context) => viewAggregate(context, view, args),
      }),
      rowCount: t.field({
        type: 'SafeInt',
        description: 'How many rows; from the catalog, without reading any.',
        resolve: ({ at }) => at.snapshot.totalRows,
      }),
      files: t.field({
        type: files,
        description: 'The files and hot rows that hold the rows.',
        args: pageArguments(t.arg),
        resolve: ({ at }, args, context) => manifestOf(context, at, args),
      }),
    }),
  });
}
