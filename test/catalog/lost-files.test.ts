/** Data files that are gone or damaged under an open engine: whatever reads them is CORRUPT_DATA with the file, and does nothing. */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Engine, type Filter, openEngine } from '../../src/engine/index.ts';
import { namesIn } from '../support/damage.ts';
import { liveClient, subscribe, testServer } from '../support/server-support.ts';
import { failureOf, temporaryDirectory, testEngine } from '../support/support.ts';

const ALL: Filter = { kind: 'and', filters: [] };
const below = (k: number): Filter => ({ kind: 'compare', column: 'k', operator: 'lt', value: k });
const COLUMNS = [
  { name: 'k', type: 'INT' },
  { name: 'text', type: 'STRING' },
] as const;

const rowsOf = (from: number, count: number): { k: number; text: string }[] =>
  Array.from({ length: count }, (_, index) => ({ k: from + index, text: `text ${from + index}`.repeat(20) }));

/** A table in one file of living rows and one of history, some hot rows beside them; snapshots 1 to 5. */
async function filled(engine: Engine): Promise<string[]> {
  await engine.createTable({ name: 't', columns: COLUMNS, primaryKey: ['k'] });
  await engine.append('t', rowsOf(0, 3_000));
  await engine.update('t', below(500), { text: 'changed' });
  await engine.compact('t');
  await engine.append('t', rowsOf(5_000, 10));
  await engine.delete('t', { kind: 'compare', column: 'k', operator: 'eq', value: 5_003 });
  return namesIn(join(engine.directory, 'data', '1'), /\.parquet$/).map((name) => join(engine.directory, 'data', '1', name));
}

const DAMAGES: readonly (readonly [string, (path: string) => void])[] = [
  ['gone', (path) => rmSync(path)],
  ['cut', (path) => truncateSync(path, 100)],
  ['something else', (path) => writeFileSync(path, Buffer.alloc(readFileSync(path).length, 'x'))],
];

const WORKS: Readonly<Record<string, (engine: Engine) => Promise<unknown>>> = {
  upsert: (engine) => engine.upsert('t', rowsOf(10, 2)),
  update: (engine) => engine.update('t', below(700), { text: 'new' }),
  'update of everything': (engine) => engine.update('t', ALL, { text: 'new' }),
  delete: (engine) => engine.delete('t', below(800)),
  'delete of everything': (engine) => engine.delete('t', ALL),
  replace: (engine) => engine.replace('t', rowsOf(9_000, 1), below(900)),
  commit: (engine) =>
    engine.commit([
      { kind: 'append', table: 't', rows: rowsOf(9_500, 1) },
      { kind: 'update', table: 't', where: below(10), set: { text: 'x' } },
    ]),
  restore: (engine) => engine.restore({ tables: ['t'], to: { kind: 'snapshot', snapshotId: 2 } }),
  eraseRows: (engine) => engine.eraseRows({ table: 't', where: below(3), reason: 'asked to' }),
  compact: async (engine) => {
    await engine.delete('t', { kind: 'compare', column: 'k', operator: 'gte', value: 5_000 });
    return engine.compact('t');
  },
  diff: async (engine) => (await engine.read.diff(engine.table('t'), { from: snapshot(1), to: snapshot(3) })).page({ first: 5 }),
  page: async (engine) => engine.read.page(await now(engine), { first: 1000, where: ALL }),
  count: async (engine) => engine.read.count(await now(engine), ALL),
  'row by key': async (engine) => engine.read.rowByKey(await now(engine), { k: 20 }, engine.table('t').schema.columns),
};

const snapshot = (id: number) => id as Engine['headSnapshotId'];

async function now(engine: Engine) {
  const at = await engine.read.tableAt(engine.table('t'), engine.headSnapshotId);
  if (at === undefined) throw new Error('there is no table');
  return at;
}

describe.each(DAMAGES)('data files that are %s', (_damage, damage) => {
  it.each(Object.entries(WORKS))('under an open engine: %s is CORRUPT_DATA with the file, and nothing is done', async (name, work) => {
    const engine = await testEngine({ cacheBytes: 0 });
    const files = await filled(engine);
    for (const path of files) damage(path);
    const head = engine.headSnapshotId;
    const left = readdirSync(join(engine.directory, 'data', '1')).length;
    const error = await failureOf(work(engine));
    expect(error, error.message).toMatchObject({
      code: 'CORRUPT_DATA',
      details: { file: expect.stringMatching(/^data\/1\/\w+\.parquet$/) },
    });
    if (name !== 'compact') expect(engine.headSnapshotId).toBe(head);
    // A flush that came before the compaction has written its own.
    if (name !== 'compact') expect(readdirSync(join(engine.directory, 'data', '1'))).toHaveLength(left);
    // It is the table's own trouble: others take commits, and this one those that read nothing.
    await engine.append('t', rowsOf(20_000, 1));
    expect((await engine.verify()).findings.map(({ file }) => file)).toEqual(expect.arrayContaining([error.details?.['file']]));
  });
});

it('a file that is put back is read again, without a restart', async () => {
  const engine = await testEngine({ cacheBytes: 0 });
  const files = await filled(engine);
  for (const path of files) renameSync(path, `${path}.away`);
  expect((await failureOf(engine.delete('t', ALL))).code).toBe('CORRUPT_DATA');
  for (const path of files) renameSync(`${path}.away`, path);
  expect((await engine.delete('t', ALL)).deletedRows).toBe(3_009);
  expect((await engine.verify()).findings).toEqual([]);
});

it('through the API it is CORRUPT_DATA, in mutations, diffs and subscriptions alike', async () => {
  const server = await testServer();
  const files = await filled(server.engine);
  const watch = await subscribe<{ tChanges: { snapshotId: number } }>(
    server,
    liveClient(server.url),
    'subscription { tChanges(after: "5") { snapshotId } }',
  );
  for (const path of files) rmSync(path);
  const code = { extensions: { code: 'CORRUPT_DATA', details: { file: expect.stringMatching(/^data\/1\//) } } };
  for (const document of [
    'mutation { upsertT(rows: [{k: 3, text: "x"}]) { replayed } }',
    'mutation { updateT(where: {k: {lt: 600}}, set: {text: "x"}) { updatedRows } }',
    'mutation { deleteT(where: {k: {lt: 600}}) { deletedRows } }',
    'mutation { restore(to: {snapshotId: 2}) { commit { snapshotId } } }',
    'mutation { eraseRows(table: "t", where: {column: "k", eq: 4}, reason: "r") { erasedRows } }',
    '{ diff(from: {snapshotId: 1}, to: {snapshotId: 3}) { t(mode: FULL) { insertedRows changes(first: 3) { nodes { kind } } } } }',
  ])
    expect(await server.failure(document), document).toMatchObject(code);
  const { value } = await liveClient(server.url).iterate({ query: 'subscription { tChanges(after: "1") { changes { kind } } }' }).next();
  expect(value).toMatchObject({ errors: [code] });
  await server.engine.append('t', rowsOf(30_000, 1));
  expect((await watch.take()).tChanges.snapshotId).toBe(6);
});

describe('verify under an open engine', () => {
  const catalogFiles = (engine: Engine, pattern: RegExp): string[] =>
    namesIn(join(engine.directory, 'catalog'), pattern).map((name) => join(engine.directory, 'catalog', name));

  it('finds nothing where nothing is wrong, also while commits are made', async () => {
    const engine = await testEngine();
    await filled(engine);
    let isDone = false;
    const writing = (async () => {
      for (let k = 30_000; !isDone; k += 200) await engine.append('t', rowsOf(k, 200));
    })();
    for (let round = 0; round < 4; round += 1) expect((await engine.verify()).findings).toEqual([]);
    isDone = true;
    await writing;
    expect(
      existsSync(join(engine.directory, 'tmp')) ? readdirSync(join(engine.directory, 'tmp')).filter((name) => name !== 'spill') : [],
    ).toEqual([]);
  });

  it.each([
    ['CURRENT is removed', /^CURRENT$/, (path: string) => rmSync(path)],
    ['CURRENT names no manifest', /^CURRENT$/, (path: string) => writeFileSync(path, 'MANIFEST-999999\n')],
    ['CURRENT is empty', /^CURRENT$/, (path: string) => writeFileSync(path, '')],
    ['the manifest is removed', /^MANIFEST-/, (path: string) => rmSync(path)],
    ['the manifest is emptied', /^MANIFEST-/, (path: string) => truncateSync(path, 0)],
    ['the manifest is cut', /^MANIFEST-/, (path: string) => truncateSync(path, 20)],
    ['the log is removed', /\.log$/, (path: string) => rmSync(path)],
    ['the log is replaced by an older one', /\.log$/, (path: string) => replaceBy(path, readFileSync(path).subarray(0, 200))],
    ['the log is replaced by an empty one', /\.log$/, (path: string) => replaceBy(path, Buffer.alloc(0))],
    ['a table is removed', /\.ldb$/, (path: string) => rmSync(path)],
    ['a table is emptied', /\.ldb$/, (path: string) => replaceBy(path, Buffer.alloc(0))],
  ])('where %s', async (_, pattern, damage) => {
    const directory = await temporaryDirectory();
    const before = await openEngine({ directory });
    await filled(before);
    await before.close();
    const engine = await openEngine({ directory });
    try {
      await engine.append('t', rowsOf(40_000, 5));
      expect((await engine.verify()).findings).toEqual([]);
      const paths = catalogFiles(engine, pattern);
      expect(paths.length).toBeGreaterThan(0);
      for (const path of paths) damage(path);
      const { findings, hash } = await engine.verify();
      expect(findings.length).toBeGreaterThan(0);
      for (const { file } of findings) expect(file).toMatch(/^catalog/);
      expect(hash).toBeNull();
    } finally {
      await engine.close();
    }
  });
});

/** Another file in the place of one that is open. */
function replaceBy(path: string, bytes: Buffer): void {
  rmSync(path);
  writeFileSync(path, bytes);
}
