/** Large batches become a data file before they are sequenced: rows that a client sent, or a Parquet file to import. */

import { randomBytes } from 'node:crypto';
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { RootBuilder } from '../encoding/proof.ts';
import type { ChangeFile, StagedFile } from '../log/entry.ts';
import { EngineError } from '../model/errors.ts';
import type { RowsProof } from '../model/history.ts';
import type { TableId } from '../model/ids.ts';
import { LIMITS } from '../model/limits.ts';
import type { Cells, Column, TableSchema } from '../model/types.ts';
import { fromDuck } from './cells.ts';
import { columnAt, type Duck, namedColumns, type Parameter, parquetSql, runOn } from './duckdb.ts';
import { addFileRows, newRoot } from './file-root.ts';
import type { DataFiles } from './files.ts';
import { checkImported, importSource } from './imported.ts';
import { CHUNK_ROWS, ChunkAppender, nextTurn, tableColumns } from './load-rows.ts';
import { tableDirectory, writeParquet } from './parquet.ts';
import { Slots } from './slots.ts';

export interface StagedImport {
  readonly file: StagedFile;
  readonly proof: RowsProof;
  /** The cells of the primary key columns of each row; empty where the table has no primary key. */
  readonly keys: readonly Cells[];
}

export class Staging {
  readonly #duck: Duck;
  readonly #files: DataFiles;
  readonly #dataDirectory: string;
  readonly #slots = new Slots({
    slots: LIMITS.stagingMax,
    waiting: {
      max: LIMITS.stagingQueueMax,
      limit: 'stagingQueueMax',
      retryAfterMs: 500,
      message: `stagingQueueMax: ${LIMITS.stagingQueueMax} tasks wait already`,
    },
  });
  #nextName = 1;

  constructor(duck: Duck, files: DataFiles, dataDirectory: string) {
    this.#duck = duck;
    this.#files = files;
    this.#dataDirectory = dataDirectory;
  }

  /**
   * Writes rows as a durable file of the table.
   * @throws EngineError STORAGE_FULL, OVERLOADED
   */
  async stageRows(tableId: TableId, schema: TableSchema, rows: readonly Cells[]): Promise<StagedFile> {
    return this.#slots.use(() =>
      this.#duck.withConnection(async (connection) => {
        const table = `stage_${this.#nextName}`;
        this.#nextName += 1;
        try {
          await connection.run(`CREATE TABLE ${table} (${tableColumns(schema.columns, false)})`);
          const appender = await ChunkAppender.open(connection, table, schema.columns, false);
          try {
            for (let start = 0; start < rows.length; start += CHUNK_ROWS) {
              appender.append(rows, start, Math.min(start + CHUNK_ROWS, rows.length));
              await nextTurn();
            }
          } finally {
            appender.close();
          }
          return await this.#write(connection, tableId, schema, { sql: `SELECT *, rowid AS _position FROM ${table}` });
        } finally {
          await connection.run(`DROP TABLE IF EXISTS ${table}`);
        }
      }),
    );
  }

  /** `select` yields the columns under their generated names, and `_position`, which gives their order. */
  async #write(
    connection: DuckDBConnection,
    tableId: TableId,
    schema: TableSchema,
    select: { readonly sql: string; readonly parameters?: readonly Parameter[] },
  ): Promise<StagedFile> {
    const sql = `SELECT ${namedColumns(schema.columns)} FROM (${select.sql}) ORDER BY _position`;
    const { spans: _, ...file } = await writeParquet(
      connection,
      { dataDirectory: this.#dataDirectory, tableId },
      { sql, parameters: select.parameters ?? [] },
      { columns: schema.columns, hidden: 'none' },
    );
    this.#files.written(file.name);
    return file;
  }

  #path(tableId: TableId, file: StagedFile): string {
    return join(tableDirectory({ dataDirectory: this.#dataDirectory, tableId }), file.name);
  }

  async #proof(connection: DuckDBConnection, { columns }: TableSchema, path: string, rowCount: number): Promise<RowsProof> {
    const root = newRoot(columns);
    await addFileRows(root, connection, path, { columns, position: 'file_row_number', lo: 0, hi: rowCount - 1 });
    return root.finish();
  }

  /**
   * Writes new versions of rows as a durable file of the table; `rowIds` ascend.
   * @throws EngineError STORAGE_FULL, OVERLOADED
   */
  async stageVersions(tableId: TableId, schema: TableSchema, rows: readonly Cells[], rowIds: readonly number[]): Promise<ChangeFile> {
    return this.#slots.use(() =>
      this.#duck.withConnection(async (connection) => {
        const table = `stage_${this.#nextName}`;
        this.#nextName += 1;
        try {
          await connection.run(`CREATE TABLE ${table} (${tableColumns(schema.columns, true)})`);
          const appender = await ChunkAppender.open(connection, table, schema.columns, true);
          try {
            for (let start = 0; start < rows.length; start += CHUNK_ROWS) {
              appender.append(rows, start, Math.min(start + CHUNK_ROWS, rows.length), (index) => ({
                row: rowIds[index] as number,
                from: 0,
              }));
              await nextTurn();
            }
          } finally {
            appender.close();
          }
          const sql = `SELECT ${namedColumns(schema.columns)}, _row FROM ${table} ORDER BY _row`;
          return await this.writeVersions(connection, tableId, schema, { sql });
        } finally {
          await connection.run(`DROP TABLE IF EXISTS ${table}`);
        }
      }),
    );
  }

  /** The same of what a SELECT yields: the columns in their order, then `_row`, by which it is sorted. */
  async writeVersions(
    connection: DuckDBConnection,
    tableId: TableId,
    schema: TableSchema,
    select: { readonly sql: string; readonly parameters?: readonly Parameter[] },
  ): Promise<ChangeFile> {
    const place = { dataDirectory: this.#dataDirectory, tableId };
    const { spans, ...file } = await writeParquet(connection, place, select, { columns: schema.columns, hidden: 'row' });
    this.#files.written(file.name);
    return { file, kind: 'versions', rowLo: spans.rowLo, rowHi: spans.rowHi };
  }

  /** Adds the rows of a file of versions to a root. */
  addVersions(
    root: RootBuilder,
    connection: DuckDBConnection,
    tableId: TableId,
    schema: TableSchema,
    { file, rowLo, rowHi }: ChangeFile,
  ): Promise<void> {
    return addFileRows(root, connection, this.#path(tableId, file), { columns: schema.columns, position: '_row', lo: rowLo, hi: rowHi });
  }

  /** Takes a file away that no entry names. */
  remove(tableId: TableId, file: StagedFile): Promise<void> {
    return this.#files.removeNamed(tableId, file.name);
  }

  /**
   * Copies a Parquet file's rows, in their order, as a durable file of the table. Columns go by name; only conversions
   * that lose nothing are made, a column that the file lacks takes its default.
   * @throws EngineError SCHEMA_MISMATCH, INVALID_ROW, LIMIT_EXCEEDED, BAD_USER_INPUT (no such file), STORAGE_FULL
   */
  async importParquet(tableId: TableId, schema: TableSchema, sourcePath: string): Promise<StagedImport> {
    return this.#slots.use(async () => {
      // DuckDB may read the data directory only, so the source is copied in first.
      const local = join(this.#dataDirectory, 'tmp', `${randomBytes(16).toString('hex')}.import`);
      try {
        await copyFile(sourcePath, local).catch((error: unknown) => {
          throw new EngineError('BAD_USER_INPUT', `cannot read ${sourcePath}: ${(error as Error).message}`, { cause: error });
        });
        return await this.#duck.withConnection((connection) => this.#importLocal(connection, tableId, schema, local));
      } finally {
        await rm(local, { force: true });
      }
    });
  }

  async #importLocal(connection: DuckDBConnection, tableId: TableId, schema: TableSchema, local: string): Promise<StagedImport> {
    const source = await importSource(connection, schema.columns, local);
    await checkImported(connection, schema.columns, source);
    const file = await this.#write(connection, tableId, schema, source);
    const path = this.#path(tableId, file);
    if (schema.primaryKey.length === 0) return { file, proof: await this.#proof(connection, schema, path, file.rowCount), keys: [] };
    if (file.rowCount > LIMITS.importKeysMax) {
      await rm(path, { force: true });
      throw new EngineError(
        'LIMIT_EXCEEDED',
        `importKeysMax: ${file.rowCount} rows with a primary key are more than ${LIMITS.importKeysMax}`,
        {
          details: { limit: 'importKeysMax', maximum: LIMITS.importKeysMax, actual: file.rowCount },
          hint: 'Split the file.',
        },
      );
    }
    const keyColumns = schema.primaryKey.map((name) => schema.columns.find((column) => column.name === name) as Column);
    const names = keyColumns.map((column) => `src.${columnAt(schema.columns.indexOf(column))}`).join(', ');
    const scan = parquetSql([path], schema.columns);
    const result = await runOn(connection, `SELECT ${names} FROM ${scan} ORDER BY src.file_row_number`, [], {});
    const rows = await result.getRows();
    const proof = await this.#proof(connection, schema, path, file.rowCount);
    return { file, proof, keys: rows.map((row) => keyColumns.map((column, at) => fromDuck(column, row[at] ?? null))) };
  }
}
