/** orderBy: columns with directions, made total by the row's identity; and the place in it that a cursor marks. */
import { parameter } from '../../data/cells.ts';
import { crc32c } from '../../encoding/crc32c.ts';
import { EngineError } from '../../model/errors.ts';
import { LIMITS, limitExceeded } from '../../model/limits.ts';
import { columnNamed } from '../../model/schema.ts';
import { type Cell, type Column, isOrdered, type TableSchema } from '../../model/types.ts';
import { equalSql } from './filter-sql.ts';
import { joinSql, nameOf, type Sql, sql, trusted } from './sql.ts';

/** ASC puts nulls last, DESC first. */
export type Direction = 'ASC' | 'DESC' | 'ASC_NULLS_FIRST' | 'DESC_NULLS_LAST';

export interface Order {
  readonly column: string;
  readonly direction: Direction;
}

interface Term {
  readonly column: Column;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

/** A checked order; no terms means insertion order. */
export interface CheckedOrder {
  readonly terms: readonly Term[];
  /** Tells cursors of one order from those of another. */
  readonly hash: number;
}

/** @throws EngineError COLUMN_NOT_FOUND, BAD_USER_INPUT, LIMIT_EXCEEDED */
export function checkOrder(schema: TableSchema, orders: readonly Order[]): CheckedOrder {
  if (orders.length > LIMITS.orderColumnsMax)
    throw limitExceeded('orderColumnsMax', LIMITS.orderColumnsMax, orders.length, 'Order by fewer columns.');
  const terms = orders.map(({ column: name, direction }): Term => {
    const column = columnNamed(schema, name, 'orderBy');
    if (!isOrdered(column.type))
      throw new EngineError('BAD_USER_INPUT', `orderBy: a ${column.type} column has no order`, { details: { column: name } });
    return { column, descending: direction.startsWith('DESC'), nullsFirst: direction === 'DESC' || direction === 'ASC_NULLS_FIRST' };
  });
  const text = terms.map(({ column, descending, nullsFirst }) => {
    const { fieldId, type, precision } = column;
    // The types too: a cursor holds values, and reads them back by the types of the columns.
    return `${fieldId}${descending ? 'd' : 'a'}${nullsFirst ? 'f' : 'l'}${type}${precision ?? ''}`;
  });
  return { terms, hash: crc32c(Buffer.from(text.join(','))) };
}

export function orderSql({ terms }: CheckedOrder, backward: boolean): Sql {
  const list = terms.map(({ column, descending, nullsFirst }) => {
    const direction = descending !== backward ? 'DESC' : 'ASC';
    return sql`${nameOf(column)} ${trusted(direction)} NULLS ${trusted(nullsFirst !== backward ? 'FIRST' : 'LAST')}`;
  });
  list.push(backward ? sql`_row DESC` : sql`_row ASC`);
  return joinSql(list);
}

/** A place in an order: the order cells of a row, and its identity. */
export interface OrderPlace {
  readonly cells: readonly Cell[];
  readonly row: number;
}

/** SQL for the rows strictly after (or before) a place. */
export function beyondSql({ terms }: CheckedOrder, place: OrderPlace, side: 'after' | 'before'): Sql {
  const alternatives: Sql[] = [];
  const equal: Sql[] = [];
  terms.forEach((term, at) => {
    const cell = place.cells[at] ?? null;
    const name = nameOf(term.column);
    const nullsBeyond = term.nullsFirst === (side === 'before');
    if (cell === null) {
      if (!nullsBeyond) alternatives.push(joinSql([...equal, sql`${name} IS NOT NULL`], ' AND '));
      equal.push(sql`${name} IS NULL`);
      return;
    }
    const value = parameter(term.column, cell);
    const greater = term.descending === (side === 'before');
    const beyond = greater ? sql`${name} > ${value}` : sql`${name} < ${value}`;
    alternatives.push(joinSql([...equal, nullsBeyond ? sql`(${beyond} OR ${name} IS NULL)` : beyond], ' AND '));
    equal.push(equalSql(term.column, value));
  });
  const byRow = side === 'after' ? sql`_row > ${place.row}` : sql`_row < ${place.row}`;
  alternatives.push(joinSql([...equal, byRow], ' AND '));
  return sql`(${joinSql(
    alternatives.map((alternative) => sql`(${alternative})`),
    ' OR ',
  )})`;
}
