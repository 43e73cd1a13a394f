/**
 * What the operating system says of a disk, or of open files, as an error that its reader can act on. DuckDB and LevelDB tell
 * the kind only in their messages, so both codes and messages are looked at.
 */
import { EngineError } from './errors.ts';
import { LIMITS } from './limits.ts';

export type StorageTrouble = 'full' | 'readOnly' | 'descriptors' | 'device';

const TROUBLES: readonly (readonly [StorageTrouble, ReadonlySet<string>, RegExp])[] = [
  ['full', new Set(['ENOSPC', 'EDQUOT', 'EFBIG']), /No space left on device|[Qq]uota exceeded|File too large/],
  ['readOnly', new Set(['EROFS', 'EACCES', 'EPERM']), /Read-only file system|Permission denied|Operation not permitted/],
  ['descriptors', new Set(['EMFILE', 'ENFILE']), /Too many open files/],
  ['device', new Set(['EIO', 'ENXIO', 'ENODEV', 'ESTALE']), /Input\/output error|No such device|Stale file handle/],
];

/** What kind of trouble an error stands for; undefined where it is none of the disk. */
export function troubleOf(error: unknown): StorageTrouble | undefined {
  for (let at: unknown = error; at instanceof Error && !(at instanceof EngineError); at = at.cause) {
    const code = (at as NodeJS.ErrnoException).code ?? '';
    for (const [trouble, codes, message] of TROUBLES) if (codes.has(code) || message.test(at.message)) return trouble;
  }
  return undefined;
}

/** The error of a write that met trouble. `outcome` says what became of what was to be written, one clause. */
export function troubleError(trouble: StorageTrouble, outcome: string, cause: unknown): EngineError {
  switch (trouble) {
    case 'full':
      return new EngineError('STORAGE_FULL', `the disk of the data directory is full; ${outcome}`, {
        details: { retryAfterMs: LIMITS.recoverEveryMs },
        hint: 'Free space on the disk of the data directory and try again: writing goes on by itself once there is room.',
        cause,
      });
    case 'readOnly':
      return new EngineError('READ_ONLY', `the data directory cannot be written; ${outcome}`, {
        details: { retryAfterMs: LIMITS.recoverEveryMs },
        hint: 'Make the data directory writable (mount options, owner, permissions): writing goes on by itself then.',
        cause,
      });
    case 'descriptors':
      return new EngineError('OVERLOADED', `the process has no file descriptor left; ${outcome}`, {
        details: { retryAfterMs: LIMITS.recoverEveryMs, limit: 'openFiles' },
        hint: 'Try again after details.retryAfterMs milliseconds; raise the limit of open files (ulimit -n) where it comes back.',
        cause,
      });
    case 'device':
      return new EngineError('READ_ONLY', `the disk of the data directory does not take writes; ${outcome}`, {
        details: { retryAfterMs: LIMITS.recoverEveryMs },
        hint: 'Look at the disk and at the log of the operating system: writing goes on by itself once the disk takes writes.',
        cause,
      });
  }
}

/** STORAGE_FULL, READ_ONLY or OVERLOADED where an error is one of the disk or of open files; anything else as it is. */
export function storageError(error: unknown, outcome = 'nothing was kept of it'): unknown {
  const trouble = troubleOf(error);
  return trouble === undefined ? error : troubleError(trouble, outcome, error);
}
