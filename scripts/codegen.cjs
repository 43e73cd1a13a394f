/** npm run codegen: writes schema.graphql, docs/reference and the typed documents; with --check, fails where they are not fresh. */
const { bin, ensureInstalled, run } = require('./setup.cjs');

ensureInstalled();
const check = process.argv.includes('--check');
for (const script of ['scripts/schema.ts', 'scripts/reference.ts']) run(bin('tsx'), [script, ...(check ? ['--check'] : [])]);
run(bin('graphql-codegen'), ['--config', 'codegen.ts', ...(check ? ['--check'] : [])], {
  stdio: ['ignore', check ? 'ignore' : 'inherit', 'inherit'],
});
