import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openEngine } from '../src/engine/index.ts';
import { copyOf, createTables, flip, inspect, largest, type Told, writeCommits } from './damage.ts';
import { randomNumbers, seedOf } from './random.ts';
import { temporaryDirectory, testEngine } from './support.ts';

const FLIPS = 60;

interface Trial {
  readonly position: number;
  readonly mask: number;
  readonly wrong: string[];
  readonly files: string[];
}

/** Flips one byte at random places of a file, each in a copy of its own, and asks for everything. */
async function trials(directory: string, told: readonly Told[], file: string, random: (below: number) => number): Promise<Trial[]> {
  const size = statSync(join(directory, file)).size;
  const done: Trial[] = [];
  for (let index = 0; index < FLIPS; index += 1) {
    const position = random(size);
    const mask = 1 << random(8);
    const copy = await copyOf(directory);
    flip(join(copy, file), position, mask);
    const { wrong, found } = await inspect(copy, told);
    done.push({ position, mask, wrong, files: [...new Set(found.map((finding) => finding.file))] });
  }
  return done;
}

/** The footer of a table is padded between its handles and its magic number; nobody reads the padding. */
function isPadding(size: number, position: number): boolean {
  return position >= size - 40 && position < size - 8;
}

describe('one flipped bit anywhere in the catalog never changes an answer, and is found', () => {
  it('in a table of LevelDB', { timeout: 180_000 }, async () => {
    const random = randomNumbers(seedOf('flips in a LevelDB table'));
    const directory = await temporaryDirectory();
    const engine = await openEngine({ directory, threads: 1 });
    await createTables(engine);
    const told = await writeCommits(engine, 300, random);
    await engine.close();
    const file = join('catalog', largest(directory, /\.ldb$/));
    const size = statSync(join(directory, file)).size;
    const done = await trials(directory, told, file, random);
    expect(
      done.filter(({ wrong }) => wrong.length > 0),
      'answers that differ from what was written',
    ).toEqual([]);
    expect(
      done.filter(({ position, files }) => !isPadding(size, position) && files.length === 0),
      'flips that nothing found',
    ).toEqual([]);
    expect(
      done.filter(({ files }) => files.some((name) => name !== file)),
      'flips whose file was not named',
    ).toEqual([]);
  });

  it("in LevelDB's log", { timeout: 180_000 }, async () => {
    const random = randomNumbers(seedOf('flips in the log'));
    const engine = await testEngine({ threads: 1 });
    await createTables(engine);
    const told = await writeCommits(engine, 300, random);
    const file = join('catalog', largest(engine.directory, /\.log$/));
    const done = await trials(engine.directory, told, file, random);
    expect(
      done.filter(({ wrong }) => wrong.length > 0),
      'answers that differ from what was written',
    ).toEqual([]);
    expect(
      done.filter(({ files }) => files.length !== 1 || files[0] !== file),
      'flips that were not found, or whose file was not named',
    ).toEqual([]);
  });
});
