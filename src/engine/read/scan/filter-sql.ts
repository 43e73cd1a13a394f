/** A checked filter as SQL with bound parameters. */
import { VARCHAR } from '@duckdb/node-api';
import { parameter } from '../../data/cells.ts';
import type { Parameter } from '../../data/duckdb.ts';
import { unreachable } from '../../model/errors.ts';
import type { Column } from '../../model/types.ts';
import { compareCells } from './compare-cells.ts';
import type { CheckedFilter, CompareOperator, TextOperator } from './filter.ts';
import { patternSql } from './pattern.ts';
import { joinSql, nameOf, type Sql, sql, trusted } from './sql.ts';
import { hiddenName } from './version-columns.ts';

const OPERATOR: Readonly<Record<CompareOperator, Sql>> = { eq: sql`=`, ne: sql`<>`, gt: sql`>`, gte: sql`>=`, lt: sql`<`, lte: sql`<=` };

function columnSql(column: Column): Sql {
  const hidden = hiddenName(column);
  return hidden === undefined ? nameOf(column) : trusted(hidden);
}

const textParameter = (value: string): Parameter => ({ value, type: VARCHAR });

/** SQL that is TRUE exactly where the filter matches; it may be NULL elsewhere. */
export function filterSql(filter: CheckedFilter): Sql {
  switch (filter.kind) {
    case 'and':
      return filter.filters.length === 0 ? sql`TRUE` : sql`(${joinSql(filter.filters.map(filterSql), ' AND ')})`;
    case 'or':
      return filter.filters.length === 0 ? sql`FALSE` : sql`(${joinSql(filter.filters.map(filterSql), ' OR ')})`;
    case 'not':
      return sql`((${filterSql(filter.filter)}) IS NOT TRUE)`;
    case 'compare': {
      const value = parameter(filter.column, filter.cell);
      if (filter.operator === 'eq') return equalSql(filter.column, value);
      return sql`${columnSql(filter.column)} ${OPERATOR[filter.operator]} ${value}`;
    }
    case 'in':
      return inSql(filter);
    case 'isNull':
      return filter.isNull ? sql`${columnSql(filter.column)} IS NULL` : sql`${columnSql(filter.column)} IS NOT NULL`;
    case 'text':
      return textSql(nameOf(filter.column), filter.operator, textParameter(filter.text));
    case 'pattern': {
      const { kind, value } = patternSql(filter.pattern);
      const [name, text] = [nameOf(filter.column), textParameter(value)];
      if (kind === 'regexp') return sql`regexp_full_match(${name}, ${text})`;
      return kind === 'like' ? sql`${name} LIKE ${text}` : sql`${name} = ${text}`;
    }
    default:
      return unreachable(filter);
  }
}

/**
 * SQL for a column being equal to a value. Files that were written with DuckDB's bloom filters (Tidemark writes none)
 * lose rows to `=` and `IN`: DuckDB 1.5.6 hashes the displayed form of a BLOB, and tells 0.0 from -0.0. Comparisons of
 * another kind look at no bloom filter. test/engine/bloom-filters.test.ts says when DuckDB no longer needs this.
 */
export function equalSql(column: Column, value: Parameter): Sql {
  const name = columnSql(column);
  return missesRows(column) ? sql`(${name} >= ${value} AND ${name} <= ${value})` : sql`${name} = ${value}`;
}

function missesRows({ type }: Column): boolean {
  return type === 'BINARY' || type === 'FLOAT' || type === 'DOUBLE';
}

function inSql({ column, cells, negated }: Extract<CheckedFilter, { kind: 'in' }>): Sql {
  const name = columnSql(column);
  const values = cells.map((cell) => ({ cell, value: parameter(column, cell) }));
  const [first] = values;
  if (first === undefined) return negated ? sql`${name} IS NOT NULL` : sql`FALSE`;
  const list = joinSql(values.map(({ value }) => sql`${value}`));
  if (negated) return sql`${name} NOT IN (${list})`;
  const test = sql`${name} IN (${list})`;
  if (!missesRows(column)) return test;
  // As equalSql: the least and the greatest leave files' row groups unread, and the list is not looked up in bloom filters.
  const sorted = [...values].sort((left, right) => compareCells(left.cell, right.cell));
  const [least = first] = sorted;
  const greatest = sorted.at(-1) ?? first;
  return sql`(${name} >= ${least.value} AND ${name} <= ${greatest.value} AND (${test}) IS NOT DISTINCT FROM TRUE)`;
}

function textSql(name: Sql, operator: Exclude<TextOperator, 'like' | 'ilike'>, text: Parameter): Sql {
  switch (operator) {
    case 'contains':
      return sql`contains(${name}, ${text})`;
    case 'startsWith':
      return sql`starts_with(${name}, ${text})`;
    case 'endsWith':
      return sql`ends_with(${name}, ${text})`;
    default:
      return unreachable(operator);
  }
}
