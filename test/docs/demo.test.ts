import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/support.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DAYS = 3;
/** The flights of the first three days, counted in the source file. */
const FLIGHTS = ['14,828', '31,678', '48,626'];

const { ensureBuilt } = createRequire(import.meta.url)('../../scripts/setup.cjs') as { ensureBuilt(): void };

describe('npm run demo', () => {
  it('commits days of flights, shows each snapshot live, asks as of three instants, and leaves nothing behind', async () => {
    // The demo serves the compiled program.
    ensureBuilt();
    const temporary = await temporaryDirectory();
    const args = ['--import', 'tsx', 'scripts/demo.ts', '--days', String(DAYS)];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT, env: { ...process.env, TMPDIR: temporary } });
    const lines = stdout.split('\n');
    const live = lines.filter((line) => line.includes('  live  '));
    // Three tables, airports and earthquakes, and a commit a day: each once and in order.
    expect(live.map((line) => Number(/snapshot +(\d+)/.exec(line)?.[1]))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(live.slice(5).map((line) => /([\d,]+) in all/.exec(line)?.[1])).toEqual(FLIGHTS);
    expect(lines.filter((line) => line.includes(`of ${DAYS} days`))).toHaveLength(DAYS);
    const counts = lines.slice(lines.indexOf('How many rows were there?') + 2).slice(0, DAYS);
    expect(counts.map((line) => /([\d,]+) +[\d.]+ ms$/.exec(line)?.[1])).toEqual(FLIGHTS);
    expect(stdout).toContain('Which route is the busiest?');
    expect(stdout).toContain('ORD (Chicago)');
    expect((await readdir(temporary)).filter((name) => name.startsWith('tidemark-demo-'))).toEqual([]);
  });

  it('refuses a number of days that is none, with exit code 1', async () => {
    const args = ['--import', 'tsx', 'scripts/demo.ts', '--days', 'none'];
    const run = promisify(execFile)(process.execPath, args, { cwd: ROOT });
    await expect(run).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('takes a number of days') });
  });
});
