/** apply, tag: a name for a snapshot is set or taken away. Makes no commit. Pure, as all of apply. */
import { maintenanceKey, tagKey } from '../../catalog/keys.ts';
import { encodeMaintenance, encodeTag } from '../../catalog/records.ts';
import { type CatalogState, existedAt, isKept, snapshotExpired, tablesOf, tagNotFound } from '../../catalog/state.ts';
import type { Put } from '../../catalog/store.ts';
import type { TagEntry } from '../../log/entry.ts';
import { type ErrorData, refusalOf } from '../../model/errors.ts';
import type { Tag } from '../../model/history.ts';
import { asLogIndex, type SnapshotId, type TimestampMs } from '../../model/ids.ts';
import { LIMITS } from '../../model/limits.ts';
import { type Applied, refused } from './types.ts';

export function applyTag(state: CatalogState, { name, tag }: TagEntry, clockMs: TimestampMs): Applied {
  const existing = state.tags.get(name);
  const tags = new Map(state.tags);
  let made: Tag | null = null;
  if (tag === null) {
    if (existing === undefined) return refused(state, refusalOf(tagNotFound(state, name)));
    tags.delete(name);
  } else {
    const refusal = existing === undefined ? refuseTag(state, tag.snapshotId) : tagExists(existing);
    if (refusal !== undefined) return refused(state, refusal);
    made = { name, ...tag, createdAtMs: clockMs > state.timestampMs ? clockMs : state.timestampMs };
    tags.set(name, made);
  }
  const logIndex = asLogIndex(state.logIndex + 1);
  const puts: Put[] = [
    { key: tagKey(name), value: made === null ? null : encodeTag(made) },
    { key: maintenanceKey(logIndex), value: encodeMaintenance('tag') },
  ];
  return { outcome: { kind: 'tagged', tag: made ?? (existing as Tag) }, state: { ...state, tags, logIndex }, puts };
}

function refuseTag(state: CatalogState, snapshotId: SnapshotId): ErrorData | undefined {
  if (state.tags.size >= LIMITS.tagsMax) {
    return {
      code: 'LIMIT_EXCEEDED',
      message: `tagsMax: the catalog has ${LIMITS.tagsMax} tags, the most it can have`,
      details: { limit: 'tagsMax', maximum: LIMITS.tagsMax, actual: state.tags.size + 1 },
    };
  }
  const gone = tablesOf(state).find((table) => existedAt(table, snapshotId) && !isKept(table, snapshotId));
  return gone === undefined ? undefined : refusalOf(snapshotExpired(gone, snapshotId));
}

function tagExists(tag: Tag): ErrorData {
  return {
    code: 'TAG_EXISTS',
    message: `there is a tag ${JSON.stringify(tag.name)} already, for snapshot ${tag.snapshotId}`,
    details: { tag: tag.name, snapshotId: tag.snapshotId },
    hint: 'A tag never moves. Choose another name, or drop it first.',
  };
}
