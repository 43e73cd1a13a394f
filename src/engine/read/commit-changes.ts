/**
 * What one commit did to the rows of a table, as somebody sees it who watches the rows that match a filter: a row that
 * comes to match is an INSERT to him, one that no longer does a DELETE. The changes of the newest small commits are kept,
 * so that many watchers of one table cost one reading.
 */
import type { TableState } from '../catalog/state.ts';
import type { QueryOptions } from '../data/duckdb.ts';
import { asSnapshotId, type SnapshotId } from '../model/ids.ts';
import { LIMITS } from '../model/limits.ts';
import { mapCells } from '../model/schema.ts';
import type { Column, TableSchema } from '../model/types.ts';
import type { Diffs, TableDiff } from './diff.ts';
import type { RowChange } from './diff-page.ts';
import { type CheckedFilter, checkFilter, type Filter } from './filter.ts';
import type { Matcher } from './match.ts';
import type { Row } from './page.ts';

export interface CommitChangesQuery {
  readonly snapshotId: SnapshotId;
  readonly where?: Filter | undefined;
  /** The columns of the answer; those that the table has before and after the commit where absent. */
  readonly schema?: TableSchema | undefined;
  /** Only rows of later identities. */
  readonly afterRow?: number | undefined;
}

export interface CommitChangesPage {
  /** By row identity, at most LIMITS.changesPerEventMax. */
  readonly changes: readonly RowChange[];
  readonly hasMore: boolean;
  readonly before: TableSchema;
  readonly after: TableSchema;
}

/** A small commit's changes, unfiltered. */
interface Kept {
  readonly tableId: number;
  readonly snapshotId: SnapshotId;
  readonly schema: TableSchema | undefined;
  readonly page: Promise<CommitChangesPage | undefined>;
}

/** A large commit's diff on its way through its pages. */
interface Large {
  readonly tableId: number;
  readonly query: CommitChangesQuery;
  readonly diff: TableDiff;
}

const KEPT_MAX = 64;
const LARGE_MAX = 4;

export class CommitChanges {
  readonly #diffs: Diffs;
  readonly #matcher: Matcher;
  #kept: Kept[] = [];
  #large: Large[] = [];

  constructor(diffs: Diffs, matcher: Matcher) {
    this.#diffs = diffs;
    this.#matcher = matcher;
  }

  /** Lets go of all that is kept: erasure leaves no copy of a row. */
  forget(): void {
    this.#kept = [];
    this.#large = [];
  }

  /** @throws EngineError SNAPSHOT_EXPIRED, BAD_USER_INPUT, COLUMN_NOT_FOUND, LIMIT_EXCEEDED and those of Scanner.scan */
  async page(table: TableState, query: CommitChangesQuery, options: QueryOptions): Promise<CommitChangesPage> {
    const small = await this.#small(table, query, options);
    if (small === undefined) return this.#pageOfLarge(table, query, options);
    const { afterRow = -1 } = query;
    const changes = afterRow < 0 ? small.changes : small.changes.filter((change) => change.rowId > afterRow);
    return { ...small, changes: await this.#seen(changes, small, query.where, options) };
  }

  /** All changes of a commit of few, whatever the filter. */
  #small(table: TableState, { snapshotId, schema }: CommitChangesQuery, options: QueryOptions): Promise<CommitChangesPage | undefined> {
    const known = this.#kept.find((kept) => kept.tableId === table.id && kept.snapshotId === snapshotId && kept.schema === schema);
    if (known !== undefined) return known.page;
    const page = this.#readSmall(table, { snapshotId, schema }, options);
    const kept = { tableId: table.id, snapshotId, schema, page };
    this.#kept.push(kept);
    if (this.#kept.length > KEPT_MAX) this.#kept.shift();
    page.catch(() => {
      this.#kept = this.#kept.filter((other) => other !== kept);
    });
    return page;
  }

  async #readSmall(table: TableState, query: CommitChangesQuery, options: QueryOptions): Promise<CommitChangesPage | undefined> {
    const diff = await this.#diffOf(table, query, options);
    const { before, after, insertedRows, updatedRows, deletedRows } = diff;
    if (insertedRows + updatedRows + deletedRows > LIMITS.changesPerEventMax) return undefined;
    const { changes } = await diff.page({ first: LIMITS.changesPerEventMax });
    return { changes, hasMore: false, before, after };
  }

  #diffOf(table: TableState, { snapshotId, schema, where }: CommitChangesQuery, options: QueryOptions): Promise<TableDiff> {
    return this.#diffs.diff(table, { from: asSnapshotId(snapshotId - 1), to: snapshotId, mode: 'FULL', schema, where }, options);
  }

  async #pageOfLarge(table: TableState, query: CommitChangesQuery, options: QueryOptions): Promise<CommitChangesPage> {
    const { snapshotId, where, schema, afterRow } = query;
    let large = this.#large.find(
      (one) => one.tableId === table.id && one.query.snapshotId === snapshotId && one.query.where === where && one.query.schema === schema,
    );
    if (large === undefined) {
      large = { tableId: table.id, query, diff: await this.#diffOf(table, query, options) };
      this.#large.push(large);
      if (this.#large.length > LARGE_MAX) this.#large.shift();
    }
    const { diff } = large;
    const page = await diff.pageAfterRow(LIMITS.changesPerEventMax, afterRow);
    const { before, after } = diff;
    if (!page.hasNextPage) this.#large = this.#large.filter((other) => other !== large);
    const changes = await this.#seen(page.changes, { before, after }, where, options);
    return { changes, hasMore: page.hasNextPage, before, after };
  }

  /** The changes of rows that match before or after, of the kinds that somebody sees who knows only rows that match. */
  async #seen(
    changes: readonly RowChange[],
    { before, after }: Pick<CommitChangesPage, 'before' | 'after'>,
    where: Filter | undefined,
    options: QueryOptions,
  ): Promise<readonly RowChange[]> {
    if (where === undefined || changes.length === 0) return changes;
    // Columns go by identity: a filter of the schema after fits rows of the one before.
    const filter = checkFilter(after, where);
    const was = await this.#matching(
      changes.map((change) => change.before),
      { from: before.columns, to: after.columns, filter },
      options,
    );
    const is = await this.#matching(
      changes.map((change) => change.after),
      { from: after.columns, to: after.columns, filter },
      options,
    );
    return changes.flatMap((change, at): RowChange[] => {
      if (!was.has(at)) return is.has(at) ? [{ ...change, kind: 'INSERT', before: null }] : [];
      return [is.has(at) ? change : { ...change, kind: 'DELETE', after: null }];
    });
  }

  /** Positions of the rows that match. */
  async #matching(
    rows: readonly (Row | null)[],
    { from, to, filter }: { readonly from: readonly Column[]; readonly to: readonly Column[]; readonly filter: CheckedFilter },
    options: QueryOptions,
  ): Promise<Set<number>> {
    const map = from === to ? undefined : mapCells(from, to);
    const places: number[] = [];
    const cells = rows.flatMap((row, at) => {
      if (row === null) return [];
      places.push(at);
      return [map === undefined ? [...row.cells] : map([...row.cells])];
    });
    return new Set((await this.#matcher.matchCells(to, cells, filter, options)).map((at) => places[at] as number));
  }
}
