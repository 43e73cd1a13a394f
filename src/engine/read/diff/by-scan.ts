/**
 * Changes by scan: the versions that came and went between two instants, found as numbers; rows are read for the changes
 * that are asked for. It serves changes of any size, and is the plain way that the other two must agree with.
 */
import type { TableState } from '../../catalog/state.ts';
import type { QueryOptions } from '../../data/duckdb.ts';
import { asSnapshotId, type SnapshotId } from '../../model/ids.ts';
import { LIMITS } from '../../model/limits.ts';
import type { TableSchema } from '../../model/types.ts';
import type { CheckedFilter } from '../scan/filter.ts';
import type { Row } from '../scan/row.ts';
import type { Visibility } from '../scan/visibility.ts';
import { changeOf, type RowChange, type Step, type Steps } from './row-changes.ts';
import { type DiffSources, pinned, rowOf, type Span } from './span.ts';

/** Whether the table was there at the two ends of a span, and what ended it: the commit that dropped it, else the span's end. */
interface Ends {
  readonly existed: boolean;
  readonly exists: boolean;
  readonly end: SnapshotId;
}

export async function changesByScan(
  sources: DiffSources,
  span: Span,
  { existed, exists, end }: Ends,
  options: QueryOptions,
): Promise<Steps> {
  const { table, after, upTo } = span;
  const created: Visibility = existed ? { kind: 'created', after, upTo } : { kind: 'visible', at: upTo };
  const deleted: Visibility = exists ? { kind: 'deleted', after, upTo } : { kind: 'visible', at: after };
  const versions = async (visibility: Visibility, filter?: CheckedFilter): Promise<[number, number][]> => {
    const request = { filter, columns: [], window: span.window };
    const files = await pinned(sources, table, (at) => sources.matcher.matchMany(at, visibility, request, options));
    return files.flatMap(({ rows, froms }) => Array.from(rows, (row, index): [number, number] => [row, froms[index] as number]));
  };
  const came = new Map(exists ? await versions(created) : []);
  const went = new Map(existed ? await versions(deleted) : []);
  const steps: Step[] = [];
  for (const [row, from] of came) steps.push({ kind: went.has(row) ? 'UPDATE' : 'INSERT', row, snapshotId: asSnapshotId(from) });
  // Which commit deleted a row is known without looking where there is but one.
  const onlyCommit = upTo === after + 1 ? upTo : undefined;
  for (const row of went.keys()) if (!came.has(row)) steps.push({ kind: 'DELETE', row, snapshotId: onlyCommit });
  steps.sort((left, right) => left.row - right.row);
  const read = async (some: readonly Step[]): Promise<RowChange[]> => {
    const ids = some.map((step) => step.row);
    const rowsOf = async (visibility: Visibility, { columns }: TableSchema): Promise<Map<number, Row>> => {
      const found = await pinned(sources, table, (at) => sources.matcher.rows(at, visibility, ids, columns, options));
      return new Map(found.map(({ row, from, cells }) => [row, rowOf(row, from, cells)]));
    };
    const now = exists ? await rowsOf(created, span.now) : new Map<number, Row>();
    const before = existed ? await rowsOf(deleted, span.before) : new Map<number, Row>();
    const deletions = await lastDeletions(sources, span, some, end, options);
    return some.map((step) => {
      const snapshotId = step.snapshotId ?? deletions.get(step.row) ?? end;
      return changeOf({ ...step, snapshotId, before: before.get(step.row), after: now.get(step.row) });
    });
  };
  const matching = async (filter: CheckedFilter): Promise<ReadonlySet<number>> => {
    const found = [...(exists ? await versions(created, filter) : []), ...(existed ? await versions(deleted, filter) : [])];
    return new Set(found.map(([row]) => row));
  };
  return { steps, read, matching: span.window === undefined ? undefined : matching };
}

/** The commit that deleted each row, or dropped the table with it: the last that deleted a version of it. */
async function lastDeletions(
  sources: DiffSources,
  span: Span,
  steps: readonly Step[],
  end: SnapshotId,
  options: QueryOptions,
): Promise<Map<number, SnapshotId>> {
  const { table, after, upTo } = span;
  const rows = steps.filter(({ snapshotId }) => snapshotId === undefined).map(({ row }) => row);
  const found = new Map<number, SnapshotId>();
  if (rows.length === 0) return found;
  const versions = await pinned(sources, table, (at) => sources.matcher.rows(at, { kind: 'all', upTo }, rows, [], options));
  const cameBack = await restoredDrops(sources, table, after, upTo);
  for (const { row, to } of versions) {
    const last = to !== undefined && to <= upTo ? to : end;
    // Below the horizon not all deletions are known any more: these count as of the horizon.
    const known = cameBack.get(last) ?? last;
    const at = after < table.kept.horizon ? Math.max(known, table.kept.horizon) : known;
    found.set(row, asSnapshotId(Math.max(found.get(row) ?? 0, at)));
  }
  return found;
}

/** Commits that brought a dropped table back, and those that had dropped it: what did not come back went with the table. */
async function restoredDrops(
  { history }: DiffSources,
  table: TableState,
  after: SnapshotId,
  upTo: SnapshotId,
): Promise<Map<SnapshotId, SnapshotId>> {
  const range = { lo: asSnapshotId(after + 1), hi: upTo, descending: false, limit: LIMITS.diffSnapshotsMax };
  const pairs = new Map<SnapshotId, SnapshotId>();
  for (const { snapshotId } of await history.snapshots(table.id, 'DROP', range)) {
    const [next] = await history.snapshots(table.id, undefined, { ...range, lo: asSnapshotId(snapshotId + 1), limit: 1 });
    if (next !== undefined) pairs.set(next.snapshotId, snapshotId);
  }
  return pairs;
}
