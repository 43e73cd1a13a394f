import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { changesKey, commitKey, hotKey, snapshotKey } from '../../src/engine/catalog/keys.ts';
import { CatalogStore } from '../../src/engine/catalog/store.ts';
import { newSeed, RootBuilder } from '../../src/engine/encoding/proof.ts';
import { asSnapshotId, asTableId, type Engine, openEngine } from '../../src/engine/index.ts';
import type { Column } from '../../src/engine/model/types.ts';
import { eq, testEngine } from '../support/support.ts';

async function filled(): Promise<Engine> {
  const engine = await testEngine();
  await engine.createTable({
    name: 'ledger',
    columns: [
      { name: 'n', type: 'INT', required: true },
      { name: 'amount', type: 'FLOAT' },
      { name: 'price', type: 'DECIMAL', precision: 10, scale: 2 },
      { name: 'note', type: 'STRING' },
    ],
    primaryKey: ['n'],
  });
  await engine.append('ledger', [
    { n: 1, amount: 0.5, price: '1.50', note: 'one' },
    { n: 2, amount: null, price: '2.00', note: null },
  ]);
  await engine.update('ledger', eq('n', 1), { note: 'changed' });
  await engine.append('ledger', [{ n: 3, note: 'three' }]);
  await engine.delete('ledger', eq('n', 2));
  return engine;
}

/** Changes the catalog of a closed database as somebody with access to the disk could, checksums and all. */
async function tamper(engine: Engine, change: (store: CatalogStore) => Promise<void>): Promise<Engine> {
  await engine.close();
  const store = await CatalogStore.open(join(engine.directory, 'catalog'));
  await change(store);
  await store.close(true);
  return testEngine({ directory: engine.directory });
}

async function rewrite(store: CatalogStore, key: Buffer, change: (value: Buffer) => Buffer): Promise<void> {
  const value = store.get(key);
  if (value === undefined) throw new Error('no record');
  await store.write([{ key, value: change(Buffer.from(value)) }], { sync: true });
}

const replaced =
  (from: string, to: string) =>
  (value: Buffer): Buffer => {
    const at = value.indexOf(from);
    if (at < 0) throw new Error(`${from} is not there`);
    value.write(to, at);
    return value;
  };

const LEDGER = asTableId(1);

describe('the audit chain', () => {
  it('every commit has a hash, no two the same, and it is the same after a restart', async () => {
    const engine = await filled();
    const hashes = Array.from({ length: 5 }, (_, at) => engine.read.history.commit(asSnapshotId(at + 1)).hash.toString('hex'));
    expect(new Set(hashes).size).toBe(5);
    const { directory } = engine;
    await engine.close();
    const again = await openEngine({ directory });
    expect(again.read.history.commit(asSnapshotId(3)).hash.toString('hex')).toBe(hashes[2]);
    expect(await again.verify()).toMatchObject({ findings: [], firstBadCommit: null, hash: hashes[4], rows: 4 });
    await again.close();
  });

  it('holds through flush, compaction, renames, widening, added and dropped columns', async () => {
    const engine = await filled();
    await engine.compact();
    await engine.alterTable('ledger', [
      { kind: 'widenColumn', name: 'n', type: 'LONG' },
      { kind: 'widenColumn', name: 'amount', type: 'DOUBLE' },
      { kind: 'widenColumn', name: 'price', precision: 20 },
      { kind: 'renameColumn', name: 'note', to: 'remark' },
      { kind: 'addColumn', column: { name: 'extra', type: 'INT', default: 5 } },
    ]);
    await engine.update('ledger', eq('n', 3), { remark: 'again' });
    await engine.alterTable('ledger', [{ kind: 'dropColumn', name: 'remark' }]);
    await engine.append('ledger', [{ n: 4 }]);
    expect(await engine.verify()).toMatchObject({ findings: [], rows: 6 });
    await engine.compact();
    expect(await engine.verify()).toMatchObject({ findings: [], rows: 6 });
  });

  it('a row changed in the catalog, with its checksum, is found, and the first bad commit is named', async () => {
    const engine = await tamper(await filled(), async (store) => {
      await rewrite(store, hotKey(LEDGER, asSnapshotId(3)), replaced('changed', 'CHANGED'));
      await rewrite(store, hotKey(LEDGER, asSnapshotId(4)), replaced('three', 'THREE'));
    });
    const report = await engine.verify();
    expect(report.firstBadCommit).toBe(3);
    expect(report.findings.map(({ what }) => what)).toEqual([
      'commit 3: the rows of table ledger are not those that were committed',
      'commit 4: the rows of table ledger are not those that were committed',
    ]);
  });

  it('a root that was made to fit changed rows does not fit the commit any more', async () => {
    const engine = await tamper(await filled(), async (store) => {
      await rewrite(store, hotKey(LEDGER, asSnapshotId(4)), replaced('three', 'THREE'));
      await rewrite(store, snapshotKey(LEDGER, asSnapshotId(4)), (value) => {
        const columns = [1, 2, 3, 4].map((fieldId) => ({ fieldId, type: fieldId === 1 ? 'INT' : 'STRING' })) as Column[];
        const root = new RootBuilder(newSeed(), columns);
        root.add([3, null, null, 'THREE']);
        const proof = root.finish();
        // Behind the counts: the seed, then the root, then the counts of operations.
        const at = value.length - 48 - 7;
        proof.seed.copy(value, at);
        proof.root.copy(value, at + 16);
        return value;
      });
    });
    expect((await engine.verify()).firstBadCommit).toBe(4);
  });

  it('a commit whose author was changed breaks the chain from there on', async () => {
    const engine = await filled();
    await engine.append('ledger', [{ n: 9 }], { author: 'alice' });
    await engine.append('ledger', [{ n: 10 }]);
    await engine.close();
    const store = await CatalogStore.open(join(engine.directory, 'catalog'));
    await rewrite(store, commitKey(asSnapshotId(6)), replaced('alice', 'mallo'));
    await store.close(true);
    const error = await openEngine({ directory: engine.directory }).then(
      async (opened) => {
        const report = await opened.verify();
        await opened.close();
        return report.findings[0]?.what;
      },
      (refusal: Error) => refusal.message,
    );
    expect(error).toMatch(/commit 6/);
  });

  it('the record of a change is what diffs show: it is not part of the proof, but of the rows that are', async () => {
    const engine = await filled();
    const at = { from: asSnapshotId(2), to: asSnapshotId(3) };
    const diff = await engine.read.diff(engine.table('ledger'), at);
    const [change] = (await diff.page({ first: 1 })).changes;
    expect([change?.before?.cells[3], change?.after?.cells[3]]).toEqual(['one', 'changed']);
    expect(changesKey(LEDGER, asSnapshotId(3))).toHaveLength(13);
  });

  it('a leaf does not tell the row: the same row has another root in another commit', async () => {
    const columns = [{ fieldId: 1, type: 'INT' }] as Column[];
    const roots = [newSeed(), newSeed()].map((seed) => {
      const root = new RootBuilder(seed, columns);
      root.add([42]);
      return root.finish().root.toString('hex');
    });
    expect(roots[0]).not.toBe(roots[1]);
  });
});
