/**
 * DuckDB: one in-memory instance for a catalog, used to scan and to write Parquet. It decides nothing and stores nothing.
 * Keeps invariant 5: connections, waiting queries, memory, spill and time are bounded; a query that is given up is
 * interrupted. Only materialised results are used: streamed ones end silently part of the way on an error.
 */
import { type DuckDBConnection, DuckDBInstance, type DuckDBMaterializedResult, type DuckDBType, type DuckDBValue } from '@duckdb/node-api';
import accessors from '@duckdb/node-api/lib/vectors/dataAccessors.js';
import type { Budget } from '../model/budget.ts';
import { EngineError, invariant } from '../model/errors.ts';
import { LIMITS } from '../model/limits.ts';
import type { EngineObserver, QueryOutcome } from '../model/observer.ts';
import { within } from '../model/within.ts';

export interface DuckOptions {
  /** Files outside it cannot be read or written. */
  readonly dataDirectory: string;
  readonly spillDirectory: string;
  readonly memoryLimitBytes: number;
  readonly spillLimitBytes: number;
  readonly threads: number;
  /** Queries that run at once. */
  readonly connections: number;
  /** Told of each use of a connection. */
  readonly observer?: EngineObserver | undefined;
}

export interface QueryOptions {
  /** Gives the query up. */
  readonly signal?: AbortSignal | undefined;
  /** Past it: QUERY_TIMEOUT, or OVERLOADED where it only waited. Where absent (maintenance) only waiting is bounded. */
  readonly timeoutMs?: number | undefined;
  /** What its rows may take in memory. */
  readonly budget?: Budget | undefined;
}

export interface Parameter {
  readonly value: DuckDBValue;
  readonly type: DuckDBType;
}

// node-api decodes text with a decoder that drops a leading U+FEFF; one that keeps it takes its place.
Object.assign(accessors, { textDecoder: new TextDecoder('utf-8', { ignoreBOM: true }) });

const INTERRUPT_EVERY_MS = 20;
/** How long queries that were interrupted for a stop may take to end. */
const STOP_WAIT_MS = 2_000;

export class Duck {
  readonly #instance: DuckDBInstance;
  readonly #idle: DuckDBConnection[] = [];
  readonly #lent = new Set<DuckDBConnection>();
  readonly #waiting: Waiting[] = [];
  readonly #drained: (() => void)[] = [];
  #open = 0;
  readonly #connections: number;
  readonly #observer: EngineObserver | undefined;
  #closed = false;

  private constructor(instance: DuckDBInstance, { connections, observer }: DuckOptions) {
    this.#instance = instance;
    this.#connections = connections;
    this.#observer = observer;
  }

  static async open(options: DuckOptions): Promise<Duck> {
    const instance = await DuckDBInstance.create(':memory:', {
      threads: String(options.threads),
      memory_limit: `${Math.floor(options.memoryLimitBytes / 1e6)}MB`,
      temp_directory: options.spillDirectory,
      max_temp_directory_size: `${Math.floor(options.spillLimitBytes / 1e6)}MB`,
    });
    const connection = await instance.connect();
    // Of the instance: what is set for one connection, the others do not have.
    for (const setting of [
      // Data files are immutable and checked against their hash, so their metadata may be kept.
      'parquet_metadata_cache = true',
      "validate_external_file_cache = 'NO_VALIDATION'",
      "TimeZone = 'UTC'",
      // Else DuckDB's allocator keeps what was freed for as long as no thread of its own asks for memory: up to its whole limit.
      'allocator_background_threads = true',
      'autoinstall_known_extensions = false',
      'autoload_known_extensions = false',
      `allowed_directories = [${sqlString(options.dataDirectory)}]`,
      'enable_external_access = false',
      'lock_configuration = true',
    ]) {
      await connection.run(`SET GLOBAL ${setting}`);
    }
    const [row] = await (await connection.run("SELECT chr(65279) || 'a'")).getRows();
    invariant(row?.[0] === '\ufeffa', 'DuckDB text arrives as it is stored');
    connection.closeSync();
    return new Duck(instance, options);
  }

  /**
   * Runs one statement and materialises its result.
   * @throws EngineError QUERY_TIMEOUT, OVERLOADED, LIMIT_EXCEEDED (memory or spill), or the signal's reason
   */
  async run(sql: string, parameters: readonly Parameter[] = [], options: QueryOptions = {}): Promise<DuckDBMaterializedResult> {
    const askedMs = performance.now();
    const { timeoutMs } = options;
    // Waiting and running share the query's time.
    const left = (): number | undefined => (timeoutMs === undefined ? undefined : Math.max(1, timeoutMs - (performance.now() - askedMs)));
    return this.withConnection((connection) => {
      // Another part of the answer may have taken all that it has while this one waited.
      options.budget?.require(0);
      return runOn(connection, sql, parameters, { ...options, leftMs: left() });
    }, options);
  }

  /** Lends a connection; other queries cannot use it meanwhile. */
  withConnection<T>(use: (connection: DuckDBConnection) => Promise<T>, options: QueryOptions = {}): Promise<T> {
    return this.#observer === undefined ? this.#lend(use, options) : this.#measured(this.#observer, use, options);
  }

  async #measured<T>(observer: EngineObserver, use: (connection: DuckDBConnection) => Promise<T>, options: QueryOptions): Promise<T> {
    const askedMs = performance.now();
    let lentMs: number | undefined;
    let outcome: QueryOutcome = 'ok';
    try {
      return await this.#lend((connection) => {
        lentMs = performance.now();
        return use(connection);
      }, options);
    } catch (error) {
      outcome = outcomeOf(error, lentMs !== undefined, options);
      throw error;
    } finally {
      const endedMs = performance.now();
      observer.onQuery({ outcome, waitMs: (lentMs ?? endedMs) - askedMs, runMs: endedMs - (lentMs ?? endedMs) });
    }
  }

  async #lend<T>(use: (connection: DuckDBConnection) => Promise<T>, options: QueryOptions): Promise<T> {
    const connection = await this.#acquire(options);
    this.#lent.add(connection);
    try {
      return await use(connection);
    } finally {
      this.#lent.delete(connection);
      this.#release(connection);
    }
  }

  async #acquire(options: QueryOptions): Promise<DuckDBConnection> {
    options.signal?.throwIfAborted();
    if (this.#closed) throw shuttingDown();
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    if (this.#open < this.#connections) {
      this.#open += 1;
      try {
        return await this.#instance.connect();
      } catch (error) {
        this.#gone();
        throw error;
      }
    }
    if (this.#waiting.length >= LIMITS.queryQueueMax) {
      throw new EngineError('OVERLOADED', `more than ${LIMITS.queryQueueMax} queries wait to run`, {
        details: { retryAfterMs: 250, limit: 'queryQueueMax', maximum: LIMITS.queryQueueMax },
        hint: 'Try again after details.retryAfterMs milliseconds.',
      });
    }
    return this.#wait(options);
  }

  /** Waits for a connection, no longer than the query's own time, and no longer than its client. */
  #wait({ signal, timeoutMs = LIMITS.queryWaitMs }: QueryOptions): Promise<DuckDBConnection> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      };
      const waiting: Waiting = {
        take: (connection) => {
          settle();
          resolve(connection);
        },
        refuse: (reason) => {
          settle();
          const at = this.#waiting.indexOf(waiting);
          if (at >= 0) this.#waiting.splice(at, 1);
          reject(reason);
        },
      };
      const onAbort = (): void => waiting.refuse(signal?.reason);
      const timer = setTimeout(() => waiting.refuse(waitedTooLong(timeoutMs)), timeoutMs);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(waiting);
    });
  }

  #gone(): void {
    this.#open -= 1;
    if (this.#closed && this.#open === 0) for (const resolve of this.#drained.splice(0)) resolve();
  }

  #release(connection: DuckDBConnection): void {
    const next = this.#waiting.shift();
    if (next !== undefined) next.take(connection);
    else if (this.#closed) {
      connection.closeSync();
      this.#gone();
    } else this.#idle.push(connection);
  }

  /** Queries under way and waiting. */
  get load(): { readonly running: number; readonly waiting: number } {
    return { running: this.#open - this.#idle.length, waiting: this.#waiting.length };
  }

  /**
   * Takes no more queries, and closes once those under way are done. Past the time that they are given, those that wait are
   * refused and those that run are interrupted. To close DuckDB while it works would end the process with a crash, so what
   * cannot be interrupted keeps it open. @returns whether it is closed
   */
  async close(graceMs: number): Promise<boolean> {
    this.#closed = true;
    for (const connection of this.#idle.splice(0)) {
      connection.closeSync();
      this.#open -= 1;
    }
    const drained = new Promise<void>((resolve) => {
      if (this.#open === 0) resolve();
      else this.#drained.push(resolve);
    });
    await within(drained, graceMs);
    for (const waiting of this.#waiting.splice(0)) waiting.refuse(shuttingDown());
    if (this.#open > 0) {
      const interrupts = setInterval(() => {
        for (const connection of this.#lent) connection.interrupt();
      }, INTERRUPT_EVERY_MS);
      await within(drained, STOP_WAIT_MS);
      clearInterval(interrupts);
    }
    if (this.#open > 0) return false;
    this.#instance.closeSync();
    return true;
  }
}

/** A query that waits for a connection. */
interface Waiting {
  readonly take: (connection: DuckDBConnection) => void;
  readonly refuse: (reason: unknown) => void;
}

function shuttingDown(): EngineError {
  return new EngineError('SHUTTING_DOWN', 'the database is shutting down');
}

function waitedTooLong(waitedMs: number): EngineError {
  return new EngineError('OVERLOADED', `all connections to DuckDB were busy for ${Math.round(waitedMs)} ms; the query did not run`, {
    details: { retryAfterMs: 1_000, limit: 'queryWaitMs', maximum: Math.round(waitedMs) },
    hint: 'Try again after details.retryAfterMs milliseconds.',
  });
}

/** Runs a statement on a lent connection; see Duck.run. */
export async function runOn(
  connection: DuckDBConnection,
  sql: string,
  parameters: readonly Parameter[],
  { signal, timeoutMs, leftMs = timeoutMs }: QueryOptions & { readonly leftMs?: number | undefined },
): Promise<DuckDBMaterializedResult> {
  signal?.throwIfAborted();
  let givenUp: 'aborted' | 'timeout' | undefined;
  let interrupts: NodeJS.Timeout | undefined;
  const giveUp = (why: 'aborted' | 'timeout'): void => {
    givenUp ??= why;
    connection.interrupt();
    // An interrupt before the query has started is lost, so it is repeated until the query ends.
    interrupts ??= setInterval(() => connection.interrupt(), INTERRUPT_EVERY_MS);
  };
  const onAbort = (): void => giveUp('aborted');
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => giveUp('timeout'), leftMs);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    if (parameters.length === 0) return await connection.run(sql);
    return await connection.run(
      sql,
      parameters.map((parameter) => parameter.value),
      parameters.map((parameter) => parameter.type),
    );
  } catch (error) {
    if (givenUp === 'aborted') throw signal?.reason;
    if (givenUp === 'timeout') {
      throw new EngineError('QUERY_TIMEOUT', `the query took longer than ${timeoutMs} ms and was stopped`, {
        details: { timeoutMs },
        hint: 'Narrow it with a filter, ask for fewer columns, or raise --query-timeout.',
      });
    }
    throw translated(error, sql);
  } finally {
    clearTimeout(timer);
    clearInterval(interrupts);
    signal?.removeEventListener('abort', onAbort);
  }
}

function outcomeOf(error: unknown, isLent: boolean, { signal }: QueryOptions): QueryOutcome {
  if (signal?.aborted === true && error === signal.reason) return 'cancelled';
  if (!(error instanceof EngineError)) return 'error';
  if (error.code === 'QUERY_TIMEOUT') return 'timeout';
  return isLent ? 'error' : 'refused';
}

/** DuckDB tells the kind of an error only at the start of its message. */
function translated(error: unknown, sql: string): unknown {
  const message = error instanceof Error ? error.message : String(error);
  if (/^Out of Memory Error/i.test(message)) {
    return new EngineError('LIMIT_EXCEEDED', 'the query needs more memory or temporary disk than the server gives to queries', {
      details: { limit: 'queryMemory' },
      hint: 'Narrow it with a filter, ask for fewer columns or groups, or raise --memory.',
      cause: error,
    });
  }
  if (/^Out of Range Error/i.test(message)) {
    return new EngineError('BAD_USER_INPUT', 'a computed value does not fit in its type', {
      hint: 'A sum of decimals has at most 38 digits.',
      cause: error,
    });
  }
  return new Error(`DuckDB: ${message.split('\n')[0]} [${sql.slice(0, 500)}]`, { cause: error });
}

/** A string literal. Only for paths and names that Tidemark made itself; values go in as parameters. */
export function sqlString(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/**
 * The name of a table's column, by its position, wherever DuckDB's own pseudo-columns are near (`rowid`, `file_row_number`,
 * `file_index`, `filename`): in DuckDB tables and in scans of Parquet files. A user's name would hide one of them.
 */
export function columnAt(position: number): string {
  return `c${position}`;
}

/**
 * A scan of Parquet files as the relation `src`, the first columns of the files under their generated names, so that
 * `src.file_row_number` and `src.file_index` are always DuckDB's. Folder names such as `a=b` on the way are no columns.
 */
export function parquetSql(paths: readonly string[], columns: { readonly length: number }): string {
  const names = Array.from({ length: columns.length }, (_, at) => columnAt(at)).join(', ');
  const scan = `read_parquet([${paths.map(sqlString).join(', ')}], hive_partitioning = false) AS src`;
  return names === '' ? scan : `${scan}(${names})`;
}

/** Columns under their own names, out of a source that has them under the generated ones. */
export function namedColumns(columns: readonly { readonly name: string }[]): string {
  return columns.map(({ name }, at) => `${columnAt(at)} AS ${sqlName(name)}`).join(', ');
}

/** A quoted identifier. */
export function sqlName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
