/** Opening a database: the catalog is checked while DuckDB starts, then the engine takes both. */
import { mkdirSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { openCatalog } from './catalog/load.ts';
import { Duck } from './data/duckdb.ts';
import { DataFiles } from './data/files.ts';
import { Engine } from './engine.ts';
import { type EngineObserver, guarded } from './model/observer.ts';
import type { EngineOptions } from './options.ts';

/**
 * Opens or creates a database in a directory.
 * @throws EngineError DIRECTORY_IN_USE, FORMAT_UNSUPPORTED, CORRUPT_DATA {file}
 */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const directory = resolve(options.directory);
  mkdirSync(directory, { recursive: true });
  const observer = options.observer && guarded(options.observer, (error) => options.onBackgroundError?.(error, 'observer'));
  // DuckDB starts on other threads while the catalog is checked on this one.
  const starting = startDuck(options, directory, observer);
  starting.catch(() => {});
  const { store, state, ceilingMs, uncheckedTables } = await openCatalog(directory).catch(async (error: unknown) => {
    (await starting.catch(() => undefined))?.close();
    throw error;
  });
  try {
    DataFiles.prepareDirectory(directory, state);
    return new Engine(options, { directory, store, state, ceilingMs, uncheckedTables, duck: await starting, observer });
  } catch (error) {
    await store.close(false);
    throw error;
  }
}

function startDuck(options: EngineOptions, directory: string, observer: EngineObserver | undefined): Promise<Duck> {
  return Duck.open({
    dataDirectory: directory,
    spillDirectory: join(directory, 'tmp', 'spill'),
    memoryLimitBytes: options.memoryLimitBytes ?? Math.min(4 * 1024 ** 3, totalmem() / 4),
    spillLimitBytes: options.spillLimitBytes ?? 16 * 1024 ** 3,
    threads: options.threads ?? Math.max(1, availableParallelism() - 2),
    connections: options.queryConnections ?? 4,
    observer,
  });
}
