/**
 * npm test: set up, run every test that can run here, and close with a line that counts them. Arguments are vitest's, files and
 * folders among them; `--quick` runs the tests of the main promises.
 */
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

/** What `npm run test:quick` runs. */
const QUICK = [
  'test/engine/{time-travel,bank,upserts,durable-answers,removed-files}.test.ts',
  'test/catalog/{crash,lock}.test.ts',
  'test/api/{typed,ids,filter-guard}.test.ts',
  'test/live/{subscriptions,subscriptions.resume,feed,query}.test.ts',
  'test/docs/tidy.test.ts',
];

/** Files of a pattern with alternatives in braces. */
function expanded(pattern) {
  const [, before, list, after] = /^([^{]*)\{([^}]*)\}(.*)$/.exec(pattern) ?? [];
  return list === undefined ? [pattern] : list.split(',').map((name) => `${before}${name}${after}`);
}

const quick = process.argv.includes('--quick');
const given = process.argv.slice(2).filter((argument) => argument !== '--quick');
const directory = mkdtempSync(join(tmpdir(), 'tidemark-report-'));
const report = join(directory, 'report.json');
const result = spawnSync(
  bin('vitest'),
  [
    'run',
    `--reporter=${join(root, 'scripts', 'line-reporter.mjs')}`,
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...(quick ? QUICK.flatMap(expanded) : []),
    ...given,
  ],
  {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
    env: {
      ...(quick ? { TIDEMARK_TEST_SCALE: '0.25' } : {}),
      ...process.env,
      UV_THREADPOOL_SIZE: '24',
      ...(chromium === undefined ? {} : { CHROMIUM: chromium }),
    },
  },
);
let status = result.status ?? 1;
if (existsSync(report)) {
  const { numPassedTests, numFailedTests, numPendingTests, numFailedTestSuites } = JSON.parse(readFileSync(report, 'utf8'));
  if (numPassedTests === 0) status ||= 1;
  // A file that could not even be loaded counts no test of its own.
  const failed = Math.max(numFailedTests, status === 0 ? 0 : 1, numFailedTestSuites > 0 ? 1 : 0);
  if (numPassedTests + numFailedTests + numFailedTestSuites === 0) console.log('no test ran: none has this name, or all are skipped');
  else console.log(`${numPassedTests} passed, ${failed} failed${numPendingTests > 0 ? `, ${numPendingTests} skipped` : ''}`);
} else status ||= 1;
rmSync(directory, { recursive: true, force: true });
process.exit(status);
