/**
 * The plan of a scan: which files and mirrors can hold rows of the table at a snapshot, as one SQL relation. A file that
 * is wholly visible gets no life-span predicate, one that is wholly invisible is not opened (docs/architecture.md,
 * "Reading"). Keeps invariant 4.
 */
import { hotRowsOf, type TableState } from '../catalog/state.ts';
import { integer, sqlType } from '../data/cells.ts';
import { parquetSql, sqlName } from '../data/duckdb.ts';
import type { DataFiles } from '../data/files.ts';
import { hidesVirtual, positionColumn } from '../data/load-rows.ts';
import type { Mirror } from '../data/mirrors.ts';
import type { DataFile } from '../model/history.ts';
import type { SnapshotId } from '../model/ids.ts';
import type { Column } from '../model/types.ts';
import { type CheckedFilter, mayMatch, type SqlParameters } from './filter.ts';

/** Rows [lo, hi) by identity. */
export interface RowWindow {
  readonly lo: number;
  readonly hi: number;
}

export interface PlanRequest {
  readonly table: TableState;
  readonly snapshotId: SnapshotId;
  readonly window?: RowWindow | undefined;
  readonly filter?: CheckedFilter | undefined;
}

/** Files that can hold what is asked for. */
export function planFiles({ table, snapshotId, window, filter }: PlanRequest): DataFile[] {
  return table.files.filter(
    (file) =>
      file.fromLo <= snapshotId &&
      (window === undefined || (file.rowLo < window.hi && file.rowHi >= window.lo)) &&
      (filter === undefined || mayMatch(filter, file)),
  );
}

/** Whether hot rows can hold what is asked for. Every row of a commit up to the hot floor lies in a file. */
export function needsHotRows({ table, snapshotId, window }: PlanRequest): boolean {
  if (hotRowsOf(table) === 0 || snapshotId <= table.hotFloor) return false;
  return window === undefined || window.hi > table.hotRowLo;
}

export interface RelationRequest {
  readonly table: TableState;
  readonly files: DataFiles;
  readonly planned: readonly DataFile[];
  readonly mirrors: readonly Mirror[];
  readonly snapshotId: SnapshotId;
  readonly window?: RowWindow | undefined;
  /** The user's columns that the query touches. */
  readonly columns: readonly Column[];
  /** Whether the query needs `_row` and `_from`. */
  readonly hidden: boolean;
  readonly parameters: SqlParameters;
}

/** Staged files up to this many are read each with its own window; more are read in one scan. */
const SEPARATE_FILES_MAX = 4;

/** A SELECT over all planned sources that yields the columns, and `_row`, `_from` where asked. */
export function relationSql(request: RelationRequest): string {
  const { planned, snapshotId, mirrors } = request;
  const sorted = planned.filter((file) => file.kind === 'sorted');
  const whole = sorted.filter((file) => file.fromHi <= snapshotId);
  const partial = sorted.filter((file) => file.fromHi > snapshotId);
  const staged = planned.filter((file) => file.kind === 'staged');
  const branches: string[] = [];
  if (whole.length > 0) branches.push(sortedSql(request, whole, false));
  if (partial.length > 0) branches.push(sortedSql(request, partial, true));
  const separate = staged.length <= SEPARATE_FILES_MAX || !request.hidden || hidesVirtual(request.table.schema.columns);
  if (staged.length > 0 && separate) branches.push(...stagedSql(request, staged));
  else if (staged.length > 0) branches.push(stagedTogetherSql(request, staged));
  for (const mirror of mirrors) branches.push(mirrorSql(request, mirror));
  if (branches.length === 0) branches.push(emptySql(request));
  return branches.join(' UNION ALL ');
}

function columnList({ columns, hidden }: RelationRequest, row = '_row', from = '_from'): string {
  const list = columns.map((column) => sqlName(column.name));
  if (hidden) list.push(`${row} AS _row`, `${from} AS _from`);
  // A scan of no column still counts rows.
  return list.length === 0 ? '1 AS _one' : list.join(', ');
}

function sources({ files }: RelationRequest, planned: readonly DataFile[]): string {
  return parquetSql(planned.map((file) => files.path(file)));
}

function where(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
}

function sortedSql(request: RelationRequest, planned: readonly DataFile[], cut: boolean): string {
  const { window, parameters, snapshotId } = request;
  const conditions: string[] = [];
  if (window !== undefined)
    conditions.push(`_row >= ${parameters.add(integer(window.lo))}`, `_row < ${parameters.add(integer(window.hi))}`);
  if (cut) conditions.push(`_from <= ${parameters.add(integer(snapshotId))}`);
  return `SELECT ${columnList(request)} FROM ${sources(request, planned)}${where(conditions)}`;
}

/** Staged files hold no hidden columns: the row is the file's first row plus the position, and `from` is the file's. */
function stagedSql(request: RelationRequest, planned: readonly DataFile[]): string[] {
  if (!request.hidden && request.window === undefined) return [`SELECT ${columnList(request)} FROM ${sources(request, planned)}`];
  const position = positionColumn(request.table.schema.columns);
  return planned.map((file) => {
    const conditions: string[] = [];
    const { window, parameters } = request;
    if (window !== undefined && (window.lo > file.rowLo || window.hi <= file.rowHi)) {
      conditions.push(
        `${position} >= ${parameters.add(integer(Math.max(0, window.lo - file.rowLo)))}`,
        `${position} < ${parameters.add(integer(window.hi - file.rowLo))}`,
      );
    }
    const columns = columnList(request, `${position} + ${file.rowLo}`, `${file.fromLo}::BIGINT`);
    return `SELECT ${columns} FROM ${sources(request, [file])}${where(conditions)}`;
  });
}

function stagedTogetherSql(request: RelationRequest, planned: readonly DataFile[]): string {
  const { window, parameters } = request;
  const pick = (values: readonly number[]): string => `list_extract([${values.join(', ')}]::BIGINT[], file_index::BIGINT + 1)`;
  const row = `file_row_number + ${pick(planned.map((file) => file.rowLo))}`;
  const columns = columnList(request, row, pick(planned.map((file) => file.fromLo)));
  const conditions =
    window === undefined ? [] : [`${row} >= ${parameters.add(integer(window.lo))}`, `${row} < ${parameters.add(integer(window.hi))}`];
  return `SELECT ${columns} FROM ${sources(request, planned)}${where(conditions)}`;
}

function mirrorSql(request: RelationRequest, mirror: Mirror): string {
  const { window, parameters, snapshotId } = request;
  const upTo = Math.min(mirror.upTo, snapshotId);
  const conditions = [`_from > ${parameters.add(integer(mirror.after))}`, `_from <= ${parameters.add(integer(upTo))}`];
  if (window !== undefined)
    conditions.push(`_row >= ${parameters.add(integer(window.lo))}`, `_row < ${parameters.add(integer(window.hi))}`);
  return `SELECT ${columnList(request)} FROM ${mirror.name}${where(conditions)}`;
}

function emptySql(request: RelationRequest): string {
  const { columns, hidden } = request;
  const list = columns.map((column) => `NULL::${sqlType(column)} AS ${sqlName(column.name)}`);
  if (hidden) list.push('NULL::BIGINT AS _row', 'NULL::BIGINT AS _from');
  return `SELECT ${list.length === 0 ? '1 AS _one' : list.join(', ')} WHERE FALSE`;
}
