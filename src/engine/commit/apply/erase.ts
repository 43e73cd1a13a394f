/** apply, erasure: files and records take the place of those that held the rows (maintenance/erase.ts). Pure, as all of apply. */
import { endsKey, keptKey } from '../../catalog/keys.ts';
import { encodeEnds, encodeKept } from '../../catalog/records.ts';
import type { CommitEntry, EraseChange } from '../../log/entry.ts';
import type { Ends, ErasedVersions, ReplacedRoot } from '../../model/history.ts';
import type { FileId } from '../../model/ids.ts';
import { dropFile, endsWhere, inRowOrder, newFile, putFile, putFlushed } from './file-records.ts';
import { type CatalogWork, Refused } from './table-work.ts';
import { livingTable, outdated } from './tables.ts';

export function applyErase(work: CatalogWork, entry: CommitEntry, change: EraseChange, replaced: ReplacedRoot[]): Refused | undefined {
  const table = livingTable(work, change.tableId, entry);
  if (table instanceof Refused) return table;
  const { before } = table;
  if (before === undefined || before.last.snapshotId !== change.base.snapshotId || before.filesEpoch !== change.base.filesEpoch)
    return outdated(table);
  const inputs = new Set<FileId>(change.inputs);
  const outputs = change.outputs.map((file, index) => newFile(table, file, work.nextFileId + index));
  work.nextFileId += outputs.length;
  for (const fileId of inputs) work.puts.push(dropFile(table, fileId));
  for (const file of outputs) work.puts.push(putFile(table, file));
  const { files, filesBytes } = inRowOrder([...table.files.filter((file) => !inputs.has(file.fileId)), ...outputs]);
  table.files = files;
  table.filesBytes = filesBytes;
  const gone = new Set<number>(change.rows);
  table.ends = table.ends.flatMap((batch): Ends[] => {
    const kept = inputs.has(batch.fileId) ? undefined : endsWhere(batch, (_, row) => !gone.has(row));
    if (kept === batch) return [batch];
    const key = endsKey(table.id, batch.to, batch.fileId);
    work.puts.push({ key, value: kept === undefined ? null : encodeEnds(kept) });
    return kept === undefined ? [] : [kept];
  });
  table.endsEpoch += 1;
  table.filesEpoch += 1;
  work.puts.push(...change.rewritten);
  const erased = change.erased.map((span): ErasedVersions => ({ ...span, to: span.to ?? work.at.snapshotId }));
  table.kept = { ...table.kept, checkpoints: change.checkpoints, erased: [...table.kept.erased, ...erased] };
  work.puts.push({ key: keptKey(table.id), value: encodeKept(table.kept) });
  if (change.hot.rows > 0) {
    table.taken = { ...change.hot };
    const { flushedRowsEver, flushedBytesEver, flushedVersionsEver } = before;
    const flushed = {
      ...before,
      flushedRowsEver: flushedRowsEver + change.hot.rows,
      flushedBytesEver: flushedBytesEver + change.hot.bytes,
      flushedVersionsEver: flushedVersionsEver + change.hot.versions,
    };
    work.puts.push(putFlushed(flushed));
  }
  replaced.push(...change.replaced);
  table.operation = 'ERASE';
  table.deletedRows += change.livingRows;
  table.proof = change.proof;
  return undefined;
}
