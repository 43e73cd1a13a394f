/**
 * The relation of a scan: one SELECT over the files and mirrors of its plan. A file that is wholly visible gets no
 * predicate, one that is partly visible gets `_from <= S`, and only files with delete vectors are joined with them
 * (docs/architecture.md, "Reading").
 */
import type { TableState } from '../../catalog/state.ts';
import { integer, parameter, sqlType } from '../../data/cells.ts';
import { columnAt, parquetSql, sqlName } from '../../data/duckdb.ts';
import type { DataFiles } from '../../data/files.ts';
import type { Mirror } from '../../data/mirrors.ts';
import { type DataFile, HOT } from '../../model/history.ts';
import type { Column, TableSchema } from '../../model/types.ts';
import type { SqlParameters } from './filter-sql.ts';
import type { PlanRequest } from './plan.ts';
import { deletionsUpTo, HOT_ROWS, hasDeletes, readerOf } from './visibility.ts';

/** Which hidden columns a query needs: none; `_row` and `_from`; or these, `_to`, and `_file`, the id of the file. */
export type Hidden = 'none' | 'version' | 'full';

export interface RelationRequest extends PlanRequest {
  readonly files: DataFiles;
  readonly planned: readonly DataFile[];
  readonly mirrors: readonly Mirror[];
  /** The table of delete vectors; needed where needsEnds says so. */
  readonly ends: string | undefined;
  /** The user's columns that the query touches. */
  readonly columns: readonly Column[];
  readonly hidden: Hidden;
  readonly parameters: SqlParameters;
}

/** Files without identities of their own, up to this many, are read each with its own window; more in one scan. */
const SEPARATE_FILES_MAX = 4;

/** A SELECT over all planned sources that yields the columns, and the hidden ones that are asked for. */
export function relationSql(request: RelationRequest): string {
  const groups = new Map<string, DataFile[]>();
  const staged = request.planned.filter((file) => file.kind === 'staged').length;
  for (const file of request.planned) {
    const key = groupKey(request, file, staged);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [file]);
    else group.push(file);
  }
  const branches = [...groups.values()].map((group) => filesSql(request, group));
  for (const mirror of request.mirrors) branches.push(mirrorSql(request, mirror));
  if (branches.length === 0) branches.push(emptySql(request));
  return branches.join(' UNION ALL ');
}

/** Files that one scan can read with one set of predicates. */
function groupKey({ table, visibility, window, hidden }: RelationRequest, file: DataFile, staged: number): string {
  const ends = hasDeletes(table, file, visibility);
  const cut = file.fromHi > readerOf(visibility) || visibility.kind === 'created';
  const implied = file.kind === 'staged' && (hidden !== 'none' || window !== undefined || ends);
  const alone = implied && staged <= SEPARATE_FILES_MAX;
  const bucket = file.kind === 'history' ? `${file.lifeLog}` : '';
  return [file.kind, file.schemaVersion, ends, cut, file.endedAt ?? '', bucket, alone ? file.fileId : ''].join(':');
}

function schemaOf(table: TableState, version: number): TableSchema {
  return table.schemas.find((schema) => schema.version === version) as TableSchema;
}

/** The columns as they are asked for, out of a source that has a schema version's under their generated names: by field id. */
function columnTerms({ columns, parameters }: RelationRequest, source: readonly Column[]): string[] {
  return columns.map((column) => {
    const name = sqlName(column.name);
    const at = source.findIndex((candidate) => candidate.fieldId === column.fieldId);
    const stored = source[at];
    if (stored === undefined) return `CAST(${parameters.add(parameter(column, column.default))} AS ${sqlType(column)}) AS ${name}`;
    const place = `src.${columnAt(at)}`;
    return `${sqlType(stored) === sqlType(column) ? place : converted(place, stored, column)} AS ${name}`;
  });
}

/** A column that was widened, or, where an instant from before is read, narrowed: what does not fit exactly is null (as mapCells). */
function converted(name: string, stored: Column, wanted: Column): string {
  if (stored.type === 'DOUBLE')
    return `CASE WHEN isnan(${name}) OR CAST(TRY_CAST(${name} AS FLOAT) AS DOUBLE) = ${name} THEN TRY_CAST(${name} AS FLOAT) END`;
  return `TRY_CAST(${name} AS ${sqlType(wanted)})`;
}

/** What a source, the relation `src`, is made of, before delete vectors are looked at. */
interface Source {
  readonly from: string;
  readonly terms: readonly string[];
  readonly row: string;
  readonly version: string;
  /** What ended the versions, as far as the source itself knows. */
  readonly to: string;
  readonly file: string;
  readonly conditions: readonly string[];
  readonly hasEnds: boolean;
  readonly rowLo: number;
  readonly rowHi: number;
}

/** The ends of versions as history files have them. */
const ENDED_IN_FILE = 'src._to';

/** Whether a file of living versions, sorted by identity, has every one of its span: then a row's place tells its identity. */
function isDense({ kind, rowCount, rowLo, rowHi }: DataFile): boolean {
  return kind === 'live' && rowHi - rowLo + 1 === rowCount;
}

function filesSql(request: RelationRequest, group: readonly DataFile[]): string {
  const { table, window, parameters, visibility, files } = request;
  const [first] = group as [DataFile];
  const { columns } = schemaOf(table, first.schemaVersion);
  const one = group.length === 1;
  const pick = (values: readonly number[]): string =>
    one ? `${values[0]}::BIGINT` : `list_extract([${values.join(', ')}]::BIGINT[], src.file_index::BIGINT + 1)`;
  const conditions: string[] = [];
  const position = 'src.file_row_number';
  const isStaged = first.kind === 'staged';
  const byPosition = isStaged || (one && isDense(first));
  const row = byPosition ? `${position} + ${one ? first.rowLo : pick(group.map((file) => file.rowLo))}` : 'src._row';
  const implied = isStaged || first.kind === 'versions' || (one && first.fromLo === first.fromHi);
  const version = implied ? pick(group.map((file) => file.fromLo)) : 'src._from';
  if (window !== undefined) {
    if (byPosition && one) {
      if (window.lo > first.rowLo || window.hi <= first.rowHi) {
        conditions.push(
          `${position} >= ${parameters.add(integer(Math.max(0, window.lo - first.rowLo)))}`,
          `${position} < ${parameters.add(integer(window.hi - first.rowLo))}`,
        );
      }
    } else conditions.push(...windowConditions(request, row));
  }
  const at = readerOf(visibility);
  if (group.some((file) => file.fromHi > at)) conditions.push(`${version} <= ${parameters.add(integer(at))}`);
  if (visibility.kind === 'created') conditions.push(`${version} > ${parameters.add(integer(visibility.after))}`);
  if (first.kind === 'history') conditions.push(...historyConditions(request, first));
  return sourceSql(request, {
    from: parquetSql(
      group.map((file) => files.path(file)),
      columns,
    ),
    terms: columnTerms(request, columns),
    row,
    version,
    to:
      first.kind === 'history'
        ? ENDED_IN_FILE
        : first.endedAt === null || first.endedAt > deletionsUpTo(visibility)
          ? 'NULL::BIGINT'
          : `${first.endedAt}::BIGINT`,
    file: request.hidden === 'full' ? pick(group.map((file) => file.fileId)) : '0',
    conditions,
    hasEnds: hasDeletes(table, first, visibility),
    rowLo: group.reduce((lo, file) => Math.min(lo, file.rowLo), Number.POSITIVE_INFINITY),
    rowHi: group.reduce((hi, file) => Math.max(hi, file.rowHi), 0),
  });
}

function windowConditions({ window, parameters }: RelationRequest, row: string): string[] {
  if (window === undefined) return [];
  return [`${row} >= ${parameters.add(integer(window.lo))}`, `${row} < ${parameters.add(integer(window.hi))}`];
}

/** History is sorted by `_to`: bounds on both sides leave row groups unread, since a visibility in bucket k is shorter than 2^(k+1). */
function historyConditions({ visibility, parameters }: RelationRequest, { lifeLog }: DataFile): string[] {
  const conditions: string[] = [];
  if (visibility.kind === 'all' || visibility.kind === 'stored') return conditions;
  const at = readerOf(visibility);
  conditions.push(
    `${ENDED_IN_FILE} > ${parameters.add(integer(at))}`,
    `${ENDED_IN_FILE} < ${parameters.add(integer(at + 2 ** (lifeLog + 1)))}`,
  );
  if (visibility.kind === 'deleted') conditions.push(`${ENDED_IN_FILE} <= ${parameters.add(integer(visibility.upTo))}`);
  return conditions;
}

function where(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
}

/** The names that the relation yields. */
function names({ columns, hidden }: RelationRequest): string[] {
  const list = columns.map((column) => sqlName(column.name));
  if (hidden !== 'none') list.push('_row', '_from');
  if (hidden === 'full') list.push('_to', '_file');
  return list;
}

/** A source with its delete vectors looked at: left out, or as `_to`. */
function sourceSql(request: RelationRequest, source: Source): string {
  const { visibility, hidden, ends, parameters } = request;
  const asks = visibility.kind === 'deleted' || visibility.kind === 'all' || hidden === 'full';
  const inner = [...source.terms];
  if (hidden !== 'none' || source.hasEnds) inner.push(`${source.row} AS _row`, `${source.version} AS _from`);
  if (asks) inner.push(`${source.to} AS _to`);
  if (hidden === 'full') inner.push(`${source.file} AS _file`);
  // A scan of no column still counts rows.
  const select = `SELECT ${inner.length === 0 ? '1 AS _one' : inner.join(', ')} FROM ${source.from}${where(source.conditions)}`;
  const out = names(request);
  if (!source.hasEnds) {
    if (visibility.kind !== 'deleted' || source.to === ENDED_IN_FILE)
      return asks && hidden !== 'full' ? `SELECT ${listed(out)} FROM (${select})` : select;
    return `SELECT ${listed(out)} FROM (${select}) WHERE _to > ${parameters.add(integer(visibility.after))} AND _to <= ${parameters.add(integer(visibility.upTo))}`;
  }
  const lo = Math.max(source.rowLo, request.window?.lo ?? 0);
  const hi = Math.min(source.rowHi, (request.window?.hi ?? Number.MAX_SAFE_INTEGER) - 1);
  const range = `_row >= ${parameters.add(integer(lo))} AND _row <= ${parameters.add(integer(hi))} AND _to <= ${parameters.add(integer(deletionsUpTo(visibility)))}`;
  if (visibility.kind === 'visible' || visibility.kind === 'created' || visibility.kind === 'stored') {
    return `SELECT ${listed(out)} FROM (${select}) v WHERE NOT EXISTS (SELECT 1 FROM (SELECT * FROM ${ends} WHERE ${range}) e WHERE e._row = v._row AND e._from = v._from)`;
  }
  const terms = out.map((name) => (name === '_to' ? 'coalesce(e._to, v._to) AS _to' : `v.${name}`));
  const joined = `(${select}) v LEFT JOIN (SELECT * FROM ${ends} WHERE ${range}) e ON e._row = v._row AND e._from = v._from`;
  if (visibility.kind === 'all') return `SELECT ${listed(terms)} FROM ${joined}`;
  const to = 'coalesce(e._to, v._to)';
  return `SELECT ${listed(terms)} FROM ${joined} WHERE ${to} > ${parameters.add(integer(visibility.after))} AND ${to} <= ${parameters.add(integer(visibility.upTo))}`;
}

const listed = (terms: readonly string[]): string => (terms.length === 0 ? '1 AS _one' : terms.join(', '));

function mirrorSql(request: RelationRequest, mirror: Mirror): string {
  const { parameters, visibility, table } = request;
  const upTo = Math.min(mirror.upTo, readerOf(visibility));
  const after = visibility.kind === 'created' ? Math.max(mirror.after, visibility.after) : mirror.after;
  return sourceSql(request, {
    from: `${mirror.name} AS src`,
    terms: columnTerms(request, schemaOf(table, mirror.schemaVersion).columns),
    row: 'src._row',
    version: 'src._from',
    to: 'NULL::BIGINT',
    file: `${HOT}::BIGINT`,
    conditions: [
      `src._from > ${parameters.add(integer(after))}`,
      `src._from <= ${parameters.add(integer(upTo))}`,
      ...windowConditions(request, 'src._row'),
    ],
    hasEnds: hasDeletes(table, HOT_ROWS, visibility),
    rowLo: 0,
    rowHi: Number.MAX_SAFE_INTEGER,
  });
}

function emptySql(request: RelationRequest): string {
  const list = request.columns.map((column) => `NULL::${sqlType(column)} AS ${sqlName(column.name)}`);
  if (request.hidden !== 'none') list.push('NULL::BIGINT AS _row', 'NULL::BIGINT AS _from');
  if (request.hidden === 'full') list.push('NULL::BIGINT AS _to', 'NULL::BIGINT AS _file');
  return `SELECT ${listed(list)} WHERE FALSE`;
}
