/** The newest commits as they are stored: contiguous, and chained by their hashes. A start checks as many as LevelDB's log may have held. */
import { asSnapshotId } from '../model/ids.ts';
import { ChainLinks } from './chain.ts';
import { keptKey, snapshotKey } from './keys.ts';
import { type CommitRecord, decodeKept, decodeSnapshot, type Head } from './records.ts';
import type { CatalogStore } from './store.ts';

/**
 * Checks that commits are contiguous and chained by their hashes, with the expiries between them, and that no maintenance
 * entry is missing, over the last `count` commits. Each round is one LevelDB record, so a lost round shows as a gap.
 */
export async function verifyChain(store: CatalogStore, head: Head, count: number): Promise<void> {
  if (head.snapshotId === 0) return;
  const start = asSnapshotId(Math.max(1, head.snapshotId - count));
  const links = new ChainLinks(store, start, head);
  let position = start === 1 ? 0 : undefined;
  let hash: Buffer | undefined = start === 1 ? NO_HASH : undefined;
  for await (const link of links.all()) {
    if (position !== undefined && link.logIndex !== position + 1) throw store.corrupt(`log entry ${position + 1} is missing`);
    position = link.logIndex;
    if (link.kind === 'maintenance') continue;
    if (hash !== undefined && !link.hashAfter(hash).equals(link.hash))
      throw store.corrupt(`${link.what} does not follow from the one before it`);
    hash = link.hash;
    if (link.kind === 'commit') checkSnapshots(store, link.commit, head);
  }
  if (position !== head.logIndex) throw store.corrupt(`log entry ${(position ?? 0) + 1} is missing`);
  if (hash === undefined || !hash.equals(head.hash))
    throw store.corrupt('the newest hash of the audit chain is not that of the newest entry');
}

const NO_HASH = Buffer.alloc(32);

function checkSnapshots(store: CatalogStore, commit: CommitRecord, head: Head): void {
  for (const { tableId } of commit.tables) {
    const bytes = store.get(snapshotKey(tableId, commit.snapshotId));
    // An expired snapshot has no record any more; the newest of a table never expires.
    const kept = bytes === undefined && commit.snapshotId < head.snapshotId ? store.get(keptKey(tableId)) : undefined;
    if (kept !== undefined && decodeKept(kept).horizon > commit.snapshotId) continue;
    if (bytes === undefined) throw store.corrupt(`commit ${commit.snapshotId} has no snapshot of table ${tableId}`);
    decodeSnapshot(tableId, commit.snapshotId, bytes);
  }
}
