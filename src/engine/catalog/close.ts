/** Closes a catalog: the floor of the next start's clock is written down, and its log is moved into tables. */
import { CEILING_KEY } from './keys.ts';
import { encodeNumber } from './records.ts';
import type { CatalogStore } from './store.ts';

/**
 * Where writing has stopped, the ceiling that is on disk does: no read has answered past it.
 * @throws EngineError of the store, after it was closed
 */
export async function closeCatalog(store: CatalogStore, ceilingMs: number): Promise<void> {
  try {
    if (store.trouble === undefined) await store.write([{ key: CEILING_KEY, value: encodeNumber(ceilingMs) }], { sync: true });
  } finally {
    await store.close(true);
  }
}
