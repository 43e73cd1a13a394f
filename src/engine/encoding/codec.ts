/**
 * The binary form of rows: how small commits carry them inside the catalog (docs/format.md, "Rows"),
 * and what hashes of content are taken over. Exact for every cell: each bit pattern that goes in comes out.
 */

import { EngineError, unreachable } from '../model/errors.ts';
import type { Cell, Cells, Column } from '../model/types.ts';
import { ByteReader, ByteWriter } from './bytes.ts';

/** Appends rows to a writer: for each, a null bitmap, then the cells that are not null. */
export function writeRows(writer: ByteWriter, columns: readonly Column[], rows: readonly Cells[], start = 0, end = rows.length): void {
  for (let index = start; index < end; index += 1) {
    const cells = rows[index] as Cells;
    for (let base = 0; base < columns.length; base += 8) {
      let bits = 0;
      for (let bit = 0; bit < 8 && base + bit < columns.length; bit += 1) if (cells[base + bit] === null) bits |= 1 << bit;
      writer.u8(bits);
    }
    for (let at = 0; at < columns.length; at += 1) {
      const cell = cells[at] as Cell;
      if (cell !== null) writeCell(writer, columns[at] as Column, cell);
    }
  }
}

/** Reads `count` rows that writeRows wrote with the same columns. */
export function readRows(reader: ByteReader, columns: readonly Column[], count: number): Cells[] {
  const rows: Cells[] = new Array(count);
  const bitmapBytes = Math.ceil(columns.length / 8);
  for (let index = 0; index < count; index += 1) {
    const bitmap = reader.raw(bitmapBytes);
    const cells: Cells = new Array(columns.length);
    for (let at = 0; at < columns.length; at += 1) {
      const isNull = ((bitmap[at >> 3] as number) >> (at & 7)) & 1;
      cells[at] = isNull === 1 ? null : readCell(reader, columns[at] as Column);
    }
    rows[index] = cells;
  }
  return rows;
}

export function writeCell(writer: ByteWriter, column: Pick<Column, 'type'>, cell: Exclude<Cell, null>): void {
  switch (column.type) {
    case 'BOOLEAN':
      writer.u8(cell ? 1 : 0);
      return;
    case 'INT':
    case 'DATE':
      writer.i32(cell as number);
      return;
    case 'LONG':
    case 'TIMESTAMP':
    case 'TIMESTAMPTZ':
      writer.i64(cell as bigint);
      return;
    case 'FLOAT':
      writer.f32(cell as number);
      return;
    case 'DOUBLE':
      writer.f64(cell as number);
      return;
    case 'TIME':
      writer.varint(cell as number);
      return;
    case 'DECIMAL':
      writer.text(String(cell));
      return;
    case 'STRING':
    case 'JSON':
      writer.text(cell as string);
      return;
    case 'UUID':
      writer.raw(Buffer.from((cell as string).replaceAll('-', ''), 'hex'));
      return;
    case 'BINARY':
      writer.blob(cell as Uint8Array);
      return;
    default:
      unreachable(column.type);
  }
}

export function readCell(reader: ByteReader, column: Pick<Column, 'type'>): Exclude<Cell, null> {
  switch (column.type) {
    case 'BOOLEAN':
      return reader.u8() === 1;
    case 'INT':
    case 'DATE':
      return reader.i32();
    case 'LONG':
    case 'TIMESTAMP':
    case 'TIMESTAMPTZ':
      return reader.i64();
    case 'FLOAT':
      return reader.f32();
    case 'DOUBLE':
      return reader.f64();
    case 'TIME':
      return reader.varint();
    case 'DECIMAL':
      return BigInt(reader.text());
    case 'STRING':
    case 'JSON':
      return reader.text();
    case 'UUID': {
      const hex = reader.raw(16).toString('hex');
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
    }
    case 'BINARY':
      return new Uint8Array(reader.blob());
    default:
      return unreachable(column.type);
  }
}

/** Rows encoded between two looks at the size. */
const PIECE_ROWS = 256;

/** The rows of one commit of one table as they are stored: schema version, count, rows. Undefined past `bytesMax`. */
export function encodeHotRows(
  schema: { readonly version: number; readonly columns: readonly Column[] },
  rows: readonly Cells[],
  bytesMax: number,
): Buffer | undefined {
  const writer = new ByteWriter(Math.min(64 * (rows.length + 1), bytesMax));
  writer.u8(ROWS_FORMAT).varint(schema.version).varint(rows.length);
  for (let start = 0; start < rows.length; start += PIECE_ROWS) {
    writeRows(writer, schema.columns, rows, start, Math.min(start + PIECE_ROWS, rows.length));
    if (writer.length > bytesMax) return undefined;
  }
  return writer.finish();
}

const ROWS_FORMAT = 1;

/** @throws EngineError CORRUPT_DATA where the bytes are not rows of that schema */
export function decodeHotRows(bytes: Uint8Array, columnsOf: (schemaVersion: number) => readonly Column[]): Cells[] {
  const reader = new ByteReader(bytes);
  const format = reader.u8();
  if (format !== ROWS_FORMAT) throw new EngineError('CORRUPT_DATA', `stored rows have the unknown format ${format}`);
  const columns = columnsOf(reader.varint());
  return readRows(reader, columns, reader.varint());
}
