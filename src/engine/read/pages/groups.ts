/**
 * Groups of the rows that match, a page at a time: the largest group first, ties in the order of their keys, so that the
 * order is total and every group is on exactly one page. A cursor pins the snapshot, where a group's position never changes.
 */
import type { DuckDBValue } from '@duckdb/node-api';
import { fromDuck } from '../../data/cells.ts';
import type { QueryOptions } from '../../data/duckdb.ts';
import { crc32c } from '../../encoding/crc32c.ts';
import { EngineError } from '../../model/errors.ts';
import { LIMITS, limitExceeded } from '../../model/limits.ts';
import { columnNamed } from '../../model/schema.ts';
import { type Column, isGroupable, type TableSchema } from '../../model/types.ts';
import { toWire } from '../../model/values.ts';
import { type CheckedFilter, checkFilter, type Filter, filterText, withFilterColumns } from '../scan/filter.ts';
import type { Scanner } from '../scan/scanner.ts';
import { EMPTY, joinSql, nameOf, type Sql, sql, where } from '../scan/sql.ts';
import { type AggregateTerm, type CheckedTerm, checkTerm } from './aggregate.ts';
import { decodeGroupCursor, encodeGroupCursor } from './cursor.ts';
import { type PageTarget, pageSize } from './page.ts';

export interface GroupsQuery {
  readonly where?: Filter | undefined;
  /** Names of the columns that make a group. Where none is named all rows are one group, which is there even without rows. */
  readonly groupBy: readonly string[];
  readonly terms: readonly AggregateTerm[];
  /** Groups at most, 100 where absent. */
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
}

/** What the rows of one group have in common, and the values of the terms over them; both in wire form. */
export interface Group {
  readonly key: readonly unknown[];
  readonly values: readonly unknown[];
}

export interface GroupPage {
  readonly groups: readonly Group[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  /** The cursor of a group of this page, by its position. */
  cursorAt(index: number): string;
}

interface Grouping {
  readonly columns: readonly Column[];
  readonly filter: CheckedFilter | undefined;
  /** Tells cursors of this grouping from those of another one. */
  readonly hash: number;
}

/** What a page of groups is asked for, found right. */
interface CheckedGroups {
  readonly target: PageTarget;
  readonly limit: number;
  readonly grouping: Grouping;
  readonly terms: readonly CheckedTerm[];
  /** How many groups come before the page. */
  readonly skipped: number;
  readonly hasPreviousPage: boolean;
}

/** @throws EngineError COLUMN_NOT_FOUND, BAD_USER_INPUT, LIMIT_EXCEEDED, CURSOR_INVALID */
export function checkGroups(target: PageTarget, query: GroupsQuery): CheckedGroups {
  const { limit } = pageSize({ first: query.first ?? LIMITS.groupPageDefault });
  const grouping = checkGrouping(target.schema, query);
  return {
    target,
    limit,
    grouping,
    terms: query.terms.map((term) => checkTerm(target.schema, term)),
    skipped: query.after == null ? 0 : decodeGroupCursor(query.after, target, grouping.hash),
    hasPreviousPage: query.after != null,
  };
}

/** @throws EngineError of Scanner.scan */
export async function readGroups(scanner: Scanner, checked: CheckedGroups, options: QueryOptions): Promise<GroupPage> {
  const { target, limit, grouping, terms, skipped, hasPreviousPage } = checked;
  const keys = grouping.columns.map(nameOf);
  // Largest first, ties by key: total, so that a position means one group.
  const order = joinSql([sql`count(*) DESC`, ...keys.map((key) => sql`${key} ASC NULLS LAST`)]);
  const found = await scanGroups(scanner, target, { grouping, terms }, options, (grouped) => {
    const selected = [...keys, ...terms.map((term) => term.sql)];
    const list = selected.length === 0 ? sql`count(*)` : joinSql(selected);
    return sql`SELECT ${list} ${grouped} ORDER BY ${order} LIMIT ${limit + 1} OFFSET ${skipped}`;
  });
  return {
    groups: found.slice(0, limit).map((values) => ({
      key: grouping.columns.map((column, at) => keyOf(column, values[at] ?? null)),
      values: terms.map((term, at) => term.read(values[keys.length + at] ?? null)),
    })),
    hasNextPage: found.length > limit,
    hasPreviousPage,
    cursorAt: (index) => encodeGroupCursor(target, grouping.hash, skipped + index + 1),
  };
}

/** -0 and 0 are one group, and either may stand for it; it is called 0. */
function keyOf(column: Column, value: DuckDBValue): unknown {
  const key = toWire(column, fromDuck(column, value));
  return key === 0 ? 0 : key;
}

/** How many groups there are in all. @throws EngineError of checkGroups and readGroups */
export async function countGroups(
  scanner: Scanner,
  target: PageTarget,
  query: Pick<GroupsQuery, 'where' | 'groupBy'>,
  options: QueryOptions,
): Promise<number> {
  const grouping = checkGrouping(target.schema, query);
  if (grouping.columns.length === 0) return 1;
  const rows = await scanGroups(
    scanner,
    target,
    { grouping, terms: [] },
    options,
    (grouped) => sql`SELECT count(*) FROM (SELECT count(*) ${grouped})`,
  );
  return Number(rows[0]?.[0] ?? 0);
}

function checkGrouping(schema: TableSchema, { where, groupBy }: Pick<GroupsQuery, 'where' | 'groupBy'>): Grouping {
  const columns = groupBy.map((name) => columnNamed(schema, name, 'groupBy'));
  if (columns.length > LIMITS.groupColumnsMax)
    throw limitExceeded('groupColumnsMax', LIMITS.groupColumnsMax, columns.length, 'Group by fewer columns.');
  const unfit = columns.find((column) => !isGroupable(column.type));
  if (unfit !== undefined)
    throw new EngineError('BAD_USER_INPUT', `groupBy: a ${unfit.type} column (${unfit.name}) has no groups`, {
      details: { column: unfit.name },
      hint: 'Group by columns of other types.',
    });
  const filter = where === undefined ? undefined : checkFilter(schema, where);
  const types = columns.map(({ fieldId, type, precision, scale }) => `${fieldId}:${type}:${precision}:${scale}`);
  return { columns, filter, hash: crc32c(Buffer.from(`${types.join(',')} ${filter === undefined ? '' : filterText(filter)}`)) };
}

function scanGroups(
  scanner: Scanner,
  { tableId, snapshotId }: PageTarget,
  { grouping, terms }: { readonly grouping: Grouping; readonly terms: readonly CheckedTerm[] },
  options: QueryOptions,
  statement: (grouped: Sql) => Sql,
) {
  const { columns, filter } = grouping;
  const touched = [...columns, ...terms.flatMap((term) => (term.column === undefined ? [] : [term.column]))];
  const groupBy = columns.length === 0 ? EMPTY : sql` GROUP BY ${joinSql(columns.map(nameOf))}`;
  return scanner.scan(
    {
      tableId,
      visibility: { kind: 'visible', at: snapshotId },
      filter,
      columns: withFilterColumns(touched, filter),
      hidden: 'none',
      statement: (relation, matching) => statement(sql`FROM ${relation}${where(matching)}${groupBy}`),
    },
    options,
  );
}
