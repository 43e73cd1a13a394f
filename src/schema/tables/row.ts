/** `OrdersRow`, its connection, `OrdersColumn`, filter and order: the reading types of one table. */
import type { Edge } from '../../resolvers/connections.ts';
import { typedGroups } from '../../resolvers/groups.ts';
import { marked } from '../../resolvers/marks.ts';
import {
  chargeCell,
  isMade,
  type RowConnection,
  type RowModel,
  requiredValue,
  rowIdentity,
  rowNodeId,
  rowValue,
  typedAggregate,
} from '../../resolvers/rows.ts';
import type { TypedTable } from '../../resolvers/table-types.ts';
import { groupPageArguments } from '../arguments.ts';
import type { Builder } from '../builder.ts';
import { type Conditions, FROM_SNAPSHOT_ID_FILTER_TEXT, ROW_ID_FILTER_TEXT } from '../conditions.ts';
import type { NodeRef } from '../node.ts';
import { SCALAR_OF } from '../scalars.ts';
import type { Shared } from '../static.ts';
import { addAggregate } from './aggregate.ts';
import { describeColumn } from './describe.ts';
import { mayBeNull } from './nullable.ts';

export type RowTypes = ReturnType<typeof addRowTypes>;

export function addRowTypes(builder: Builder, shared: Shared, conditions: Conditions, node: NodeRef, typed: TypedTable) {
  const { table, prefix } = typed;
  const { columns } = table.schema;
  const row = builder.objectRef<RowModel>(`${prefix}Row`).implement({
    description: `One version of one row of ${table.name}.${table.description === null ? '' : ` ${table.description}`}`,
    interfaces: [node],
    fields: (t) => ({
      id: t.id({
        description:
          'The global id. Read at the present, it names the row and stays the same over all updates. Read at a named instant, in diffs and in row changes, it names this version, whose content never changes.',
        resolve: (at, _args, { session }) => rowNodeId(at, session.incarnation),
      }),
      _rowId: t.id({ description: "The row's identity, the same over all its versions.", resolve: rowIdentity }),
      _fromSnapshotId: t.field({
        type: 'SafeInt',
        description: 'The snapshot that created this version, not the snapshot of the read.',
        resolve: ({ row: at }) => at.fromSnapshotId,
      }),
      ...Object.fromEntries(
        columns.map((column) => {
          const nullable = mayBeNull(table, column);
          const valueIn = nullable ? rowValue : requiredValue;
          return [
            column.graphqlName,
            t.field({
              type: SCALAR_OF[column.type],
              nullable,
              description: describeColumn(column),
              resolve: isMade(column)
                ? (at, _, context) => {
                    chargeCell(context, at, column);
                    return valueIn(at, column);
                  }
                : (at) => valueIn(at, column) as never,
            }),
          ];
        }),
      ),
    }),
  });
  const { aggregate, groups } = addAggregate(builder, shared, typed);
  const edge = builder.objectRef<Edge<RowModel>>(`${prefix}RowEdge`).implement({
    description: `A row of ${table.name}, with its cursor.`,
    fields: (t) => ({
      cursor: t.string({
        ...marked({ tellsPlace: true }),
        description: 'Marks the place of this row, and keeps the snapshot.',
        resolve: (at) => at.cursor(),
      }),
      node: t.field({ type: row, description: 'The row.', resolve: (at) => at.node }),
    }),
  });
  const connection = builder.objectRef<RowConnection<RowModel>>(`${prefix}RowConnection`).implement({
    description: `A page of rows of ${table.name}. totalCount, aggregate and groupBy cover all rows that match, not only the page.`,
    fields: (t) => ({
      nodes: t.field({ type: [row], description: 'The rows of the page.', resolve: (page) => page.nodes() }),
      edges: t.field({ type: [edge], description: 'The rows with their cursors.', resolve: (page) => page.edges() }),
      pageInfo: t.field({ type: shared.pageInfo, description: 'Where the page lies.', resolve: (page) => page.pageInfo() }),
      snapshotId: t.field({
        ...marked({ tellsPlace: true }),
        type: 'SafeInt',
        description:
          'The snapshot of the page. Subscribe to row changes after it to get everything that the page does not have. In a cache it stays with the page, while the view around the page is shared.',
        resolve: (page) => page.at.snapshotId,
      }),
      totalCount: t.field({ type: 'SafeInt', description: 'The number of all rows that match.', resolve: (page) => page.totalCount() }),
      aggregate: t.field({
        type: aggregate,
        description: 'Computed over all rows that match.',
        resolve: (page, _args, context, info) => typedAggregate(context, typed, page, info),
      }),
      ...(groups === undefined
        ? {}
        : {
            groupBy: t.field({
              type: groups.connection,
              description:
                'All rows that match, grouped. The largest group comes first, groups of the same size are in the order of their key. A cursor keeps the snapshot.',
              args: {
                columns: t.arg({ type: [groups.columns], required: true, description: 'The columns of the key.' }),
                ...groupPageArguments(t.arg),
              },
              resolve: (page, args, context, info) => typedGroups(context, typed, page, args as Parameters<typeof typedGroups>[3], info),
            }),
          }),
    }),
  });
  const filter = builder.inputRef<Readonly<Record<string, unknown>>>(`${prefix}Filter`);
  filter.implement({
    ...marked({ narrows: 'filter' }),
    description: `Which rows of ${table.name}. Sibling keys are combined with AND. An empty filter matches every row.`,
    fields: (t) => ({
      and: t.field({ type: [filter], description: 'All of these filters must match. An empty list matches every row.' }),
      or: t.field({ type: [filter], description: 'At least one of these filters must match. An empty list matches no row.' }),
      not: t.field({ type: filter, description: 'Matches exactly the rows that this filter does not match, nulls included.' }),
      _rowId: t.field({ type: conditions.rowId, description: ROW_ID_FILTER_TEXT }),
      _fromSnapshotId: t.field({ type: conditions.fromSnapshotId, description: FROM_SNAPSHOT_ID_FILTER_TEXT }),
      ...Object.fromEntries(
        columns.map((column) => [column.graphqlName, t.field({ type: conditions.of(column.type), description: describeColumn(column) })]),
      ),
    }),
  });
  const ordered = columns.filter((column) => column.type !== 'JSON');
  const orderBy =
    ordered.length === 0
      ? undefined
      : builder.inputType(`${prefix}OrderBy`, {
          isOneOf: true,
          description: 'Exactly one column, and its direction.',
          fields: (t) =>
            Object.fromEntries(
              ordered.map((column) => [column.graphqlName, t.field({ type: shared.direction, description: describeColumn(column) })]),
            ),
        });
  return { row, connection, filter, orderBy, columnNames: groups?.columns };
}
