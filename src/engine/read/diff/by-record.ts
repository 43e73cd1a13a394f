/**
 * Changes by record: a small commit keeps the rows that it changed, before and after, beside its commit, so what it did is
 * told at the cost of the change, whatever has become of the files since.
 */
import { changesKey } from '../../catalog/keys.ts';
import { columnsOfVersion, type TableState } from '../../catalog/state.ts';
import type { QueryOptions } from '../../data/duckdb.ts';
import { findHotCommit } from '../../data/hot.ts';
import { type ChangeRecord, decodeChanges } from '../../encoding/change-record.ts';
import type { Snapshot } from '../../model/history.ts';
import { asSnapshotId, type SnapshotId } from '../../model/ids.ts';
import { mapCells } from '../../model/schema.ts';
import type { Cells, TableSchema } from '../../model/types.ts';
import { droppedBy } from '../scan/dropped-columns.ts';
import type { Row } from '../scan/row.ts';
import type { RowWindow, Visibility } from '../scan/visibility.ts';
import { type KnownStep, kindOf, knownSteps, type Steps } from './row-changes.ts';
import { type DiffSources, pinned, rowOf, type Span } from './span.ts';

/** Rows up to which records are read and put together, and changes read at once. */
export const RECORDED_ROWS_MAX = 10_000;

/** What a commit recorded of its change; undefined where it was too large. */
export function recordOf({ store }: Pick<DiffSources, 'store'>, table: TableState, snapshot: Snapshot): ChangeRecord | undefined {
  const bytes = store.get(changesKey(table.id, snapshot.snapshotId));
  if (bytes !== undefined) return decodeChanges(bytes, (version) => columnsOfVersion(table, version));
  // A commit that deleted no version needs no record: its new rows are told by their identities.
  if (snapshot.updatedRows + snapshot.deletedRows > 0 || snapshot.operation === 'RESTORE' || snapshot.operation === 'ERASE')
    return undefined;
  const { schemaVersion, nextRow, insertedRows } = snapshot;
  return { schemaVersion, rowBase: nextRow - insertedRows, newRows: insertedRows, rows: [] };
}

/** The record of a commit; undefined where it did not touch the table, or the change was large. */
export function recordAt(sources: DiffSources, table: TableState, snapshotId: SnapshotId): ChangeRecord | undefined {
  const snapshot = sources.history.snapshot(table.id, snapshotId);
  const record = snapshot === undefined ? undefined : recordOf(sources, table, snapshot);
  return record === undefined || record.newRows > RECORDED_ROWS_MAX ? undefined : record;
}

/**
 * Whether the columns of a record lack one that is asked for, since it had been dropped before: then the record does not
 * tell what the rows were. One that came later is no lack: it reads as its default.
 */
export function lacks(table: TableState, { schemaVersion, rows }: ChangeRecord, { columns: wanted }: TableSchema): boolean {
  if (rows.length === 0) return false;
  return wanted.some(droppedBy(table, { version: schemaVersion, columns: columnsOfVersion(table, schemaVersion) }));
}

/** A row that a commit changed, as its record has it. */
interface RecordedChange {
  readonly row: number;
  readonly before: Row | undefined;
  readonly after: Row | undefined;
}

/** The rows that a record tells, in the columns of a span. */
export function recordedChanges(span: Span, { schemaVersion, rows }: ChangeRecord, snapshotId: SnapshotId): RecordedChange[] {
  const columns = columnsOfVersion(span.table, schemaVersion);
  const [old, now] = [mapCells(columns, span.before.columns), mapCells(columns, span.now.columns)];
  return rows.map(({ row, from, before, after }) => ({
    row,
    before: before === null ? undefined : rowOf(row, from, old(before)),
    after: after === null ? undefined : rowOf(row, snapshotId, now(after)),
  }));
}

/** The changes of the one commit of a span. */
export async function changesByRecord(sources: DiffSources, span: Span, record: ChangeRecord, options: QueryOptions): Promise<Steps> {
  const { upTo } = span;
  const changed = recordedChanges(span, record, upTo).flatMap(({ row, before, after }): KnownStep[] => {
    const kind = kindOf(before, after);
    return kind === undefined ? [] : [{ kind, row, snapshotId: upTo, before, after }];
  });
  const inserted = await insertedRows(sources, span, { lo: record.rowBase, hi: record.rowBase + record.newRows }, options);
  return knownSteps([...changed, ...inserted.map((step) => ({ ...step, snapshotId: upTo }))]);
}

/** Rows of identities that a span gave out, as they are at its end. */
export async function insertedRows(
  sources: DiffSources,
  { table, after, upTo, now }: Span,
  window: RowWindow,
  options: QueryOptions,
): Promise<KnownStep[]> {
  const { lo, hi } = window;
  if (lo === hi) return [];
  const insert = (row: number, from: SnapshotId, cells: Cells): KnownStep => {
    return { kind: 'INSERT', row, snapshotId: from, before: undefined, after: rowOf(row, from, cells) };
  };
  // The new rows of one small commit lie together in the catalog until they are flushed.
  const hot = upTo === after + 1 ? findHotCommit(sources.store, table, upTo) : undefined;
  if (hot !== undefined) {
    const map = mapCells(columnsOfVersion(table, hot.schemaVersion), now.columns);
    return hot.rows.flatMap((cells, at) => {
      const row = hot.rowIds[at] as number;
      return row < lo || row >= hi ? [] : [insert(row, upTo, map(cells))];
    });
  }
  const request = { filter: undefined, columns: now.columns, window };
  const created: Visibility = { kind: 'created', after, upTo };
  const found = await pinned(sources, table, (at) => sources.matcher.match(at, created, request, options));
  return found.map(({ row, from, cells }) => insert(row, asSnapshotId(from), cells));
}
