/**
 * Runs scans: pins the state that it plans on, so that flush and compaction cannot take a file or hot row from under it,
 * checks the files, lends the mirrors, and hands the SQL to DuckDB within the query's time limit.
 */
import type { DuckDBValue } from '@duckdb/node-api';
import { type CatalogState, type TableState, tableById } from '../catalog/state.ts';
import type { Duck, QueryOptions } from '../data/duckdb.ts';
import type { DataFiles } from '../data/files.ts';
import type { Mirrors } from '../data/mirrors.ts';
import type { Pins } from '../data/pins.ts';
import { EngineError } from '../model/errors.ts';
import type { SnapshotId, TableId } from '../model/ids.ts';
import type { Column } from '../model/types.ts';
import { type CheckedFilter, filterSql, SqlParameters } from './filter.ts';
import { needsHotRows, planFiles, type RowWindow, relationSql } from './plan.ts';

export interface ScannerParts {
  readonly current: () => CatalogState;
  readonly pins: Pins;
  readonly files: DataFiles;
  readonly mirrors: Mirrors;
  readonly duck: Duck;
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

export class Scanner {
  readonly #parts: ScannerParts;

  constructor(parts: ScannerParts) {
    this.#parts = parts;
  }

  /**
   * The rows of the statement's result, as DuckDB values.
   * @throws EngineError CORRUPT_DATA, QUERY_TIMEOUT, OVERLOADED, LIMIT_EXCEEDED
   */
  async scan(request: ScanRequest, options: QueryOptions): Promise<DuckDBValue[][]> {
    const { current, pins, files, mirrors, duck } = this.#parts;
    const state = current();
    const pin = pins.pin(state.logIndex);
    try {
      const table: TableState = tableById(state, request.tableId);
      const plan = { ...request, table };
      const planned = planFiles(plan);
      await files.ensureChecked(planned);
      const run = async (lent: Parameters<Parameters<Mirrors['with']>[2]>[0]): Promise<DuckDBValue[][]> => {
        const parameters = new SqlParameters();
        const relation = relationSql({ ...plan, files, planned, mirrors: lent, parameters });
        const where = request.filter === undefined ? 'TRUE' : filterSql(request.filter, parameters);
        const result = await duck.run(request.statement(`(${relation})`, where, parameters), parameters.list, options);
        return result.getRows();
      };
      return needsHotRows(plan) ? await mirrors.with(table, request.snapshotId, run) : await run([]);
    } catch (error) {
      // A file that was damaged or removed since it was checked: its own error says more than DuckDB's.
      if (!(error instanceof EngineError) && !options.signal?.aborted) await files.checkAgain(request.tableId, state);
      throw error;
    } finally {
      pin.release();
    }
  }
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
