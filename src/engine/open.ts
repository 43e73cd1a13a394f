/** Opening a database: the catalog is checked while DuckDB starts, then the engine takes both. */
import { mkdirSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { claimIncarnation, type Incarnation } from './catalog/incarnation.ts';
import { type OpenSeams, openCatalog } from './catalog/open-catalog.ts';
import type { WriteTrouble } from './catalog/write-phases.ts';
import type { apply } from './commit/apply/apply.ts';
import { Duck } from './data/duckdb.ts';
import { DataFiles } from './data/files.ts';
import { Engine } from './engine.ts';
import { type EngineObserver, guarded } from './model/observer.ts';
import { storageError } from './model/storage-error.ts';
import type { EngineOptions } from './options.ts';

/** What tests put in the place of parts, to make them fail. */
export interface EngineSeams extends OpenSeams {
  readonly apply?: typeof apply;
}

/**
 * Opens a database in a directory, or creates it. Only one process can have a directory open. A directory that cannot be written is
 * opened for reading; `engine.writeTrouble` then says why. The second parameter is for tests.
 * @throws EngineError DIRECTORY_IN_USE, FORMAT_UNSUPPORTED, CLOCK_NOT_ACCEPTED, CORRUPT_DATA {file}, STORAGE_FULL, READ_ONLY, OVERLOADED
 */
export async function openEngine(options: EngineOptions, seams: EngineSeams = {}): Promise<Engine> {
  const directory = resolve(options.directory);
  makeDirectory(directory);
  const observer = options.observer && guarded(options.observer, (error) => options.onBackgroundError?.(error, 'observer'));
  // DuckDB starts on other threads while the catalog is checked on this one.
  const starting = startDuck(options, directory, observer);
  starting.catch(() => {});
  const opened = await openCatalog(directory, { onTrouble: (trouble) => tellTrouble(trouble, options), ...seams }).catch(
    async (error: unknown) => {
      await (await starting.catch(() => undefined))?.close(0);
      throw error;
    },
  );
  const { store, state } = opened;
  try {
    const incarnation = await claimIncarnation(store, directory, options.newIncarnation);
    tellIncarnation(incarnation, options);
    if (store.trouble === undefined) DataFiles.prepareDirectory(directory, state);
    return new Engine(options, { ...opened, directory, incarnation, duck: await starting, observer, apply: seams.apply });
  } catch (error) {
    await store.close(false);
    opened.release();
    await (await starting.catch(() => undefined))?.close(0);
    throw storageError(error, 'the database was not opened');
  }
}

function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true });
  } catch (error) {
    throw storageError(error, 'the data directory was not made');
  }
}

function tellIncarnation({ name, cause, unkept }: Incarnation, { onNotice }: EngineOptions): void {
  const consequence = 'cursors, ids of versions and places to resume from that were given before are refused from now on';
  if (cause === 'copied' || cause === 'asked') {
    const why = cause === 'asked' ? 'a new incarnation was asked for' : 'the data directory is a copy, as after a restore from a backup';
    onNotice?.({
      level: 'info',
      message: `${why}: a new incarnation of the database begins; ${consequence}`,
      details: { incarnation: name },
    });
  }
  if (unkept !== undefined) {
    const message = 'the new incarnation could not be written down, so the next start begins another one';
    onNotice?.({ level: 'warn', message, details: { incarnation: name, reason: String(unkept) } });
  }
}

function tellTrouble(trouble: WriteTrouble | undefined, { onNotice }: EngineOptions): void {
  if (trouble === undefined) onNotice?.({ level: 'info', message: 'commits are taken again', details: {} });
  else {
    const { code, message, hint } = trouble.error;
    onNotice?.({ level: 'warn', message: `no commit is taken: ${message}`, details: { code, hint } });
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
