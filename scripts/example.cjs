/** npm run example:apollo, example:urql, example:tail: set up, then the example, with the options that follow `--`. */
const { bin, ensureInstalled, run, runLong } = require('./setup.cjs');

const PAGES = { apollo: 'examples/apollo-react', urql: 'examples/urql-react' };

ensureInstalled();
const [name, ...options] = process.argv.slice(2);
const tsx = (...args) => [bin('tsx'), ['--tsconfig', 'examples/tsconfig.json', ...args]];
if (Object.hasOwn(PAGES, name)) {
  run(...tsx('examples/orders.ts'));
  runLong(bin('vite'), [PAGES[name], ...options]);
} else runLong(...tsx(`examples/${name}.ts`, ...options));
