/** npm start: set up, then serve in this very process, so that signals reach the server. */
const { ensureBuilt, ensureInstalled } = require('./setup.cjs');

// npm runs this under a shell, and a signal sent to npm ends that shell alone: its going away is the signal then.
const parent = process.ppid;
const watch = setInterval(() => {
  if (process.ppid === parent) return;
  clearInterval(watch);
  process.kill(process.pid, 'SIGTERM');
}, 200);
if (process.env.npm_lifecycle_event === undefined) clearInterval(watch);
else watch.unref();

ensureInstalled();
ensureBuilt();
require('../bin/tidemark.cjs');
