/** History read from the catalog: commits and snapshots by id, by time, in ranges and counted, without reading what lies between. */
import { authorKey, commitKey, keptKey, lastNumber, operationKey, PREFIX, snapshotKey, timeKey } from '../catalog/keys.ts';
import { type CommitRecord, decodeCommit, decodeKept, decodeNumber, decodeSnapshot } from '../catalog/records.ts';
import type { CatalogState, TableState } from '../catalog/state.ts';
import type { CatalogStore, Range } from '../catalog/store.ts';
import type { Commit, Snapshot } from '../model/history.ts';
import { asSnapshotId, asTimestampMs, type SnapshotId, type TableId, type TimestampMs } from '../model/ids.ts';
import { limitExceeded } from '../model/limits.ts';
import { OPERATIONS, type Operation } from '../model/types.ts';
import type { CommitFilter } from './count-commits.ts';

const NONE = asSnapshotId(0);

/** An instant, resolved. 0 and null where nothing was committed yet. */
export interface Instant {
  readonly snapshotId: SnapshotId;
  readonly timestampMs: TimestampMs | null;
}

const BEFORE_ALL: Instant = { snapshotId: NONE, timestampMs: null };

/** The newest commit of a state. */
export function instantOf({ snapshotId, timestampMs }: CatalogState): Instant {
  return snapshotId === 0 ? BEFORE_ALL : { snapshotId, timestampMs };
}

const LAST = asSnapshotId(Number.MAX_SAFE_INTEGER);
/** Commits looked at for one page where no index answers the whole question. */
const SCAN_MAX = 100_000;
const SCAN_STEP = 500;
/** Resolved instants that are kept. */
const INSTANTS_MAX = 10_000;

/** Snapshot ids [lo, hi], read upwards or downwards. */
export interface IdRange {
  readonly lo: SnapshotId;
  readonly hi: SnapshotId;
  readonly descending: boolean;
  readonly limit: number;
}

export class History {
  readonly #store: CatalogStore;
  /** Instants resolved lately. */
  readonly #instants = new Map<number, Instant>();

  constructor(store: CatalogStore) {
    this.#store = store;
  }

  /** The newest commit at or before an instant, and when it was made; 0 and null where there is none. */
  async instantAt(state: CatalogState, timestampMs: number): Promise<Instant> {
    if (timestampMs >= state.timestampMs) return instantOf(state);
    if (timestampMs < 0) return BEFORE_ALL;
    const known = this.#instants.get(timestampMs);
    if (known !== undefined) return known;
    const entry = await this.#store.first({ gte: timeKey(0), lte: timeKey(timestampMs), reverse: true });
    const instant =
      entry === undefined
        ? BEFORE_ALL
        : { snapshotId: asSnapshotId(decodeNumber(entry[1])), timestampMs: asTimestampMs(lastNumber(entry[0])) };
    // Before the newest timestamp the answer is final.
    if (this.#instants.size >= INSTANTS_MAX) this.#instants.delete(this.#instants.keys().next().value as number);
    this.#instants.set(timestampMs, instant);
    return instant;
  }

  /** The newest commit at or before an instant; 0 where there is none. */
  async snapshotAt(state: CatalogState, timestampMs: number): Promise<SnapshotId> {
    return (await this.instantAt(state, timestampMs)).snapshotId;
  }

  /** A commit that must exist. */
  commit(snapshotId: SnapshotId): Commit {
    const bytes = this.#store.get(commitKey(snapshotId));
    if (bytes === undefined) throw this.#store.corrupt(`commit ${snapshotId} is missing`);
    return this.#whole(decodeCommit(snapshotId, bytes));
  }

  #whole(record: CommitRecord): Commit {
    const { tables, replaced: _, ...commit } = record;
    // Snapshots that have expired are left out; the commit itself stays.
    const expired: TableId[] = [];
    const snapshots = tables.flatMap(({ tableId }) => {
      const snapshot = this.snapshot(tableId, record.snapshotId);
      if (snapshot !== undefined) return [snapshot];
      if (!this.#hasExpired(tableId, record.snapshotId)) return [this.#requireSnapshot(tableId, record.snapshotId)];
      expired.push(tableId);
      return [];
    });
    return { ...commit, snapshots, ...(expired.length === 0 ? {} : { expired }) };
  }

  #hasExpired(tableId: TableId, snapshotId: SnapshotId): boolean {
    const bytes = this.#store.get(keptKey(tableId));
    return bytes !== undefined && snapshotId < decodeKept(bytes).horizon;
  }

  #requireSnapshot(tableId: TableId, snapshotId: SnapshotId): Snapshot {
    const snapshot = this.snapshot(tableId, snapshotId);
    if (snapshot === undefined) throw this.#store.corrupt(`snapshot ${snapshotId} of table ${tableId} is missing`);
    return snapshot;
  }

  /** The snapshot that a commit made of a table; undefined where it did not touch it. */
  snapshot(tableId: TableId, snapshotId: SnapshotId): Snapshot | undefined {
    const bytes = this.#store.get(snapshotKey(tableId, snapshotId));
    return bytes === undefined ? undefined : decodeSnapshot(tableId, snapshotId, bytes);
  }

  /** A table's last change at or before a snapshot; undefined before it was created. */
  async snapshotAtOrBefore(table: TableState, snapshotId: SnapshotId): Promise<Snapshot | undefined> {
    if (snapshotId >= table.last.snapshotId) return table.last;
    if (snapshotId < table.createdSnapshotId) return undefined;
    const exact = this.snapshot(table.id, snapshotId);
    if (exact !== undefined) return exact;
    const entry = await this.#store.first({ gte: snapshotKey(table.id, NONE), lte: snapshotKey(table.id, snapshotId), reverse: true });
    return entry === undefined ? undefined : decodeSnapshot(table.id, asSnapshotId(lastNumber(entry[0])), entry[1]);
  }

  /** Commits after one, in order: what a subscriber catches up with. */
  async commitsAfter(after: SnapshotId, limit: number): Promise<Commit[]> {
    const entries = await this.#store.entries({ gt: commitKey(after), lte: commitKey(LAST) }, limit);
    return entries.map(([key, bytes]) => this.#whole(decodeCommit(asSnapshotId(lastNumber(key)), bytes)));
  }

  async snapshots(tableId: TableId, operation: Operation | undefined, range: IdRange): Promise<Snapshot[]> {
    if (operation === undefined) {
      const entries = await this.#store.entries(
        { gte: snapshotKey(tableId, range.lo), lte: snapshotKey(tableId, range.hi), reverse: range.descending },
        range.limit,
      );
      return entries.map(([key, bytes]) => decodeSnapshot(tableId, asSnapshotId(lastNumber(key)), bytes));
    }
    const entries = await this.#store.entries(
      { gte: operationKey(tableId, operation, range.lo), lte: operationKey(tableId, operation, range.hi), reverse: range.descending },
      range.limit,
    );
    return entries.map(([key]) => this.#requireSnapshot(tableId, asSnapshotId(lastNumber(key))));
  }

  /**
   * How many snapshots a table has in [lo, hi], of one operation or of all: a difference of two ordinals, and what tags
   * hold below the horizon.
   */
  async countSnapshots(table: TableState, operation: Operation | undefined, lo: SnapshotId, hi: SnapshotId): Promise<number> {
    const { horizon, held } = table.kept;
    const start = Math.max(lo, horizon);
    let count = 0;
    for (const { from } of held) {
      if (from < lo || from > hi) continue;
      if (operation === undefined || this.#requireSnapshot(table.id, from).operation === operation) count += 1;
    }
    if (start > hi) return count;
    const countedTo = (snapshot: Snapshot): number =>
      operation === undefined ? snapshot.ordinal : (snapshot.operationCounts[OPERATIONS.indexOf(operation)] ?? 0);
    const last = await this.snapshotAtOrBefore(table, hi);
    if (last === undefined || last.snapshotId < start) return count;
    if (start === horizon && horizon > 0) {
      const oldest = this.#requireSnapshot(table.id, horizon);
      const itself = operation === undefined || oldest.operation === operation ? 1 : 0;
      return count + countedTo(last) - countedTo(oldest) + itself;
    }
    const before = await this.snapshotAtOrBefore(table, asSnapshotId(start - 1));
    return count + countedTo(last) - (before === undefined ? 0 : countedTo(before));
  }

  /** Commits in a range that touch any of the tables and have the author, where these are given. */
  async commits(filter: CommitFilter, range: IdRange): Promise<Commit[]> {
    const { tableIds, author } = filter;
    if (tableIds !== undefined && author === undefined) return this.#commitsOfTables(tableIds, range);
    const found: Commit[] = [];
    let { lo, hi } = range;
    for (let seen = 0; found.length < range.limit && lo <= hi; ) {
      if (seen >= SCAN_MAX)
        throw limitExceeded('commitsScanned', SCAN_MAX, seen, 'Narrow the range with from and to, or leave out tables or author.');
      const step = tableIds === undefined ? range.limit - found.length : SCAN_STEP;
      const commits = await this.#step(author, { lo, hi, descending: range.descending, limit: step });
      const last = commits.at(-1);
      if (last === undefined) break;
      for (const commit of commits) {
        const touches = tableIds === undefined || commit.snapshots.some((snapshot) => tableIds.includes(snapshot.tableId));
        if (touches && found.length < range.limit) found.push(commit);
      }
      seen += commits.length;
      if (range.descending) hi = asSnapshotId(last.snapshotId - 1);
      else lo = asSnapshotId(last.snapshotId + 1);
    }
    return found;
  }

  async #step(author: string | undefined, { lo, hi, descending, limit }: IdRange): Promise<Commit[]> {
    if (author === undefined) {
      const entries = await this.#store.entries({ gte: commitKey(lo), lte: commitKey(hi), reverse: descending }, limit);
      return entries.map(([key, bytes]) => this.#whole(decodeCommit(asSnapshotId(lastNumber(key)), bytes)));
    }
    const range: Range = { gte: authorKey(author, lo), lte: authorKey(author, hi), reverse: descending };
    const entries = await this.#store.entries(range, limit);
    return entries.map(([key]) => this.commit(asSnapshotId(lastNumber(key))));
  }

  /** The newest (or oldest) of each table's snapshots, merged: one commit may touch several of the tables. */
  async #commitsOfTables(tableIds: readonly TableId[], range: IdRange): Promise<Commit[]> {
    const ids = new Set<SnapshotId>();
    for (const tableId of new Set(tableIds)) {
      const entries = await this.#store.entries(
        { gte: snapshotKey(tableId, range.lo), lte: snapshotKey(tableId, range.hi), reverse: range.descending },
        range.limit,
      );
      for (const [key] of entries) ids.add(asSnapshotId(lastNumber(key)));
    }
    const sorted = [...ids].sort((left, right) => (range.descending ? right - left : left - right));
    return sorted.slice(0, range.limit).map((snapshotId) => this.commit(snapshotId));
  }

  /** Bytes that the catalog takes on disk by kind of record, once LevelDB has moved its log into tables; approximate. */
  async sizes(): Promise<{ readonly metadataBytes: number; readonly hotBytes: number }> {
    let metadataBytes = 0;
    let hotBytes = 0;
    for (const prefix of Object.values(PREFIX)) {
      const bytes = await this.#store.approximateSize(Buffer.of(prefix), Buffer.of(prefix + 1));
      if (prefix === PREFIX.hot) hotBytes += bytes;
      else metadataBytes += bytes;
    }
    return { metadataBytes, hotBytes };
  }
}
