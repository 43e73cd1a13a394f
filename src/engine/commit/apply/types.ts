/** What apply takes beside the state and the entry, and what it gives; the files of this folder share them. */
import type { IdempotencyRecord } from '../../catalog/records.ts';
import type { CatalogState } from '../../catalog/state.ts';
import type { Put } from '../../catalog/store.ts';
import type { Outcome } from '../../log/entry.ts';
import type { ErrorData } from '../../model/errors.ts';

/** Facts of the catalog that are not held in memory, read for the round before it is applied. */
export interface Lookups {
  /** Whether a row with this primary key exists. */
  keyExists(key: Buffer): boolean;
  /** What an idempotency key made, where that is still kept. */
  idempotency(hash: Buffer): IdempotencyRecord | undefined;
}

export interface Applied {
  readonly outcome: Outcome;
  readonly state: CatalogState;
  readonly puts: readonly Put[];
}

/** A refusal changes nothing and writes nothing. */
export function refused(state: CatalogState, refusal: ErrorData): Applied {
  return { outcome: { kind: 'refused', refusal }, state, puts: [] };
}

/** Why a maintenance entry is refused that was prepared on a state that is gone; maintenance prepares it again. */
export function stale(message: string): ErrorData {
  return { code: 'CONFLICT', message, details: {} };
}
