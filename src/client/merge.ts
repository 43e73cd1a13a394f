/** Row changes merged into a list of rows: pure, and harmless where an event comes twice. */

import { changedViewId, isVersionId } from './versions.ts';

/** The fields of a row of the typed API that `mergeChanges` needs. */
export interface IdentifiedRow {
  /** Identifies the row, the same over all its versions. */
  readonly _rowId: string;
  /** The snapshot that created this version. If it is selected, a change with an older version than the list has is ignored. */
  readonly _fromSnapshotId?: number;
}

/** A change as `ordersChanges` sends it. */
export interface RowChange<Row extends IdentifiedRow = IdentifiedRow> {
  readonly kind: 'INSERT' | 'UPDATE' | 'DELETE';
  readonly before?: Row | null;
  readonly after?: Row | null;
}

/** Options of `mergeChanges`. */
export interface MergeOptions<Row> {
  /** The order of the list, as for Array.sort. Without it, new rows go to the end. */
  readonly compare?: (left: Row, right: Row) => number;
  /**
   * The largest number of rows; rows past it are left out. Rows outside the list are not known, so none moves up after a
   * delete.
   */
  readonly limit?: number;
}

/**
 * Applies row changes to a list, by `_rowId`: INSERT adds a row, UPDATE replaces it (or adds it), DELETE removes it. If both
 * sides have `_fromSnapshotId`, a change with an older version than the list has is ignored, so an event that comes twice is
 * harmless. A merged row has the `id` of the row, not of a version, so that a cache has it once.
 * @returns a new list; the same list if nothing changes
 * @throws TypeError if a row has no `_rowId`
 */
export function mergeChanges<Row extends IdentifiedRow>(
  rows: readonly Row[],
  changes: readonly RowChange<Row>[],
  { compare, limit }: MergeOptions<Row> = {},
): readonly Row[] {
  if (changes.length === 0) return rows;
  const byId = new Map(rows.map((row) => [idOf(row, 'the list'), row]));
  for (const { kind, before, after } of changes) {
    const row = (kind === 'DELETE' ? before : after) as Row;
    const id = idOf(row, kind === 'DELETE' ? '`before`' : '`after`');
    const known = byId.get(id);
    if (known !== undefined && (known._fromSnapshotId ?? 0) > (row._fromSnapshotId ?? Number.POSITIVE_INFINITY)) continue;
    if (kind === 'DELETE') byId.delete(id);
    else byId.set(id, isVersionId((row as { readonly id?: unknown }).id) ? { ...row, id } : row);
  }
  let merged = [...byId.values()];
  if (compare !== undefined) merged.sort(compare);
  if (limit !== undefined && merged.length > limit) merged = merged.slice(0, limit);
  return merged.length === rows.length && merged.every((row, at) => row === rows[at]) ? rows : merged;
}

function idOf(row: IdentifiedRow | null | undefined, where: string): string {
  const id = row?._rowId;
  if (typeof id !== 'string')
    throw new TypeError(
      `changes are merged by _rowId: select it in ${where} of rows; a subscription selects kind, and _rowId in before and after`,
    );
  return id;
}

type Objects = Readonly<Record<string, unknown>>;

/**
 * Applies row changes to the list at a path of a result, for example ['asOf', 'orders', 'nodes']. If something on the path is
 * null, the result stays as it is. If the list was read at a named instant, its view gets another `id`, so that the cache
 * keeps the old state of this instant.
 * @returns a new result; the given one is not changed
 * @throws TypeError if there is no list at the path, or a row has no `_rowId`
 */
export function mergeChangesAt<Row extends IdentifiedRow, Data>(
  data: Data,
  path: readonly string[],
  changes: readonly RowChange<Row>[],
  options?: MergeOptions<Row>,
): Data {
  const [name, ...rest] = path;
  if (data === undefined || data === null) return data;
  if (name === undefined) {
    if (!Array.isArray(data)) throw new TypeError(`path: what lies there is no list of rows; it has ${keysOf(data)}`);
    return mergeChanges(data as readonly Row[], changes, options) as Data;
  }
  const below = (data as Objects)[name];
  if (below === undefined) throw new TypeError(`path: there is no ${name} in what has ${keysOf(data)}`);
  const merged = mergeChangesAt(below, rest, changes, options);
  if (merged === below) return data;
  const id = changedViewId((data as Objects)['id']);
  return { ...(data as Objects), ...(id === undefined ? {} : { id }), [name]: merged } as Data;
}

function keysOf(data: unknown): string {
  return typeof data === 'object' ? Object.keys(data as object).join(', ') : String(data);
}

/**
 * The changes in the data of an event, whatever its field is called; none where there is no event.
 * @throws TypeError where the event does not select them
 */
export function changesIn<Row extends IdentifiedRow>(data: unknown): readonly RowChange<Row>[] {
  const [event] = Object.values((data ?? {}) as Record<string, { readonly changes?: readonly RowChange<Row>[] } | null>);
  if (event == null) return [];
  if (!Array.isArray(event.changes))
    throw new TypeError('an event of row changes selects changes { kind before { _rowId } after { _rowId } }');
  return event.changes;
}
