/** Rows into a DuckDB table through the appender, a bounded number in each turn of the event loop. */
import { BIGINT, type DuckDBAppender, type DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api';
import type { Cells, Column } from '../model/types.ts';
import { duckType, sqlType, toDuck } from './cells.ts';
import { columnAt } from './duckdb.ts';

/** Field ids of the hidden columns in Parquet files, out of reach of a table's own. */
export const ROW_FIELD_ID = 1_000_000_001;
export const FROM_FIELD_ID = 1_000_000_002;
export const TO_FIELD_ID = 1_000_000_004;

/** DuckDB's vector size: the most rows that one chunk holds. */
export const CHUNK_ROWS = 2048;

/** The column list of a table that holds rows: the columns under their generated names, and the hidden ones where asked. */
export function tableColumns(columns: readonly Column[], hidden: boolean): string {
  const list = columns.map((column, at) => `${columnAt(at)} ${sqlType(column)}`);
  if (hidden) list.push('_row BIGINT', '_from BIGINT');
  return list.join(', ');
}

export interface HiddenCells {
  readonly row: number;
  readonly from: number;
}

/** Appends chunks to one table; `flush` makes what was appended visible. */
export class ChunkAppender {
  readonly #appender: DuckDBAppender;
  readonly #columns: readonly Column[];
  readonly #hidden: boolean;

  private constructor(appender: DuckDBAppender, columns: readonly Column[], hidden: boolean) {
    this.#appender = appender;
    this.#columns = columns;
    this.#hidden = hidden;
  }

  static async open(connection: DuckDBConnection, table: string, columns: readonly Column[], hidden: boolean): Promise<ChunkAppender> {
    return new ChunkAppender(await connection.createAppender(table), columns, hidden);
  }

  /** At most CHUNK_ROWS rows. `hiddenOf` gives the hidden cells of the row at an index, where the table has them. */
  append(rows: readonly Cells[], start: number, end: number, hiddenOf?: (index: number) => HiddenCells): void {
    const types = this.#columns.map(duckType);
    if (this.#hidden) types.push(BIGINT, BIGINT);
    const chunk = DuckDBDataChunk.create(types, end - start);
    this.#columns.forEach((column, at) => {
      const values = new Array(end - start);
      for (let index = start; index < end; index += 1) values[index - start] = toDuck(column, (rows[index] as Cells)[at] ?? null);
      chunk.setColumnValues(at, values);
    });
    if (this.#hidden && hiddenOf !== undefined) {
      const row = new Array(end - start);
      const from = new Array(end - start);
      for (let index = start; index < end; index += 1) {
        const hidden = hiddenOf(index);
        row[index - start] = BigInt(hidden.row);
        from[index - start] = BigInt(hidden.from);
      }
      chunk.setColumnValues(this.#columns.length, row);
      chunk.setColumnValues(this.#columns.length + 1, from);
    }
    this.#appender.appendDataChunk(chunk);
  }

  flush(): void {
    this.#appender.flushSync();
  }

  close(): void {
    this.#appender.closeSync();
  }
}

/** Lets other work of the event loop run. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
