/**
 * The engine: a versioned store of tables, usable alone. It wires the commit path, the read path and maintenance
 * together and is the one thing that src/server, src/resolvers and src/pubsub talk to.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { CEILING_KEY } from './catalog/keys.ts';
import { damageOfTable } from './catalog/leveldb-files.ts';
import { openCatalog } from './catalog/load.ts';
import { encodeNumber } from './catalog/records.ts';
import { type CatalogState, findTable, type TableState, tableById, tableNamed, tablesOf } from './catalog/state.ts';
import { type CatalogStore, corruptCatalog } from './catalog/store.ts';
import { Watermark } from './catalog/watermark.ts';
import { type Clock, systemClock, TimeKeeper } from './commit/clock.ts';
import { type CheckedOptions, type CommitOptions, checkOptions } from './commit/options.ts';
import { prepareAppend, prepareCreate, prepareFileAppend } from './commit/prepare.ts';
import { Sequencer } from './commit/sequencer.ts';
import { Duck } from './data/duckdb.ts';
import { DataFiles } from './data/files.ts';
import { nextTurn } from './data/load-rows.ts';
import { Mirrors } from './data/mirrors.ts';
import { tableDirectory } from './data/parquet.ts';
import { Pins } from './data/pins.ts';
import { Staging } from './data/staging.ts';
import type { CommitEntry, Outcome, StagedFile } from './log/entry.ts';
import { LocalLog } from './log/log.ts';
import type { MaintenanceParts } from './maintenance/parts.ts';
import { type MaintenanceOptions, Scheduler } from './maintenance/scheduler.ts';
import { type VerifyReport, verify } from './maintenance/verify.ts';
import { EngineError } from './model/errors.ts';
import type { Commit, Snapshot } from './model/history.ts';
import { asRowId, type RowId, type SnapshotId, type TableId } from './model/ids.ts';
import { hashKeys } from './model/keys.ts';
import type { RowForm } from './model/rows.ts';
import { defineTable, type TableDefinition } from './model/schema.ts';
import type { Cells } from './model/types.ts';
import { Blocks } from './read/blocks.ts';
import { History } from './read/history.ts';
import { Reads } from './read/reads.ts';

export interface EngineOptions {
  /** The data directory; made if it is not there. */
  readonly directory: string;
  readonly clock?: Clock;
  /** Memory for DuckDB, bytes. A quarter of the machine's, at most 4 GiB, where absent. */
  readonly memoryLimitBytes?: number;
  /** Temporary disk for DuckDB, bytes; 16 GiB where absent. */
  readonly spillLimitBytes?: number;
  /** DuckDB's threads; two fewer than the machine's cores where absent. */
  readonly threads?: number;
  /** Memory for decoded rows, bytes; 64 MiB where absent, 0 for none. */
  readonly cacheBytes?: number;
  /** Queries at once. At least 8 fewer than UV_THREADPOOL_SIZE, or queries hold up commits; 4 where absent. */
  readonly queryConnections?: number;
  /** Time for one query, milliseconds; 30,000 where absent. */
  readonly queryTimeoutMs?: number;
  readonly maintenance?: Partial<MaintenanceOptions>;
  /** Told of failures in the background. */
  readonly onBackgroundError?: (error: unknown, task: string) => void;
}

/** What a mutation did. Counts are 0 and `commit` is null where there was nothing to commit. */
export interface CommitResult {
  readonly commit: Commit | null;
  /** The snapshots that the commit made; the tables' current ones where there is none. */
  readonly snapshots: readonly Snapshot[];
  /** Whether an earlier commit with the same idempotency key is returned. */
  readonly replayed: boolean;
  readonly insertedRows: number;
  readonly updatedRows: number;
  readonly deletedRows: number;
}

export interface AppendResult extends CommitResult {
  /** The appended rows in input order; all of the table's columns. Empty for appendFile. */
  readonly rows: readonly { readonly rowId: RowId; readonly fromSnapshotId: SnapshotId; readonly cells: Cells }[];
}

export type CommitListener = (commits: readonly Commit[]) => void;

const DEFAULT_MAINTENANCE: MaintenanceOptions = { flushRows: 20_000, flushBytes: 8 * 1024 * 1024, autoCompact: true };
const CLOSE_WAIT_MS = 10_000;

/**
 * Opens or creates a database in a directory.
 * @throws EngineError DIRECTORY_IN_USE, FORMAT_UNSUPPORTED, CORRUPT_DATA {file}
 */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const directory = resolve(options.directory);
  mkdirSync(directory, { recursive: true });
  // DuckDB starts on other threads while the catalog is checked on this one.
  const starting = startDuck(options, directory);
  starting.catch(() => {});
  const { store, state, ceilingMs, uncheckedTables } = await openCatalog(directory).catch(async (error: unknown) => {
    (await starting.catch(() => undefined))?.close();
    throw error;
  });
  try {
    DataFiles.prepareDirectory(directory, state);
    return new Engine(options, { directory, store, state, ceilingMs, uncheckedTables, duck: await starting });
  } catch (error) {
    await store.close(false);
    throw error;
  }
}

function startDuck(options: EngineOptions, directory: string): Promise<Duck> {
  return Duck.open({
    dataDirectory: directory,
    spillDirectory: join(directory, 'tmp', 'spill'),
    memoryLimitBytes: options.memoryLimitBytes ?? Math.min(4 * 1024 ** 3, totalmem() / 4),
    spillLimitBytes: options.spillLimitBytes ?? 16 * 1024 ** 3,
    threads: options.threads ?? Math.max(1, availableParallelism() - 2),
    connections: options.queryConnections ?? 4,
  });
}

interface OpenedParts {
  readonly directory: string;
  readonly store: CatalogStore;
  readonly state: CatalogState;
  readonly ceilingMs: number;
  readonly uncheckedTables: readonly number[];
  readonly duck: Duck;
}

export class Engine {
  /** Everything that reads: instants, rows, aggregates, history. */
  readonly read: Reads;
  readonly #directory: string;
  readonly #store: CatalogStore;
  readonly #watermark: Watermark;
  readonly #time: TimeKeeper;
  readonly #log = new LocalLog();
  readonly #sequencer: Sequencer;
  readonly #sequencing: Promise<void>;
  readonly #duck: Duck;
  readonly #files: DataFiles;
  readonly #mirrors: Mirrors;
  readonly #pins = new Pins();
  readonly #staging: Staging;
  readonly #scheduler: Scheduler;
  readonly #parts: MaintenanceParts;
  readonly #listeners = new Set<CommitListener>();
  readonly #background = new Set<Promise<unknown>>();
  readonly #report: (error: unknown, task: string) => void;
  #state: CatalogState;
  #closing: Promise<void> | undefined;

  /** Use openEngine. */
  constructor(options: EngineOptions, { directory, store, state, ceilingMs, uncheckedTables, duck }: OpenedParts) {
    this.#directory = directory;
    this.#store = store;
    this.#state = state;
    this.#duck = duck;
    this.#report = options.onBackgroundError ?? (() => {});
    this.#watermark = new Watermark(directory);
    this.#time = new TimeKeeper(options.clock ?? systemClock, Math.max(ceilingMs, state.timestampMs));
    this.#files = new DataFiles(directory);
    this.#mirrors = new Mirrors(duck, store);
    this.#staging = new Staging(duck, this.#files, directory);
    const current = (): CatalogState => this.#state;
    this.#sequencer = new Sequencer({
      log: this.#log,
      store,
      watermark: this.#watermark,
      time: this.#time,
      state,
      publish: (next, commits) => this.#publish(next, commits),
    });
    this.#parts = {
      dataDirectory: directory,
      current,
      store,
      log: this.#log,
      duck,
      files: this.#files,
      mirrors: this.#mirrors,
      pins: this.#pins,
      background: (work) => this.#track(work),
    };
    this.#scheduler = new Scheduler(this.#parts, { ...DEFAULT_MAINTENANCE, ...options.maintenance }, this.#report);
    this.read = new Reads({
      current,
      store,
      history: new History(store),
      pins: this.#pins,
      files: this.#files,
      mirrors: this.#mirrors,
      duck,
      time: this.#time,
      settledAt: (timestampMs) => this.#sequencer.settledAt(timestampMs),
      blocks: new Blocks(duck, this.#files, options.cacheBytes ?? 64 * 1024 * 1024),
      queryTimeoutMs: options.queryTimeoutMs ?? 30_000,
    });
    this.#sequencing = this.#sequencer.run();
    this.#track(this.#checkTables(uncheckedTables));
    this.#scheduler.touched(tablesOf(state));
  }

  /** The rest of the catalog's tables, after the start; damage ends all reading and writing. */
  async #checkTables(numbers: readonly number[]): Promise<void> {
    for (const number of numbers) {
      if (this.#closing !== undefined) return;
      const damage = damageOfTable(join(this.#directory, 'catalog'), number);
      if (damage !== undefined) {
        const error = corruptCatalog(damage.file, `${damage.what}, at byte ${damage.offset}`);
        this.#store.poison(error);
        throw error;
      }
      await nextTurn();
    }
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
  tables(): TableState[] {
    return tablesOf(this.#state);
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
  async createTable(definition: TableDefinition, options?: CommitOptions | null): Promise<CommitResult> {
    const entry = prepareCreate(defineTable(definition), definition.ifExists ?? 'ERROR', checkOptions(options));
    const outcome = await this.#submit(entry);
    if (outcome.kind === 'unchanged') return nothing([tableById(this.#state, outcome.tableId).last]);
    return this.#result(outcome);
  }

  /**
   * Appends rows, all or none, as one commit. `form` says which names the rows use; the columns' own where absent.
   * @throws EngineError TABLE_NOT_FOUND, INVALID_ROW {rows}, CONFLICT, IDEMPOTENCY_KEY_REUSED, LIMIT_EXCEEDED, OVERLOADED,
   *   STORAGE_FULL, SHUTTING_DOWN
   */
  async append(tableName: string, rows: readonly unknown[], options?: CommitOptions | null, form: RowForm = 'name'): Promise<AppendResult> {
    const checked = checkOptions(options);
    const table = this.table(tableName);
    const prepared = await prepareAppend(this.#staging, table, { rows, form, options: checked });
    if (prepared === undefined) {
      this.#checkExpected(table, checked);
      return { ...nothing([this.table(tableName).last]), rows: [] };
    }
    if (prepared.staged === undefined) await this.#scheduler.roomFor(table.id);
    const result = await this.#commitAppend(table, prepared.entry, prepared.staged);
    const [snapshot] = result.snapshots as [Snapshot];
    const rowBase = snapshot.nextRow - snapshot.insertedRows;
    const versions = prepared.rows.map((cells, index) => ({ rowId: asRowId(rowBase + index), fromSnapshotId: snapshot.snapshotId, cells }));
    return { ...result, rows: versions };
  }

  /**
   * Appends a Parquet file's rows as one commit; see Staging.importParquet for what fits.
   * @throws EngineError SCHEMA_MISMATCH, INVALID_ROW, BAD_USER_INPUT and those of append
   */
  async appendFile(tableName: string, path: string, options?: CommitOptions | null): Promise<CommitResult> {
    const checked = checkOptions(options);
    const table = this.table(tableName);
    const { file, keys } = await this.#staging.importParquet(table.id, table.schema, path);
    if (file.rowCount === 0) {
      this.#removeStaged(table.id, file);
      return nothing([table.last]);
    }
    const keyHashes = await this.#removingOnError(table.id, file, async () =>
      hashKeys(table.schema, file.rowCount, (index) => keys[index] as Cells, 'key'),
    );
    return this.#commitAppend(table, prepareFileAppend(table, file, keyHashes, checked), file);
  }

  async #commitAppend(table: TableState, entry: CommitEntry, staged: StagedFile | undefined): Promise<CommitResult> {
    if (staged === undefined) return this.#result(await this.#submit(entry));
    const outcome = await this.#removingOnError(table.id, staged, () => this.#submit(entry));
    if (outcome.kind === 'replayed') this.#removeStaged(table.id, staged);
    return this.#result(outcome);
  }

  /** A refused entry's file is an orphan. After a failed write the outcome is unknown, and the next start decides. */
  async #removingOnError<T>(tableId: TableId, staged: StagedFile, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (this.#sequencer.failure === undefined) this.#removeStaged(tableId, staged);
      throw error;
    }
  }

  #removeStaged(tableId: TableId, staged: StagedFile): void {
    rmSync(join(tableDirectory({ dataDirectory: this.#directory, tableId }), staged.name), { force: true });
  }

  #checkExpected(table: TableState, { expectedSnapshotId }: CheckedOptions): void {
    if (expectedSnapshotId === null || table.last.snapshotId <= expectedSnapshotId) return;
    throw new EngineError('CONFLICT', `table ${table.name} has changed: its newest snapshot is ${table.last.snapshotId}`, {
      details: { table: table.name, expectedSnapshotId, actualSnapshotId: table.last.snapshotId },
      hint: 'Read the table again and decide anew.',
    });
  }

  async #submit(entry: CommitEntry): Promise<Outcome> {
    const outcome = await this.#log.append(entry);
    if (outcome.kind !== 'refused') return outcome;
    const { code, message, details, hint } = outcome.refusal;
    throw new EngineError(code, message, { details, ...(hint === undefined ? {} : { hint }) });
  }

  #result(outcome: Outcome): CommitResult {
    if (outcome.kind !== 'committed' && outcome.kind !== 'replayed') throw new Error(`a commit ended as ${outcome.kind}`);
    const replayed = outcome.kind === 'replayed';
    const commit = replayed ? this.read.history.commit(outcome.snapshotId) : outcome.commit;
    const sum = (key: 'insertedRows' | 'updatedRows' | 'deletedRows'): number =>
      commit.snapshots.reduce((total, snapshot) => total + snapshot[key], 0);
    return {
      commit,
      snapshots: commit.snapshots,
      replayed,
      insertedRows: sum('insertedRows'),
      updatedRows: sum('updatedRows'),
      deletedRows: sum('deletedRows'),
    };
  }

  #publish(state: CatalogState, commits: readonly Commit[]): void {
    this.#state = state;
    if (commits.length > 0) {
      for (const listener of this.#listeners) {
        try {
          listener(commits);
        } catch (error) {
          this.#report(error, 'commit listener');
        }
      }
    }
    const touched = new Set(commits.flatMap((commit) => commit.snapshots.map((snapshot) => snapshot.tableId)));
    this.#scheduler.touched([...touched].map((tableId) => tableById(state, tableId)));
  }

  /** Calls the listener with each round's commits, in order, once durable. @returns a function that ends it */
  onCommits(listener: CommitListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  get commitListeners(): number {
    return this.#listeners.size;
  }

  /** Flushes the hot rows and merges the files of one table, or of all. */
  async compact(
    tableName?: string | null,
  ): Promise<{ readonly tables: readonly TableState[]; readonly flushedRows: number; readonly mergedFiles: number }> {
    const tables = tableName == null ? this.tables() : [this.table(tableName)];
    let flushedRows = 0;
    let mergedFiles = 0;
    for (const table of tables) {
      const done = await this.#scheduler.compact(table.id);
      flushedRows += done.flushedRows;
      mergedFiles += done.mergedFiles;
    }
    return { tables: tables.map((table) => tableById(this.#state, table.id)), flushedRows, mergedFiles };
  }

  /** Reads everything that is stored and compares it with its checksums. */
  verify(): Promise<VerifyReport> {
    return verify(this.#parts);
  }

  /** Figures for operators. */
  statistics(): {
    readonly pins: number;
    readonly retired: number;
    readonly mirrorRows: number;
    readonly queriesRunning: number;
    readonly queriesWaiting: number;
  } {
    const { running, waiting } = this.#duck.load;
    return {
      pins: this.#pins.heldPins,
      retired: this.#pins.waiting,
      mirrorRows: this.#mirrors.rows,
      queriesRunning: running,
      queriesWaiting: waiting,
    };
  }

  #track(work: Promise<unknown>): void {
    const tracked = work.catch((error: unknown) => this.#report(error, 'background')).finally(() => this.#background.delete(tracked));
    this.#background.add(tracked);
  }

  /** Takes no more commits, finishes what is under way, and closes. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#scheduler.stop();
    this.#log.close();
    await this.#sequencing;
    await within(this.#pins.whenIdle(), CLOSE_WAIT_MS);
    while (this.#background.size > 0) await Promise.all(this.#background);
    this.#duck.close();
    const failed = this.#sequencer.failure !== undefined;
    if (!failed)
      await this.#store.write([{ key: CEILING_KEY, value: encodeNumber(Math.max(this.#time.floor, this.#state.timestampMs)) }], {
        sync: true,
      });
    await this.#store.close(!failed);
    this.#watermark.close();
    rmSync(join(this.#directory, 'LOCK'), { force: true });
  }
}

function nothing(snapshots: readonly Snapshot[]): CommitResult {
  return { commit: null, snapshots, replayed: false, insertedRows: 0, updatedRows: 0, deletedRows: 0 };
}

async function within(work: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([
    work,
    new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    }),
  ]);
  clearTimeout(timer);
}
