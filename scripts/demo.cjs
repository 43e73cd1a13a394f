/** npm run demo [-- --days N]: set up, then scripts/demo.ts. */
const { bin, ensureBuilt, ensureInstalled, run } = require('./setup.cjs');

ensureInstalled();
ensureBuilt();
run(bin('tsx'), ['scripts/demo.ts', ...process.argv.slice(2)], { env: { ...process.env, UV_THREADPOOL_SIZE: '24' } });
