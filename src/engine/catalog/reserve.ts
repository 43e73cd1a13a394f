/**
 * What is kept back for bad times: file descriptors, which are let go when the process has none left, and space on the disk,
 * below which no commit is taken, so that what closing and reopening the catalog writes still finds room.
 */
import { closeSync, openSync, statfsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { devNull } from 'node:os';
import { LIMITS } from '../model/limits.ts';

export class DescriptorReserve {
  readonly #held: number[] = [];

  /** Takes as many as are free. */
  fill(): void {
    try {
      while (this.#held.length < LIMITS.descriptorReserve) this.#held.push(openSync(devNull, 'r'));
    } catch {
      // None left; what there is will do.
    }
  }

  release(): void {
    for (const descriptor of this.#held.splice(0)) closeSync(descriptor);
  }
}

interface Space {
  readonly bavail: number;
  readonly blocks: number;
  readonly bsize: number;
}

/** How many bytes the disk lacks of the reserve; 0 where there is enough, or where the file system does not tell. */
function missing({ bavail, blocks, bsize }: Space): number {
  if (blocks === 0) return 0;
  const reserve = Math.min(LIMITS.diskReserveBytes, blocks * bsize * LIMITS.diskReservePart);
  return Math.max(0, Math.ceil(reserve - bavail * bsize));
}

/** @returns 0 also where the directory cannot be asked */
export async function missingSpace(directory: string): Promise<number> {
  try {
    return missing(await statfs(directory));
  } catch {
    return 0;
  }
}

export function missingSpaceNow(directory: string): number {
  try {
    return missing(statfsSync(directory));
  } catch {
    return 0;
  }
}
