import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { DirectoryLock } from '../../src/engine/catalog/lock.ts';
import { openEngine } from '../../src/engine/index.ts';
import { failureOf, rowsAsOf, temporaryDirectory, testEngine } from '../support/support.ts';

const TABLE = { name: 't', columns: [{ name: 'k', type: 'INT' as const }] };

/** Another process that has a directory open until it is killed. */
async function holder(directory: string): Promise<ChildProcess> {
  const script = `
    import { openEngine } from ${JSON.stringify(new URL('../../src/engine/index.ts', import.meta.url).href)};
    await openEngine({ directory: ${JSON.stringify(directory)}, threads: 1 });
    console.log('open');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  for await (const line of createInterface({ input: child.stdout })) if (line === 'open') return child;
  throw new Error('the other process ended before it had the directory');
}

describe('the kernel keeps the lock of a data directory', () => {
  it('it goes with its holder, also after kill -9, whatever LOCK says then', async () => {
    const directory = await temporaryDirectory();
    const child = await holder(directory);
    const refused = await failureOf(openEngine({ directory, threads: 1 }));
    expect(refused).toMatchObject({ code: 'DIRECTORY_IN_USE', details: { pid: child.pid } });
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await exited;
    expect(existsSync(join(directory, 'LOCK'))).toBe(true);
    await (await openEngine({ directory, threads: 1 })).close();
  });

  it.each([
    '',
    'no json',
    '{"pid": 1, "startedAt": "2026-01-01T00:00:00.000Z"}',
    `{"pid": ${process.pid}}`,
    '{"pid": -1}',
    'x'.repeat(100_000),
  ])('a LOCK that says %j is no hindrance', async (text) => {
    const directory = await temporaryDirectory();
    writeFileSync(join(directory, 'LOCK'), text);
    const engine = await testEngine({ directory, threads: 1 });
    await engine.createTable(TABLE);
    expect(JSON.parse(readFileSync(join(directory, 'LOCK'), 'utf8'))).toMatchObject({ pid: process.pid });
  });

  it.each([['LOCK'], [join('catalog', 'LOCK')], ['LOCK', join('catalog', 'LOCK')]])(
    'where %s is removed under its holder, nobody else gets in, and the holder goes on',
    async (...names) => {
      const engine = await testEngine({ threads: 1 });
      await engine.createTable(TABLE);
      for (const name of names) rmSync(join(engine.directory, name));
      expect(await failureOf(openEngine({ directory: engine.directory, threads: 1 }))).toMatchObject({ code: 'DIRECTORY_IN_USE' });
      await engine.append('t', [{ k: 1 }]);
      expect(await failureOf(openEngine({ directory: engine.directory, threads: 1 }))).toMatchObject({ code: 'DIRECTORY_IN_USE' });
      expect(engine.writeTrouble).toBeUndefined();
      await vi.waitFor(() => expect(existsSync(join(engine.directory, 'LOCK')), 'LOCK is made again').toBe(true), { timeout: 10_000 });
    },
  );

  it('where every lock file and HEAD are removed, the old holder acknowledges nothing more, and the new one has all that it did', async () => {
    const directory = await temporaryDirectory();
    const old = await openEngine({ directory, threads: 1 });
    await old.createTable(TABLE);
    for (let k = 0; k < 20; k += 1) await old.append('t', [{ k }]);
    for (const name of ['LOCK', 'HEAD', join('catalog', 'LOCK')]) rmSync(join(directory, name));
    expect(await failureOf(old.append('t', [{ k: 100 }]))).toMatchObject({ code: 'SHUTTING_DOWN' });
    expect(await failureOf(old.append('t', [{ k: 101 }]))).toMatchObject({ code: 'SHUTTING_DOWN' });
    await old.close();
    const next = await openEngine({ directory, threads: 1 });
    const rows = (await rowsAsOf(next, 't', { kind: 'newest' })).map(({ k }) => Number(k));
    expect(rows.slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, k) => k));
    await next.close();
  });
});

describe('readers of a directory that cannot be written', () => {
  it('share it with each other, not with one who writes', async () => {
    const directory = await temporaryDirectory();
    await (await openEngine({ directory, threads: 1 })).close();
    const readers = [1, 2].map(() => DirectoryLock.take(directory, { shared: true }));
    expect(await failureOf(openEngine({ directory, threads: 1 }))).toMatchObject({ code: 'DIRECTORY_IN_USE' });
    for (const reader of readers) reader.release();
    const engine = await testEngine({ directory, threads: 1 });
    expect(() => DirectoryLock.take(engine.directory, { shared: true })).toThrowError(/in use by process/);
  });
});
