/** What a filter says of the identities of the rows that match: it narrows the window of a scan. */
import type { Cell } from '../../model/types.ts';
import type { CheckedFilter } from './filter.ts';
import { ROW_ID } from './version-columns.ts';
import type { RowWindow } from './visibility.ts';

/** The rows among which all that match lie, by what the filter says of their identity; undefined where it says nothing. */
export function windowOf(filter: CheckedFilter): RowWindow | undefined {
  switch (filter.kind) {
    case 'and':
      return filter.filters.map(windowOf).reduce(narrowed, undefined);
    case 'compare': {
      if (filter.column !== ROW_ID) return undefined;
      const at = rowOf(filter.cell);
      const windows: Partial<Record<typeof filter.operator, RowWindow>> = {
        eq: { lo: at, hi: at + 1 },
        gt: { lo: at, hi: ROW_END },
        gte: { lo: at, hi: ROW_END },
        lt: { lo: 0, hi: at + 1 },
        lte: { lo: 0, hi: at + 1 },
      };
      return windows[filter.operator];
    }
    case 'in': {
      if (filter.column !== ROW_ID || filter.negated) return undefined;
      const rows = filter.cells.map(rowOf);
      const lo = rows.reduce((least, row) => Math.min(least, row), ROW_END);
      return { lo, hi: rows.reduce((most, row) => Math.max(most, row + 1), lo) };
    }
    default:
      return undefined;
  }
}

/** What lies in both windows. */
export function narrowed(left: RowWindow | undefined, right: RowWindow | undefined): RowWindow | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  const lo = Math.max(left.lo, right.lo);
  return { lo, hi: Math.max(lo, Math.min(left.hi, right.hi)) };
}

/** Above all identities, and exact as a number. */
const ROW_END = Number.MAX_SAFE_INTEGER - 1;

function rowOf(cell: Cell): number {
  return Math.min(Math.max(0, Number(cell)), ROW_END - 1);
}
