/** Where a subscriber is: the last commit that it has seen, or how far it has got in one. */

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

/** The position as a cursor: a snapshotId in decimal, and `:row` within a commit. */
export function cursorOf({ snapshotId, row }: Position): string {
  return row === END ? String(snapshotId) : `${snapshotId}:${row}`;
}

const CURSOR = /^(\d{1,15})(?::(\d{1,15}))?$/;

/** @returns undefined where the text is no cursor */
export function positionOf(cursor: string): Position | undefined {
  const match = CURSOR.exec(cursor);
  if (match === null) return undefined;
  return { snapshotId: Number(match[1]), row: match[2] === undefined ? END : Number(match[2]) };
}
