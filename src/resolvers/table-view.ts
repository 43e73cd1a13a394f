/** One table at one instant through the generic API: rows as JSON objects, aggregates by name. */
import type { GraphQLResolveInfo } from 'graphql';
import { type Order, type PageArguments, type Table, type TableAt, toWire } from '../engine/index.ts';
import { type AsOfArguments, resolveInstant, tableAtOrThrow } from './as-of.ts';
import { type Connection, listConnection } from './connections.ts';
import type { Context } from './context.ts';
import { genericFilter } from './filters.ts';
import { type Asked, plainCursors, type ViewModel } from './present.ts';
import { RowConnection } from './rows.ts';

/** One table at one instant. */
export interface TableViewModel extends Asked {
  readonly at: TableAt;
}

type JsonRow = Readonly<Record<string, unknown>>;

export interface RowsArguments extends PageArguments {
  readonly where?: Readonly<Record<string, unknown>> | null | undefined;
  readonly orderBy?: readonly Order[] | null | undefined;
  readonly columns?: readonly string[] | null | undefined;
}

/** `table(name).asOf(...)`. */
export async function tableAsOf(context: Context, table: Table, args: AsOfArguments, info: GraphQLResolveInfo): Promise<TableViewModel> {
  const view = await resolveInstant(context, args, info);
  return { at: await tableAtOrThrow(context, table, view), isPresent: view.isPresent };
}

/** `asOf { table(name) }`: null where the table did not exist then. @throws EngineError TABLE_NOT_FOUND where it never did */
export async function tableInView(context: Context, view: ViewModel, name: string): Promise<TableViewModel | null> {
  // A name may have been several tables' over time: the one that had it at the instant.
  for (const table of context.session.tablesEverNamed(name)) {
    const at = await context.session.tableAt(table, view.snapshotId);
    if (at !== undefined) return { at, isPresent: view.isPresent };
  }
  return null;
}

export function viewRows(context: Context, { at, isPresent }: TableViewModel, args: RowsArguments): RowConnection<JsonRow> {
  const where = args.where == null ? undefined : genericFilter(args.where, at.table.id);
  const { first, after, last, before } = args;
  const query = {
    ...plainCursors({ first, after, last, before }, context.session),
    where,
    orderBy: args.orderBy ?? undefined,
    columns: args.columns ?? undefined,
  };
  return new RowConnection<JsonRow>(context, {
    at,
    isPresent,
    where,
    read: context.session.preparePage(at, query, context.lifetime),
    nodeOf: (row, columns) => Object.fromEntries(columns.map((column, index) => [column.name, toWire(column, row.cells[index] ?? null)])),
  });
}

/** A file or the hot rows, for manifests. */
export interface DataFileModel {
  readonly path: string | null;
  readonly kind: 'PARQUET' | 'HOT';
  readonly rowCount: number;
  readonly sizeBytes: number;
  readonly sha256: string | null;
  readonly fromSnapshotId: number;
  readonly toSnapshotId: number;
  readonly bounds: readonly { readonly column: string; readonly min: unknown; readonly max: unknown; readonly nullCount: number }[];
}

export function manifestOf(context: Context, at: TableAt, args: PageArguments): Connection<DataFileModel> {
  const files = context.session.manifest(at).map(
    (entry): DataFileModel => ({
      ...entry,
      bounds: entry.bounds.map(({ column, min, max, nullCount }) => ({
        column: column.name,
        min: toWire(column, min),
        max: toWire(column, max),
        nullCount,
      })),
    }),
  );
  return listConnection(files, args, (file) => file.path ?? 'hot');
}
