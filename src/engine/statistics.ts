/** Figures of an engine at one moment, for operators. Sums over all tables, dropped ones included: their history is stored. */
import { type CatalogState, hotBytesOf, hotRowsOf, looseEndsIn } from './catalog/state.ts';
import type { CatalogStore } from './catalog/store.ts';
import type { Duck } from './data/duckdb.ts';
import type { Mirrors } from './data/mirrors.ts';
import type { Pins } from './data/pins.ts';
import type { LocalLog } from './log/log.ts';
import type { SnapshotId } from './model/ids.ts';
import type { Leases } from './read/leases.ts';
import type { Blocks } from './read/scan/blocks.ts';

export interface EngineStatistics {
  readonly headSnapshotId: SnapshotId;
  /** Tables that are not dropped. */
  readonly tables: number;
  readonly tags: number;
  /** Rows and encoded bytes of small commits that no flush has taken yet. */
  readonly hotRows: number;
  readonly hotBytes: number;
  /** Hot rows and bytes of the tables that have most of them: the limits are for each table. */
  readonly hotRowsOfTableMax: number;
  readonly hotBytesOfTableMax: number;
  readonly dataFiles: number;
  readonly dataFileBytes: number;
  /** Versions that have ended and still lie in files of living ones, and those of the table that has most. */
  readonly looseEnds: number;
  readonly looseEndsOfTableMax: number;
  /** Reads under way. */
  readonly pins: number;
  /** Replaced files, hot rows and mirrors that wait until no read needs them. */
  readonly retired: number;
  /** Snapshots that expiry leaves alone for queries under way and for cursors. */
  readonly leases: number;
  /** Hot rows held in DuckDB too, in how many tables. */
  readonly mirrors: number;
  readonly mirrorRows: number;
  readonly queriesRunning: number;
  readonly queriesWaiting: number;
  /** Log entries that wait to be written. */
  readonly pendingEntries: number;
  readonly pendingBytes: number;
  /** Memory of decoded rows. */
  readonly cacheBytes: number;
  /** Whether no commit is taken, since the catalog cannot be written or the disk is nearly full. */
  readonly writeFailed: boolean;
}

export interface MeasuredParts {
  readonly state: CatalogState;
  readonly pins: Pins;
  readonly leases: Leases;
  readonly mirrors: Mirrors;
  readonly duck: Duck;
  readonly log: LocalLog;
  readonly blocks: Blocks;
  readonly store: CatalogStore;
}

export function statisticsOf({ state, pins, leases, mirrors, duck, log, blocks, store }: MeasuredParts): EngineStatistics {
  const sums = { hotRows: 0, hotBytes: 0, dataFiles: 0, dataFileBytes: 0, looseEnds: 0 };
  const most = { hotRowsOfTableMax: 0, hotBytesOfTableMax: 0, looseEndsOfTableMax: 0 };
  for (const table of state.tables) {
    if (table === undefined) continue;
    const [hotRows, hotBytes, looseEnds] = [hotRowsOf(table), hotBytesOf(table), looseEndsIn(table)];
    sums.hotRows += hotRows;
    sums.hotBytes += hotBytes;
    sums.dataFiles += table.files.length;
    sums.dataFileBytes += table.filesBytes;
    sums.looseEnds += looseEnds;
    most.hotRowsOfTableMax = Math.max(most.hotRowsOfTableMax, hotRows);
    most.hotBytesOfTableMax = Math.max(most.hotBytesOfTableMax, hotBytes);
    most.looseEndsOfTableMax = Math.max(most.looseEndsOfTableMax, looseEnds);
  }
  const { running, waiting } = duck.load;
  return {
    headSnapshotId: state.snapshotId,
    tables: state.byName.size,
    tags: state.tags.size,
    ...sums,
    ...most,
    pins: pins.heldPins,
    retired: pins.waiting,
    leases: leases.size,
    mirrors: mirrors.size,
    mirrorRows: mirrors.rows,
    queriesRunning: running,
    queriesWaiting: waiting,
    pendingEntries: log.pending.entries,
    pendingBytes: log.pending.bytes,
    cacheBytes: blocks.bytes,
    writeFailed: store.trouble !== undefined,
  };
}
