/** npm run check: lint, format, types, nothing unused, generated files fresh, then the tests. */
const { bin, ensureInstalled, run } = require('./setup.cjs');

ensureInstalled();
const withoutTests = process.argv.includes('--no-tests');
run(bin('biome'), ['ci', '--error-on-warnings', '.']);
for (const project of ['tsconfig.json', 'examples/tsconfig.json']) run(bin('tsc'), ['-p', project]);
run(bin('knip'), ['--no-progress']);
run('node', ['scripts/codegen.cjs', '--check']);
if (!withoutTests) require('./test.cjs');
