/** npm run bench -- [CASE ...] [--json] [--quick]: set up, then measure; see bench/main.ts. */
const { bin, ensureBuilt, ensureInstalled, runLong } = require('./setup.cjs');

ensureInstalled();
ensureBuilt();
runLong(bin('tsx'), ['bench/main.ts', ...process.argv.slice(2)], { env: { ...process.env, UV_THREADPOOL_SIZE: '24' } });
