/**
 * Filters: a tree of conditions, checked against the table schema and turned into SQL with bound parameters, and into a
 * test of a file's bounds that leaves files unread. Comparisons never match null; `not` matches exactly the rows that
 * its inner filter does not, nulls included.
 */
import { VARCHAR } from '@duckdb/node-api';
import { parameter } from '../../data/cells.ts';
import { type Parameter, sqlName } from '../../data/duckdb.ts';
import { EngineError, unreachable } from '../../model/errors.ts';
import type { ColumnBounds, DataFile } from '../../model/history.ts';
import { LIMITS, limitExceeded } from '../../model/limits.ts';
import { columnNamed } from '../../model/schema.ts';
import type { Cell, Column, TableSchema } from '../../model/types.ts';
import { parseCell, Refusal } from '../../model/values.ts';
import { isWellFormedPattern, type Pattern, parsePattern, patternSql } from './pattern.ts';
import { hiddenName, isVersionColumn, versionBounds, versionColumnNamed } from './version-columns.ts';

export type CompareOperator = 'eq' | 'ne' | 'gt' | 'gte' | 'lt' | 'lte';
export type TextOperator = 'contains' | 'startsWith' | 'endsWith' | 'like' | 'ilike';

/** A filter as a caller gives it; values in the wire form of their column. */
export type Filter =
  | { readonly kind: 'and' | 'or'; readonly filters: readonly Filter[] }
  | { readonly kind: 'not'; readonly filter: Filter }
  | { readonly kind: 'compare'; readonly column: string; readonly operator: CompareOperator; readonly value: unknown }
  | { readonly kind: 'in'; readonly column: string; readonly values: readonly unknown[]; readonly negated: boolean }
  | { readonly kind: 'isNull'; readonly column: string; readonly isNull: boolean }
  | { readonly kind: 'text'; readonly column: string; readonly operator: TextOperator; readonly value: unknown };

/** A filter whose columns and values are checked. */
export type CheckedFilter =
  | { readonly kind: 'and' | 'or'; readonly filters: readonly CheckedFilter[] }
  | { readonly kind: 'not'; readonly filter: CheckedFilter }
  | { readonly kind: 'compare'; readonly column: Column; readonly operator: CompareOperator; readonly cell: Cell }
  | { readonly kind: 'in'; readonly column: Column; readonly cells: readonly Cell[]; readonly negated: boolean }
  | { readonly kind: 'isNull'; readonly column: Column; readonly isNull: boolean }
  | { readonly kind: 'text'; readonly column: Column; readonly operator: Exclude<TextOperator, 'like' | 'ilike'>; readonly text: string }
  | { readonly kind: 'pattern'; readonly column: Column; readonly pattern: Pattern };

/**
 * @throws EngineError COLUMN_NOT_FOUND, BAD_USER_INPUT (a null operand, a value or an operator that does not fit),
 *   LIMIT_EXCEEDED
 */
export function checkFilter(schema: TableSchema, filter: Filter): CheckedFilter {
  const budget = { nodes: 0 };
  return check(schema, filter, budget, 1);
}

function check(schema: TableSchema, filter: Filter, budget: { nodes: number }, depth: number): CheckedFilter {
  budget.nodes += 1;
  if (budget.nodes > LIMITS.filterNodesMax)
    throw limitExceeded('filterNodesMax', LIMITS.filterNodesMax, budget.nodes, 'Use `in` for lists of values.');
  if (depth > LIMITS.filterDepthMax) throw limitExceeded('filterDepthMax', LIMITS.filterDepthMax, depth, 'Flatten the filter.');
  switch (filter.kind) {
    case 'and':
    case 'or':
      return { kind: filter.kind, filters: filter.filters.map((inner) => check(schema, inner, budget, depth + 1)) };
    case 'not':
      return { kind: 'not', filter: check(schema, filter.filter, budget, depth + 1) };
    case 'compare': {
      const column = comparable(schema, filter.column, filter.operator);
      return { kind: 'compare', column, operator: filter.operator, cell: operand(column, filter.operator, filter.value) };
    }
    case 'in': {
      const operator = filter.negated ? 'notIn' : 'in';
      const column = comparable(schema, filter.column, operator);
      if (filter.values.length > LIMITS.filterListMax)
        throw limitExceeded('filterListMax', LIMITS.filterListMax, filter.values.length, 'Split the list.');
      return { kind: 'in', column, negated: filter.negated, cells: filter.values.map((value) => operand(column, operator, value)) };
    }
    case 'isNull':
      return { kind: 'isNull', column: filterColumn(schema, filter.column), isNull: filter.isNull };
    case 'text': {
      const column = filterColumn(schema, filter.column);
      if (column.type !== 'STRING') throw bad(column, filter.operator, `${filter.operator} is for STRING columns, this is ${column.type}`);
      const cell = operand(column, filter.operator, filter.value) as string;
      const { operator } = filter;
      if (operator !== 'like' && operator !== 'ilike') return { kind: 'text', column, operator, text: cell };
      if (!isWellFormedPattern(cell))
        throw bad(column, operator, 'in a pattern a backslash may only stand before %, _ or another backslash');
      return { kind: 'pattern', column, pattern: parsePattern(cell, operator === 'ilike') };
    }
    default:
      return unreachable(filter);
  }
}

/** A column of the table, or one that every version has. */
function filterColumn(schema: TableSchema, name: string): Column {
  return versionColumnNamed(name) ?? columnNamed(schema, name, 'where');
}

function comparable(schema: TableSchema, name: string, operator: string): Column {
  const column = filterColumn(schema, name);
  if (column.type === 'JSON') throw bad(column, operator, 'a JSON column can only be tested with isNull');
  return column;
}

function operand(column: Column, operator: string, value: unknown): Exclude<Cell, null> {
  if (value === null || value === undefined) throw bad(column, operator, 'the value is null; use isNull to test for null');
  const cell = parseCell(column, value);
  if (cell instanceof Refusal) throw bad(column, operator, cell.reason);
  return cell;
}

function bad(column: Column, operator: string, reason: string): EngineError {
  return new EngineError('BAD_USER_INPUT', `where: ${column.name} ${operator}: ${reason}`, { details: { column: column.name, operator } });
}

/** A text that is the same for equal filters over the same columns, whatever the columns are called now. */
export function filterText(filter: CheckedFilter): string {
  return JSON.stringify(filter, (_key, value: unknown) => {
    if (typeof value === 'bigint') return `${value}n`;
    if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
    if (typeof value !== 'object' || value === null || !('fieldId' in value)) return value;
    const { fieldId, type, precision, scale } = value as Column;
    return [fieldId, type, precision, scale];
  });
}

/** Collects parameters while SQL is written. */
export class SqlParameters {
  readonly list: Parameter[] = [];

  add(value: Parameter): string {
    this.list.push(value);
    return `$${this.list.length}`;
  }
}

const SQL_OPERATOR: Readonly<Record<CompareOperator, string>> = { eq: '=', ne: '<>', gt: '>', gte: '>=', lt: '<', lte: '<=' };

const columnSql = (column: Column): string => hiddenName(column) ?? sqlName(column.name);

/** SQL that is TRUE exactly where the filter matches; it may be NULL elsewhere. */
export function filterSql(filter: CheckedFilter, parameters: SqlParameters): string {
  switch (filter.kind) {
    case 'and':
      return filter.filters.length === 0 ? 'TRUE' : `(${filter.filters.map((inner) => filterSql(inner, parameters)).join(' AND ')})`;
    case 'or':
      return filter.filters.length === 0 ? 'FALSE' : `(${filter.filters.map((inner) => filterSql(inner, parameters)).join(' OR ')})`;
    case 'not':
      return `((${filterSql(filter.filter, parameters)}) IS NOT TRUE)`;
    case 'compare': {
      const value = parameters.add(parameter(filter.column, filter.cell));
      if (filter.operator === 'eq') return equalSql(filter.column, value);
      return `${columnSql(filter.column)} ${SQL_OPERATOR[filter.operator]} ${value}`;
    }
    case 'in':
      return inSql(filter, parameters);
    case 'isNull':
      return `${columnSql(filter.column)} IS ${filter.isNull ? '' : 'NOT '}NULL`;
    case 'text':
      return textSql(sqlName(filter.column.name), filter.operator, parameters.add({ value: filter.text, type: VARCHAR }));
    case 'pattern': {
      const { kind, value } = patternSql(filter.pattern);
      const [name, added] = [sqlName(filter.column.name), parameters.add({ value, type: VARCHAR })];
      return kind === 'regexp' ? `regexp_full_match(${name}, ${added})` : `${name} ${kind === 'like' ? 'LIKE' : '='} ${added}`;
    }
    default:
      return unreachable(filter);
  }
}

/**
 * SQL for a column being equal to a parameter. Files that were written with DuckDB's bloom filters (Tidemark writes none)
 * lose rows to `=` and `IN`: DuckDB 1.5.6 hashes the displayed form of a BLOB, and tells 0.0 from -0.0. Comparisons of
 * another kind look at no bloom filter. test/engine/bloom-filters.test.ts says when DuckDB no longer needs this.
 */
export function equalSql(column: Column, value: string): string {
  const name = columnSql(column);
  return missesRows(column) ? `(${name} >= ${value} AND ${name} <= ${value})` : `${name} = ${value}`;
}

function missesRows({ type }: Column): boolean {
  return type === 'BINARY' || type === 'FLOAT' || type === 'DOUBLE';
}

function inSql({ column, cells, negated }: Extract<CheckedFilter, { kind: 'in' }>, parameters: SqlParameters): string {
  const name = columnSql(column);
  if (cells.length === 0) return negated ? `${name} IS NOT NULL` : 'FALSE';
  const list = cells.map((cell) => parameters.add(parameter(column, cell)));
  const test = `${name} ${negated ? 'NOT IN' : 'IN'} (${list.join(', ')})`;
  if (negated || !missesRows(column)) return test;
  // As equalSql: the least and the greatest leave files' row groups unread, and the list is not looked up in bloom filters.
  const order = [...cells.keys()].sort((left, right) => compareCells(cells[left] ?? null, cells[right] ?? null));
  return `(${name} >= ${list[order[0] as number]} AND ${name} <= ${list[order.at(-1) as number]} AND (${test}) IS NOT DISTINCT FROM TRUE)`;
}

function textSql(name: string, operator: Exclude<TextOperator, 'like' | 'ilike'>, value: string): string {
  switch (operator) {
    case 'contains':
      return `contains(${name}, ${value})`;
    case 'startsWith':
      return `starts_with(${name}, ${value})`;
    case 'endsWith':
      return `ends_with(${name}, ${value})`;
    default:
      return unreachable(operator);
  }
}

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

/** Orders two cells of one type as DuckDB does: text and bytes by their UTF-8, the rest by value. */
export function compareCells(left: Cell, right: Cell): number {
  if (typeof left === 'string') return Buffer.compare(Buffer.from(left), Buffer.from(right as string));
  if (left instanceof Uint8Array) return Buffer.compare(left, right as Uint8Array);
  // Bounds of a file from before its column was widened are numbers where the operand is a bigint: these compare as they should.
  if ((left as number) < (right as number)) return -1;
  return (left as number) > (right as number) ? 1 : 0;
}
