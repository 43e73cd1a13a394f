/**
 * When maintenance runs: a flush once a table's hot rows pass a threshold, a merge once enough files of one size lie side
 * by side, one task at a time for the whole catalog. Failures are reported and tried again later; they never reach a commit.
 */
import { idempotencyAgeKey, idempotencyKey, PREFIX, prefixRange } from '../catalog/keys.ts';
import { decodeIdempotency, decodeIdempotencyAge } from '../catalog/records.ts';
import { hotBytesOf, hotRowsOf, type TableState, tableById } from '../catalog/state.ts';
import type { Put } from '../catalog/store.ts';
import { EngineError } from '../model/errors.ts';
import type { TableId } from '../model/ids.ts';
import { LIMITS } from '../model/limits.ts';
import { compactOnce, wantsCompaction } from './compact.ts';
import { flush } from './flush.ts';
import type { MaintenanceParts } from './parts.ts';

export interface MaintenanceOptions {
  /** Hot rows of a table that start a flush. */
  readonly flushRows: number;
  /** Hot bytes of a table that start a flush. */
  readonly flushBytes: number;
  /** Whether merges run by themselves. */
  readonly autoCompact: boolean;
  /** How often retention is looked at, milliseconds. */
  readonly retentionEveryMs: number;
}

export const DEFAULT_MAINTENANCE: MaintenanceOptions = {
  flushRows: 20_000,
  flushBytes: 8 * 1024 * 1024,
  autoCompact: true,
  retentionEveryMs: 600_000,
};

/** After a failure the table is left alone this long. */
const RETRY_MS = 5_000;
/** Idempotency records removed in one go, and how often that is tried. */
const IDEMPOTENCY_STEP = 1_000;
const IDEMPOTENCY_EVERY_COMMITS = 1_000;

export class Scheduler {
  readonly #parts: MaintenanceParts;
  readonly #options: MaintenanceOptions;
  readonly #report: (error: unknown, task: string) => void;
  readonly #due = new Set<TableId>();
  /** Tables whose maintenance failed, until it is tried again. */
  readonly #paused = new Map<TableId, NodeJS.Timeout>();
  #queue: Promise<unknown> = Promise.resolve();
  #running = false;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;
  #busy = false;
  #nextIdempotencyCheck = 0;
  readonly #waiting = new Map<TableId, Set<() => void>>();

  constructor(parts: MaintenanceParts, options: MaintenanceOptions, report: (error: unknown, task: string) => void) {
    this.#parts = parts;
    this.#options = options;
    this.#report = report;
  }

  /** Told after each round which tables it touched. */
  touched(tables: Iterable<TableState>): void {
    for (const table of tables) {
      if (this.#wantsFlush(table) || (this.#options.autoCompact && wantsCompaction(table))) this.#due.add(table.id);
    }
    if (this.#due.size > 0) this.#start();
    const { snapshotId } = this.#parts.current();
    if (snapshotId >= this.#nextIdempotencyCheck) {
      this.#nextIdempotencyCheck = snapshotId + IDEMPOTENCY_EVERY_COMMITS;
      this.#parts.background(this.#expireIdempotency());
    }
  }

  #wantsFlush(table: TableState): boolean {
    return hotRowsOf(table) >= this.#options.flushRows || hotBytesOf(table) >= this.#options.flushBytes;
  }

  #start(): void {
    if (this.#running || this.#stopped) return;
    this.#running = true;
    this.#parts.background(
      this.#run().finally(() => {
        this.#running = false;
        if (this.#due.size > 0) this.#start();
      }),
    );
  }

  async #run(): Promise<void> {
    for (let tableId = this.#take(); tableId !== undefined && !this.#stopped; tableId = this.#take()) {
      const id = tableId;
      await this.exclusive(async () => {
        try {
          if (this.#wantsFlush(tableById(this.#parts.current(), id))) await flush(this.#parts, id);
          if (this.#options.autoCompact && (await compactOnce(this.#parts, id, false)) > 0) this.#due.add(id);
        } catch (error) {
          this.#report(error, `maintenance of table ${id}`);
          this.#retryLater(id);
        } finally {
          for (const wake of this.#waiting.get(id) ?? []) wake();
        }
      });
    }
  }

  /** A table may have something to do: expiry left garbage. */
  look(tableId: TableId): void {
    if (!this.#options.autoCompact) return;
    this.#due.add(tableId);
    this.#start();
  }

  /** Runs a task now and then, until the scheduler stops. */
  every(task: () => Promise<void>): void {
    this.#timer = setInterval(() => {
      if (this.#stopped || this.#busy) return;
      this.#busy = true;
      this.#parts.background(
        task()
          .catch((error: unknown) => this.#report(error, 'retention'))
          .finally(() => {
            this.#busy = false;
          }),
      );
    }, this.#options.retentionEveryMs).unref();
  }

  #take(): TableId | undefined {
    for (const tableId of this.#due) {
      this.#due.delete(tableId);
      if (!this.#paused.has(tableId)) return tableId;
    }
    return undefined;
  }

  #retryLater(tableId: TableId): void {
    if (this.#stopped || this.#paused.has(tableId)) return;
    const timer = setTimeout(() => {
      this.#paused.delete(tableId);
      this.#due.add(tableId);
      this.#start();
    }, RETRY_MS);
    this.#paused.set(tableId, timer.unref());
  }

  /** Runs one task at a time for the whole catalog. */
  exclusive<T>(task: () => Promise<T>): Promise<T> {
    const run = this.#queue.then(task, task);
    this.#queue = run.catch(() => {});
    return run;
  }

  /** Flushes a table and merges its files as far as they go. @returns files merged */
  compact(tableId: TableId): Promise<{ flushedRows: number; mergedFiles: number }> {
    return this.exclusive(async () => {
      const flushedRows = await flush(this.#parts, tableId);
      let mergedFiles = 0;
      for (let merged = await compactOnce(this.#parts, tableId, true); merged > 0; merged = await compactOnce(this.#parts, tableId, true))
        mergedFiles += merged;
      return { flushedRows, mergedFiles };
    });
  }

  /**
   * Waits, where a table has more hot rows than it may, until a flush has taken them.
   * @throws EngineError OVERLOADED {retryAfterMs} after ten seconds
   */
  async roomFor(tableId: TableId): Promise<void> {
    const deadline = performance.now() + LIMITS.hotWaitMs;
    for (;;) {
      const table = tableById(this.#parts.current(), tableId);
      if (hotRowsOf(table) < LIMITS.hotRowsMax && hotBytesOf(table) < LIMITS.hotBytesMax) return;
      if (this.#stopped) throw new EngineError('SHUTTING_DOWN', 'the database is shutting down', { hint: 'Try again in a moment.' });
      const left = deadline - performance.now();
      if (left <= 0) {
        throw new EngineError('OVERLOADED', `table ${table.name} takes more small commits than can be flushed`, {
          details: { retryAfterMs: 1000, limit: 'hotRowsMax', maximum: LIMITS.hotRowsMax },
          hint: 'Try again after details.retryAfterMs milliseconds, or send more rows in one commit.',
        });
      }
      this.#due.add(tableId);
      this.#start();
      await this.#flushedOr(tableId, left);
    }
  }

  #flushedOr(tableId: TableId, ms: number): Promise<void> {
    return new Promise((resolve) => {
      let waiting = this.#waiting.get(tableId);
      if (waiting === undefined) {
        waiting = new Set();
        this.#waiting.set(tableId, waiting);
      }
      const wake = (): void => {
        clearTimeout(timer);
        waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      waiting.add(wake);
    });
  }

  /** Removes idempotency records that are too old or too many, oldest first. */
  async #expireIdempotency(): Promise<void> {
    const { store } = this.#parts;
    const { idempotentCommits } = this.#parts.current();
    const keptSince = this.#parts.keptSince(LIMITS.idempotencyAgeMs);
    for (;;) {
      const oldest = await store.entries(prefixRange(PREFIX.idempotencyAge), IDEMPOTENCY_STEP);
      if (oldest.length === 0) return;
      const deletes: Put[] = [];
      for (const [ageKey, value] of oldest) {
        const { hash, ordinal } = decodeIdempotencyAge(value);
        const bytes = store.get(idempotencyKey(hash));
        const record = bytes === undefined ? undefined : decodeIdempotency(bytes);
        const tooMany = idempotentCommits - ordinal >= LIMITS.idempotencyKeysMax;
        if (!tooMany && record !== undefined && record.timestampMs > keptSince) break;
        deletes.push({ key: ageKey, value: null });
        // A key that was used again after it aged out has a newer record, which stays.
        if (record !== undefined && idempotencyAgeKey(record.snapshotId).equals(ageKey))
          deletes.push({ key: idempotencyKey(hash), value: null });
      }
      if (deletes.length > 0) await store.write(deletes, { sync: false });
      if (deletes.length < IDEMPOTENCY_STEP) return;
    }
  }

  /** Starts nothing more, and waits for what is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    for (const timer of this.#paused.values()) clearTimeout(timer);
    for (const waiting of this.#waiting.values()) for (const wake of [...waiting]) wake();
    await this.#queue.catch(() => {});
  }
}
