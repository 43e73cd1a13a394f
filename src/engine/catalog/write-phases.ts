/** The phases that writing to the catalog goes through, and the errors that writers get in them (write-guard.ts). */
import { EngineError } from '../model/errors.ts';
import { LIMITS } from '../model/limits.ts';
import { type StorageTrouble, troubleError } from '../model/storage-error.ts';

/** Why nothing can be written just now. */
export interface WriteTrouble {
  readonly error: EngineError;
  /** When writing stopped, UTC milliseconds. */
  readonly sinceMs: number;
}

export interface Failed extends WriteTrouble {
  readonly kind: 'failed' | 'recovering';
  readonly trouble: StorageTrouble;
  /** Whether the log is known to hold nothing that was not acknowledged. */
  readonly isCut: boolean;
  readonly tries: number;
  /** When it was last tried again, by the machine's clock; 0 before. */
  readonly triedMs: number;
}

/** Where a guard is; the diagram is in write-guard.ts. */
export type Phase = { readonly kind: 'writable' } | Failed | (WriteTrouble & { readonly kind: 'damaged' | 'lost' | 'halted' | 'closed' });

export function failed(cause: unknown, trouble: StorageTrouble, isCut: boolean): Failed {
  const outcome = isCut
    ? 'no commit is taken, and nothing was kept of those under way'
    : 'no commit is taken, and whether those under way were kept will show when it can be written again';
  const nowMs = Date.now();
  return { kind: 'failed', trouble, isCut, error: troubleError(trouble, outcome, cause), sinceMs: nowMs, tries: 0, triedMs: 0 };
}

export function pauseAfter(tries: number): number {
  return Math.min(LIMITS.recoverEveryMaxMs, LIMITS.recoverEveryMs * 2 ** Math.min(10, Math.max(0, tries - 10))) - LIMITS.recoverPauseMs;
}

/** An error of its own for each who meets it. */
export function again({ code, message, details, hint, cause }: EngineError): EngineError {
  return new EngineError(code, message, { details, ...(hint === undefined ? {} : { hint }), cause });
}

export function lacksSpace(): EngineError {
  return troubleError('full', 'the room that is left is kept back, and no commit is taken', undefined);
}
