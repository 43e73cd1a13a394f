/** apply, expire: snapshots of a table that are no longer kept. Makes no commit; the audit chain records it. Pure, as all of apply. */
import { changesKey, keptKey, maintenanceKey, operationKey, snapshotKey } from '../../catalog/keys.ts';
import { encodeExpire, encodeKept } from '../../catalog/records.ts';
import { type CatalogState, existedAt, tableById, withTable } from '../../catalog/state.ts';
import type { Put } from '../../catalog/store.ts';
import type { ExpireEntry } from '../../log/entry.ts';
import { asLogIndex } from '../../model/ids.ts';
import { type Applied, refused, stale } from './types.ts';

export function applyExpire(state: CatalogState, entry: ExpireEntry): Applied {
  const table = tableById(state, entry.tableId);
  if (table.kept.horizon !== entry.baseHorizon) return refused(state, stale('snapshots expired meanwhile'));
  for (const tag of state.tags.values()) {
    const holds =
      entry.kept.horizon <= tag.snapshotId || entry.kept.held.some(({ from, until }) => from <= tag.snapshotId && tag.snapshotId < until);
    if (!holds && existedAt(table, tag.snapshotId)) return refused(state, stale(`tag ${tag.name} was set meanwhile`));
  }
  const logIndex = asLogIndex(state.logIndex + 1);
  const { bytes, hash } = encodeExpire({ tableId: table.id, kept: entry.kept, logIndex }, state.hash);
  const puts: Put[] = [
    { key: keptKey(table.id), value: encodeKept(entry.kept) },
    { key: maintenanceKey(logIndex), value: bytes },
  ];
  for (const { snapshotId, operation } of entry.removed) {
    puts.push(
      { key: snapshotKey(table.id, snapshotId), value: null },
      { key: operationKey(table.id, operation, snapshotId), value: null },
      { key: changesKey(table.id, snapshotId), value: null },
    );
  }
  const next = { ...withTable(state, { ...table, kept: entry.kept }), logIndex, hash };
  return { outcome: { kind: 'maintained', retired: [] }, state: next, puts };
}
