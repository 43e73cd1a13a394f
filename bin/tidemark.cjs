#!/usr/bin/env node
/**
 * The launcher. DuckDB, LevelDB and the file system share libuv's thread pool, whose size is read when it is first used:
 * so it is set here, before any asynchronous work, and the rest is loaded after.
 */
process.env.UV_THREADPOOL_SIZE ??= '24';
require('./follow-parent.cjs').followParent(() => process.kill(process.pid, 'SIGTERM'));
import('../dist/main.js').catch((error) => {
  const notBuilt = error?.code === 'ERR_MODULE_NOT_FOUND' && String(error.message).includes('dist/main.js');
  console.error(notBuilt ? 'tidemark: it is not built yet; run npm start or npm run build' : error);
  process.exitCode = 1;
});
