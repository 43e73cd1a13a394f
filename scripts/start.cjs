/** npm start: set up, then serve in this very process, so that signals reach the server. */
const { ensureBuilt, ensureInstalled } = require('./setup.cjs');

ensureInstalled();
ensureBuilt();
require('../bin/tidemark.cjs');
