/** Builds the part of a log entry that says what a change does to a table's rows: rows encoded or staged, keys, Merkle root. */
import type { TableState } from '../../catalog/state.ts';
import { looseEndsOf } from '../../catalog/state.ts';
import type { Staging } from '../../data/staging.ts';
import { type ChangedRow, encodeChanges } from '../../encoding/change-record.ts';
import { encodeHotRows } from '../../encoding/codec.ts';
import { newSeed, RootBuilder } from '../../encoding/proof.ts';
import type { ChangeFile, EndedInFile, RowsChange } from '../../log/entry.ts';
import { HOT } from '../../model/history.ts';
import type { FileId, TableId } from '../../model/ids.ts';
import { LIMITS } from '../../model/limits.ts';
import type { Cells, Operation } from '../../model/types.ts';
import type { Draft, DraftRow } from './draft.ts';
import { addRows } from './prepare.ts';

export interface BuiltRows {
  readonly change: RowsChange;
  /** The files that were written for it, to be removed where the entry is refused. */
  readonly files: readonly ChangeFile[];
  /** What the entry weighs by it. */
  readonly bytes: number;
}

/** What a file's versions become: all ended at once where these are all that live in it. */
export function endedIn(table: TableState, fileId: FileId, rows: Float64Array, froms: Float64Array): EndedInFile {
  const file = fileId === HOT ? undefined : table.files.find((candidate) => candidate.fileId === fileId);
  const whole = file !== undefined && file.kind !== 'history' && rows.length === file.rowCount - looseEndsOf(table, fileId);
  return { fileId, rows, froms, whole };
}

type ChangedStored = DraftRow & { readonly row: number; readonly original: NonNullable<DraftRow['original']> };

/** @returns undefined where the draft changes nothing in the end */
export async function buildDraft(staging: Staging, draft: Draft, tableId: TableId, operation: Operation): Promise<BuiltRows | undefined> {
  const { schema, table } = draft;
  const changed = [...draft.touched.values()].filter((row) => row.cells !== row.original?.cells) as ChangedStored[];
  changed.sort((left, right) => left.row - right.row);
  const updated = changed.filter((row) => row.cells !== null);
  const deletedRows = changed.length - updated.length;
  const inserted = draft.inserted.filter((row) => row.cells !== null);
  if (changed.length + inserted.length === 0) return undefined;
  const newCells = inserted.map((row) => row.cells as Cells);
  const versionCells = updated.map((row) => row.cells as Cells);
  const versionRows = updated.map((row) => row.row);
  const all = [...newCells, ...versionCells];
  const hot = all.length === 0 ? undefined : encodeHotRows(schema, all, LIMITS.hotCommitBytesMax);
  const files: ChangeFile[] = [];
  if (all.length > 0 && hot === undefined) {
    if (newCells.length > 0) files.push({ file: await staging.stageRows(tableId, schema, newCells), kind: 'staged', rowLo: 0, rowHi: 0 });
    if (versionCells.length > 0) files.push(await staging.stageVersions(tableId, schema, versionCells, versionRows));
  }
  const ends = table === undefined ? [] : endsOfRows(table, changed);
  const root = new RootBuilder(newSeed(), schema.columns);
  // By identity: versions of older rows come before new rows.
  await addRows(root, versionCells);
  await addRows(root, newCells);
  const keys = {
    inserted: keysOf(draft, newCells),
    moved: updated.flatMap((row) => {
      const key = draft.keyOf(row.cells as Cells);
      return key === undefined || key === row.original.key ? [] : [{ hash: Buffer.from(key, 'latin1'), row: row.row }];
    }),
    removed: changed.flatMap((row) => {
      const { key } = row.original;
      const stays = key !== undefined && row.cells !== null && draft.keyOf(row.cells) === key;
      return key === undefined || stays ? [] : [Buffer.from(key, 'latin1')];
    }),
  };
  const records = changed.map(
    ({ row, original, cells }): ChangedRow => ({ row, from: original.from, before: original.cells, after: cells }),
  );
  const changes =
    changed.length === 0
      ? undefined
      : encodeChanges({ schemaVersion: schema.version, newRows: newCells.length, rows: records }, schema.columns, LIMITS.hotCommitBytesMax);
  const change: RowsChange = {
    kind: 'rows',
    tableId,
    operation,
    schemaVersion: schema.version,
    base: table === undefined ? null : { snapshotId: table.last.snapshotId, filesEpoch: table.filesEpoch },
    insertedRows: newCells.length,
    updatedRows: updated.length,
    deletedRows,
    newRows: newCells.length,
    hot: hot === undefined ? null : { bytes: hot, newRows: newCells.length, versionRows },
    files,
    ends,
    keys,
    changes: changes ?? null,
    proof: root.finish(ends),
  };
  const bytes =
    (hot?.length ?? 0) +
    (changes?.length ?? 0) +
    changed.length * 16 +
    (keys.inserted.length + keys.moved.length + keys.removed.length) * 48;
  return { change, files, bytes };
}

function keysOf(draft: Draft, rows: readonly Cells[]): Buffer[] {
  if (draft.schema.primaryKey.length === 0) return [];
  return rows.map((cells) => Buffer.from(draft.keyOf(cells) as string, 'latin1'));
}

function endsOfRows(table: TableState, changed: readonly ChangedStored[]): EndedInFile[] {
  const byFile = new Map<FileId, ChangedStored[]>();
  for (const row of changed) {
    const list = byFile.get(row.original.fileId);
    if (list === undefined) byFile.set(row.original.fileId, [row]);
    else list.push(row);
  }
  return [...byFile].map(([fileId, rows]) =>
    endedIn(
      table,
      fileId,
      Float64Array.from(rows, (row) => row.row),
      Float64Array.from(rows, (row) => row.original.from),
    ),
  );
}
