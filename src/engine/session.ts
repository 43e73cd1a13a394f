/**
 * A session: the engine as one principal may use it. Everything outside the engine that works for a caller (resolvers, the
 * GraphQL schema, the sources of subscriptions) has a session and no engine. Each verb first asks `allows`, the one place
 * where permissions are decided; everybody may do everything today. A session is made for each request and holds no state.
 */
import type { ExpireRequest, ExpireResult } from './administration.ts';
import type { TableState } from './catalog/state.ts';
import { type CommitOperation, isRowOperation } from './commit/write/operations/index.ts';
import type { CommitOptions } from './commit/write/options.ts';
import type { QueryOptions } from './data/duckdb.ts';
import type { CommitListener, Engine } from './engine.ts';
import type { EraseRequest } from './maintenance/erase.ts';
import type { VerifyReport } from './maintenance/verify.ts';
import type { Commit, Retention, Snapshot, Tag } from './model/history.ts';
import type { RowId, SnapshotId, TableId } from './model/ids.ts';
import type { RowForm } from './model/rows.ts';
import type { Column, TableSchema } from './model/types.ts';
import type { CommitFilter } from './read/count-commits.ts';
import type { CommitChangesPage, CommitChangesQuery } from './read/diff/commit-changes.ts';
import type { DiffQuery, TableDiff } from './read/diff/diff.ts';
import type { IdRange, Instant } from './read/history.ts';
import type { AsOf } from './read/instants.ts';
import type { ManifestEntry } from './read/manifest.ts';
import type { AggregateQuery } from './read/pages/aggregate.ts';
import type { GroupPage, GroupsQuery } from './read/pages/groups.ts';
import type { RowPage, RowsQuery } from './read/pages/page.ts';
import type { Filter } from './read/scan/filter.ts';
import type { Row } from './read/scan/row.ts';
import type { TableAt } from './read/table-at.ts';
import type { ChangeResult, EraseResult, RestoreOptions, RestoreResult, RevertOptions, RevertResult } from './results.ts';

/** Who a session works for. */
interface Principal {
  /** Principals of one audience may do the same: what is executed for one of them is right for all. */
  readonly audience: string;
}

/** Anybody who reaches the server. */
const EVERYBODY: Principal = { audience: 'everyone' };

/** `administer`: what is done to tables, to history itself and to the catalog. */
type Action = 'read' | 'write' | 'administer';

/** What an action is done to: a table, or all of the catalog. */
type Asked = Pick<TableState, 'name'> | 'catalog';

export class Session {
  readonly principal: Principal;
  readonly #engine: Engine;

  constructor(engine: Engine, principal: Principal = EVERYBODY) {
    this.#engine = engine;
    this.principal = principal;
  }

  /** Whether the principal may do something. The one place that decides it. */
  allows(_action: Action, _to: Asked): boolean {
    return true;
  }

  #ask(action: Action, to: Asked): void {
    if (this.allows(action, to)) return;
    throw new NotAllowed(`${this.principal.audience} may not ${action} ${to === 'catalog' ? 'the catalog' : `table ${to.name}`}`);
  }

  /** A table that was found, where it may be known of. */
  #seen(table: TableState | undefined): TableState | undefined {
    return table !== undefined && this.allows('read', table) ? table : undefined;
  }

  // The catalog.

  /** See Engine.incarnation. */
  get incarnation(): string {
    return this.#engine.incarnation;
  }

  /** The newest commit's snapshot id; 0 before the first. */
  get headSnapshotId(): SnapshotId {
    return this.#engine.headSnapshotId;
  }

  /** Changes whenever a table is created or its columns change. */
  get schemaEpoch(): number {
    return this.#engine.schemaEpoch;
  }

  /** All tables, in the order of their creation. */
  tables(includeDropped = false): TableState[] {
    return this.#engine.tables(includeDropped).filter((table) => this.allows('read', table));
  }

  /** The table that has a name. @throws EngineError TABLE_NOT_FOUND */
  table(name: string): TableState {
    this.#ask('read', { name });
    return this.#engine.table(name);
  }

  findTable(name: string): TableState | undefined {
    return this.#seen(this.#engine.findTable(name));
  }

  tableById(tableId: TableId): TableState | undefined {
    return this.#seen(this.#engine.tableById(tableId));
  }

  /** The table that has a name, or had it last. */
  tableEverNamed(name: string): TableState | undefined {
    return this.#seen(this.#engine.tableEverNamed(name));
  }

  /** Every table that ever had a name, the newest first. @throws EngineError TABLE_NOT_FOUND where none had */
  tablesEverNamed(name: string): TableState[] {
    this.#ask('read', { name });
    return this.#engine.tablesEverNamed(name);
  }

  /** The policy that a table's history is kept by; null where nothing expires by itself. */
  retentionOf(table: TableState): Retention | null {
    this.#ask('read', table);
    return this.#engine.administration.retentionOf(table);
  }

  /** All tags, by name. */
  tags(): Tag[] {
    this.#ask('read', 'catalog');
    return this.#engine.tags();
  }

  // Reading.

  /** See Reads.resolve. */
  resolve(asOf: AsOf, signal?: AbortSignal): Promise<Instant> {
    this.#ask('read', 'catalog');
    return this.#engine.read.resolve(asOf, signal);
  }

  /** Keeps a snapshot from expiring. @returns a function that lets it go */
  hold(snapshotId: SnapshotId): () => void {
    this.#ask('read', 'catalog');
    return this.#engine.read.leases.hold(snapshotId);
  }

  /** See Reads.tableAt. */
  tableAt(table: TableState, snapshotId: SnapshotId, asked?: TableSchema): Promise<TableAt | undefined> {
    this.#ask('read', table);
    return this.#engine.read.tableAt(table, snapshotId, asked);
  }

  /** See Reads.tableAtOwn. */
  tableAtOwn(table: TableState, snapshot: Snapshot): Promise<TableAt> {
    this.#ask('read', table);
    return this.#engine.read.tableAtOwn(table, snapshot);
  }

  /** See Reads.preparePage. */
  preparePage(at: TableAt, query: RowsQuery, options?: QueryOptions): () => Promise<RowPage> {
    this.#ask('read', at.table);
    return this.#engine.read.preparePage(at, query, options);
  }

  /** See Reads.aggregate. */
  aggregate(at: TableAt, query: AggregateQuery, options?: QueryOptions): Promise<readonly unknown[]> {
    this.#ask('read', at.table);
    return this.#engine.read.aggregate(at, query, options);
  }

  /** See Reads.prepareGroups. */
  prepareGroups(at: TableAt, query: GroupsQuery, options?: QueryOptions): () => Promise<GroupPage> {
    this.#ask('read', at.table);
    return this.#engine.read.prepareGroups(at, query, options);
  }

  /** How many groups there are in all. */
  countGroups(at: TableAt, query: Pick<GroupsQuery, 'where' | 'groupBy'>, options?: QueryOptions): Promise<number> {
    this.#ask('read', at.table);
    return this.#engine.read.countGroups(at, query, options);
  }

  /** How many rows match. */
  count(at: TableAt, where: Filter | undefined, options?: QueryOptions): Promise<number> {
    this.#ask('read', at.table);
    return this.#engine.read.count(at, where, options);
  }

  /** See Reads.rowByKey. */
  rowByKey(
    at: TableAt,
    key: Readonly<Record<string, unknown>>,
    columns: readonly Column[],
    options?: QueryOptions,
  ): Promise<Row | undefined> {
    this.#ask('read', at.table);
    return this.#engine.read.rowByKey(at, key, columns, options);
  }

  /** A row as it is at an instant, by its identity. */
  rowAt(at: TableAt, rowId: RowId, columns: readonly Column[], options?: QueryOptions): Promise<Row | undefined> {
    this.#ask('read', at.table);
    return this.#engine.read.rowAt(at, rowId, columns, options);
  }

  /** One version of one row. */
  rowVersion(
    table: TableState,
    version: Pick<Row, 'rowId' | 'fromSnapshotId'>,
    columns: readonly Column[],
    options?: QueryOptions,
  ): Promise<Row | undefined> {
    this.#ask('read', table);
    return this.#engine.read.rowById(table.id, version, columns, options);
  }

  /** What holds a table's rows at an instant. */
  manifest(at: TableAt): ManifestEntry[] {
    this.#ask('read', at.table);
    return this.#engine.read.manifest(at);
  }

  /** Says at once whether a filter fits a table's columns. @throws EngineError of checkFilter */
  checkFilter(table: Pick<TableState, 'name' | 'schema'>, where: Filter): void {
    this.#ask('read', table);
    this.#engine.read.checkFilter(table.schema, where);
  }

  /** What became of a table's rows between two snapshots. */
  diff(table: TableState, query: DiffQuery, options?: QueryOptions): Promise<TableDiff> {
    this.#ask('read', table);
    return this.#engine.read.diff(table, query, options);
  }

  // History.

  /** A commit that is there, by its id. */
  commitOf(snapshotId: SnapshotId): Commit {
    this.#ask('read', 'catalog');
    return this.#engine.read.history.commit(snapshotId);
  }

  /** Commits of a range of snapshot ids that match. */
  commits(filter: CommitFilter, range: IdRange): Promise<Commit[]> {
    this.#ask('read', 'catalog');
    return this.#engine.read.history.commits(filter, range);
  }

  countCommits(filter: CommitFilter, range: { readonly lo: number; readonly hi: number }, options?: QueryOptions): Promise<number> {
    this.#ask('read', 'catalog');
    return this.#engine.read.countCommits(filter, range, options);
  }

  /** The newest snapshot at or before an instant, UTC milliseconds. */
  snapshotIdAt(timestampMs: number): Promise<SnapshotId> {
    this.#ask('read', 'catalog');
    return this.#engine.read.history.snapshotAt(this.#engine.head, timestampMs);
  }

  /** A table's own snapshot of a commit. */
  snapshot(table: TableState, snapshotId: SnapshotId): Snapshot | undefined {
    this.#ask('read', table);
    return this.#engine.read.history.snapshot(table.id, snapshotId);
  }

  /** A table's last own snapshot at or before another. */
  snapshotAtOrBefore(table: TableState, snapshotId: SnapshotId): Promise<Snapshot | undefined> {
    this.#ask('read', table);
    return this.#engine.read.history.snapshotAtOrBefore(table, snapshotId);
  }

  /** A table's own snapshots of a range of snapshot ids. */
  snapshots(table: TableState, operation: Snapshot['operation'] | undefined, range: IdRange): Promise<Snapshot[]> {
    this.#ask('read', table);
    return this.#engine.read.history.snapshots(table.id, operation, range);
  }

  countSnapshots(table: TableState, operation: Snapshot['operation'] | undefined, { lo, hi }: Pick<IdRange, 'lo' | 'hi'>): Promise<number> {
    this.#ask('read', table);
    return this.#engine.read.history.countSnapshots(table, operation, lo, hi);
  }

  // Watching.

  /** Calls the listener with each round's commits, in order, once durable. @returns a function that ends it */
  onCommits(listener: CommitListener): () => void {
    this.#ask('read', 'catalog');
    return this.#engine.onCommits(listener);
  }

  /** The commits right after a snapshot, in order. */
  commitsAfter(snapshotId: SnapshotId, limit: number): Promise<Commit[]> {
    this.#ask('read', 'catalog');
    return this.#engine.read.history.commitsAfter(snapshotId, limit);
  }

  /** What one commit did to the rows of a table that match, a page at a time. */
  commitChanges(table: TableState, query: CommitChangesQuery, options?: QueryOptions): Promise<CommitChangesPage> {
    this.#ask('read', table);
    return this.#engine.read.commitChanges(table, query, options);
  }

  // Writing.

  /** See Engine.append. */
  append(table: string, rows: readonly unknown[], options?: CommitOptions | null, form?: RowForm): Promise<ChangeResult> {
    this.#ask('write', { name: table });
    return this.#engine.append(table, rows, options, form);
  }

  /** See Engine.commit. */
  commit(operations: readonly CommitOperation[], options?: CommitOptions | null): Promise<ChangeResult> {
    for (const operation of operations)
      this.#ask(isRowOperation(operation) ? 'write' : 'administer', 'table' in operation ? { name: operation.table } : 'catalog');
    return this.#engine.commit(operations, options);
  }

  /** See Engine.restore. */
  restore(request: RestoreOptions, options?: CommitOptions | null): Promise<RestoreResult> {
    this.#ask('administer', 'catalog');
    return this.#engine.restore(request, options);
  }

  /** See Engine.revert. */
  revert(request: RevertOptions, options?: CommitOptions | null): Promise<RevertResult> {
    this.#ask('administer', 'catalog');
    return this.#engine.revert(request, options);
  }

  // What is done to history itself.

  /** See Engine.createTag. */
  createTag(name: string, at: AsOf, message: string | null): Promise<Tag> {
    this.#ask('administer', 'catalog');
    return this.#engine.createTag(name, at, message);
  }

  /** @throws EngineError TAG_NOT_FOUND */
  dropTag(name: string): Promise<Tag> {
    this.#ask('administer', 'catalog');
    return this.#engine.dropTag(name);
  }

  /** See Engine.expireSnapshots. `ageMs` says `olderThanMs` as an age. */
  expire({ ageMs, ...request }: ExpireRequest & { readonly ageMs?: number | null | undefined }): Promise<ExpireResult> {
    this.#ask('administer', request.table == null ? 'catalog' : { name: request.table });
    return this.#engine.expireSnapshots(ageMs == null ? request : { ...request, olderThanMs: this.#engine.administration.ago(ageMs) });
  }

  /** See Engine.eraseRows. */
  erase(request: EraseRequest, options?: CommitOptions | null): Promise<EraseResult> {
    this.#ask('administer', { name: request.table });
    return this.#engine.eraseRows(request, options);
  }

  /** Flushes the hot rows and merges the files of one table, or of all. */
  compact(table?: string | null): ReturnType<Engine['compact']> {
    this.#ask('administer', table == null ? 'catalog' : { name: table });
    return this.#engine.compact(table);
  }

  /** Reads everything that is stored and compares it with its checksums. */
  verify(): Promise<VerifyReport> {
    this.#ask('administer', 'catalog');
    return this.#engine.verify();
  }
}

/** Raised by a session where its principal may not do what is asked. */
class NotAllowed extends Error {}
