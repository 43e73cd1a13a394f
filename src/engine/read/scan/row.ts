/** A row as reads give it, and how it is read: two hidden columns, then those that are asked for. */
import type { DuckDBValue } from '@duckdb/node-api';
import { fromDuck } from '../../data/cells.ts';
import { asRowId, asSnapshotId, type RowId, type SnapshotId } from '../../model/ids.ts';
import type { Cell, Column } from '../../model/types.ts';
import { joinSql, nameOf, type Sql, sql } from './sql.ts';

/** One version of one row, the cells of the page's columns in their order. */
export interface Row {
  readonly rowId: RowId;
  /** The snapshot that created this version. */
  readonly fromSnapshotId: SnapshotId;
  readonly cells: readonly Cell[];
}

/** What a SELECT of rows lists. */
export function versionTerms(columns: readonly Column[]): Sql {
  return joinSql([sql`_row, _from`, ...columns.map(nameOf)]);
}

/** Rows of a result that lists `versionTerms`. */
export function rowsOf(columns: readonly Column[], values: readonly (readonly DuckDBValue[])[]): Row[] {
  return values.map((row) => ({
    rowId: asRowId(Number(row[0])),
    fromSnapshotId: asSnapshotId(Number(row[1])),
    cells: columns.map((column, at) => fromDuck(column, row[at + 2] ?? null)),
  }));
}
