/** Large batches become a data file before they are sequenced: rows that a client sent, or a Parquet file to import. */

import { randomBytes } from 'node:crypto';
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { ChangeFile, StagedFile } from '../log/entry.ts';
import { EngineError } from '../model/errors.ts';
import type { RowsProof } from '../model/history.ts';
import type { TableId } from '../model/ids.ts';
import { LIMITS } from '../model/limits.ts';
import type { RootBuilder } from '../model/proof.ts';
import type { Cells, Column, TableSchema } from '../model/types.ts';
import { toWire } from '../model/values.ts';
import { fromDuck, sqlType } from './cells.ts';
import { type Duck, type Parameter, parquetSql, runOn, sqlName, sqlString } from './duckdb.ts';
import { addFileRows, newRoot } from './file-root.ts';
import type { DataFiles } from './files.ts';
import { CHUNK_ROWS, ChunkAppender, hidesVirtual, nextTurn, positionColumn, tableColumns } from './load-rows.ts';
import { tableDirectory, writeParquet } from './parquet.ts';
import { Semaphore } from './semaphore.ts';

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
  readonly #slots = new Semaphore(LIMITS.stagingMax, LIMITS.stagingQueueMax, 'stagingQueueMax');
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
    return this.#slots.with(() =>
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
          return await this.#write(connection, tableId, schema, `SELECT *, rowid AS _position FROM ${table}`);
        } finally {
          await connection.run(`DROP TABLE IF EXISTS ${table}`);
        }
      }),
    );
  }

  /** `select` yields the columns and `_position`, which gives their order. */
  async #write(connection: DuckDBConnection, tableId: TableId, schema: TableSchema, select: string): Promise<StagedFile> {
    const names = schema.columns.map((column) => sqlName(column.name));
    if (hidesVirtual(schema.columns)) names.push('_position');
    const ordered = `SELECT ${names.join(', ')} FROM (${select}) ORDER BY _position`;
    const { spans: _, ...file } = await writeParquet(
      connection,
      { dataDirectory: this.#dataDirectory, tableId },
      { sql: ordered },
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
    await addFileRows(root, connection, path, { columns, position: positionColumn(columns), lo: 0, hi: rowCount - 1 });
    return root.finish();
  }

  /**
   * Writes new versions of rows as a durable file of the table; `rowIds` ascend.
   * @throws EngineError STORAGE_FULL, OVERLOADED
   */
  async stageVersions(tableId: TableId, schema: TableSchema, rows: readonly Cells[], rowIds: readonly number[]): Promise<ChangeFile> {
    return this.#slots.with(() =>
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
          const names = schema.columns.map((column) => sqlName(column.name)).join(', ');
          return await this.writeVersions(connection, tableId, schema, { sql: `SELECT ${names}, _row FROM ${table} ORDER BY _row` });
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
    return this.#slots.with(async () => {
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
    const parquet = parquetSql([local]);
    const found = await sourceColumns(connection, parquet);
    const position = hidesVirtual([...found.keys()].map((name) => ({ name }))) ? '(row_number() OVER () - 1)' : 'file_row_number';
    const source = `(SELECT *, ${position} AS _position FROM ${parquet})`;
    const terms = schema.columns.map((column) => importTerm(column, found));
    for (const name of found.keys()) {
      if (!schema.columns.some((column) => column.name === name))
        throw mismatch(`the file has a column ${name} that the table lacks`, name);
    }
    await checkImported(connection, schema.columns, `SELECT ${terms.join(', ')}, _position AS _n FROM ${source}`);
    const file = await this.#write(connection, tableId, schema, `SELECT ${terms.join(', ')}, _position FROM ${source}`);
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
    const names = keyColumns.map((column) => sqlName(column.name)).join(', ');
    const result = await runOn(connection, `SELECT ${names} FROM ${parquetSql([path])} ORDER BY ${positionColumn(schema.columns)}`, [], {});
    const rows = await result.getRows();
    const proof = await this.#proof(connection, schema, path, file.rowCount);
    return { file, proof, keys: rows.map((row) => keyColumns.map((column, at) => fromDuck(column, row[at] ?? null))) };
  }
}

async function sourceColumns(connection: DuckDBConnection, source: string): Promise<Map<string, string>> {
  let rows: readonly (readonly unknown[])[];
  try {
    rows = await (await runOn(connection, `DESCRIBE SELECT * FROM ${source}`, [], {})).getRows();
  } catch (error) {
    throw new EngineError('BAD_USER_INPUT', 'the file is not a Parquet file that can be read', { cause: error });
  }
  return new Map(rows.map((row) => [String(row[0]), String(row[1])]));
}

/** Source types whose every value fits each column type exactly. */
const EXACT: Readonly<Record<string, readonly string[]>> = {
  BOOLEAN: ['BOOLEAN'],
  INT: ['TINYINT', 'SMALLINT', 'INTEGER', 'UTINYINT', 'USMALLINT'],
  LONG: ['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'UTINYINT', 'USMALLINT', 'UINTEGER'],
  FLOAT: ['FLOAT'],
  DOUBLE: ['DOUBLE', 'FLOAT', 'TINYINT', 'SMALLINT', 'INTEGER', 'UTINYINT', 'USMALLINT', 'UINTEGER'],
  DATE: ['DATE'],
  TIME: ['TIME'],
  TIMESTAMP: ['TIMESTAMP', 'TIMESTAMP_S', 'TIMESTAMP_MS', 'DATE'],
  TIMESTAMPTZ: ['TIMESTAMP WITH TIME ZONE'],
  STRING: ['VARCHAR'],
  UUID: ['UUID'],
  BINARY: ['BLOB'],
  JSON: ['VARCHAR', 'JSON'],
};

function importTerm(column: Column, found: ReadonlyMap<string, string>): string {
  const type = found.get(column.name);
  const name = sqlName(column.name);
  if (type === undefined) {
    if (column.required && column.default === null) throw mismatch(`the file lacks the required column ${column.name}`, column.name);
    const wire = toWire(column, column.default);
    const literal =
      column.type === 'BINARY' && wire !== null
        ? `from_base64(${sqlString(String(wire))})`
        : wire === null
          ? 'NULL'
          : sqlString(typeof wire === 'string' ? wire : JSON.stringify(wire));
    return `CAST(${literal} AS ${sqlType(column)}) AS ${name}`;
  }
  if (!fitsExactly(column, type))
    throw mismatch(`column ${column.name}: the file has ${type}, which does not fit ${column.type} exactly`, column.name);
  return `CAST(${name} AS ${sqlType(column)}) AS ${name}`;
}

function fitsExactly(column: Column, type: string): boolean {
  if (column.type !== 'DECIMAL') return EXACT[column.type]?.includes(type) ?? false;
  const match = /^DECIMAL\((\d+),(\d+)\)$/.exec(type);
  if (match === null) return false;
  const [precision, scale] = [column.precision ?? 18, column.scale ?? 0];
  return Number(match[2]) <= scale && Number(match[1]) - Number(match[2]) <= precision - scale;
}

/** Rows that a type check cannot rule out: nulls in required columns, instants out of range, text that is no JSON. */
async function checkImported(connection: DuckDBConnection, columns: readonly Column[], select: string): Promise<void> {
  for (const column of columns) {
    const name = sqlName(column.name);
    const tests: string[] = [];
    if (column.required) tests.push(`${name} IS NULL`);
    if (column.type === 'DATE' || column.type === 'TIMESTAMP' || column.type === 'TIMESTAMPTZ') {
      const type = sqlType(column);
      tests.push(`${name} < CAST('0001-01-01' AS ${type})`, `${name} >= CAST('9999-12-31' AS ${type}) + INTERVAL 1 DAY`);
    }
    if (column.type === 'JSON') tests.push(`NOT json_valid(${name})`);
    if (tests.length === 0) continue;
    const result = await runOn(
      connection,
      `SELECT _n FROM (${select}) WHERE ${tests.map((test) => `(${test})`).join(' OR ')} ORDER BY _n LIMIT ${LIMITS.invalidRowsReported}`,
      [],
      {},
    );
    const rows = await result.getRows();
    if (rows.length === 0) continue;
    const reason = column.required ? 'is null or does not fit the column' : 'does not fit the column';
    throw new EngineError('INVALID_ROW', `row ${String(rows[0]?.[0])}, column ${column.name}: ${reason}`, {
      details: { rows: rows.map((row) => ({ index: Number(row[0]), column: column.name, reason })), invalidRows: rows.length },
      hint: 'Nothing of the file was kept.',
    });
  }
}

function mismatch(message: string, column: string): EngineError {
  return new EngineError('SCHEMA_MISMATCH', message, {
    details: { column },
    hint: 'The columns of the file go by name; their types must fit without loss.',
  });
}
