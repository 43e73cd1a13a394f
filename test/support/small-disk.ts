/** A small file system of its own, for tests that fill it or make it read-only. Mounting takes rights that not everybody has. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

function mount(...args: string[]): void {
  execFileSync('mount', args, { stdio: 'pipe' });
}

function canMount(): boolean {
  const path = mkdtempSync(join(tmpdir(), 'tidemark-mount-'));
  try {
    mount('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path);
    execFileSync('umount', [path]);
    return true;
  } catch {
    return false;
  } finally {
    rmdirSync(path);
  }
}

/** Whether tests may mount; where not, they say so, and how to have them run. */
export const MAY_MOUNT = process.platform === 'linux' && canMount();
if (!MAY_MOUNT)
  console.log(
    'Tests on small file systems do not run here: they mount a tmpfs, which takes Linux and root (sudo, or a container with --privileged).',
  );

export class SmallDisk {
  readonly path: string;
  #isMounted = false;

  /** Mounted now, and unmounted when the test ends. */
  constructor(sizeMiB: number) {
    this.path = mkdtempSync(join(tmpdir(), 'tidemark-disk-'));
    mount('-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'tmpfs', this.path);
    this.#isMounted = true;
    onTestFinished(() => {
      if (this.#isMounted) execFileSync('umount', ['--lazy', this.path]);
      rmdirSync(this.path);
    });
  }

  get #filler(): string {
    return join(this.path, 'filler');
  }

  /** To the last byte, or so that some are left. */
  fill(leftBytes = 0): void {
    const file = openSync(this.#filler, 'a');
    const block = Buffer.alloc(64 * 1024);
    try {
      for (const size of [block.length, 4096]) {
        try {
          for (;;) writeSync(file, block, 0, size);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        }
      }
    } finally {
      closeSync(file);
    }
    if (leftBytes > 0) execFileSync('truncate', ['-s', `-${leftBytes}`, this.#filler]);
  }

  free(): void {
    rmSync(this.#filler, { force: true });
  }

  remount(mode: 'ro' | 'rw'): void {
    mount('-o', `remount,${mode}`, this.path);
  }
}
