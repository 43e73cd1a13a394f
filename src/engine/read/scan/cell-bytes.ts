/**
 * About how many bytes a cell takes. There are two measures: what an answer may hold is counted by the length of its values,
 * since a result is counted so before it is read (data/results.ts); what a cache may hold is counted by what a value takes on
 * JavaScript's heap at the most.
 */
import { VALUE_BYTES } from '../../data/results.ts';
import type { Cell } from '../../model/types.ts';

/** By its length: of a cell in an answer. */
export function bytesOfCell(cell: Cell): number {
  return typeof cell === 'string' || cell instanceof Uint8Array ? VALUE_BYTES + cell.length : VALUE_BYTES;
}

/** On the heap: a text has two bytes a character where one of them is not Latin, bytes have an object and a buffer around them. */
export function heapBytesOfCell(cell: Cell): number {
  if (typeof cell === 'string') return 32 + cell.length * 2;
  if (typeof cell === 'bigint') return 32;
  return cell instanceof Uint8Array ? 120 + cell.length : 16;
}
