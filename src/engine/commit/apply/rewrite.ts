/** apply, maintenance: rewritten files, expired snapshots, tags. None makes a commit, and none changes an answer (invariant 3). */
import {
  changesKey,
  endsKey,
  fileKey,
  flushedKey,
  keptKey,
  maintenanceKey,
  operationKey,
  snapshotKey,
  tagKey,
} from '../../catalog/keys.ts';
import { encodeEnds, encodeExpire, encodeFlushed, encodeKept, encodeMaintenance, encodeTag } from '../../catalog/records.ts';
import { type CatalogState, isKept, snapshotExpired, type TableState, tableById, tablesOf, withTable } from '../../catalog/state.ts';
import type { Put } from '../../catalog/store.ts';
import { mergeEnded } from '../../encoding/proof.ts';
import type { ExpireEntry, NewFile, Outcome, RefusedEntry, RewriteEntry, TagEntry } from '../../log/entry.ts';
import { type DataFile, type Ends, HOT, type Tag } from '../../model/history.ts';
import { asFileId, asLogIndex, type FileId, type SnapshotId, type TimestampMs } from '../../model/ids.ts';
import { LIMITS } from '../../model/limits.ts';
import type { Applied } from './apply.ts';
import { putFile } from './rows.ts';

function refused(state: CatalogState, refusal: RefusedEntry): Applied {
  return { outcome: { kind: 'refused', refusal }, state, puts: [] };
}

const outdated = (message: string): RefusedEntry => ({ code: 'CONFLICT', message, details: {} });

export function newFile(table: Pick<TableState, 'id'>, file: NewFile, fileId: number): DataFile {
  return { ...file, fileId: asFileId(fileId), tableId: table.id, endedAt: null };
}

export function applyRewrite(state: CatalogState, entry: RewriteEntry): Applied {
  const table = tableById(state, entry.tableId);
  const { flushed } = entry;
  if (flushed !== null && flushed.upTo <= table.hotFloor) return refused(state, outdated('the hot rows were flushed meanwhile'));
  const inputs = new Set(entry.inputs);
  const retired = table.files.filter((file) => inputs.has(file.fileId));
  if (retired.length !== inputs.size) return refused(state, outdated('an input of the compaction is gone'));
  if (retired.some((file) => file.endedAt !== null && file.endedAt > entry.endsUpTo))
    return refused(state, outdated('an input of the compaction has ended meanwhile'));
  const outputs = entry.outputs.map((file, index) => newFile(table, file, state.nextFileId + index));
  const puts: Put[] = [...outputs.map((file) => putFile(table, file)), ...retired.map((file) => dropFile(table, file))];
  const kept = table.files.filter((file) => !inputs.has(file.fileId));
  const moved = moveEnds(table, entry, outputs);
  if (moved === undefined) return refused(state, outdated('versions ended that the compaction wrote nowhere'));
  puts.push(...moved.puts);
  let next: TableState = {
    ...withFiles(table, [...kept, ...outputs]),
    ends: moved.ends,
    endsEpoch: moved.puts.length > 0 ? table.endsEpoch + 1 : table.endsEpoch,
    filesEpoch: table.filesEpoch + 1,
  };
  if (flushed !== null) {
    next = {
      ...next,
      hotFloor: flushed.upTo,
      hotRowLo: flushed.hotRowLo,
      flushedRowsEver: table.flushedRowsEver + flushed.rows,
      flushedBytesEver: table.flushedBytesEver + flushed.bytes,
      flushedVersionsEver: table.flushedVersionsEver + flushed.versions,
    };
    puts.push(putFlushed(next));
  }
  return maintained(state, next, outputs.length, puts, { kind: 'maintained', retired });
}

export function putFlushed(
  table: Pick<TableState, 'id' | 'hotFloor' | 'hotRowLo' | 'flushedRowsEver' | 'flushedBytesEver' | 'flushedVersionsEver'>,
): Put {
  const value = encodeFlushed({
    hotFloor: table.hotFloor,
    hotRowLo: table.hotRowLo,
    rowsEver: table.flushedRowsEver,
    bytesEver: table.flushedBytesEver,
    versionsEver: table.flushedVersionsEver,
  });
  return { key: flushedKey(table.id), value };
}

const dropFile = (table: TableState, file: DataFile): Put => ({ key: fileKey(table.id, file.fileId), value: null });

/** Ends that the outputs have in them go; later ones go over to the output that holds the version. */
function moveEnds(
  table: TableState,
  { inputs, flushed, endsUpTo }: Pick<RewriteEntry, 'inputs' | 'flushed' | 'endsUpTo'>,
  outputs: readonly DataFile[],
): { readonly ends: readonly Ends[]; readonly puts: readonly Put[] } | undefined {
  const sources = new Set<FileId>(inputs);
  const ends: Ends[] = [];
  const puts: Put[] = [];
  const carried = new Map<string, Ends[]>();
  for (const batch of table.ends) {
    const taken = sources.has(batch.fileId);
    const part =
      batch.fileId === HOT && flushed !== null
        ? splitByFrom(batch, flushed.upTo)
        : { moved: taken ? batch : undefined, kept: taken ? undefined : batch };
    if (part.kept !== undefined) ends.push(part.kept);
    if (part.kept === batch) continue;
    puts.push({
      key: endsKey(table.id, batch.to, batch.fileId),
      value: part.kept === undefined ? null : encodeEnds(part.kept),
    });
    if (part.moved === undefined || batch.to <= endsUpTo) continue;
    for (const [fileId, piece] of byOutput(part.moved, outputs)) {
      if (fileId === undefined) return undefined;
      const key = `${batch.to}:${fileId}`;
      carried.set(key, [...(carried.get(key) ?? []), { ...piece, fileId }]);
    }
  }
  for (const pieces of carried.values()) {
    const [first] = pieces as [Ends];
    const merged: Ends = { fileId: first.fileId, to: first.to, ...mergeEnded(pieces) };
    ends.push(merged);
    puts.push({ key: endsKey(table.id, merged.to, merged.fileId), value: encodeEnds(merged) });
  }
  ends.sort((left, right) => left.to - right.to);
  return { ends, puts };
}

/** Hot ends of versions that a flush took, and of those that stay. */
function splitByFrom(batch: Ends, upTo: SnapshotId): { moved: Ends | undefined; kept: Ends | undefined } {
  return { moved: part(batch, (from) => from <= upTo), kept: part(batch, (from) => from > upTo) };
}

function part(batch: Ends, wanted: (from: number, row: number) => boolean): Ends | undefined {
  const at: number[] = [];
  batch.rows.forEach((row, index) => {
    if (wanted(batch.froms[index] as number, row)) at.push(index);
  });
  if (at.length === 0) return undefined;
  if (at.length === batch.rows.length) return batch;
  return {
    ...batch,
    rows: Float64Array.from(at, (index) => batch.rows[index] as number),
    froms: Float64Array.from(at, (index) => batch.froms[index] as number),
  };
}

/** Which output holds each version: a living one, of the schema version that its commit had. */
function byOutput(batch: Ends, outputs: readonly DataFile[]): [FileId | undefined, Ends][] {
  const live = outputs.filter((file) => file.kind === 'live');
  const holds = (file: DataFile, from: number): boolean => file.fromLo <= from && from <= file.fromHi;
  const parts: [FileId | undefined, Ends][] = [];
  for (const file of live) {
    const piece = part(batch, (from) => holds(file, from));
    if (piece !== undefined) parts.push([file.fileId, piece]);
  }
  const lost = part(batch, (from) => !live.some((file) => holds(file, from)));
  if (lost !== undefined) parts.push([undefined, lost]);
  return parts;
}

function withFiles(table: TableState, files: readonly DataFile[]): TableState {
  const sorted = [...files].sort((left, right) => left.rowLo - right.rowLo);
  return { ...table, files: sorted, filesBytes: sorted.reduce((sum, file) => sum + file.sizeBytes, 0) };
}

function maintained(state: CatalogState, table: TableState, newFiles: number, puts: Put[], outcome: Outcome): Applied {
  const logIndex = asLogIndex(state.logIndex + 1);
  puts.push({ key: maintenanceKey(logIndex), value: encodeMaintenance('rewrite') });
  const next = { ...withTable(state, table), logIndex, nextFileId: state.nextFileId + newFiles };
  return { outcome, state: next, puts };
}

export function applyExpire(state: CatalogState, entry: ExpireEntry): Applied {
  const table = tableById(state, entry.tableId);
  if (table.kept.horizon !== entry.baseHorizon) return refused(state, outdated('snapshots expired meanwhile'));
  for (const tag of state.tags.values()) {
    const holds =
      entry.kept.horizon <= tag.snapshotId || entry.kept.held.some(({ from, until }) => from <= tag.snapshotId && tag.snapshotId < until);
    if (!holds && existedAt(table, tag.snapshotId)) return refused(state, outdated(`tag ${tag.name} was set meanwhile`));
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

/** Whether a table was there at a snapshot. */
export function existedAt(table: TableState, snapshotId: SnapshotId): boolean {
  return table.createdSnapshotId <= snapshotId && (table.droppedSnapshotId === null || snapshotId < table.droppedSnapshotId);
}

export function applyTag(state: CatalogState, { name, tag }: TagEntry, clockMs: TimestampMs): Applied {
  const existing = state.tags.get(name);
  const tags = new Map(state.tags);
  let made: Tag | null = null;
  if (tag === null) {
    if (existing === undefined) return refused(state, tagNotFound(state, name));
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

function refuseTag(state: CatalogState, snapshotId: SnapshotId): RefusedEntry | undefined {
  if (state.tags.size >= LIMITS.tagsMax) {
    return {
      code: 'LIMIT_EXCEEDED',
      message: `tagsMax: the catalog has ${LIMITS.tagsMax} tags, the most it can have`,
      details: { limit: 'tagsMax', maximum: LIMITS.tagsMax, actual: state.tags.size + 1 },
    };
  }
  const gone = tablesOf(state).find((table) => existedAt(table, snapshotId) && !isKept(table, snapshotId));
  if (gone === undefined) return undefined;
  const { code, message, details, hint } = snapshotExpired(gone, snapshotId);
  return { code, message, details, ...(hint === undefined ? {} : { hint }) };
}

function tagExists(tag: Tag): RefusedEntry {
  return {
    code: 'TAG_EXISTS',
    message: `there is a tag ${JSON.stringify(tag.name)} already, for snapshot ${tag.snapshotId}`,
    details: { tag: tag.name, snapshotId: tag.snapshotId },
    hint: 'A tag never moves. Choose another name, or drop it first.',
  };
}

export function tagNotFound(state: CatalogState, name: string): RefusedEntry {
  const names = [...state.tags.keys()].sort();
  return {
    code: 'TAG_NOT_FOUND',
    message: `there is no tag ${JSON.stringify(name.slice(0, 80))}`,
    details: { tag: name.slice(0, 80) },
    hint:
      names.length === 0
        ? 'Create it with createTag.'
        : `The tags are ${names.slice(0, 20).join(', ')}${names.length > 20 ? ', ...' : ''}.`,
  };
}
