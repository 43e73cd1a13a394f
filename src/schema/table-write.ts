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
      graphqlName: t.string({ description: 'Its name in the typed door; its own where not given.' }),
      type: t.field({ type: shared.columnType, required: true, description: 'What values it holds.' }),
      required: t.boolean({
        required: true,
        defaultValue: false,
        description: 'Whether null is refused. Key columns always are required.',
      }),
      precision: t.int({ description: 'DECIMAL: digits in all, 1 to 38; 18 where not given.' }),
      scale: t.int({ description: 'DECIMAL: digits after the point; 0 where not given.' }),
      default: t.field({ type: 'JSON', description: 'What an absent value becomes, in the wire form of the type.' }),
      description: t.string({ description: 'What the column means; shown in the typed API.' }),
    }),
  });
  const createTable = builder.inputType('CreateTableInput', {
    description: 'A new table.',
    fields: (t) => ({
      name: t.string({ required: true, description: 'A lower-case letter, then up to 62 letters, digits and underscores.' }),
      graphqlName: t.string({ description: 'The name of its fields in the typed door; its own where not given.' }),
      columns: t.field({ type: [column], required: true, description: 'Its columns, in order.' }),
      primaryKey: t.stringList({
        description: 'Names of the columns that identify a row; append then refuses a second row with the same key.',
      }),
      description: t.string({ description: 'What the table holds; shown in the typed API.' }),
      ifExists: t.field({ type: shared.ifExists, defaultValue: 'ERROR', description: 'What to do where there is a table of the name.' }),
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
      graphqlName: t.string({ description: 'Its new name in the typed door; the new name where not given.' }),
    }),
  });
  const widen = builder.inputType('WidenColumnInput', {
    description: 'A column and its wider type: INT to LONG, FLOAT to DOUBLE, DECIMAL to more precision.',
    fields: (t) => ({
      name: t.string({ required: true, description: "The column's own name." }),
      type: t.field({ type: shared.columnType, description: 'The wider type.' }),
      precision: t.int({ description: 'DECIMAL: more digits than now, up to 38.' }),
    }),
  });
  const reorder = builder.inputType('ReorderColumnsInput', {
    description: 'The columns in a new order.',
    fields: (t) => ({ names: t.stringList({ required: true, description: 'Every column once.' }) }),
  });
  const describe = builder.inputType('SetDescriptionInput', {
    description: 'A new description of the table or of one of its columns.',
    fields: (t) => ({
      column: t.string({ description: 'The column; the table itself where not given.' }),
      description: t.string({ description: 'The text; none where null.' }),
    }),
  });
  const retention = builder.inputType('RetentionInput', {
    description: "How much history is kept: snapshots go once both limits let them. Neither gives the table back to the catalog's policy.",
    fields: (t) => ({
      maxAgeMs: t.field({ type: 'SafeInt', description: 'Snapshots older than this may expire, milliseconds.' }),
      minSnapshots: t.int({ description: 'The newest so many are always kept.' }),
    }),
  });
  return builder.inputType('TableChange', {
    isOneOf: true,
    description: 'One change of a table: exactly one.',
    fields: (t) => ({
      addColumn: t.field({ type: column, description: 'A new column at the end. Rows that are there read its default, else null.' }),
      dropColumn: t.field({ type: named, description: 'Takes a column away. Earlier snapshots still have it, through the generic door.' }),
      renameColumn: t.field({ type: rename, description: 'Gives a column another name. Its values stay.' }),
      widenColumn: t.field({ type: widen, description: 'Gives a column a wider type. Its values stay.' }),
      makeOptional: t.field({ type: named, description: 'Lets a required column be null.' }),
      reorderColumns: t.field({ type: reorder, description: 'Puts the columns in another order.' }),
      setDescription: t.field({ type: describe, description: 'Says what the table or a column means.' }),
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
          'Changes a table: columns go by their field id, so nothing is rewritten, old snapshots keep their own columns, and the typed API follows at once. All changes or none.',
        args: { table, changes: t.arg({ type: [inputs.tableChange], required: true, description: 'The changes, in order.' }), options },
        resolve: (_root, args, context) => tableWrite(context, 'alterTable', args, args.options),
      }),
      dropTable: t.field({
        type: payload,
        nullable: true,
        description: 'Drops a table. Its history stays readable until it expires, restore brings it back, and its name can be used again.',
        args: { table, options },
        resolve: (_root, args, context) => tableWrite(context, 'dropTable', args, args.options),
      }),
    };
  });
}
