/** The error of a text that was given out in another life of the database: what it names may be something else now. */
import { EngineError } from './errors.ts';

/** What a cursor, a place to resume from or an id says of the incarnation, against the one that there is. */
export interface IncarnationMismatch {
  /** What was passed: an argument's name, mostly. */
  readonly what: string;
  readonly given: string;
  readonly current: string;
}

/** @returns CURSOR_INVALID, or SNAPSHOT_NOT_FOUND for an id; `details.incarnation` is what was passed, `currentIncarnation` what there is */
export function otherIncarnation(
  { what, given, current }: IncarnationMismatch,
  code: 'CURSOR_INVALID' | 'SNAPSHOT_NOT_FOUND',
): EngineError {
  return new EngineError(code, `${what} is of another incarnation of the database, which was restored from a backup since`, {
    details: { incarnation: given, currentIncarnation: current },
    hint: 'Read everything again from the start: rows and ids from before the restore may be gone or different.',
  });
}
