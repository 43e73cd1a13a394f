import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Runs an example as its first line says, in a process of its own. @returns what it printed, by line */
async function runExample(name: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', `examples/${name}`], { cwd: ROOT });
  return stdout.trimEnd().split('\n');
}

describe('examples run as they are', () => {
  it('engine.ts commits, listens, and reads the present and the past', async () => {
    expect(await runExample('engine.ts')).toEqual([
      'snapshot 1: a table of readings',
      'snapshot 2: morning',
      'snapshot 3: noon',
      'now: [{"sensor":"pier","celsius":11.5},{"sensor":"harbour","celsius":12.25},{"sensor":"pier","celsius":14}]',
      'in the morning: [{"sensor":"pier","celsius":11.5},{"sensor":"harbour","celsius":12.25}]',
    ]);
  });
});
