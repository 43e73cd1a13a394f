/** The read side of the engine: from a choice of instant to a snapshot, and everything that can be asked of one. */

import { CEILING_KEY } from '../catalog/keys.ts';
import { encodeNumber } from '../catalog/records.ts';
import { isKept, snapshotExpired, type TableState, tableById, tagNotFound } from '../catalog/state.ts';
import type { QueryOptions } from '../data/duckdb.ts';
import { EngineError, invariant, unreachable } from '../model/errors.ts';
import type { ColumnBounds, Commit, Snapshot } from '../model/history.ts';
import { asRowId, asSnapshotId, type RowId, type SnapshotId, type TableId } from '../model/ids.ts';
import { LIMITS } from '../model/limits.ts';
import type { Column, TableSchema } from '../model/types.ts';
import type { TimeKeeper } from '../time/time-keeper.ts';
import { Arrivals } from './arrivals.ts';
import { type CommitFilter, countCommits } from './count-commits.ts';
import { CommitChanges, type CommitChangesPage, type CommitChangesQuery } from './diff/commit-changes.ts';
import { type DiffQuery, Diffs, type TableDiff } from './diff/diff.ts';
import type { ChangePage } from './diff/diff-page.ts';
import { type History, type Instant, instantOf } from './history.ts';
import { Leases } from './leases.ts';
import { type AggregateQuery, readAggregate } from './pages/aggregate.ts';
import { checkGroups, countGroups, type GroupPage, type GroupsQuery, readGroups } from './pages/groups.ts';
import { checkPage, type PageArguments, type PageTarget, type RowPage, type RowsQuery, readPage } from './pages/page.ts';
import { RowReader } from './pages/row-reader.ts';
import { bytesOfChanges, bytesOfGroups, bytesOfRow, bytesOfRows, bytesOfValues } from './row-bytes.ts';
import { withoutDropped } from './scan/dropped-columns.ts';
import { checkFilter, type Filter } from './scan/filter.ts';
import { Matcher } from './scan/match.ts';
import type { Row } from './scan/row.ts';
import { Scanner, type ScannerParts } from './scan/scanner.ts';

/** The choice of an instant. */
export type AsOf =
  /** `atLeast`: not before this commit is there, which is waited for up to 5 s. */
  | { readonly kind: 'newest'; readonly atLeast?: number | undefined }
  /** UTC milliseconds, inclusive. */
  | { readonly kind: 'timestamp'; readonly timestampMs: number }
  | { readonly kind: 'snapshot'; readonly snapshotId: number }
  | { readonly kind: 'tag'; readonly tag: string };

/** One table at one instant. */
export interface TableAt extends PageTarget {
  readonly table: TableState;
  /** The table's last change at or before the instant. */
  readonly snapshot: Snapshot;
}

/** A part of what holds a table's rows at an instant: a data file, or the hot rows together. */
export interface ManifestEntry {
  readonly kind: 'PARQUET' | 'HOT';
  /** Relative to the data directory; null for hot rows. */
  readonly path: string | null;
  readonly rowCount: number;
  readonly sizeBytes: number;
  /** SHA-256 of the file, hex; null for hot rows. */
  readonly sha256: string | null;
  readonly fromSnapshotId: SnapshotId;
  readonly toSnapshotId: SnapshotId;
  readonly bounds: readonly (ColumnBounds & { readonly column: Column })[];
}

export interface ReadsParts extends ScannerParts {
  readonly history: History;
  /** Which life of the database cursors are of. */
  readonly incarnation: string;
  readonly time: TimeKeeper;
  /** Resolves when no commit at or before the timestamp is still on its way to disk. */
  readonly settledAt: (timestampMs: number) => Promise<void>;
  /** Whether a round is on its way to disk: the catalog may show it before the state does. */
  readonly isWriting: () => boolean;
  readonly queryTimeoutMs: number;
}

export class Reads {
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
  readonly #arrivals = new Arrivals();
  #ceilingWrite: Promise<void> | undefined;

  constructor(parts: ReadsParts) {
    this.#parts = parts;
    this.history = parts.history;
    this.scanner = new Scanner(parts);
    this.matcher = new Matcher(this.scanner, parts.duck);
    this.#diffs = new Diffs(parts, this.matcher);
    this.#commitChanges = new CommitChanges(this.#diffs, this.matcher);
    this.#rows = new RowReader({ ...parts, scanner: this.scanner });
  }

  #query(options: QueryOptions | undefined): QueryOptions {
    return { timeoutMs: options?.timeoutMs ?? this.#parts.queryTimeoutMs, signal: options?.signal, budget: options?.budget };
  }

  /**
   * The snapshot that an instant means. Once answered, the answer never changes: later commits get later timestamps.
   * @throws EngineError FUTURE_TIMESTAMP {now}, SNAPSHOT_NOT_FOUND, TAG_NOT_FOUND
   */
  async resolve(asOf: AsOf, signal?: AbortSignal): Promise<Instant> {
    switch (asOf.kind) {
      case 'newest':
        return asOf.atLeast === undefined ? this.#newest() : this.#newestFrom(asOf.atLeast, signal);
      case 'snapshot':
        return this.#bySnapshot(asOf.snapshotId);
      case 'tag':
        return this.#byTag(asOf.tag);
      case 'timestamp':
        return this.#byTimestamp(asOf.timestampMs, signal);
      default:
        return unreachable(asOf);
    }
  }

  #newest(): Instant {
    return instantOf(this.#parts.current());
  }

  async #newestFrom(atLeast: number, signal: AbortSignal | undefined): Promise<Instant> {
    const { current, time } = this.#parts;
    if (!Number.isSafeInteger(atLeast) || atLeast < 0)
      throw new EngineError('BAD_USER_INPUT', `atLeast: ${atLeast} is not a snapshotId`, { hint: 'Pass the snapshotId of a commit.' });
    if (current().snapshotId >= atLeast) return this.#newest();
    const { arrival, cancel } = this.#arrivals.of(atLeast);
    const over = new AbortController();
    try {
      const limit = time.wait(LIMITS.arrivalWaitMs, signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]));
      await Promise.race([arrival, limit]);
    } finally {
      cancel();
      over.abort();
    }
    const { snapshotId } = current();
    if (snapshotId >= atLeast) return this.#newest();
    const seconds = LIMITS.arrivalWaitMs / 1000;
    throw new EngineError('SNAPSHOT_NOT_FOUND', `snapshot ${atLeast} was not there within ${seconds} s; the newest is ${snapshotId}`, {
      details: { snapshotId: atLeast, newestSnapshotId: snapshotId },
      hint: 'atLeast takes the snapshotId of a commit that was made. Ask again if it is on its way here.',
    });
  }

  /** To be called with new commits, once the state has them: who waits for one goes on, and copies of erased rows go. */
  published(commits: readonly Commit[]): void {
    if (commits.some((commit) => commit.snapshots.some(({ operation }) => operation === 'ERASE'))) this.forgetCopies();
    this.#arrivals.arrived(this.#parts.current().snapshotId);
  }

  #bySnapshot(snapshotId: number): Instant {
    const state = this.#parts.current();
    if (snapshotId === state.snapshotId) return this.#newest();
    if (!Number.isSafeInteger(snapshotId) || snapshotId < 1 || snapshotId > state.snapshotId) {
      throw new EngineError('SNAPSHOT_NOT_FOUND', `there is no snapshot ${snapshotId}; the newest is ${state.snapshotId}`, {
        details: { snapshotId, newestSnapshotId: state.snapshotId },
        hint: 'Snapshots count from 1; table(name) { snapshots { nodes { snapshotId } } } lists those of a table.',
      });
    }
    const id = asSnapshotId(snapshotId);
    return { snapshotId: id, timestampMs: this.history.commit(id).timestampMs };
  }

  #byTag(name: string): Instant {
    const { tags } = this.#parts.current();
    const tag = tags.get(name);
    if (tag !== undefined)
      return tag.snapshotId === 0 ? { snapshotId: tag.snapshotId, timestampMs: null } : this.#bySnapshot(tag.snapshotId);
    throw tagNotFound({ tags }, name);
  }

  async #byTimestamp(timestampMs: number, signal: AbortSignal | undefined): Promise<Instant> {
    const { time, current, settledAt } = this.#parts;
    if (!Number.isSafeInteger(timestampMs))
      throw new EngineError('BAD_USER_INPUT', `${timestampMs} is not an instant in whole milliseconds`);
    await time.fence(timestampMs, () => current().timestampMs, signal);
    // Nothing that is stamped from here on can be at or before the instant; what was stamped before is waited for.
    await settledAt(timestampMs);
    const ceiling = time.ceilingNeeded(timestampMs, current().timestampMs);
    if (ceiling !== undefined) await this.#persistCeiling(ceiling, timestampMs);
    return this.history.instantAt(current(), timestampMs);
  }

  /** One write at a time; who comes meanwhile waits for it and looks again. */
  async #persistCeiling(wanted: number, timestampMs: number): Promise<void> {
    const { time, current } = this.#parts;
    for (
      let ceiling: number | undefined = wanted;
      ceiling !== undefined;
      ceiling = time.ceilingNeeded(timestampMs, current().timestampMs)
    ) {
      this.#ceilingWrite ??= this.#writeCeiling(ceiling).finally(() => {
        this.#ceilingWrite = undefined;
      });
      await this.#ceilingWrite;
    }
  }

  /** An instant that cannot be fixed on disk is not answered: after a crash it might be answered otherwise. */
  async #writeCeiling(ceilingMs: number): Promise<void> {
    const { store, time } = this.#parts;
    try {
      await store.admit(true);
      await store.write([{ key: CEILING_KEY, value: encodeNumber(ceilingMs) }], { sync: true });
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      const { code, details, hint = '', cause } = error;
      throw new EngineError(
        code,
        `this instant cannot be fixed on disk, so that it would answer the same after a crash: ${error.message}`,
        {
          details,
          hint: `${hint} Reading the newest data, a snapshotId, a tag or an instant before the newest commit goes on.`.trim(),
          cause,
        },
      );
    }
    time.ceilingPersisted(ceilingMs);
  }

  /**
   * A table as of a snapshot; undefined where it did not exist then. With the columns that are asked for, or those of then
   * where none are; of those that are asked for, one that had been dropped by then is null in every row.
   */
  async tableAt(of: TableState, snapshotId: SnapshotId, asked?: TableSchema): Promise<TableAt | undefined> {
    // The instant may have been waited for: what is known of the table must be at least as new.
    const table = tableById(this.#parts.current(), of.id);
    if (snapshotId < table.createdSnapshotId) return undefined;
    if (!isKept(table, snapshotId)) throw snapshotExpired(table, snapshotId);
    const snapshot = await this.history.snapshotAtOrBefore(table, snapshotId);
    // Expiry may have come in between, and taken the record that was looked for.
    const now = tableById(this.#parts.current(), table.id);
    if (!isKept(now, snapshotId)) throw snapshotExpired(now, snapshotId);
    if (snapshot === undefined || snapshot.operation === 'DROP') return undefined;
    const then = table.schemas.find((candidate) => candidate.version === snapshot.schemaVersion) as TableSchema;
    const schema = asked === undefined ? then : withoutDropped(table, asked, then);
    // Rows that were erased since are not there any more.
    let erased = 0;
    for (const { from, to, rows } of table.kept.erased) if (from <= snapshotId && snapshotId < to) erased += rows;
    const counted = erased === 0 ? snapshot : { ...snapshot, totalRows: snapshot.totalRows - erased };
    return { table, tableId: table.id, schema, snapshotId, snapshot: counted, nextRow: snapshot.nextRow };
  }

  /**
   * A table as of one of its own snapshots. A dropped table has no state of its own: that of right before stands for it. It is
   * empty where the commit that dropped the table had created it, and where all before the end has expired.
   * @throws EngineError SNAPSHOT_EXPIRED
   */
  async tableAtOwn(table: TableState, snapshot: Snapshot): Promise<TableAt> {
    const isDrop = snapshot.operation === 'DROP';
    const snapshotId = isDrop ? asSnapshotId(snapshot.snapshotId - 1) : snapshot.snapshotId;
    const isGone = isDrop && !isKept(tableById(this.#parts.current(), table.id), snapshotId);
    if (isGone || snapshotId < table.createdSnapshotId) return neverRead(table, { ...snapshot, snapshotId });
    const at = await this.tableAt(table, snapshotId);
    invariant(at !== undefined, `table ${table.id} is there at its own snapshot ${snapshot.snapshotId}`);
    return at;
  }

  /** @throws EngineError of checkPage and readPage */
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

  /** Lets go of copies of rows that reads keep beside the block cache: after an erasure. */
  forgetCopies(): void {
    this.#commitChanges.forget();
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
    const table = tableById(this.#parts.current(), target.tableId);
    const { snapshotId } = target;
    const entries = table.files
      .filter((file) => file.fromLo <= snapshotId && (file.kind !== 'history' || file.toHi > snapshotId))
      .filter((file) => file.endedAt === null || file.endedAt > snapshotId)
      .map(
        (file): ManifestEntry => ({
          kind: 'PARQUET',
          path: this.#parts.files.relativePath(file),
          rowCount: file.rowCount,
          sizeBytes: file.sizeBytes,
          sha256: file.sha256,
          fromSnapshotId: file.fromLo,
          toSnapshotId: file.fromHi,
          bounds: file.bounds.flatMap((bounds) => {
            const column = table.schema.columns.find((candidate) => candidate.fieldId === bounds.fieldId);
            return column === undefined ? [] : [{ ...bounds, column }];
          }),
        }),
      );
    const hotRows = target.snapshot.hotRowsEver - table.flushedRowsEver;
    if (hotRows > 0) {
      entries.push({
        kind: 'HOT',
        path: null,
        rowCount: hotRows,
        sizeBytes: target.snapshot.hotBytesEver - table.flushedBytesEver,
        sha256: null,
        fromSnapshotId: asSnapshotId(table.hotFloor + 1),
        toSnapshotId: target.snapshot.snapshotId,
        bounds: [],
      });
    }
    return entries;
  }
}

/** A table that no reader ever saw, right before the commit that created and dropped it. */
function neverRead(table: TableState, snapshot: Snapshot): TableAt {
  const schema = table.schemas.find(({ version }) => version === snapshot.schemaVersion) ?? table.schema;
  const empty = { operation: 'CREATE' as const, totalRows: 0, totalFiles: 0, totalBytes: 0, hotRowsEver: 0, hotBytesEver: 0 };
  return {
    table,
    tableId: table.id,
    schema,
    snapshotId: snapshot.snapshotId,
    snapshot: { ...snapshot, ...empty },
    nextRow: asRowId(0),
  };
}
