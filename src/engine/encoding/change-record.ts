/**
 * A small change as it is kept for diffs: the rows that a commit updated, deleted and brought back, before and after, in
 * the columns of its schema version. So a diff of a small change costs what the change is, wherever its rows lie by now.
 */

import type { Cells, Column } from '../model/types.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import { readRows, writeRows } from './codec.ts';

export interface ChangedRow {
  readonly row: number;
  /** The commit that brought the version before; 0 where there was none. */
  readonly from: number;
  readonly before: Cells | null;
  readonly after: Cells | null;
}

export interface ChangeRecord {
  readonly schemaVersion: number;
  /** The identity of the first new row; `newRows` of them follow one another, and are not among `rows`. */
  readonly rowBase: number;
  readonly newRows: number;
  /** By identity. */
  readonly rows: readonly ChangedRow[];
}

const HAS_BEFORE = 1;
const HAS_AFTER = 2;

/** All but the row base, which apply knows. Undefined past `bytesMax`. */
export function encodeChanges(
  { schemaVersion, newRows, rows }: Omit<ChangeRecord, 'rowBase'>,
  columns: readonly Column[],
  bytesMax: number,
): Buffer | undefined {
  const writer = new ByteWriter(256).varint(schemaVersion).varint(newRows).varint(rows.length);
  for (const { row, from, before, after } of rows) {
    writer
      .varint(row)
      .varint(from)
      .u8((before === null ? 0 : HAS_BEFORE) | (after === null ? 0 : HAS_AFTER));
    writeRows(
      writer,
      columns,
      [before, after].filter((cells) => cells !== null),
    );
    if (writer.length > bytesMax) return undefined;
  }
  return writer.finish();
}

export function decodeChanges(bytes: Uint8Array, columnsOf: (schemaVersion: number) => readonly Column[]): ChangeRecord {
  const reader = new ByteReader(bytes);
  const rowBase = reader.varint();
  const schemaVersion = reader.varint();
  const columns = columnsOf(schemaVersion);
  const newRows = reader.varint();
  const rows = Array.from({ length: reader.varint() }, (): ChangedRow => {
    const row = reader.varint();
    const from = reader.varint();
    const has = reader.u8();
    const before = (has & HAS_BEFORE) === 0 ? null : (readRows(reader, columns, 1)[0] as Cells);
    const after = (has & HAS_AFTER) === 0 ? null : (readRows(reader, columns, 1)[0] as Cells);
    return { row, from, before, after };
  });
  return { schemaVersion, rowBase, newRows, rows };
}
