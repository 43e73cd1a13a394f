/**
 * Runs scans: pins the state that it plans on, so that flush and compaction cannot take a file or hot row from under it,
 * checks the files, lends the mirrors, and hands the SQL to DuckDB within the query's time limit.
 */
import type { DuckDBValue } from '@duckdb/node-api';
import { type CatalogState, type TableState, tableById } from '../catalog/state.ts';
import type { CatalogStore } from '../catalog/store.ts';
import { fromDuck } from '../data/cells.ts';
import { type Duck, type QueryOptions, sqlName } from '../data/duckdb.ts';
import type { DataFiles } from '../data/files.ts';
import { readHotCommits, readHotCommitsBackward } from '../data/hot.ts';
import type { Mirrors } from '../data/mirrors.ts';
import type { Pins } from '../data/pins.ts';
import { EngineError } from '../model/errors.ts';
import type { DataFile } from '../model/history.ts';
import { asRowId, asSnapshotId, type SnapshotId, type TableId } from '../model/ids.ts';
import type { Column } from '../model/types.ts';
import type { Blocks } from './blocks.ts';
import { type CheckedFilter, filterSql, SqlParameters } from './filter.ts';
import type { Row } from './page.ts';
import { needsHotRows, planFiles, type RowWindow, relationSql } from './plan.ts';

export interface ScannerParts {
  readonly current: () => CatalogState;
  readonly pins: Pins;
  readonly files: DataFiles;
  readonly mirrors: Mirrors;
  readonly duck: Duck;
  readonly blocks: Blocks;
  readonly store: CatalogStore;
}

export interface ScanRequest {
  readonly tableId: TableId;
  readonly snapshotId: SnapshotId;
  readonly window?: RowWindow | undefined;
  readonly filter?: CheckedFilter | undefined;
  /** Every user column that the query touches, the filter's included. */
  readonly columns: readonly Column[];
  /** Whether the query needs `_row` and `_from`. */
  readonly hidden: boolean;
  /** The statement around `relation`, a parenthesised SELECT, and `where`, the filter as SQL. */
  readonly statement: (relation: string, where: string, parameters: SqlParameters) => string;
}

/** Rows of a window of identities, without filter or order: what pages and single rows ask for. */
export interface WindowRequest {
  readonly tableId: TableId;
  readonly snapshotId: SnapshotId;
  readonly window: RowWindow;
  /** Identities of rows at the snapshot are below it. */
  readonly nextRow: number;
  readonly columns: readonly Column[];
}

/** Hot rows that are read straight from the catalog; for more a mirror is quicker. */
const DIRECT_ROWS_MAX = 256;

type Lent = Parameters<Parameters<Mirrors['with']>[2]>[0];

export class Scanner {
  readonly #parts: ScannerParts;

  constructor(parts: ScannerParts) {
    this.#parts = parts;
  }

  /**
   * The rows of the statement's result, as DuckDB values.
   * @throws EngineError CORRUPT_DATA, QUERY_TIMEOUT, OVERLOADED, LIMIT_EXCEEDED
   */
  scan(request: ScanRequest, options: QueryOptions): Promise<DuckDBValue[][]> {
    return this.#pinned(request.tableId, options, async (table) => {
      const plan = { ...request, table };
      const planned = planFiles(plan);
      await this.#parts.files.ensureChecked(planned);
      return this.#run(plan, planned, options);
    });
  }

  /**
   * Rows by identity, from the block cache where their files suit it.
   * @throws EngineError as scan
   */
  window(request: WindowRequest, options: QueryOptions): Promise<Row[]> {
    return this.#pinned(request.tableId, options, async (table) => {
      const { blocks, files } = this.#parts;
      const plan = { ...request, table, hidden: true, statement: windowStatement(request.columns) };
      const planned = planFiles(plan);
      await files.ensureChecked(planned);
      if (!blocks.suits(planned)) return rowsOf(request.columns, await this.#run(plan, planned, options));
      const cold = await blocks.read(table, planned, request, options);
      if (!needsHotRows(plan)) return cold;
      const hot = (await this.#directHotRows(table, request)) ?? rowsOf(request.columns, await this.#run(plan, [], options));
      return cold.length === 0 ? hot : [...cold, ...hot].sort((left, right) => left.rowId - right.rowId);
    });
  }

  /**
   * Hot rows of a window near either end of the hot rows, from the catalog itself; undefined where it lies deeper, since
   * commits are found by their order only. Every commit brought at least one row, which bounds how many are read.
   */
  async #directHotRows(table: TableState, { snapshotId, window, nextRow, columns }: WindowRequest): Promise<Row[] | undefined> {
    const { store } = this.#parts;
    const lo = Math.max(window.lo, table.hotRowLo);
    const hi = Math.min(window.hi, nextRow);
    if (lo >= hi) return [];
    const fromStart = hi - table.hotRowLo;
    const fromEnd = nextRow - lo;
    if (Math.min(fromStart, fromEnd) > DIRECT_ROWS_MAX) return undefined;
    const commits =
      fromStart <= fromEnd
        ? await readHotCommits(store, table, { after: table.hotFloor, upTo: snapshotId, limit: fromStart })
        : (await readHotCommitsBackward(store, table, { upTo: snapshotId, limit: fromEnd })).reverse();
    const at = columns.map((column) => table.schema.columns.indexOf(column));
    return commits.flatMap((commit) =>
      commit.rows.flatMap((cells, index): Row[] => {
        const rowId = asRowId(commit.rowBase + index);
        if (rowId < lo || rowId >= hi) return [];
        return [{ rowId, fromSnapshotId: commit.snapshotId, cells: at.map((position) => cells[position] ?? null) }];
      }),
    );
  }

  async #pinned<T>(tableId: TableId, options: QueryOptions, work: (table: TableState) => Promise<T>): Promise<T> {
    const { current, pins, files } = this.#parts;
    const state = current();
    const pin = pins.pin(state.logIndex);
    try {
      return await work(tableById(state, tableId));
    } catch (error) {
      // A file that was damaged or removed since it was checked: its own error says more than DuckDB's.
      if (!(error instanceof EngineError) && !options.signal?.aborted) await files.checkAgain(tableId, state);
      throw error;
    } finally {
      pin.release();
    }
  }

  /** The statement over some files and, where they can hold what is asked for, the hot rows of the same pinned state. */
  #run(plan: ScanRequest & { readonly table: TableState }, planned: readonly DataFile[], options: QueryOptions): Promise<DuckDBValue[][]> {
    const { duck, files, mirrors } = this.#parts;
    const run = async (lent: Lent): Promise<DuckDBValue[][]> => {
      const parameters = new SqlParameters();
      const relation = relationSql({ ...plan, files, planned, mirrors: lent, parameters });
      const where = plan.filter === undefined ? 'TRUE' : filterSql(plan.filter, parameters);
      const result = await duck.run(plan.statement(`(${relation})`, where, parameters), parameters.list, options);
      return result.getRows();
    };
    return needsHotRows(plan) ? mirrors.with(plan.table, plan.snapshotId, run) : run([]);
  }
}

function windowStatement(columns: readonly Column[]): ScanRequest['statement'] {
  const names = ['_row', '_from', ...columns.map((column) => sqlName(column.name))].join(', ');
  return (relation) => `SELECT ${names} FROM ${relation} ORDER BY _row`;
}

/** Rows of a result whose first two columns are `_row` and `_from`. */
export function rowsOf(columns: readonly Column[], values: readonly (readonly DuckDBValue[])[]): Row[] {
  return values.map((row) => ({
    rowId: asRowId(Number(row[0])),
    fromSnapshotId: asSnapshotId(Number(row[1])),
    cells: columns.map((column, at) => fromDuck(column, row[at + 2] ?? null)),
  }));
}

/** The columns that a filter names, added to those a query selects. */
export function withFilterColumns(columns: readonly Column[], filter: CheckedFilter | undefined): Column[] {
  const all = new Set(columns);
  const visit = (at: CheckedFilter): void => {
    if (at.kind === 'not') visit(at.filter);
    else if ('filters' in at) at.filters.forEach(visit);
    else all.add(at.column);
  };
  if (filter !== undefined) visit(filter);
  return [...all];
}
