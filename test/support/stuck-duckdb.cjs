/** Loaded before a server process: a query over a column `stuck` becomes one that DuckDB neither ends nor interrupts. */
const { DuckDBConnection } = require('@duckdb/node-api');

const { run } = DuckDBConnection.prototype;
DuckDBConnection.prototype.run = function (sql, ...rest) {
  if (!/SELECT .*"stuck"/s.test(sql)) return run.call(this, sql, ...rest);
  return run.call(this, `SELECT repeat('a', 2000) LIKE '${'%a_'.repeat(30)}%b'`);
};
