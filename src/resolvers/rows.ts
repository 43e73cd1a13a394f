/** Pages of rows for both doors: arguments to engine queries, read once, only with the columns that are selected. */
import type { GraphQLResolveInfo } from 'graphql';
import {
  type AggregateFunction,
  type AggregateTerm,
  bytesOfRows,
  type Column,
  type Direction,
  EngineError,
  type Filter,
  type Order,
  type PageArguments,
  type Row,
  type RowPage,
  type TableAt,
  toWire,
} from '../engine/index.ts';
import type { PageInfo } from './connections.ts';
import type { Context } from './context.ts';
import { typedFilter } from './filters.ts';
import { encodeNodeId } from './node-id.ts';
import { type Asked, markedPage, plainCursors, type ViewModel } from './present.ts';
import { selectedFields, selectedNames } from './selection.ts';
import type { TypedTable } from './table-types.ts';
import { refuseUnsetOperands } from './unset-operands.ts';

/** A row on its way to a client, with the columns that were read. */
export interface RowModel extends Asked {
  readonly typed: TypedTable;
  readonly row: Row;
  readonly columns: readonly Column[];
}

export interface RowEdge<Node> {
  readonly cursor: () => string;
  readonly node: Node;
}

/** A page that is read when a field first needs it. `Node` is what the door calls a row. */
export class RowConnection<Node> {
  readonly at: TableAt;
  readonly where: Filter | undefined;
  readonly #read: () => Promise<RowPage>;
  readonly #nodeOf: (row: Row, columns: readonly Column[]) => Node;
  readonly #context: Context;
  #page: Promise<RowPage> | undefined;
  #isWritten = false;

  constructor(
    context: Context,
    {
      at,
      isPresent,
      where,
      read,
      nodeOf,
    }: Asked & {
      readonly at: TableAt;
      readonly where: Filter | undefined;
      readonly read: () => Promise<RowPage>;
      readonly nodeOf: (row: Row, columns: readonly Column[]) => Node;
    },
  ) {
    this.#context = context;
    this.at = at;
    this.where = where;
    this.#read = async () => markedPage(await read(), { isPresent }, context.engine);
    this.#nodeOf = nodeOf;
  }

  page(): Promise<RowPage> {
    this.#page ??= this.#read();
    return this.#page;
  }

  /** Counts a page that is written once more, under another alias: its values are made again. */
  async #again(): Promise<RowPage> {
    const page = await this.page();
    if (this.#isWritten) this.#context.lifetime.budget.charge(bytesOfRows(page.rows));
    this.#isWritten = true;
    return page;
  }

  async nodes(): Promise<Node[]> {
    const page = await this.#again();
    return page.rows.map((row) => this.#nodeOf(row, page.columns));
  }

  async edges(): Promise<RowEdge<Node>[]> {
    const page = await this.#again();
    return page.rows.map((row, index) => ({ cursor: () => page.cursorAt(index), node: this.#nodeOf(row, page.columns) }));
  }

  async pageInfo(): Promise<PageInfo> {
    const page = await this.page();
    const last = page.rows.length - 1;
    return {
      hasNextPage: page.hasNextPage,
      hasPreviousPage: page.hasPreviousPage,
      startCursor: last < 0 ? null : page.cursorAt(0),
      endCursor: last < 0 ? null : page.cursorAt(last),
    };
  }

  totalCount(): Promise<number> {
    return this.#context.engine.read.count(this.at, this.where, this.#context.lifetime);
  }
}

export type TypedOrder = Readonly<Record<string, Direction>>;

export interface TypedRowsArguments extends PageArguments {
  readonly where?: Readonly<Record<string, unknown>> | null | undefined;
  readonly orderBy?: readonly TypedOrder[] | null | undefined;
}

/** A table, and the view of the catalog that it is read in. */
export interface TypedIn {
  readonly typed: TypedTable;
  readonly view: ViewModel;
}

/** `asOf { orders(...) }`: undefined where the table did not exist at the instant. */
export async function typedRows(
  context: Context,
  { typed, view: { snapshotId, isPresent } }: TypedIn,
  args: TypedRowsArguments,
  info: GraphQLResolveInfo,
): Promise<RowConnection<RowModel> | null> {
  const at = await typedTableAt(context, typed, snapshotId);
  if (at === undefined) return null;
  refuseUnsetOperands(info);
  const where = args.where == null ? undefined : typedFilter(typed, args.where);
  const orderBy = args.orderBy?.map((order): Order => typedOrder(typed, order));
  const selected = new Set([...selectedNames(info, ['nodes']), ...selectedNames(info, ['edges', 'node'])]);
  const columns = at.schema.columns.filter((column) => selected.has(column.graphqlName)).map((column) => column.name);
  return new RowConnection<RowModel>(context, {
    at,
    isPresent,
    where,
    read: () => context.engine.read.page(at, { ...plainCursors(args, context.engine), where, orderBy, columns }, context.lifetime),
    nodeOf: (row, pageColumns) => ({ typed, row, columns: pageColumns, isPresent }),
  });
}

function typedOrder(typed: TypedTable, order: TypedOrder): Order {
  const [entry] = Object.entries(order);
  if (entry === undefined || entry[1] === null)
    throw new EngineError('BAD_USER_INPUT', 'orderBy: an item names one column and its direction');
  return { column: typed.byGraphqlName.get(entry[0])?.name ?? entry[0], direction: entry[1] };
}

/** The typed table at an instant, with the columns of the GraphQL schema. */
export async function typedTableAt(context: Context, typed: TypedTable, snapshotId: number): Promise<TableAt | undefined> {
  const table = context.engine.tableById(typed.table.id);
  return table === undefined ? undefined : context.engine.read.tableAt(table, snapshotId as TableAt['snapshotId'], typed.table.schema);
}

/** `ordersByKey(order_id: ...)`. */
export async function typedRowByKey(
  context: Context,
  { typed, view: { snapshotId, isPresent } }: TypedIn,
  args: Readonly<Record<string, unknown>>,
  info: GraphQLResolveInfo,
): Promise<RowModel | null> {
  const at = await typedTableAt(context, typed, snapshotId);
  if (at === undefined) return null;
  const key = Object.fromEntries(Object.entries(args).map(([name, value]) => [typed.byGraphqlName.get(name)?.name ?? name, value]));
  const selected = selectedNames(info, []);
  const columns = at.schema.columns.filter((column) => selected.has(column.graphqlName));
  const row = await context.engine.read.rowByKey(at, key, columns, context.lifetime);
  return row === undefined ? null : { typed, row, columns, isPresent };
}

/** What was asked for: the row itself at the present, the version at a named instant. */
export function rowNodeId(model: RowModel, incarnation: string): string {
  const { typed, row, isPresent } = model;
  if (isPresent) return rowIdentity(model);
  return encodeNodeId({ kind: 'rowVersion', tableId: typed.table.id, rowId: row.rowId, snapshotId: row.fromSnapshotId, incarnation });
}

export function rowIdentity({ typed, row }: RowModel): string {
  return encodeNodeId({ kind: 'row', tableId: typed.table.id, rowId: row.rowId });
}

/** A column's value in wire form. */
export function rowValue({ row, columns }: RowModel, column: Column): unknown {
  const index = columns.findIndex((candidate) => candidate.fieldId === column.fieldId);
  return index < 0 ? null : toWire(column, row.cells[index] ?? null);
}

/**
 * The same where the field is never null. A subscription keeps the GraphQL types that it began with, also where rows come
 * meanwhile that have no value in the column. @throws EngineError SCHEMA_MISMATCH
 */
export function requiredValue(model: RowModel, column: Column): unknown {
  const value = rowValue(model, column);
  if (value !== null) return value;
  const { name } = model.typed.table;
  throw new EngineError('SCHEMA_MISMATCH', `column ${column.name} of table ${name} has no value in a row, but its field is never null`, {
    details: { table: name, column: column.name },
    hint: 'The columns have changed meanwhile: ask again, subscribe again from the last cursor; or read it through the generic API.',
  });
}

/** Values that are made anew each time that they are asked for, and may be large: each alias of one counts. */
export function isMade({ type }: Column): boolean {
  return type === 'JSON' || type === 'BINARY';
}

export function chargeCell({ lifetime }: Context, { row, columns }: RowModel, column: Column): void {
  const cell = row.cells[columns.findIndex((candidate) => candidate.fieldId === column.fieldId)];
  if (typeof cell === 'string' || cell instanceof Uint8Array) lifetime.budget.charge(cell.length);
}

/** Field names of a typed aggregate and the functions they stand for. */
const AGGREGATE_FIELDS: Readonly<Record<string, AggregateFunction>> = {
  sum: 'SUM',
  avg: 'AVG',
  min: 'MIN',
  max: 'MAX',
  countDistinct: 'COUNT_DISTINCT',
};

/** Values of an aggregate, by function and column name; COUNT under its own name. */
export type AggregateModel = ReadonlyMap<string, unknown>;

export function aggregateKey(name: AggregateFunction, column: Column): string {
  return `${name}:${column.name}`;
}

/** What is selected below an aggregate field. */
function selectedTerms(typed: TypedTable, info: GraphQLResolveInfo, path: readonly string[]): AggregateTerm[] {
  const terms = new Map<string, AggregateTerm>();
  let nodes: GraphQLResolveInfo['fieldNodes'] = info.fieldNodes;
  for (const name of path) nodes = selectedFields(info, nodes).filter((field) => field.name.value === name);
  for (const field of selectedFields(info, nodes)) {
    const name = AGGREGATE_FIELDS[field.name.value];
    if (field.name.value === 'count') terms.set('COUNT', { function: 'COUNT' });
    if (name === undefined) continue;
    for (const { name: columnField } of selectedFields(info, [field])) {
      const column = typed.byGraphqlName.get(columnField.value);
      if (column !== undefined) terms.set(aggregateKey(name, column), { function: name, column: column.name });
    }
  }
  return [...terms.values()];
}

function termKey(term: AggregateTerm): string {
  return term.column == null ? term.function : `${term.function}:${term.column}`;
}

/** `orders { aggregate { sum { amount } } }`: one scan for all that is selected, none where only an unfiltered count is. */
export async function typedAggregate(
  context: Context,
  typed: TypedTable,
  rows: RowConnection<RowModel>,
  info: GraphQLResolveInfo,
): Promise<AggregateModel> {
  const terms = selectedTerms(typed, info, []);
  if (terms.length === 0) return new Map();
  if (terms.every((term) => term.column == null)) return new Map([['COUNT', await rows.totalCount()]]);
  const [result] = await context.engine.read.aggregate(rows.at, { where: rows.where, terms }, context.lifetime);
  return new Map(terms.map((term, index) => [termKey(term), result?.values[index] ?? null]));
}

export interface GroupModel {
  readonly key: ReadonlyMap<number, unknown>;
  readonly aggregate: AggregateModel;
}

/** `orders { groupBy(columns: [status]) { key { status } aggregate { count } } }`, the largest group first. */
export async function typedGroups(
  context: Context,
  typed: TypedTable,
  rows: RowConnection<RowModel>,
  args: { readonly columns: readonly string[]; readonly first?: number | null | undefined },
  info: GraphQLResolveInfo,
): Promise<GroupModel[]> {
  const columns = [...new Set(args.columns)].map((name) => typed.byGraphqlName.get(name) as Column);
  if (columns.length === 0) throw new EngineError('BAD_USER_INPUT', 'groupBy: columns is empty');
  const terms = selectedTerms(typed, info, ['aggregate']);
  const groups = await context.engine.read.aggregate(
    rows.at,
    { where: rows.where, terms, groupBy: columns.map((column) => column.name), first: args.first ?? undefined },
    context.lifetime,
  );
  return groups.map((group) => ({
    key: new Map(columns.map((column, index) => [column.fieldId, group.key[index] ?? null])),
    aggregate: new Map(terms.map((term, index) => [termKey(term), group.values[index] ?? null])),
  }));
}
