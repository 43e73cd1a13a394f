/** npm run soak [-- --seconds N]: set up, then bench/soak.ts: a mixed load, and what the server's process takes. */
const { bin, ensureBuilt, ensureInstalled, runLong } = require('./setup.cjs');

ensureInstalled();
ensureBuilt();
runLong(bin('tsx'), ['bench/soak.ts', ...process.argv.slice(2)], { env: { ...process.env, UV_THREADPOOL_SIZE: '24' } });
