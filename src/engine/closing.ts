/**
 * Closes a database. Work under way is finished within a time; work that is not done by then is refused and interrupted; a
 * query that DuckDB does not let go of does not keep the rest from being closed.
 */
import type { Duck } from './data/duckdb.ts';
import type { LocalLog } from './log/log.ts';
import type { Scheduler } from './maintenance/scheduler.ts';
import { within } from './model/within.ts';

/** How long work that was interrupted for it may take to end. */
const SETTLE_MS = 1_000;

export interface ClosingParts {
  /** Starts no more maintenance, and waits for what is under way. */
  readonly scheduler: Pick<Scheduler, 'stop'>;
  readonly log: Pick<LocalLog, 'close'>;
  /** Done when the commits that the log took are durable. */
  readonly sequencing: Promise<void>;
  /** Reads and background tasks under way. */
  readonly work: () => Promise<unknown>;
  readonly duck: Pick<Duck, 'close'>;
}

/** Brings all work to an end, so that the catalog can be closed; none of what is left can commit any more. */
export async function endWork(parts: ClosingParts, graceMs: number, report: (error: unknown) => void): Promise<void> {
  const { scheduler, log, sequencing, work, duck } = parts;
  const endMs = performance.now() + graceMs;
  const leftMs = (): number => Math.max(1, endMs - performance.now());
  const inTime = (waited: Promise<unknown>, ms: number): Promise<void> =>
    within(
      waited.then(() => {}),
      ms,
    );
  await inTime(scheduler.stop(), leftMs());
  log.close();
  await sequencing;
  await inTime(work(), leftMs());
  if (!(await duck.close(leftMs())))
    report(new Error('DuckDB does not end a query that was interrupted; it stays open until the process ends'));
  await inTime(Promise.all([scheduler.stop(), work()]), SETTLE_MS);
}
