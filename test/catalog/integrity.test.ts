import { readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { wholeRecords } from '../../src/engine/catalog/leveldb/log.ts';
import { type Engine, EngineError, openEngine } from '../../src/engine/index.ts';
import { contentsOf, copyOf, createTables, flip, largest, namesIn, writeCommits } from '../support/damage.ts';
import { inspect, type Told } from '../support/inspect.ts';
import { randomNumbers } from '../support/random.ts';
import { failureOf, rowsAsOf, temporaryDirectory, testEngine } from '../support/support.ts';

/** A directory as a kill leaves it: everything in LevelDB's log, nothing in its tables. */
async function killed(count = 120): Promise<{ directory: string; told: Told[]; log: string }> {
  const engine = await testEngine({ threads: 1 });
  await createTables(engine);
  const told = await writeCommits(engine, count, randomNumbers(1));
  const directory = await copyOf(engine.directory);
  const name = largest(directory, /\.log$/);
  return { directory, told, log: join('catalog', name) };
}

/** A directory as a clean stop leaves it: everything in LevelDB's tables, nothing in its log. */
async function stopped(count = 300): Promise<{ directory: string; told: Told[]; table: string }> {
  const directory = await temporaryDirectory();
  const engine = await openEngine({ directory, threads: 1 });
  await createTables(engine);
  const told = await writeCommits(engine, count, randomNumbers(2));
  await engine.close();
  return { directory, told, table: join('catalog', largest(directory, /\.ldb$/)) };
}

/** A directory with three Parquet files, in the order of their rows, of the table `big`, whose rows are 0, 1, 2, ... */
async function withFiles(): Promise<{ directory: string; files: string[] }> {
  const directory = await temporaryDirectory();
  const engine = await openEngine({ directory, threads: 1, maintenance: { autoCompact: false } });
  await engine.createTable({
    name: 'big',
    columns: [
      { name: 'n', type: 'LONG' },
      { name: 'text', type: 'STRING' },
    ],
  });
  for (let start = 0; start < 6000; start += 2000) {
    const rows = Array.from({ length: 2000 }, (_, index) => ({ n: String(start + index), text: `row ${start + index} `.repeat(8) }));
    await engine.append('big', rows);
  }
  const at = await engine.read.tableAt(engine.table('big'), engine.headSnapshotId);
  const files = at === undefined ? [] : engine.read.manifest(at).map(({ path }) => String(path));
  await engine.close();
  expect(files).toHaveLength(3);
  return { directory, files };
}

async function openFailure(directory: string): Promise<EngineError> {
  const error = await failureOf(openEngine({ directory }));
  expect(error).toBeInstanceOf(EngineError);
  return error as EngineError;
}

/** Where the blocks of a LevelDB table lie, from its footer (doc/table_format.md of google/leveldb). */
function blocksOf(path: string): { size: number; filters: number; metaindex: number; index: number } {
  const bytes = readFileSync(path);
  let at = bytes.length - 48;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at] as number;
      at += 1;
      value += (byte & 0x7f) * factor;
      if (byte < 128) return value;
    }
  };
  const metaindex = varint();
  varint();
  const index = varint();
  // The filter block lies right before the metaindex: five bytes of trailer, one of its own, then the filters.
  return { size: bytes.length, filters: metaindex - 40, metaindex, index };
}

describe('damage in the log of the catalog is found and its file named', () => {
  it.each([0.02, 0.2, 0.5, 0.8, 0.95])('where a byte is flipped at %f of it and records follow', async (part) => {
    const { directory, log } = await killed();
    flip(join(directory, log), Math.floor(statSync(join(directory, log)).size * part));
    const error = await openFailure(directory);
    expect(error).toMatchObject({ code: 'CORRUPT_DATA', details: { file: log } });
    expect(error.message).toContain(log);
    // LevelDB has not seen the log: it is there as it was, for whoever mends it.
    expect(statSync(join(directory, log)).size).toBeGreaterThan(1000);
  });

  it.each([-1, -20])(
    'where a byte of its last record is flipped, %i from the end; it is left as it is at every start',
    async (position) => {
      const { directory, log } = await killed();
      flip(join(directory, log), position);
      const damaged = readFileSync(join(directory, log));
      rmSync(join(directory, 'LOCK'), { force: true });
      expect(await openFailure(directory)).toMatchObject({ code: 'CORRUPT_DATA', details: { file: log } });
      expect(readFileSync(join(directory, log))).toEqual(damaged);
      expect(await openFailure(directory), 'the second try').toMatchObject({ code: 'CORRUPT_DATA' });
      expect(readFileSync(join(directory, log))).toEqual(damaged);
    },
  );

  it('where its end was cut off in the middle of a record', async () => {
    const { directory, log } = await killed();
    truncateSync(join(directory, log), statSync(join(directory, log)).size - 5);
    expect(await openFailure(directory)).toMatchObject({ code: 'CORRUPT_DATA', details: { file: log } });
  });

  it('where its last records were cut off whole', async () => {
    const { directory, log } = await killed();
    const bytes = readFileSync(join(directory, log));
    const ends: number[] = [];
    for (let at = 0; at < bytes.length; ) {
      if (32_768 - (at % 32_768) < 7) at += 32_768 - (at % 32_768);
      else at += 7 + bytes.readUInt16LE(at + 4);
      ends.push(at);
    }
    truncateSync(join(directory, log), ends.at(-3));
    const error = await openFailure(directory);
    expect(error.code).toBe('CORRUPT_DATA');
    expect(error.details['file']).toMatch(/^catalog/);
  });

  it('where it is gone', async () => {
    const { directory, log } = await killed();
    rmSync(join(directory, log));
    const error = await openFailure(directory);
    expect(error.code).toBe('CORRUPT_DATA');
    expect(error.details['file']).toMatch(/^catalog/);
  });

  it.each([
    ['this very process, as after a container restarts', process.pid],
    ['a process that lives, as after a reboot or in a copied directory', 1],
    ['a process that is gone', 999_999_999],
  ])('whatever LOCK says: %s; nothing in the directory changes', async (_, pid) => {
    const { directory, log } = await killed();
    flip(join(directory, log), Math.floor(statSync(join(directory, log)).size / 2));
    const lock = JSON.stringify({ pid, startedAt: '2026-01-01T00:00:00.000Z' });
    for (const attempt of ['first', 'second', 'third']) {
      writeFileSync(join(directory, 'LOCK'), lock);
      const before = contentsOf(directory);
      const error = await openFailure(directory);
      expect(error, `the ${attempt} start`).toMatchObject({ code: 'CORRUPT_DATA', details: { file: log } });
      expect(contentsOf(directory), `the ${attempt} start`).toEqual(before);
    }
  });

  it('but an end that a crash tore, of commits that nobody was told of, opens fine with all that was acknowledged', async () => {
    const { directory, told, log } = await killed();
    const before = statSync(join(directory, log)).size;
    truncateSync(join(directory, log), before - 5);
    rmSync(join(directory, 'HEAD'));
    expect(await inspect(directory, told.slice(0, -1))).toEqual({ wrong: [], found: [] });
  });

  it('but half a record that was never acknowledged opens fine, with the mark of the newest commit there', async () => {
    const { directory, told, log } = await killed();
    const record = readFileSync(join(directory, log)).subarray(0, 60);
    writeFileSync(join(directory, log), record.subarray(0, 30), { flag: 'a' });
    expect(await inspect(directory, told)).toEqual({ wrong: [], found: [] });
  });
});

describe('HEAD, which says what was acknowledged last', () => {
  const lastCommitLost = (directory: string, log: string): void => {
    const path = join(directory, log);
    truncateSync(path, wholeRecords(readFileSync(path)).records.at(-1)?.start);
  };

  it.each([0, 5, 12, 20, 512, 520, 535])('mends a flipped byte at %i of one copy by the other', async (position) => {
    const { directory, told, log } = await killed(20);
    flip(join(directory, 'HEAD'), position);
    const damaged = await copyOf(directory);
    expect(await inspect(directory, told)).toEqual({ wrong: [], found: [] });
    lastCommitLost(damaged, log);
    expect(await openFailure(damaged), 'and it still tells a lost end').toMatchObject({
      code: 'CORRUPT_DATA',
      details: { file: 'catalog' },
    });
  });

  it.each([0, 24, 100, 511, 512, 530])('is good where its end was torn off at %i by a power cut', async (size) => {
    const { directory, told } = await killed(20);
    truncateSync(join(directory, 'HEAD'), size);
    if (size >= 24) expect(await inspect(directory, told)).toEqual({ wrong: [], found: [] });
    else expect(await openFailure(directory)).toMatchObject({ code: 'CORRUPT_DATA', details: { file: 'HEAD' } });
  });

  it('is damage where no copy can be read, never "nothing was acknowledged"; without it the log is believed', async () => {
    const { directory, told, log } = await killed(20);
    for (const position of [7, 519]) flip(join(directory, 'HEAD'), position);
    const before = contentsOf(directory);
    const error = await openFailure(directory);
    expect(error).toMatchObject({ code: 'CORRUPT_DATA', details: { file: 'HEAD' } });
    expect(error.hint).toMatch(/remove the file HEAD/);
    expect(contentsOf(directory)).toEqual(before);
    rmSync(join(directory, 'HEAD'));
    const lost = await copyOf(directory);
    expect(await inspect(directory, told)).toEqual({ wrong: [], found: [] });
    lastCommitLost(lost, log);
    expect(await inspect(lost, told.slice(0, -1)), 'as the hint says').toEqual({ wrong: [], found: [] });
  });
});

describe('damage in the files that lead LevelDB to its tables is found', () => {
  it.each([
    ['flipped in the middle', (path: string) => flip(path, Math.floor(statSync(path).size / 2))],
    ['flipped at its end', (path: string) => flip(path, -1)],
    ['cut at its end', (path: string) => truncateSync(path, statSync(path).size - 3)],
    ['gone', (path: string) => rmSync(path)],
  ])('where its manifest is %s', async (_, damage) => {
    const { directory, told } = await stopped(20);
    damage(join(directory, 'catalog', largest(directory, /^MANIFEST-/)));
    const { wrong, found } = await inspect(directory, told);
    expect(wrong).toEqual([]);
    expect(found.map(({ file }) => file)).toContainEqual(expect.stringMatching(/^catalog/));
  });

  it.each([
    ['flipped', (path: string) => flip(path, 10)],
    ['empty', (path: string) => truncateSync(path, 0)],
    ['gone', (path: string) => rmSync(path)],
  ])('where CURRENT is %s', async (_, damage) => {
    const { directory, told } = await stopped(20);
    damage(join(directory, 'catalog', 'CURRENT'));
    const { wrong, found } = await inspect(directory, told);
    expect(wrong).toEqual([]);
    expect(found.map(({ file }) => file)).toContainEqual(expect.stringMatching(/^catalog/));
  });

  it('where a table is gone', async () => {
    const { directory, told, table } = await stopped(20);
    rmSync(join(directory, table));
    const { wrong, found } = await inspect(directory, told);
    expect(wrong).toEqual([]);
    expect(found.length).toBeGreaterThan(0);
  });
});

describe('damage in a table of the catalog is found and its file named', () => {
  it.each<[string, (blocks: ReturnType<typeof blocksOf>) => number]>([
    ['its first data block', () => 100],
    ['a data block in the middle', ({ filters }) => Math.floor(filters / 2)],
    ['its filters, by which look-ups of single keys go', ({ filters }) => filters],
    ['its metaindex', ({ metaindex }) => metaindex + 3],
    ['its index block', ({ index }) => index + 12],
    ['the handles in its footer', ({ size }) => size - 47],
    ['its magic number', ({ size }) => size - 3],
  ])('where a byte is flipped in %s', async (_, position) => {
    const { directory, told, table } = await stopped();
    const path = join(directory, table);
    flip(path, position(blocksOf(path)));
    const { wrong, found } = await inspect(directory, told);
    expect(wrong).toEqual([]);
    expect(found.length).toBeGreaterThan(0);
    expect(new Set(found.map(({ file }) => file))).toEqual(new Set([table]));
  });
});

describe('damage in a Parquet file is found and its file named', () => {
  const readBig = async (engine: Engine): Promise<unknown[]> => rowsAsOf(engine, 'big', { kind: 'newest' }, { first: 1000 });

  it.each([
    ['flipped at its start', (path: string) => flip(path, 4)],
    ['flipped in the middle', (path: string) => flip(path, Math.floor(statSync(path).size / 2))],
    ['flipped at its end', (path: string) => flip(path, -1)],
    ['cut by a byte', (path: string) => truncateSync(path, statSync(path).size - 1)],
    ['longer than it was', (path: string) => writeFileSync(path, 'x', { flag: 'a' })],
    ['empty', (path: string) => truncateSync(path, 0)],
    ['gone', (path: string) => rmSync(path)],
  ])('at the first read and by verify where it is %s', async (_, damage) => {
    const { directory, files } = await withFiles();
    const file = files[1] as string;
    damage(join(directory, file));
    const engine = await testEngine({ directory, threads: 1, maintenance: { autoCompact: false } });
    const at = await engine.read.tableAt(engine.table('big'), engine.headSnapshotId);
    if (at === undefined) throw new Error('big exists');
    const sum = engine.read.aggregate(at, { terms: [{ function: 'SUM', column: 'n' }] });
    expect(await failureOf(sum)).toMatchObject({ code: 'CORRUPT_DATA', details: { file } });
    expect((await engine.verify()).findings.map((finding) => finding.file)).toEqual([file]);
    expect(await failureOf(engine.compact('big')), 'compact merges no damaged file').toMatchObject({ code: 'CORRUPT_DATA' });
    expect(await rowsAsOf(engine, 'big', { kind: 'newest' }, { first: 10 }), 'rows of another file').toHaveLength(10);
  });

  it('by verify, where it was read before and then flipped under the open engine', async () => {
    const { directory, files } = await withFiles();
    const engine = await testEngine({ directory, threads: 1, maintenance: { autoCompact: false } });
    expect(await readBig(engine)).toHaveLength(1000);
    expect((await engine.verify()).findings).toEqual([]);
    flip(join(directory, files[2] as string), 5000);
    expect((await engine.verify()).findings.map((finding) => finding.file)).toEqual([files[2]]);
  });

  it('at the read, where it is deleted under the engine that wrote it', async () => {
    const engine = await testEngine({ threads: 1, maintenance: { autoCompact: false } });
    await engine.createTable({ name: 'big', columns: [{ name: 'text', type: 'STRING' }] });
    await engine.append(
      'big',
      Array.from({ length: 1000 }, (_, index) => ({ text: `row ${index} `.repeat(20) })),
    );
    const [name] = namesIn(join(engine.directory, 'data', '1'), /\.parquet$/);
    rmSync(join(engine.directory, 'data', '1', String(name)));
    expect(await failureOf(readBig(engine))).toMatchObject({ code: 'CORRUPT_DATA', details: { file: `data/1/${name}` } });
  });
});

describe('verify of a running engine', () => {
  it.each<[string, RegExp, RegExp]>([
    ['CURRENT', /^CURRENT$/, /^catalog\/CURRENT$/],
    ['the manifest', /^MANIFEST-/, /^catalog\/MANIFEST-/],
    ['the log', /\.log$/, /^catalog/],
  ])('finds that %s was removed', async (_, name, file) => {
    const engine = await openEngine({ directory: await temporaryDirectory(), threads: 1, onBackgroundError: () => {} });
    await createTables(engine);
    await writeCommits(engine, 5, randomNumbers(3));
    expect((await engine.verify()).findings).toEqual([]);
    rmSync(join(engine.directory, 'catalog', largest(engine.directory, name)));
    expect((await engine.verify()).findings.map((finding) => finding.file)).toContainEqual(expect.stringMatching(file));
    await engine.close();
  });
});
