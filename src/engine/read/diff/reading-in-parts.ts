/** Rows of a diff, read some at a time by how large they turn out to be: many large rows are never in memory at once. */

import { bytesOfChange, bytesOfChanges } from '../row-bytes.ts';
import type { TableDiff } from './diff.ts';
import type { RowChange } from './row-changes.ts';

/** Rows that are read before it is known how large they are. */
const ROWS_AT_FIRST = 50;
const ROWS_AT_ONCE_MAX = 10_000;
/** About how many bytes are read at once; what a page does not take is kept for the next. */
const BYTES_AT_ONCE = 8 * 1024 * 1024;

/** Changes that follow a row, and whether others follow them. */
interface Ahead {
  readonly row: number;
  readonly changes: readonly RowChange[];
  readonly hasMore: boolean;
}

export class ReadingInParts {
  readonly diff: TableDiff;
  #rowsAtOnce = ROWS_AT_FIRST;
  #ahead: Ahead | undefined;

  constructor(diff: TableDiff) {
    this.diff = diff;
  }

  /** Changes of rows of later identities than `row`, as many as fit; one that is too large by itself is given alone. */
  async after(
    row: number,
    { rowsMax, bytesMax }: { readonly rowsMax: number; readonly bytesMax: number },
  ): Promise<{ readonly changes: readonly RowChange[]; readonly hasMore: boolean }> {
    const changes: RowChange[] = [];
    let bytes = 0;
    for (;;) {
      const { changes: ahead, hasMore } = await this.#following(changes.at(-1)?.rowId ?? row);
      for (const change of ahead) {
        bytes += bytesOfChange(change);
        if (changes.length >= rowsMax || (changes.length > 0 && bytes > bytesMax)) return { changes, hasMore: true };
        changes.push(change);
      }
      if (!hasMore) return { changes, hasMore: false };
    }
  }

  /** What was read and not asked for yet. */
  kept(): unknown {
    return this.#ahead;
  }

  async #following(row: number): Promise<Ahead> {
    const known = this.#ahead;
    if (known !== undefined && known.row <= row) {
      const changes = known.changes.filter(({ rowId }) => rowId > row);
      if (changes.length > 0 || !known.hasMore) return { row, changes, hasMore: known.hasMore };
    }
    const { changes, hasNextPage } = await this.diff.pageAfterRow(this.#rowsAtOnce, row < 0 ? undefined : row);
    const ahead: Ahead = { row, changes, hasMore: hasNextPage };
    this.#ahead = ahead;
    if (changes.length > 0)
      this.#rowsAtOnce = Math.max(1, Math.min(ROWS_AT_ONCE_MAX, Math.floor((BYTES_AT_ONCE * changes.length) / bytesOfChanges(changes))));
    return ahead;
  }
}
