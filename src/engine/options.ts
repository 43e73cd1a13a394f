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

export interface EngineOptions {
  /** The data directory; made if it is not there. */
  readonly directory: string;
  readonly clock?: Clock;
  /** Take the machine's clock as it is at this start, however far it is ahead of the newest commit. */
  readonly acceptClock?: boolean | undefined;
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
  /** How much history of tables without a policy of their own is kept; all of it where absent. */
  readonly retention?: RetentionDefinition | undefined;
  /** Told of failures in the background. */
  readonly onBackgroundError?: (error: unknown, task: string) => void;
  /** Told of what an operator should know and no request fails for: the directory is a copy, the clock jumped. */
  readonly onNotice?: ((notice: EngineNotice) => void) | undefined;
  /** Begin a new incarnation though nothing shows that the directory is a copy: after a restore that kept the files' inodes. */
  readonly newIncarnation?: boolean | undefined;
  /** Told of what the engine does, for figures; nothing is measured where absent. */
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
