/**
 * The present, and instants by name: what `id` names. A view without an instant, a live query and the answer of a mutation
 * are of the present; a page that goes on from a cursor is of what its first page was.
 */
import {
  cursorHead,
  EngineError,
  type Instant,
  otherIncarnation,
  type PageArguments,
  type RowPage,
  type Session,
} from '../engine/index.ts';
import { encodeNodeId } from './node-id.ts';

/** What was read, and as what. */
export interface Asked {
  /** Whether no instant was named: ids are then of the rows and views themselves, not of one version. */
  readonly isPresent: boolean;
}

/** The whole catalog at one instant. */
export interface ViewModel extends Instant, Asked {}

export function presentView(instant: Instant): ViewModel {
  return { snapshotId: instant.snapshotId, timestampMs: instant.timestampMs, isPresent: true };
}

export function viewId({ isPresent, snapshotId }: Pick<ViewModel, 'isPresent' | 'snapshotId'>, incarnation: string): string {
  return encodeNodeId(isPresent ? { kind: 'presentView' } : { kind: 'view', snapshotId, incarnation });
}

export function tableViewId(
  tableId: number,
  { isPresent, snapshotId }: Pick<ViewModel, 'isPresent' | 'snapshotId'>,
  incarnation: string,
): string {
  return encodeNodeId(isPresent ? { kind: 'presentTableView', tableId } : { kind: 'tableView', tableId, snapshotId, incarnation });
}

/** A mark before a cursor that no text in base64url begins with. */
const OF_PRESENT = '~';
/** The mark, the incarnation of the database, and the engine's own cursor. */
const CURSOR = /^(~?)([\w-]{8})\.([\w-]+)$/;

/** A cursor as clients see it: the engine's, with the incarnation that its snapshot is of, marked where the page is of the present. */
function markCursor(cursor: string, { isPresent }: Asked, incarnation: string): string {
  return `${isPresent ? OF_PRESENT : ''}${incarnation}.${cursor}`;
}

/**
 * The engine's own cursor; one that it will not take where the text is none.
 * @throws EngineError CURSOR_INVALID where it is of another incarnation
 */
function plainCursor(cursor: string, current: string, what = 'the cursor'): string {
  const [, , given, plain] = CURSOR.exec(cursor) ?? [];
  if (given === undefined || plain === undefined) return '';
  if (given !== current) throw otherIncarnation({ what, given, current }, 'CURSOR_INVALID');
  return plain;
}

/** Page arguments with the engine's own cursors. @throws EngineError CURSOR_INVALID where one is of another incarnation */
export function plainCursors<Arguments extends PageArguments>(args: Arguments, { incarnation }: Pick<Session, 'incarnation'>): Arguments {
  const { after, before } = args;
  return {
    ...args,
    after: after == null ? after : plainCursor(after, incarnation, 'after'),
    before: before == null ? before : plainCursor(before, incarnation, 'before'),
  };
}

/** A page whose cursors are as clients see them. */
export function markedPage<Page extends Pick<RowPage, 'cursorAt'>>(
  page: Page,
  asked: Asked,
  { incarnation }: Pick<Session, 'incarnation'>,
): Page {
  return { ...page, cursorAt: (index: number) => markCursor(page.cursorAt(index), asked, incarnation) };
}

/** What the row cursors of a selection pin: one snapshot, of the present where each of their first pages was. */
export function pinnedBy(
  cursors: readonly string[],
  { incarnation }: Pick<Session, 'incarnation'>,
): Pick<ViewModel, 'isPresent' | 'snapshotId'> | undefined {
  const heads = cursors.flatMap((cursor) => {
    const head = cursorHead(plainCursor(cursor, incarnation));
    return head === undefined ? [] : [{ snapshotId: head.snapshotId, isPresent: cursor.startsWith(OF_PRESENT) }];
  });
  const [first, ...rest] = heads;
  if (first === undefined) return undefined;
  const other = rest.find(({ snapshotId }) => snapshotId !== first.snapshotId);
  if (other !== undefined) throw cursorsDisagree(other.snapshotId, first.snapshotId);
  return { snapshotId: first.snapshotId, isPresent: heads.every(({ isPresent }) => isPresent) };
}

export function cursorsDisagree(cursorSnapshotId: number, snapshotId: number): EngineError {
  return new EngineError('CURSOR_INVALID', `a cursor of snapshot ${cursorSnapshotId} cannot be used at snapshot ${snapshotId}`, {
    details: { cursorSnapshotId, snapshotId },
    hint: 'Leave the instant out, and the page is read at the snapshot of its cursor; cursors of one asOf must be of one snapshot.',
  });
}
