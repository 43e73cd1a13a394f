import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Vite would take graphql's `module` entry for our sources while packages get its `main`: two copies, whose classes do
  // not know each other. Node, in production, gives everyone `main`.
  resolve: { alias: [{ find: /^graphql$/, replacement: fileURLToPath(new URL('./node_modules/graphql/index.js', import.meta.url)) }] },
  test: {
    include: ['test/**/*.test.ts'],
    // No test asserts on time; this ends one that hangs, on a machine that is busy with other things too.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    pool: 'forks',
    // Real LevelDB, DuckDB and sockets: the libuv pool must hold queries and commits side by side, as in production.
    env: { UV_THREADPOOL_SIZE: '24' },
  },
});
