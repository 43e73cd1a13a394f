import { describe, expect, it } from 'vitest';
import type { CommitOptions, Engine, RestoreOptions } from '../../src/engine/index.ts';
import { eq, failureOf, testEngine } from '../support/support.ts';

const at = (snapshotId: number) => ({ kind: 'snapshot', snapshotId: snapshotId as never }) as const;
const columns = [
  { name: 'id', type: 'INT' as const },
  { name: 'text', type: 'STRING' as const },
];

/** Commit 1 makes table t, commit 2 has three rows, commit 3 makes table u with one, in commit 4. */
async function filled(): Promise<Engine> {
  const engine = await testEngine();
  await engine.createTable({ name: 't', columns, primaryKey: ['id'] });
  await engine.append('t', [{ id: 1 }, { id: 2 }, { id: 3 }]);
  await engine.createTable({ name: 'u', columns });
  await engine.append('u', [{ id: 7 }]);
  return engine;
}

interface Restore {
  readonly prepare?: (engine: Engine) => Promise<unknown>;
  readonly request: RestoreOptions;
  readonly options?: CommitOptions;
}

const changed = async (engine: Engine): Promise<void> => {
  await engine.update('t', eq('id', 1), { text: 'x' });
  await engine.delete('t', eq('id', 2));
  await engine.append('t', [{ id: 9 }]);
};

/** Drops t, and gives its name to another table. */
const renamed = async (engine: Engine): Promise<void> => {
  await engine.dropTable('t');
  await engine.createTable({ name: 't', columns });
};

const TAKEN: Readonly<Record<string, Restore>> = {
  'rows that were changed, deleted and inserted since': { prepare: changed, request: { tables: ['t'], to: at(2) } },
  'all of the catalog, of which a table is dropped': { prepare: changed, request: { to: at(2) } },
  'a table that was dropped': { prepare: (engine) => engine.dropTable('t'), request: { tables: ['t'], to: at(2) } },
  'columns that were changed since': {
    prepare: (engine) => engine.alterTable('t', [{ kind: 'addColumn', column: { name: 'more', type: 'INT' } }]),
    request: { tables: ['t'], to: at(2) },
  },
  'a name that the restore itself frees': { prepare: renamed, request: { to: at(2) } },
  'what there is': { request: { to: { kind: 'newest' } } },
  'with the number of rows that is expected': { prepare: changed, request: { tables: ['t'], to: at(2) }, options: { expectedRows: 3 } },
  'while another table is dropped': {
    prepare: (engine) => engine.dropTable('t'),
    request: { tables: ['u'], to: at(4) },
  },
};

const REFUSED: Readonly<Record<string, Restore & { readonly code: string }>> = {
  'no table is named': { request: { tables: [], to: at(2) }, code: 'BAD_USER_INPUT' },
  'a table was not there then': { request: { tables: ['u'], to: at(2) }, code: 'TABLE_NOT_FOUND_AS_OF' },
  'another table has the name': { prepare: renamed, request: { tables: ['u', 't'], to: at(4) }, code: 'TABLE_EXISTS' },
  'another table would share its name in the typed API': {
    prepare: async (engine) => {
      await engine.dropTable('t');
      await engine.createTable({ name: 't_', columns });
    },
    request: { tables: ['t'], to: at(2) },
    code: 'NAME_COLLISION',
  },
  'the table has changed since what is expected': {
    prepare: changed,
    request: { tables: ['t'], to: at(2) },
    options: { expectedSnapshotId: 2 },
    code: 'CONFLICT',
  },
  'it would change other than the expected number of rows': {
    prepare: changed,
    request: { tables: ['t'], to: at(2) },
    options: { expectedRows: 1 },
    code: 'CONFLICT',
  },
  'the snapshot has expired': {
    prepare: async (engine) => {
      await changed(engine);
      await engine.expireSnapshots({ retainLast: 1 });
    },
    request: { tables: ['t'], to: at(2) },
    code: 'SNAPSHOT_EXPIRED',
  },
};

describe('a dry run of restore', () => {
  it.each(Object.entries(TAKEN))('answers what the restore then does: %s', async (_what, { prepare, request, options }) => {
    const engine = await filled();
    await prepare?.(engine);
    const head = engine.headSnapshotId;
    const would = await engine.restore({ ...request, dryRun: true }, options);
    expect(engine.headSnapshotId).toBe(head);
    expect(would).toMatchObject({ commit: null, replayed: false, diff: { from: { snapshotId: head } } });
    const done = await engine.restore(request, options);
    const { insertedRows, updatedRows, deletedRows } = done;
    expect(would).toMatchObject({ insertedRows, updatedRows, deletedRows });
    expect(would.diff.tables.map(({ id }) => id)).toEqual(done.diff.tables.map(({ id }) => id));
    // Both diffs show the same rows: the one backwards over what came since, the other over the commit itself.
    for (const table of done.diff.tables) {
      const shown = async ({ from, to }: typeof done.diff) => {
        const diff = await engine.read.diff(table, { from: from.snapshotId, to: to.snapshotId });
        return [diff.insertedRows, diff.updatedRows, diff.deletedRows];
      };
      expect(await shown(would.diff)).toEqual(await shown(done.diff));
    }
  });

  it.each(Object.entries(REFUSED))('fails as the restore does, where %s', async (_what, { prepare, request, options, code }) => {
    const engine = await filled();
    await prepare?.(engine);
    const head = engine.headSnapshotId;
    const would = await failureOf(engine.restore({ ...request, dryRun: true }, options));
    const error = await failureOf(engine.restore(request, options));
    expect(error.code).toBe(code);
    expect(would).toMatchObject({ code, message: error.message, details: error.details, hint: error.hint });
    expect(engine.headSnapshotId).toBe(head);
  });
});
