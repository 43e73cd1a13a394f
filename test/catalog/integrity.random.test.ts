import { spawn } from 'node:child_process';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openEngine } from '../../src/engine/index.ts';
import { copyOf, createTables, flip, largest, writeCommits } from '../support/damage.ts';
import type { Inspection, Told } from '../support/inspect.ts';
import { randomNumbers, scaled, seedOf } from '../support/random.ts';
import { temporaryDirectory, testEngine } from '../support/support.ts';

const FLIPS = scaled(15);
const INSPECTOR = fileURLToPath(new URL('../support/inspector.ts', import.meta.url));

interface Trial {
  readonly position: number;
  readonly mask: number;
  readonly wrong: readonly string[];
  readonly files: readonly string[];
}

/** Flips one bit at random places of a file, each in a copy of its own, and asks for everything. */
async function trials(directory: string, told: readonly Told[], file: string, random: (below: number) => number): Promise<Trial[]> {
  const size = statSync(join(directory, file)).size;
  const flips: { directory: string; position: number; mask: number }[] = [];
  for (let index = 0; index < FLIPS; index += 1) {
    const trial = { directory: await copyOf(directory), position: random(size), mask: 1 << random(8) };
    flip(join(trial.directory, file), trial.position, trial.mask);
    flips.push(trial);
  }
  const toldFile = join(await temporaryDirectory(), 'told.json');
  writeFileSync(toldFile, JSON.stringify(told));
  const inspections: Inspection[] = [];
  while (inspections.length < flips.length) {
    const left = flips.slice(inspections.length).map((trial) => trial.directory);
    inspections.push(...(await inspectAll(toldFile, left)));
  }
  return flips.map(({ position, mask }, index) => {
    const { wrong, found } = inspections[index] as Inspection;
    return { position, mask, wrong, files: [...new Set(found.map((finding) => finding.file))] };
  });
}

/** Inspects directories until all are done or one brings the process down; that one's inspection says so. */
async function inspectAll(toldFile: string, directories: readonly string[]): Promise<Inspection[]> {
  const child = spawn(process.execPath, ['--import', 'tsx', INSPECTOR, toldFile, ...directories], { stdio: ['ignore', 'pipe', 'pipe'] });
  let complaint = '';
  child.stderr.on('data', (bytes) => {
    complaint += bytes;
  });
  const exited = new Promise<string>((resolve) => child.on('close', (code, signal) => resolve(signal ?? `code ${code}`)));
  const done: Inspection[] = [];
  for await (const line of createInterface({ input: child.stdout })) done.push(JSON.parse(line));
  const end = await exited;
  if (done.length < directories.length) done.push({ wrong: [`the process died of ${end}: ${complaint.slice(0, 300)}`], found: [] });
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
    expect
      .soft(
        done.filter(({ wrong }) => wrong.length > 0),
        'answers that differ from what was written',
      )
      .toEqual([]);
    expect
      .soft(
        done.filter(({ position, files }) => !isPadding(size, position) && files.length === 0),
        'flips that nothing found',
      )
      .toEqual([]);
    expect
      .soft(
        done.filter(({ files }) => files.some((name) => name !== file)),
        'flips whose file was not named',
      )
      .toEqual([]);
  });

  it("in LevelDB's log", { timeout: 180_000 }, async () => {
    const random = randomNumbers(seedOf('flips in the log'));
    const engine = await testEngine({ threads: 1 });
    await createTables(engine);
    const told = await writeCommits(engine, 300, random);
    const file = join('catalog', largest(engine.directory, /\.log$/));
    const done = await trials(engine.directory, told, file, random);
    expect
      .soft(
        done.filter(({ wrong }) => wrong.length > 0),
        'answers that differ from what was written',
      )
      .toEqual([]);
    expect
      .soft(
        done.filter(({ files }) => files.length !== 1 || files[0] !== file),
        'flips that were not found, or whose file was not named',
      )
      .toEqual([]);
  });
});
