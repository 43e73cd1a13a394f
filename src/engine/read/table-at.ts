/** A table at an instant: its columns, counts and rows as they were then, or SNAPSHOT_EXPIRED where they are not kept. */
import { type CatalogState, isKept, snapshotExpired, type TableState, tableById } from '../catalog/state.ts';
import { invariant } from '../model/errors.ts';
import type { Snapshot } from '../model/history.ts';
import { asRowId, asSnapshotId, type SnapshotId } from '../model/ids.ts';
import type { TableSchema } from '../model/types.ts';
import type { History } from './history.ts';
import type { PageTarget } from './pages/page.ts';
import { withoutDropped } from './scan/dropped-columns.ts';

/** One table at one instant. */
export interface TableAt extends PageTarget {
  readonly table: TableState;
  /** The table's last change at or before the instant. */
  readonly snapshot: Snapshot;
}

interface TableAtParts {
  readonly current: () => CatalogState;
  readonly history: History;
}

/**
 * A table as of a snapshot; undefined where it did not exist then. With the columns that are asked for, or those of then
 * where none are; of those that are asked for, one that had been dropped by then is null in every row.
 * @throws EngineError SNAPSHOT_EXPIRED
 */
export async function tableAt(
  { current, history }: TableAtParts,
  of: TableState,
  snapshotId: SnapshotId,
  asked?: TableSchema,
): Promise<TableAt | undefined> {
  // The instant may have been waited for: what is known of the table must be at least as new.
  const table = tableById(current(), of.id);
  if (snapshotId < table.createdSnapshotId) return undefined;
  if (!isKept(table, snapshotId)) throw snapshotExpired(table, snapshotId);
  const snapshot = await history.snapshotAtOrBefore(table, snapshotId);
  // Expiry may have come in between, and taken the record that was looked for.
  const now = tableById(current(), table.id);
  if (!isKept(now, snapshotId)) throw snapshotExpired(now, snapshotId);
  if (snapshot === undefined || snapshot.operation === 'DROP') return undefined;
  const then = table.schemas.find((candidate) => candidate.version === snapshot.schemaVersion) as TableSchema;
  const schema = asked === undefined ? then : withoutDropped(table, asked, then);
  // Rows that were erased since are not there any more.
  let erased = 0;
  for (const { from, to, rows } of table.kept.erased) if (from <= snapshotId && snapshotId < to) erased += rows;
  const counted = erased === 0 ? snapshot : { ...snapshot, totalRows: snapshot.totalRows - erased };
  return { table, tableId: table.id, schema, snapshotId, snapshot: counted, nextRow: snapshot.nextRow };
}

/**
 * A table as of one of its own snapshots. A dropped table has no state of its own: that of right before stands for it. It is
 * empty where the commit that dropped the table had created it, and where all before the end has expired.
 * @throws EngineError SNAPSHOT_EXPIRED
 */
export async function tableAtOwn(parts: TableAtParts, table: TableState, snapshot: Snapshot): Promise<TableAt> {
  const isDrop = snapshot.operation === 'DROP';
  const snapshotId = isDrop ? asSnapshotId(snapshot.snapshotId - 1) : snapshot.snapshotId;
  const isGone = isDrop && !isKept(tableById(parts.current(), table.id), snapshotId);
  if (isGone || snapshotId < table.createdSnapshotId) return neverRead(table, { ...snapshot, snapshotId });
  const at = await tableAt(parts, table, snapshotId);
  invariant(at !== undefined, `table ${table.id} is there at its own snapshot ${snapshot.snapshotId}`);
  return at;
}

/** A table that no reader ever saw, right before the commit that created and dropped it. */
function neverRead(table: TableState, snapshot: Snapshot): TableAt {
  const schema = table.schemas.find(({ version }) => version === snapshot.schemaVersion) ?? table.schema;
  const empty = { operation: 'CREATE' as const, totalRows: 0, totalFiles: 0, totalBytes: 0, hotRowsEver: 0, hotBytesEver: 0 };
  return {
    table,
    tableId: table.id,
    schema,
    snapshotId: snapshot.snapshotId,
    snapshot: { ...snapshot, ...empty },
    nextRow: asRowId(0),
  };
}
