import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { apply } from '../../src/engine/commit/apply/apply.ts';
import type { Engine } from '../../src/engine/index.ts';
import type { LogEntry } from '../../src/engine/log/entry.ts';
import { asLogIndex } from '../../src/engine/model/ids.ts';
import { openEngine } from '../../src/engine/open.ts';
import { failureOf, rowsAsOf, temporaryDirectory } from '../support/support.ts';

const erases = (entry: LogEntry): boolean => entry.kind === 'commit' && entry.changes.some(({ kind }) => kind === 'erase');

const first = { kind: 'compare', column: 'id', operator: 'eq', value: 1 } as const;

interface Task {
  /** What comes before it, once two rows are there. */
  readonly prepare: (engine: Engine) => Promise<unknown>;
  readonly isOf: (entry: LogEntry) => boolean;
  readonly run: (engine: Engine) => Promise<unknown>;
}

const TASKS: Readonly<Record<string, Task>> = {
  'a flush': { prepare: async () => {}, isOf: ({ kind }) => kind === 'rewrite', run: (engine) => engine.compact('t') },
  'a compaction': {
    prepare: async (engine) => {
      await engine.compact('t');
      await engine.delete('t', first);
    },
    isOf: ({ kind }) => kind === 'rewrite',
    run: (engine) => engine.compact('t'),
  },
  'an erasure': {
    prepare: (engine) => engine.compact('t'),
    isOf: erases,
    run: (engine) => engine.eraseRows({ table: 't', where: first, reason: 'asked for' }),
  },
};

describe('a task that is not taken leaves no file behind', () => {
  it.each(Object.entries(TASKS))('%s', async (_name, { prepare, isOf, run }) => {
    const directory = await temporaryDirectory();
    let isBroken = false;
    const engine = await openEngine(
      { directory, maintenance: { autoCompact: false } },
      {
        apply: (state, entry, timestampMs, lookups) => {
          const applied = apply(state, entry, timestampMs, lookups);
          if (!isBroken || !isOf(entry)) return applied;
          return { ...applied, state: { ...applied.state, logIndex: asLogIndex(applied.state.logIndex + 1) } };
        },
      },
    );
    await engine.createTable({ name: 't', columns: [{ name: 'id', type: 'INT' }] });
    await engine.append('t', [{ id: 1 }, { id: 2 }]);
    await prepare(engine);
    const before = await filesIn(directory);
    const rows = await rowsAsOf(engine, 't', { kind: 'newest' });
    isBroken = true;
    expect((await failureOf(run(engine))).code).toBe('READ_ONLY');
    isBroken = false;
    expect(await filesIn(directory)).toEqual(before);
    // Writing has stopped for good: what is tried again writes no file at all.
    expect((await failureOf(run(engine))).code).toBe('READ_ONLY');
    expect(await filesIn(directory)).toEqual(before);
    expect(await rowsAsOf(engine, 't', { kind: 'newest' })).toEqual(rows);
    await engine.close();
  });
});

async function filesIn(directory: string): Promise<string[]> {
  return (await readdir(`${directory}/data`, { recursive: true })).filter((name) => name.endsWith('.parquet')).sort();
}
