/** Mutations of rows and tables: arguments of both doors to the operations of a commit. */
import {
  type ColumnChange,
  type ColumnDefinition,
  type CommitOperation,
  type CommitOptions,
  EngineError,
  type Filter,
  type OnConflict,
  type RetentionDefinition,
  type TableDefinition,
} from '../engine/index.ts';
import type { Context } from './context.ts';
import { genericFilter, refuseEmptyFilter, typedFilter } from './filters.ts';
import { type PayloadModel, type WritePayloadModel, withView } from './mutations.ts';
import type { TypedTable } from './table-types.ts';

type Input = Readonly<Record<string, unknown>>;
type Options = { readonly options?: CommitOptions | null | undefined };

/** A filter that says which rows a change is about: an empty object anywhere in it would widen it without a word. */
function changeFilter(tableId: number | undefined, input: Input, path = 'where'): Filter {
  refuseEmptyFilter(input, path);
  return genericFilter(input, tableId);
}

function typedChangeFilter(typed: TypedTable, input: Input, path = 'where'): Filter {
  refuseEmptyFilter(input, path);
  return typedFilter(typed, input);
}

/** What an upsert does to rows that exist, as it comes in: columns and filter by the names of their API. */
export interface OnConflictInput {
  readonly update?: readonly string[] | null | undefined;
  readonly where?: Input | null | undefined;
}

/** @throws EngineError BAD_USER_INPUT where a part of it is null: that would let more rows or columns change */
function conflict(
  input: OnConflictInput | null | undefined,
  columnName: (name: string) => string,
  filter: (where: Input, path: string) => Filter,
): OnConflict | undefined {
  if (input == null) return undefined;
  for (const key of ['update', 'where'] as const) {
    if (input[key] !== null) continue;
    throw new EngineError('BAD_USER_INPUT', `onConflict.${key} is null`, {
      details: { path: `onConflict.${key}` },
      hint:
        key === 'update'
          ? 'Name the columns that may change, [] for none, or leave it out for those that are given.'
          : 'Say which rows may change, or leave it out for all.',
    });
  }
  return {
    update: input.update?.map(columnName),
    where: input.where == null ? undefined : filter(input.where, 'onConflict.where'),
  };
}

export interface GenericWrite {
  readonly table: string;
  readonly rows?: readonly unknown[];
  readonly onConflict?: OnConflictInput | null | undefined;
  readonly where?: Input | null | undefined;
  readonly set?: unknown;
}

/** The generic door's append, replace, delete, update and upsert as operations. */
export function genericOperation(
  { engine }: Context,
  kind: 'append' | 'replace' | 'delete' | 'update' | 'upsert',
  write: GenericWrite,
): CommitOperation {
  const { table, rows = [], where, set } = write;
  const filter = (input: Input, path?: string): Filter => changeFilter(engine.findTable(table)?.id, input, path);
  switch (kind) {
    case 'append':
      return { kind, table, rows };
    case 'upsert':
      return { kind, table, rows, onConflict: conflict(write.onConflict, (name) => name, filter) };
    case 'replace':
      return { kind, table, rows, where: where == null ? undefined : filter(where) };
    case 'delete':
      return { kind, table, where: filter(where ?? {}) };
    case 'update':
      return { kind, table, where: filter(where ?? {}), set: set as Input };
  }
}

export interface TypedWrite {
  readonly rows?: readonly unknown[];
  readonly onConflict?: OnConflictInput | null | undefined;
  readonly where?: Input | null | undefined;
  readonly set?: Input;
}

/** `replaceOrders`, `deleteOrders` and so on as operations. */
export function typedOperation(
  typed: TypedTable,
  kind: 'append' | 'replace' | 'delete' | 'update' | 'upsert',
  { rows = [], where, set = {}, onConflict }: TypedWrite,
): CommitOperation {
  const table = typed.table.name;
  const form = 'graphqlName';
  switch (kind) {
    case 'append':
      return { kind, table, rows, form };
    case 'upsert': {
      const columnName = (name: string): string => typed.byGraphqlName.get(name)?.name ?? name;
      const filter = (input: Input, path: string): Filter => typedChangeFilter(typed, input, path);
      return { kind, table, rows, form, onConflict: conflict(onConflict, columnName, filter) };
    }
    case 'replace':
      return { kind, table, rows, form, where: where == null ? undefined : typedChangeFilter(typed, where) };
    case 'delete':
      return { kind, table, where: typedChangeFilter(typed, where ?? {}) };
    case 'update':
      return { kind, table, where: typedChangeFilter(typed, where ?? {}), set, form };
  }
}

export async function commitOne(context: Context, operation: CommitOperation, { options }: Options): Promise<PayloadModel> {
  return withView(context, await context.engine.commit([operation], options));
}

export async function typedCommit(
  context: Context,
  typed: TypedTable,
  operation: CommitOperation,
  { options }: Options,
): Promise<WritePayloadModel> {
  const result = await context.engine.commit([operation], options);
  return { ...(await withView(context, result)), typed, rows: result.rows };
}

/** `alterTable(changes)`: each item names exactly one change. */
export interface TableChangeInput {
  readonly addColumn?: ColumnDefinition;
  readonly dropColumn?: { readonly name: string };
  readonly renameColumn?: { readonly name: string; readonly to: string; readonly graphqlName?: string | null };
  readonly widenColumn?: Omit<Extract<ColumnChange, { kind: 'widenColumn' }>, 'kind'>;
  readonly makeOptional?: { readonly name: string };
  readonly reorderColumns?: { readonly names: readonly string[] };
  readonly setDescription?: { readonly column?: string | null; readonly description?: string | null };
  readonly setRetention?: RetentionDefinition;
}

export function tableChanges(inputs: readonly TableChangeInput[]): ColumnChange[] {
  return inputs.map((input, index): ColumnChange => {
    const given = Object.entries(input).filter(([, value]) => value !== undefined && value !== null);
    const [kind] = given[0] ?? [];
    if (kind === undefined || given.length > 1)
      throw new EngineError('BAD_USER_INPUT', `changes[${index}] must name exactly one change`, { details: { index } });
    if (input.addColumn != null) return { kind: 'addColumn', column: input.addColumn };
    if (input.dropColumn != null) return { kind: 'dropColumn', ...input.dropColumn };
    if (input.renameColumn != null) return { kind: 'renameColumn', ...input.renameColumn };
    if (input.widenColumn != null) return { kind: 'widenColumn', ...input.widenColumn };
    if (input.makeOptional != null) return { kind: 'makeOptional', ...input.makeOptional };
    if (input.reorderColumns != null) return { kind: 'reorderColumns', ...input.reorderColumns };
    if (input.setDescription != null)
      return { kind: 'setDescription', column: input.setDescription.column, description: input.setDescription.description ?? null };
    const retention = input.setRetention ?? {};
    const none = retention.maxAgeMs == null && retention.minSnapshots == null;
    return { kind: 'setRetention', retention: none ? null : retention };
  });
}

type GenericKind = 'append' | 'replace' | 'delete' | 'update' | 'upsert';
const GENERIC: readonly GenericKind[] = ['append', 'replace', 'delete', 'update', 'upsert'];

/** One item of `commit(operations)`: exactly one key, a generic operation, a table's change, or a table's own name. */
export function commitOperation(context: Context, input: Input, index: number): CommitOperation {
  const given = Object.entries(input).filter(([, value]) => value !== undefined && value !== null);
  const [entry] = given;
  if (entry === undefined || given.length > 1)
    throw new EngineError('BAD_USER_INPUT', `operations[${index}] must name exactly one operation`, { details: { operation: index } });
  const [key, value] = entry as [string, Input];
  const generic = GENERIC.find((kind) => kind === key);
  if (generic !== undefined) return genericOperation(context, generic, value as unknown as GenericWrite);
  if (key === 'createTable') return { kind: 'createTable', definition: value as unknown as TableDefinition };
  if (key === 'dropTable') return { kind: 'dropTable', table: value['table'] as string };
  if (key === 'alterTable')
    return { kind: 'alterTable', table: value['table'] as string, changes: tableChanges(value['changes'] as TableChangeInput[]) };
  const typed = context.types.tables.find(({ table }) => table.graphqlName === key);
  if (typed === undefined) throw new EngineError('BAD_USER_INPUT', `operations[${index}]: there is no operation ${key}`);
  return typedWrite(typed, value, index);
}

/** `{orders: {append: [...]}}`: exactly one key again. */
function typedWrite(typed: TypedTable, input: Input, index: number): CommitOperation {
  const given = Object.entries(input).filter(([, value]) => value !== undefined && value !== null);
  const [kind, value] = given[0] ?? [];
  if (value === undefined || given.length > 1)
    throw new EngineError('BAD_USER_INPUT', `operations[${index}].${typed.table.graphqlName} must name exactly one operation`);
  if (kind === 'append' || kind === 'upsert') return typedOperation(typed, kind, { rows: value as unknown[] });
  if (kind === 'delete') return typedOperation(typed, kind, { where: value as Input });
  return typedOperation(typed, kind as 'replace' | 'update', value as TypedWrite);
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

export async function commitAll(
  context: Context,
  args: { readonly operations: readonly Input[]; readonly options?: CommitOptions | null | undefined },
): Promise<PayloadModel> {
  if (args.operations.length === 0) throw new EngineError('BAD_USER_INPUT', 'operations is empty: there is nothing to commit');
  const operations = args.operations.map((operation, index) => placed(index, () => commitOperation(context, operation, index)));
  return withView(context, await context.engine.commit(operations, args.options));
}
