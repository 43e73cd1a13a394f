/**
 * Row changes: what became of a table's rows between two snapshots, `from` and `to`. This is their specification; a diff, a
 * list of a commit's changes and a subscription all report changes in this sense.
 *
 * 1. A row is its identity (`rowId`). It stays the same over updates, and where a row is deleted and comes back by a restore
 *    or a revert. A key that one commit deletes and inserts again is an update of the row.
 * 2. Mode NET compares the two ends. A row of `to` that `from` has not is an INSERT, a row of `from` that `to` has not a
 *    DELETE, a row of both with another version an UPDATE, also where its values are the same again. A row that came and
 *    went in between is not reported. The order is that of the identities.
 * 3. Mode FULL reports the net effect of each commit after `from`, up to and with `to`, commit by commit.
 * 4. `before` is the row as `from` has it (in FULL: the snapshot before the commit), `after` as `to` has it (in FULL: the
 *    commit). `snapshotId` is the commit that made the change, in NET the last one that touched the row.
 * 5. Where `from` is later than `to` (NET only), changes are what going back would do: each kind is reversed.
 * 6. A table that is not there at an instant has no rows then. Dropping a table deletes its rows, by the commit that drops it.
 * 7. A filter on a diff keeps changes whose row matches before or after, as they are. In the changes of a commit, which
 *    subscriptions follow, events are relative to the filter: a row that starts to match is an INSERT, a row that stops
 *    matching a DELETE (commit-changes.ts).
 * 8. NET needs both ends to be kept, FULL everything between them; a small commit's own change can be read for as long as
 *    the commit's snapshot is kept. Anything else is SNAPSHOT_EXPIRED.
 *
 * Three ways lead to the same changes: by the record that a small commit keeps of its change (by-record.ts), by the records
 * of a range of small commits put together (by-fold.ts), and by a scan for the versions that came and went (by-scan.ts).
 */
import type { SnapshotId } from '../../model/ids.ts';
import type { CheckedFilter } from '../scan/filter.ts';
import type { Row } from '../scan/row.ts';

export const CHANGE_KINDS = ['INSERT', 'UPDATE', 'DELETE'] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

export interface RowChange {
  readonly kind: ChangeKind;
  /** The commit that made it; for a net effect the last one that touched the row. */
  readonly snapshotId: SnapshotId;
  readonly rowId: number;
  /** In the columns of the diff's `before` schema; null for an INSERT. */
  readonly before: Row | null;
  /** In the columns of its `after` schema; null for a DELETE. */
  readonly after: Row | null;
}

/** A change that is found; its rows are read when they are asked for. */
export interface Step {
  readonly kind: ChangeKind;
  readonly row: number;
  /** Undefined where it is looked for together with the rows. */
  readonly snapshotId: SnapshotId | undefined;
}

/** A change whose rows came with it. */
export interface KnownStep extends Step {
  readonly snapshotId: SnapshotId;
  readonly before: Row | undefined;
  readonly after: Row | undefined;
}

/** Changes by row identity, and how to read the rows of a few of them. */
export interface Steps {
  readonly steps: readonly Step[];
  readonly read: (steps: readonly Step[]) => Promise<RowChange[]>;
  /** The rows that match before or after, where they are better looked for where they lie than read. */
  readonly matching?: ((filter: CheckedFilter) => Promise<ReadonlySet<number>>) | undefined;
}

export function changeOf({ kind, row, snapshotId, before, after }: KnownStep): RowChange {
  return { kind, snapshotId, rowId: row, before: before ?? null, after: after ?? null };
}

/** Steps whose rows are all known, in any order. */
export function knownSteps(steps: KnownStep[]): Steps {
  steps.sort((left, right) => left.row - right.row);
  // Steps are read by those that gave them.
  return { steps, read: async (some) => (some as readonly KnownStep[]).map(changeOf) };
}

/** The kind of a net effect; undefined where the row is on neither side. */
export function kindOf(before: Row | undefined, after: Row | undefined): ChangeKind | undefined {
  if (before === undefined) return after === undefined ? undefined : 'INSERT';
  return after === undefined ? 'DELETE' : 'UPDATE';
}

/** What going back would do. */
export const REVERSED: Readonly<Record<ChangeKind, ChangeKind>> = { INSERT: 'DELETE', UPDATE: 'UPDATE', DELETE: 'INSERT' };

export function reversed(change: RowChange): RowChange {
  return { ...change, kind: REVERSED[change.kind], before: change.after, after: change.before };
}
