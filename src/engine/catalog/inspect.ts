/**
 * A look at the catalog's files before LevelDB reads them: what is damaged, what HEAD says was acknowledged, whether there is
 * room to open it. Nothing is changed. Tables that are too much for a start are checked after it.
 */
import { existsSync, readdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { LIMITS } from '../model/limits.ts';
import { troubleError } from '../model/storage-error.ts';
import { type Damage, damagedLogs, damagedTables, damageOfTable, logBytes } from './leveldb/files.ts';
import type { Head } from './records.ts';
import { type CatalogStore, corruptCatalog } from './store.ts';
import { type Acknowledged, readWatermark, WATERMARK_FILE } from './watermark.ts';

/** No commit takes fewer bytes than this in LevelDB's log; bounds how many it may hold. */
const COMMIT_BYTES_MIN = 100;
/** Bytes of LevelDB tables, newest first, checked before a start; older ones are checked in the background. */
const TABLE_CHECK_BYTES = 32 * 1024 * 1024;

/** What a look at the files says, before LevelDB reads them. */
export interface Found {
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

export function inspect(dataDirectory: string, directory: string): Found {
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

export function checkAcknowledged({ acknowledged, torn }: Found, head: Head | undefined): void {
  if (acknowledged === undefined || acknowledged.logIndex <= (head?.logIndex ?? 0)) return;
  const [log] = torn;
  throw corruptCatalog(
    log === undefined ? 'catalog' : `catalog/${log}`,
    `commits up to ${acknowledged.snapshotId} were acknowledged, but the log ends at commit ${head?.snapshotId ?? 0}; ` +
      'the end of the log was lost; nothing was changed',
  );
}

/** Opening writes what the log holds into a table, twice with the copy that is looked at first. @throws EngineError STORAGE_FULL */
export function checkRoom(dataDirectory: string, found: Found): void {
  const needed = 3 * found.logBytes + LIMITS.startSpaceBytes;
  const { bavail, bsize, blocks } = statfsSync(dataDirectory);
  if (blocks > 0 && bavail * bsize < needed)
    throw troubleError('full', `opening the database takes ${needed} bytes, ${bavail * bsize} are free; nothing was changed`, undefined);
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
