import { describe, expect, it } from 'vitest';
import { asSnapshotId, type Commit, type CommitOptions, type Engine } from '../../src/engine/index.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { TOO_BIG_FOR_HOT } from '../support/random-rows.ts';
import { failureOf, rowsAsOf, testEngine } from '../support/support.ts';

const NOON = Date.UTC(2026, 10, 22, 12);
const DAY_MS = 86_400_000;

async function withTable(engine?: Engine): Promise<Engine> {
  const opened = engine ?? (await testEngine());
  await opened.createTable({
    name: 't',
    columns: [
      { name: 'id', type: 'INT' },
      { name: 'text', type: 'STRING' },
    ],
  });
  return opened;
}

async function ids(engine: Engine): Promise<unknown[]> {
  return (await rowsAsOf(engine, 't', { kind: 'newest' })).map((row) => row['id']);
}

async function listed(engine: Engine, author?: string): Promise<Commit[]> {
  const range = { lo: asSnapshotId(1), hi: engine.headSnapshotId, descending: true, limit: 100 };
  return engine.read.history.commits({ author }, range);
}

describe('an idempotencyKey', () => {
  const key: CommitOptions = { idempotencyKey: 'order-1' };

  it('used again with the same content returns the first commit and changes nothing', async () => {
    const engine = await withTable();
    const first = await engine.append('t', [{ id: 1, text: 'a' }], key);
    expect(first.replayed).toBe(false);
    await engine.append('t', [{ id: 2 }]);
    const again = await engine.append('t', [{ id: 1, text: 'a' }], key);
    expect(again.replayed).toBe(true);
    expect(first.commit).toMatchObject({ ...again.commit });
    expect(again.snapshots).toEqual(first.snapshots);
    expect(again.insertedRows).toBe(1);
    expect(again.rows).toEqual(first.rows);
    expect(await ids(engine)).toEqual([1, 2]);
  });

  it('used again with other content is IDEMPOTENCY_KEY_REUSED, naming the first commit', async () => {
    const engine = await withTable();
    await engine.createTable({
      name: 'other',
      columns: [
        { name: 'id', type: 'INT' },
        { name: 'text', type: 'STRING' },
      ],
    });
    const first = await engine.append('t', [{ id: 1 }], key);
    for (const [table, rows] of [['t', [{ id: 2 }]] as const, ['t', [{ id: 1 }, { id: 1 }]] as const, ['other', [{ id: 1 }]] as const]) {
      const error = await failureOf(engine.append(table, rows, key));
      expect(error.code).toBe('IDEMPOTENCY_KEY_REUSED');
      expect(error.details).toEqual({ snapshotId: first.commit?.snapshotId });
    }
    expect(await ids(engine)).toEqual([1]);
  });

  it('sent many times at once makes one commit', async () => {
    const engine = await withTable();
    const results = await Promise.all(Array.from({ length: 20 }, () => engine.append('t', [{ id: 1 }], key)));
    expect(results.filter((result) => !result.replayed)).toHaveLength(1);
    expect(new Set(results.map((result) => result.commit?.snapshotId))).toEqual(new Set([2]));
    expect(await ids(engine)).toEqual([1]);
  });

  it('holds for large appends too, and leaves no file behind', async () => {
    const engine = await withTable();
    const rows = [{ id: 1, text: TOO_BIG_FOR_HOT }];
    const results = await Promise.all([1, 2, 3].map(() => engine.append('t', rows, key)));
    expect(results.filter((result) => result.replayed)).toHaveLength(2);
    expect(engine.table('t').files).toHaveLength(1);
    expect(await ids(engine)).toEqual([1]);
    expect((await engine.verify()).findings).toEqual([]);
  });

  it('holds after a restart', async () => {
    const engine = await withTable();
    const first = await engine.append('t', [{ id: 1 }], key);
    await engine.close();
    const reopened = await testEngine({ directory: engine.directory });
    const again = await reopened.append('t', [{ id: 1 }], key);
    expect(again.replayed).toBe(true);
    expect(first.commit).toMatchObject({ ...again.commit });
    expect((await failureOf(reopened.append('t', [{ id: 2 }], key))).code).toBe('IDEMPOTENCY_KEY_REUSED');
  });

  it('answers a retry whose expectedSnapshotId the first commit itself has made old', async () => {
    const engine = await withTable();
    const options: CommitOptions = { ...key, expectedSnapshotId: 1 };
    await engine.append('t', [{ id: 1 }], options);
    expect((await engine.append('t', [{ id: 1 }], options)).replayed).toBe(true);
  });

  it('answers a retry of rows whose primary key the first commit itself has taken', async () => {
    const engine = await testEngine();
    await engine.createTable({ name: 't', columns: [{ name: 'id', type: 'INT' }], primaryKey: ['id'] });
    await engine.append('t', [{ id: 1 }], key);
    expect((await engine.append('t', [{ id: 1 }], key)).replayed).toBe(true);
  });

  it('is free to be used after a refusal', async () => {
    const engine = await withTable();
    await failureOf(engine.append('t', [{ id: 'x' }], key));
    await failureOf(engine.append('t', [{ id: 1 }], { ...key, expectedSnapshotId: 0 }));
    expect((await engine.append('t', [{ id: 1 }], key)).replayed).toBe(false);
  });

  it("is the caller's own", async () => {
    const engine = await withTable();
    for (const caller of ['alice', 'bob']) expect((await engine.append('t', [{ id: 1 }], { ...key, caller })).replayed).toBe(false);
    expect((await engine.append('t', [{ id: 1 }], { ...key, caller: 'bob' })).replayed).toBe(true);
  });

  it('is kept 24 hours', async () => {
    const clock = new ManualClock(NOON);
    const engine = await withTable(await testEngine({ clock }));
    await engine.append('t', [{ id: 1 }], key);
    clock.advance(DAY_MS - 1);
    expect((await engine.append('t', [{ id: 1 }], key)).replayed).toBe(true);
    clock.advance(1);
    expect((await engine.append('t', [{ id: 2 }], key)).replayed).toBe(false);
    expect(await ids(engine)).toEqual([1, 2]);
  });

  it('holds for createTable: the same table is returned, another one is IDEMPOTENCY_KEY_REUSED', async () => {
    const engine = await testEngine();
    const first = await engine.createTable({ name: 'a', columns: [{ name: 'id', type: 'INT' }] }, key);
    const again = await engine.createTable({ name: 'a', columns: [{ name: 'id', type: 'INT' }] }, key);
    expect(again.replayed).toBe(true);
    expect(again.snapshots).toEqual(first.snapshots);
    const other = engine.createTable({ name: 'b', columns: [{ name: 'id', type: 'INT' }] }, key);
    expect((await failureOf(other)).code).toBe('IDEMPOTENCY_KEY_REUSED');
    expect((await failureOf(engine.append('a', [{ id: 1 }], key))).code).toBe('IDEMPOTENCY_KEY_REUSED');
  });

  it('is no harm to the commits that are written together with its retry', async () => {
    const engine = await testEngine();
    const table = { name: 'a', columns: [{ name: 'id', type: 'INT' }] } as const;
    await engine.createTable(table, key);
    const [neighbour] = await Promise.allSettled([engine.createTable({ ...table, name: 'neighbour' }), engine.createTable(table, key)]);
    expect(neighbour.status).toBe('fulfilled');
  });
});

describe('an expectedSnapshotId', () => {
  it('is CONFLICT with the table and both snapshots where the table has changed since', async () => {
    const engine = await withTable();
    await engine.append('t', [{ id: 1 }]);
    for (const rows of [[{ id: 2 }], [{ id: 2, text: TOO_BIG_FOR_HOT }], []]) {
      const error = await failureOf(engine.append('t', rows, { expectedSnapshotId: 1 }));
      expect(error.code).toBe('CONFLICT');
      expect(error.details).toEqual({ table: 't', expectedSnapshotId: 1, actualSnapshotId: 2 });
    }
    expect(await ids(engine)).toEqual([1]);
  });

  it('is met by the newest snapshot of the table, and by any later one that only other tables have', async () => {
    const engine = await withTable();
    await engine.createTable({ name: 'other', columns: [{ name: 'id', type: 'INT' }] });
    await engine.append('t', [{ id: 1 }], { expectedSnapshotId: 1 });
    await engine.append('other', [{ id: 1 }]);
    await engine.append('t', [{ id: 2 }], { expectedSnapshotId: engine.headSnapshotId });
    expect(await ids(engine)).toEqual([1, 2]);
  });

  it('lets exactly one of many through who read the same snapshot', async () => {
    const engine = await withTable();
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, id) => engine.append('t', [{ id }], { expectedSnapshotId: engine.headSnapshotId })),
    );
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'CONFLICT' });
    expect(await ids(engine)).toHaveLength(1);
  });

  it('is BAD_USER_INPUT where it is no snapshot id', async () => {
    const engine = await withTable();
    for (const expectedSnapshotId of [-1, 1.5, Number.NaN])
      expect((await failureOf(engine.append('t', [{ id: 1 }], { expectedSnapshotId }))).code).toBe('BAD_USER_INPUT');
  });
});

describe('a commit', () => {
  it('of no rows is a success that commits nothing', async () => {
    const engine = await withTable();
    const result = await engine.append('t', [], { message: 'nothing' });
    expect(result).toEqual({
      commit: null,
      snapshots: [engine.table('t').last],
      replayed: false,
      insertedRows: 0,
      updatedRows: 0,
      deletedRows: 0,
      rows: [],
    });
    expect(engine.headSnapshotId).toBe(1);
  });

  it('keeps its author, message and properties, and is listed with them, newest first, after a restart too', async () => {
    const engine = await withTable();
    const properties = { ticket: 7, nested: { tags: ['a', '😀'] } };
    await engine.append('t', [{ id: 1 }], { author: 'Ada', message: 'first 😀', properties });
    await engine.append('t', [{ id: 2 }], { author: 'Bob' });
    await engine.append('t', [{ id: 3 }], { author: 'Ada', message: '' });
    await engine.close();
    const reopened = await testEngine({ directory: engine.directory });
    const commits = await listed(reopened);
    expect(commits.map(({ snapshotId, author, message }) => ({ snapshotId, author, message }))).toEqual([
      { snapshotId: 4, author: 'Ada', message: '' },
      { snapshotId: 3, author: 'Bob', message: null },
      { snapshotId: 2, author: 'Ada', message: 'first 😀' },
      { snapshotId: 1, author: null, message: null },
    ]);
    expect(JSON.parse(commits[2]?.properties ?? '')).toEqual(properties);
    expect((await listed(reopened, 'Ada')).map((commit) => commit.snapshotId)).toEqual([4, 2]);
    expect(await listed(reopened, 'ada')).toEqual([]);
  });

  it('is LIMIT_EXCEEDED with the limit where an option or a batch is too large', async () => {
    const engine = await withTable();
    const cases: readonly (readonly [string, number, number, CommitOptions])[] = [
      ['messageLengthMax', 10_000, 10_001, { message: 'x'.repeat(10_001) }],
      ['authorLengthMax', 256, 257, { author: 'x'.repeat(257) }],
      ['idempotencyKeyLengthMax', 256, 257, { idempotencyKey: 'x'.repeat(257) }],
      ['propertiesBytesMax', 16_384, 16_385, { properties: { p: 'x'.repeat(16_385 - '{"p":""}'.length) } }],
    ];
    for (const [limit, maximum, actual, options] of cases) {
      const error = await failureOf(engine.append('t', [{ id: 1 }], options));
      expect(error.code).toBe('LIMIT_EXCEEDED');
      expect(error.details).toEqual({ limit, maximum, actual });
    }
    const error = await failureOf(engine.append('t', new Array(100_001).fill({})));
    expect(error.details).toEqual({ limit: 'rowsPerCommitMax', maximum: 100_000, actual: 100_001 });
    expect(await ids(engine)).toEqual([]);
    await engine.append('t', [{ id: 1 }], { message: 'x'.repeat(10_000), author: 'x'.repeat(256), idempotencyKey: 'x'.repeat(256) });
  });

  it('is BAD_USER_INPUT where an option is not what it must be', async () => {
    const engine = await withTable();
    const options: readonly CommitOptions[] = [
      { properties: [] },
      { properties: 'text' },
      { properties: 7 },
      { idempotencyKey: '' },
      { message: '\ud800' },
      { author: '\udc00' },
    ];
    for (const option of options) expect((await failureOf(engine.append('t', [{ id: 1 }], option))).code).toBe('BAD_USER_INPUT');
    expect(await ids(engine)).toEqual([]);
  });

  it('is BAD_USER_INPUT where its properties are no JSON', async () => {
    const engine = await withTable();
    const endless: Record<string, unknown> = {};
    endless['self'] = endless;
    for (const properties of [{ big: 2n ** 64n + 1n }, endless, new Date(NOON)])
      expect((await failureOf(engine.append('t', [{ id: 1 }], { properties }))).code).toBe('BAD_USER_INPUT');
  });
});
