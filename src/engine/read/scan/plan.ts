/**
 * The plan of a scan: which files it reads, and whether it needs the hot rows and the table of delete vectors. A file that
 * can hold nothing of what is asked for is not opened (docs/architecture.md, "Reading"). Keeps invariant 4.
 */
import { hotRowsOf, hotVersionsOf, type TableState } from '../../catalog/state.ts';
import type { DataFile } from '../../model/history.ts';
import type { CheckedFilter } from './filter.ts';
import { mayMatch } from './filter-bounds.ts';
import { HOT_ROWS, hasDeletes, mayHold, type RowWindow, readerOf, type Visibility } from './visibility.ts';

interface PlanRequest {
  readonly table: TableState;
  readonly visibility: Visibility;
  readonly window?: RowWindow | undefined;
  readonly filter?: CheckedFilter | undefined;
}

/** Files that can hold what is asked for. */
export function planFiles({ table, visibility, window, filter }: PlanRequest): DataFile[] {
  return table.files.filter(
    (file) =>
      mayHold(table, file, visibility) &&
      (window === undefined || (file.rowLo < window.hi && file.rowHi >= window.lo)) &&
      (filter === undefined || mayMatch(filter, file)),
  );
}

/** Whether the relation over these sources needs the table of delete vectors. */
export function needsDeletes(
  { table, visibility }: Pick<PlanRequest, 'table' | 'visibility'>,
  planned: readonly DataFile[],
  hot: boolean,
): boolean {
  return planned.some((file) => hasDeletes(table, file, visibility)) || (hot && hasDeletes(table, HOT_ROWS, visibility));
}

/** Whether hot rows can hold what is asked for. Every row of a commit up to the hot floor lies in a file. */
export function needsHotRows({ table, visibility, window }: PlanRequest): boolean {
  if (hotRowsOf(table) === 0 || readerOf(visibility) <= table.hotFloor) return false;
  if (visibility.kind === 'deleted' && !hasDeletes(table, HOT_ROWS, visibility)) return false;
  return window === undefined || window.hi > table.hotRowLo || hotVersionsOf(table) > 0;
}
