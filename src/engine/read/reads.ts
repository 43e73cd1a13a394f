/** The read side of the engine: from a choice of instant to a snapshot, and everything that can be asked of one. */

import { type TableState, tableById } from '../catalog/state.ts';
import type { QueryOptions } from '../data/duckdb.ts';
import type { RowCopies } from '../data/row-copies.ts';
import type { Snapshot } from '../model/history.ts';
import type { RowId, SnapshotId, TableId } from '../model/ids.ts';
import type { Column, TableSchema } from '../model/types.ts';
import { type CommitFilter, countCommits } from './count-commits.ts';
import { CommitChanges, type CommitChangesPage, type CommitChangesQuery } from './diff/commit-changes.ts';
import { type DiffQuery, Diffs, type TableDiff } from './diff/diff.ts';
import type { ChangePage } from './diff/diff-page.ts';
import type { History, Instant } from './history.ts';
import { type AsOf, Instants, type InstantsParts } from './instants.ts';
import { Leases } from './leases.ts';
import { type ManifestEntry, manifestOf } from './manifest.ts';
import { type AggregateQuery, readAggregate } from './pages/aggregate.ts';
import { checkGroups, countGroups, type GroupPage, type GroupsQuery, readGroups } from './pages/groups.ts';
import { checkPage, type PageArguments, type PageTarget, type RowPage, type RowsQuery, readPage } from './pages/page.ts';
import { RowReader } from './pages/row-reader.ts';
import { bytesOfChanges, bytesOfGroups, bytesOfRow, bytesOfRows, bytesOfValues } from './row-bytes.ts';
import { checkFilter, type Filter } from './scan/filter.ts';
import { Matcher } from './scan/match.ts';
import type { Row } from './scan/row.ts';
import { Scanner, type ScannerParts } from './scan/scanner.ts';
import { type TableAt, tableAt, tableAtOwn } from './table-at.ts';

interface ReadsParts extends ScannerParts, InstantsParts {
  readonly copies: RowCopies;
  /** The incarnation of the database that cursors are of. */
  readonly incarnation: string;
  /** Whether a round is on its way to disk: the catalog may show it before the state does. */
  readonly isWriting: () => boolean;
  readonly queryTimeoutMs: number;
}

/**
 * All reads of an engine. First choose an instant with `resolve`, then a table with `tableAt`, then read with `page`, `aggregate` or
 * `groups`.
 */
export class Reads {
  /** Commits and snapshots: by id, by time, in ranges. */
  readonly history: History;
  /** What queries under way and cursors still need. */
  readonly leases = new Leases();
  readonly #parts: ReadsParts;
  /** For changes, which read before they write. */
  readonly scanner: Scanner;
  readonly matcher: Matcher;
  readonly #diffs: Diffs;
  readonly #commitChanges: CommitChanges;
  readonly #rows: RowReader;
  readonly #instants: Instants;

  constructor(parts: ReadsParts) {
    this.#parts = parts;
    this.history = parts.history;
    this.scanner = new Scanner(parts);
    this.matcher = new Matcher(this.scanner, parts.duck);
    this.#instants = new Instants(parts);
    this.#diffs = new Diffs({ ...parts, matcher: this.matcher });
    this.#commitChanges = new CommitChanges(this.#diffs, this.matcher, parts.copies);
    this.#rows = new RowReader({ ...parts, scanner: this.scanner });
  }

  #query(options: QueryOptions | undefined): QueryOptions {
    return { timeoutMs: options?.timeoutMs ?? this.#parts.queryTimeoutMs, signal: options?.signal, budget: options?.budget };
  }

  /**
   * The snapshot of an instant. Once it has answered, it answers the same for good, because later commits get later timestamps.
   * @throws EngineError FUTURE_TIMESTAMP {now}, SNAPSHOT_NOT_FOUND, TAG_NOT_FOUND
   */
  resolve(asOf: AsOf, signal?: AbortSignal): Promise<Instant> {
    return this.#instants.resolve(asOf, signal);
  }

  /** To be called after new commits, once the state has them: reads that wait for one go on. */
  published(): void {
    this.#instants.arrived();
  }

  /** A table as of a snapshot; undefined where it did not exist then. @throws EngineError of tableAt */
  tableAt(of: TableState, snapshotId: SnapshotId, asked?: TableSchema): Promise<TableAt | undefined> {
    return tableAt(this.#parts, of, snapshotId, asked);
  }

  /** A table as of one of its own snapshots. @throws EngineError of tableAtOwn */
  tableAtOwn(table: TableState, snapshot: Snapshot): Promise<TableAt> {
    return tableAtOwn(this.#parts, table, snapshot);
  }

  /**
   * A page of rows.
   * @throws EngineError BAD_USER_INPUT, COLUMN_NOT_FOUND, CURSOR_INVALID, LIMIT_EXCEEDED, QUERY_TIMEOUT, OVERLOADED, CORRUPT_DATA
   */
  async page(target: PageTarget, query: RowsQuery, options?: QueryOptions): Promise<RowPage> {
    return this.preparePage(target, query, options)();
  }

  /** A page that is read when the result is called; what it is asked for is checked at once. @throws EngineError of checkPage */
  preparePage(target: PageTarget, query: RowsQuery, options?: QueryOptions): () => Promise<RowPage> {
    const checked = checkPage(target, query);
    return async () => {
      const page = await readPage(this.scanner, checked, this.#query(options));
      options?.budget?.charge(bytesOfRows(page.rows));
      if (page.hasNextPage || page.hasPreviousPage) this.leases.keepForCursor(target.snapshotId);
      return page;
    };
  }

  /** The values of the terms over all rows that match. @throws EngineError of readAggregate */
  async aggregate(target: PageTarget, query: AggregateQuery, options?: QueryOptions): Promise<readonly unknown[]> {
    const values = await readAggregate(this.scanner, target, query, this.#query(options));
    options?.budget?.charge(bytesOfValues(values));
    return values;
  }

  /** A page of the groups of the rows that match, the largest first. @throws EngineError of checkGroups and readGroups */
  async groups(target: PageTarget, query: GroupsQuery, options?: QueryOptions): Promise<GroupPage> {
    return this.prepareGroups(target, query, options)();
  }

  /** The same as `preparePage`, of groups. @throws EngineError of checkGroups */
  prepareGroups(target: PageTarget, query: GroupsQuery, options?: QueryOptions): () => Promise<GroupPage> {
    const checked = checkGroups(target, query);
    return async () => {
      const page = await readGroups(this.scanner, checked, this.#query(options));
      options?.budget?.charge(bytesOfGroups(page.groups));
      if (page.hasNextPage) this.leases.keepForCursor(target.snapshotId);
      return page;
    };
  }

  /** How many groups there are in all. @throws EngineError of readGroups */
  countGroups(target: PageTarget, query: Pick<GroupsQuery, 'where' | 'groupBy'>, options?: QueryOptions): Promise<number> {
    return countGroups(this.scanner, target, query, this.#query(options));
  }

  /** How many commits of a range of snapshot ids match. @throws EngineError of countCommits */
  countCommits(filter: CommitFilter, range: { readonly lo: number; readonly hi: number }, options?: QueryOptions): Promise<number> {
    return countCommits(this.#parts.store, filter, range, this.#query(options));
  }

  /** How many rows match; from the catalog where there is no filter. */
  async count(target: TableAt, where: RowsQuery['where'], options?: QueryOptions): Promise<number> {
    if (where === undefined) return target.snapshot.totalRows;
    const [count] = await this.aggregate(target, { where, terms: [{ function: 'COUNT' }] }, options);
    return count as number;
  }

  /** The row with a primary key, given by column name in wire form; undefined where there is none at the snapshot. */
  async rowByKey(
    target: PageTarget,
    key: Readonly<Record<string, unknown>>,
    columns: readonly Column[],
    options?: QueryOptions,
  ): Promise<Row | undefined> {
    const row = await this.#rows.byKey(target, key, columns, this.#query(options));
    options?.budget?.charge(bytesOfRow(row));
    return row;
  }

  /** What became of a table's rows between two snapshots. @throws EngineError of Diffs.diff */
  async diff(table: TableState, query: DiffQuery, options?: QueryOptions): Promise<TableDiff> {
    const diff = await this.#diffs.diff(table, query, this.#query(options));
    const budget = options?.budget;
    if (budget === undefined) return diff;
    const preparePage = (args: PageArguments): (() => Promise<ChangePage>) => {
      const read = diff.preparePage(args);
      return async () => {
        const page = await read();
        budget.charge(bytesOfChanges(page.changes));
        return page;
      };
    };
    return { ...diff, preparePage, page: async (args) => preparePage(args)() };
  }

  /** What one commit did to the rows of a table that match, a page at a time. @throws EngineError of CommitChanges.page */
  commitChanges(table: TableState, query: CommitChangesQuery, options?: QueryOptions): Promise<CommitChangesPage> {
    return this.#commitChanges.page(table, query, this.#query(options));
  }

  /** Says at once whether a filter fits some columns. @throws EngineError of checkFilter */
  checkFilter(schema: TableSchema, where: Filter): void {
    checkFilter(schema, where);
  }

  /** One version of one row; undefined where there is none. */
  async rowById(
    tableId: TableId,
    version: Pick<Row, 'rowId' | 'fromSnapshotId'>,
    columns: readonly Column[],
    options?: QueryOptions,
  ): Promise<Row | undefined> {
    const row = await this.#rows.byId(tableId, version, columns, this.#query(options));
    options?.budget?.charge(bytesOfRow(row));
    return row;
  }

  /** A row as of the target's snapshot, by its identity; undefined where there is none. */
  async rowAt(target: PageTarget, rowId: RowId, columns: readonly Column[], options?: QueryOptions): Promise<Row | undefined> {
    const row = await this.#rows.at(target, rowId, columns, this.#query(options));
    options?.budget?.charge(bytesOfRow(row));
    return row;
  }

  /** What holds a table's rows at an instant, as the catalog is arranged now: flush and compaction rearrange it. */
  manifest(target: TableAt): ManifestEntry[] {
    return manifestOf(tableById(this.#parts.current(), target.tableId), target, this.#parts.files);
  }
}
