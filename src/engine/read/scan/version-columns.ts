/**
 * `_rowId` and `_fromSnapshotId`: what every version of a row has beside its table's columns, as columns that a filter may
 * name. No column of a table has such a name, since those begin with a letter. A filter on them reads no more than one
 * without them: files tell their identities and snapshots by their bounds, and the identity narrows the window of a scan (filter-window.ts).
 */
import type { ColumnBounds, DataFile } from '../../model/history.ts';
import type { Column } from '../../model/types.ts';

function versionColumn(name: string, fieldId: number): Column {
  const facts = { type: 'LONG', required: true, precision: null, scale: null, default: null, description: null } as const;
  return { ...facts, fieldId, name, graphqlName: name };
}

/** The identity of the row, the same over its versions. */
export const ROW_ID = versionColumn('_rowId', -1);
/** The snapshot that created the version. */
export const FROM_SNAPSHOT_ID = versionColumn('_fromSnapshotId', -2);

/** What a filter sees of a version beside its cells. */
export interface VersionOf {
  readonly row: number;
  readonly from: number;
}

/** The identity of a row, or the snapshot of a version, that a commit on its way has yet to get: later than all there are. */
export const YET_TO_COME = 2 ** 60;

export function versionColumnNamed(name: string): Column | undefined {
  return name === ROW_ID.name ? ROW_ID : name === FROM_SNAPSHOT_ID.name ? FROM_SNAPSHOT_ID : undefined;
}

export function isVersionColumn(column: Column): boolean {
  return column === ROW_ID || column === FROM_SNAPSHOT_ID;
}

/** The name of the column in a relation of the planner; undefined for a column of the table. */
export function hiddenName(column: Column): '_row' | '_from' | undefined {
  return column === ROW_ID ? '_row' : column === FROM_SNAPSHOT_ID ? '_from' : undefined;
}

export function versionCell(column: Column, { row, from }: VersionOf): bigint {
  return BigInt(column === ROW_ID ? row : from);
}

/** What a file tells of its versions without being read. */
export function versionBounds(column: Column, file: DataFile): ColumnBounds {
  const [min, max] = column === ROW_ID ? [file.rowLo, file.rowHi] : [file.fromLo, file.fromHi];
  return { fieldId: column.fieldId, min, max, nullCount: 0 };
}
