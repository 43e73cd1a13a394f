/** Pages of row changes: the parts of a diff put together, in order, with only the rows of the page read. */
import { firstAtLeastBy } from '../../model/ascending.ts';
import { type PageArguments, pageSize } from '../pages/page.ts';
import { type ChangeList, type ChangePlace, decodeChangeCursor, encodeChangeCursor } from './change-cursor.ts';
import { type RowChange, reversed, type Step, type Steps } from './row-changes.ts';

export interface ChangePage {
  readonly changes: readonly RowChange[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  cursorAt(index: number): string;
}

/** The changes of a diff in parts; `back` where they are what going back would do. */
interface ChangesInParts {
  readonly parts: readonly Steps[];
  readonly back: boolean;
  readonly list: ChangeList;
}

/** A page, read when the result is called; the arguments are checked at once. @throws EngineError CURSOR_INVALID, LIMIT_EXCEEDED */
export function preparePage(all: ChangesInParts, args: PageArguments): () => Promise<ChangePage> {
  const { limit, backward } = pageSize(args);
  const after = args.after == null ? undefined : decodeChangeCursor(args.after, 'after', all.list);
  const before = args.before == null ? undefined : decodeChangeCursor(args.before, 'before', all.list);
  return () => readPage(all, { limit, backward, after, before });
}

/** Of the diff of a single commit: the changes of rows of later identities, however many are asked for. */
export function pageAfterRow(all: ChangesInParts, limit: number, row: number | undefined): Promise<ChangePage> {
  return readPage(all, { limit, backward: false, after: row === undefined ? undefined : [0, row], before: undefined });
}

interface CheckedPage {
  readonly limit: number;
  readonly backward: boolean;
  readonly after: ChangePlace | undefined;
  readonly before: ChangePlace | undefined;
}

/** A step, and the part that it is of. */
interface Found {
  readonly part: Steps;
  readonly at: number;
  readonly step: Step;
}

async function readPage(all: ChangesInParts, page: CheckedPage): Promise<ChangePage> {
  const { limit, backward, after, before } = page;
  const found = stepsOf(all.parts, page);
  const more = found.length > limit;
  const taken = found.slice(0, limit);
  if (backward) taken.reverse();
  const changes = await read(taken);
  return {
    changes: all.back ? changes.map(reversed) : changes,
    hasNextPage: backward ? before !== undefined : more,
    hasPreviousPage: backward ? more : after !== undefined,
    cursorAt: (index) => {
      const { at, step } = taken[index] as Found;
      return encodeChangeCursor(all.list, [at, step.row]);
    },
  };
}

/** The steps of a page in the order in which they are looked for, and one more where there is one. */
function stepsOf(parts: readonly Steps[], { limit, backward, after, before }: CheckedPage): Found[] {
  const found: Found[] = [];
  const isBeyond = (part: number, row: number): boolean =>
    (after === undefined || part > after[0] || (part === after[0] && row > after[1])) &&
    (before === undefined || part < before[0] || (part === before[0] && row < before[1]));
  const order = backward ? [...parts.keys()].reverse() : parts.keys();
  for (const at of order) {
    const part = parts[at] as Steps;
    const start = !backward && after !== undefined && at === after[0] ? firstBeyond(part.steps, after[1]) : 0;
    for (let index = start; index < part.steps.length; index += 1) {
      const step = part.steps[backward ? part.steps.length - 1 - index : index] as Step;
      if (!isBeyond(at, step.row)) continue;
      found.push({ part, at, step });
      if (found.length > limit) return found;
    }
  }
  return found;
}

/** The changes of steps, those of one part together. */
async function read(taken: readonly Found[]): Promise<RowChange[]> {
  const changes: RowChange[] = [];
  for (let start = 0; start < taken.length; ) {
    const { part } = taken[start] as Found;
    let end = start;
    while (taken[end]?.part === part) end += 1;
    changes.push(...(await part.read(taken.slice(start, end).map(({ step }) => step))));
    start = end;
  }
  return changes;
}

/** All changes at once, for a diff that is known to be of few. */
export async function allChanges({ parts, back }: Pick<ChangesInParts, 'parts' | 'back'>): Promise<readonly RowChange[]> {
  const changes: RowChange[] = [];
  for (const { steps, read: readSteps } of parts) for (const change of await readSteps(steps)) changes.push(change);
  return back ? changes.map(reversed) : changes;
}

/** The position of the first step of a later row, in steps by row. */
function firstBeyond(steps: readonly Step[], row: number): number {
  return firstAtLeastBy(steps, row + 1, ({ row: at }) => at);
}
