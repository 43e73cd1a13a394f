/** The parts of operations on rows, checked against the columns of the table. */
import { checkRows, type RowForm } from '../../../model/rows.ts';
import type { Cells, TableSchema } from '../../../model/types.ts';
import { type CheckedFilter, checkFilter, type Filter } from '../../../read/scan/filter.ts';
import { checkBatchSize } from '../prepare.ts';

export interface GivenRows {
  readonly rows: readonly unknown[];
  /** Which names the rows use; the columns' own where absent. */
  readonly form?: RowForm | undefined;
}

/** The whole table is no filter at all. */
export function filterOf(schema: TableSchema, where: Filter | undefined): CheckedFilter | undefined {
  if (where === undefined || (where.kind === 'and' && where.filters.length === 0)) return undefined;
  return checkFilter(schema, where);
}

export function rowsOf(schema: TableSchema, { rows, form = 'name' }: GivenRows): Cells[] {
  checkBatchSize(rows);
  return checkRows(schema, rows, form);
}
