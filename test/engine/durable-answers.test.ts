import { describe, expect, it, onTestFinished } from 'vitest';
import { LevelHandle } from '../../src/engine/catalog/level-handle.ts';
import { type CommitResult, type Engine, openEngine } from '../../src/engine/index.ts';
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

const COMMITS: Readonly<Record<string, (engine: Engine) => Promise<CommitResult>>> = {
  createTable: (engine) => engine.createTable({ name: 't', columns: [{ name: 'k', type: 'LONG' }] }),
  append: (engine) => engine.append('t', [{ k: '1' }]),
  update: (engine) => engine.update('t', { kind: 'and', filters: [] }, { k: '2' }),
  delete: (engine) => engine.delete('t', { kind: 'and', filters: [] }),
  dropTable: (engine) => engine.commit([{ kind: 'dropTable', table: 't' }]),
};

describe('before its batch is on disk a commit', () => {
  it('is not acknowledged, not read, and not published', async () => {
    const disk = new HeldDisk();
    const engine = await openEngine({ directory: await temporaryDirectory(), threads: 1 }, { openLevel: disk.openLevel });
    onTestFinished(async () => {
      disk.letThrough();
      await engine.close();
    });
    const published: number[] = [];
    engine.onCommits((commits) => published.push(...commits.map(({ snapshotId }) => snapshotId)));
    for (const [name, commit] of Object.entries(COMMITS)) {
      const head = engine.headSnapshotId;
      disk.isHolding = true;
      const answer = commit(engine);
      // A commit that is answered without a write would never come to the disk.
      await Promise.race([disk.arrived(), answer]);
      expect(await isSettled(answer), `${name} was answered before its batch was on disk`).toBe(false);
      expect(engine.headSnapshotId, `the state shows a ${name} whose batch is not on disk`).toBe(head);
      expect((await engine.read.resolve({ kind: 'newest' })).snapshotId).toBe(head);
      expect(published.at(-1) ?? 0, `subscribers got a ${name} whose batch is not on disk`).toBe(head);
      disk.letThrough();
      expect((await answer).commit?.snapshotId, name).toBe(head + 1);
      expect(published.at(-1), name).toBe(head + 1);
    }
  });
});
