/** A failed write to disk as the error its user can act on. */
import { EngineError } from '../model/errors.ts';

const FULL = new Set(['ENOSPC', 'EDQUOT']);

/** STORAGE_FULL where the disk has no room (DuckDB and LevelDB tell it only in their messages); anything else as it is. */
export function storageError(error: unknown, message = 'the disk is full'): unknown {
  for (let at: unknown = error; at instanceof Error && !(at instanceof EngineError); at = at.cause) {
    if (FULL.has((at as NodeJS.ErrnoException).code ?? '') || at.message.includes('No space left on device')) {
      return new EngineError('STORAGE_FULL', message, {
        hint: 'Free space on the disk of the data directory and try again.',
        cause: error,
      });
    }
  }
  return error;
}
