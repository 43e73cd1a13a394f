/** Conditions on the identities of rows. */
import { literals, type Sql, sql } from './sql.ts';

/** Identities that stand in a statement as literals at most: DuckDB looks at these before it looks at a row's other columns. */
const LITERALS_MAX = 5_000;

/** The rows of certain identities. */
export function rowIsAmong(rows: ArrayLike<number>): Sql {
  return sql`_row IN (${listSql(rows)})`;
}

/** All other rows; undefined, which is no condition, where none is named. */
export function rowIsNotAmong(rows: ArrayLike<number> | undefined): Sql | undefined {
  return rows === undefined || rows.length === 0 ? undefined : sql`_row NOT IN (${listSql(rows)})`;
}

function listSql(rows: ArrayLike<number>): Sql {
  const list = literals(Array.from(rows));
  return rows.length <= LITERALS_MAX ? list : sql`SELECT unnest([${list}]::BIGINT[])`;
}
