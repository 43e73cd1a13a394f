/** What maintenance works with. */
import type { CatalogState } from '../catalog/state.ts';
import type { CatalogStore } from '../catalog/store.ts';
import type { TableLocks } from '../commit/sequence/table-locks.ts';
import type { Duck } from '../data/duckdb.ts';
import type { EndMirrors } from '../data/end-mirrors.ts';
import type { DataFiles } from '../data/files.ts';
import type { Mirrors } from '../data/mirrors.ts';
import type { Pins } from '../data/pins.ts';
import type { RowCopies } from '../data/row-copies.ts';
import type { Log } from '../log/log.ts';
import type { EngineObserver } from '../model/observer.ts';

export interface MaintenanceParts {
  readonly dataDirectory: string;
  readonly current: () => CatalogState;
  readonly store: CatalogStore;
  readonly log: Log;
  readonly duck: Duck;
  readonly files: DataFiles;
  readonly mirrors: Mirrors;
  readonly endMirrors: EndMirrors;
  readonly copies: RowCopies;
  readonly tableLocks: TableLocks;
  readonly pins: Pins;
  /** Stamps after this one are younger than an age. */
  readonly keptSince: (ageMs: number) => number;
  /** The instant that lies an age ago. */
  readonly ago: (ageMs: number) => number;
  /** Work that the engine waits for when it closes; its failure is reported, not thrown. */
  readonly background: (work: Promise<unknown>) => void;
  /** Told of each task. */
  readonly observer?: EngineObserver | undefined;
}
