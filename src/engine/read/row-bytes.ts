/** About how much memory rows take: what bounds pages and what is kept of them. */
import { VALUE_BYTES } from '../data/results.ts';
import type { RowChange } from './diff/row-changes.ts';
import type { Group } from './pages/groups.ts';
import { bytesOfCell } from './scan/cell-bytes.ts';
import type { Row } from './scan/row.ts';

export function bytesOfRow(row: Row | null | undefined): number {
  if (row === null || row === undefined) return 0;
  let bytes = VALUE_BYTES;
  for (const cell of row.cells) bytes += bytesOfCell(cell);
  return bytes;
}

/** Of values in wire form. */
export function bytesOfValues(values: readonly unknown[]): number {
  return values.reduce((bytes: number, value) => bytes + VALUE_BYTES + (typeof value === 'string' ? value.length : 0), 0);
}

export function bytesOfGroups(groups: readonly Group[]): number {
  return groups.reduce((bytes, { key, values }) => bytes + bytesOfValues(key) + bytesOfValues(values), 0);
}

export function bytesOfChange({ before, after }: RowChange): number {
  return bytesOfRow(before) + bytesOfRow(after);
}

export function bytesOfRows(rows: readonly Row[]): number {
  return rows.reduce((sum, row) => sum + bytesOfRow(row), 0);
}

export function bytesOfChanges(changes: readonly RowChange[]): number {
  return changes.reduce((sum, change) => sum + bytesOfChange(change), 0);
}

/** How many of the first fit into a number of bytes; at least one. */
export function fitting(changes: readonly RowChange[], bytesMax: number): number {
  let bytes = 0;
  const end = changes.findIndex((change, at) => {
    bytes += bytesOfChange(change);
    return at > 0 && bytes > bytesMax;
  });
  return end < 0 ? changes.length : end;
}
