/** Inputs of tables and of commits: new tables, changes of tables, and the operations of `commit`. */
import type { InputRef } from '@pothos/core';
import { marked } from '../resolvers/marks.ts';
import type { Builder } from './builder.ts';
import type { addGenericFilter } from './conditions.ts';
import type { Shared } from './static.ts';

export const UPSERT_ROWS_TEXT =
  'What a row does not give stays as it is where the row exists, and is the default where it is new; null sets null.';

/** `onConflict` of both APIs. */
export const ON_CONFLICT_TEXT = {
  argument: 'What to do with rows that exist; they take on what is given, where this is not.',
  update:
    'The columns that may change; those that a row gives where not given. An empty list changes nothing: rows that are new come, others stay.',
  where: 'Only existing rows that match are changed, the others stay as they are. {and: []} is all of them.',
} as const;

export type CommitOperationInput = ReturnType<typeof addInputs>;

function addTableInputs(builder: Builder, shared: Shared) {
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

function addTableChange(builder: Builder, shared: Shared, column: ReturnType<typeof addTableInputs>['column']) {
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

/** `typed` are the keys of the tables in `CommitOperation`, added when the tables' own inputs are known. */
export function addInputs(builder: Builder, shared: Shared, { filter }: ReturnType<typeof addGenericFilter>) {
  const { column, createTable } = addTableInputs(builder, shared);
  const tableChange = addTableChange(builder, shared, column);
  const table = "The table's name.";
  const rows = "The rows: JSON objects with the columns' own names.";
  const append = builder.inputType('AppendOperation', {
    description: 'Rows to add.',
    fields: (t) => ({
      table: t.string({ required: true, description: table }),
      rows: t.field({ type: ['JSON'], required: true, description: rows }),
    }),
  });
  const onConflict = builder.inputType('OnConflict', {
    ...marked({ narrows: 'onConflict' }),
    description: 'What an upsert does to rows that exist.',
    fields: (t) => ({
      update: t.stringList({ description: ON_CONFLICT_TEXT.update }),
      where: t.field({ type: filter, description: ON_CONFLICT_TEXT.where }),
    }),
  });
  const upsert = builder.inputType('UpsertOperation', {
    description: 'Rows by primary key.',
    fields: (t) => ({
      table: t.string({ required: true, description: table }),
      rows: t.field({ type: ['JSON'], required: true, description: `${rows} ${UPSERT_ROWS_TEXT}` }),
      onConflict: t.field({ type: onConflict, description: ON_CONFLICT_TEXT.argument }),
    }),
  });
  const replace = builder.inputType('ReplaceOperation', {
    description: 'Rows in the place of others.',
    fields: (t) => ({
      table: t.string({ required: true, description: table }),
      rows: t.field({ type: ['JSON'], required: true, description: rows }),
      where: t.field({ type: filter, description: 'Which rows to take out; all where not given.' }),
    }),
  });
  const remove = builder.inputType('DeleteOperation', {
    description: 'Rows to delete.',
    fields: (t) => ({
      table: t.string({ required: true, description: table }),
      where: t.field({ type: filter, required: true, description: 'Which rows; {and: []} is all of them.' }),
    }),
  });
  const update = builder.inputType('UpdateOperation', {
    description: 'Rows to change.',
    fields: (t) => ({
      table: t.string({ required: true, description: table }),
      where: t.field({ type: filter, required: true, description: 'Which rows; {and: []} is all of them.' }),
      set: t.field({
        ...marked({ isPatch: true }),
        type: 'JSON',
        required: true,
        description: 'New values by column; what is absent stays, null sets null.',
      }),
    }),
  });
  const alterTable = builder.inputType('AlterTableOperation', {
    description: 'A table to change.',
    fields: (t) => ({
      table: t.string({ required: true, description: table }),
      changes: t.field({ type: [tableChange], required: true, description: 'The changes, in order.' }),
    }),
  });
  const dropTable = builder.inputType('DropTableOperation', {
    description: 'A table to drop.',
    fields: (t) => ({ table: t.string({ required: true, description: table }) }),
  });
  // Filled while the tables' own inputs are made; the fields are asked for when the schema is built.
  const typed = new Map<string, { readonly type: InputRef<unknown>; readonly description: string }>();
  const operation = builder.inputType('CommitOperation', {
    isOneOf: true,
    description: 'One operation of a commit: exactly one key. A table may also be named by its own key, with typed rows.',
    fields: (t) => ({
      append: t.field({ type: append, description: 'Adds rows.' }),
      replace: t.field({ type: replace, description: 'Puts rows in the place of others.' }),
      delete: t.field({ type: remove, description: 'Deletes rows.' }),
      update: t.field({ type: update, description: 'Changes rows.' }),
      upsert: t.field({ type: upsert, description: 'Adds rows, or changes them where their primary key is there.' }),
      createTable: t.field({
        type: createTable,
        description: 'Creates a table; later operations of the commit can use it, through the generic keys.',
      }),
      alterTable: t.field({ type: alterTable, description: 'Changes a table.' }),
      dropTable: t.field({ type: dropTable, description: 'Drops a table.' }),
      ...Object.fromEntries([...typed].map(([name, { type, description }]) => [name, t.field({ type, description })])),
    }),
  });
  return { createTable, tableChange, operation, onConflict, typed };
}
