/** Diffs and changes, for both APIs. */
import type { GraphQLResolveInfo } from 'graphql';
import {
  type AsOf,
  asSnapshotId,
  type ChangeKind,
  type Column,
  diffCursorTo,
  type Filter,
  type Instant,
  type PageArguments,
  type Row,
  type RowChange,
  type Snapshot,
  type SnapshotId,
  type Table,
  type TableDiff,
  toWire,
} from '../engine/index.ts';
import { asOfOf, type InstantArguments } from './as-of.ts';
import { Connection } from './connections.ts';
import type { Context } from './context.ts';
import { genericFilter, typedFilter } from './filters.ts';
import { tableOf } from './history.ts';
import { encodeNodeId } from './node-id.ts';
import type { RowModel } from './rows.ts';
import { cursorsBelow } from './selection.ts';
import type { TypedTable } from './table-types.ts';

/** The whole catalog between two instants. */
export interface CatalogDiffModel {
  readonly from: Instant;
  readonly to: Instant;
  /** Only these tables, where a restore names some. */
  readonly only: readonly Table[] | undefined;
  /** Rows that are left out, by table: those that a revert leaves as they are. */
  readonly without?: ReadonlyMap<number, readonly number[]> | undefined;
}

export async function catalogDiff(
  context: Context,
  args: { readonly from: InstantArguments; readonly to?: InstantArguments | null | undefined },
  info: GraphQLResolveInfo,
): Promise<CatalogDiffModel> {
  const { session } = context;
  const from = await session.resolve(asOfOf({ at: args.from }), context.lifetime.signal);
  const to = await session.resolve(args.to == null ? newestOrPinned(context, info) : asOfOf({ at: args.to }), context.lifetime.signal);
  context.hold(from.snapshotId);
  context.hold(to.snapshotId);
  return { from, to, only: undefined };
}

/** Pages that go on from a cursor are of the diff that the cursor is of, also where newer commits have come since. */
function newestOrPinned({ session }: Context, info: GraphQLResolveInfo): AsOf {
  const [snapshotId] = cursorsBelow(info).flatMap((cursor) => diffCursorTo(cursor, session.incarnation) ?? []);
  return snapshotId === undefined ? { kind: 'newest' } : { kind: 'snapshot', snapshotId };
}

export interface DiffArguments {
  readonly mode?: 'NET' | 'FULL' | null | undefined;
  readonly where?: Readonly<Record<string, unknown>> | null | undefined;
  readonly kinds?: readonly ChangeKind[] | null | undefined;
}

function query(model: CatalogDiffModel, table: Table, args: DiffArguments, asked: Filter | undefined) {
  const without = model.without?.get(table.id) ?? [];
  const others: Filter = { kind: 'in', column: '_rowId', values: without, negated: true };
  const where: Filter | undefined = without.length === 0 ? asked : asked === undefined ? others : { kind: 'and', filters: [others, asked] };
  return {
    from: model.from.snapshotId,
    to: model.to.snapshotId,
    mode: args.mode ?? undefined,
    where,
    kinds: args.kinds ?? undefined,
  };
}

/** One table of a diff, through the generic API. */
async function tableDiff(context: Context, model: CatalogDiffModel, table: Table, args: DiffArguments): Promise<TableDiff> {
  const where = args.where == null ? undefined : genericFilter(args.where, table.id);
  return context.session.diff(table, query(model, table, args, where), context.lifetime);
}

/** Null where the table was there at neither instant; TABLE_NOT_FOUND where no table ever had the name. */
export async function tableDiffNamed(
  context: Context,
  model: CatalogDiffModel,
  args: DiffArguments & { readonly name: string },
): Promise<TableDiff | null> {
  // A name may have been several tables' over time: the newest that was there at either instant.
  const named = context.session.tablesEverNamed(args.name);
  const newest = Math.max(model.from.snapshotId, model.to.snapshotId);
  const table = named.find((candidate) => candidate.createdSnapshotId <= newest) ?? (named[0] as Table);
  if (model.only !== undefined && !model.only.some(({ id }) => id === table.id)) return null;
  if (table.createdSnapshotId > Math.max(model.from.snapshotId, model.to.snapshotId)) return null;
  return tableDiff(context, model, table, args);
}

/** The tables in which anything differs, in the order of their creation. */
export async function changedTables(context: Context, model: CatalogDiffModel): Promise<TableDiff[]> {
  const { session } = context;
  const found: TableDiff[] = [];
  for (const { id } of model.only ?? session.tables(true)) {
    const table = session.tableById(id) as Table;
    const [one, other] = [await last(context, table, model.from.snapshotId), await last(context, table, model.to.snapshotId)];
    if (one?.snapshotId === other?.snapshotId) continue;
    const diff = await tableDiff(context, model, table, {});
    if (diff.insertedRows + diff.updatedRows + diff.deletedRows > 0) found.push(diff);
  }
  return found;
}

function last(context: Context, table: Table, at: SnapshotId): Promise<Snapshot | undefined> {
  return context.session.snapshotAtOrBefore(table, at);
}

/** A change through the generic API. */
export interface RowChangeModel {
  readonly change: RowChange;
  readonly table: Table;
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
}

/** A row as a JSON object with the columns' own names. */
export function jsonRow(row: Row | null, columns: readonly Column[]): Readonly<Record<string, unknown>> | null {
  return row === null ? null : Object.fromEntries(columns.map((column, at) => [column.name, toWire(column, row.cells[at] ?? null)]));
}

/** The changes of a diff, which has counted them all. */
function connectionOf<T>(diff: TableDiff, args: PageArguments, nodeOf: (change: RowChange) => T): Connection<T> {
  const read = diff.preparePage(args);
  return new Connection(
    async () => {
      const page = await read();
      return { ...page, nodes: page.changes.map(nodeOf) };
    },
    () => diff.insertedRows + diff.updatedRows + diff.deletedRows,
  );
}

export function genericChanges(diff: TableDiff, args: PageArguments): Connection<RowChangeModel> {
  return connectionOf(diff, args, (change) => ({
    change,
    table: diff.table,
    before: jsonRow(change.before, diff.before.columns),
    after: jsonRow(change.after, diff.after.columns),
  }));
}

export function changeRowId({ change, table }: RowChangeModel): string {
  return encodeNodeId({ kind: 'row', tableId: table.id, rowId: change.rowId });
}

/** `Snapshot.changes`: what the commit did to the table's rows. */
export async function snapshotChanges(context: Context, snapshot: Snapshot, args: PageArguments): Promise<Connection<RowChangeModel>> {
  const { snapshotId } = snapshot;
  const span = { from: asSnapshotId(snapshotId - 1), to: snapshotId, mode: 'FULL' as const };
  const diff = await context.session.diff(tableOf(context, snapshot), span, context.lifetime);
  return genericChanges(diff, args);
}

/** `diff { orders }`. */
export interface TypedDiffModel {
  readonly typed: TypedTable;
  readonly diff: TableDiff;
}

export async function typedDiff(
  context: Context,
  model: CatalogDiffModel,
  typed: TypedTable,
  args: DiffArguments,
): Promise<TypedDiffModel | null> {
  const table = context.session.tableById(typed.table.id);
  if (table === undefined || table.createdSnapshotId > Math.max(model.from.snapshotId, model.to.snapshotId)) return null;
  if (model.only !== undefined && !model.only.some(({ id }) => id === table.id)) return null;
  const where = args.where == null ? undefined : typedFilter(typed, args.where);
  const asked = { ...query(model, table, args, where), schema: typed.table.schema };
  return { typed, diff: await context.session.diff(table, asked, context.lifetime) };
}

export interface TypedChangeModel {
  readonly change: RowChange;
  readonly before: RowModel | null;
  readonly after: RowModel | null;
}

/** A version of a row, in all of its table's columns. */
export function typedRowModel(typed: TypedTable, row: Row | null): RowModel | null {
  return row === null ? null : { typed, row, columns: typed.table.schema.columns, isPresent: false };
}

export function typedChanges({ typed, diff }: TypedDiffModel, args: PageArguments): Connection<TypedChangeModel> {
  return connectionOf(diff, args, (change) => ({
    change,
    before: typedRowModel(typed, change.before),
    after: typedRowModel(typed, change.after),
  }));
}

/** A commit of an end of a diff; null before the first. */
export function commitOfInstant(context: Context, { snapshotId }: Instant) {
  return snapshotId === 0 ? null : context.session.commitOf(snapshotId);
}
