/**
 * The row changes of one commit, relative to a filter: a row that starts to match is reported as INSERT, a row that stops
 * matching as DELETE (rule 7 of row-changes.ts). The changes of the commits that were asked for last are kept without a
 * filter, so that many subscribers to one table cost one reading.
 */
import { schemaAt, type TableState } from '../../catalog/state.ts';
import type { QueryOptions } from '../../data/duckdb.ts';
import type { RowCopies, RowCopy } from '../../data/row-copies.ts';
import { asSnapshotId, type SnapshotId } from '../../model/ids.ts';
import { LIMITS } from '../../model/limits.ts';
import { mapCells } from '../../model/schema.ts';
import type { Column, TableSchema } from '../../model/types.ts';
import { bytesOfChanges, fitting } from '../row-bytes.ts';
import { withoutDropped } from '../scan/dropped-columns.ts';
import { type CheckedFilter, checkFilter, type Filter } from '../scan/filter.ts';
import type { Matcher } from '../scan/match.ts';
import type { Row } from '../scan/row.ts';
import type { RowWindow } from '../scan/visibility.ts';
import type { DiffQuery, Diffs } from './diff.ts';
import { ReadingInParts } from './reading-in-parts.ts';
import type { RowChange } from './row-changes.ts';

export interface CommitChangesQuery {
  readonly snapshotId: SnapshotId;
  readonly where?: Filter | undefined;
  /** The columns that `where` names; those of the answer after the commit where absent. */
  readonly filterSchema?: TableSchema | undefined;
  /** The columns of the answer; those that the table has before and after the commit where absent. */
  readonly schema?: TableSchema | undefined;
  /** Only rows of later identities. */
  readonly afterRow?: number | undefined;
}

export interface CommitChangesPage {
  /** By row identity, at most LIMITS.changesPerEventMax, and LIMITS.changesPerEventBytesMax where there is more than one. */
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
  /** Of its changes, once they are known. */
  bytes: number;
}

/** A larger commit on its way through its pages: the diff of a window of its rows. */
interface Large {
  readonly tableId: number;
  readonly query: CommitChangesQuery;
  readonly window: RowWindow;
  readonly reading: ReadingInParts;
}

/** The most changes of a commit that are kept as a whole, and the most bytes. */
const WHOLE_MAX = 10_000;
const WHOLE_BYTES_MAX = 4 * 1024 * 1024;
const KEPT_MAX = 64;
/** The most bytes of changes that are kept of all commits together. */
const KEPT_BYTES_MAX = 32 * 1024 * 1024;
const LARGE_MAX = 4;
/** About how many changed rows of a larger commit are looked for together, and over how many times as many identities at the most. */
const WINDOW_ROWS = 262_144;
const WINDOW_SPREAD_MAX = 8;
/** So few rows are read together, whatever their size. */
const FEW = 50;

export class CommitChanges implements RowCopy {
  readonly #diffs: Diffs;
  readonly #matcher: Matcher;
  #kept: Kept[] = [];
  #large: Large[] = [];
  /** How often all was let go. */
  #forgotten = 0;

  constructor(diffs: Diffs, matcher: Matcher, copies: RowCopies) {
    this.#diffs = diffs;
    this.#matcher = matcher;
    copies.join('changes of commits', this);
  }

  /** Lets go of all that is kept. */
  forget(): void {
    this.#kept = [];
    this.#large = [];
    this.#forgotten += 1;
  }

  kept(): unknown {
    return [this.#kept.map(({ whole }) => whole), this.#large.map(({ reading }) => reading.kept())];
  }

  /** @throws EngineError SNAPSHOT_EXPIRED, BAD_USER_INPUT, COLUMN_NOT_FOUND, LIMIT_EXCEEDED and those of Scanner.scan */
  async page(table: TableState, query: CommitChangesQuery, options: QueryOptions): Promise<CommitChangesPage> {
    const whole = await this.#whole(table, query, options);
    if (whole === undefined) return this.#pageOfLarge(table, query, options);
    const { afterRow = -1 } = query;
    const rest = afterRow < 0 ? whole.changes : whole.changes.filter((change) => change.rowId > afterRow);
    const seen = await this.#seen(table, rest, whole, query, options);
    const end = fitting(seen.slice(0, LIMITS.changesPerEventMax), LIMITS.changesPerEventBytesMax);
    return { ...whole, changes: seen.slice(0, end), hasMore: end < seen.length };
  }

  /** All changes of a commit that is not large, whatever the filter. */
  #whole(table: TableState, { snapshotId, schema }: CommitChangesQuery, options: QueryOptions): Promise<Whole | undefined> {
    const known = this.#kept.find((kept) => kept.tableId === table.id && kept.snapshotId === snapshotId && kept.schema === schema);
    if (known !== undefined) return known.whole;
    const kept: Kept = { tableId: table.id, snapshotId, schema, whole: this.#readWhole(table, { snapshotId, schema }, options), bytes: 0 };
    this.#kept.push(kept);
    this.#letGo();
    kept.whole.then(
      (whole) => {
        kept.bytes = whole === undefined ? 0 : bytesOfChanges(whole.changes);
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
    let total = this.#kept.reduce((sum, { bytes }) => sum + bytes, 0);
    while (this.#kept.length > KEPT_MAX || total > KEPT_BYTES_MAX) total -= this.#kept.shift()?.bytes ?? 0;
  }

  async #readWhole(table: TableState, query: CommitChangesQuery, options: QueryOptions): Promise<Whole | undefined> {
    if (this.#diffs.rowsOf(table, query.snapshotId) > WHOLE_MAX) return undefined;
    const diff = await this.#diffs.diff(table, spanOf(query), options);
    const { before, after, insertedRows, updatedRows, deletedRows } = diff;
    const count = insertedRows + updatedRows + deletedRows;
    if (count > WHOLE_MAX) return undefined;
    if (count <= FEW) return { changes: await diff.all(), before, after };
    const { changes, hasMore } = await new ReadingInParts(diff).after(-1, { rowsMax: count, bytesMax: WHOLE_BYTES_MAX });
    return hasMore ? undefined : { changes, before, after };
  }

  async #pageOfLarge(table: TableState, query: CommitChangesQuery, options: QueryOptions): Promise<CommitChangesPage> {
    const rowEnd = this.#diffs.rowEndOf(table, query.snapshotId);
    let { afterRow = -1 } = query;
    for (;;) {
      const large = await this.#windowOf(table, { ...query, afterRow }, rowEnd, options);
      const { before, after } = large.reading.diff;
      const page = await large.reading.after(afterRow, {
        rowsMax: LIMITS.changesPerEventMax,
        bytesMax: LIMITS.changesPerEventBytesMax,
      });
      const isLast = large.window.hi >= rowEnd;
      if (!page.hasMore) this.#large = this.#large.filter((other) => other !== large);
      if (page.changes.length > 0 || isLast) {
        const changes = await this.#seen(table, page.changes, { before, after }, query, options);
        return { changes, hasMore: page.hasMore || !isLast, before, after };
      }
      afterRow = large.window.hi - 1;
    }
  }

  /** The diff of the rows among which those after a row lie. */
  async #windowOf(table: TableState, query: CommitChangesQuery, rowEnd: number, options: QueryOptions): Promise<Large> {
    const { snapshotId, where, schema, filterSchema, afterRow = -1 } = query;
    const lo = afterRow + 1;
    const known = this.#large.find(
      (one) =>
        one.tableId === table.id &&
        one.query.snapshotId === snapshotId &&
        one.query.where === where &&
        one.query.schema === schema &&
        one.query.filterSchema === filterSchema &&
        one.window.lo <= lo &&
        lo < one.window.hi,
    );
    if (known !== undefined) return known;
    const spread = Math.min(WINDOW_SPREAD_MAX, rowEnd / Math.max(1, this.#diffs.rowsOf(table, snapshotId)));
    const window = { lo, hi: Math.min(lo + Math.ceil(WINDOW_ROWS * Math.max(1, spread)), Math.max(rowEnd, lo + 1)) };
    const forgotten = this.#forgotten;
    const diff = await this.#diffs.diff(table, { ...spanOf(query), where, filterSchema, window }, options);
    const large: Large = { tableId: table.id, query, window, reading: new ReadingInParts(diff) };
    // Begun before an erasure: it may have seen what was erased.
    if (this.#forgotten === forgotten) this.#large.push(large);
    if (this.#large.length > LARGE_MAX) this.#large.shift();
    return large;
  }

  /** The changes of rows that match before or after, their kinds relative to the filter. */
  async #seen(
    table: TableState,
    changes: readonly RowChange[],
    { before, after }: Pick<CommitChangesPage, 'before' | 'after'>,
    { where, filterSchema, snapshotId }: CommitChangesQuery,
    options: QueryOptions,
  ): Promise<readonly RowChange[]> {
    if (where === undefined || changes.length === 0) return changes;
    // Columns go by identity: what the filter names fits rows before and after.
    const named = filterSchema === undefined ? after : withoutDropped(table, filterSchema, schemaAt(table, snapshotId));
    const filter = checkFilter(named, where);
    const was = await this.#matching(
      changes.map((change) => change.before),
      { from: before.columns, to: named.columns, filter },
      options,
    );
    const is = await this.#matching(
      changes.map((change) => change.after),
      { from: after.columns, to: named.columns, filter },
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
    const versions = rows.flatMap((row, at) => {
      if (row === null) return [];
      places.push(at);
      return [{ row: row.rowId, from: row.fromSnapshotId, cells: map === undefined ? [...row.cells] : map([...row.cells]) }];
    });
    return new Set((await this.#matcher.matchCells(to, versions, filter, options)).map((at) => places[at] as number));
  }
}

function spanOf({ snapshotId, schema }: CommitChangesQuery): DiffQuery {
  return { from: asSnapshotId(snapshotId - 1), to: snapshotId, mode: 'FULL', schema };
}
