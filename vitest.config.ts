import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that look at the whole process (timers, listeners, handles, metrics of it), or put a module of ours in another's place: each has a process of its own. */
const ALONE = [
  'test/api/schema.parts.test.ts',
  'test/live/cleanup.test.ts',
  'test/server/metrics.test.ts',
  'test/server/metrics.stop.test.ts',
  'test/engine/engine.observer.test.ts',
];

/** Files that take longest come first, so that no worker is left with one of them at the end. */
const LONG = [
  'crash',
  'torture',
  'faults',
  'hostile',
  'random',
  'browser',
  'imports',
  'demo',
  'npm-start',
  'examples',
  'errors',
  'server.test',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONG.findIndex((word) => moduleId.includes(word));
      return at < 0 ? LONG.length : at;
    };
    return (await super.sort(files)).sort((left, right) => rank(left) - rank(right));
  }
}

export default defineConfig({
  // Vite would take graphql's `module` entry for our sources while packages get its `main`: two copies, whose classes do
  // not know each other. Node, in production, gives everyone `main`.
  resolve: { alias: [{ find: /^graphql$/, replacement: fileURLToPath(new URL('./node_modules/graphql/index.js', import.meta.url)) }] },
  test: {
    // No test asserts on time; this ends one that hangs, on a machine that is busy with other things too.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    pool: 'forks',
    maxWorkers: Math.max(2, availableParallelism()),
    sequence: { sequencer: LongestFirst },
    // Real LevelDB, DuckDB and sockets: the libuv pool must hold queries and commits side by side, as in production.
    env: { UV_THREADPOOL_SIZE: '24' },
    projects: [
      // One process runs many files, and loads the sources once.
      { extends: true, test: { name: 'shared', include: ['test/**/*.test.ts'], exclude: ALONE, isolate: false } },
      { extends: true, test: { name: 'alone', include: ALONE } },
    ],
  },
});
