/**
 * The relation of a scan: one SELECT over the files and mirrors of its plan. A file that is wholly visible gets no
 * predicate, one that is partly visible gets `_from <= S`, and only files with delete vectors are joined with them
 * (docs/architecture.md, "Reading").
 */
import { parquetSql } from '../../data/duckdb.ts';
import type { DataFiles } from '../../data/files.ts';
import type { Mirror } from '../../data/mirrors.ts';
import { invariant } from '../../model/errors.ts';
import { type DataFile, HOT } from '../../model/history.ts';
import type { Column } from '../../model/types.ts';
import { emptySql, type Source, type SourceRequest, sourceSql } from './source-sql.ts';
import { EMPTY, joinSql, literal, literals, type Sql, sql, trusted } from './sql.ts';
import { deletionsUpTo, HOT_ROWS, hasDeletes, readerOf, type Visibility } from './visibility.ts';

interface RelationRequest extends SourceRequest {
  readonly files: Pick<DataFiles, 'path'>;
  readonly planned: readonly DataFile[];
  readonly mirrors: readonly Mirror[];
}

/** Files without identities of their own, up to this many, are read each with its own window; more in one scan. */
const SEPARATE_FILES_MAX = 4;

/** A SELECT over all planned sources that yields the columns, and the hidden ones that are asked for. */
export function relationSql(request: RelationRequest): Sql {
  const groups = new Map<string, [DataFile, ...DataFile[]]>();
  const staged = request.planned.filter((file) => file.kind === 'staged').length;
  for (const file of request.planned) {
    const key = groupKey(request, file, staged);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [file]);
    else group.push(file);
  }
  const sources = [
    ...[...groups.values()].map((group) => fileSource(request, group)),
    ...request.mirrors.map((at) => mirrorSource(request, at)),
  ];
  if (sources.length === 0) return emptySql(request);
  return joinSql(
    sources.map((source) => sourceSql(request, source)),
    ' UNION ALL ',
  );
}

/** Files that one scan can read with one set of predicates. */
function groupKey({ table, visibility, window, hidden }: RelationRequest, file: DataFile, staged: number): string {
  const deletes = hasDeletes(table, file, visibility);
  const isCut = file.fromHi > readerOf(visibility) || visibility.kind === 'created';
  const isImplied = file.kind === 'staged' && (hidden !== 'none' || window !== undefined || deletes);
  const alone = isImplied && staged <= SEPARATE_FILES_MAX;
  const bucket = file.kind === 'history' ? `${file.lifeLog}` : '';
  return [file.kind, file.schemaVersion, deletes, isCut, file.endedAt ?? '', bucket, alone ? file.fileId : ''].join(':');
}

function storedColumns({ table }: RelationRequest, version: number): readonly Column[] {
  const schema = table.schemas.find((candidate) => candidate.version === version);
  invariant(schema !== undefined, `a source is of a schema version of its table, not ${version}`);
  return schema.columns;
}

/** Whether a file of living versions, sorted by identity, has every one of its span: then a row's place tells its identity. */
function isDense({ kind, rowCount, rowLo, rowHi }: DataFile): boolean {
  return kind === 'live' && rowHi - rowLo + 1 === rowCount;
}

const POSITION = sql`src.file_row_number`;

/** Files of one kind and schema version, whose delete vectors and bounds ask for the same predicates. */
function fileSource(request: RelationRequest, group: readonly [DataFile, ...DataFile[]]): Source {
  const { table, window, visibility, files } = request;
  const [first] = group;
  const isOne = group.length === 1;
  const stored = storedColumns(request, first.schemaVersion);
  const ofFile = (fact: (file: DataFile) => number): Sql =>
    isOne ? sql`${literal(fact(first))}::BIGINT` : sql`list_extract([${literals(group.map(fact))}]::BIGINT[], src.file_index::BIGINT + 1)`;
  const isStaged = first.kind === 'staged';
  const isByPosition = isStaged || (isOne && isDense(first));
  const row = isByPosition ? sql`${POSITION} + ${ofFile((file) => file.rowLo)}` : sql`src._row`;
  const isOfOneCommit = isStaged || first.kind === 'versions' || (isOne && first.fromLo === first.fromHi);
  const created = isOfOneCommit ? ofFile((file) => file.fromLo) : sql`src._from`;
  const conditions: Sql[] = [];
  if (isByPosition && isOne) conditions.push(...positionConditions(window, first));
  else conditions.push(...windowConditions(window, row));
  const reader = readerOf(visibility);
  if (group.some((file) => file.fromHi > reader)) conditions.push(sql`${created} <= ${reader}`);
  if (visibility.kind === 'created') conditions.push(sql`${created} > ${visibility.after}`);
  const isHistory = first.kind === 'history';
  if (isHistory) conditions.push(...historyConditions(visibility, first));
  const paths = group.map((file) => files.path(file));
  return {
    from: trusted(parquetSql(paths, stored)),
    stored,
    row,
    created,
    deleted: isHistory ? DELETED : deletedAtOnce(first, visibility),
    file: request.hidden === 'full' ? ofFile((file) => file.fileId) : EMPTY,
    conditions,
    isHistory,
    hasDeletes: hasDeletes(table, first, visibility),
    rowLo: group.reduce((lo, file) => Math.min(lo, file.rowLo), Number.POSITIVE_INFINITY),
    rowHi: group.reduce((hi, file) => Math.max(hi, file.rowHi), 0),
  };
}

/** What deleted all versions of a file that still lived, where that counts. */
function deletedAtOnce({ endedAt }: DataFile, visibility: Visibility): Sql {
  return endedAt === null || endedAt > deletionsUpTo(visibility) ? sql`NULL::BIGINT` : sql`${literal(endedAt)}::BIGINT`;
}

/** The window as places in a file that has every identity of its span. */
function positionConditions(window: SourceRequest['window'], { rowLo, rowHi }: DataFile): Sql[] {
  if (window === undefined || (window.lo <= rowLo && window.hi > rowHi)) return [];
  return [sql`${POSITION} >= ${Math.max(0, window.lo - rowLo)}`, sql`${POSITION} < ${window.hi - rowLo}`];
}

function windowConditions(window: SourceRequest['window'], row: Sql): Sql[] {
  return window === undefined ? [] : [sql`${row} >= ${window.lo}`, sql`${row} < ${window.hi}`];
}

/** The deletions of versions as history files have them. */
const DELETED = sql`src._to`;

/** History is sorted by `_to`: bounds on both sides leave row groups unread, since versions in bucket k were there for less than 2^(k+1) snapshots. */
function historyConditions(visibility: Visibility, { lifeLog }: DataFile): Sql[] {
  if (visibility.kind === 'all' || visibility.kind === 'stored') return [];
  const reader = readerOf(visibility);
  const conditions = [sql`${DELETED} > ${reader}`, sql`${DELETED} < ${reader + 2 ** (lifeLog + 1)}`];
  if (visibility.kind === 'deleted') conditions.push(sql`${DELETED} <= ${visibility.upTo}`);
  return conditions;
}

function mirrorSource(request: RelationRequest, mirror: Mirror): Source {
  const { visibility, table, window } = request;
  const upTo = Math.min(mirror.upTo, readerOf(visibility));
  const after = visibility.kind === 'created' ? Math.max(mirror.after, visibility.after) : mirror.after;
  const [row, created] = [sql`src._row`, sql`src._from`];
  return {
    from: sql`${trusted(mirror.name)} AS src`,
    stored: storedColumns(request, mirror.schemaVersion),
    row,
    created,
    deleted: sql`NULL::BIGINT`,
    file: sql`${literal(HOT)}::BIGINT`,
    conditions: [sql`${created} > ${after}`, sql`${created} <= ${upTo}`, ...windowConditions(window, row)],
    isHistory: false,
    hasDeletes: hasDeletes(table, HOT_ROWS, visibility),
    rowLo: 0,
    rowHi: Number.MAX_SAFE_INTEGER,
  };
}
