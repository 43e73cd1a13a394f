/**
 * Visibility: which versions of rows a scan asks for, and what a data file tells of it without being read. A version is
 * created by one commit (`_from`) and deleted by a later one (`_to`), or by none yet; a reader of snapshot S sees it where
 * `_from <= S` and no commit up to S deleted it. That rule stands here: for files by their bounds, for versions in memory
 * in `isDeleted`; relation.ts writes it as SQL.
 */
import { endsOf, type TableState } from '../../catalog/state.ts';
import { firstAtLeast } from '../../model/ascending.ts';
import { type DataFile, type Ends, HOT } from '../../model/history.ts';
import { asSnapshotId, type SnapshotId } from '../../model/ids.ts';

/** Rows [lo, hi) by identity. */
export interface RowWindow {
  readonly lo: number;
  readonly hi: number;
}

/** Which versions of rows are asked for. */
export type Visibility =
  /** Those that a reader of the snapshot sees. */
  | { readonly kind: 'visible'; readonly at: SnapshotId }
  /** Those visible at `upTo` that commits after `after` created. */
  | { readonly kind: 'created'; readonly after: SnapshotId; readonly upTo: SnapshotId }
  /** Those visible at `after` that commits up to `upTo` deleted. */
  | { readonly kind: 'deleted'; readonly after: SnapshotId; readonly upTo: SnapshotId }
  /** All that commits up to `upTo` created; `_to` is null where none up to it deleted them. */
  | { readonly kind: 'all'; readonly upTo: SnapshotId }
  /** All that are stored, whatever has deleted them; `_to` is not known. */
  | { readonly kind: 'stored' };

const EVER = asSnapshotId(Number.MAX_SAFE_INTEGER);
const NEVER = asSnapshotId(0);

/** The snapshot whose reader sees the versions, or saw them last: none that was created later is asked for. */
export function readerOf(visibility: Visibility): SnapshotId {
  switch (visibility.kind) {
    case 'visible':
      return visibility.at;
    case 'deleted':
      return visibility.after;
    case 'created':
    case 'all':
      return visibility.upTo;
    case 'stored':
      return EVER;
  }
}

/** The snapshot up to which the deletion of a version counts. */
export function deletionsUpTo(visibility: Visibility): SnapshotId {
  switch (visibility.kind) {
    case 'visible':
      return visibility.at;
    case 'created':
    case 'deleted':
    case 'all':
      return visibility.upTo;
    case 'stored':
      return NEVER;
  }
}

/** Snapshots of which the history must be kept to tell the versions. */
export function snapshotsNeeded(visibility: Visibility): readonly SnapshotId[] {
  switch (visibility.kind) {
    case 'visible':
      return [visibility.at];
    case 'created':
    case 'deleted':
      return [visibility.after, visibility.upTo];
    case 'all':
    case 'stored':
      return [];
  }
}

/** What a file tells of its versions without being read. */
type FileSpan = Pick<DataFile, 'fileId' | 'kind' | 'fromLo' | 'fromHi' | 'toLo' | 'toHi' | 'endedAt'>;
/** The delete vectors of a table. */
type DeleteVectors = Pick<TableState, 'ends'>;

/** Whether a file can hold versions that are asked for. */
export function mayHold(table: DeleteVectors, file: FileSpan, visibility: Visibility): boolean {
  if (file.fromLo > readerOf(visibility)) return false;
  const deletedAt = file.endedAt ?? Number.POSITIVE_INFINITY;
  const isHistory = file.kind === 'history';
  switch (visibility.kind) {
    case 'visible':
      return deletedAt > visibility.at && (!isHistory || file.toHi > visibility.at);
    case 'created':
      return file.fromHi > visibility.after && deletedAt > visibility.upTo && (!isHistory || file.toHi > visibility.upTo);
    case 'deleted':
      if (isHistory) return file.toHi > visibility.after && file.toLo <= visibility.upTo;
      return (deletedAt > visibility.after && deletedAt <= visibility.upTo) || hasDeletes(table, file, visibility);
    case 'all':
    case 'stored':
      return true;
  }
}

/**
 * Whether a file has delete vectors that matter to what is asked for. Where all that lived in the file was deleted at once,
 * versions that had been deleted before are told by their vectors, however old.
 */
export function hasDeletes(table: DeleteVectors, file: Pick<DataFile, 'fileId' | 'endedAt'>, visibility: Visibility): boolean {
  const hi = deletionsUpTo(visibility);
  const lo = visibility.kind === 'deleted' && !isWhollyDeleted(file, visibility) ? visibility.after : NEVER;
  return (
    endsOf(table)
      .get(file.fileId)
      ?.some(({ to }) => to > lo && to <= hi) ?? false
  );
}

function isWhollyDeleted({ endedAt }: Pick<DataFile, 'endedAt'>, { after, upTo }: Extract<Visibility, { kind: 'deleted' }>): boolean {
  return endedAt !== null && endedAt > after && endedAt <= upTo;
}

/** The hot rows as if they were a file; they are never deleted all at once. */
export const HOT_ROWS = { fileId: HOT, endedAt: null };

/** Whether one of some delete vectors deletes a version. */
export function isDeleted(vectors: readonly Pick<Ends, 'rows' | 'froms'>[], row: number, from: number): boolean {
  return vectors.some(({ rows, froms }) => {
    const at = firstAtLeast(rows, row);
    return rows[at] === row && froms[at] === from;
  });
}
