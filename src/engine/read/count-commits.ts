/**
 * How many commits touch some tables or have an author: their indexes are walked, keys alone, a stretch of snapshot ids at
 * a time, so that neither memory nor a turn of the event loop grows with history. Where no index is needed none is read.
 */
import { authorKey, lastNumber, snapshotKey } from '../catalog/keys.ts';
import type { CatalogStore } from '../catalog/store.ts';
import type { QueryOptions } from '../data/duckdb.ts';
import { EngineError } from '../model/errors.ts';
import { asSnapshotId, type SnapshotId, type TableId } from '../model/ids.ts';

export interface CommitFilter {
  readonly tableIds?: readonly TableId[] | undefined;
  readonly author?: string | undefined;
}

/** Snapshot ids looked at together. */
const STRETCH_IDS = 16_384;

/** Of the commits lo to hi, both included. @throws EngineError QUERY_TIMEOUT, CORRUPT_DATA, or the signal's reason */
export async function countCommits(
  store: CatalogStore,
  { tableIds, author }: CommitFilter,
  { lo, hi }: { readonly lo: number; readonly hi: number },
  { timeoutMs, signal }: QueryOptions,
): Promise<number> {
  const first = Math.max(1, lo);
  // Every id from 1 on is a commit's.
  if (tableIds === undefined && author === undefined) return Math.max(0, hi - first + 1);
  const deadline = timeoutMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs;
  const tables = tableIds === undefined ? undefined : [...new Set(tableIds)];
  let count = 0;
  for (let start = first; start <= hi; start += STRETCH_IDS) {
    const end = Math.min(hi, start + STRETCH_IDS - 1);
    const idsOf = async (key: (id: SnapshotId) => Buffer): Promise<number[]> => {
      signal?.throwIfAborted();
      if (performance.now() > deadline) throw tookTooLong(timeoutMs ?? 0);
      const keys = await store.keys({ gte: key(asSnapshotId(start)), lte: key(asSnapshotId(end)) }, STRETCH_IDS);
      return keys.map(lastNumber);
    };
    const byAuthor = author === undefined ? undefined : await idsOf((id) => authorKey(author, id));
    if (tables === undefined || byAuthor?.length === 0) {
      count += byAuthor?.length ?? 0;
      continue;
    }
    const touching = new Set<number>();
    for (const tableId of tables) for (const id of await idsOf((at) => snapshotKey(tableId, at))) touching.add(id);
    count += byAuthor === undefined ? touching.size : byAuthor.filter((id) => touching.has(id)).length;
  }
  return count;
}

function tookTooLong(timeoutMs: number): EngineError {
  return new EngineError('QUERY_TIMEOUT', `counting the commits took longer than ${timeoutMs} ms and was stopped`, {
    details: { timeoutMs },
    hint: 'Narrow the range with from and to, leave out totalCount, or raise --query-timeout.',
  });
}
