/** `appendOrders` and its siblings, their inputs and their payload, and the table's key of `CommitOperation`. */
import type { InputRef } from '@pothos/core';
import { ROW_OPERATIONS, type RowKind } from '../../engine/index.ts';
import { payloadRows, type WritePayloadModel } from '../../resolvers/commit-payloads.ts';
import { marked } from '../../resolvers/marks.ts';
import type { TypedTable } from '../../resolvers/table-types.ts';
import { typedWrite, WRITES } from '../../resolvers/writes.ts';
import type { Builder } from '../builder.ts';
import type { CommitInputs } from '../commit-operation.ts';
import { payloadFields } from '../commit-payload.ts';
import type { Objects } from '../objects.ts';
import { SCALAR_OF } from '../scalars.ts';
import type { Shared } from '../static.ts';
import {
  COMMIT_OPTIONS_TEXT,
  capitalised,
  ON_CONFLICT_TEXT,
  PART_TEXTS,
  type PartTypes,
  partsOf,
  WRITE_KINDS,
  WRITE_TEXTS,
} from '../write.ts';
import { describeColumn } from './describe.ts';
import type { RowTypes } from './row.ts';

/** The parts of operations on the table's rows, and the kinds that it has: without a primary key, none that go by it. */
interface TypedWrites {
  readonly kinds: readonly RowKind[];
  readonly parts: PartTypes;
}

/** The inputs in the order in which the SDL has them: rows, those of operations, `OrdersOnConflict`, and `OrdersWrite`. */
function addInputs(builder: Builder, typed: TypedTable, row: RowTypes): TypedWrites & { readonly write: InputRef<unknown> } {
  const { table, prefix } = typed;
  const hasKey = table.schema.primaryKey.length > 0;
  const { input, patch } = addRowInputs(builder, typed);
  const kinds = (Object.keys(ROW_OPERATIONS) as RowKind[]).filter((kind) => hasKey || !ROW_OPERATIONS[kind].isByKey);
  let onConflict: InputRef<unknown> | undefined;
  const parts: PartTypes = {
    row: input,
    partialRow: patch,
    filter: row.filter,
    patch,
    onConflict: () => {
      onConflict ??= addOnConflict(builder, typed, row);
      return onConflict;
    },
  };
  const values = new Map<RowKind, InputRef<unknown> | [InputRef<unknown>]>();
  for (const kind of kinds) {
    const { typedValue } = WRITES[kind];
    if (typedValue === 'rows') values.set(kind, [ROW_OPERATIONS[kind].isByKey ? patch : input]);
    else if (typedValue === 'where') values.set(kind, row.filter);
    else values.set(kind, addOperationInput(builder, typed, kind, parts));
  }
  if (kinds.some((kind) => 'onConflict' in ROW_OPERATIONS[kind].asks)) parts.onConflict();
  const write = builder.inputType(`${prefix}Write`, {
    isOneOf: true,
    description: `One change of ${table.name}: give exactly one key.`,
    fields: (t) =>
      Object.fromEntries(
        [...values].map(([kind, type]) => [kind, t.field({ type, description: WRITE_TEXTS[kind].typedKey ?? WRITE_TEXTS[kind].input })]),
      ),
  });
  return { kinds, parts, write };
}

function addRowInputs(builder: Builder, { table, prefix }: TypedTable) {
  const input = builder.inputType(`${prefix}RowInput`, {
    description: `A row of ${table.name}. A column that is not given takes its default; null means null.`,
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
  const patch = builder.inputType(`${prefix}RowPatch`, {
    description: `New values of rows of ${table.name}. A column that is not given keeps its value; if an upsert inserts a new row, it takes its default. null sets null.`,
    fields: (t) =>
      Object.fromEntries(
        table.schema.columns.map((column) => [
          column.graphqlName,
          t.field({ type: SCALAR_OF[column.type], description: describeColumn(column) }),
        ]),
      ),
  });
  return { input, patch };
}

/** `OrdersReplace`, for example: an operation that has several parts. */
function addOperationInput(builder: Builder, { table, prefix }: TypedTable, kind: RowKind, parts: PartTypes): InputRef<unknown> {
  return builder.inputType(`${prefix}${capitalised(kind)}`, {
    description: WRITE_TEXTS[kind].typedInput(table.name),
    fields: (t) => partsOf(kind, parts, PART_TEXTS.typedInCommit, (options) => t.field(options)),
  });
}

function addOnConflict(builder: Builder, { table, prefix }: TypedTable, { filter, columnNames }: RowTypes): InputRef<unknown> {
  return builder.inputType(`${prefix}OnConflict`, {
    ...marked({ narrows: 'onConflict' }),
    description: `What an upsert does to existing rows of ${table.name}.`,
    fields: (t) => ({
      ...(columnNames === undefined ? {} : { update: t.field({ type: [columnNames], description: ON_CONFLICT_TEXT.update }) }),
      where: t.field({ type: filter, description: ON_CONFLICT_TEXT.where }),
    }),
  });
}

export function addWriteFields(
  builder: Builder,
  { commitOptions }: Shared,
  objects: Objects,
  operations: Pick<CommitInputs, 'typed'>,
  typed: TypedTable,
  row: RowTypes,
): void {
  const { table, prefix } = typed;
  const { kinds, parts, write } = addInputs(builder, typed, row);
  const payload = builder.objectRef<WritePayloadModel>(`${prefix}WritePayload`).implement({
    description: 'What the mutation did. The counts are of this mutation. `commit` is null if there was nothing to commit.',
    fields: (t) => ({
      ...payloadFields(t, objects),
      rows: t.field({
        type: [row.row],
        nullable: true,
        description:
          'The rows after the mutation, at most 1,000. Append and upsert give them in the order of the input, also those that an upsert did not change. Delete gives the deleted rows. The ids are those of the rows.',
        args: { first: t.arg.int({ description: 'The number of rows; by default all, up to 1,000.' }) },
        resolve: (at, { first }) => payloadRows(at, first),
      }),
    }),
  });
  operations.typed.set(table.graphqlName, { type: write, description: `A change of ${table.name}, typed.` });
  builder.mutationFields((t) => {
    const options = t.arg({ type: commitOptions, description: COMMIT_OPTIONS_TEXT });
    return Object.fromEntries(
      WRITE_KINDS.filter((kind) => kinds.includes(kind)).map((kind) => [
        `${kind}${prefix}`,
        t.field({
          type: payload,
          nullable: true,
          description: WRITE_TEXTS[kind].typed(table.name),
          args: { ...partsOf(kind, parts, PART_TEXTS.typed, (part) => t.arg(part)), options },
          resolve: (_root, args, context) => typedWrite(context, typed, kind, args),
        }),
      ]),
    );
  });
}
