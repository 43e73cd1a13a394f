/** `appendOrders`, its input and its payload. */
import { payloadRows, typedAppend, type WritePayloadModel } from '../../resolvers/mutations.ts';
import type { TypedTable } from '../../resolvers/table-types.ts';
import type { Builder } from '../builder.ts';
import type { Objects } from '../objects.ts';
import { payloadFields } from '../payload.ts';
import { SCALAR_OF } from '../scalars.ts';
import type { Shared } from '../static.ts';
import { describeColumn } from './describe.ts';
import type { RowTypes } from './row.ts';

export function addWriteFields(builder: Builder, { commitOptions }: Shared, objects: Objects, typed: TypedTable, { row }: RowTypes): void {
  const { table, prefix } = typed;
  const input = builder.inputType(`${prefix}RowInput`, {
    description: `A new row of ${table.name}: what is absent takes the column's default, null means null.`,
    fields: (t) =>
      Object.fromEntries(
        table.schema.columns.map((column) => [
          column.graphqlName,
          t.field({
            type: SCALAR_OF[column.type],
            required: column.required && column.default === null,
            description: describeColumn(column),
          }),
        ]),
      ),
  });
  const payload = builder.objectRef<WritePayloadModel>(`${prefix}WritePayload`).implement({
    description: 'What the mutation did. The counts are of this mutation; `commit` is null where there was nothing to commit.',
    fields: (t) => ({
      ...payloadFields(t, objects),
      rows: t.field({
        type: [row],
        nullable: true,
        description: 'The row versions that it brought, in input order; at most 1,000.',
        args: { first: t.arg.int({ description: 'How many; all, up to 1,000, where not given.' }) },
        resolve: (at, { first }) => payloadRows(at, first),
      }),
    }),
  });
  builder.mutationFields((t) => ({
    [`append${prefix}`]: t.field({
      type: payload,
      nullable: true,
      description: `Adds rows to ${table.name}: all of them in one commit, or none. INVALID_ROW names every bad row.`,
      args: {
        rows: t.arg({ type: [input], required: true, description: 'The rows, up to 100,000.' }),
        options: t.arg({ type: commitOptions, description: 'What to say about the commit, and when to make it.' }),
      },
      resolve: (_root, args, context) => typedAppend(context, typed, args as { rows: unknown[] }),
    }),
  }));
}
