/** Where a subscriber is: the last commit that it has seen, or how far it has got in one. */
import { otherIncarnation } from '../engine/index.ts';

export interface Position {
  readonly snapshotId: number;
  /** The identity of the last row seen of the commit; END where all of it was. */
  readonly row: number;
}

export const END = Number.MAX_SAFE_INTEGER;

/** Right after a commit. */
export function after(snapshotId: number): Position {
  return { snapshotId, row: END };
}

/** Whether one position comes before another. */
export function isBefore(left: Position, right: Position): boolean {
  return left.snapshotId < right.snapshotId || (left.snapshotId === right.snapshotId && left.row < right.row);
}

/** The commit that is still to be seen, wholly or in part, is later than this one: what expiry must leave readable. */
export function neededSnapshot({ snapshotId, row }: Position): number {
  return row === END ? snapshotId : snapshotId - 1;
}

/** The position as a cursor: the incarnation that it is of, the snapshotId in decimal, and `:row` within a commit. */
export function cursorOf({ snapshotId, row }: Position, incarnation: string): string {
  return row === END ? `${incarnation}.${snapshotId}` : `${incarnation}.${snapshotId}:${row}`;
}

const CURSOR = /^([\w-]{8})\.(\d{1,15})(?::(\d{1,15}))?$/;
const SNAPSHOT = /^\d{1,15}$/;

/**
 * The position that a cursor, or a snapshotId in decimal, stands for.
 * @returns undefined where the text is neither
 * @throws EngineError CURSOR_INVALID where it is a cursor of another incarnation of the database
 */
export function positionOf(text: string, incarnation: string): Position | undefined {
  if (SNAPSHOT.test(text)) return after(Number(text));
  const [, given, snapshotId, row] = CURSOR.exec(text) ?? [];
  if (given === undefined) return undefined;
  if (given !== incarnation) throw otherIncarnation({ what: '`after`', given, current: incarnation }, 'CURSOR_INVALID');
  return { snapshotId: Number(snapshotId), row: row === undefined ? END : Number(row) };
}
