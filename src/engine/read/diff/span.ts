/** The span of a diff: two snapshots of a table, the columns on either side, and what its changes are read from. */
import { schemaAt, type TableState, tableById } from '../../catalog/state.ts';
import { asRowId, asSnapshotId, type SnapshotId } from '../../model/ids.ts';
import type { Cells, TableSchema } from '../../model/types.ts';
import type { History } from '../history.ts';
import { withoutDropped } from '../scan/dropped-columns.ts';
import type { Matcher } from '../scan/match.ts';
import type { Row } from '../scan/row.ts';
import type { ScannerParts } from '../scan/scanner.ts';
import type { RowWindow } from '../scan/visibility.ts';

export interface Span {
  readonly table: TableState;
  readonly after: SnapshotId;
  readonly upTo: SnapshotId;
  /** The columns of rows as of `after`. */
  readonly before: TableSchema;
  /** The columns of rows as of `upTo`. */
  readonly now: TableSchema;
  readonly window: RowWindow | undefined;
}

export interface DiffSources extends Pick<ScannerParts, 'current' | 'pins' | 'store'> {
  readonly history: History;
  readonly matcher: Matcher;
}

/** The columns of a diff's rows on one side: those of then, or those that are asked for as they were then. */
export function columnsThen(table: TableState, asked: TableSchema | undefined, snapshotId: SnapshotId): TableSchema {
  const then = schemaAt(table, snapshotId);
  return asked === undefined ? then : withoutDropped(table, asked, then);
}

export function rowOf(row: number, from: number, cells: Cells): Row {
  return { rowId: asRowId(row), fromSnapshotId: asSnapshotId(from), cells };
}

/** Works on the table of a state that is pinned meanwhile. */
export async function pinned<T>({ current, pins }: DiffSources, table: TableState, work: (table: TableState) => Promise<T>): Promise<T> {
  const state = current();
  const pin = pins.pin(state.logIndex);
  try {
    return await work(tableById(state, table.id));
  } finally {
    pin.release();
  }
}
