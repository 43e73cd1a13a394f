/**
 * What the engine tells of its work while it works, so that figures can be kept by who knows how: the engine knows of no
 * metrics system. An observer is called once the work is done, on the engine's thread, and cannot harm it: what it throws
 * is reported, the first time, and goes no further.
 */
import type { Commit } from './history.ts';

/** A commit that is durable, and whose writer is answered. */
export interface CommitFigures {
  readonly commit: Commit;
  /** From when its entry was logged to when it was durable. Not how long it was prepared. */
  readonly durationMs: number;
  /** Encoded rows: those that travelled inside the commit, and the files that it named. */
  readonly bytes: number;
}

/** A round of the log: entries that were made durable together, in one synced write. */
export interface RoundFigures {
  /** Commits and maintenance. */
  readonly entries: number;
  readonly commits: number;
  /** How long the synced write took. */
  readonly writeMs: number;
}

/** `refused`: too many waited, or the database was closing. `cancelled`: who asked went away. */
export const QUERY_OUTCOMES = ['ok', 'timeout', 'cancelled', 'refused', 'error'] as const;
export type QueryOutcome = (typeof QUERY_OUTCOMES)[number];

/** One use of a DuckDB connection: a scan, the load of a mirror, a file that was written. */
export interface QueryFigures {
  readonly outcome: QueryOutcome;
  /** Until it had a connection. */
  readonly waitMs: number;
  /** With the connection; 0 where it got none. */
  readonly runMs: number;
}

export const MAINTENANCE_TASKS = ['flush', 'compact', 'expire', 'erase'] as const;
export type MaintenanceTask = (typeof MAINTENANCE_TASKS)[number];

/** `refused`: a commit came between, and what was prepared was thrown away. */
export const MAINTENANCE_OUTCOMES = ['ok', 'refused', 'error'] as const;
export type MaintenanceOutcome = (typeof MAINTENANCE_OUTCOMES)[number];

/** What a task moved. What it takes and leaves are files of one table; hot rows count as bytes only. */
export interface Moved {
  /** Rows or versions of rows that were written anew, or, by an erasure, taken out. */
  rows: number;
  /** Snapshots that expired. */
  snapshots: number;
  filesIn: number;
  bytesIn: number;
  filesOut: number;
  bytesOut: number;
}

/** A maintenance task that had something to do. */
export interface MaintenanceFigures extends Readonly<Moved> {
  readonly task: MaintenanceTask;
  readonly outcome: MaintenanceOutcome;
  readonly durationMs: number;
}

export interface EngineObserver {
  onCommit(figures: CommitFigures): void;
  onRound(figures: RoundFigures): void;
  onQuery(figures: QueryFigures): void;
  onMaintenance(figures: MaintenanceFigures): void;
}

/** The observer as the engine calls it: nothing that it throws, now or later, comes back. */
export function guarded(observer: EngineObserver, report: (error: unknown) => void): EngineObserver {
  let isTold = false;
  const failed = (error: unknown): void => {
    if (isTold) return;
    isTold = true;
    report(error);
  };
  const safely =
    <Figures>(tell: (figures: Figures) => unknown) =>
    (figures: Figures): void => {
      try {
        const told = tell(figures);
        if (told instanceof Promise) told.catch(failed);
      } catch (error) {
        failed(error);
      }
    };
  return {
    onCommit: safely((figures: CommitFigures) => observer.onCommit(figures)),
    onRound: safely((figures: RoundFigures) => observer.onRound(figures)),
    onQuery: safely((figures: QueryFigures) => observer.onQuery(figures)),
    onMaintenance: safely((figures: MaintenanceFigures) => observer.onMaintenance(figures)),
  };
}
