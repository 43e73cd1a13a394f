/** Row changes merged into a list of rows: pure, and harmless where an event comes twice. */

import { changedViewId, isVersionId } from './versions.ts';

/** What a row of the typed API tells of itself. */
export interface IdentifiedRow {
  readonly _rowId: string;
  /** With it a change of an older version than the list has is passed over. */
  readonly _fromSnapshotId?: number;
}

/** A change as `ordersChanges` sends it. */
export interface RowChange<Row extends IdentifiedRow = IdentifiedRow> {
  readonly kind: 'INSERT' | 'UPDATE' | 'DELETE';
  readonly before?: Row | null;
  readonly after?: Row | null;
}

export interface MergeOptions<Row> {
  /** The order of the list, as Array.sort takes it; new rows go last where there is none. */
  readonly compare?: (left: Row, right: Row) => number;
  /** The most rows; those past it are left out. Rows that would move up from outside the list are not known. */
  readonly limit?: number;
}

/**
 * A list with changes applied, by `_rowId`: INSERT adds, UPDATE replaces (or adds), DELETE removes. In the list a row goes
 * by its own id, so that caches have it once, while the `id` of a change names a version. A change of an older version than
 * the list has is passed over, where both select `_fromSnapshotId`. The list that was given is not touched; where nothing
 * changes it is given back itself.
 * @throws TypeError where a row does not tell its `_rowId`
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
 * The same within a result: the list that lies at a path, for example ['asOf', 'orders', 'nodes']. Where something on the way
 * is null there is no list, and the result stays as it is. A view on the way gets another `id`: the instant that it was read
 * at stays what it was, in every cache.
 * @throws TypeError where the path is not that of a list, or a row does not tell its `_rowId`
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
