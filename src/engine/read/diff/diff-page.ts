/** Pages of changes: the parts of a diff put together, with cursors that are bound to their diff. */
import { EngineError } from '../../model/errors.ts';
import type { SnapshotId } from '../../model/ids.ts';
import { otherIncarnation } from '../../model/incarnation.ts';
import { type PageArguments, pageSize } from '../pages/page.ts';
import type { CheckedFilter } from '../scan/filter.ts';
import type { Row } from '../scan/row.ts';

export const CHANGE_KINDS = ['INSERT', 'UPDATE', 'DELETE'] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

export interface RowChange {
  readonly kind: ChangeKind;
  /** The commit that made it; for a net effect the last one that touched the row. */
  readonly snapshotId: SnapshotId;
  readonly rowId: number;
  /** In the columns of the diff's `before` schema; null for an INSERT. */
  readonly before: Row | null;
  /** In the columns of its `after` schema; null for a DELETE. */
  readonly after: Row | null;
}

export interface ChangePage {
  readonly changes: readonly RowChange[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  cursorAt(index: number): string;
}

/** A change that is known, its rows read when they are asked for. */
export interface Step {
  readonly kind: ChangeKind;
  readonly row: number;
  readonly snapshotId: SnapshotId;
  readonly before?: Row | undefined;
  readonly after?: Row | undefined;
}

/** Some changes in order, and how to read the rows of a few of them. */
export interface Steps {
  readonly steps: readonly Step[];
  readonly read: (steps: readonly Step[]) => Promise<RowChange[]>;
  /** The rows that match before or after, where they are better looked for where they lie than read. */
  readonly matching?: ((filter: CheckedFilter) => Promise<ReadonlySet<number>>) | undefined;
}

export const REVERSED: Readonly<Record<ChangeKind, ChangeKind>> = { INSERT: 'DELETE', UPDATE: 'UPDATE', DELETE: 'INSERT' };

/** A cursor: the list that it is of, the span's place in it, and the row. */
export function encodeCursor(list: string, part: number, row: number): string {
  return Buffer.from(`d:${list}:${part}:${row}`).toString('base64url');
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

function decodeCursor(cursor: string, argument: string, list: string): Place {
  const match = parse(cursor);
  const [current = ''] = list.split('.');
  if (match !== null && match[2] !== current) throw otherIncarnation({ what: argument, given: match[2] ?? '', current }, 'CURSOR_INVALID');
  if (match === null || match[1] !== list)
    throw new EngineError('CURSOR_INVALID', `${argument} is not a cursor of a page of these changes`, {
      hint: 'Pass the endCursor of the page before, with the same table, instants and mode.',
    });
  return [Number(match[4]), Number(match[5])];
}

/**
 * A page, read when the result is called; the arguments are checked at once. `size` is how many to read where the arguments
 * are not a client's, which are held to the limit of pages. @throws EngineError CURSOR_INVALID, LIMIT_EXCEEDED
 */
export function pageOf(
  all: readonly Steps[],
  args: PageArguments,
  { back, list, size }: { readonly back: boolean; readonly list: string; readonly size?: number },
): () => Promise<ChangePage> {
  const { limit, backward } = size === undefined ? pageSize(args) : { limit: size, backward: false };
  const after = args.after == null ? undefined : decodeCursor(args.after, 'after', list);
  const before = args.before == null ? undefined : decodeCursor(args.before, 'before', list);
  return () => readPage(all, { limit, backward, after, before, back, list });
}

type Place = readonly [part: number, row: number];

interface CheckedPage {
  readonly limit: number;
  readonly backward: boolean;
  readonly after: Place | undefined;
  readonly before: Place | undefined;
  readonly back: boolean;
  readonly list: string;
}

async function readPage(all: readonly Steps[], { limit, backward, after, before, back, list }: CheckedPage): Promise<ChangePage> {
  const found: { readonly part: Steps; readonly at: number; readonly step: Step }[] = [];
  const beyond = (part: number, row: number): boolean =>
    (after === undefined || part > after[0] || (part === after[0] && row > after[1])) &&
    (before === undefined || part < before[0] || (part === before[0] && row < before[1]));
  const order = backward ? [...all.keys()].reverse() : [...all.keys()];
  search: for (const at of order) {
    const part = all[at] as Steps;
    const start = !backward && after !== undefined && at === after[0] ? firstBeyond(part.steps, after[1]) : 0;
    for (let index = start; index < part.steps.length; index += 1) {
      const step = part.steps[backward ? part.steps.length - 1 - index : index] as Step;
      if (!beyond(at, step.row)) continue;
      found.push({ part, at, step });
      if (found.length > limit) break search;
    }
  }
  const more = found.length > limit;
  const taken = found.slice(0, limit);
  if (backward) taken.reverse();
  const changes: RowChange[] = [];
  for (let start = 0; start < taken.length; ) {
    let end = start;
    while (taken[end]?.part === taken[start]?.part && end < taken.length) end += 1;
    const { part } = taken[start] as (typeof taken)[number];
    changes.push(...(await part.read(taken.slice(start, end).map(({ step }) => step))));
    start = end;
  }
  return {
    changes: back ? changes.map(reversed) : changes,
    hasNextPage: backward ? before !== undefined : more,
    hasPreviousPage: backward ? more : after !== undefined,
    cursorAt: (index) => {
      const { at, step } = taken[index] as (typeof taken)[number];
      return encodeCursor(list, at, step.row);
    },
  };
}

/** All changes at once, for who knows that they are few. */
export async function changesOf(all: readonly Steps[], back: boolean): Promise<readonly RowChange[]> {
  const parts = [];
  for (const { steps, read } of all) parts.push(await read(steps));
  const changes = parts.flat();
  return back ? changes.map(reversed) : changes;
}

/** The position of the first step of a later row, in steps by row. */
function firstBeyond(steps: readonly Step[], row: number): number {
  let lo = 0;
  let hi = steps.length;
  while (lo < hi) {
    const middle = (lo + hi) >>> 1;
    if ((steps[middle] as Step).row <= row) lo = middle + 1;
    else hi = middle;
  }
  return lo;
}

function reversed(change: RowChange): RowChange {
  return { ...change, kind: REVERSED[change.kind], before: change.after, after: change.before };
}
