/** The rows that a change is about: those that match a filter or have certain identities, with where each version lies. */
import type { TableState } from '../../catalog/state.ts';
import { fromDuck } from '../../data/cells.ts';
import { type Duck, namedColumns, type QueryOptions, runOn } from '../../data/duckdb.ts';
import { CHUNK_ROWS, ChunkAppender, tableColumns } from '../../data/load-rows.ts';
import type { FileId, SnapshotId } from '../../model/ids.ts';
import type { Cell, Cells, Column } from '../../model/types.ts';
import { type CheckedFilter, withFilterColumns } from './filter.ts';
import { filterSql } from './filter-sql.ts';
import { cellMatcher, type VersionInMemory } from './match-cells.ts';
import { rowIsAmong } from './rows-sql.ts';
import type { Scanner } from './scanner.ts';
import { EMPTY, joinSql, literal, nameOf, type Sql, sql, trusted, where } from './sql.ts';
import { ROW_ID } from './version-columns.ts';
import type { RowWindow, Visibility } from './visibility.ts';

/** A version of a row, and the file that holds it. */
export interface Matched {
  readonly row: number;
  readonly from: SnapshotId;
  readonly fileId: FileId;
  /** The commit that ended it, where ended versions were asked for. */
  readonly to: SnapshotId | undefined;
  readonly cells: Cells;
}

/** Versions without their values, of one file, by identity. */
export interface MatchedInFile {
  readonly fileId: FileId;
  readonly rows: Float64Array;
  readonly froms: Float64Array;
  /** Cells of the columns that were asked for, a column at a time. */
  readonly cells: readonly (readonly Cell[])[];
}

export interface MatchRequest {
  readonly filter: CheckedFilter | undefined;
  readonly columns: readonly Column[];
  readonly window?: RowWindow | undefined;
  /** At most so many, the first by identity. */
  readonly limit?: number | undefined;
}

/** Rows in memory up to which a filter is tried on them here and not by DuckDB. */
const TRIED_HERE_MAX = 10_000;

/** The position of a row among those that DuckDB tries a filter on. */
const PLACE: Column = { ...ROW_ID, name: '_place', fieldId: -3 };

export class Matcher {
  readonly #scanner: Scanner;
  readonly #duck: Duck;
  #nextName = 1;

  constructor(scanner: Scanner, duck: Duck) {
    this.#scanner = scanner;
    this.#duck = duck;
  }

  /** How many versions match; the table is of a state that the caller has pinned, here and below. */
  async count(table: TableState, visibility: Visibility, filter: CheckedFilter | undefined, options: QueryOptions): Promise<number> {
    const [row] = await this.#scanner.scanTable(
      table,
      {
        tableId: table.id,
        visibility,
        filter,
        columns: withFilterColumns([], filter),
        hidden: 'none',
        statement: (relation, matching) => sql`SELECT count(*) FROM ${relation}${where(matching)}`,
      },
      options,
    );
    return Number(row?.[0]);
  }

  /** Versions that match, by identity. */
  match(table: TableState, visibility: Visibility, request: MatchRequest, options: QueryOptions): Promise<Matched[]> {
    return this.#read(table, visibility, request, options);
  }

  /** Versions of rows with certain identities, by identity. */
  async rows(
    table: TableState,
    visibility: Visibility,
    ids: readonly number[],
    columns: readonly Column[],
    options: QueryOptions,
  ): Promise<Matched[]> {
    if (ids.length === 0) return [];
    const sorted = [...ids].sort((left, right) => left - right);
    const window = { lo: sorted[0] as number, hi: (sorted.at(-1) as number) + 1 };
    return this.#read(table, visibility, { filter: undefined, columns, condition: rowIsAmong(sorted), window }, options);
  }

  async #read(
    table: TableState,
    visibility: Visibility,
    { filter, columns, condition, window, limit }: MatchRequest & { readonly condition?: Sql },
    options: QueryOptions,
  ): Promise<Matched[]> {
    const names = joinSql([sql`_row, _from, _file, _to`, ...columns.map(nameOf)]);
    const end = limit === undefined ? EMPTY : sql` LIMIT ${literal(limit)}`;
    const values = await this.#scanner.scanTable(
      table,
      {
        tableId: table.id,
        visibility,
        filter,
        window,
        columns: withFilterColumns(columns, filter),
        hidden: 'full',
        statement: (relation, matching) => sql`SELECT ${names} FROM ${relation}${where(matching, condition)} ORDER BY _row${end}`,
      },
      options,
    );
    return values.map((row) => ({
      row: Number(row[0]),
      from: Number(row[1]) as SnapshotId,
      fileId: Number(row[2]) as FileId,
      to: row[3] === null || row[3] === undefined ? undefined : (Number(row[3]) as SnapshotId),
      cells: columns.map((column, at) => fromDuck(column, row[at + 4] ?? null)),
    }));
  }

  /** Many versions that match, without a value for each: numbers in typed arrays, a list a file. */
  async matchMany(
    table: TableState,
    visibility: Visibility,
    { filter, columns, window }: Omit<MatchRequest, 'limit'>,
    options: QueryOptions,
  ): Promise<MatchedInFile[]> {
    const names = joinSql([sql`_file::DOUBLE, _row::DOUBLE, _from::DOUBLE`, ...columns.map(nameOf)]);
    const result = await this.#scanner.runTable(
      table,
      {
        tableId: table.id,
        visibility,
        filter,
        window,
        columns: withFilterColumns(columns, filter),
        hidden: 'full',
        statement: (relation, matching) => sql`SELECT ${names} FROM ${relation}${where(matching)} ORDER BY _file, _row`,
      },
      options,
    );
    const count = result.rowCount;
    const files = new Float64Array(count);
    const rows = new Float64Array(count);
    const froms = new Float64Array(count);
    const cells: Cell[][] = columns.map(() => new Array<Cell>(count));
    let at = 0;
    for (const chunk of await result.fetchAllChunks()) {
      for (const [column, target] of [files, rows, froms].entries()) {
        const { items } = chunk.getColumnVector(column) as unknown as { readonly items: Float64Array };
        target.set(items.subarray(0, chunk.rowCount), at);
      }
      columns.forEach((column, index) => {
        const values = chunk.getColumnValues(index + 3);
        const target = cells[index] as Cell[];
        for (let row = 0; row < chunk.rowCount; row += 1) target[at + row] = fromDuck(column, values[row] ?? null);
      });
      at += chunk.rowCount;
    }
    const found: MatchedInFile[] = [];
    for (let start = 0; start < count; ) {
      let end = start;
      while (end < count && files[end] === files[start]) end += 1;
      found.push({
        fileId: files[start] as FileId,
        rows: rows.slice(start, end),
        froms: froms.slice(start, end),
        cells: cells.map((column) => column.slice(start, end)),
      });
      start = end;
    }
    return found;
  }

  /** Which of some rows that are stored nowhere yet match: their positions, in order. */
  async matchCells(
    columns: readonly Column[],
    rows: readonly VersionInMemory[],
    filter: CheckedFilter,
    options: QueryOptions,
  ): Promise<number[]> {
    if (rows.length === 0) return [];
    const matches = rows.length <= TRIED_HERE_MAX ? cellMatcher(filter, columns) : undefined;
    if (matches !== undefined) return rows.flatMap((row, at) => (matches(row.cells, row) ? [at] : []));
    return this.matchInDuck(columns, rows, filter, options);
  }

  /** The same by DuckDB, which knows every filter. */
  async matchInDuck(
    columns: readonly Column[],
    rows: readonly VersionInMemory[],
    filter: CheckedFilter,
    options: QueryOptions,
  ): Promise<number[]> {
    const table = `match_${this.#nextName}`;
    this.#nextName += 1;
    return this.#duck.withConnection(async (connection) => {
      try {
        const placed = [...columns, PLACE];
        const cells = rows.map((row, at) => [...row.cells, BigInt(at)]);
        await connection.run(`CREATE TABLE ${table} (${tableColumns(placed, true)})`);
        const appender = await ChunkAppender.open(connection, table, placed, true);
        try {
          for (let start = 0; start < rows.length; start += CHUNK_ROWS)
            appender.append(cells, start, Math.min(start + CHUNK_ROWS, rows.length), (index) => rows[index] as VersionInMemory);
          appender.flush();
        } finally {
          appender.close();
        }
        const versions = sql`SELECT ${trusted(namedColumns(placed))}, _row, _from FROM ${trusted(table)}`;
        const places = sql`SELECT _place FROM (${versions}) WHERE ${filterSql(filter)} ORDER BY _place LIMIT ${rows.length}`.render();
        const result = await runOn(connection, places.sql, places.parameters, options);
        return (await result.getRows()).map((row) => Number(row[0]));
      } finally {
        await connection.run(`DROP TABLE IF EXISTS ${table}`);
      }
    }, options);
  }
}
