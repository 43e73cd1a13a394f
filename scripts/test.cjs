/** npm test: set up, run every test that can run here, and close with a line that counts them. */
const { existsSync, mkdtempSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { spawnSync } = require('node:child_process');
const { bin, ensureBuilt, ensureInstalled, root } = require('./setup.cjs');

ensureInstalled();
ensureBuilt();

const chromium = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  (path) => path && existsSync(path),
);
if (chromium === undefined) {
  console.log(
    'tidemark: no Chromium here, so the browser tests are skipped. To run them: apt-get install chromium, or set CHROMIUM to its path.',
  );
}

const directory = mkdtempSync(join(tmpdir(), 'tidemark-report-'));
const report = join(directory, 'report.json');
const result = spawnSync(
  bin('vitest'),
  ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...process.argv.slice(2)],
  {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
    env: { ...process.env, UV_THREADPOOL_SIZE: '24', ...(chromium === undefined ? {} : { CHROMIUM: chromium }) },
  },
);
let status = result.status ?? 1;
if (existsSync(report)) {
  const { numPassedTests, numFailedTests, numPendingTests, numFailedTestSuites } = JSON.parse(readFileSync(report, 'utf8'));
  if (numPassedTests === 0) status ||= 1;
  // A file that could not even be loaded counts no test of its own.
  const failed = Math.max(numFailedTests, status === 0 ? 0 : 1, numFailedTestSuites > 0 ? 1 : 0);
  console.log(`${numPassedTests} passed, ${failed} failed${numPendingTests > 0 ? `, ${numPendingTests} skipped` : ''}`);
} else status ||= 1;
rmSync(directory, { recursive: true, force: true });
process.exit(status);
