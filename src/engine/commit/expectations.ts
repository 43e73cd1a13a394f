/** What a writer expects of a commit: where it is otherwise, nothing is done. */
import type { TableState } from '../catalog/state.ts';
import type { RefusedEntry } from '../log/entry.ts';
import { EngineError } from '../model/errors.ts';
import type { CheckedOptions } from './write/options.ts';

/** @throws EngineError CONFLICT where a table has changed since what the writer expects */
export function checkExpected(table: TableState, { expectedSnapshotId: expected }: Pick<CheckedOptions, 'expectedSnapshotId'>): void {
  if (expected === null || table.last.snapshotId <= expected) return;
  throw new EngineError(
    'CONFLICT',
    `table ${table.name} has changed: its newest snapshot is ${table.last.snapshotId}, expected ${expected} or older`,
    {
      details: { table: table.name, expectedSnapshotId: expected, actualSnapshotId: table.last.snapshotId },
      hint: 'Read the table again and decide anew.',
    },
  );
}

/** Where there is nothing to commit. @throws EngineError CONFLICT where the writer expects other than that */
export function checkNothing(tables: readonly TableState[], options: Pick<CheckedOptions, 'expectedSnapshotId' | 'expectedRows'>): void {
  for (const table of tables) checkExpected(table, options);
  const unexpected = unexpectedRows(options.expectedRows, 0);
  if (unexpected !== undefined) throw refusalError(unexpected);
}

/** What a commit is refused for that would insert, update and delete other than so many rows. */
export function unexpectedRows(expectedRows: number | null, actualRows: number): RefusedEntry | undefined {
  if (expectedRows === null || expectedRows === actualRows) return undefined;
  return {
    code: 'CONFLICT',
    message: `the commit would change ${actualRows} ${actualRows === 1 ? 'row' : 'rows'}, expected ${expectedRows}`,
    details: { expectedRows, actualRows },
    hint: 'Nothing was done. Read the rows again and decide anew.',
  };
}

export function refusalError({ code, message, details, hint }: RefusedEntry): EngineError {
  return new EngineError(code, message, { details, ...(hint === undefined ? {} : { hint }) });
}
