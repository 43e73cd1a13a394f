/** Whether a data file may hold rows that match a filter, as its bounds tell: a file that cannot is left unread. */
import { unreachable } from '../../model/errors.ts';
import type { ColumnBounds, DataFile } from '../../model/history.ts';
import type { Cell, Column } from '../../model/types.ts';
import { compareCells } from './compare-cells.ts';
import type { CheckedFilter, CompareOperator } from './filter.ts';
import { isVersionColumn, versionBounds } from './version-columns.ts';

/** Whether a file may hold rows that match, as far as its bounds tell. */
export function mayMatch(filter: CheckedFilter, file: DataFile): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.filters.every((inner) => mayMatch(inner, file));
    case 'or':
      return filter.filters.some((inner) => mayMatch(inner, file));
    case 'compare':
      return compareMayMatch(filter.operator, filter.cell, boundsOf(filter.column, file), file.rowCount);
    case 'in': {
      if (filter.negated) return true;
      const bounds = boundsOf(filter.column, file);
      return filter.cells.some((cell) => compareMayMatch('eq', cell, bounds, file.rowCount));
    }
    case 'isNull': {
      const bounds = boundsOf(filter.column, file);
      if (bounds === undefined) return true;
      return filter.isNull ? bounds.nullCount > 0 : bounds.nullCount < file.rowCount;
    }
    case 'not':
    case 'text':
    case 'pattern':
      return true;
    default:
      return unreachable(filter);
  }
}

function boundsOf(column: Column, file: DataFile): ColumnBounds | undefined {
  if (isVersionColumn(column)) return versionBounds(column, file);
  return file.bounds.find((bounds) => bounds.fieldId === column.fieldId);
}

function compareMayMatch(operator: CompareOperator, cell: Cell, bounds: ColumnBounds | undefined, rowCount: number): boolean {
  if (bounds === undefined) return true;
  if (bounds.nullCount === rowCount) return false;
  const aboveMin = bounds.min === null ? 1 : compareCells(cell, bounds.min);
  const belowMax = bounds.max === null ? -1 : compareCells(cell, bounds.max);
  switch (operator) {
    case 'eq':
      return aboveMin >= 0 && belowMax <= 0;
    case 'gt':
      return belowMax < 0;
    case 'gte':
      return belowMax <= 0;
    case 'lt':
      return aboveMin > 0;
    case 'lte':
      return aboveMin >= 0;
    case 'ne':
      return true;
    default:
      return unreachable(operator);
  }
}
