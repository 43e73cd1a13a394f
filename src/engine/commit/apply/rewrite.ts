/** apply, rewrite: what flush and compaction wrote takes the place of its inputs. Makes no commit and changes no answer (invariant 3). Pure. */
import { endsKey, maintenanceKey } from '../../catalog/keys.ts';
import { encodeEnds, encodeMaintenance } from '../../catalog/records.ts';
import { type CatalogState, type TableState, tableById, withTable } from '../../catalog/state.ts';
import type { Put } from '../../catalog/store.ts';
import { mergeEnded } from '../../encoding/proof.ts';
import type { Outcome, RewriteEntry } from '../../log/entry.ts';
import { type DataFile, type Ends, HOT } from '../../model/history.ts';
import { asLogIndex, type FileId, type SnapshotId } from '../../model/ids.ts';
import { dropFile, endsWhere, inRowOrder, newFile, putFile, putFlushed } from './file-records.ts';
import { type Applied, refused, stale } from './types.ts';

export function applyRewrite(state: CatalogState, entry: RewriteEntry): Applied {
  const table = tableById(state, entry.tableId);
  const { flushed } = entry;
  if (flushed !== null && flushed.upTo <= table.hotFloor) return refused(state, stale('the hot rows were flushed meanwhile'));
  const inputs = new Set(entry.inputs);
  const retired = table.files.filter((file) => inputs.has(file.fileId));
  if (retired.length !== inputs.size) return refused(state, stale('an input of the compaction is gone'));
  if (retired.some((file) => file.endedAt !== null && file.endedAt > entry.endsUpTo))
    return refused(state, stale('an input of the compaction has ended meanwhile'));
  const outputs = entry.outputs.map((file, index) => newFile(table, file, state.nextFileId + index));
  const puts: Put[] = [...outputs.map((file) => putFile(table, file)), ...retired.map(({ fileId }) => dropFile(table, fileId))];
  const kept = table.files.filter((file) => !inputs.has(file.fileId));
  const moved = moveEnds(table, entry, outputs);
  if (moved === undefined) return refused(state, stale('versions ended that the compaction wrote nowhere'));
  puts.push(...moved.puts);
  let next: TableState = {
    ...table,
    ...inRowOrder([...kept, ...outputs]),
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
  return { moved: endsWhere(batch, (from) => from <= upTo), kept: endsWhere(batch, (from) => from > upTo) };
}

/** Which output holds each version: a living one, of the schema version that its commit had. */
function byOutput(batch: Ends, outputs: readonly DataFile[]): [FileId | undefined, Ends][] {
  const live = outputs.filter((file) => file.kind === 'live');
  const holds = (file: DataFile, from: number): boolean => file.fromLo <= from && from <= file.fromHi;
  const parts: [FileId | undefined, Ends][] = [];
  for (const file of live) {
    const piece = endsWhere(batch, (from) => holds(file, from));
    if (piece !== undefined) parts.push([file.fileId, piece]);
  }
  const lost = endsWhere(batch, (from) => !live.some((file) => holds(file, from)));
  if (lost !== undefined) parts.push([undefined, lost]);
  return parts;
}

function maintained(state: CatalogState, table: TableState, newFiles: number, puts: Put[], outcome: Outcome): Applied {
  const logIndex = asLogIndex(state.logIndex + 1);
  puts.push({ key: maintenanceKey(logIndex), value: encodeMaintenance('rewrite') });
  const next = { ...withTable(state, table), logIndex, nextFileId: state.nextFileId + newFiles };
  return { outcome, state: next, puts };
}
