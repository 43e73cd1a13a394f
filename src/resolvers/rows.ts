/** Pages of rows for both APIs: arguments to engine queries, read once, only with the columns that are selected. */
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
import { Connection } from './connections.ts';
import type { Context } from './context.ts';
import { typedFilter } from './filters.ts';
import { encodeNodeId } from './node-id.ts';
import { type Asked, markedPage, plainCursors, type ViewModel } from './present.ts';
import { below, type Selected, selectedFields, selectedNames, selectionOf } from './selection.ts';
import type { TypedTable } from './table-types.ts';

/** A row on its way to a client, with the columns that were read. */
export interface RowModel extends Asked {
  readonly typed: TypedTable;
  readonly row: Row;
  readonly columns: readonly Column[];
}

/** A page of rows that is read when a field first needs it. `Node` is what the API calls a row. */
export class RowConnection<Node> extends Connection<Node> implements Asked {
  readonly at: TableAt;
  readonly isPresent: boolean;
  readonly where: Filter | undefined;

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
    super(
      async () => {
        const page = markedPage(await read(), { isPresent }, context.session);
        const again = (): void => context.lifetime.budget.charge(bytesOfRows(page.rows));
        return { ...page, nodes: page.rows.map((row) => nodeOf(row, page.columns)), again };
      },
      () => context.session.count(at, where, context.lifetime),
    );
    this.at = at;
    this.where = where;
    this.isPresent = isPresent;
  }
}

type TypedOrder = Readonly<Record<string, Direction>>;

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
  const where = args.where == null ? undefined : typedFilter(typed, args.where);
  const orderBy = args.orderBy?.map((order): Order => typedOrder(typed, order));
  const selected = new Set([...selectedNames(info, ['nodes']), ...selectedNames(info, ['edges', 'node'])]);
  const columns = at.schema.columns.filter((column) => selected.has(column.graphqlName)).map((column) => column.name);
  const query = { ...plainCursors(args, context.session), where, orderBy, columns };
  return new RowConnection<RowModel>(context, {
    at,
    isPresent,
    where,
    read: context.session.preparePage(at, query, context.lifetime),
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
  const table = context.session.tableById(typed.table.id);
  return table === undefined ? undefined : context.session.tableAt(table, snapshotId as TableAt['snapshotId'], typed.table.schema);
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
  const row = await context.session.rowByKey(at, key, columns, context.lifetime);
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

/** What is selected below some aggregate fields. */
export function selectedTerms(typed: TypedTable, info: GraphQLResolveInfo, aggregates: Selected | undefined): AggregateTerm[] {
  const terms = new Map<string, AggregateTerm>();
  for (const field of aggregates === undefined ? [] : selectedFields(info, aggregates)) {
    const name = AGGREGATE_FIELDS[field.name.value];
    if (field.name.value === 'count') terms.set('COUNT', { function: 'COUNT' });
    const columns = aggregates === undefined ? undefined : below(aggregates, field);
    if (name === undefined || columns === undefined) continue;
    for (const { name: columnField } of selectedFields(info, columns)) {
      const column = typed.byGraphqlName.get(columnField.value);
      if (column !== undefined) terms.set(aggregateKey(name, column), { function: name, column: column.name });
    }
  }
  return [...terms.values()];
}

/** The values of some terms, under the keys that the fields look for. */
export function aggregateModel(terms: readonly AggregateTerm[], values: readonly unknown[]): AggregateModel {
  return new Map(terms.map((term, at) => [term.column == null ? term.function : `${term.function}:${term.column}`, values[at] ?? null]));
}

/** `orders { aggregate { sum { amount } } }`: one scan for all that is selected, none where only an unfiltered count is. */
export async function typedAggregate(
  context: Context,
  typed: TypedTable,
  rows: RowConnection<RowModel>,
  info: GraphQLResolveInfo,
): Promise<AggregateModel> {
  const terms = selectedTerms(typed, info, selectionOf(info));
  if (terms.length === 0) return new Map();
  if (terms.every((term) => term.column == null)) return new Map([['COUNT', await rows.totalCount()]]);
  const values = await context.session.aggregate(rows.at, { where: rows.where, terms }, context.lifetime);
  return aggregateModel(terms, values);
}
