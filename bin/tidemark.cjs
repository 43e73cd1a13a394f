#!/usr/bin/env node
/**
 * The launcher. DuckDB, LevelDB and the file system share libuv's thread pool, whose size is read when it is first used:
 * so it is set here, before any asynchronous work, and the rest is loaded after.
 */
process.env.UV_THREADPOOL_SIZE ??= '24';
import('../dist/main.js').catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
