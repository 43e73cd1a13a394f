import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // Real LevelDB, DuckDB and sockets: the libuv pool must hold queries and commits side by side, as in production.
    env: { UV_THREADPOOL_SIZE: '24' },
  },
});
