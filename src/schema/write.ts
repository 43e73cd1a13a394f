/**
 * Mutations of rows: in the generic API, in the typed API (tables/write.ts), and inside `commit`. All are built from the
 * engine's list of operations on rows and from the texts here, so that a kind is in all of them; one without texts does not
 * compile.
 */
import type { InputRef } from '@pothos/core';
import { type Part, ROW_OPERATIONS, type RowKind } from '../engine/index.ts';
import { marked } from '../resolvers/marks.ts';
import { genericWrite } from '../resolvers/writes.ts';
import type { Builder } from './builder.ts';
import type { CommitTypes } from './commit-payload.ts';

const UPSERT_ROWS_TEXT =
  'For a column that a row does not give, an existing row keeps its value and a new row gets the default. null sets null.';

/** `onConflict` of both APIs. */
export const ON_CONFLICT_TEXT = {
  argument: 'What to do with existing rows. By default they take the values that are given.',
  update:
    'The columns that may change; by default those that a row gives. With an empty list, new rows are inserted and existing rows stay as they are.',
  where: 'Only existing rows that match are changed; the others stay as they are. {and: []} means all rows.',
} as const;

export const TABLE_NAME_TEXT = "The table's name.";
export const COMMIT_OPTIONS_TEXT = 'Information about the commit, and conditions for it.';

interface WriteText {
  /** The mutation of the generic API, and that of a table. */
  readonly generic: string;
  readonly typed: (table: string) => string;
  /** The key of `CommitOperation`, and the input under it; the table's own key says the same. */
  readonly key: string;
  readonly input: string;
  /** The table's input, where its key in `commit` takes an object. */
  readonly typedInput: (table: string) => string;
  /** Where the table's own key says something else. */
  readonly typedKey?: string;
  /** Where a filter may be left out: what the filter is for, and what it means to leave it out. */
  readonly optionalWhere?: string;
}

/** In the order in which Mutation and CommitOperation list them. */
export const WRITE_TEXTS: { readonly [Kind in RowKind]: WriteText } = {
  append: {
    generic: 'Adds rows to any table: all of them in one commit, or none. INVALID_ROW names every bad row.',
    typed: (table) => `Adds rows to ${table}: all of them in one commit, or none. INVALID_ROW names every bad row.`,
    key: 'Adds rows.',
    input: 'Rows to add.',
    typedInput: (table) => `Rows to add to ${table}.`,
  },
  replace: {
    generic:
      'Replaces the rows that match (without `where` all rows of the table) by these rows. An existing row whose primary key is among the new rows is updated.',
    typed: (table) =>
      `Removes the rows of ${table} that match (without \`where\` all rows) and inserts these rows. An existing row whose primary key is among the new rows is updated.`,
    key: 'Replaces rows by other rows.',
    input: 'Rows that replace other rows.',
    typedInput: (table) => `Rows of ${table} that replace other rows.`,
    optionalWhere: 'Which rows to replace; by default all.',
  },
  delete: {
    generic: 'Deletes the rows that match. Earlier snapshots still have them.',
    typed: (table) => `Deletes the rows of ${table} that match. Earlier snapshots still have them.`,
    key: 'Deletes rows.',
    input: 'Rows to delete.',
    typedInput: (table) => `Rows of ${table} to delete.`,
    typedKey: 'Which rows to delete; {and: []} means all rows.',
  },
  update: {
    generic: 'Updates the rows that match. Each gets a new version of the same row.',
    typed: (table) => `Updates the rows of ${table} that match. Each gets a new version of the same row.`,
    key: 'Changes rows.',
    input: 'Rows to change.',
    typedInput: (table) => `Rows of ${table} to change.`,
  },
  upsert: {
    generic:
      'Inserts or updates rows by primary key. If a row with the key exists, the given columns change and all others stay; otherwise the row is inserted. A row that already has the given values gets no new version. Two rows with the same key are INVALID_ROW.',
    typed: (table) =>
      `Inserts or updates rows of ${table} by primary key. If a row with the key exists, the given columns change and all others stay; otherwise the row is inserted. A row that already has the given values gets no new version. Two rows with the same key are INVALID_ROW.`,
    key: 'Adds rows, or changes them if their primary key exists.',
    input: 'Rows by primary key.',
    typedInput: (table) => `Rows of ${table} by primary key.`,
    typedKey: `Rows by primary key. ${UPSERT_ROWS_TEXT}`,
  },
};

export const WRITE_KINDS = Object.keys(WRITE_TEXTS) as readonly RowKind[];

type InputType = InputRef<unknown> | 'JSON';

/** What the parts of an operation are in one of the APIs. */
export interface PartTypes {
  readonly row: InputType;
  /** A row by primary key, of which columns may be absent. */
  readonly partialRow: InputType;
  readonly filter: InputType;
  readonly patch: InputType;
  /** Called where it is needed. */
  readonly onConflict: () => InputType;
}

/** What is said of the parts, in one place. `more`: what is to be said of rows by primary key. */
interface PartTexts {
  readonly rows: (more: string) => string;
  readonly where: string;
  readonly set: string;
}

const GENERIC_SET_TEXT = 'New values by column. A column that is not given keeps its value; null sets null.';
export const WHERE_TEXT = 'Which rows. A filter that is empty at any depth is BAD_USER_INPUT; {and: []} means all rows.';
const WHERE_IN_COMMIT_TEXT = 'Which rows; {and: []} means all rows.';

export const PART_TEXTS = {
  generic: {
    rows: () => "The rows, up to 100,000: JSON objects with the columns' own names.",
    where: WHERE_TEXT,
    set: GENERIC_SET_TEXT,
  },
  genericInCommit: {
    rows: (more) => `The rows: JSON objects with the columns' own names.${more}`,
    where: WHERE_IN_COMMIT_TEXT,
    set: GENERIC_SET_TEXT,
  },
  typed: {
    rows: (more) => `The rows, up to 100,000.${more}`,
    where: WHERE_TEXT,
    set: 'Their new values. A column that is not given keeps its value; null sets null.',
  },
  typedInCommit: { rows: (more) => `The rows.${more}`, where: WHERE_IN_COMMIT_TEXT, set: 'Their new values.' },
} satisfies Record<string, PartTexts>;

interface PartOptions {
  readonly type: InputType | [InputType];
  readonly required: boolean;
  readonly description: string;
}

/** The parts that a kind asks for, as arguments or as fields of an input: `make` makes each. */
export function partsOf<Field>(
  kind: RowKind,
  types: PartTypes,
  texts: PartTexts,
  make: (options: PartOptions) => Field,
): Readonly<Record<string, Field>> {
  const { isByKey } = ROW_OPERATIONS[kind];
  const { optionalWhere = texts.where } = WRITE_TEXTS[kind];
  const asks: Readonly<Partial<Record<Part, 'required' | 'optional'>>> = ROW_OPERATIONS[kind].asks;
  const options: Readonly<Record<Part, (required: boolean) => PartOptions>> = {
    rows: (required) => ({
      type: [isByKey ? types.partialRow : types.row],
      required,
      description: texts.rows(isByKey ? ` ${UPSERT_ROWS_TEXT}` : ''),
    }),
    where: (required) => ({ type: types.filter, required, description: required ? texts.where : optionalWhere }),
    set: (required) => ({ ...marked({ isPatch: true }), type: types.patch, required, description: texts.set }),
    onConflict: (required) => ({ type: types.onConflict(), required, description: ON_CONFLICT_TEXT.argument }),
  };
  const asked = (Object.keys(options) as Part[]).filter((part) => asks[part] !== undefined);
  return Object.fromEntries(asked.map((part) => [part, make(options[part](asks[part] === 'required'))]));
}

/** The parts in the generic API. `onConflict` is made when it is first needed: what an input refers to stands before it in the SDL. */
export function addGenericParts(builder: Builder, filter: InputRef<Readonly<Record<string, unknown>>>): PartTypes {
  let onConflict: InputRef<unknown> | undefined;
  const addOnConflict = (): InputRef<unknown> =>
    builder.inputType('OnConflict', {
      ...marked({ narrows: 'onConflict' }),
      description: 'What an upsert does to existing rows.',
      fields: (t) => ({
        update: t.stringList({ description: ON_CONFLICT_TEXT.update }),
        where: t.field({ type: filter, description: ON_CONFLICT_TEXT.where }),
      }),
    });
  return {
    row: 'JSON',
    partialRow: 'JSON',
    filter,
    patch: 'JSON',
    onConflict: () => {
      onConflict ??= addOnConflict();
      return onConflict;
    },
  };
}

/** `AppendOperation` and its siblings: what the keys of `CommitOperation` take. */
export function addWriteInputs(builder: Builder, types: PartTypes): Readonly<Record<RowKind, InputRef<unknown>>> {
  const input = (kind: RowKind): InputRef<unknown> => {
    if ('onConflict' in ROW_OPERATIONS[kind].asks) types.onConflict();
    return builder.inputType(`${capitalised(kind)}Operation`, {
      description: WRITE_TEXTS[kind].input,
      fields: (t) => ({
        table: t.string({ required: true, description: TABLE_NAME_TEXT }),
        ...partsOf(kind, types, PART_TEXTS.genericInCommit, (options) => t.field(options)),
      }),
    });
  };
  const kinds = Object.keys(ROW_OPERATIONS) as RowKind[];
  return Object.fromEntries(kinds.map((kind) => [kind, input(kind)])) as Record<RowKind, InputRef<unknown>>;
}

export function capitalised(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** `append(table: ...)` and its siblings. */
export function addWriteMutations(builder: Builder, { shared, payload }: CommitTypes, parts: PartTypes): void {
  builder.mutationFields((t) => {
    const table = t.arg.string({ required: true, description: TABLE_NAME_TEXT });
    const options = t.arg({ type: shared.commitOptions, description: COMMIT_OPTIONS_TEXT });
    return Object.fromEntries(
      WRITE_KINDS.map((kind) => [
        kind,
        t.field({
          type: payload,
          nullable: true,
          description: WRITE_TEXTS[kind].generic,
          args: { table, ...partsOf(kind, parts, PART_TEXTS.generic, (part) => t.arg(part)), options },
          resolve: (_root, args, context) => genericWrite(context, kind, args as Parameters<typeof genericWrite>[2]),
        }),
      ]),
    );
  });
}
