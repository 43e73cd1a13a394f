/** `asOf { orders(...) ordersByKey(...) }`: the fields of one table on the catalog view. */

import { byKeyField } from '../../engine/index.ts';
import { marked } from '../../resolvers/marks.ts';
import { typedRowByKey, typedRows } from '../../resolvers/rows.ts';
import type { TypedTable } from '../../resolvers/table-types.ts';
import { pageArguments } from '../arguments.ts';
import type { Builder } from '../builder.ts';
import type { Objects } from '../objects.ts';
import { SCALAR_OF } from '../scalars.ts';
import { describeColumn } from './describe.ts';
import type { RowTypes } from './row.ts';

export function addViewFields(
  builder: Builder,
  { view }: Objects,
  typed: TypedTable,
  { row, connection, filter, orderBy }: RowTypes,
): void {
  const { table } = typed;
  const keyColumns = table.schema.columns.filter((column) => table.schema.primaryKey.includes(column.name));
  builder.objectFields(view, (t) => ({
    [table.graphqlName]: t.field({
      ...marked({ readsTable: table.id }),
      type: connection,
      nullable: true,
      description: `${table.description ?? `Rows of ${table.name}.`} Null if the table did not exist at this instant. A cursor keeps the snapshot, so pages never shift.`,
      args: {
        where: t.arg({ type: filter, description: 'Only rows that match.' }),
        ...(orderBy === undefined
          ? {}
          : {
              orderBy: t.arg({
                type: [orderBy],
                description:
                  'The first item of the list counts first, then the next. Ties, and lists without orderBy, are in the order of insertion.',
              }),
            }),
        ...pageArguments(t.arg),
      },
      resolve: (at, args, context, info) => typedRows(context, { typed, view: at }, args as Parameters<typeof typedRows>[2], info),
    }),
    ...(keyColumns.length === 0
      ? {}
      : {
          [byKeyField(table.graphqlName)]: t.field({
            ...marked({ readsTable: table.id }),
            type: row,
            nullable: true,
            description: `The row of ${table.name} with this primary key; null if there is none at this instant.`,
            args: Object.fromEntries(
              keyColumns.map((column) => [
                column.graphqlName,
                t.arg({ type: SCALAR_OF[column.type], required: true, description: describeColumn(column) }),
              ]),
            ),
            resolve: (at, args, context, info) => typedRowByKey(context, { typed, view: at }, args, info),
          }),
        }),
  }));
}
