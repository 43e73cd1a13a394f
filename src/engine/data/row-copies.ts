/**
 * The registry of all copies of rows that a process keeps beside the stored ones: caches, mirrors, executed events, parsed
 * documents. An erasure is answered after every copy has let go of the table's rows. A class that keeps rows takes the
 * registry in its constructor and joins it; test/docs/row-copies.test.ts finds collections that do not.
 */
import type { Commit } from '../model/history.ts';
import type { TableId } from '../model/ids.ts';

/** Something that keeps rows, or text that rows may stand in. */
export interface RowCopy {
  /**
   * Lets go of what may be of a table's rows, and keeps nothing of it that is on its way here. It may let go of more.
   * The synchronous part runs before any reader sees the state after the erasure.
   */
  forget(tableId: TableId): void | Promise<void>;
  /** All that is kept at this moment, in any form: the test looks for erased bytes in it. */
  kept(): unknown;
}

export class RowCopies {
  readonly #joined = new Map<RowCopy, string>();

  /** @returns what takes it out again, once it keeps nothing */
  join(name: string, copy: RowCopy): () => void {
    this.#joined.set(copy, name);
    return () => void this.#joined.delete(copy);
  }

  /** Lets all copies go of a table's rows; resolves when they have. Every copy is asked, whatever another one raises. */
  async forget(tableId: TableId): Promise<void> {
    const done = await Promise.allSettled([...this.#joined.keys()].map(async (copy) => copy.forget(tableId)));
    const failed = done.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  /** What has joined, by name, for the test. */
  all(): { readonly name: string; readonly copy: RowCopy }[] {
    return [...this.#joined].map(([copy, name]) => ({ name, copy }));
  }
}

/** The tables of which some commits erased rows. */
export function erasedTables(commits: readonly Commit[]): TableId[] {
  return commits.flatMap(({ snapshots }) => snapshots.flatMap(({ operation, tableId }) => (operation === 'ERASE' ? [tableId] : [])));
}
