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
          'The global id of what was asked for. Read at the present it is the row, the same over all its updates; read at a named instant, in diffs and in row changes it is this version, whose content never changes.',
        resolve: (at, _args, { session }) => rowNodeId(at, session.incarnation),
      }),
      _rowId: t.id({ description: "The row's identity, the same over all its versions.", resolve: rowIdentity }),
      _fromSnapshotId: t.field({
        type: 'SafeInt',
        description: 'The snapshot that brought this version, not the one read at.',
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
        description: 'Marks the place of this row, and pins the snapshot.',
        resolve: (at) => at.cursor(),
      }),
      node: t.field({ type: row, description: 'The row.', resolve: (at) => at.node }),
    }),
  });
  const connection = builder.objectRef<RowConnection<RowModel>>(`${prefix}RowConnection`).implement({
    description: `A page of rows of ${table.name}. totalCount, aggregate and groupBy are of all rows that match, not only of the page.`,
    fields: (t) => ({
      nodes: t.field({ type: [row], description: 'The rows of the page.', resolve: (page) => page.nodes() }),
      edges: t.field({ type: [edge], description: 'The rows with their cursors.', resolve: (page) => page.edges() }),
      pageInfo: t.field({ type: shared.pageInfo, description: 'Where the page lies.', resolve: (page) => page.pageInfo() }),
      snapshotId: t.field({
        ...marked({ tellsPlace: true }),
        type: 'SafeInt',
        description:
          'The snapshot that the page was read at: row changes after it are those that the page lacks. It stays with the page in a cache, where the view it stands in is shared.',
        resolve: (page) => page.at.snapshotId,
      }),
      totalCount: t.field({ type: 'SafeInt', description: 'How many rows match in all.', resolve: (page) => page.totalCount() }),
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
              description: 'All rows that match, grouped; the largest group first, equal ones by key. A cursor pins the snapshot.',
              args: {
                columns: t.arg({ type: [groups.columns], required: true, description: 'What makes a group.' }),
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
    description: `Which rows of ${table.name}; sibling keys mean AND, an empty filter matches all.`,
    fields: (t) => ({
      and: t.field({ type: [filter], description: 'All of these; an empty list matches all.' }),
      or: t.field({ type: [filter], description: 'Any of these; an empty list matches nothing.' }),
      not: t.field({ type: filter, description: 'Exactly the rows that this does not match, nulls included.' }),
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
