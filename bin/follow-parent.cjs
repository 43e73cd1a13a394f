/**
 * npm and npx run a command under a shell, and a signal sent to npm ends npm and that shell alone: what they ran would go on
 * as an orphan that holds its port and its directory. So where npm started this process, the end of its parent is the signal.
 */
const CHECK_MS = 200;
/** Read as early as can be: the parent may have gone by the time that somebody asks. */
const parent = process.ppid;

/** Calls `end` once when the parent of this process has gone, if npm started it. The timer keeps no process alive. */
function followParent(end) {
  const startedByNpm = process.env.npm_lifecycle_event !== undefined || process.env.npm_command !== undefined;
  if (!startedByNpm) return;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    end();
  }, CHECK_MS);
  watch.unref();
}

module.exports = { followParent };
