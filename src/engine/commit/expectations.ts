/** Conditions that a writer sets for a commit. If one does not hold, nothing is done. */
import type { TableState } from '../catalog/state.ts';
import { type ErrorData, refusalError } from '../model/errors.ts';
import type { SnapshotId } from '../model/ids.ts';

export interface Expectations {
  /** The newest snapshot of each table must be this one or older; any where null. */
  readonly expectedSnapshotId: SnapshotId | null;
  /** How many rows the commit must insert, update and delete together; any number where null. */
  readonly expectedRows: number | null;
}

/** Why a commit is refused on a table whose newest snapshot is later than its writer expects. */
export function changedSince(table: string, newest: SnapshotId, expected: SnapshotId | null): ErrorData | undefined {
  if (expected === null || newest <= expected) return undefined;
  return {
    code: 'CONFLICT',
    message: `table ${table} has changed: its newest snapshot is ${newest}, expected ${expected} or older`,
    details: { table, expectedSnapshotId: expected, actualSnapshotId: newest },
    hint: 'Read the table again and decide again.',
  };
}

/** @throws EngineError CONFLICT where a table has changed since what the writer expects */
export function checkExpected({ name, last }: TableState, { expectedSnapshotId }: Pick<Expectations, 'expectedSnapshotId'>): void {
  const changed = changedSince(name, last.snapshotId, expectedSnapshotId);
  if (changed !== undefined) throw refusalError(changed);
}

/** Where there is nothing to commit. @throws EngineError CONFLICT where the writer expects other than that */
export function checkNothing(tables: readonly TableState[], expectations: Expectations): void {
  for (const table of tables) checkExpected(table, expectations);
  const unexpected = unexpectedRows(expectations.expectedRows, 0);
  if (unexpected !== undefined) throw refusalError(unexpected);
}

/** Why a commit is refused that would insert, update and delete other than so many rows. */
export function unexpectedRows(expectedRows: number | null, actualRows: number): ErrorData | undefined {
  if (expectedRows === null || expectedRows === actualRows) return undefined;
  return {
    code: 'CONFLICT',
    message: `the commit would change ${actualRows} ${actualRows === 1 ? 'row' : 'rows'}, expected ${expectedRows}`,
    details: { expectedRows, actualRows },
    hint: 'Nothing was done. Read the rows again and decide again.',
  };
}

/** Why a dropped table is not restored under a name that another table has now. */
export function nameTaken(table: string): ErrorData {
  return {
    code: 'TABLE_EXISTS',
    message: `table ${table} cannot come back: another table has its name now`,
    details: { table },
    hint: 'Drop the table that has the name now first; its history stays readable.',
  };
}
