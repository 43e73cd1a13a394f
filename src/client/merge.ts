/** Row changes merged into a list of rows: pure, and harmless where an event comes twice. */

/** What a row of the typed door tells of itself. */
export interface IdentifiedRow {
  readonly _rowId: string;
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
 * A list with changes applied, by `_rowId`: INSERT adds, UPDATE replaces (or adds), DELETE removes. The list that was given
 * is not touched; where nothing changes it is given back itself.
 */
export function mergeChanges<Row extends IdentifiedRow>(
  rows: readonly Row[],
  changes: readonly RowChange<Row>[],
  { compare, limit }: MergeOptions<Row> = {},
): readonly Row[] {
  if (changes.length === 0) return rows;
  const byId = new Map(rows.map((row) => [row._rowId, row]));
  for (const { kind, before, after } of changes) {
    if (kind === 'DELETE') {
      if (before != null) byId.delete(before._rowId);
    } else if (after != null) byId.set(after._rowId, after);
  }
  let merged = [...byId.values()];
  if (compare !== undefined) merged.sort(compare);
  if (limit !== undefined && merged.length > limit) merged = merged.slice(0, limit);
  return merged.length === rows.length && merged.every((row, at) => row === rows[at]) ? rows : merged;
}

type Objects = Readonly<Record<string, unknown>>;

/** The same within a result: the list that lies at a path, for example ['asOf', 'orders', 'nodes']. */
export function mergeChangesAt<Row extends IdentifiedRow, Data>(
  data: Data,
  path: readonly string[],
  changes: readonly RowChange<Row>[],
  options?: MergeOptions<Row>,
): Data {
  const [name, ...rest] = path;
  if (name === undefined) return mergeChanges(data as readonly Row[], changes, options) as Data;
  const below = data === null || typeof data !== 'object' ? undefined : (data as Objects)[name];
  if (below === undefined || below === null) return data;
  const merged = mergeChangesAt(below, rest, changes, options);
  return merged === below ? data : ({ ...(data as Objects), [name]: merged } as Data);
}
