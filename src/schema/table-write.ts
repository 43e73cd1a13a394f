/** Mutations of tables themselves, alone and inside `commit`: their inputs, and the fields of Mutation. */
import { tableWrite } from '../resolvers/writes.ts';
import type { Builder } from './builder.ts';
import type { CommitTypes } from './commit-payload.ts';
import type { Shared } from './static.ts';
import { COMMIT_OPTIONS_TEXT, TABLE_NAME_TEXT } from './write.ts';

type TableInputs = ReturnType<typeof addTableInputs>;

export function addTableInputs(builder: Builder, shared: Shared) {
  const { column, createTable } = addNewTable(builder, shared);
  return { createTable, tableChange: addTableChange(builder, shared, column) };
}

function addNewTable(builder: Builder, shared: Shared) {
  const column = builder.inputType('ColumnInput', {
    description: 'A new column.',
    fields: (t) => ({
      name: t.string({ required: true, description: 'A letter, then up to 62 letters, digits and underscores.' }),
      graphqlName: t.string({ description: 'Its name in the typed API; by default its own name.' }),
      type: t.field({ type: shared.columnType, required: true, description: 'The type of its values.' }),
      required: t.boolean({
        required: true,
        defaultValue: false,
        description: 'Whether null is refused. Key columns are always required.',
      }),
      precision: t.int({ description: 'DECIMAL: the number of digits, 1 to 38; by default 18.' }),
      scale: t.int({ description: 'DECIMAL: the number of digits after the point; by default 0.' }),
      default: t.field({ type: 'JSON', description: 'The value of a row that does not give one, in the JSON form of the type.' }),
      description: t.string({ description: 'What the column means; shown in the typed API.' }),
    }),
  });
  const createTable = builder.inputType('CreateTableInput', {
    description: 'A new table.',
    fields: (t) => ({
      name: t.string({ required: true, description: 'A lower-case letter, then up to 62 letters, digits and underscores.' }),
      graphqlName: t.string({ description: 'The name of its fields in the typed API; by default its own name.' }),
      columns: t.field({ type: [column], required: true, description: 'Its columns, in order.' }),
      primaryKey: t.stringList({
        description: 'Names of the columns that identify a row. With a key, append refuses a second row with the same key.',
      }),
      description: t.string({ description: 'What the table holds; shown in the typed API.' }),
      ifExists: t.field({ type: shared.ifExists, defaultValue: 'ERROR', description: 'What to do if a table with the name exists.' }),
    }),
  });
  return { column, createTable };
}

function addTableChange(builder: Builder, shared: Shared, column: ReturnType<typeof addNewTable>['column']) {
  const named = builder.inputType('ColumnNameInput', {
    description: 'A column by its name.',
    fields: (t) => ({ name: t.string({ required: true, description: "The column's own name." }) }),
  });
  const rename = builder.inputType('RenameColumnInput', {
    description: 'A column and its new name.',
    fields: (t) => ({
      name: t.string({ required: true, description: 'Its name now.' }),
      to: t.string({ required: true, description: 'Its new name.' }),
      graphqlName: t.string({ description: 'Its new name in the typed API; by default the new name.' }),
    }),
  });
  const widen = builder.inputType('WidenColumnInput', {
    description: 'A column and its wider type: INT to LONG, FLOAT to DOUBLE, DECIMAL to more precision.',
    fields: (t) => ({
      name: t.string({ required: true, description: "The column's own name." }),
      type: t.field({ type: shared.columnType, description: 'The wider type.' }),
      precision: t.int({ description: 'DECIMAL: the new number of digits, more than now, up to 38.' }),
    }),
  });
  const reorder = builder.inputType('ReorderColumnsInput', {
    description: 'The columns in a new order.',
    fields: (t) => ({ names: t.stringList({ required: true, description: 'The names of all columns, each once.' }) }),
  });
  const describe = builder.inputType('SetDescriptionInput', {
    description: 'A new description of the table or of one of its columns.',
    fields: (t) => ({
      column: t.string({ description: 'The column; without it, the table itself.' }),
      description: t.string({ description: 'The text; null removes it.' }),
    }),
  });
  const retention = builder.inputType('RetentionInput', {
    description:
      "How much of the table's history is kept. With both limits, a snapshot expires only if both allow it. Without a limit, the table has the catalog's policy again.",
    fields: (t) => ({
      maxAgeMs: t.field({ type: 'SafeInt', description: 'Snapshots older than this may expire, milliseconds.' }),
      minSnapshots: t.int({ description: 'This many of the newest snapshots are always kept.' }),
    }),
  });
  return builder.inputType('TableChange', {
    isOneOf: true,
    description: 'One change of a table: give exactly one key.',
    fields: (t) => ({
      addColumn: t.field({ type: column, description: 'Adds a column at the end. Existing rows read its default, or null.' }),
      dropColumn: t.field({ type: named, description: 'Drops a column. Earlier snapshots still have it, through the generic API.' }),
      renameColumn: t.field({ type: rename, description: 'Gives a column another name. Its values stay.' }),
      widenColumn: t.field({ type: widen, description: 'Gives a column a wider type. Its values stay.' }),
      makeOptional: t.field({ type: named, description: 'Allows null in a required column.' }),
      reorderColumns: t.field({ type: reorder, description: 'Puts the columns in another order.' }),
      setDescription: t.field({ type: describe, description: 'Sets the description of the table or of a column.' }),
      setRetention: t.field({ type: retention, description: 'How much history is kept.' }),
    }),
  });
}

/** What the keys of `CommitOperation` take that are about tables themselves. */
export function addTableOperationInputs(builder: Builder, { createTable, tableChange }: TableInputs) {
  const alterTable = builder.inputType('AlterTableOperation', {
    description: 'A table to change.',
    fields: (t) => ({
      table: t.string({ required: true, description: TABLE_NAME_TEXT }),
      changes: t.field({ type: [tableChange], required: true, description: 'The changes, in order.' }),
    }),
  });
  const dropTable = builder.inputType('DropTableOperation', {
    description: 'A table to drop.',
    fields: (t) => ({ table: t.string({ required: true, description: TABLE_NAME_TEXT }) }),
  });
  return { createTable, alterTable, dropTable };
}

export function addTableMutations(builder: Builder, { shared, payload }: CommitTypes, inputs: TableInputs): void {
  builder.mutationFields((t) => {
    const table = t.arg.string({ required: true, description: TABLE_NAME_TEXT });
    const options = t.arg({ type: shared.commitOptions, description: COMMIT_OPTIONS_TEXT });
    return {
      createTable: t.field({
        type: payload,
        nullable: true,
        description: 'Creates a table. Its typed fields and types are there with the next operation.',
        args: { input: t.arg({ type: inputs.createTable, required: true, description: 'The table.' }), options },
        resolve: (_root, { input, options: given }, context) => tableWrite(context, 'createTable', input, given),
      }),
      alterTable: t.field({
        type: payload,
        nullable: true,
        description:
          'Changes a table, all changes or none. No row is rewritten, old snapshots keep their own columns, and the typed API follows at once.',
        args: { table, changes: t.arg({ type: [inputs.tableChange], required: true, description: 'The changes, in order.' }), options },
        resolve: (_root, args, context) => tableWrite(context, 'alterTable', args, args.options),
      }),
      dropTable: t.field({
        type: payload,
        nullable: true,
        description:
          'Drops a table. Its history stays readable until it expires, restore brings the table back, and its name can be used again.',
        args: { table, options },
        resolve: (_root, args, context) => tableWrite(context, 'dropTable', args, args.options),
      }),
    };
  });
}
