import { describe, expect, it } from 'vitest';
import { LevelHandle } from '../../src/engine/catalog/level-handle.ts';
import { openEngine } from '../../src/engine/index.ts';
import { temporaryDirectory } from '../support/support.ts';

/** A LevelDB whose writes are held back, each until it is let through: a disk that takes its time. */
class HeldDisk {
  #held: (() => void)[] = [];
  isHolding = false;
  #arrived: () => void = () => {};

  readonly openLevel = async (directory: string): Promise<LevelHandle> => {
    const handle = await LevelHandle.open(directory);
    const write = handle.write.bind(handle);
    handle.write = async (puts, options) => {
      if (this.isHolding)
        await new Promise<void>((resolve) => {
          this.#held.push(resolve);
          this.#arrived();
        });
      return write(puts, options);
    };
    return handle;
  };

  /** Resolves when a write has come to the disk, and has not been done. */
  async arrived(): Promise<void> {
    if (this.#held.length > 0) return;
    await new Promise<void>((resolve) => {
      this.#arrived = resolve;
    });
  }

  letThrough(): void {
    this.isHolding = false;
    for (const resume of this.#held.splice(0)) resume();
  }
}

/** Whether a promise is settled, once everything that is ready to run has run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = (): void => {
    settled = true;
  };
  promise.then(note, note);
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

describe('before its batch is on disk a commit', () => {
  it('is not acknowledged, not read, and not published', async () => {
    const disk = new HeldDisk();
    const engine = await openEngine({ directory: await temporaryDirectory(), threads: 1 }, { openLevel: disk.openLevel });
    await engine.createTable({ name: 't', columns: [{ name: 'k', type: 'LONG' }] });
    const head = engine.headSnapshotId;
    const published: number[] = [];
    engine.onCommits((commits) => published.push(...commits.map(({ snapshotId }) => snapshotId)));
    disk.isHolding = true;
    const append = engine.append('t', [{ k: '1' }]);
    const remove = engine.delete('t', { kind: 'and', filters: [] });
    await disk.arrived();
    expect(await isSettled(append), 'the append was answered before its batch was on disk').toBe(false);
    expect(await isSettled(remove), 'the delete was answered before its batch was on disk').toBe(false);
    expect(engine.headSnapshotId, 'the state shows a commit whose batch is not on disk').toBe(head);
    expect((await engine.read.resolve({ kind: 'newest' })).snapshotId).toBe(head);
    expect(published, 'subscribers got a commit whose batch is not on disk').toEqual([]);
    disk.letThrough();
    expect((await append).commit?.snapshotId).toBe(head + 1);
    await remove;
    expect(published[0]).toBe(head + 1);
    await engine.close();
  });
});
