/** npm run codegen: writes schema.graphql and the typed documents; with --check, fails where they are not fresh. */
const { bin, ensureInstalled, run } = require('./setup.cjs');

ensureInstalled();
const check = process.argv.includes('--check');
run(bin('tsx'), ['scripts/schema.ts', ...(check ? ['--check'] : [])]);
run(bin('graphql-codegen'), ['--config', 'codegen.ts', ...(check ? ['--check'] : [])], {
  stdio: ['ignore', check ? 'ignore' : 'inherit', 'inherit'],
});
