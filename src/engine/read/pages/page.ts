/**
 * Pages of rows. Without orderBy a page reads a window of row identities, sized to be full and widened until it is, so
 * its cost follows the page and not the table; with orderBy the order is made total by the row's identity.
 */
import { fromDuck } from '../../data/cells.ts';
import type { QueryOptions } from '../../data/duckdb.ts';
import { EngineError } from '../../model/errors.ts';
import { asRowId, asSnapshotId, type RowId, type SnapshotId, type TableId } from '../../model/ids.ts';
import { LIMITS, limitExceeded } from '../../model/limits.ts';
import { columnNamed } from '../../model/schema.ts';
import type { Cell, Column, TableSchema } from '../../model/types.ts';
import { type CheckedFilter, checkFilter, type Filter, withFilterColumns } from '../scan/filter.ts';
import { beyondSql, type CheckedOrder, checkOrder, type Order, type OrderPlace, orderSql } from '../scan/order.ts';
import { type Row, versionTerms } from '../scan/row.ts';
import type { Scanner } from '../scan/scanner.ts';
import { sql, where } from '../scan/sql.ts';
import type { RowWindow } from '../scan/visibility.ts';
import { decodeRowCursor, encodeRowCursor } from './cursor.ts';

export interface PageArguments {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly last?: number | null | undefined;
  readonly before?: string | null | undefined;
}

/** Which rows a page has, and in which order. */
export interface RowsQuery extends PageArguments {
  /** Only rows that match; by default all. */
  readonly where?: Filter | undefined;
  /** The order; ties, and pages without it, are in the order of insertion. */
  readonly orderBy?: readonly Order[] | undefined;
  /** Names of the columns to read; by default all. */
  readonly columns?: readonly string[] | undefined;
}

/** A page of rows. */
export interface RowPage {
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  /** The cursor of the row at a position of this page, from 0. Pass it as `after` or `before`. */
  cursorAt(index: number): string;
}

/** The table and instant that a page is read at. */
export interface PageTarget {
  readonly tableId: TableId;
  readonly schema: TableSchema;
  readonly snapshotId: SnapshotId;
  /** Identities of rows at this snapshot are below it. */
  readonly nextRow: RowId;
}

/** @throws EngineError BAD_USER_INPUT, LIMIT_EXCEEDED */
export function pageSize({ first, last }: PageArguments): { limit: number; backward: boolean } {
  if (first != null && last != null) throw new EngineError('BAD_USER_INPUT', 'give first or last, not both');
  const limit = first ?? last ?? LIMITS.pageDefault;
  const name = last != null ? 'last' : 'first';
  if (!Number.isInteger(limit) || limit < 0) throw new EngineError('BAD_USER_INPUT', `${name}: ${limit} is not a count: give 0 or more`);
  if (limit > LIMITS.pageMax)
    throw limitExceeded(name, LIMITS.pageMax, limit, `Ask for pages of up to ${LIMITS.pageMax}; after: endCursor is the next one.`);
  return { limit, backward: last != null };
}

/** What a page is asked for, found right. */
interface CheckedPage {
  readonly target: PageTarget;
  readonly limit: number;
  readonly backward: boolean;
  readonly filter: CheckedFilter | undefined;
  readonly order: CheckedOrder;
  readonly after: OrderPlace | undefined;
  readonly before: OrderPlace | undefined;
  readonly columns: readonly Column[];
}

/** A read row with the cells that its cursor needs. */
interface ReadRow extends Row {
  readonly orderCells: readonly Cell[];
}

/** Rows of the first window of a page with a filter, and how much wider each next one is. */
const FILTER_WINDOW_ROWS = 16_384;
const WINDOW_GROWTH = 8;

/** @throws EngineError of Scanner.scan */
export async function readPage(scanner: Scanner, page: CheckedPage, options: QueryOptions): Promise<RowPage> {
  const wanted = page.limit + 1;
  const inserted = page.order.terms.length === 0;
  const found = await (inserted ? readWindows(scanner, page, wanted, options) : readOrdered(scanner, page, wanted, options));
  const more = found.length > page.limit;
  const rows = found.slice(0, page.limit);
  if (page.backward) rows.reverse();
  return {
    columns: page.columns,
    rows,
    hasNextPage: page.backward ? page.before !== undefined : more,
    hasPreviousPage: page.backward ? more : page.after !== undefined,
    cursorAt: (index) => {
      const row = rows[index] as ReadRow;
      return encodeRowCursor(page.target, page.order, { cells: row.orderCells, row: row.rowId });
    },
  };
}

/** @throws EngineError of pageSize, checkFilter, checkOrder, decodeRowCursor; COLUMN_NOT_FOUND */
export function checkPage(target: PageTarget, query: RowsQuery): CheckedPage {
  const { schema } = target;
  const { limit, backward } = pageSize(query);
  const order = checkOrder(schema, query.orderBy ?? []);
  return {
    target,
    limit,
    backward,
    order,
    filter: query.where === undefined ? undefined : checkFilter(schema, query.where),
    after: query.after == null ? undefined : decodeRowCursor(query.after, target, order, 'after'),
    before: query.before == null ? undefined : decodeRowCursor(query.before, target, order, 'before'),
    columns: query.columns === undefined ? schema.columns : query.columns.map((name) => columnNamed(schema, name, 'columns')),
  };
}

/** Insertion order: windows of row identities, from the page's end that is asked for. */
async function readWindows(scanner: Scanner, page: CheckedPage, wanted: number, options: QueryOptions): Promise<ReadRow[]> {
  const lo = page.after === undefined ? 0 : page.after.row + 1;
  const hi = page.before === undefined ? page.target.nextRow : Math.min(page.before.row, page.target.nextRow);
  const found: ReadRow[] = [];
  let size = page.filter === undefined ? wanted : FILTER_WINDOW_ROWS;
  let left = lo;
  let right = hi;
  while (left < right && found.length < wanted) {
    const window: RowWindow = page.backward
      ? { lo: Math.max(left, right - size), hi: right }
      : { lo: left, hi: Math.min(right, left + size) };
    const limit = wanted - found.length;
    found.push(
      ...(page.filter === undefined
        ? await readPlain(scanner, page, window, limit, options)
        : await read(scanner, page, { window, limit }, options)),
    );
    if (page.backward) right = window.lo;
    else left = window.hi;
    size *= WINDOW_GROWTH;
  }
  return found;
}

/** A window without a filter: its rows are what their identities say. */
async function readPlain(
  scanner: Scanner,
  { target, columns, backward }: CheckedPage,
  window: RowWindow,
  limit: number,
  options: QueryOptions,
): Promise<ReadRow[]> {
  const { tableId, snapshotId, nextRow } = target;
  const rows = await scanner.window({ tableId, snapshotId, window, nextRow, columns }, options);
  if (backward) rows.reverse();
  return rows.slice(0, limit).map((row) => ({ ...row, orderCells: [] }));
}

async function readOrdered(scanner: Scanner, page: CheckedPage, wanted: number, options: QueryOptions): Promise<ReadRow[]> {
  return page.target.nextRow === 0 ? [] : read(scanner, page, { window: undefined, limit: wanted }, options);
}

async function read(
  scanner: Scanner,
  page: CheckedPage,
  { window, limit }: { readonly window: RowWindow | undefined; readonly limit: number },
  options: QueryOptions,
): Promise<ReadRow[]> {
  const { target, filter, order, columns, backward } = page;
  const ordered = order.terms.map((term) => term.column);
  const selected = [...columns, ...ordered];
  const result = await scanner.scan(
    {
      tableId: target.tableId,
      visibility: { kind: 'visible', at: target.snapshotId },
      window,
      filter,
      columns: withFilterColumns(selected, filter),
      hidden: 'version',
      statement: (relation, matching) => {
        const beyond = (place: OrderPlace | undefined, side: 'after' | 'before') =>
          window === undefined && place !== undefined ? beyondSql(order, place, side) : undefined;
        const clause = where(matching, beyond(page.after, 'after'), beyond(page.before, 'before'));
        return sql`SELECT ${versionTerms(selected)} FROM ${relation}${clause} ORDER BY ${orderSql(order, backward)} LIMIT ${limit}`;
      },
    },
    options,
  );
  return result.map((values): ReadRow => {
    const cells = selected.map((column, at) => fromDuck(column, values[at + 2] ?? null));
    return {
      rowId: asRowId(Number(values[0])),
      fromSnapshotId: asSnapshotId(Number(values[1])),
      cells: cells.slice(0, columns.length),
      orderCells: cells.slice(columns.length),
    };
  });
}
