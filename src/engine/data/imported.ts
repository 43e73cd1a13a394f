/**
 * What an imported Parquet file may hold: each column of a type that fits without loss, and each value one that the API
 * would take too. Nothing is converted with loss (invariant 6).
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { EngineError } from '../model/errors.ts';
import { jsonFault } from '../model/json.ts';
import { LIMITS } from '../model/limits.ts';
import { MAX_TIME_MS, MICROS_PER_DAY, MIN_TIME_MS } from '../model/time-text.ts';
import type { Cell, Column } from '../model/types.ts';
import { parameter, sqlType } from './cells.ts';
import { columnAt, type Parameter, parquetSql, runOn } from './duckdb.ts';
import { nextTurn } from './load-rows.ts';

interface SourceColumn {
  readonly name: string;
  /** As DuckDB names it. */
  readonly type: string;
}

/** The rows of a file in the columns of a table, these under their generated names, and `_position`. */
export interface ImportSource {
  readonly sql: string;
  readonly parameters: readonly Parameter[];
  /** How many rows the file has. */
  readonly rowCount: number;
  /** For each column of the table: SQL that finds the rows whose value cannot be converted; undefined where the file lacks it. */
  readonly unconverted: readonly (string | undefined)[];
}

/**
 * The SELECT that reads a file in a table's columns.
 * @throws EngineError SCHEMA_MISMATCH, BAD_USER_INPUT where the file is no Parquet
 */
export async function importSource(connection: DuckDBConnection, columns: readonly Column[], path: string): Promise<ImportSource> {
  const found = await sourceColumns(connection, path);
  const parameters: Parameter[] = [];
  const terms = columns.map((column, at) => `${importTerm(column, found, parameters)} AS ${columnAt(at)}`);
  for (const { name } of found) {
    if (!columns.some((column) => column.name === name)) throw mismatch(`the file has a column ${name} that the table lacks`, name);
  }
  const scan = parquetSql([path], found);
  const [[rowCount] = []] = await (await runOn(connection, `SELECT count(*) FROM ${scan}`, [], {})).getRows();
  return {
    sql: `SELECT ${terms.join(', ')}, src.file_row_number AS _position FROM ${scan}`,
    parameters,
    rowCount: Number(rowCount),
    unconverted: columns.map((column) => {
      const at = found.findIndex(({ name }) => name === column.name);
      const value = `src.${columnAt(at)}`;
      const where = `${value} IS NOT NULL AND TRY_CAST(${value} AS ${sqlType(column)}) IS NULL`;
      return at < 0
        ? undefined
        : `SELECT src.file_row_number FROM ${scan} WHERE ${where} ORDER BY src.file_row_number LIMIT ${LIMITS.invalidRowsReported}`;
    }),
  };
}

async function sourceColumns(connection: DuckDBConnection, path: string): Promise<SourceColumn[]> {
  try {
    const described = await runOn(connection, `DESCRIBE SELECT * FROM ${parquetSql([path], [])}`, [], {});
    return (await described.getRows()).map((row) => ({ name: String(row[0]), type: String(row[1]) }));
  } catch (error) {
    throw new EngineError('BAD_USER_INPUT', 'the file is not a Parquet file that can be read', { cause: error });
  }
}

/** Source types whose every value fits each column type exactly, but for what checkImported looks for. */
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

function importTerm(column: Column, found: readonly SourceColumn[], parameters: Parameter[]): string {
  const at = found.findIndex(({ name }) => name === column.name);
  const source = found[at];
  if (source === undefined) {
    if (column.required && column.default === null) throw mismatch(`the file lacks the required column ${column.name}`, column.name);
    parameters.push(parameter(column, column.default));
    return `CAST($${parameters.length} AS ${sqlType(column)})`;
  }
  if (!fitsExactly(column, source.type))
    throw mismatch(`column ${column.name}: the file has ${source.type}, which does not fit ${column.type} exactly`, column.name);
  const cast = `CAST(src.${columnAt(at)} AS ${sqlType(column)})`;
  if (column.type !== 'FLOAT' && column.type !== 'DOUBLE') return cast;
  // One zero and one NaN, as everywhere: see parseDouble in model/values.ts.
  return `CASE WHEN isnan(${cast}) THEN CAST('NaN' AS ${column.type}) WHEN ${cast} = 0 THEN CAST(0 AS ${column.type}) ELSE ${cast} END`;
}

function fitsExactly(column: Column, type: string): boolean {
  if (column.type !== 'DECIMAL') return EXACT[column.type]?.includes(type) ?? false;
  const match = /^DECIMAL\((\d+),(\d+)\)$/.exec(type);
  if (match === null) return false;
  const [precision, scale] = [column.precision ?? 18, column.scale ?? 0];
  return Number(match[2]) <= scale && Number(match[1]) - Number(match[2]) <= precision - scale;
}

/**
 * Looks at every value: nulls (and NaN and infinities, which read as null) in required columns, values out of a type's range (a Parquet file may hold more than its
 * own type says), values that cannot be read or converted, text that is no exact JSON.
 * @throws EngineError INVALID_ROW naming the column, and the rows where they can be told
 */
export async function checkImported(connection: DuckDBConnection, columns: readonly Column[], source: ImportSource): Promise<void> {
  for (const [at, column] of columns.entries()) {
    try {
      await checkColumn(connection, column, columnAt(at), source);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      const rows = await unconvertedRows(connection, source.unconverted[at]);
      throw rows.length > 0 ? invalid(column, rows) : unreadable(column, error);
    }
  }
}

/** None where not even the stored values can be read. */
async function unconvertedRows(connection: DuckDBConnection, sql: string | undefined): Promise<BadValue[]> {
  if (sql === undefined) return [];
  try {
    const rows = await (await runOn(connection, sql, [], {})).getRows();
    return rows.map(([row]) => ({ index: Number(row), reason: 'does not fit the column' }));
  } catch (error) {
    if (isUnreadable(error)) return [];
    throw error;
  }
}

interface BadValue {
  readonly index: number;
  readonly reason: string;
}

async function checkColumn(connection: DuckDBConnection, column: Column, name: string, source: ImportSource): Promise<void> {
  const parameters = [...source.parameters];
  const add = (cell: Cell): string => `$${parameters.push(parameter(column, cell))}`;
  const tests = column.required ? [`${name} IS NULL`] : [];
  const readsAsNull = column.required && (column.type === 'FLOAT' || column.type === 'DOUBLE');
  if (readsAsNull) tests.push(`NOT isfinite(${name})`);
  const range = rangeOf(column);
  if (range !== undefined) tests.push(`${name} < ${add(range[0])}`, `${name} > ${add(range[1])}`);
  // Where no value can be wrong, they are read all the same: one that cannot be read is found here, with its column.
  if (tests.length === 0) tests.push(`${name} IS NULL AND ${name} IS NOT NULL`);
  const where = tests.map((test) => `(${test})`).join(' OR ');
  const sql = `SELECT _position FROM (${source.sql}) WHERE ${where} ORDER BY _position LIMIT ${LIMITS.invalidRowsReported}`;
  const rows = await (await runOn(connection, sql, parameters, {})).getRows();
  const reason = readsAsNull
    ? 'is null, NaN or infinite, which reads as null, and the column is required'
    : column.required
      ? 'is null or does not fit the column'
      : 'does not fit the column';
  if (rows.length > 0)
    throw invalid(
      column,
      rows.map(([row]) => ({ index: Number(row), reason })),
    );
  if (column.type === 'JSON') await checkJson(connection, column, name, source);
}

/** The least and the greatest value of a type, where DuckDB's type holds more. */
function rangeOf(column: Column): readonly [Cell, Cell] | undefined {
  switch (column.type) {
    case 'DATE':
      return [Math.floor(MIN_TIME_MS / 86_400_000), Math.floor(MAX_TIME_MS / 86_400_000)];
    case 'TIMESTAMP':
    case 'TIMESTAMPTZ':
      return [BigInt(MIN_TIME_MS) * 1000n, BigInt(MAX_TIME_MS) * 1000n + 999n];
    case 'TIME':
      return [0, MICROS_PER_DAY - 1];
    case 'DECIMAL': {
      const most = 10n ** BigInt(column.precision ?? 18) - 1n;
      return [-most, most];
    }
    default:
      return undefined;
  }
}

/** Texts that are looked at together, and their bytes at most. */
const JSON_ROWS = 4_096;
const JSON_BYTES = 32 * 1024 * 1024;

async function checkJson(connection: DuckDBConnection, column: Column, name: string, source: ImportSource): Promise<void> {
  const longest = await runOn(connection, `SELECT max(strlen(${name})) FROM (${source.sql})`, source.parameters, {});
  const bytes = Number((await longest.getRows())[0]?.[0] ?? 0);
  const window = Math.max(1, Math.min(JSON_ROWS, Math.floor(JSON_BYTES / Math.max(1, bytes))));
  const bad: BadValue[] = [];
  for (let lo = 0; lo < source.rowCount && bad.length < LIMITS.invalidRowsReported; lo += window) {
    const sql = `SELECT _position, ${name} FROM (${source.sql}) WHERE _position >= ${lo} AND _position < ${lo + window} AND ${name} IS NOT NULL ORDER BY _position`;
    for (const [row, text] of await (await runOn(connection, sql, source.parameters, {})).getRows()) {
      const fault = bad.length < LIMITS.invalidRowsReported ? jsonFault(text as string) : undefined;
      if (fault !== undefined) bad.push({ index: Number(row), reason: fault });
    }
    await nextTurn();
  }
  if (bad.length > 0) throw invalid(column, bad);
}

function invalid(column: Column, rows: readonly BadValue[]): EngineError {
  const [first] = rows;
  return new EngineError('INVALID_ROW', `row ${first?.index}, column ${column.name}: ${first?.reason}`, {
    details: { rows: rows.map(({ index, reason }) => ({ index, column: column.name, reason })), invalidRows: rows.length },
    hint: 'Nothing of the file was kept. Correct the rows named in details.rows and import the file again.',
  });
}

/** Whether DuckDB failed over what the file holds. What it fails over otherwise has a code, or another kind. */
function isUnreadable(error: unknown): boolean {
  if (error instanceof EngineError) return error.code === 'BAD_USER_INPUT';
  return (
    error instanceof Error &&
    /^DuckDB: (?:Conversion|Invalid Input|Invalid|Out of Range|Serialization|IO) (?:Input )?Error/.test(error.message)
  );
}

function unreadable(column: Column, error: unknown): EngineError {
  const { cause } = error as Error;
  // Without the name of the copy that DuckDB reads.
  const said = ((cause instanceof Error ? cause.message : String(cause)).split('\n')[0] ?? '').replaceAll(/ "[^"]*\.import"/g, '');
  return new EngineError('INVALID_ROW', `column ${column.name}: a value cannot be read or does not fit the column`, {
    details: { rows: [{ index: null, column: column.name, reason: said.slice(0, 200) }], invalidRows: 1 },
    hint: 'Nothing of the file was kept. Write the file again with values that the column takes.',
    cause: error,
  });
}

function mismatch(message: string, column: string): EngineError {
  return new EngineError('SCHEMA_MISMATCH', message, {
    details: { column },
    hint: 'The columns of the file are matched by name, and their types must fit without loss.',
  });
}
