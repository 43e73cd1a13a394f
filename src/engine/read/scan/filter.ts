/**
 * Filters: a tree of conditions, checked against the table schema. Comparisons never match null; `not` matches exactly the
 * rows that its inner filter does not, nulls included. A checked filter has four readings that must agree: SQL
 * (filter-sql.ts), a test of rows in memory (match-cells.ts), a test of a file's bounds (filter-bounds.ts), and the window of
 * identities that it leaves (filter-window.ts).
 */
import { EngineError, unreachable } from '../../model/errors.ts';
import { LIMITS, limitExceeded } from '../../model/limits.ts';
import { columnNamed } from '../../model/schema.ts';
import type { Cell, Column, TableSchema } from '../../model/types.ts';
import { parseCell, Refusal } from '../../model/values.ts';
import { isWellFormedPattern, type Pattern, parsePattern } from './pattern.ts';
import { isVersionColumn, versionColumnNamed } from './version-columns.ts';

/** Comparisons. None of them matches null. */
export type CompareOperator = 'eq' | 'ne' | 'gt' | 'gte' | 'lt' | 'lte';
/** Operators of STRING columns. */
export type TextOperator = 'contains' | 'startsWith' | 'endsWith' | 'like' | 'ilike';

/**
 * A filter, with values in the JSON form of their column's type. `and` of no filters matches every row, `or` of none matches no row.
 * `not` matches exactly the rows that its inner filter does not match, nulls included.
 */
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

/** Whether a filter looks at more of a version than its cells. */
export function asksForVersion(filter: CheckedFilter): boolean {
  if (filter.kind === 'not') return asksForVersion(filter.filter);
  return 'filters' in filter ? filter.filters.some(asksForVersion) : isVersionColumn(filter.column);
}

/** The columns that a filter names, added to those a query selects. */
export function withFilterColumns(columns: readonly Column[], filter: CheckedFilter | undefined): Column[] {
  const all = new Set(columns);
  const visit = (at: CheckedFilter): void => {
    if (at.kind === 'not') visit(at.filter);
    else if ('filters' in at) at.filters.forEach(visit);
    else if (!isVersionColumn(at.column)) all.add(at.column);
  };
  if (filter !== undefined) visit(filter);
  return [...all];
}
