/** Orders by the million: Parquet files that DuckDB generates, the same values from one run to the next. */
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import type { Engine, Filter, TableDefinition } from '../src/engine/index.ts';
import { COLUMNS, ORDERS } from './tables.ts';

/** Customers are drawn by hash, so that the orders of a few lie scattered over the table. */
export const CUSTOMERS = 10_000;
/** Customers that have a hundredth of the orders together. */
const PART = CUSTOMERS / 100;
/** Rows of a file; one with a primary key may have no more. */
const FILE_ROWS = 500_000;

export const keyed = (name: string): TableDefinition => ({ ...ORDERS, name });
export const unkeyed = (name: string): TableDefinition => ({ name, columns: COLUMNS });

/** As many threads as the engine takes where it is not told. */
export const THREADS = Math.max(1, availableParallelism() - 2);

/** DuckDB by itself, in memory or in a file, with the threads and memory that the engine gives it. */
export async function plainDuck(path = ':memory:'): Promise<{ readonly connection: DuckDBConnection; close(): void }> {
  const instance = await DuckDBInstance.create(path, {
    threads: String(THREADS),
    memory_limit: `${Math.floor(Math.min(4 * 1024 ** 3, totalmem() / 4) / 1e6)}MB`,
  });
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  return {
    connection,
    close: () => {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/** Columns that differ from what ordersSql gives, as SQL over it. */
export type Overrides = Readonly<Record<string, string>>;

/** A SELECT of the orders [lo, hi). Amounts are whole quarters, so that their sums do not depend on the order of adding. */
export function ordersSql(lo: number, hi: number, overrides: Overrides = {}): string {
  const orders = `SELECT i AS order_id, (hash(i) % ${CUSTOMERS})::BIGINT AS customer_id,
    (hash(i + 7000000007) % 4000) / 4 AS amount,
    CASE i % 3 WHEN 0 THEN 'new' ELSE 'paid' END AS status,
    to_timestamp(1767225600 + i) AS placed_at
    FROM range(${lo}, ${hi}) AS t(i)`;
  const columns = COLUMNS.map(({ name }) => (overrides[name] === undefined ? name : `${overrides[name]} AS ${name}`));
  return `SELECT ${columns.join(', ')} FROM (${orders}) ORDER BY order_id`;
}

/** Creates a table and imports orders from 0 into it, in files of 500,000 rows. */
export async function importOrders(
  engine: Engine,
  directory: string,
  definition: TableDefinition,
  rows: number,
  { overrides = {}, fileRows = FILE_ROWS }: { readonly overrides?: Overrides; readonly fileRows?: number } = {},
): Promise<void> {
  await engine.createTable(definition);
  const duck = await plainDuck();
  const file = join(directory, `${definition.name}.parquet`);
  try {
    for (let lo = 0; lo < rows; lo += fileRows) {
      await duck.connection.run(`COPY (${ordersSql(lo, Math.min(rows, lo + fileRows), overrides)}) TO '${file}' (FORMAT parquet)`);
      await engine.appendFile(definition.name, file);
    }
  } finally {
    duck.close();
  }
}

/** The orders of one hundredth of the customers, as a filter and as SQL. */
export function part(index: number): { readonly where: Filter; readonly sql: string } {
  const [lo, hi] = [index * PART, (index + 1) * PART];
  return {
    where: {
      kind: 'and',
      filters: [
        { kind: 'compare', column: 'customer_id', operator: 'gte', value: String(lo) },
        { kind: 'compare', column: 'customer_id', operator: 'lt', value: String(hi) },
      ],
    },
    sql: `customer_id >= ${lo} AND customer_id < ${hi}`,
  };
}
