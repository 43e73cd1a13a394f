/** The error of a subscriber whose next event has expired. */
import { EngineError, type Table } from '../engine/index.ts';
import { neededSnapshot, type Position } from './position.ts';

/** Whether snapshots of a table after a position, or the one that the position lies in, may have expired. */
export function hasExpiredAfter({ kept }: Table, position: Position): boolean {
  return kept.horizon > neededSnapshot(position) + 1;
}

/** @returns SNAPSHOT_EXPIRED {table, snapshotId, oldestSnapshotId, availableFrom} */
export function expiredAfter({ name, kept }: Table, { snapshotId }: Position): EngineError {
  const { horizon, horizonMs } = kept;
  return new EngineError('SNAPSHOT_EXPIRED', `after: snapshots of table ${name} up to ${horizon - 1} have expired`, {
    details: { table: name, snapshotId, oldestSnapshotId: horizon, availableFrom: new Date(horizonMs).toISOString() },
    hint: `Read the table as of snapshot ${horizon} or later, and subscribe after that one.`,
  });
}
