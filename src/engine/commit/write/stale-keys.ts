/**
 * Keys in the index whose rows are gone. A dropped table keeps its key index, for it may come back; where its history has
 * expired meanwhile, compaction takes rows away that no tag holds, and their keys stay behind. A restore of the table takes
 * them out, so that none of them keeps a key from being used.
 */
import { keyHashIn, PREFIX, tableRange } from '../../catalog/keys.ts';
import { isGone, type TableState } from '../../catalog/state.ts';
import type { CatalogStore } from '../../catalog/store.ts';
import type { QueryOptions } from '../../data/duckdb.ts';
import { ByteReader } from '../../encoding/bytes.ts';
import type { Matcher } from '../../read/scan/match.ts';

const READ_AT_ONCE = 1_000;

/** The hashes of such keys; of any other table none, at no cost. The table is of a state that the caller has pinned. */
export async function staleKeys(
  { matcher, store }: { readonly matcher: Matcher; readonly store: CatalogStore },
  table: TableState,
  options: QueryOptions,
): Promise<Buffer[]> {
  if (table.schema.primaryKey.length === 0 || !isGone(table)) return [];
  const living = new Set<number>();
  const visibility = { kind: 'visible', at: table.last.snapshotId } as const;
  for (const { rows } of await matcher.matchMany(table, visibility, { filter: undefined, columns: [] }, options))
    for (const row of rows) living.add(row);
  const stale: Buffer[] = [];
  const { lt, ...from } = tableRange(PREFIX.key, table.id);
  for (let range: { gte: Buffer } | { gt: Buffer } = from; ; ) {
    const entries = await store.entries({ ...range, lt }, READ_AT_ONCE);
    for (const [key, value] of entries) if (!living.has(new ByteReader(value).varint())) stale.push(keyHashIn(key));
    const last = entries.at(-1);
    if (last === undefined || entries.length < READ_AT_ONCE) return stale;
    range = { gt: last[0] };
  }
}
