/** What an engine is opened with. */
import type { Incarnation } from './catalog/incarnation.ts';
import type { CatalogState } from './catalog/state.ts';
import type { CatalogStore } from './catalog/store.ts';
import type { apply } from './commit/apply/apply.ts';
import type { Duck } from './data/duckdb.ts';
import type { MaintenanceOptions } from './maintenance/scheduler.ts';
import type { RetentionDefinition } from './model/alter.ts';
import type { EngineNotice } from './model/notice.ts';
import type { EngineObserver } from './model/observer.ts';
import type { Clock } from './time/machine-clock.ts';

/** Options of `openEngine`. Only `directory` is required. */
export interface EngineOptions {
  /** The data directory. It is created if it does not exist. */
  readonly directory: string;
  /** Where the time comes from; by default the machine's clock. */
  readonly clock?: Clock;
  /**
   * Takes the machine's clock as it is at this start, however far it is ahead of the newest commit. Without it, a clock that is more
   * than 400 days ahead is CLOCK_NOT_ACCEPTED.
   */
  readonly acceptClock?: boolean | undefined;
  /** Memory of DuckDB, bytes. By default a quarter of the machine's memory, at most 4 GiB. */
  readonly memoryLimitBytes?: number;
  /** Temporary disk space of DuckDB, bytes; by default 16 GiB. */
  readonly spillLimitBytes?: number;
  /** Threads of DuckDB; by default the number of cores less two, at least 1. */
  readonly threads?: number;
  /** Memory of decoded rows, bytes; by default 64 MiB. 0 turns this cache off. */
  readonly cacheBytes?: number;
  /** How many queries run at once; by default 4. Keep it at least 8 below UV_THREADPOOL_SIZE, or queries hold up commits. */
  readonly queryConnections?: number;
  /** How long a query may take, milliseconds; by default 30,000. Past it, QUERY_TIMEOUT. */
  readonly queryTimeoutMs?: number;
  /** When flush, compaction and retention run; see MaintenanceOptions for the defaults. */
  readonly maintenance?: Partial<MaintenanceOptions>;
  /** How much history is kept of tables without a policy of their own; by default all of it. */
  readonly retention?: RetentionDefinition | undefined;
  /** Called when background work fails: `task` names the work. The work is tried again later. */
  readonly onBackgroundError?: (error: unknown, task: string) => void;
  /**
   * Called with events that an operator should know and for which no request fails: the directory is a copy, the clock jumped, no commit
   * is taken.
   */
  readonly onNotice?: ((notice: EngineNotice) => void) | undefined;
  /**
   * Begins a new incarnation at this start, though nothing shows that the directory is a copy. Use it after a restore that kept the
   * files' inodes, such as a rollback of the whole machine.
   */
  readonly newIncarnation?: boolean | undefined;
  /** Called with measurements of commits, queries and maintenance. Without it nothing is measured. */
  readonly observer?: EngineObserver | undefined;
}

/** What was opened before the engine is made. */
export interface OpenedParts {
  readonly directory: string;
  readonly store: CatalogStore;
  readonly state: CatalogState;
  readonly incarnation: Incarnation;
  readonly ceilingMs: number;
  readonly uncheckedTables: readonly number[];
  /** Gives the directory back, once the store is closed. */
  readonly release: () => void;
  readonly duck: Duck;
  /** What a test puts in the place of apply. */
  readonly apply: typeof apply | undefined;
  /** The observer of the options, guarded. */
  readonly observer: EngineObserver | undefined;
}
