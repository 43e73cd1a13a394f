#!/usr/bin/env node
/**
 * The launcher. DuckDB, LevelDB and the file system share libuv's thread pool, whose size is read when it is first used:
 * so it is set here, before any asynchronous work, and the rest is loaded after.
 */
const { readFileSync } = require('node:fs');

/** With fewer even the program's own files cannot all be read. */
const DESCRIPTORS_MIN = 256;

/** Files and sockets that this process may have open; undefined where the system does not say. */
function descriptorsMax() {
  try {
    return Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? Number.NaN) || undefined;
  } catch {
    return undefined;
  }
}

const descriptors = descriptorsMax();
if (descriptors !== undefined && descriptors < DESCRIPTORS_MIN) {
  console.error(
    `tidemark: this process may have ${descriptors} files open, and needs ${DESCRIPTORS_MIN} at least; raise the limit, for example with ulimit -n 4096`,
  );
  process.exit(1);
}
process.env.UV_THREADPOOL_SIZE ??= '24';
require('./follow-parent.cjs').followParent(() => process.kill(process.pid, 'SIGTERM'));
import('../dist/main.js').catch((error) => {
  const notBuilt = error?.code === 'ERR_MODULE_NOT_FOUND' && String(error.message).includes('dist/main.js');
  console.error(notBuilt ? 'tidemark: it is not built yet; run npm start or npm run build' : error);
  process.exitCode = 1;
});
