import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { Engine } from '../../src/engine/index.ts';
import { testEngine } from '../support/support.ts';

/** Data files on disk, relative to the data directory. */
function onDisk({ directory }: Engine): string[] {
  return readdirSync(join(directory, 'data'), { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(directory, 'data', name)).isFile())
    .map((name) => join('data', name))
    .sort();
}

async function inManifest(engine: Engine): Promise<string[]> {
  const { snapshotId } = await engine.read.resolve({ kind: 'newest' });
  const at = await engine.read.tableAt(engine.table('t'), snapshotId);
  if (at === undefined) throw new Error('there is a table');
  return engine.read
    .manifest(at)
    .flatMap(({ path }) => path ?? [])
    .sort();
}

describe('files that a compaction has replaced', () => {
  it('are removed from the disk once no reader needs them, and no other file is', async () => {
    const engine = await testEngine({ maintenance: { autoCompact: false } });
    await engine.createTable({ name: 't', columns: [{ name: 'text', type: 'STRING' }] });
    const rows = Array.from({ length: 200 }, (_, at) => ({ text: `${at} ${'x'.repeat(500)}` }));
    for (let batch = 0; batch < 6; batch += 1) await engine.append('t', rows);
    const before = onDisk(engine);
    expect(before).toHaveLength(6);
    await engine.compact('t');
    const kept = await inManifest(engine);
    expect(
      kept.some((path) => before.includes(path)),
      'nothing was merged',
    ).toBe(false);
    // The background removes them; what is left after a while is named.
    await vi.waitFor(() => expect(onDisk(engine)).toEqual(kept), { timeout: 10_000, interval: 20 });
  });
});
