/**
 * All mutations of rows and of tables: the arguments of both APIs, alone and inside `commit`, to operations of the engine.
 * Every kind of operation has an entry here; one that has none does not compile.
 */
import {
  type ChangeResult,
  type CommitOperation,
  type CommitOptions,
  EngineError,
  type Filter,
  type OnConflict,
  type RowKind,
  type RowOperations,
  type TableDefinition,
  type TableOperations,
} from '../engine/index.ts';
import { type PayloadModel, type WritePayloadModel, withView } from './commit-payloads.ts';
import type { Context } from './context.ts';
import { genericFilter, refuseEmptyFilter, typedFilter } from './filters.ts';
import { type TableChangeInput, tableChanges } from './table-changes.ts';
import type { TypedTable } from './table-types.ts';
import { nullFilter } from './unset-operands.ts';

type Input = Readonly<Record<string, unknown>>;
type Options = { readonly options?: CommitOptions | null | undefined };

/** What an upsert does to rows that exist, as it comes in: columns and filter by the names of their API. */
interface OnConflictInput {
  readonly update?: readonly string[] | null | undefined;
  readonly where?: Input | null | undefined;
}

/** The arguments of a mutation of rows; which of them there are is said by the engine's descriptor of its kind. */
interface WriteArguments {
  readonly rows?: readonly unknown[];
  readonly where?: Input | null | undefined;
  readonly set?: unknown;
  readonly onConflict?: OnConflictInput | null | undefined;
}

/** A table and the names that an API has for what is in it. */
interface Names {
  readonly table: string;
  /** Which names rows use; the columns' own where undefined. */
  readonly form: 'graphqlName' | undefined;
  readonly columnName: (name: string) => string;
  readonly filter: (input: Input) => Filter;
}

function genericNames({ session }: Context, table: string): Names {
  return {
    table,
    form: undefined,
    columnName: (name) => name,
    filter: (input) => genericFilter(input, session.findTable(table)?.id),
  };
}

function typedNames(typed: TypedTable): Names {
  return {
    table: typed.table.name,
    form: 'graphqlName',
    columnName: (name) => typed.byGraphqlName.get(name)?.name ?? name,
    filter: (input) => typedFilter(typed, input),
  };
}

/** What a mutation of rows is asked for, in the engine's terms. */
interface Asked extends Pick<Names, 'table' | 'form'> {
  readonly rows: readonly unknown[];
  readonly set: Input;
  /** The rows that are meant. @throws EngineError BAD_USER_INPUT where an empty object anywhere in it would widen it */
  where(): Filter;
  whereIfGiven(): Filter | undefined;
  onConflict(): OnConflict | undefined;
}

function asked({ table, form, columnName, filter }: Names, { rows = [], where, set = {}, onConflict }: WriteArguments): Asked {
  const changeFilter = (input: Input, path: string): Filter => {
    refuseEmptyFilter(input, path);
    return filter(input);
  };
  return {
    table,
    form,
    rows,
    set: set as Input,
    where: () => changeFilter(where ?? {}, 'where'),
    whereIfGiven: () => {
      // Null inside of what a variable holds; the guard over filters has seen it where it is written.
      if (where === null) throw nullFilter('where');
      return where === undefined ? undefined : changeFilter(where, 'where');
    },
    onConflict: () => (onConflict == null ? undefined : conflict(onConflict, columnName, changeFilter)),
  };
}

/** @throws EngineError BAD_USER_INPUT where a part of it is null: that would let more rows or columns change */
function conflict(
  { update, where }: OnConflictInput,
  columnName: (name: string) => string,
  filter: (where: Input, path: string) => Filter,
): OnConflict {
  const nullPart = (key: string, hint: string): EngineError =>
    new EngineError('BAD_USER_INPUT', `onConflict.${key} is null`, { details: { path: `onConflict.${key}` }, hint });
  if (update === null) throw nullPart('update', 'Name the columns that may change, [] for none, or leave it out for those that are given.');
  if (where === null) throw nullPart('where', 'Say which rows may change, or leave it out for all.');
  return { update: update?.map(columnName), where: where === undefined ? undefined : filter(where, 'onConflict.where') };
}

interface Write<Kind extends RowKind> {
  /** Idempotency keys stand for the operation as JSON: the order of its keys stays as it is. */
  readonly operation: (asked: Asked) => RowOperations[Kind];
  /** Where the table's own key in `commit` has it, its value is this argument, or an object of all arguments. */
  readonly typedValue: 'rows' | 'where' | 'arguments';
}

export const WRITES: { readonly [Kind in RowKind]: Write<Kind> } = {
  append: {
    operation: ({ table, rows, form }) => ({ kind: 'append', table, rows, form }),
    typedValue: 'rows',
  },
  upsert: {
    operation: ({ table, rows, form, onConflict }) => ({ kind: 'upsert', table, rows, form, onConflict: onConflict() }),
    typedValue: 'rows',
  },
  replace: {
    operation: ({ table, rows, form, whereIfGiven }) => ({ kind: 'replace', table, rows, form, where: whereIfGiven() }),
    typedValue: 'arguments',
  },
  delete: {
    operation: ({ table, where }) => ({ kind: 'delete', table, where: where() }),
    typedValue: 'where',
  },
  update: {
    operation: ({ table, where, set, form }) => ({ kind: 'update', table, where: where(), set, form }),
    typedValue: 'arguments',
  },
};

/** The operations on tables themselves, from the value of their key in `commit`, which has what the mutation's arguments have. */
const TABLE_WRITES: { readonly [Kind in keyof TableOperations]: (input: Input) => TableOperations[Kind] } = {
  createTable: (input) => ({ kind: 'createTable', definition: input as unknown as TableDefinition }),
  alterTable: ({ table, changes }) => ({
    kind: 'alterTable',
    table: table as string,
    changes: tableChanges(changes as readonly TableChangeInput[]),
  }),
  dropTable: ({ table }) => ({ kind: 'dropTable', table: table as string }),
};

/** An append alone needs no base, so the engine has a road of its own for it. */
function committed({ session }: Context, operation: CommitOperation, options: Options['options']): Promise<ChangeResult> {
  if (operation.kind !== 'append') return session.commit([operation], options);
  return session.append(operation.table, operation.rows, options, operation.form);
}

/** `append(table: "orders", ...)` and its siblings. */
export async function genericWrite(
  context: Context,
  kind: RowKind,
  { table, options, ...args }: WriteArguments & Options & { readonly table: string },
): Promise<PayloadModel> {
  const operation = WRITES[kind].operation(asked(genericNames(context, table), args));
  return withView(context, await committed(context, operation, options));
}

/** `appendOrders(...)` and its siblings. */
export async function typedWrite(
  context: Context,
  typed: TypedTable,
  kind: RowKind,
  { options, ...args }: WriteArguments & Options,
): Promise<WritePayloadModel> {
  const operation = WRITES[kind].operation(asked(typedNames(typed), args));
  const result = await committed(context, operation, options);
  return { ...(await withView(context, result)), typed, rows: result.rows };
}

/** `createTable` and its siblings; `input` is what their key in `commit` takes. */
export function tableWrite(
  context: Context,
  kind: keyof TableOperations,
  input: object,
  options: Options['options'],
): Promise<PayloadModel> {
  return commitOperations(context, [TABLE_WRITES[kind](input as Input)], options);
}

async function commitOperations(
  context: Context,
  operations: readonly CommitOperation[],
  options: Options['options'],
): Promise<PayloadModel> {
  const payload = await withView(context, await context.session.commit(operations, options));
  if (payload.commit !== null) return payload;
  const names = operations.flatMap((operation) => (operation.kind === 'createTable' ? operation.definition.name : []));
  const notices = names.map((name) => `Table ${name} is there already, with the same columns: nothing was done.`);
  return { ...payload, notices: [...payload.notices, ...notices] };
}

/** `commit(operations)`. */
export async function commitAll(
  context: Context,
  { operations, options }: Options & { readonly operations: readonly Input[] },
): Promise<PayloadModel> {
  if (operations.length === 0) throw new EngineError('BAD_USER_INPUT', 'operations is empty: there is nothing to commit');
  const wanted = operations.map((operation, index) => placed(index, () => commitOperation(context, operation, index)));
  return commitOperations(context, wanted, options);
}

/** An error of one operation says which. */
function placed<T>(index: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof EngineError) || error.message.startsWith('operations[')) throw error;
    throw new EngineError(error.code, `operations[${index}]: ${error.message}`, {
      details: { ...error.details, operation: index },
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      cause: error,
    });
  }
}

/** The one key of an input that has exactly one, and its value; undefined where it has none or several. */
function onlyKey(input: Input): [string, unknown] | undefined {
  const [only, second] = Object.entries(input).filter(([, value]) => value !== undefined && value !== null);
  return second === undefined ? only : undefined;
}

const isRowKind = (key: string): key is RowKind => Object.hasOwn(WRITES, key);
const isTableKind = (key: string): key is keyof TableOperations => Object.hasOwn(TABLE_WRITES, key);

/** One item of `commit(operations)`: exactly one key, a generic operation, a table's change, or a table's own name. */
function commitOperation(context: Context, input: Input, index: number): CommitOperation {
  const only = onlyKey(input);
  if (only === undefined)
    throw new EngineError('BAD_USER_INPUT', `operations[${index}] must name exactly one operation`, { details: { operation: index } });
  const [key, value] = only;
  if (isRowKind(key)) {
    const { table, ...args } = value as WriteArguments & { readonly table: string };
    return WRITES[key].operation(asked(genericNames(context, table), args));
  }
  if (isTableKind(key)) return TABLE_WRITES[key](value as Input);
  const typed = context.types.tables.find(({ table }) => table.graphqlName === key);
  if (typed === undefined) throw new EngineError('BAD_USER_INPUT', `operations[${index}]: there is no operation ${key}`);
  return typedOperation(typed, value as Input, index);
}

/** `{orders: {append: [...]}}`: exactly one key again. */
function typedOperation(typed: TypedTable, input: Input, index: number): CommitOperation {
  const [kind, value] = onlyKey(input) ?? [];
  if (kind === undefined || !isRowKind(kind))
    throw new EngineError('BAD_USER_INPUT', `operations[${index}].${typed.table.graphqlName} must name exactly one operation`);
  const { operation, typedValue } = WRITES[kind];
  return operation(asked(typedNames(typed), typedValue === 'arguments' ? (value as WriteArguments) : { [typedValue]: value }));
}
