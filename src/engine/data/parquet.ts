/**
 * Parquet files: written to tmp/, synced, hashed, renamed to their place, and the folder synced; DuckDB's COPY syncs
 * nothing itself. A file is durable before anything names it (invariant 1).
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { StagedFile } from '../log/entry.ts';
import type { ColumnBounds } from '../model/history.ts';
import type { TableId } from '../model/ids.ts';
import { storageError } from '../model/storage-error.ts';
import type { Cell, Column } from '../model/types.ts';
import { isOrdered } from '../model/types.ts';
import { fromDuck } from './cells.ts';
import { columnAt, type Parameter, parquetSql, runOn, sqlName, sqlString } from './duckdb.ts';
import { FROM_FIELD_ID, ROW_FIELD_ID, TO_FIELD_ID } from './load-rows.ts';

/** Rows in a row group: small enough for a page to read little, large enough for scans. */
const ROW_GROUP_ROWS = 65_536;
/** DuckDB's bloom filters lose rows (see equalSql in read/scan/filter-sql.ts), so files have none. */
const FORMAT = `FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${ROW_GROUP_ROWS}, WRITE_BLOOM_FILTER false`;
/** Text and binary bounds are kept up to this many characters or bytes. */
const BOUND_LENGTH_MAX = 64;

export interface ParquetPlace {
  readonly dataDirectory: string;
  readonly tableId: TableId;
}

/** Which hidden columns a file has: staged ones none, new versions `_row`, living ones `_from` too, history `_to` too. */
export type HiddenColumns = 'none' | 'row' | 'from' | 'to';

/** What the hidden columns span, 0 for those that the file does not have. */
interface Spans {
  readonly rowLo: number;
  readonly rowHi: number;
  readonly fromLo: number;
  readonly fromHi: number;
  readonly toLo: number;
  readonly toHi: number;
}

export interface WrittenFile extends StagedFile {
  readonly spans: Spans;
}

const HIDDEN_COLUMNS: Readonly<Record<HiddenColumns, readonly (readonly [string, number])[]>> = {
  none: [],
  row: [['_row', ROW_FIELD_ID]],
  from: [
    ['_row', ROW_FIELD_ID],
    ['_from', FROM_FIELD_ID],
  ],
  to: [
    ['_row', ROW_FIELD_ID],
    ['_from', FROM_FIELD_ID],
    ['_to', TO_FIELD_ID],
  ],
};

export function tableDirectory({ dataDirectory, tableId }: ParquetPlace): string {
  return join(dataDirectory, 'data', String(tableId));
}

/**
 * Writes what a SELECT yields as one durable data file.
 * `columns` are the SELECT's columns in order, under their own names; the hidden ones follow them.
 * @throws EngineError STORAGE_FULL
 */
export async function writeParquet(
  connection: DuckDBConnection,
  place: ParquetPlace,
  select: { readonly sql: string; readonly parameters?: readonly Parameter[] },
  { columns, hidden }: { readonly columns: readonly Column[]; readonly hidden: HiddenColumns },
): Promise<WrittenFile> {
  const name = `${randomBytes(16).toString('hex')}.parquet`;
  const staged = join(place.dataDirectory, 'tmp', name);
  const fieldIds = columns.map((column) => `${sqlName(column.name)}: ${column.fieldId}`);
  for (const [name_, id] of HIDDEN_COLUMNS[hidden]) fieldIds.push(`${name_}: ${id}`);
  try {
    await runOn(
      connection,
      `COPY (${select.sql}) TO ${sqlString(staged)} (${FORMAT}, FIELD_IDS {${fieldIds.join(', ')}})`,
      select.parameters ?? [],
      {},
    );
    await syncFile(staged);
    const sha256 = await hashFile(staged);
    const facts = await readFacts(connection, staged, columns, hidden);
    const target = join(tableDirectory(place), name);
    await mkdir(dirname(target), { recursive: true });
    await rename(staged, target);
    await syncDirectory(dirname(target));
    await syncDirectory(dirname(dirname(target)));
    return { name, sizeBytes: (await stat(target)).size, sha256, ...facts };
  } catch (error) {
    await rm(staged, { force: true });
    throw storageError(error);
  }
}

async function readFacts(
  connection: DuckDBConnection,
  path: string,
  columns: readonly Column[],
  hidden: HiddenColumns,
): Promise<Pick<WrittenFile, 'rowCount' | 'bounds' | 'spans'>> {
  const ordered = columns.filter((column) => isOrdered(column.type));
  const terms = ['count(*)'];
  for (const column of ordered) {
    const name = `src.${columnAt(columns.indexOf(column))}`;
    const bounded =
      column.type === 'STRING' || column.type === 'BINARY' ? boundedTerms(name, column.type) : [`min(${name})`, `max(${name})`];
    terms.push(`count(${name})`, ...bounded);
  }
  for (const [name] of HIDDEN_COLUMNS[hidden]) terms.push(`min(src.${name})`, `max(src.${name})`);
  const result = await runOn(connection, `SELECT ${terms.join(', ')} FROM ${parquetSql([path], columns)}`, [], {});
  const [row = []] = await result.getRows();
  const rowCount = Number(row[0]);
  const bounds = ordered.map((column, index): ColumnBounds => {
    const at = 1 + index * 3;
    return {
      fieldId: column.fieldId,
      nullCount: rowCount - Number(row[at]),
      min: finiteBound(column, fromDuck(column, row[at + 1] ?? null)),
      max: finiteBound(column, fromDuck(column, row[at + 2] ?? null)),
    };
  });
  const at = 1 + ordered.length * 3;
  const span = (offset: number): number => Number(row[at + offset] ?? 0);
  const spans = { rowLo: span(0), rowHi: span(1), fromLo: span(2), fromHi: span(3), toLo: span(4), toHi: span(5) };
  return { rowCount, bounds, spans };
}

/** A cut minimum is still a lower bound; a maximum is kept only whole. */
function boundedTerms(name: string, type: 'STRING' | 'BINARY'): string[] {
  const length = type === 'STRING' ? 'length' : 'octet_length';
  const keep = (term: string): string => `CASE WHEN ${length}(${term}) <= ${BOUND_LENGTH_MAX} THEN ${term} END`;
  return [type === 'STRING' ? `left(min(${name}), ${BOUND_LENGTH_MAX})` : keep(`min(${name})`), keep(`max(${name})`)];
}

/** NaN is above everything, so a column that has it is unbounded above; infinities bound nothing either. */
function finiteBound(column: Column, cell: Cell): Cell {
  return (column.type === 'FLOAT' || column.type === 'DOUBLE') && !Number.isFinite(cell) ? null : cell;
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

const HASH_CHUNK_BYTES = 1024 * 1024;

/** SHA-256 of a file, hex, read a megabyte at a time. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(HASH_CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}
