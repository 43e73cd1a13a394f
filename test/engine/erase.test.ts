import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Engine, SnapshotId } from '../../src/engine/index.ts';
import { eq, failureOf, rowsAsOf, testEngine } from '../support/support.ts';

const PEOPLE = {
  name: 'people',
  columns: [
    { name: 'id', type: 'INT' as const, required: true },
    { name: 'name', type: 'STRING' as const },
    { name: 'note', type: 'STRING' as const },
  ],
  primaryKey: ['id'],
};
const NAME = 'Wilhelmina-Quackenbush';
const named = { kind: 'text', column: 'name', operator: 'contains', value: NAME } as const;

/** Files below a directory in which a text stands. */
function filesWith(directory: string, text: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(text));
}

/** A person in files, in history, in hot rows, in records of changes, under an idempotency key. */
async function filled(engine: Engine): Promise<void> {
  await engine.createTable(PEOPLE);
  const many = Array.from({ length: 2000 }, (_, index) => ({ id: 100 + index, name: `person ${index}`, note: 'n'.repeat(40) }));
  await engine.append('people', [{ id: 1, name: NAME, note: 'in a file' }, { id: 2, name: 'Ada' }, ...many]);
  await engine.update('people', eq('id', 1), { name: `${NAME}-Married` });
  await engine.compact('people');
  await engine.update('people', eq('id', 1), { note: `hot note of ${NAME}` });
  await engine.append('people', [{ id: 3, name: NAME, note: 'hot' }], { idempotencyKey: 'signup-3' });
  await engine.update('people', eq('id', 3), { name: 'Somebody Else' });
  await engine.append('people', [{ id: 4, name: 'Bert' }]);
  await engine.delete('people', eq('id', 4));
}

describe('eraseRows', () => {
  it('leaves no byte of the rows anywhere in the data directory', async () => {
    const engine = await testEngine();
    await filled(engine);
    expect(filesWith(engine.directory, NAME).length, 'it is there before').toBeGreaterThan(0);
    const erased = await engine.eraseRows({ table: 'people', where: named, reason: 'request 4711' }, { author: 'dpo' });
    expect(erased).toMatchObject({ erasedRows: 2, erasedVersions: 5 });
    expect(filesWith(engine.directory, NAME)).toEqual([]);
    await engine.compact();
    expect(filesWith(engine.directory, NAME)).toEqual([]);
    await engine.close();
    expect(filesWith(engine.directory, NAME)).toEqual([]);
  });

  it('takes the rows out of every snapshot, with all of their versions, and leaves all others as they were', async () => {
    const engine = await testEngine();
    await filled(engine);
    const head = engine.headSnapshotId;
    const ids = async (snapshotId: number): Promise<unknown[]> =>
      (await rowsAsOf(engine, 'people', { kind: 'snapshot', snapshotId }, { first: 4 })).map(({ id }) => id);
    const before = new Map<number, unknown[]>();
    for (let snapshotId = 2; snapshotId <= head; snapshotId += 1) before.set(snapshotId, await ids(snapshotId));
    await engine.eraseRows({ table: 'people', where: named, reason: 'request 4711' });
    for (const [snapshotId, was] of before) {
      const left = was.filter((id) => id !== 1 && id !== 3);
      expect((await ids(snapshotId)).slice(0, left.length), `snapshot ${snapshotId}`).toEqual(left);
      const target = await engine.read.tableAt(engine.table('people'), snapshotId as SnapshotId);
      if (target === undefined) throw new Error('no table');
      const counted = await engine.read.count(target, { kind: 'isNull', column: 'id', isNull: false });
      expect(await engine.read.count(target, undefined), 'the count of the catalog').toBe(counted);
      expect(await engine.read.rowByKey(target, { id: 1 }, target.schema.columns)).toBeUndefined();
    }
  });

  it('leaves a commit that says when, by whom, why and how many, but not what', async () => {
    const engine = await testEngine();
    await filled(engine);
    const { commit } = await engine.eraseRows({ table: 'people', where: named, reason: 'request 4711' }, { author: 'dpo' });
    expect(commit).toMatchObject({ author: 'dpo', message: 'request 4711', properties: '{"erasedRows":2,"erasedVersions":5}' });
    expect(commit?.snapshots).toMatchObject([{ operation: 'ERASE', deletedRows: 2 }]);
  });

  it('the audit chain holds before and after, and after compaction, expiry and a restart', async () => {
    const engine = await testEngine();
    await filled(engine);
    await engine.createTag('early', { kind: 'snapshot', snapshotId: 2 });
    await engine.expireSnapshots({ retainLast: 4 });
    expect((await engine.verify()).findings).toEqual([]);
    await engine.eraseRows({ table: 'people', where: named, reason: 'request 4711' });
    expect((await engine.verify()).findings).toEqual([]);
    await engine.compact();
    await engine.append('people', [{ id: 1, name: 'a new one' }]);
    await engine.expireSnapshots({ retainLast: 1 });
    await engine.compact();
    expect((await engine.verify()).findings).toEqual([]);
    await engine.close();
    const again = await testEngine({ directory: engine.directory });
    expect((await again.verify()).findings).toEqual([]);
    expect(await rowsAsOf(again, 'people', { kind: 'tag', tag: 'early' }, { first: 1 })).toMatchObject([{ id: 2 }]);
  });

  it('a second erasure, in the same hot commits, is exact too', async () => {
    const engine = await testEngine();
    await engine.createTable(PEOPLE);
    await engine.append(
      'people',
      [1, 2, 3, 4].map((id) => ({ id, name: `p${id}` })),
    );
    await engine.update('people', eq('id', 2), { name: 'q2' });
    await engine.eraseRows({ table: 'people', where: eq('id', 1), reason: 'one' });
    await engine.eraseRows({ table: 'people', where: eq('id', 2), reason: 'two' });
    const left = async (): Promise<unknown[]> => (await rowsAsOf(engine, 'people', { kind: 'newest' })).map(({ id }) => id);
    expect(await left()).toEqual([3, 4]);
    await engine.compact();
    expect(await left()).toEqual([3, 4]);
    await engine.append('people', [{ id: 2, name: 'back' }]);
    expect(await left()).toEqual([3, 4, 2]);
    expect((await engine.verify()).findings).toEqual([]);
  });

  it('a retry with the idempotency key of an erased row still gets its first commit', async () => {
    const engine = await testEngine();
    await filled(engine);
    await engine.eraseRows({ table: 'people', where: named, reason: 'request 4711' });
    const again = await engine.append('people', [{ id: 3, name: NAME, note: 'hot' }], { idempotencyKey: 'signup-3' });
    expect(again.replayed).toBe(true);
    expect(filesWith(engine.directory, NAME)).toEqual([]);
  });

  it('nothing that matches makes no commit; no reason is refused', async () => {
    const engine = await testEngine();
    await filled(engine);
    const none = await engine.eraseRows({ table: 'people', where: eq('name', 'nobody'), reason: 'x' });
    expect(none).toMatchObject({ commit: null, erasedRows: 0 });
    expect(await failureOf(engine.eraseRows({ table: 'people', where: named, reason: ' ' }))).toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(await failureOf(engine.eraseRows({ table: 'nope', where: named, reason: 'x' }))).toMatchObject({ code: 'TABLE_NOT_FOUND' });
  });
});
