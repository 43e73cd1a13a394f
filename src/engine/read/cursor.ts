/** Row cursors: where a page ended, and the snapshot that the first page was read at, so that pages never shift. */
import { ByteReader, ByteWriter } from '../model/bytes.ts';
import { readCell, writeCell } from '../model/codec.ts';
import { crc32c } from '../model/crc32c.ts';
import { EngineError } from '../model/errors.ts';
import { asSnapshotId, asTableId, type SnapshotId, type TableId } from '../model/ids.ts';
import type { Cell } from '../model/types.ts';
import type { CheckedOrder, OrderPlace } from './order.ts';

const CURSOR_KIND = 0x72; // r

export interface CursorHead {
  readonly snapshotId: SnapshotId;
  readonly tableId: TableId;
}

export function encodeCursor({ snapshotId, tableId }: CursorHead, order: CheckedOrder, place: OrderPlace): string {
  const writer = new ByteWriter(64).u8(CURSOR_KIND).varint(snapshotId).varint(tableId).u32(order.hash).varint(place.row);
  order.terms.forEach(({ column }, at) => {
    const cell = place.cells[at] ?? null;
    if (cell === null) writer.u8(0);
    else writeCell(writer.u8(1), column, cell);
  });
  const body = writer.finish();
  return Buffer.concat([body, new ByteWriter(4).u32(crc32c(body)).finish()]).toString('base64url');
}

function bodyOf(cursor: string): ByteReader | undefined {
  const bytes = Buffer.from(cursor, 'base64url');
  if (bytes.length < 8 || bytes[0] !== CURSOR_KIND) return undefined;
  const body = bytes.subarray(0, bytes.length - 4);
  return crc32c(body) === bytes.readUInt32BE(bytes.length - 4) ? new ByteReader(body, 1) : undefined;
}

/** The snapshot that a row cursor pins; undefined where the text is no row cursor. */
export function cursorHead(cursor: string): CursorHead | undefined {
  const reader = bodyOf(cursor);
  return reader === undefined ? undefined : { snapshotId: asSnapshotId(reader.varint()), tableId: asTableId(reader.varint()) };
}

/** @throws EngineError CURSOR_INVALID where it is no cursor, or one of another table, order or snapshot */
export function decodeCursor(cursor: string, expected: CursorHead, order: CheckedOrder, argument: 'after' | 'before'): OrderPlace {
  const reader = bodyOf(cursor);
  if (reader === undefined) throw invalid(`${argument} is not a cursor of a page of rows`, {});
  const snapshotId = reader.varint();
  const tableId = reader.varint();
  const hash = reader.u32();
  if (tableId !== expected.tableId) throw invalid(`${argument} is a cursor of another table`, {});
  if (snapshotId !== expected.snapshotId) {
    throw invalid(`${argument} is a cursor of snapshot ${snapshotId}, the page is read at ${expected.snapshotId}`, {
      cursorSnapshotId: snapshotId,
      snapshotId: expected.snapshotId,
    });
  }
  if (hash !== order.hash)
    throw invalid(`${argument} is a cursor of a page with another orderBy, or from before one of its columns got another type`, {});
  const row = reader.varint();
  const cells = order.terms.map(({ column }): Cell => (reader.u8() === 0 ? null : readCell(reader, column)));
  return { cells, row };
}

function invalid(message: string, details: Record<string, unknown>): EngineError {
  return new EngineError('CURSOR_INVALID', message, {
    details,
    hint: 'Pass the endCursor of the page before, with the same orderBy, and no other instant than the one it was read at.',
  });
}
