/** Merkle roots over the rows of files (encoding/proof.ts), read back in bounded windows. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { newSeed, RootBuilder } from '../encoding/proof.ts';
import type { Column } from '../model/types.ts';
import { fromDuck } from './cells.ts';
import { columnAt, parquetSql, runOn } from './duckdb.ts';
import { nextTurn } from './load-rows.ts';
import { WINDOW_ROWS } from './windows.ts';

/** Adds a file's rows to a root, in the order of `position`, which goes from `lo` to `hi` without being dense. */
export async function addFileRows(
  root: RootBuilder,
  connection: DuckDBConnection,
  path: string,
  {
    columns,
    position,
    lo,
    hi,
  }: { readonly columns: readonly Column[]; readonly position: 'file_row_number' | '_row'; readonly lo: number; readonly hi: number },
): Promise<void> {
  const names = columns.map((_, at) => `src.${columnAt(at)}`).join(', ');
  const parquet = parquetSql([path], columns);
  for (let start = lo; start <= hi; start += WINDOW_ROWS) {
    const window = `src.${position} >= ${start} AND src.${position} < ${start + WINDOW_ROWS}`;
    const result = await runOn(connection, `SELECT ${names} FROM ${parquet} WHERE ${window} ORDER BY src.${position}`, [], {});
    for (const chunk of await result.fetchAllChunks()) {
      for (const row of chunk.getRows()) root.add(columns.map((column, at) => fromDuck(column, row[at] ?? null)));
      await nextTurn();
    }
  }
}

export function newRoot(columns: readonly Column[]): RootBuilder {
  return new RootBuilder(newSeed(), columns);
}
