/**
 * What every entry's rows must add up to. The log asserts it where a writer hands an entry over, so that a writer's defect
 * fails that writer alone, and apply asserts it again where it takes the entry.
 */
import { invariant } from '../model/errors.ts';
import type { LogEntry, RowsChange } from './entry.ts';

/** @throws InvariantError */
export function assertEntry(entry: LogEntry): void {
  if (entry.kind !== 'commit') return;
  for (const change of entry.changes) if (change.kind === 'rows') assertRowsAddUp(change);
}

/** Versions are created for the rows that are inserted and updated, and deleted of those that are updated and deleted. @throws InvariantError */
export function assertRowsAddUp(change: RowsChange): void {
  const { insertedRows, updatedRows, deletedRows, hot, files } = change;
  let newRows = hot?.newRows ?? 0;
  let created = newRows + (hot?.versionRows.length ?? 0);
  for (const { kind, file } of files) {
    created += file.rowCount;
    if (kind === 'staged') newRows += file.rowCount;
  }
  let deleted = 0;
  for (const { rows, froms } of change.ends) {
    deleted += rows.length;
    invariant(rows.length === froms.length, 'each deleted version says which commit created it');
  }
  invariant(created === insertedRows + updatedRows, 'a version is created for each row that is inserted or updated');
  invariant(deleted === updatedRows + deletedRows, 'a version is deleted of each row that is updated or deleted');
  invariant(newRows === change.newRows && newRows <= insertedRows, 'row ids are given to the rows that are new');
}
