/** The parts of an engine, put together: which part knows which is decided here and nowhere else. The verbs are in engine.ts. */
import { Administration } from './administration.ts';
import type { CatalogState } from './catalog/state.ts';
import type { CatalogStore } from './catalog/store.ts';
import { Sequencer, type SequencerParts } from './commit/sequence/sequencer.ts';
import { TableLocks } from './commit/sequence/table-locks.ts';
import { Appends } from './commit/write/appends.ts';
import { Changes } from './commit/write/transactions.ts';
import type { Duck } from './data/duckdb.ts';
import { EndMirrors } from './data/end-mirrors.ts';
import { DataFiles } from './data/files.ts';
import { Mirrors } from './data/mirrors.ts';
import { Pins } from './data/pins.ts';
import { RowCopies } from './data/row-copies.ts';
import { Staging } from './data/staging.ts';
import { LocalLog } from './log/log.ts';
import type { AuditParts } from './maintenance/audit.ts';
import type { MaintenanceParts } from './maintenance/parts.ts';
import { DEFAULT_MAINTENANCE, Scheduler } from './maintenance/scheduler.ts';
import { checkRetention } from './model/alter.ts';
import type { EngineOptions, OpenedParts } from './options.ts';
import { History } from './read/history.ts';
import { Reads } from './read/reads.ts';
import { Blocks } from './read/scan/blocks.ts';
import { systemClock } from './time/machine-clock.ts';
import { TimeKeeper } from './time/time-keeper.ts';

/** What the parts ask of the engine that they make. */
export interface EngineHooks {
  readonly current: () => CatalogState;
  readonly publish: SequencerParts['publish'];
  /** Waits for work in the background before the engine closes, and reports what it fails with. */
  readonly background: (work: Promise<unknown>) => void;
  readonly report: (error: unknown, task: string) => void;
}

export interface EngineParts {
  readonly administration: Administration;
  readonly appends: Appends;
  readonly auditing: AuditParts;
  readonly blocks: Blocks;
  readonly changes: Changes;
  readonly copies: RowCopies;
  readonly duck: Duck;
  readonly log: LocalLog;
  readonly mirrors: Mirrors;
  readonly pins: Pins;
  readonly read: Reads;
  readonly scheduler: Scheduler;
  readonly sequencer: Sequencer;
  readonly store: CatalogStore;
  readonly time: TimeKeeper;
}

export function wireEngine(options: EngineOptions, opened: OpenedParts, hooks: EngineHooks): EngineParts {
  const { directory, store, state, duck, observer, apply } = opened;
  const { current, background } = hooks;
  const log = new LocalLog({ isMeasured: observer !== undefined });
  const time = new TimeKeeper(options.clock ?? systemClock, {
    newestMs: state.timestampMs,
    floorMs: Math.max(opened.ceilingMs, state.timestampMs),
    isAccepted: options.acceptClock === true,
    tell: (notice) => options.onNotice?.(notice),
  });
  const files = new DataFiles(directory);
  const copies = new RowCopies();
  const mirrors = new Mirrors(duck, store, copies);
  const endMirrors = new EndMirrors(duck);
  const pins = new Pins();
  const tableLocks = new TableLocks();
  const sequencer = new Sequencer({ log, store, time, state, publish: hooks.publish, apply, observer });
  const blocks = new Blocks(duck, files, options.cacheBytes ?? 64 * 1024 * 1024, copies);
  const storage = { current, store, duck, files, mirrors, endMirrors, pins, copies };
  const read = new Reads({
    ...storage,
    incarnation: opened.incarnation.name,
    history: new History(store),
    time,
    settledAt: (timestampMs) => sequencer.settledAt(timestampMs),
    isWriting: () => sequencer.isWriting,
    blocks,
    queryTimeoutMs: options.queryTimeoutMs ?? 30_000,
  });
  const maintained: MaintenanceParts = {
    ...storage,
    keptSince: (ageMs) => time.keptSince(ageMs, current().timestampMs),
    ago: (ageMs) => time.ago(ageMs, current().timestampMs),
    dataDirectory: directory,
    log,
    tableLocks,
    background,
    observer,
  };
  const scheduler = new Scheduler(maintained, { ...DEFAULT_MAINTENANCE, ...options.maintenance }, hooks.report);
  const staging = new Staging(duck, files, directory);
  const failed = (): boolean => store.isUnresolved;
  const appends = new Appends({
    dataDirectory: directory,
    current,
    staging,
    tableLocks,
    log,
    roomFor: (tableId) => scheduler.roomFor(tableId),
    failed,
  });
  const changing = { store, staging, duck, scanner: read.scanner, matcher: read.matcher };
  const changes = new Changes({ ...changing, ...maintained, failed });
  const auditing: AuditParts = {
    ...maintained,
    history: read.history,
    scanner: read.scanner,
    oldestNeeded: () => read.leases.oldest(),
  };
  const administration = new Administration({
    changes,
    restoring: { ...changing, history: read.history },
    expiring: auditing,
    erasing: { ...auditing, matcher: read.matcher },
    exclusive: (work) => scheduler.exclusive(work),
    retention: options.retention === undefined ? null : checkRetention(options.retention),
    now: () => time.now(current().timestampMs),
    due: (tableId) => scheduler.look(tableId),
  });
  scheduler.every(() => administration.applyRetention());
  return {
    administration,
    appends,
    auditing,
    blocks,
    changes,
    copies,
    duck,
    log,
    mirrors,
    pins,
    read,
    scheduler,
    sequencer,
    store,
    time,
  };
}
