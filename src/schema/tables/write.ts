/** `appendOrders` and its siblings, their inputs and their payload, and the table's key of `CommitOperation`. */
import { typedCommit, typedOperation } from '../../resolvers/changes.ts';
import { marked } from '../../resolvers/marks.ts';
import { payloadRows, typedAppend, type WritePayloadModel } from '../../resolvers/mutations.ts';
import type { TypedTable } from '../../resolvers/table-types.ts';
import type { Builder } from '../builder.ts';
import { type CommitOperationInput, ON_CONFLICT_TEXT, UPSERT_ROWS_TEXT } from '../inputs.ts';
import type { Objects } from '../objects.ts';
import { payloadFields } from '../payload.ts';
import { SCALAR_OF } from '../scalars.ts';
import type { Shared } from '../static.ts';
import { describeColumn } from './describe.ts';
import type { RowTypes } from './row.ts';

type Inputs = ReturnType<typeof addInputs>;

function addInputs(builder: Builder, { table, prefix }: TypedTable, { filter, columnNames }: RowTypes) {
  const input = builder.inputType(`${prefix}RowInput`, {
    description: `A row of ${table.name}: what is absent takes the column's default, null means null.`,
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
    description: `New values of rows of ${table.name}: what is absent stays as it is, and is the default where an upsert brings a new row; null sets null.`,
    fields: (t) =>
      Object.fromEntries(
        table.schema.columns.map((column) => [
          column.graphqlName,
          t.field({ type: SCALAR_OF[column.type], description: describeColumn(column) }),
        ]),
      ),
  });
  const replace = builder.inputType(`${prefix}Replace`, {
    description: `Rows of ${table.name} in the place of others.`,
    fields: (t) => ({
      rows: t.field({ type: [input], required: true, description: 'The rows.' }),
      where: t.field({ type: filter, description: 'Which rows to take out; all where not given.' }),
    }),
  });
  const update = builder.inputType(`${prefix}Update`, {
    description: `Rows of ${table.name} to change.`,
    fields: (t) => ({
      where: t.field({ type: filter, required: true, description: 'Which rows; {and: []} is all of them.' }),
      set: t.field({ ...marked({ isPatch: true }), type: patch, required: true, description: 'Their new values.' }),
    }),
  });
  const onConflict =
    table.schema.primaryKey.length === 0 || columnNames === undefined
      ? undefined
      : builder.inputType(`${prefix}OnConflict`, {
          ...marked({ narrows: 'onConflict' }),
          description: `What an upsert does to rows of ${table.name} that exist.`,
          fields: (t) => ({
            update: t.field({ type: [columnNames], description: ON_CONFLICT_TEXT.update }),
            where: t.field({ type: filter, description: ON_CONFLICT_TEXT.where }),
          }),
        });
  const write = builder.inputType(`${prefix}Write`, {
    isOneOf: true,
    description: `One change of ${table.name}: exactly one.`,
    fields: (t) => ({
      append: t.field({ type: [input], description: 'Rows to add.' }),
      ...(table.schema.primaryKey.length === 0
        ? {}
        : { upsert: t.field({ type: [patch], description: `Rows by primary key. ${UPSERT_ROWS_TEXT}` }) }),
      replace: t.field({ type: replace, description: 'Rows in the place of others.' }),
      delete: t.field({ type: filter, description: 'Which rows to delete; {and: []} is all of them.' }),
      update: t.field({ type: update, description: 'Rows to change.' }),
    }),
  });
  return { input, patch, onConflict, write };
}

export function addWriteFields(
  builder: Builder,
  { commitOptions }: Shared,
  objects: Objects,
  operations: CommitOperationInput,
  typed: TypedTable,
  row: RowTypes,
): void {
  const { table, prefix } = typed;
  const inputs = addInputs(builder, typed, row);
  const payload = builder.objectRef<WritePayloadModel>(`${prefix}WritePayload`).implement({
    description: 'What the mutation did. The counts are of this mutation; `commit` is null where there was nothing to commit.',
    fields: (t) => ({
      ...payloadFields(t, objects),
      rows: t.field({
        type: [row.row],
        nullable: true,
        description:
          'The rows as it left them, append and upsert in input order, those too that an upsert left as they were; delete: those that went, as they were. Their ids are those of the rows. At most 1,000.',
        args: { first: t.arg.int({ description: 'How many; all, up to 1,000, where not given.' }) },
        resolve: (at, { first }) => payloadRows(at, first),
      }),
    }),
  });
  operations.typed.set(table.graphqlName, { type: inputs.write, description: `A change of ${table.name}, typed.` });
  addAppend(builder, { commitOptions, payload, inputs }, typed);
  addChanges(builder, { commitOptions, payload, inputs }, typed, row);
}

interface WriteTypes {
  readonly commitOptions: Shared['commitOptions'];
  readonly payload: ReturnType<ReturnType<Builder['objectRef']>['implement']>;
  readonly inputs: Inputs;
}

function addAppend(builder: Builder, { commitOptions, payload, inputs: { input } }: WriteTypes, typed: TypedTable): void {
  builder.mutationFields((t) => ({
    [`append${typed.prefix}`]: t.field({
      type: payload,
      nullable: true,
      description: `Adds rows to ${typed.table.name}: all of them in one commit, or none. INVALID_ROW names every bad row.`,
      args: {
        rows: t.arg({ type: [input], required: true, description: 'The rows, up to 100,000.' }),
        options: t.arg({ type: commitOptions, description: 'What to say about the commit, and when to make it.' }),
      },
      resolve: (_root, args, context) => typedAppend(context, typed, args as { rows: unknown[] }),
    }),
  }));
}

function addChanges(
  builder: Builder,
  { commitOptions, payload, inputs: { input, patch, onConflict } }: WriteTypes,
  typed: TypedTable,
  { filter }: RowTypes,
): void {
  const { table, prefix } = typed;
  builder.mutationFields((t) => {
    const options = t.arg({ type: commitOptions, description: 'What to say about the commit, and when to make it.' });
    const rows = t.arg({ type: [input], required: true, description: 'The rows, up to 100,000.' });
    const where = t.arg({
      type: filter,
      required: true,
      description: 'Which rows. Empty at any depth is BAD_USER_INPUT; {and: []} is all of them.',
    });
    const run = (kind: 'replace' | 'delete' | 'update' | 'upsert', args: object, context: Parameters<typeof typedCommit>[0]) =>
      typedCommit(context, typed, typedOperation(typed, kind, args), args);
    return {
      [`replace${prefix}`]: t.field({
        type: payload,
        nullable: true,
        description: `Takes the rows of ${table.name} that match (all, without \`where\`) out, and these in. A row whose primary key comes again is changed.`,
        args: { rows, where: t.arg({ type: filter, description: 'Which rows to take out; all where not given.' }), options },
        resolve: (_root, args, context) => run('replace', args, context),
      }),
      [`delete${prefix}`]: t.field({
        type: payload,
        nullable: true,
        description: `Deletes the rows of ${table.name} that match. Earlier snapshots still have them.`,
        args: { where, options },
        resolve: (_root, args, context) => run('delete', args, context),
      }),
      [`update${prefix}`]: t.field({
        type: payload,
        nullable: true,
        description: `Gives the rows of ${table.name} that match new values. Each becomes a new version of the same row.`,
        args: {
          where,
          set: t.arg({
            ...marked({ isPatch: true }),
            type: patch,
            required: true,
            description: 'Their new values: absent stays, null sets null.',
          }),
          options,
        },
        resolve: (_root, args, context) => run('update', args, context),
      }),
      ...(onConflict === undefined
        ? {}
        : {
            [`upsert${prefix}`]: t.field({
              type: payload,
              nullable: true,
              description: `Rows of ${table.name} by primary key: where a row has the key, the columns that are given change, and all others stay; else the row is new. A row that is as given already gets no new version. Two rows of one key are INVALID_ROW.`,
              args: {
                rows: t.arg({ type: [patch], required: true, description: `The rows, up to 100,000. ${UPSERT_ROWS_TEXT}` }),
                onConflict: t.arg({ type: onConflict, description: ON_CONFLICT_TEXT.argument }),
                options,
              },
              resolve: (_root, args, context) => run('upsert', args, context),
            }),
          }),
    };
  });
}
