/** Measures a maintenance task for the engine's observer: how long it took, what it moved and how it ended. */
import type { StagedFile } from '../log/entry.ts';
import type { EngineObserver, MaintenanceOutcome, MaintenanceTask, Moved } from '../model/observer.ts';

/** What a task says of itself while it works. */
export interface Tally extends Moved {
  outcome: MaintenanceOutcome;
}

/** Runs a task and tells what became of it. One that found nothing to do is not told. */
export async function observed<T>(
  observer: EngineObserver | undefined,
  task: MaintenanceTask,
  work: (tally: Tally) => Promise<T>,
): Promise<T> {
  const tally: Tally = { rows: 0, snapshots: 0, filesIn: 0, bytesIn: 0, filesOut: 0, bytesOut: 0, outcome: 'ok' };
  const startedMs = performance.now();
  try {
    return await work(tally);
  } catch (error) {
    tally.outcome = 'error';
    throw error;
  } finally {
    if (tally.outcome !== 'ok' || tally.rows + tally.snapshots + tally.filesIn > 0)
      observer?.onMaintenance({ ...tally, task, durationMs: performance.now() - startedMs });
  }
}

/** Notes the files that a task took and those that it left in their place. */
export function noteFiles(tally: Tally, inputs: readonly { readonly sizeBytes: number }[], outputs: readonly StagedFile[]): void {
  const bytesOf = (files: readonly { readonly sizeBytes: number }[]): number => files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  tally.filesIn += inputs.length;
  tally.bytesIn += bytesOf(inputs);
  tally.filesOut += outputs.length;
  tally.bytesOut += bytesOf(outputs);
}
