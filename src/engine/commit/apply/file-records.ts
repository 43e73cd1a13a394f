/** Records of data files and of the versions in them that have ended, which every kind of entry that moves rows writes. */
import { fileKey, flushedKey } from '../../catalog/keys.ts';
import { encodeFile, encodeFlushed } from '../../catalog/records.ts';
import type { TableState } from '../../catalog/state.ts';
import type { Put } from '../../catalog/store.ts';
import type { NewFile } from '../../log/entry.ts';
import type { DataFile, Ends } from '../../model/history.ts';
import { asFileId, type FileId } from '../../model/ids.ts';
import type { TableSchema } from '../../model/types.ts';

export function newFile(table: Pick<TableState, 'id'>, file: NewFile, fileId: number): DataFile {
  return { ...file, fileId: asFileId(fileId), tableId: table.id, endedAt: null };
}

export function putFile(table: Pick<TableState, 'id' | 'schemas'>, file: DataFile): Put {
  const schema = table.schemas.find((candidate) => candidate.version === file.schemaVersion) as TableSchema;
  return { key: fileKey(table.id, file.fileId), value: encodeFile(file, schema.columns) };
}

export function dropFile(table: Pick<TableState, 'id'>, fileId: FileId): Put {
  return { key: fileKey(table.id, fileId), value: null };
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

/** A table's files as its state has them: by their first row, and their size together. */
export function inRowOrder(files: readonly DataFile[]): Pick<TableState, 'files' | 'filesBytes'> {
  const sorted = [...files].sort((left, right) => left.rowLo - right.rowLo);
  return { files: sorted, filesBytes: sorted.reduce((sum, file) => sum + file.sizeBytes, 0) };
}

/** Those of a batch of ended versions that are wanted: the same object where all are, undefined where none is. */
export function endsWhere(batch: Ends, wanted: (from: number, row: number) => boolean): Ends | undefined {
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
