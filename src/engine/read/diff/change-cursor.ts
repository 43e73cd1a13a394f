/**
 * Cursors of row changes: the list of changes that a cursor is of (its table, its two snapshots and its mode), the span's
 * place in it, and the row. They are of one incarnation of the database, as snapshot ids are.
 */
import { EngineError } from '../../model/errors.ts';
import { otherIncarnation } from '../../model/incarnation.ts';

/** A place in a list of changes. */
export type ChangePlace = readonly [part: number, row: number];

export interface ChangeList {
  readonly incarnation: string;
  readonly tableId: number;
  readonly from: number;
  readonly to: number;
  readonly mode: 'NET' | 'FULL';
}

const textOf = ({ incarnation, tableId, from, to, mode }: ChangeList): string => `${incarnation}.${tableId}.${from}.${to}.${mode}`;

export function encodeChangeCursor(list: ChangeList, [part, row]: ChangePlace): string {
  return Buffer.from(`d:${textOf(list)}:${part}:${row}`).toString('base64url');
}

const CURSOR = /^d:(([\w-]{8})\.\d+\.\d+\.(\d{1,16})\.(?:NET|FULL)):(\d{1,16}):(\d{1,16})$/;

function parse(cursor: string): RegExpExecArray | null {
  return CURSOR.exec(Buffer.from(cursor, 'base64url').toString('utf8'));
}

/**
 * The later end of the diff that a cursor is of; undefined where it is none.
 * @throws EngineError CURSOR_INVALID where it is of another incarnation of the database
 */
export function diffCursorTo(cursor: string, current: string): number | undefined {
  const match = parse(cursor);
  if (match === null) return undefined;
  if (match[2] !== current) throw otherIncarnation({ what: 'the cursor', given: match[2] ?? '', current }, 'CURSOR_INVALID');
  return Number(match[3]);
}

/** @throws EngineError CURSOR_INVALID where it is no cursor, or one of other changes */
export function decodeChangeCursor(cursor: string, argument: 'after' | 'before', list: ChangeList): ChangePlace {
  const match = parse(cursor);
  const current = list.incarnation;
  if (match !== null && match[2] !== current) throw otherIncarnation({ what: argument, given: match[2] ?? '', current }, 'CURSOR_INVALID');
  if (match === null || match[1] !== textOf(list))
    throw new EngineError('CURSOR_INVALID', `${argument} is not a cursor of a page of these changes`, {
      hint: 'Pass the endCursor of the page before, with the same table, instants and mode.',
    });
  return [Number(match[4]), Number(match[5])];
}
