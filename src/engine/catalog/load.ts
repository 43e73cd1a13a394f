/**
 * Opens a catalog: one process at a time, logs checked before LevelDB reads them, format version checked, the chain of
 * commits verified over all that LevelDB's log may have held, the state built. Cost does not grow with history.
 */
import { accessSync, constants, existsSync, mkdirSync, readdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../model/errors.ts';
import type { Ends, Snapshot } from '../model/history.ts';
import { asFileId, asRowId, asSnapshotId, asTableId, type TableId } from '../model/ids.ts';
import { LIMITS } from '../model/limits.ts';
import { storageError, troubleError, troubleOf } from '../model/storage-error.ts';
import { ChainLinks } from './chain.ts';
import {
  CEILING_KEY,
  FORMAT_KEY,
  flushedKey,
  HEAD_KEY,
  keptKey,
  lastNumber,
  PREFIX,
  prefixRange,
  snapshotKey,
  tableRange,
} from './keys.ts';
import { LevelHandle } from './level-handle.ts';
import { type Damage, damagedFiles, damagedLogs, damagedTables, damageOfTable, logBytes } from './leveldb/files.ts';
import { DirectoryLock, inUse } from './lock.ts';
import {
  type CommitRecord,
  decodeEnds,
  decodeFile,
  decodeFlushed,
  decodeHead,
  decodeKept,
  decodeNumber,
  decodeSnapshot,
  decodeTable,
  decodeTag,
  encodeNumber,
  type FlushedRecord,
  type Head,
  NOTHING_EXPIRED,
} from './records.ts';
import { type CatalogState, columnsOfVersion, EMPTY_STATE, type TableState } from './state.ts';
import { CatalogStore, corruptCatalog, levelCodes, type StoreParts } from './store.ts';
import { type Acknowledged, readWatermark, WATERMARK_FILE } from './watermark.ts';

export const FORMAT_VERSION = 2;
/** No commit takes fewer bytes than this in LevelDB's log; bounds how many it may hold. */
const COMMIT_BYTES_MIN = 100;
/** Bytes of LevelDB tables, newest first, checked before a start; older ones are checked in the background. */
const TABLE_CHECK_BYTES = 32 * 1024 * 1024;

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
    const state = head === undefined ? EMPTY_STATE : await loadState(store, head, found.replayed);
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

/** What a look at the files says, before LevelDB reads them. */
interface Found {
  readonly isNew: boolean;
  readonly acknowledged: Acknowledged | undefined;
  readonly damage: Damage | undefined;
  /** Logs whose end cannot be read: a crash's doing, or a loss, which HEAD tells apart. */
  readonly torn: readonly string[];
  readonly logBytes: number;
  /** Commits that LevelDB's log may hold, at most. */
  readonly replayed: number;
  readonly uncheckedTables: readonly number[];
}

function inspect(dataDirectory: string, directory: string): Found {
  const isNew = !existsSync(join(directory, 'CURRENT'));
  const acknowledged = readWatermark(dataDirectory);
  const { damages, torn } = damagedLogs(directory);
  const tables = damagedTables(directory, TABLE_CHECK_BYTES);
  const lost = isNew ? lostCatalog(dataDirectory, acknowledged) : undefined;
  const bytes = logBytes(directory);
  return {
    isNew,
    acknowledged,
    damage: lost ?? damages[0] ?? tables.damages[0],
    torn,
    logBytes: bytes,
    replayed: Math.ceil(bytes / COMMIT_BYTES_MIN),
    uncheckedTables: tables.unchecked,
  };
}

/** A directory without a catalog is a new one only where nothing speaks of an older one: its files would be orphans. */
function lostCatalog(dataDirectory: string, acknowledged: Acknowledged | undefined): Damage | undefined {
  if (acknowledged !== undefined && acknowledged.logIndex > 0) {
    return {
      file: 'catalog',
      offset: 0,
      what: `the catalog is gone, but ${WATERMARK_FILE} says that commit ${acknowledged.snapshotId} was acknowledged`,
    };
  }
  const data = join(dataDirectory, 'data');
  if (!existsSync(data)) return undefined;
  const files = readdirSync(data, { recursive: true }).some((name) => String(name).endsWith('.parquet'));
  return files ? { file: 'catalog', offset: 0, what: 'the catalog is gone, but there are data files' } : undefined;
}

function checkAcknowledged({ acknowledged, torn }: Found, head: Head | undefined): void {
  if (acknowledged === undefined || acknowledged.logIndex <= (head?.logIndex ?? 0)) return;
  const [log] = torn;
  throw corruptCatalog(
    log === undefined ? 'catalog' : `catalog/${log}`,
    `commits up to ${acknowledged.snapshotId} were acknowledged, but the log ends at commit ${head?.snapshotId ?? 0}; ` +
      'the end of the log was lost; nothing was changed',
  );
}

/** Opening writes what the log holds into a table, twice with the copy that is looked at first. @throws EngineError STORAGE_FULL */
function checkRoom(dataDirectory: string, found: Found): void {
  const needed = 3 * found.logBytes + LIMITS.startSpaceBytes;
  const { bavail, bsize, blocks } = statfsSync(dataDirectory);
  if (blocks > 0 && bavail * bsize < needed)
    throw troubleError('full', `opening the database takes ${needed} bytes, ${bavail * bsize} are free; nothing was changed`, undefined);
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

async function loadState(store: CatalogStore, head: Head, replayed: number): Promise<CatalogState> {
  await verifyChain(store, head, replayed);
  const records = await store.entries(prefixRange(PREFIX.table), Number.MAX_SAFE_INTEGER);
  const tables: (TableState | undefined)[] = [undefined];
  for (const [key, value] of records) {
    const table = await loadTable(store, asTableId(key.readUInt32BE(1)), value);
    tables[table.id] = table;
  }
  const living = tables.filter((table) => table !== undefined && table.droppedSnapshotId === null) as TableState[];
  const tags = await store.entries(prefixRange(PREFIX.tag), Number.MAX_SAFE_INTEGER);
  return {
    ...head,
    tables,
    byName: new Map(living.map((table) => [table.name, table.id])),
    tags: new Map(tags.map(([, value]) => decodeTag(value)).map((tag) => [tag.name, tag])),
    schemaEpoch: tables.reduce((sum, table) => sum + (table?.schemas.length ?? 0), 0),
  };
}

async function loadTable(store: CatalogStore, tableId: TableId, bytes: Buffer): Promise<TableState> {
  const record = decodeTable(bytes);
  const schema = record.schemas.at(-1);
  const last = await lastSnapshot(store, tableId);
  if (schema === undefined || last === undefined) throw store.corrupt(`table ${record.name} has no snapshot`);
  const flushed = store.get(flushedKey(tableId));
  const floor = flushed === undefined ? NOTHING_FLUSHED : decodeFlushed(flushed);
  const kept = store.get(keptKey(tableId));
  const table: TableState = {
    ...record,
    id: tableId,
    kept: kept === undefined ? NOTHING_EXPIRED : decodeKept(kept),
    schema,
    last,
    files: [],
    filesBytes: 0,
    hotFloor: floor.hotFloor,
    hotRowLo: floor.hotRowLo,
    flushedRowsEver: floor.rowsEver,
    flushedBytesEver: floor.bytesEver,
    flushedVersionsEver: floor.versionsEver,
    ends: await loadEnds(store, tableId),
    endsEpoch: 0,
    filesEpoch: 0,
  };
  const entries = await store.entries(tableRange(PREFIX.file, tableId), Number.MAX_SAFE_INTEGER);
  const files = entries.map(([key, value]) => decodeFile(tableId, lastNumber(key), value, (version) => columnsOfVersion(table, version)));
  files.sort((left, right) => left.rowLo - right.rowLo);
  return { ...table, files, filesBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0) };
}

const NOTHING_FLUSHED: FlushedRecord = { hotFloor: asSnapshotId(0), hotRowLo: asRowId(0), rowsEver: 0, bytesEver: 0, versionsEver: 0 };

/** Loose ends, in the order of the commits that made them. */
async function loadEnds(store: CatalogStore, tableId: TableId): Promise<Ends[]> {
  const entries = await store.entries(tableRange(PREFIX.ends, tableId), Number.MAX_SAFE_INTEGER);
  return entries.map(([key, value]) => {
    const to = asSnapshotId(key.readUInt32BE(5) * 2 ** 32 + key.readUInt32BE(9));
    return decodeEnds(to, asFileId(lastNumber(key)), value);
  });
}

async function lastSnapshot(store: CatalogStore, tableId: TableId): Promise<Snapshot | undefined> {
  const range = {
    gte: snapshotKey(tableId, asSnapshotId(0)),
    lte: snapshotKey(tableId, asSnapshotId(Number.MAX_SAFE_INTEGER)),
    reverse: true,
  };
  const entry = await store.first(range);
  return entry === undefined ? undefined : decodeSnapshot(tableId, asSnapshotId(lastNumber(entry[0])), entry[1]);
}

/**
 * Checks that commits are contiguous and chained by their hashes, with the expiries between them, and that no maintenance
 * entry is missing, over the last `count` commits. Each round is one LevelDB record, so a lost round shows as a gap.
 */
export async function verifyChain(store: CatalogStore, head: Head, count: number): Promise<void> {
  if (head.snapshotId === 0) return;
  const start = asSnapshotId(Math.max(1, head.snapshotId - count));
  const links = new ChainLinks(store, start, head);
  let position = start === 1 ? 0 : undefined;
  let hash: Buffer | undefined = start === 1 ? NO_HASH : undefined;
  for await (const link of links.all()) {
    if (position !== undefined && link.logIndex !== position + 1) throw store.corrupt(`log entry ${position + 1} is missing`);
    position = link.logIndex;
    if (link.kind === 'maintenance') continue;
    if (hash !== undefined && !link.hashAfter(hash).equals(link.hash))
      throw store.corrupt(`${link.what} does not follow from the one before it`);
    hash = link.hash;
    if (link.kind === 'commit') checkSnapshots(store, link.commit, head);
  }
  if (position !== head.logIndex) throw store.corrupt(`log entry ${(position ?? 0) + 1} is missing`);
  if (hash === undefined || !hash.equals(head.hash))
    throw store.corrupt('the newest hash of the audit chain is not that of the newest entry');
}

const NO_HASH = Buffer.alloc(32);

function checkSnapshots(store: CatalogStore, commit: CommitRecord, head: Head): void {
  for (const { tableId } of commit.tables) {
    const bytes = store.get(snapshotKey(tableId, commit.snapshotId));
    // An expired snapshot has no record any more; the newest of a table never expires.
    const kept = bytes === undefined && commit.snapshotId < head.snapshotId ? store.get(keptKey(tableId)) : undefined;
    if (kept !== undefined && decodeKept(kept).horizon > commit.snapshotId) continue;
    if (bytes === undefined) throw store.corrupt(`commit ${commit.snapshotId} has no snapshot of table ${tableId}`);
    decodeSnapshot(tableId, commit.snapshotId, bytes);
  }
}

/** The rest of LevelDB's tables, after the start; damage ends all reading and writing. @throws EngineError CORRUPT_DATA {file} */
export async function checkTables(
  store: CatalogStore,
  directory: string,
  numbers: readonly number[],
  isStopping: () => boolean,
): Promise<void> {
  for (const number of numbers) {
    if (isStopping()) return;
    const damage = damageOfTable(directory, number);
    if (damage !== undefined) {
      const error = corruptCatalog(damage.file, `${damage.what}, at byte ${damage.offset}`);
      store.poison(error);
      throw error;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}
