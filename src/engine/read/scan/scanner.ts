/**
 * Runs scans: pins the state that it plans on, so that flush and compaction cannot take a file or hot row from under it,
 * checks the files, lends the mirrors, and hands the SQL to DuckDB within the query's time limit.
 */
import type { DuckDBMaterializedResult, DuckDBValue } from '@duckdb/node-api';
import {
  type CatalogState,
  columnsOfVersion,
  hotEndsOf,
  hotVersionsOf,
  isKept,
  snapshotExpired,
  type TableState,
  tableById,
} from '../../catalog/state.ts';
import type { CatalogStore } from '../../catalog/store.ts';
import type { Duck, QueryOptions } from '../../data/duckdb.ts';
import type { EndMirrors } from '../../data/end-mirrors.ts';
import type { DataFiles } from '../../data/files.ts';
import { readHotCommits, readHotCommitsBackward } from '../../data/hot.ts';
import type { Mirrors } from '../../data/mirrors.ts';
import type { Pins } from '../../data/pins.ts';
import { rowsWithin } from '../../data/results.ts';
import type { DataFile } from '../../model/history.ts';
import type { RowId, SnapshotId, TableId } from '../../model/ids.ts';
import { mapCells } from '../../model/schema.ts';
import type { Column } from '../../model/types.ts';
import type { Blocks } from './blocks.ts';
import { asksForVersion, type CheckedFilter } from './filter.ts';
import { filterSql } from './filter-sql.ts';
import { narrowed, windowOf } from './filter-window.ts';
import { needsDeletes, needsHotRows, planFiles } from './plan.ts';
import { relationSql } from './relation.ts';
import { type Row, rowsOf, versionTerms } from './row.ts';
import type { Hidden } from './source-sql.ts';
import { type Sql, type Statement, sql } from './sql.ts';
import { type RowWindow, readerOf, snapshotsNeeded, type Visibility } from './visibility.ts';

export interface ScannerParts {
  readonly current: () => CatalogState;
  readonly pins: Pins;
  readonly files: DataFiles;
  readonly mirrors: Mirrors;
  readonly endMirrors: EndMirrors;
  readonly duck: Duck;
  readonly blocks: Blocks;
  readonly store: CatalogStore;
}

interface ScanRequest {
  readonly tableId: TableId;
  readonly visibility: Visibility;
  readonly window?: RowWindow | undefined;
  readonly filter?: CheckedFilter | undefined;
  /** Every user column that the query touches, the filter's included. */
  readonly columns: readonly Column[];
  readonly hidden: Hidden;
  /** The statement around `relation`, a SELECT in parentheses, and `matching`, the filter as a condition. */
  readonly statement: (relation: Sql, matching: Sql | undefined) => Sql;
}

/** Rows of a window of identities, without filter or order: what pages and single rows ask for. */
interface WindowRequest {
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
type Planned = ScanRequest & { readonly table: TableState };

export class Scanner {
  readonly #parts: ScannerParts;

  constructor(parts: ScannerParts) {
    this.#parts = parts;
  }

  /**
   * The rows of the statement's result, as DuckDB values.
   * @throws EngineError SNAPSHOT_EXPIRED, CORRUPT_DATA, QUERY_TIMEOUT, OVERLOADED, LIMIT_EXCEEDED
   */
  scan(request: ScanRequest, options: QueryOptions): Promise<DuckDBValue[][]> {
    return this.#pinned(request.tableId, request.visibility, (table) => this.scanTable(table, request, options));
  }

  /** The same on a table of a state that the caller has pinned. */
  async scanTable(table: TableState, request: ScanRequest, options: QueryOptions): Promise<DuckDBValue[][]> {
    return rowsWithin(await this.runTable(table, request, options), options.budget);
  }

  /** The same; the result as DuckDB has it. */
  async runTable(table: TableState, request: ScanRequest, options: QueryOptions): Promise<DuckDBMaterializedResult> {
    const plan = plannedOn(table, request);
    const planned = planFiles(plan);
    const work = () => this.#run(plan, planned, needsHotRows(plan), (statement) => this.#duckRun(statement, options));
    return this.#parts.files.reading(planned, work, options.signal);
  }

  /** Lends the statement to `use`, with everything that it reads held until it is done; on a table that the caller has pinned. */
  async lendTable<T>(table: TableState, request: ScanRequest, use: (statement: Statement) => Promise<T>): Promise<T> {
    const plan = plannedOn(table, request);
    const planned = planFiles(plan);
    return this.#parts.files.reading(planned, () => this.#run(plan, planned, needsHotRows(plan), use));
  }

  /**
   * Rows by identity, from the block cache where their files suit it.
   * @throws EngineError as scan
   */
  window(request: WindowRequest, options: QueryOptions): Promise<Row[]> {
    const visibility: Visibility = { kind: 'visible', at: request.snapshotId };
    return this.#pinned(request.tableId, visibility, async (table) => {
      const { blocks, files } = this.#parts;
      const plan: Planned = { ...request, visibility, table, hidden: 'version', statement: windowStatement(request.columns) };
      const planned = planFiles(plan);
      const rows = async (from: readonly DataFile[], hot: boolean): Promise<Row[]> =>
        rowsOf(request.columns, await this.#getRows(plan, from, hot, options));
      const scanned = () => rows(planned, needsHotRows(plan));
      if (!blocks.suits(planned)) return files.reading(planned, scanned, options.signal);
      const cold = await files.reading(planned, () => blocks.read(table, planned, request, options), options.signal);
      // Rows of these files are larger than they looked.
      if (cold === undefined) return files.reading(planned, scanned, options.signal);
      if (!needsHotRows(plan)) return cold;
      const hot = (await this.#directHotRows(table, request)) ?? (await rows([], true));
      return cold.length === 0 ? hot : [...cold, ...hot].sort((left, right) => left.rowId - right.rowId);
    });
  }

  #duckRun({ sql: text, parameters }: Statement, options: QueryOptions): Promise<DuckDBMaterializedResult> {
    return this.#parts.duck.run(text, parameters, options);
  }

  async #getRows(plan: Planned, planned: readonly DataFile[], hot: boolean, options: QueryOptions): Promise<DuckDBValue[][]> {
    return this.#run(plan, planned, hot, async (statement) => rowsWithin(await this.#duckRun(statement, options), options.budget));
  }

  /**
   * Hot rows of a window near either end of the hot rows, from the catalog itself; undefined where it lies deeper, since
   * commits are found by their order only, or where changes are among them. Every commit created at least one row, which
   * bounds how many are read.
   */
  async #directHotRows(table: TableState, { snapshotId, window, nextRow, columns }: WindowRequest): Promise<Row[] | undefined> {
    const { store } = this.#parts;
    if (hotVersionsOf(table) > 0 || hotEndsOf(table) > 0) return undefined;
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
    return commits.flatMap((commit) => {
      const map = mapCells(columnsOfVersion(table, commit.schemaVersion), columns);
      return commit.rows.flatMap((cells, index): Row[] => {
        const rowId = commit.rowIds[index] as RowId;
        return rowId < lo || rowId >= hi ? [] : [{ rowId, fromSnapshotId: commit.snapshotId, cells: map(cells) }];
      });
    });
  }

  async #pinned<T>(tableId: TableId, visibility: Visibility, work: (table: TableState) => Promise<T>): Promise<T> {
    const { current, pins } = this.#parts;
    const state = current();
    const table = tableById(state, tableId);
    requireKept(table, visibility);
    const pin = pins.pin(state.logIndex);
    try {
      return await work(table);
    } finally {
      pin.release();
    }
  }

  /** The statement over some files and, where asked, the hot rows of the same pinned state. */
  #run<T>(plan: Planned, planned: readonly DataFile[], hot: boolean, use: (statement: Statement) => Promise<T>): Promise<T> {
    const { files, mirrors, endMirrors } = this.#parts;
    const run = (lent: Lent, deletes: string | undefined): Promise<T> => {
      const relation = relationSql({ ...plan, files, planned, mirrors: lent, deletes });
      const matching = plan.filter === undefined ? undefined : filterSql(plan.filter);
      return use(plan.statement(sql`(${relation})`, matching).render());
    };
    const withDeletes = (lent: Lent): Promise<T> =>
      needsDeletes(plan, planned, hot) ? endMirrors.with(plan.table, (name) => run(lent, name)) : run(lent, undefined);
    return hot ? mirrors.with(plan.table, readerOf(plan.visibility), withDeletes) : withDeletes([]);
  }
}

/** What a filter says of rows' identities narrows the scan; where it looks at versions, the relation yields what it looks at. */
function plannedOn(table: TableState, request: ScanRequest): Planned {
  const { filter, hidden } = request;
  if (filter === undefined || !asksForVersion(filter)) return { ...request, table };
  return { ...request, table, window: narrowed(request.window, windowOf(filter)), hidden: hidden === 'none' ? 'version' : hidden };
}

/** @throws EngineError SNAPSHOT_EXPIRED {availableFrom, oldestSnapshotId} where the versions may be gone */
function requireKept(table: TableState, visibility: Visibility): void {
  for (const snapshotId of snapshotsNeeded(visibility)) if (!isKept(table, snapshotId)) throw snapshotExpired(table, snapshotId);
}

function windowStatement(columns: readonly Column[]): ScanRequest['statement'] {
  return (relation) => sql`SELECT ${versionTerms(columns)} FROM ${relation} ORDER BY _row`;
}
