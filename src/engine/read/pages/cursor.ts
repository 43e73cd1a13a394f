/**
 * Cursors of rows and of groups: where a page ended, and the snapshot that the first page was read at, so that pages
 * never shift. The hash tells what the place is a place in: an order, or a grouping.
 */
import { ByteReader, ByteWriter } from '../../encoding/bytes.ts';
import { readCell, writeCell } from '../../encoding/codec.ts';
import { crc32c } from '../../encoding/crc32c.ts';
import { EngineError } from '../../model/errors.ts';
import { asSnapshotId, asTableId, type SnapshotId, type TableId } from '../../model/ids.ts';
import type { Cell } from '../../model/types.ts';
import type { CheckedOrder, OrderPlace } from '../scan/order.ts';

const ROW_KIND = 0x72; // r
const GROUP_KIND = 0x67; // g

interface CursorHead {
  readonly snapshotId: SnapshotId;
  readonly tableId: TableId;
}

export function encodeRowCursor(head: CursorHead, order: CheckedOrder, place: OrderPlace): string {
  const writer = begin(ROW_KIND, head, order.hash).varint(place.row);
  order.terms.forEach(({ column }, at) => {
    const cell = place.cells[at] ?? null;
    if (cell === null) writer.u8(0);
    else writeCell(writer.u8(1), column, cell);
  });
  return finish(writer);
}

/** The place behind a group: how many groups of the grouping come before it. At one snapshot that never changes. */
export function encodeGroupCursor(head: CursorHead, groupingHash: number, position: number): string {
  return finish(begin(GROUP_KIND, head, groupingHash).varint(position));
}

function begin(kind: number, { snapshotId, tableId }: CursorHead, hash: number): ByteWriter {
  return new ByteWriter(64).u8(kind).varint(snapshotId).varint(tableId).u32(hash);
}

function finish(writer: ByteWriter): string {
  const body = writer.finish();
  return Buffer.concat([body, new ByteWriter(4).u32(crc32c(body)).finish()]).toString('base64url');
}

function bodyOf(cursor: string, kinds: readonly number[]): ByteReader | undefined {
  const bytes = Buffer.from(cursor, 'base64url');
  const kind = bytes[0];
  if (bytes.length < 8 || kind === undefined || !kinds.includes(kind)) return undefined;
  const body = bytes.subarray(0, bytes.length - 4);
  return crc32c(body) === bytes.readUInt32BE(bytes.length - 4) ? new ByteReader(body, 1) : undefined;
}

/** The snapshot that a cursor of rows or groups pins; undefined where the text is neither. */
export function cursorHead(cursor: string): CursorHead | undefined {
  const reader = bodyOf(cursor, [ROW_KIND, GROUP_KIND]);
  return reader === undefined ? undefined : { snapshotId: asSnapshotId(reader.varint()), tableId: asTableId(reader.varint()) };
}

/** @throws EngineError CURSOR_INVALID where it is no cursor of rows, or one of another table, order or snapshot */
export function decodeRowCursor(cursor: string, expected: CursorHead, order: CheckedOrder, argument: 'after' | 'before'): OrderPlace {
  const reader = bodyOf(cursor, [ROW_KIND]);
  if (reader === undefined) throw invalid(`${argument} is not a cursor of a page of rows`, {});
  if (checkHead(reader, expected, argument) !== order.hash)
    throw invalid(`${argument} is a cursor of a page with another orderBy, or from before one of its columns got another type`, {});
  const row = reader.varint();
  const cells = order.terms.map(({ column }): Cell => (reader.u8() === 0 ? null : readCell(reader, column)));
  return { cells, row };
}

/** @throws EngineError CURSOR_INVALID where it is no cursor of groups, or one of another table, grouping, filter or snapshot */
export function decodeGroupCursor(cursor: string, expected: CursorHead, groupingHash: number): number {
  const reader = bodyOf(cursor, [GROUP_KIND]);
  if (reader === undefined) throw invalid('after is not a cursor of a page of groups', {});
  if (checkHead(reader, expected, 'after') !== groupingHash)
    throw invalid('after is a cursor of groups by other columns, or of rows that another filter matched', {});
  return reader.varint();
}

/** The hash that a cursor carries, where its table and snapshot are the expected ones. */
function checkHead(reader: ByteReader, expected: CursorHead, argument: 'after' | 'before'): number {
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
  return hash;
}

function invalid(message: string, details: Record<string, unknown>): EngineError {
  return new EngineError('CURSOR_INVALID', message, {
    details,
    hint: 'Pass the endCursor of the page before, with the same arguments, and no other instant than the one it was read at.',
  });
}
