/**
 * Opens a catalog: one process at a time, logs checked before LevelDB reads them, format version checked, the chain of
 * commits verified over all that LevelDB's log may have held, the state built. Cost does not grow with history.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../model/errors.ts';
import type { Snapshot } from '../model/history.ts';
import { asFileId, asRowId, asSnapshotId, asTableId, type SnapshotId, type TableId } from '../model/ids.ts';
import { OPERATIONS } from '../model/types.ts';
import {
  CEILING_KEY,
  commitKey,
  FORMAT_KEY,
  fileKey,
  flushedKey,
  HEAD_KEY,
  lastNumber,
  maintenanceKey,
  PREFIX,
  prefixRange,
  snapshotKey,
} from './keys.ts';
import { damagedLogs, logBytes } from './leveldb-files.ts';
import {
  chainOf,
  decodeCommit,
  decodeFile,
  decodeFlushed,
  decodeHead,
  decodeNumber,
  decodeSnapshot,
  decodeTable,
  encodeNumber,
  type Head,
} from './records.ts';
import { type CatalogState, columnsOfVersion, EMPTY_STATE, type TableState } from './state.ts';
import { CatalogStore, corruptCatalog, isLevelCorruption } from './store.ts';
import { readWatermark, WATERMARK_FILE } from './watermark.ts';

export const FORMAT_VERSION = 1;
/** No commit takes fewer bytes than this in LevelDB's log; bounds how many it may hold. */
const COMMIT_BYTES_MIN = 100;

export interface OpenedCatalog {
  readonly store: CatalogStore;
  readonly state: CatalogState;
  /** The floor for the clock: no later commit may have an earlier timestamp. */
  readonly ceilingMs: number;
}

/** @throws EngineError DIRECTORY_IN_USE, FORMAT_UNSUPPORTED, CORRUPT_DATA {file} */
export async function openCatalog(dataDirectory: string): Promise<OpenedCatalog> {
  const directory = join(dataDirectory, 'catalog');
  mkdirSync(directory, { recursive: true });
  const isNew = !existsSync(join(directory, 'CURRENT'));
  const acknowledged = readWatermark(dataDirectory);
  const { damages, torn } = damagedLogs(directory);
  const replayed = Math.ceil(logBytes(directory) / COMMIT_BYTES_MIN);
  const store = await openStore(dataDirectory, directory, () => {
    const [damage] = damages;
    if (damage !== undefined) throw corruptCatalog(damage.file, `${damage.what}, at byte ${damage.offset}`);
    if (isNew && acknowledged !== undefined && acknowledged.logIndex > 0) {
      throw corruptCatalog(
        'catalog',
        `the catalog is gone, but ${WATERMARK_FILE} says that commit ${acknowledged.snapshotId} was acknowledged`,
      );
    }
  });
  try {
    await checkFormat(store, isNew);
    const headBytes = store.get(HEAD_KEY);
    const head: Head | undefined = headBytes === undefined ? undefined : decodeHead(headBytes);
    if (acknowledged !== undefined && acknowledged.logIndex > (head?.logIndex ?? 0)) {
      const file = torn[0] === undefined ? 'catalog' : `catalog/${torn[0]}`;
      throw corruptCatalog(
        file,
        `commits up to ${acknowledged.snapshotId} were acknowledged, but the log ends at commit ${head?.snapshotId ?? 0}; ` +
          `the end of the log was lost${torn[0] === undefined ? '' : `, a copy of it is in damaged/${torn[0]}`}`,
      );
    }
    const ceiling = store.get(CEILING_KEY);
    const state = head === undefined ? EMPTY_STATE : await loadState(store, head, replayed);
    return { store, state, ceilingMs: ceiling === undefined ? 0 : decodeNumber(ceiling) };
  } catch (error) {
    await store.close(false);
    throw error;
  }
}

async function openStore(dataDirectory: string, directory: string, beforeUse: () => void): Promise<CatalogStore> {
  const lockFile = join(dataDirectory, 'LOCK');
  // LevelDB locks its folder, but opening also replays the log, so the checks that must come first are made here. A log
  // that another process is writing may look torn, never damaged.
  const holder = readHolder(lockFile);
  try {
    beforeUse();
    if (holder === undefined || !isAlive(holder.pid)) keepTornLogs(dataDirectory, directory);
    const store = await CatalogStore.open(directory);
    writeFileSync(lockFile, `${JSON.stringify({ pid: process.pid, startedAt: new Date().toISOString() })}\n`);
    return store;
  } catch (error) {
    if (isLocked(error)) {
      const who = holder === undefined ? 'another process' : `process ${holder.pid}, started ${holder.startedAt}`;
      throw new EngineError('DIRECTORY_IN_USE', `the data directory is in use by ${who}`, {
        details: holder === undefined ? {} : { ...holder },
        hint: 'Stop that process, or choose another directory with --data.',
        cause: error,
      });
    }
    if (isLevelCorruption(error))
      throw corruptCatalog(damagedLogs(directory).damages[0]?.file ?? 'catalog', 'LevelDB cannot open it', error);
    throw error;
  }
}

/** LevelDB deletes a log once it has replayed it; one with a bad end is kept for whoever has to find out. */
function keepTornLogs(dataDirectory: string, directory: string): void {
  const { torn } = damagedLogs(directory);
  for (const name of torn) {
    mkdirSync(join(dataDirectory, 'damaged'), { recursive: true });
    copyFileSync(join(directory, name), join(dataDirectory, 'damaged', name));
  }
}

interface Holder {
  readonly pid: number;
  readonly startedAt: string;
}

function readHolder(lockFile: string): Holder | undefined {
  try {
    const holder = JSON.parse(readFileSync(lockFile, 'utf8')) as Partial<Holder>;
    return typeof holder.pid === 'number' ? { pid: holder.pid, startedAt: String(holder.startedAt) } : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function isLocked(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) if ((at as { code?: unknown }).code === 'LEVEL_LOCKED') return true;
  return false;
}

async function checkFormat(store: CatalogStore, isNew: boolean): Promise<void> {
  const stored = store.get(FORMAT_KEY);
  if (stored === undefined) {
    if (!isNew && (await store.first({})) !== undefined) throw corruptCatalog('catalog', 'the format version is missing');
    await store.write([{ key: FORMAT_KEY, value: encodeNumber(FORMAT_VERSION) }], { sync: true });
    return;
  }
  const version = decodeNumber(stored);
  if (version !== FORMAT_VERSION) {
    throw new EngineError(
      'FORMAT_UNSUPPORTED',
      `the data directory has format version ${version}; this Tidemark reads version ${FORMAT_VERSION}`,
      {
        details: { version, supported: FORMAT_VERSION },
        hint: 'Use the Tidemark version that wrote it, or a newer one.',
      },
    );
  }
}

async function loadState(store: CatalogStore, head: Head, replayed: number): Promise<CatalogState> {
  const chain = await verifyChain(store, head, replayed);
  const records = await store.entries(prefixRange(PREFIX.table), Number.MAX_SAFE_INTEGER);
  const tables: (TableState | undefined)[] = [undefined];
  for (const [key, value] of records) {
    const table = await loadTable(store, asTableId(key.readUInt32BE(1)), value);
    tables[table.id] = table;
  }
  return {
    ...head,
    chain,
    tables,
    byName: new Map(tables.filter((table) => table !== undefined).map((table) => [table.name, table.id])),
    schemaEpoch: tables.length - 1,
  };
}

async function loadTable(store: CatalogStore, tableId: TableId, bytes: Buffer): Promise<TableState> {
  const record = decodeTable(bytes);
  const schema = record.schemas.at(-1);
  const last = await lastSnapshot(store, tableId);
  if (schema === undefined || last === undefined) throw corruptCatalog('catalog', `table ${record.name} has no snapshot`);
  const flushed = store.get(flushedKey(tableId));
  const floor =
    flushed === undefined ? { hotFloor: asSnapshotId(0), hotRowLo: asRowId(0), rowsEver: 0, bytesEver: 0 } : decodeFlushed(flushed);
  const table: TableState = {
    ...record,
    id: tableId,
    schema,
    last,
    files: [],
    filesBytes: 0,
    hotFloor: floor.hotFloor,
    hotRowLo: floor.hotRowLo,
    flushedRowsEver: floor.rowsEver,
    flushedBytesEver: floor.bytesEver,
  };
  const range = { gte: fileKey(tableId, asFileId(0)), lte: fileKey(tableId, asFileId(Number.MAX_SAFE_INTEGER)) };
  const entries = await store.entries(range, Number.MAX_SAFE_INTEGER);
  const files = entries.map(([key, value]) => decodeFile(tableId, lastNumber(key), value, (version) => columnsOfVersion(table, version)));
  files.sort((left, right) => left.rowLo - right.rowLo);
  return { ...table, files, filesBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0) };
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
 * Checks that commits are contiguous and chained, and that no maintenance entry between them is missing, over the last
 * `count` commits. Each round is one LevelDB record, so a lost round shows as a gap.
 * @returns the chain value of the newest commit
 */
export async function verifyChain(store: CatalogStore, head: Head, count: number): Promise<number> {
  if (head.snapshotId === 0) return 0;
  const start = Math.max(1, head.snapshotId - count);
  const positions = new Set<number>();
  let chain: number | undefined;
  let next = start;
  let firstPosition = head.logIndex;
  while (next <= head.snapshotId) {
    const entries = await store.entries({ gte: commitKey(asSnapshotId(next)), lte: commitKey(head.snapshotId) }, 1000);
    if (entries.length === 0) throw corruptCatalog('catalog', `commit ${next} is missing`);
    for (const [key, bytes] of entries) {
      const snapshotId = asSnapshotId(lastNumber(key));
      if (snapshotId !== next) throw corruptCatalog('catalog', `commit ${next} is missing`);
      const commit = decodeCommit(snapshotId, bytes);
      const before: number | undefined = next === 1 ? 0 : chain;
      if (before !== undefined && chainOf(bytes, before) !== commit.chain)
        throw corruptCatalog('catalog', `commit ${next} does not follow from the one before it`);
      checkSnapshots(store, commit.tableIds, snapshotId);
      chain = commit.chain;
      positions.add(commit.logIndex);
      firstPosition = Math.min(firstPosition, commit.logIndex) as typeof firstPosition;
      next += 1;
    }
  }
  const maintenance = await store.entries(
    { gte: maintenanceKey(firstPosition), lt: Buffer.of(PREFIX.maintenance + 1) },
    Number.MAX_SAFE_INTEGER,
  );
  for (const [key] of maintenance) positions.add(lastNumber(key));
  for (let position: number = firstPosition; position <= head.logIndex; position += 1) {
    if (!positions.has(position)) throw corruptCatalog('catalog', `log entry ${position} is missing`);
  }
  return chain as number;
}

function checkSnapshots(store: CatalogStore, tableIds: readonly TableId[], snapshotId: SnapshotId): void {
  for (const tableId of tableIds) {
    const bytes = store.get(snapshotKey(tableId, snapshotId));
    if (bytes === undefined) throw corruptCatalog('catalog', `commit ${snapshotId} has no snapshot of table ${tableId}`);
    if (!OPERATIONS.includes(decodeSnapshot(tableId, snapshotId, bytes).operation))
      throw corruptCatalog('catalog', `snapshot ${snapshotId} is not readable`);
  }
}
