/**
 * What one commit did to the rows of a table, as somebody sees it who watches the rows that match a filter: a row that
 * comes to match is an INSERT to him, one that no longer does a DELETE. The changes of the latest commits that were asked
 * for are kept, so that many watchers of one table cost one reading.
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

/** All changes of a commit, unfiltered. */
type Whole = Omit<CommitChangesPage, 'hasMore'>;

interface Kept {
  readonly tableId: number;
  readonly snapshotId: SnapshotId;
  readonly schema: TableSchema | undefined;
  /** Undefined where they are too many to keep. */
  readonly whole: Promise<Whole | undefined>;
  /** Their number, once it is known. */
  count: number;
}

/** A larger commit's diff on its way through its pages. */
interface Large {
  readonly tableId: number;
  readonly query: CommitChangesQuery;
  readonly diff: TableDiff;
}

/** The most changes of a commit that are kept as a whole. */
const WHOLE_MAX = 10_000;
const KEPT_MAX = 64;
/** The most changes that are kept of all commits together. */
const KEPT_CHANGES_MAX = 50_000;
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
    const whole = await this.#whole(table, query, options);
    if (whole === undefined) return this.#pageOfLarge(table, query, options);
    const { afterRow = -1, where } = query;
    const rest = afterRow < 0 ? whole.changes : whole.changes.filter((change) => change.rowId > afterRow);
    const seen = await this.#seen(rest, whole, where, options);
    const hasMore = seen.length > LIMITS.changesPerEventMax;
    return { ...whole, changes: hasMore ? seen.slice(0, LIMITS.changesPerEventMax) : seen, hasMore };
  }

  /** All changes of a commit that is not large, whatever the filter. */
  #whole(table: TableState, { snapshotId, schema }: CommitChangesQuery, options: QueryOptions): Promise<Whole | undefined> {
    const known = this.#kept.find((kept) => kept.tableId === table.id && kept.snapshotId === snapshotId && kept.schema === schema);
    if (known !== undefined) return known.whole;
    const kept: Kept = { tableId: table.id, snapshotId, schema, whole: this.#readWhole(table, { snapshotId, schema }, options), count: 0 };
    this.#kept.push(kept);
    this.#letGo();
    kept.whole.then(
      (whole) => {
        kept.count = whole?.changes.length ?? 0;
        this.#letGo();
      },
      () => {
        this.#kept = this.#kept.filter((other) => other !== kept);
      },
    );
    return kept.whole;
  }

  /** Lets the oldest go, where they are too many or too large together. */
  #letGo(): void {
    let changes = this.#kept.reduce((sum, { count }) => sum + count, 0);
    while (this.#kept.length > KEPT_MAX || changes > KEPT_CHANGES_MAX) changes -= this.#kept.shift()?.count ?? 0;
  }

  async #readWhole(table: TableState, query: CommitChangesQuery, options: QueryOptions): Promise<Whole | undefined> {
    const diff = await this.#diffOf(table, query, options);
    const { before, after, insertedRows, updatedRows, deletedRows } = diff;
    if (insertedRows + updatedRows + deletedRows > WHOLE_MAX) return undefined;
    return { changes: await diff.all(), before, after };
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
