/** Incarnations: a copied data directory is noticed by itself, a restarted, moved or crashed one is not taken for a copy. */
import { copyFileSync, cpSync, linkSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { claimIncarnation, INCARNATION_FILE } from '../../src/engine/catalog/incarnation.ts';
import { CatalogStore } from '../../src/engine/catalog/store.ts';
import { type EngineNotice, type EngineOptions, openEngine } from '../../src/engine/index.ts';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'tidemark-incarnation-'));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

/** Opens a directory, looks, and closes it. */
async function look(directory: string, options: Partial<EngineOptions> = {}): Promise<{ name: string; notices: EngineNotice[] }> {
  const notices: EngineNotice[] = [];
  const engine = await openEngine({ directory, onNotice: (notice) => notices.push(notice), ...options });
  await engine.close();
  return { name: engine.incarnation, notices };
}

describe('an incarnation', () => {
  test('is eight characters, kept over restarts and moves, and nobody is told', async () => {
    const first = await look(join(base, 'a'));
    expect(first.name).toMatch(/^[\w-]{8}$/);
    expect(await look(join(base, 'a'))).toEqual(first);
    renameSync(join(base, 'a'), join(base, 'b'));
    expect(await look(join(base, 'b'))).toEqual(first);
    expect(first.notices).toEqual([]);
  });

  test('is another one in another database', async () => {
    expect((await look(join(base, 'a'))).name).not.toBe((await look(join(base, 'b'))).name);
  });

  test('is another one in a copy, once, which is told; the original keeps its own', async () => {
    const { name } = await look(join(base, 'a'));
    cpSync(join(base, 'a'), join(base, 'copy'), { recursive: true, preserveTimestamps: true });
    const copy = await look(join(base, 'copy'));
    expect(copy.name).not.toBe(name);
    expect(copy.notices).toEqual([
      { level: 'info', message: expect.stringContaining('a copy, as after a restore from a backup'), details: { incarnation: copy.name } },
    ]);
    expect(await look(join(base, 'copy'))).toEqual({ name: copy.name, notices: [] });
    expect((await look(join(base, 'a'))).name).toBe(name);
  });

  test('is another one where a backup was copied over the directory in place, its inodes kept', async () => {
    const { name } = await look(join(base, 'a'));
    cpSync(join(base, 'a'), join(base, 'backup'), { recursive: true });
    await look(join(base, 'a'));
    rmSync(join(base, 'a', 'catalog'), { recursive: true });
    cpSync(join(base, 'backup', 'catalog'), join(base, 'a', 'catalog'), { recursive: true });
    copyFileSync(join(base, 'backup', INCARNATION_FILE), join(base, 'a', INCARNATION_FILE));
    expect((await look(join(base, 'a'))).name).not.toBe(name);
  });

  test.each([
    ['lost', (file: string) => rmSync(file)],
    ['written anew with the same text', (file: string) => rewrite(file)],
    ['changed', (file: string) => writeFileSync(file, 'x')],
  ])('is another one where its file was %s', async (_, change) => {
    const { name } = await look(join(base, 'a'));
    change(join(base, 'a', INCARNATION_FILE));
    const after = await look(join(base, 'a'));
    expect(after.name).not.toBe(name);
    expect(await look(join(base, 'a'))).toEqual({ name: after.name, notices: [] });
  });

  test('is another one where that is asked for, as after a rolled-back snapshot of the file system', async () => {
    const { name } = await look(join(base, 'a'));
    const asked = await look(join(base, 'a'), { newIncarnation: true });
    expect(asked.name).not.toBe(name);
    expect(asked.notices[0]?.message).toContain('a new incarnation was asked for');
    expect(await look(join(base, 'a'))).toEqual({ name: asked.name, notices: [] });
  });
});

describe('a start that ends too early', () => {
  const opened = async <T>(work: (store: CatalogStore) => Promise<T>): Promise<T> => {
    const store = await CatalogStore.open(join(base, 'catalog'));
    try {
      return await work(store);
    } finally {
      await store.close(false);
    }
  };

  test('between the catalog and the file: no other incarnation where it was the same', async () => {
    const first = await opened((store) => claimIncarnation(store, base));
    const file = join(base, INCARNATION_FILE);
    linkSync(file, `${file}.kept`);
    await opened((store) => claimIncarnation(store, base));
    // The file of the second start did not come into its place: the one of the first is there yet.
    rmSync(file);
    renameSync(`${file}.kept`, file);
    expect(await opened((store) => claimIncarnation(store, base))).toEqual({ name: first.name, cause: 'same' });
  });

  test('before the catalog has it: another one each time, and an answer was never given', async () => {
    const { name } = await opened((store) => claimIncarnation(store, base));
    rmSync(join(base, INCARNATION_FILE));
    const failing = (store: CatalogStore): CatalogStore =>
      new Proxy(store, {
        get: (target, property) =>
          property === 'write'
            ? () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' }))
            : (Reflect.get(target, property, target) as unknown as (...args: unknown[]) => unknown).bind(target),
      });
    const unkept = await opened((store) => claimIncarnation(failing(store), base));
    expect(unkept).toMatchObject({ cause: 'copied', unkept: { code: 'ENOSPC' } });
    const after = await opened((store) => claimIncarnation(store, base));
    expect(after.cause).toBe('copied');
    expect(new Set([name, unkept.name, after.name]).size).toBe(3);
  });
});

function rewrite(file: string): void {
  const text = readFileSync(file);
  rmSync(file);
  writeFileSync(file, text);
}
