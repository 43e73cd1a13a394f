/** apply, rows: what a commit brings to and ends in one table. Pure, as all of apply. */
import { changesKey, endsKey, hotKey, primaryKeyKey } from '../../catalog/keys.ts';
import { encodeEnds } from '../../catalog/records.ts';
import { encodeHotCommit } from '../../data/hot.ts';
import { ByteWriter } from '../../encoding/bytes.ts';
import type { CommitEntry, RowsChange } from '../../log/entry.ts';
import { assertRowsAddUp } from '../../log/entry-check.ts';
import type { ErrorData } from '../../model/errors.ts';
import type { DataFile, Ends } from '../../model/history.ts';
import { asFileId, asRowId, asSnapshotId } from '../../model/ids.ts';
import { LIMITS } from '../../model/limits.ts';
import { putFile } from './file-records.ts';
import { type CatalogWork, Refused, type TableWork } from './table-work.ts';
import { livingTable, outdated } from './tables.ts';
import type { Lookups } from './types.ts';

export function applyRows(work: CatalogWork, entry: CommitEntry, change: RowsChange, lookups: Lookups): Refused | undefined {
  const table = livingTable(work, change.tableId, entry);
  if (table instanceof Refused) return table;
  if (change.schemaVersion !== table.schema.version) return outdated(table);
  const { base } = change;
  const before = table.before;
  if (base !== null && before !== undefined && (before.last.snapshotId !== base.snapshotId || before.filesEpoch !== base.filesEpoch))
    return outdated(table);
  const taken = takenKeys(table, change, lookups);
  if (taken !== undefined) return new Refused(taken);
  assertRowsAddUp(change);
  const rowBase = table.nextRow;
  putRows(work, table, change);
  endVersions(work, table, change);
  putKeys(work, table, change, rowBase);
  if (change.changes !== null) {
    const value = new ByteWriter(8 + change.changes.length).varint(rowBase).raw(change.changes).finish();
    work.puts.push({ key: changesKey(table.id, work.at.snapshotId), value });
  }
  table.nextRow = asRowId(rowBase + change.newRows);
  table.operation ??= change.operation;
  if (table.undropped) table.insertedRows += change.insertedRows - change.deletedRows;
  else {
    table.insertedRows += change.insertedRows;
    table.updatedRows += change.updatedRows;
    table.deletedRows += change.deletedRows;
  }
  table.proof = change.proof;
  return undefined;
}

function putRows(work: CatalogWork, table: TableWork, { hot, files }: RowsChange): void {
  const { snapshotId } = work.at;
  if (hot !== null) {
    const value = encodeHotCommit(table.nextRow, hot.newRows, hot.versionRows, hot.bytes);
    work.puts.push({ key: hotKey(table.id, snapshotId), value });
    table.hotRowsEver += hot.newRows + hot.versionRows.length;
    table.hotVersionsEver += hot.versionRows.length;
    table.hotBytesEver += hot.bytes.length;
  }
  let row: number = table.nextRow;
  for (const { file, kind, rowLo, rowHi } of files) {
    const staged = kind === 'staged';
    const made: DataFile = {
      ...file,
      fileId: asFileId(work.nextFileId),
      tableId: table.id,
      kind,
      rowLo: asRowId(staged ? row : rowLo),
      rowHi: asRowId(staged ? row + file.rowCount - 1 : rowHi),
      fromLo: snapshotId,
      fromHi: snapshotId,
      toLo: asSnapshotId(0),
      toHi: asSnapshotId(0),
      lifeLog: 0,
      endedAt: null,
      schemaVersion: table.schema.version,
    };
    if (staged) row += file.rowCount;
    work.nextFileId += 1;
    table.files = [...table.files, made];
    table.filesBytes += made.sizeBytes;
    work.puts.push(putFile(table, made));
  }
}

function endVersions(work: CatalogWork, table: TableWork, change: RowsChange): void {
  if (change.ends.length === 0) return;
  const to = work.at.snapshotId;
  const loose: Ends[] = [];
  for (const { fileId, rows, froms, whole } of change.ends) {
    const file = whole ? table.files.find((candidate) => candidate.fileId === fileId) : undefined;
    if (file !== undefined && file.kind !== 'history') {
      const ended = { ...file, endedAt: to };
      table.files = table.files.map((candidate) => (candidate === file ? ended : candidate));
      work.puts.push(putFile(table, ended));
      continue;
    }
    const ends: Ends = { fileId, to, rows, froms };
    loose.push(ends);
    work.puts.push({ key: endsKey(table.id, to, fileId), value: encodeEnds(ends) });
  }
  if (loose.length > 0) table.ends = [...table.ends, ...loose];
}

function putKeys(work: CatalogWork, table: TableWork, { keys }: RowsChange, rowBase: number): void {
  const { puts, at } = work;
  for (const hash of keys.removed) puts.push({ key: primaryKeyKey(table.id, hash), value: null });
  const put = (hash: Buffer, row: number): void => {
    puts.push({ key: primaryKeyKey(table.id, hash), value: new ByteWriter(16).varint(row).varint(at.snapshotId).finish() });
  };
  for (const { hash, row } of keys.moved) put(hash, row);
  for (const [index, hash] of keys.inserted.entries()) put(hash, rowBase + index);
}

/** Rows whose primary key another row has that stays. */
function takenKeys(table: TableWork, { keys, insertedRows, updatedRows }: RowsChange, lookups: Lookups): ErrorData | undefined {
  if (keys.inserted.length === 0 && keys.moved.length === 0) return undefined;
  const removed = new Set(keys.removed.map((hash) => hash.toString('latin1')));
  const exists = (hash: Buffer): boolean =>
    lookups.keyExists(primaryKeyKey(table.id, hash)) && !(removed.size > 0 && removed.has(hash.toString('latin1')));
  const taken: number[] = [];
  keys.inserted.forEach((hash, index) => {
    if (exists(hash)) taken.push(index);
  });
  const column = table.schema.primaryKey.join(', ');
  if (taken.length === 0) {
    if (!keys.moved.some(({ hash }) => exists(hash))) return undefined;
    return {
      code: 'INVALID_ROW',
      message: `column ${column}: a row with the new primary key exists`,
      details: { rows: [], invalidRows: 1, totalRows: insertedRows + updatedRows },
      hint: 'Nothing was changed. Give rows primary keys that no other row has.',
    };
  }
  const reason = 'a row with this primary key exists';
  return {
    code: 'INVALID_ROW',
    message: `row ${taken[0]}, column ${column}: ${reason}${taken.length > 1 ? ` (and ${taken.length - 1} more)` : ''}`,
    details: {
      rows: taken.slice(0, LIMITS.invalidRowsReported).map((index) => ({ index, column, reason })),
      invalidRows: taken.length,
      totalRows: insertedRows,
    },
    hint: 'Nothing of the batch was kept. Append only rows whose primary key is new; upsert takes both.',
  };
}
