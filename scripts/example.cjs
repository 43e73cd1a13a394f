/** npm run example:apollo, example:urql, example:tail: set up, then the example, with the options that follow `--`. */
const { bin, ensureInstalled, run } = require('./setup.cjs');

const PAGES = { apollo: 'examples/apollo-react', urql: 'examples/urql-react' };

ensureInstalled();
const [name, ...options] = process.argv.slice(2);
const tsx = (...args) => run(bin('tsx'), ['--tsconfig', 'examples/tsconfig.json', ...args]);
if (name in PAGES) {
  tsx('examples/orders.ts');
  run(bin('vite'), [PAGES[name], ...options]);
} else tsx(`examples/${name}.ts`, ...options);
