import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { README_ORDERS } from '../../scripts/demo-tables.ts';
import { restartingServer } from '../support/client-support.ts';
import { eventually, ORDERS, orders, testServer } from '../support/server-support.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Runs an example as its first line says, in a process of its own. @returns what it printed, by line */
async function runExample(name: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', `examples/${name}`], { cwd: ROOT });
  return stdout.trimEnd().split('\n');
}

/** An example that runs until it is told to end. */
function example(name: string, options: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const loader = import.meta.resolve('tsx');
  const child = spawn(process.execPath, ['--import', loader, `examples/${name}`, ...options], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TSX_TSCONFIG_PATH: 'examples/tsconfig.json', ...environment },
  });
  const lines: string[] = [];
  let said = '';
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const exit = once(child, 'close').then(([code]) => code as number | null);
  onTestFinished(() => void child.kill('SIGKILL'));
  const interrupt = (): Promise<number | null> => {
    child.kill('SIGINT');
    return exit;
  };
  return { lines, complaints: () => said, exit, interrupt };
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

  it('tail.ts prints a line for each commit, over a restart of the server, and ends at Ctrl-C', async () => {
    const server = await restartingServer([ORDERS]);
    const tail = example('tail.ts', ['--url', server.url, '--after', '0']);
    const rows = example('tail.ts', ['--url', server.url, '--table', 'orders', '--after', '1']);
    await server.current.engine.append('orders', orders(1, 2), { author: 'ada', message: 'two of them' });
    await eventually(() => expect(tail.lines).toHaveLength(2));
    await server.restart();
    await server.current.engine.update('orders', { kind: 'compare', column: 'order_id', operator: 'eq', value: '1' }, { status: 'paid' });
    await server.current.engine.delete('orders', { kind: 'compare', column: 'order_id', operator: 'eq', value: '2' });
    await eventually(() => expect([tail.lines.length, rows.lines.length]).toEqual([4, 4]));
    expect(tail.lines.map((line) => line.slice(line.indexOf('#')))).toEqual([
      '#1 orders CREATE +0 ~0 -0',
      '#2 orders APPEND +2 ~0 -0  ada: two of them',
      '#3 orders UPDATE +0 ~1 -0',
      '#4 orders DELETE +0 ~0 -1',
    ]);
    expect(rows.lines.map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual(['#2 INSERT', '#2 INSERT', '#3 UPDATE', '#4 DELETE']);
    expect(rows.lines[2]).toMatch(/"status":"new".* -> .*"status":"paid"/);
    expect(await tail.interrupt()).toBe(0);
    expect(await rows.interrupt()).toBe(0);
    expect(tail.complaints()).toMatch(/no connection to .*, trying again/);
  });

  it('tail.ts says what is wrong, and how it is used', async () => {
    const server = await restartingServer([ORDERS]);
    const nope = example('tail.ts', ['--url', server.url, '--table', 'nope']);
    expect(await nope.exit).toBe(1);
    expect(nope.complaints()).toContain('there is no table "nope"');
    const usage = example('tail.ts', ['--help']);
    expect(await usage.exit).toBe(2);
    expect(usage.complaints()).toContain('Usage: npm run example:tail');
  });

  it('orders.ts sees to the table of the pages, where it is there too, and says what is in the way', async () => {
    const empty = await testServer();
    for (const server of [empty, empty, await testServer({ tables: [README_ORDERS] })])
      expect(await example('orders.ts', [], { SERVER: server.url }).exit).toBe(0);
    expect(empty.engine.table('orders').schema.columns).toHaveLength(4);
    const other = example('orders.ts', [], { SERVER: (await testServer({ tables: [ORDERS] })).url });
    expect(await other.exit).toBe(1);
    expect(other.complaints()).toMatch(/there is a table orders already.*The pages show the orders of the README/s);
    const nobody = example('orders.ts', [], { SERVER: 'http://127.0.0.1:1' });
    expect(await nobody.exit).toBe(1);
    expect(nobody.complaints()).toContain('run npm start first');
  });
});
