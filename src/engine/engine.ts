/**
 * The engine: a versioned store of tables, usable alone. Its verbs; its parts are put together in wiring.ts. It is the one
 * thing that src/server, src/resolvers and src/pubsub talk to.
 */
import { join } from 'node:path';
import type { Administration, ExpireRequest, ExpireResult } from './administration.ts';
import { closeCatalog } from './catalog/close.ts';
import { checkTables } from './catalog/inspect.ts';
import {
  type CatalogState,
  findTable,
  looseEndsIn,
  type TableState,
  tableById,
  tableEverNamed,
  tableNamed,
  tablesEverNamed,
  tablesOf,
} from './catalog/state.ts';
import type { WriteTrouble } from './catalog/write-phases.ts';
import { endWork } from './closing.ts';
import type { CommitOperation } from './commit/write/operations/index.ts';
import type { HowToUpsert } from './commit/write/operations/upsert.ts';
import { type CommitOptions, checkOptions } from './commit/write/options.ts';
import { erasedTables, type RowCopies } from './data/row-copies.ts';
import type { Outcome } from './log/entry.ts';
import type { EraseRequest } from './maintenance/erase.ts';
import { type VerifyReport, verify } from './maintenance/verify.ts';
import type { ColumnChange } from './model/alter.ts';
import type { Commit, Tag } from './model/history.ts';
import type { SnapshotId, TableId } from './model/ids.ts';
import { LIMITS } from './model/limits.ts';
import type { RowForm } from './model/rows.ts';
import type { TableDefinition } from './model/schema.ts';
import type { EngineOptions, OpenedParts } from './options.ts';
import type { AsOf } from './read/instants.ts';
import type { Reads } from './read/reads.ts';
import type { Filter } from './read/scan/filter.ts';
import {
  appendedRows,
  type ChangeResult,
  type CommitResult,
  changedRows,
  committedResult,
  type EraseResult,
  nothing,
  type RestoreOptions,
  type RestoreResult,
  type RevertOptions,
  type RevertResult,
  refuseTooManyEnds,
} from './results.ts';
import { type EngineStatistics, statisticsOf } from './statistics.ts';
import { restoreTables, revertCommit, type UndoParts } from './undo.ts';
import { type EngineParts, wireEngine } from './wiring.ts';

/** A listener of `engine.onCommits`. */
export type CommitListener = (commits: readonly Commit[]) => void;

const CLOSE_WAIT_MS = 10_000;

/**
 * An open database, made by `openEngine`. Writes are methods here; each is one commit, durable when its promise resolves. Reads are in
 * `read`.
 */
export class Engine {
  /** The incarnation: another text after each restore from a backup. Cursors and ids that name a snapshot carry it. */
  readonly incarnation: string;
  /** All reads: instants, pages of rows, aggregates, diffs, history. */
  readonly read: Reads;
  /** Every copy of rows that this process keeps, here and above the engine: what an erasure waits for. */
  readonly rowCopies: RowCopies;
  /** The parts of history's administration that have no method here: retention policies, and the plan of a restore. */
  readonly administration: Administration;
  readonly #directory: string;
  readonly #release: () => void;
  readonly #parts: EngineParts;
  readonly #undoing: UndoParts;
  readonly #sequencing: Promise<void>;
  readonly #listeners = new Set<CommitListener>();
  readonly #background = new Set<Promise<unknown>>();
  readonly #report: (error: unknown, task: string) => void;
  #state: CatalogState;
  #closing: Promise<void> | undefined;

  /** Use openEngine. */
  constructor(options: EngineOptions, opened: OpenedParts) {
    const { directory, state, store, uncheckedTables } = opened;
    this.#directory = directory;
    this.#release = opened.release;
    this.incarnation = opened.incarnation.name;
    this.#state = state;
    this.#report = options.onBackgroundError ?? (() => {});
    const current = (): CatalogState => this.#state;
    this.#parts = wireEngine(options, opened, {
      current,
      publish: (next, commits) => this.#publish(next, commits),
      background: (work) => this.#track(work),
      report: this.#report,
    });
    const { read, copies, administration, sequencer, scheduler } = this.#parts;
    this.read = read;
    this.rowCopies = copies;
    this.administration = administration;
    this.#undoing = { read, administration, current, result: (outcome) => this.#result(outcome) };
    this.#sequencing = sequencer.run();
    this.#track(checkTables(store, join(directory, 'catalog'), uncheckedTables, () => this.#closing !== undefined));
    scheduler.touched(tablesOf(state));
  }

  /** The data directory, an absolute path. */
  get directory(): string {
    return this.#directory;
  }

  /** The snapshotId of the newest commit; 0 before the first commit. */
  get headSnapshotId(): SnapshotId {
    return this.#state.snapshotId;
  }

  /** The newest state of the catalog, for functions that take one. */
  get head(): CatalogState {
    return this.#state;
  }

  /** A number that changes when a table is created, altered or dropped. The typed API is built from it. */
  get schemaEpoch(): number {
    return this.#state.schemaEpoch;
  }

  /** All tables, in the order of their creation; with `includeDropped` also the dropped ones. */
  tables(includeDropped = false): TableState[] {
    return tablesOf(this.#state).filter((table) => includeDropped || table.droppedSnapshotId === null);
  }

  /** The table that has the name, or the last one that had it. @returns undefined if none ever had it */
  tableEverNamed(name: string): TableState | undefined {
    return tableEverNamed(this.#state, name);
  }

  /** Every table that ever had the name, the newest first. @throws EngineError TABLE_NOT_FOUND if there is none */
  tablesEverNamed(name: string): TableState[] {
    return tablesEverNamed(this.#state, name);
  }

  /** Why no commit is taken at present, and since when; undefined if commits are taken. Reads go on meanwhile. */
  get writeTrouble(): WriteTrouble | undefined {
    return this.#parts.store.trouble;
  }

  /** The present time of the database, UTC milliseconds since the epoch. It never goes back. */
  now(): number {
    return this.#parts.time.now(this.#state.timestampMs);
  }

  /** The table that has the name now. @returns undefined if there is none */
  findTable(name: string): TableState | undefined {
    return findTable(this.#state, name);
  }

  /** The table that has the name now. @throws EngineError TABLE_NOT_FOUND */
  table(name: string): TableState {
    return tableNamed(this.#state, name);
  }

  /** The table with the id, also a dropped one; undefined if there is none. */
  tableById(tableId: TableId): TableState | undefined {
    return this.#state.tables[tableId];
  }

  /**
   * Creates a table. With `ifExists: IGNORE` and a table of the same columns, nothing is committed.
   * @throws EngineError INVALID_NAME, NAME_COLLISION, TABLE_EXISTS, SCHEMA_MISMATCH, BAD_USER_INPUT, LIMIT_EXCEEDED
   */
  createTable(definition: TableDefinition, options?: CommitOptions | null): Promise<CommitResult> {
    return this.commit([{ kind: 'createTable', definition }], options);
  }

  /**
   * Appends rows, all or none: objects with values in JSON form (docs/types.md). `form`: whether they use `name` (default) or
   * `graphqlName`.
   * @throws EngineError INVALID_ROW {rows} and those of commit
   */
  async append(tableName: string, rows: readonly unknown[], options?: CommitOptions | null, form: RowForm = 'name'): Promise<ChangeResult> {
    await this.#parts.store.admit();
    const { table, outcome, rows: cells } = await this.#parts.appends.append(tableName, rows, checkOptions(options), form);
    if (outcome === undefined) return { ...nothing([tableById(this.#state, table.id).last]), rows: [] };
    const result = this.#result(outcome);
    return { ...result, rows: appendedRows(cells, result) };
  }

  /**
   * Appends the rows of a Parquet file. Columns are matched by name, and their types must fit without loss.
   * @throws EngineError SCHEMA_MISMATCH, INVALID_ROW, BAD_USER_INPUT and those of append
   */
  async appendFile(tableName: string, path: string, options?: CommitOptions | null): Promise<CommitResult> {
    await this.#parts.store.admit();
    const { table, outcome } = await this.#parts.appends.appendFile(tableName, path, checkOptions(options));
    return outcome === undefined ? nothing([table.last]) : this.#result(outcome);
  }

  /** Deletes the rows that match. An empty filter is refused; `{kind: "and", filters: []}` means all. @throws EngineError as commit */
  delete(table: string, where: Filter, options?: CommitOptions | null): Promise<ChangeResult> {
    return this.commit([{ kind: 'delete', table, where }], options);
  }

  /** Updates the rows that match: `set` has new values by column, null sets null, absent keeps. @throws EngineError as commit */
  update(
    table: string,
    where: Filter,
    set: Readonly<Record<string, unknown>>,
    options?: CommitOptions | null,
    form?: RowForm,
  ): Promise<ChangeResult> {
    return this.commit([{ kind: 'update', table, where, set, form }], options);
  }

  /** Inserts rows, or changes the given columns where a row has their primary key. @throws EngineError as commit */
  upsert(table: string, rows: readonly unknown[], options?: CommitOptions | null, how?: HowToUpsert): Promise<ChangeResult> {
    return this.commit([{ kind: 'upsert', table, rows, ...how }], options);
  }

  /** Replaces the rows that match, or all without a filter, by other rows. @throws EngineError as commit */
  replace(table: string, rows: readonly unknown[], where?: Filter, options?: CommitOptions | null, form?: RowForm): Promise<ChangeResult> {
    return this.commit([{ kind: 'replace', table, rows, where, form }], options);
  }

  /**
   * Runs operations on any tables as one commit, all or nothing, in order; each sees the effects of those before it. A table gets one
   * snapshot, with the name of its first operation.
   * @throws EngineError TABLE_NOT_FOUND, COLUMN_NOT_FOUND, INVALID_ROW {rows}, BAD_USER_INPUT, CONFLICT, IDEMPOTENCY_KEY_REUSED,
   *   LIMIT_EXCEEDED, OVERLOADED, STORAGE_FULL, READ_ONLY, SHUTTING_DOWN
   */
  async commit(operations: readonly CommitOperation[], options?: CommitOptions | null): Promise<ChangeResult> {
    const checked = checkOptions(options);
    await this.#parts.store.admit();
    for (const operation of operations) if ('table' in operation) await this.#roomFor(operation.table);
    const { outcome, evaluated } = await this.#parts.changes.commit(operations, checked);
    if (outcome?.kind === 'unchanged') return { ...nothing([tableById(this.#state, outcome.tableId).last]), rows: [] };
    if (outcome === undefined) {
      const tables = evaluated === undefined ? [] : [...evaluated.tables, ...evaluated.found];
      const result = nothing([...new Set(tables)].map((table) => tableById(this.#state, table.id).last));
      return { ...result, rows: evaluated === undefined ? [] : changedRows(evaluated, result) };
    }
    const result = this.#result(outcome);
    return { ...result, rows: result.replayed || evaluated === undefined ? [] : changedRows(evaluated, result) };
  }

  async #roomFor(tableName: string): Promise<void> {
    const table = findTable(this.#state, tableName);
    if (table === undefined) return;
    if (looseEndsIn(table) > LIMITS.looseEndsMax) this.#parts.scheduler.look(table.id);
    refuseTooManyEnds(table);
    await this.#parts.scheduler.roomFor(table.id);
  }

  /**
   * Changes columns, description or retention, all or none; no row is rewritten.
   * @throws EngineError COLUMN_NOT_FOUND, NAME_COLLISION, BAD_USER_INPUT and those of commit
   */
  alterTable(table: string, changes: readonly ColumnChange[], options?: CommitOptions | null): Promise<CommitResult> {
    return this.commit([{ kind: 'alterTable', table, changes }], options);
  }

  /** Drops a table. Its history stays readable until it expires, and its name is free. @throws EngineError as commit */
  dropTable(table: string, options?: CommitOptions | null): Promise<CommitResult> {
    return this.commit([{ kind: 'dropTable', table }], options);
  }

  #result(outcome: Outcome): CommitResult {
    return committedResult(this.read.history, outcome);
  }

  #publish(state: CatalogState, commits: readonly Commit[]): void {
    this.#state = state;
    // In one turn with the new state: from here on nobody reads what was erased, and nothing that was read before is kept.
    for (const tableId of erasedTables(commits)) this.#track(this.rowCopies.forget(tableId));
    this.read.published();
    for (const listener of commits.length === 0 ? [] : this.#listeners) {
      try {
        listener(commits);
      } catch (error) {
        this.#report(error, 'commit listener');
      }
    }
    const touched = new Set(commits.flatMap((commit) => commit.snapshots.map((snapshot) => snapshot.tableId)));
    this.#parts.scheduler.touched([...touched].map((tableId) => tableById(state, tableId)));
  }

  /** Calls the listener with each round of commits, in order, after they are durable. @returns what removes the listener */
  onCommits(listener: CommitListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** How many listeners `onCommits` has. */
  get commitListeners(): number {
    return this.#listeners.size;
  }

  /**
   * Restores some tables, or all, to an instant. The state before stays readable.
   * @throws EngineError TABLE_NOT_FOUND, TABLE_NOT_FOUND_AS_OF, SNAPSHOT_EXPIRED, SNAPSHOT_NOT_FOUND, TAG_NOT_FOUND, CONFLICT,
   *   OVERLOADED
   */
  restore(request: RestoreOptions, options?: CommitOptions | null): Promise<RestoreResult> {
    return restoreTables(this.#undoing, request, checkOptions(options));
  }

  /**
   * Undoes one commit and keeps the later ones.
   * @throws EngineError SNAPSHOT_NOT_FOUND, SNAPSHOT_EXPIRED, BAD_USER_INPUT, CONFLICT {table, rows} if its rows were changed later
   */
  revert(request: RevertOptions, options?: CommitOptions | null): Promise<RevertResult> {
    return revertCommit(this.#undoing, request, checkOptions(options));
  }

  /** All tags, in the order of their names. */
  tags(): Tag[] {
    return [...this.#state.tags.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  /** Names a snapshot, by default the newest; it does not expire then. @throws EngineError TAG_EXISTS, INVALID_NAME */
  async createTag(name: string, at: AsOf = { kind: 'newest' }, message: string | null = null): Promise<Tag> {
    return this.administration.createTag(name, (await this.read.resolve(at)).snapshotId, message);
  }

  /** Drops a tag. Its snapshot can expire from then on. @throws EngineError TAG_NOT_FOUND */
  dropTag(name: string): Promise<Tag> {
    return this.administration.dropTag(name);
  }

  /** Expires old snapshots by age or number; see ExpireRequest. @throws EngineError TABLE_NOT_FOUND, BAD_USER_INPUT */
  expireSnapshots(request: ExpireRequest): Promise<ExpireResult> {
    return this.administration.expire(request);
  }

  /**
   * Erases each row of which any version matches from every snapshot, physically. A commit stays. This cannot be undone.
   * @throws EngineError TABLE_NOT_FOUND, BAD_USER_INPUT, LIMIT_EXCEEDED
   */
  async eraseRows(request: EraseRequest, options?: CommitOptions | null): Promise<EraseResult> {
    const { outcome, table, erasedRows, erasedVersions } = await this.administration.erase(request, checkOptions(options));
    const result = outcome === undefined ? nothing([tableById(this.#state, table.id).last]) : this.#result(outcome);
    return { ...result, erasedRows, erasedVersions };
  }

  /** Flushes and merges the files of one table, by default of all. It changes no answer. @throws EngineError TABLE_NOT_FOUND */
  async compact(
    tableName?: string | null,
  ): Promise<{ readonly tables: readonly TableState[]; readonly flushedRows: number; readonly mergedFiles: number }> {
    const tables = tableName == null ? this.tables(true) : [this.table(tableName)];
    let flushedRows = 0;
    let mergedFiles = 0;
    for (const table of tables) {
      const done = await this.#parts.scheduler.compact(table.id);
      flushedRows += done.flushedRows;
      mergedFiles += done.mergedFiles;
    }
    return { tables: tables.map((table) => tableById(this.#state, table.id)), flushedRows, mergedFiles };
  }

  /** Reads everything that is stored, and recomputes checksums, the audit chain and the hashes of all rows. */
  verify(): Promise<VerifyReport> {
    return this.#parts.scheduler.exclusive(() => verify(this.#parts.auditing));
  }

  /** Figures of this moment, for operators. */
  statistics(): EngineStatistics {
    return statisticsOf({ ...this.#parts, state: this.#state, leases: this.read.leases });
  }

  #track(work: Promise<unknown>): void {
    const tracked = work.catch((error: unknown) => this.#report(error, 'background')).finally(() => this.#background.delete(tracked));
    this.#background.add(tracked);
  }

  /** Closes the database: finishes the work under way for `graceMs` milliseconds, then interrupts it. It may be called again. */
  close(graceMs: number = CLOSE_WAIT_MS): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  async #close(graceMs: number): Promise<void> {
    const { pins, scheduler, log, duck, store, time } = this.#parts;
    const work = (): Promise<unknown> => Promise.all([pins.whenIdle(), ...this.#background]);
    const parts = { scheduler, log, sequencing: this.#sequencing, work, duck };
    await endWork(parts, graceMs, (error) => this.#report(error, 'close'));
    await closeCatalog(store, Math.max(time.floor, this.#state.timestampMs)).catch((error) => this.#report(error, 'close'));
    this.#release();
  }
}
