/**
 * Opens a catalog: one process at a time, logs checked before LevelDB reads them, format version checked, the chain of
 * commits verified over all that LevelDB's log may have held, the state built. Cost does not grow with history.
 */
import { accessSync, constants, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../model/errors.ts';
import { storageError, troubleOf } from '../model/storage-error.ts';
import { checkAcknowledged, checkRoom, inspect } from './inspect.ts';
import { CEILING_KEY, FORMAT_KEY, HEAD_KEY } from './keys.ts';
import { LevelHandle } from './level-handle.ts';
import { damagedFiles } from './leveldb/files.ts';
import { loadState } from './load.ts';
import { DirectoryLock, inUse } from './lock.ts';
import { decodeHead, decodeNumber, encodeNumber, type Head } from './records.ts';
import { type CatalogState, EMPTY_STATE } from './state.ts';
import { CatalogStore, corruptCatalog, levelCodes, type StoreParts } from './store.ts';
import { verifyChain } from './verify-chain.ts';

const FORMAT_VERSION = 2;

export interface OpenedCatalog {
  readonly store: CatalogStore;
  readonly state: CatalogState;
  /** The floor for the clock: no later commit may have an earlier timestamp. */
  readonly ceilingMs: number;
  /** Tables of LevelDB that were too much to check before serving: to be checked in the background. */
  readonly uncheckedTables: readonly number[];
  /** Gives the directory back, once the store is closed. */
  readonly release: () => void;
}

export interface OpenSeams {
  /** What tests put in the place of LevelDB, to make it fail. */
  readonly openLevel?: (directory: string) => Promise<LevelHandle>;
  readonly onTrouble?: StoreParts['onTrouble'];
}

/**
 * Takes the directory, looks for damage, and opens a copy of the catalog; only when that has shown that all is well, the
 * catalog itself. So a start that refuses has changed nothing. Where the directory cannot be written, the copy is what is read.
 * @throws EngineError DIRECTORY_IN_USE, FORMAT_UNSUPPORTED, CORRUPT_DATA {file}, STORAGE_FULL, READ_ONLY, OVERLOADED
 */
export async function openCatalog(dataDirectory: string, seams: OpenSeams = {}): Promise<OpenedCatalog> {
  let lock: DirectoryLock | undefined;
  try {
    const isWritable = canWrite(dataDirectory);
    lock = DirectoryLock.take(dataDirectory, { shared: !isWritable });
    return await openLocked({ dataDirectory, isWritable, lock, openLevel: LevelHandle.open, ...seams });
  } catch (error) {
    lock?.release();
    throw storageError(error, 'the database was not opened, and nothing was changed');
  }
}

function canWrite(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch (error) {
    if (troubleOf(error) === 'readOnly') return false;
    throw error;
  }
}

interface Opening extends StoreParts {
  readonly isWritable: boolean;
  readonly lock: DirectoryLock;
}

async function openLocked(opening: Opening): Promise<OpenedCatalog> {
  const { dataDirectory, isWritable, lock } = opening;
  const directory = join(dataDirectory, 'catalog');
  const found = inspect(dataDirectory, directory);
  if (found.damage !== undefined)
    throw corruptCatalog(found.damage.file, `${found.damage.what}, at byte ${found.damage.offset}; nothing was changed`);
  if (found.isNew) mkdirSync(directory, { recursive: true });
  else if (isWritable) checkRoom(dataDirectory, found);
  const store = await openStore(opening, directory, found.isNew);
  try {
    const isBlank = await checkFormat(store, found.isNew);
    const headBytes = store.get(HEAD_KEY);
    const head: Head | undefined = headBytes === undefined ? undefined : decodeHead(headBytes);
    checkAcknowledged(found, head);
    const ceiling = store.get(CEILING_KEY);
    if (head !== undefined) await verifyChain(store, head, found.replayed);
    const state = head === undefined ? EMPTY_STATE : await loadState(store, head);
    if (!found.isNew) await store.start(head).catch((error: unknown) => Promise.reject(openFailure(error, dataDirectory)));
    if (isBlank) await store.write([{ key: FORMAT_KEY, value: encodeNumber(FORMAT_VERSION) }], { sync: true });
    store.watch(head);
    return {
      store,
      state,
      ceilingMs: ceiling === undefined ? 0 : decodeNumber(ceiling),
      uncheckedTables: found.uncheckedTables,
      release: () => lock.release(),
    };
  } catch (error) {
    await store.close(false);
    throw error;
  }
}

async function openStore(opening: Opening, directory: string, isNew: boolean): Promise<CatalogStore> {
  try {
    return await (isNew ? CatalogStore.create(opening, directory) : CatalogStore.look(opening, directory));
  } catch (error) {
    throw isNew ? error : openFailure(error, opening.dataDirectory);
  }
}

/** LevelDB was asked to open the catalog and could not. */
function openFailure(error: unknown, dataDirectory: string): unknown {
  if (levelCodes(error).has('LEVEL_LOCKED')) return inUse(undefined, error);
  if (error instanceof EngineError || troubleOf(error) !== undefined) return error;
  return corruptCatalog(damagedFiles(join(dataDirectory, 'catalog'))[0]?.file ?? 'catalog', 'LevelDB cannot open it', error);
}

/** @returns whether there is nothing in it, not even a version: it is new, or a start was cut short */
async function checkFormat(store: CatalogStore, isNew: boolean): Promise<boolean> {
  const stored = store.get(FORMAT_KEY);
  if (stored === undefined) {
    if (!isNew && (await store.first({})) !== undefined) throw store.corrupt('the format version is missing');
    return true;
  }
  const version = decodeNumber(stored);
  if (version !== FORMAT_VERSION) {
    throw new EngineError(
      'FORMAT_UNSUPPORTED',
      `the data directory has format version ${version}; this Tidemark reads version ${FORMAT_VERSION}`,
      {
        details: { version, supported: FORMAT_VERSION },
        hint:
          version < FORMAT_VERSION
            ? 'It was written before the first release. Export the rows with the version that wrote it, and append them here.'
            : 'Use the Tidemark version that wrote it, or a newer one.',
      },
    );
  }
  return false;
}
