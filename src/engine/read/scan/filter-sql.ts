/** A checked filter as SQL with bound parameters. */
import { VARCHAR } from '@duckdb/node-api';
import { parameter } from '../../data/cells.ts';
import { type Parameter, sqlName } from '../../data/duckdb.ts';
import { unreachable } from '../../model/errors.ts';
import type { Column } from '../../model/types.ts';
import { compareCells } from './compare-cells.ts';
import type { CheckedFilter, CompareOperator, TextOperator } from './filter.ts';
import { patternSql } from './pattern.ts';
import { hiddenName } from './version-columns.ts';

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
