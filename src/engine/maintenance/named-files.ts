/**
 * Files that maintenance writes belong to the entry that names them. Where a task ends without one (it failed, or its entry
 * was refused or not taken), they are removed, so that a task which is tried again and again leaves nothing behind.
 */
import { tableById } from '../catalog/state.ts';
import type { StagedFile } from '../log/entry.ts';
import type { TableId } from '../model/ids.ts';
import type { MaintenanceParts } from './parts.ts';

/** Runs a task that puts the files that it writes into `outputs`, with no other maintenance of the table under way. */
export async function namedOrRemoved<T>(
  parts: Pick<MaintenanceParts, 'current' | 'files' | 'store'>,
  tableId: TableId,
  outputs: readonly StagedFile[],
  task: () => Promise<T>,
): Promise<T> {
  try {
    return await task();
  } finally {
    // After a failed write it is not known whether an entry is on disk: the next start decides.
    if (!parts.store.isUnresolved) {
      const named = new Set(tableById(parts.current(), tableId).files.map(({ name }) => name));
      for (const { name } of outputs) if (!named.has(name)) await parts.files.removeNamed(tableId, name);
    }
  }
}
