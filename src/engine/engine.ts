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

export type CommitListener = (commits: readonly Commit[]) => void;

const CLOSE_WAIT_MS = 10_000;

export class Engine {
  /** Which life of the database this is: another after each restore from a backup. What names a snapshot outside has it too. */
  readonly incarnation: string;
  /** Everything that reads: instants, rows, aggregates, history. */
  readonly read: Reads;
  /** Every copy of rows that this process keeps, here and above the engine: what an erasure waits for. */
  readonly rowCopies: RowCopies;
  /** What is done to history itself, as far as it is not a method here: policies, and what a restore is about. */
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

  get directory(): string {
    return this.#directory;
  }

  /** The newest commit's snapshot id; 0 before the first. */
  get headSnapshotId(): SnapshotId {
    return this.#state.snapshotId;
  }

  /** The newest state of the catalog, for the read functions that take one. */
  get head(): CatalogState {
    return this.#state;
  }

  /** Changes whenever a table is created or its columns change: what the typed API is built from. */
  get schemaEpoch(): number {
    return this.#state.schemaEpoch;
  }

  /** All tables, in the order of their creation. */
  tables(includeDropped = false): TableState[] {
    return tablesOf(this.#state).filter((table) => includeDropped || table.droppedSnapshotId === null);
  }

  /** The table that has a name, or had it last; undefined where none ever had. */
  tableEverNamed(name: string): TableState | undefined {
    return tableEverNamed(this.#state, name);
  }

  /** Every table that ever had a name, the newest first. @throws EngineError TABLE_NOT_FOUND where none had */
  tablesEverNamed(name: string): TableState[] {
    return tablesEverNamed(this.#state, name);
  }

  /** Why no commit is taken just now, and since when; undefined where all is well. Reads go on meanwhile. */
  get writeTrouble(): WriteTrouble | undefined {
    return this.#parts.store.trouble;
  }

  /** Now as the database sees it, UTC milliseconds. */
  now(): number {
    return this.#parts.time.now(this.#state.timestampMs);
  }

  /** @returns undefined where there is no table of that name */
  findTable(name: string): TableState | undefined {
    return findTable(this.#state, name);
  }

  /** @throws EngineError TABLE_NOT_FOUND */
  table(name: string): TableState {
    return tableNamed(this.#state, name);
  }

  /** The table with an id, if there is one. */
  tableById(tableId: TableId): TableState | undefined {
    return this.#state.tables[tableId];
  }

  /**
   * Creates a table.
   * @throws EngineError INVALID_NAME, NAME_COLLISION, TABLE_EXISTS, SCHEMA_MISMATCH, BAD_USER_INPUT, LIMIT_EXCEEDED
   */
  createTable(definition: TableDefinition, options?: CommitOptions | null): Promise<CommitResult> {
    return this.commit([{ kind: 'createTable', definition }], options);
  }

  /**
   * Appends rows, all or none, as one commit. `form` says which names the rows use; the columns' own where absent.
   * @throws EngineError as commit
   */
  async append(tableName: string, rows: readonly unknown[], options?: CommitOptions | null, form: RowForm = 'name'): Promise<ChangeResult> {
    await this.#parts.store.admit();
    const { table, outcome, rows: cells } = await this.#parts.appends.append(tableName, rows, checkOptions(options), form);
    if (outcome === undefined) return { ...nothing([tableById(this.#state, table.id).last]), rows: [] };
    const result = this.#result(outcome);
    return { ...result, rows: appendedRows(cells, result) };
  }

  /**
   * Appends a Parquet file's rows as one commit; see Staging.importParquet for what fits.
   * @throws EngineError SCHEMA_MISMATCH, INVALID_ROW, BAD_USER_INPUT and those of append
   */
  async appendFile(tableName: string, path: string, options?: CommitOptions | null): Promise<CommitResult> {
    await this.#parts.store.admit();
    const { table, outcome } = await this.#parts.appends.appendFile(tableName, path, checkOptions(options));
    return outcome === undefined ? nothing([table.last]) : this.#result(outcome);
  }

  /**
   * Deletes the rows that match, as one commit. A filter that is empty at any depth is refused: `{and: []}` says all.
   * @throws EngineError as commit
   */
  delete(table: string, where: Filter, options?: CommitOptions | null): Promise<ChangeResult> {
    return this.commit([{ kind: 'delete', table, where }], options);
  }

  /** Gives the rows that match new values. @throws EngineError as commit */
  update(
    table: string,
    where: Filter,
    set: Readonly<Record<string, unknown>>,
    options?: CommitOptions | null,
    form?: RowForm,
  ): Promise<ChangeResult> {
    return this.commit([{ kind: 'update', table, where, set, form }], options);
  }

  /**
   * Rows by primary key: where a row has the key, the columns that are given change; else the row is new.
   * @throws EngineError as commit
   */
  upsert(table: string, rows: readonly unknown[], options?: CommitOptions | null, how?: HowToUpsert): Promise<ChangeResult> {
    return this.commit([{ kind: 'upsert', table, rows, ...how }], options);
  }

  /** Takes the rows that match (all, where there is no filter) out and others in. @throws EngineError as commit */
  replace(table: string, rows: readonly unknown[], where?: Filter, options?: CommitOptions | null, form?: RowForm): Promise<ChangeResult> {
    return this.commit([{ kind: 'replace', table, rows, where, form }], options);
  }

  /**
   * Operations over any tables as one commit, all or nothing, in order: each sees what those before it did, and what they
   * do to a row in the end is what is committed. Operations on one table make one snapshot, named by the first.
   * @throws EngineError TABLE_NOT_FOUND, COLUMN_NOT_FOUND, INVALID_ROW {rows}, BAD_USER_INPUT, CONFLICT,
   *   IDEMPOTENCY_KEY_REUSED, LIMIT_EXCEEDED, OVERLOADED, STORAGE_FULL, SHUTTING_DOWN
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

  /** Changes a table's columns, description or retention. @throws EngineError as commit, and of alterTable */
  alterTable(table: string, changes: readonly ColumnChange[], options?: CommitOptions | null): Promise<CommitResult> {
    return this.commit([{ kind: 'alterTable', table, changes }], options);
  }

  /** Drops a table; its history stays readable until it expires, and its name is free. @throws EngineError as commit */
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

  /** Calls the listener with each round's commits, in order, once durable. @returns a function that ends it */
  onCommits(listener: CommitListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  get commitListeners(): number {
    return this.#listeners.size;
  }

  /**
   * Brings some tables, or all of the catalog, back to an instant, as a new commit; the state left behind stays readable.
   * With `dryRun` nothing is done: the answer is what would change, and the errors are those of the restore itself.
   * @throws EngineError TABLE_NOT_FOUND, TABLE_NOT_FOUND_AS_OF, TABLE_EXISTS, NAME_COLLISION, SNAPSHOT_EXPIRED, CONFLICT,
   *   BAD_USER_INPUT, OVERLOADED and those of resolve
   */
  restore(request: RestoreOptions, options?: CommitOptions | null): Promise<RestoreResult> {
    return restoreTables(this.#undoing, request, checkOptions(options));
  }

  /** Undoes one commit, as a new commit. @throws EngineError as revertCommit, CONFLICT {table, rows} where its rows changed since */
  revert(request: RevertOptions, options?: CommitOptions | null): Promise<RevertResult> {
    return revertCommit(this.#undoing, request, checkOptions(options));
  }

  /** All tags, by name. */
  tags(): Tag[] {
    return [...this.#state.tags.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  /** Names a snapshot, the newest where none is given, and holds it against expiry. @throws EngineError TAG_EXISTS, INVALID_NAME */
  async createTag(name: string, at: AsOf = { kind: 'newest' }, message: string | null = null): Promise<Tag> {
    return this.administration.createTag(name, (await this.read.resolve(at)).snapshotId, message);
  }

  /** @throws EngineError TAG_NOT_FOUND */
  dropTag(name: string): Promise<Tag> {
    return this.administration.dropTag(name);
  }

  /** Lets snapshots expire by age or number; see ExpireRequest. @throws EngineError TABLE_NOT_FOUND, BAD_USER_INPUT */
  expireSnapshots(request: ExpireRequest): Promise<ExpireResult> {
    return this.administration.expire(request);
  }

  /**
   * Takes the rows of which any version matches out of every snapshot, physically: for the right to be forgotten. A commit
   * stays that says when, by whom, why and how many. @throws EngineError TABLE_NOT_FOUND, BAD_USER_INPUT, LIMIT_EXCEEDED
   */
  async eraseRows(request: EraseRequest, options?: CommitOptions | null): Promise<EraseResult> {
    const { outcome, table, erasedRows, erasedVersions } = await this.administration.erase(request, checkOptions(options));
    const result = outcome === undefined ? nothing([tableById(this.#state, table.id).last]) : this.#result(outcome);
    return { ...result, erasedRows, erasedVersions };
  }

  /** Flushes the hot rows and merges the files of one table, or of all. */
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

  /** Reads everything that is stored and compares it with its checksums. */
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

  /** Takes no more commits, finishes what is under way, and closes; see endWork for what is not done in time. Idempotent. */
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
