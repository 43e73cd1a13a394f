/** The order of cells that DuckDB has too: what bounds of files, lists of a filter and rows in memory are compared by. */
import type { Cell } from '../../model/types.ts';

/** Orders two cells of one type as DuckDB does: text and bytes by their UTF-8, the rest by value. */
export function compareCells(left: Cell, right: Cell): number {
  if (typeof left === 'string') return Buffer.compare(Buffer.from(left), Buffer.from(right as string));
  if (left instanceof Uint8Array) return Buffer.compare(left, right as Uint8Array);
  // Bounds of a file from before its column was widened are numbers where the operand is a bigint: these compare as they should.
  if ((left as number) < (right as number)) return -1;
  return (left as number) > (right as number) ? 1 : 0;
}
