/** npm run demo [-- --days N]: set up, then scripts/demo.ts. */
const { bin, ensureBuilt, ensureInstalled, runLong } = require('./setup.cjs');

ensureInstalled();
ensureBuilt();
runLong(bin('tsx'), ['scripts/demo.ts', ...process.argv.slice(2)], { env: { ...process.env, UV_THREADPOOL_SIZE: '24' } });
