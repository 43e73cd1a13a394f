/** Changes by fold: the records of a range of small commits put together, each row's first `before` with its last `after`. */
import type { QueryOptions } from '../../data/duckdb.ts';
import type { Snapshot } from '../../model/history.ts';
import { asSnapshotId, type SnapshotId } from '../../model/ids.ts';
import type { Row } from '../scan/row.ts';
import { insertedRows, lacks, RECORDED_ROWS_MAX, recordedChanges, recordOf } from './by-record.ts';
import { type KnownStep, kindOf, knownSteps, type Steps } from './row-changes.ts';
import type { DiffSources, Span } from './span.ts';

/** Snapshots between two instants up to which their commits' own records are put together. */
const FOLDED_SNAPSHOTS_MAX = 200;

/** Undefined where a commit has no record, a record lacks a column, or the commits or their rows are too many. */
export async function changesByFold(
  sources: DiffSources,
  span: Span,
  { first, last }: { readonly first: Snapshot; readonly last: Snapshot },
  options: QueryOptions,
): Promise<Steps | undefined> {
  const { table, after, upTo } = span;
  if (after < table.kept.horizon || last.nextRow - first.nextRow > RECORDED_ROWS_MAX) return undefined;
  const range = { lo: asSnapshotId(after + 1), hi: upTo, descending: false, limit: FOLDED_SNAPSHOTS_MAX + 1 };
  const snapshots = await sources.history.snapshots(table.id, undefined, range);
  if (snapshots.length > FOLDED_SNAPSHOTS_MAX) return undefined;
  const touched = new Map<number, { readonly before: Row | undefined; readonly after: Row | undefined; readonly at: SnapshotId }>();
  for (const snapshot of snapshots) {
    const record = recordOf(sources, table, snapshot);
    if (record === undefined || lacks(table, record, span.before)) return undefined;
    for (const { row, before, after: later } of recordedChanges(span, record, snapshot.snapshotId)) {
      // Rows that came since are read as they are in the end.
      if (row >= first.nextRow) continue;
      const known = touched.get(row);
      touched.set(row, { before: known === undefined ? before : known.before, after: later, at: snapshot.snapshotId });
    }
    if (touched.size > RECORDED_ROWS_MAX) return undefined;
  }
  const changed = [...touched].flatMap(([row, { before, after: later, at }]): KnownStep[] => {
    const kind = kindOf(before, later);
    return kind === undefined ? [] : [{ kind, row, snapshotId: at, before, after: later }];
  });
  return knownSteps([...changed, ...(await insertedRows(sources, span, { lo: first.nextRow, hi: last.nextRow }, options))]);
}
