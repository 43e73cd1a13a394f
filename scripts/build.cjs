/** npm run build: compiles src to dist where that is stale. */
const { ensureBuilt, ensureInstalled } = require('./setup.cjs');

ensureInstalled();
ensureBuilt();
