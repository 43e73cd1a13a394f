/**
 * One source of a scan as SQL: a group of files or a mirror of hot rows, with its delete vectors looked at. A version that a
 * delete vector names is left out, or gets the deletion as its `_to`, by what the scan asks for.
 */
import type { TableState } from '../../catalog/state.ts';
import { parameter, sqlType } from '../../data/cells.ts';
import { columnAt } from '../../data/duckdb.ts';
import { invariant } from '../../model/errors.ts';
import type { Column } from '../../model/types.ts';
import { joinSql, nameOf, type Sql, sql, trusted, typeOf, where } from './sql.ts';
import { deletionsUpTo, type RowWindow, type Visibility } from './visibility.ts';

/** Which hidden columns a query needs: none; `_row` and `_from`; or these, `_to`, and `_file`, the id of the file. */
export type Hidden = 'none' | 'version' | 'full';

/** What is asked of every source alike. */
export interface SourceRequest {
  readonly table: Pick<TableState, 'schemas' | 'ends'>;
  readonly visibility: Visibility;
  readonly window?: RowWindow | undefined;
  /** The user's columns that the query touches. */
  readonly columns: readonly Column[];
  readonly hidden: Hidden;
  /** The name of the table of delete vectors; needed where needsDeletes says so. */
  readonly deletes: string | undefined;
}

/** What a source, the relation `src`, is made of, before delete vectors are looked at. */
export interface Source {
  readonly from: Sql;
  /** The columns that its schema version stored. */
  readonly stored: readonly Column[];
  /** The identity of a row, the snapshot that created the version, the one that deleted it as far as the source knows, and the file. */
  readonly row: Sql;
  readonly created: Sql;
  readonly deleted: Sql;
  readonly file: Sql;
  readonly conditions: readonly Sql[];
  /** Whether its versions were deleted before they were written, each with its `_to`, and the conditions tell which are asked for. */
  readonly isHistory: boolean;
  readonly hasDeletes: boolean;
  /** The identities of its rows lie between these, both included. */
  readonly rowLo: number;
  readonly rowHi: number;
}

/** The columns as they are asked for, out of a source that has a schema version's under their generated names: by field id. */
function columnTerms(columns: readonly Column[], stored: readonly Column[]): Sql[] {
  return columns.map((column) => {
    const at = stored.findIndex((candidate) => candidate.fieldId === column.fieldId);
    const source = stored[at];
    if (source === undefined) return sql`CAST(${parameter(column, column.default)} AS ${typeOf(column)}) AS ${nameOf(column)}`;
    const place = sql`src.${trusted(columnAt(at))}`;
    return sql`${sqlType(source) === sqlType(column) ? place : converted(place, source, column)} AS ${nameOf(column)}`;
  });
}

/** A column that was widened, or, where an instant from before is read, narrowed: what does not fit exactly is null (as mapCells). */
function converted(place: Sql, stored: Column, wanted: Column): Sql {
  if (stored.type !== 'DOUBLE') return sql`TRY_CAST(${place} AS ${typeOf(wanted)})`;
  const narrow = sql`TRY_CAST(${place} AS FLOAT)`;
  return sql`CASE WHEN isnan(${place}) OR CAST(${narrow} AS DOUBLE) = ${place} THEN ${narrow} END`;
}

const [ROW, FROM, TO, FILE] = [sql`_row`, sql`_from`, sql`_to`, sql`_file`];
const HIDDEN: Readonly<Record<Hidden, readonly Sql[]>> = { none: [], version: [ROW, FROM], full: [ROW, FROM, TO, FILE] };

/** The names that the relation yields. */
function names({ columns, hidden }: SourceRequest): Sql[] {
  return [...columns.map(nameOf), ...HIDDEN[hidden]];
}

/** A SELECT list. A scan of no column still counts rows. */
function listed(terms: readonly Sql[]): Sql {
  return terms.length === 0 ? sql`1 AS _one` : joinSql(terms);
}

export function sourceSql(request: SourceRequest, source: Source): Sql {
  const { visibility, hidden } = request;
  const asksForDeletion = visibility.kind === 'deleted' || visibility.kind === 'all' || hidden === 'full';
  const terms = columnTerms(request.columns, source.stored);
  if (hidden !== 'none' || source.hasDeletes) terms.push(sql`${source.row} AS _row`, sql`${source.created} AS _from`);
  if (asksForDeletion) terms.push(sql`${source.deleted} AS _to`);
  if (hidden === 'full') terms.push(sql`${source.file} AS _file`);
  const versions = sql`SELECT ${listed(terms)} FROM ${source.from}${where(...source.conditions)}`;
  const out = names(request);
  if (source.hasDeletes) return withDeletes(request, source, versions, out);
  if (visibility.kind === 'deleted' && !source.isHistory)
    return sql`SELECT ${listed(out)} FROM (${versions})${where(...deletedWithin(TO, visibility))}`;
  return asksForDeletion && hidden !== 'full' ? sql`SELECT ${listed(out)} FROM (${versions})` : versions;
}

/** The versions `v` of a source against the delete vectors `e` of its rows that count. */
function withDeletes(request: SourceRequest, source: Source, versions: Sql, out: readonly Sql[]): Sql {
  const { visibility, window } = request;
  invariant(request.deletes !== undefined, 'a source with delete vectors comes with the table of them');
  const lo = Math.max(source.rowLo, window?.lo ?? 0);
  const hi = Math.min(source.rowHi, (window?.hi ?? Number.MAX_SAFE_INTEGER) - 1);
  const range = sql`_row >= ${lo} AND _row <= ${hi} AND _to <= ${deletionsUpTo(visibility)}`;
  const deletes = sql`(SELECT * FROM ${trusted(request.deletes)} WHERE ${range}) e`;
  const sameVersion = sql`e._row = v._row AND e._from = v._from`;
  const deleted = sql`coalesce(e._to, v._to)`;
  const joined = (): Sql => {
    const terms = out.map((name) => (name === TO ? sql`${deleted} AS _to` : sql`v.${name}`));
    return sql`SELECT ${listed(terms)} FROM (${versions}) v LEFT JOIN ${deletes} ON ${sameVersion}`;
  };
  switch (visibility.kind) {
    case 'visible':
    case 'created':
    case 'stored':
      return sql`SELECT ${listed(out)} FROM (${versions}) v WHERE NOT EXISTS (SELECT 1 FROM ${deletes} WHERE ${sameVersion})`;
    case 'all':
      return joined();
    case 'deleted':
      return sql`${joined()}${where(...deletedWithin(deleted, visibility))}`;
  }
}

function deletedWithin(to: Sql, { after, upTo }: Extract<Visibility, { kind: 'deleted' }>): Sql[] {
  return [sql`${to} > ${after}`, sql`${to} <= ${upTo}`];
}

/** A relation of no rows. */
export function emptySql(request: Pick<SourceRequest, 'columns' | 'hidden'>): Sql {
  const terms = request.columns.map((column) => sql`NULL::${typeOf(column)} AS ${nameOf(column)}`);
  for (const name of HIDDEN[request.hidden]) terms.push(sql`NULL::BIGINT AS ${name}`);
  return sql`SELECT ${listed(terms)} WHERE FALSE`;
}
