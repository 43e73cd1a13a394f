/** Aggregates over the whole filter: count, sum, avg, min, max, countDistinct. groups.ts computes the same by group. */
import type { DuckDBValue } from '@duckdb/node-api';
import { fromDuck } from '../../data/cells.ts';
import type { QueryOptions } from '../../data/duckdb.ts';
import { EngineError, unreachable } from '../../model/errors.ts';
import { columnNamed } from '../../model/schema.ts';
import { type Cell, type Column, isGroupable, isNumeric, isOrdered, type TableSchema } from '../../model/types.ts';
import { toWire, type ValueType } from '../../model/values.ts';
import { isWideDecimal, readMean, readSum, sumPartsSql } from '../scan/decimal-sums.ts';
import { checkFilter, type Filter, withFilterColumns } from '../scan/filter.ts';
import type { Scanner } from '../scan/scanner.ts';
import { joinSql, nameOf, type Sql, sql, where } from '../scan/sql.ts';
import type { PageTarget } from './page.ts';

export const AGGREGATE_FUNCTIONS = ['COUNT', 'COUNT_DISTINCT', 'SUM', 'AVG', 'MIN', 'MAX'] as const;
export type AggregateFunction = (typeof AGGREGATE_FUNCTIONS)[number];

export interface AggregateTerm {
  readonly function: AggregateFunction;
  /** Absent only for COUNT, which then counts rows; COUNT of a column counts its values that are not null. */
  readonly column?: string | null | undefined;
}

export interface AggregateQuery {
  readonly where?: Filter | undefined;
  readonly terms: readonly AggregateTerm[];
}

/** A term whose column is checked: as SQL, and from DuckDB's value to the wire form. */
export interface CheckedTerm {
  readonly sql: Sql;
  readonly column: Column | undefined;
  readonly read: (value: DuckDBValue) => unknown;
}

/** Whether a function fits a column. */
export function aggregateFits(name: AggregateFunction, column: Column): boolean {
  switch (name) {
    case 'COUNT':
      return true;
    case 'COUNT_DISTINCT':
      return isGroupable(column.type);
    case 'SUM':
    case 'AVG':
      return isNumeric(column.type);
    case 'MIN':
    case 'MAX':
      return isOrdered(column.type) && column.type !== 'BOOLEAN' && column.type !== 'BINARY';
    default:
      return unreachable(name);
  }
}

const count = (value: DuckDBValue): number => Number(value);
const finite = (value: DuckDBValue): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null);

/** @throws EngineError COLUMN_NOT_FOUND, BAD_USER_INPUT */
export function checkTerm(schema: TableSchema, { function: name, column: columnName }: AggregateTerm): CheckedTerm {
  if (columnName == null) {
    if (name !== 'COUNT') throw new EngineError('BAD_USER_INPUT', `${name} needs a column`);
    return { sql: sql`count(*)`, column: undefined, read: count };
  }
  const column = columnNamed(schema, columnName, name);
  if (!aggregateFits(name, column))
    throw new EngineError('BAD_USER_INPUT', `${name} does not fit column ${columnName}, which is ${column.type}`);
  const value = nameOf(column);
  const isFloat = column.type === 'FLOAT' || column.type === 'DOUBLE';
  switch (name) {
    case 'COUNT':
      return { sql: sql`count(${value})`, column, read: count };
    case 'COUNT_DISTINCT':
      return { sql: sql`count(DISTINCT ${value})`, column, read: count };
    case 'SUM':
      // Compensated, so that the answer does not depend on how threads share the work.
      if (isFloat) return { sql: sql`fsum(${value})`, column, read: finite };
      if (isWideDecimal(column)) return { sql: sumPartsSql(value, column), column, read: (sum) => readSum(sum, column) };
      return { sql: sql`sum(${value})`, column, read: (sum) => toWireAs(sumType(column), sum) };
    case 'AVG':
      if (isWideDecimal(column)) return { sql: sumPartsSql(value, column), column, read: (sum) => readMean(sum, column) };
      return { sql: isFloat ? sql`favg(${value})` : sql`avg(${value})`, column, read: finite };
    case 'MIN':
    case 'MAX':
      return { sql: name === 'MIN' ? sql`min(${value})` : sql`max(${value})`, column, read: (found) => toWireAs(column, found) };
    default:
      return unreachable(name);
  }
}

function sumType(column: Column): ValueType {
  return column.type === 'DECIMAL'
    ? { type: 'DECIMAL', precision: 38, scale: column.scale }
    : { type: 'LONG', precision: null, scale: null };
}

function toWireAs(type: ValueType, value: DuckDBValue): unknown {
  return value === null ? null : toWire(type, fromDuck(type, value) as Cell);
}

/**
 * The values of the terms over all rows that match, in wire form: counts as numbers, a sum of longs as text.
 * @throws EngineError COLUMN_NOT_FOUND, BAD_USER_INPUT, LIMIT_EXCEEDED and those of Scanner.scan
 */
export async function readAggregate(
  scanner: Scanner,
  target: PageTarget,
  query: AggregateQuery,
  options: QueryOptions,
): Promise<readonly unknown[]> {
  const { schema } = target;
  const terms = query.terms.map((term) => checkTerm(schema, term));
  const filter = query.where === undefined ? undefined : checkFilter(schema, query.where);
  const select = terms.length === 0 ? sql`count(*)` : joinSql(terms.map((term) => term.sql));
  const touched = terms.flatMap((term) => (term.column === undefined ? [] : [term.column]));
  const [values] = await scanner.scan(
    {
      tableId: target.tableId,
      visibility: { kind: 'visible', at: target.snapshotId },
      filter,
      columns: withFilterColumns(touched, filter),
      hidden: 'none',
      statement: (relation, matching) => sql`SELECT ${select} FROM ${relation}${where(matching)}`,
    },
    options,
  );
  return terms.map((term, at) => term.read(values?.[at] ?? null));
}
