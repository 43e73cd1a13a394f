import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { FORMAT_KEY } from '../../src/engine/catalog/keys.ts';
import { encodeNumber } from '../../src/engine/catalog/records.ts';
import { CatalogStore } from '../../src/engine/catalog/store.ts';
import { EngineError, openEngine } from '../../src/engine/index.ts';
import { createTables, namesIn, writeCommits } from '../support/damage.ts';
import { inspect } from '../support/inspect.ts';
import { randomNumbers } from '../support/random.ts';
import { failureOf, temporaryDirectory, testEngine } from '../support/support.ts';

const run = promisify(execFile);

/** Opens a directory in another process. @returns what it printed: OK, or the error as JSON */
async function openElsewhere(directory: string): Promise<string> {
  const script = `
    import { openEngine } from ${JSON.stringify(new URL('../../src/engine/index.ts', import.meta.url).href)};
    try {
      const engine = await openEngine({ directory: ${JSON.stringify(directory)} });
      await engine.close();
      console.log('OK');
    } catch (error) {
      console.log(JSON.stringify({ code: error.code, message: error.message, details: error.details }));
    }`;
  const { stdout } = await run(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script]);
  return stdout.trim();
}

/** A clean directory with some commits. */
async function written(): Promise<{ directory: string; told: Awaited<ReturnType<typeof writeCommits>> }> {
  const directory = await temporaryDirectory();
  const engine = await openEngine({ directory, threads: 1 });
  await createTables(engine);
  const told = await writeCommits(engine, 20, randomNumbers(3));
  await engine.append(
    'events',
    Array.from({ length: 3000 }, (_, n) => ({ n, label: 'x'.repeat(40) })),
  );
  await engine.close();
  return { directory, told };
}

describe('one process at a time opens a data directory', () => {
  it('a second one is refused with the id of the first, and the first goes on', async () => {
    const engine = await testEngine({ threads: 1 });
    await createTables(engine);
    await writeCommits(engine, 20, randomNumbers(4));
    const refused = JSON.parse(await openElsewhere(engine.directory));
    expect(refused).toMatchObject({ code: 'DIRECTORY_IN_USE', details: { pid: process.pid } });
    expect(refused.message).toContain(String(process.pid));
    expect(existsSync(join(engine.directory, 'damaged'))).toBe(false);
    await engine.append('events', [{ n: 1 }]);
    expect((await engine.verify()).findings).toEqual([]);
  });

  it('a second engine in the same process is refused too, and the first goes on', async () => {
    const engine = await testEngine({ threads: 1 });
    const error = await failureOf(openEngine({ directory: engine.directory }));
    expect(error).toBeInstanceOf(EngineError);
    expect(error).toMatchObject({ code: 'DIRECTORY_IN_USE', details: { pid: process.pid } });
    await createTables(engine);
    expect(JSON.parse(await openElsewhere(engine.directory)), 'the lock still holds').toMatchObject({ code: 'DIRECTORY_IN_USE' });
  });

  it('once the first has closed, another may open it', async () => {
    const { directory } = await written();
    expect(existsSync(join(directory, 'LOCK'))).toBe(false);
    expect(await openElsewhere(directory)).toBe('OK');
  });

  it('a lock file that a killed process left is no hindrance', async () => {
    const { directory, told } = await written();
    writeFileSync(join(directory, 'LOCK'), '{"pid": 999999999, "startedAt": "2026-01-01T00:00:00.000Z"}\n');
    expect((await inspect(directory, told)).found).toEqual([]);
    writeFileSync(join(directory, 'LOCK'), 'not json');
    expect((await inspect(directory, told)).found).toEqual([]);
  });
});

describe('a format that this version does not know is refused', () => {
  it.each([0, 1, 1000])('version %i', async (version) => {
    const { directory } = await written();
    const store = await CatalogStore.open(join(directory, 'catalog'));
    await store.write([{ key: FORMAT_KEY, value: encodeNumber(version) }], { sync: true });
    await store.close(true);
    const before = namesIn(join(directory, 'data', '2'), /./);
    const error = await failureOf(openEngine({ directory }));
    expect(error).toMatchObject({ code: 'FORMAT_UNSUPPORTED', details: { version, supported: 2 } });
    expect(error.message).toContain(String(version));
    expect(namesIn(join(directory, 'data', '2'), /./), 'its files are left alone').toEqual(before);
  });

  it('a catalog without a version is CORRUPT_DATA', async () => {
    const { directory } = await written();
    const store = await CatalogStore.open(join(directory, 'catalog'));
    await store.write([{ key: FORMAT_KEY, value: null }], { sync: true });
    await store.close(true);
    expect(await failureOf(openEngine({ directory }))).toMatchObject({ code: 'CORRUPT_DATA' });
  });
});

describe('a start tidies what a crash left', () => {
  it('data files that no commit names are removed, those that one names stay', async () => {
    const { directory, told } = await written();
    const folder = join(directory, 'data', '2');
    const named = namesIn(folder, /\.parquet$/);
    expect(named).toHaveLength(1);
    writeFileSync(join(folder, `${'0'.repeat(32)}.parquet`), 'staged by a commit that never was');
    mkdirSync(join(directory, 'data', '77'));
    writeFileSync(join(directory, 'data', '77', `${'1'.repeat(32)}.parquet`), readFileSync(join(folder, String(named[0]))));
    const { wrong, found } = await inspect(directory, told);
    expect({ wrong, found }).toEqual({ wrong: [], found: [] });
    expect(namesIn(folder, /./)).toEqual(named);
    expect(namesIn(join(directory, 'data', '77'), /./)).toEqual([]);
  });

  it('tmp/ is emptied', async () => {
    const { directory, told } = await written();
    mkdirSync(join(directory, 'tmp', 'spill', 'deep'), { recursive: true });
    writeFileSync(join(directory, 'tmp', 'half.parquet'), 'half a file');
    writeFileSync(join(directory, 'tmp', 'spill', 'deep', 'block'), 'spilled');
    expect(await inspect(directory, told)).toEqual({ wrong: [], found: [] });
    expect(namesIn(join(directory, 'tmp'), /half/)).toEqual([]);
    expect(existsSync(join(directory, 'tmp', 'spill', 'deep'))).toBe(false);
  });

  it('a file that somebody else put into data/ is no hindrance', async () => {
    const { directory, told } = await written();
    writeFileSync(join(directory, 'data', '.DS_Store'), 'from a file manager');
    expect(await inspect(directory, told)).toEqual({ wrong: [], found: [] });
  });

  it('a catalog that is gone while its data is there is CORRUPT_DATA, and no data file is removed', async () => {
    const { directory } = await written();
    rmSync(join(directory, 'catalog'), { recursive: true });
    const before = namesIn(join(directory, 'data', '2'), /./);
    expect(await failureOf(openEngine({ directory }))).toMatchObject({ code: 'CORRUPT_DATA' });
    expect(await failureOf(openEngine({ directory })), 'the second try').toMatchObject({ code: 'CORRUPT_DATA' });
    expect(namesIn(join(directory, 'data', '2'), /./)).toEqual(before);
  });
});

describe('a catalog that was tagged while it was empty', () => {
  it.each([0, 1, 3])('opens after %i commits, and all of its log is found', async (commits) => {
    const directory = await temporaryDirectory();
    const first = await openEngine({ directory, threads: 1 });
    await first.createTag('empty');
    await first.createTag('another');
    await first.dropTag('another');
    for (let n = 1; n <= commits; n += 1) await first.createTable({ name: `t${n}`, columns: [{ name: 'id', type: 'INT' }] });
    await first.close();
    const again = await openEngine({ directory, threads: 1 });
    expect(again.tags().map(({ name, snapshotId }) => ({ name, snapshotId }))).toEqual([{ name: 'empty', snapshotId: 0 }]);
    expect(again.headSnapshotId).toBe(commits);
    expect((await again.verify()).findings).toEqual([]);
    await again.close();
  });
});
