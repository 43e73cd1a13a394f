/**
 * What the sequencer asserts of each entry that apply has applied, before anything of it is written: ids ascend by one, time
 * does not go back, rows add up, file ids are new, and the audit chain follows from the state before. Apply computes all of
 * this; here it is checked against the entry and the state before, by other means. A violation is a defect of Tidemark's:
 * the round is refused, nothing of it is written, and no commit is taken any more (WriteGuard.halt). Keeps invariants 2 and 6.
 */
import { commitKey, maintenanceKey } from '../../catalog/keys.ts';
import { hashOfCommit, hashOfExpire } from '../../catalog/records.ts';
import { type CatalogState, livingRowsOf } from '../../catalog/state.ts';
import type { Put } from '../../catalog/store.ts';
import type { CommitEntry, LogEntry, TableChange } from '../../log/entry.ts';
import { invariant, unreachable } from '../../model/errors.ts';
import type { Commit, Snapshot } from '../../model/history.ts';
import type { TableId, TimestampMs } from '../../model/ids.ts';
import type { Applied } from '../apply/types.ts';

/** `stampMs`: the round's timestamp, which is at or after every read barrier. @throws InvariantError */
export function assertApplied(before: CatalogState, entry: LogEntry, applied: Applied, stampMs: TimestampMs): void {
  const { outcome, state, puts } = applied;
  switch (outcome.kind) {
    case 'committed':
      invariant(entry.kind === 'commit', 'only a commit makes a snapshot');
      assertAdvanced(before, state, 1);
      assertCommit(before, state, outcome.commit, stampMs);
      assertRows(before, state, entry, outcome.commit.snapshots);
      assertNewFiles(before, state, outcome.commit.snapshots);
      assertCommitChain(before, state, puts);
      break;
    case 'maintained':
    case 'tagged':
      invariant(entry.kind !== 'commit', 'a commit makes a snapshot');
      assertAdvanced(before, state, 0);
      invariant(state.timestampMs === before.timestampMs, 'maintenance takes no timestamp');
      if (entry.kind !== 'tag') assertMaintained(before, state, entry.tableId);
      if (entry.kind === 'expire') assertExpireChain(before, state, puts);
      else invariant(state.hash === before.hash, 'what vouches for nothing is no link of the audit chain');
      break;
    default:
      invariant(state === before && puts.length === 0, 'what was not done changes nothing');
  }
}

/** Every entry that does something has the next place in the log; a commit has the next snapshot id as well. */
function assertAdvanced(before: CatalogState, state: CatalogState, commits: 0 | 1): void {
  invariant(state.logIndex === before.logIndex + 1, 'the places in the log ascend by one');
  invariant(state.snapshotId === before.snapshotId + commits, 'snapshot ids ascend by one');
  invariant(state.nextFileId >= before.nextFileId, 'file ids ascend');
  invariant(state.tables.length >= before.tables.length, 'tables are never taken out of the catalog');
}

function assertCommit(before: CatalogState, state: CatalogState, commit: Commit, stampMs: TimestampMs): void {
  invariant(
    commit.snapshotId === state.snapshotId && commit.logIndex === state.logIndex,
    'a commit has the ids of the state that it makes',
  );
  invariant(commit.timestampMs === state.timestampMs, 'a commit has the timestamp of the state that it makes');
  invariant(state.timestampMs >= before.timestampMs, 'timestamps do not go back');
  invariant(state.timestampMs >= stampMs, 'a commit is stamped after every instant that has been read');
  for (const { tableId, snapshotId, parentId } of commit.snapshots) {
    invariant(snapshotId === commit.snapshotId, 'a commit makes snapshots of its own id');
    const parent = before.tables[tableId]?.last.snapshotId ?? null;
    invariant(parentId === parent && (parent === null || parent < snapshotId), 'a snapshot follows the one before it of its table');
  }
}

/** The rows of each table are those before, and those that the entry creates, less those that it deletes. */
function assertRows(before: CatalogState, state: CatalogState, { changes }: CommitEntry, snapshots: readonly Snapshot[]): void {
  const counted = new Map<TableId, number>();
  for (const change of changes) {
    if (change.kind === 'create' || change.kind === 'alter') continue;
    const rows = counted.get(change.tableId) ?? before.tables[change.tableId]?.last.totalRows ?? 0;
    counted.set(change.tableId, rowsAfter(change, rows, before, state));
  }
  for (const snapshot of snapshots) {
    const table = state.tables[snapshot.tableId];
    invariant(table !== undefined && table.last === snapshot, "a commit's snapshots are the newest of their tables");
    const last = before.tables[snapshot.tableId]?.last;
    const rows = counted.get(snapshot.tableId) ?? last?.totalRows ?? 0;
    invariant(snapshot.totalRows === rows && rows >= 0, 'the rows of a table are those created less those deleted');
    invariant(snapshot.nextRow >= (last?.nextRow ?? 0), 'row ids are not used again');
  }
}

type ChangeOfRows = Exclude<TableChange, { readonly kind: 'create' | 'alter' }>;

function rowsAfter(change: ChangeOfRows, rows: number, before: CatalogState, state: CatalogState): number {
  const { kind, tableId } = change;
  switch (kind) {
    case 'rows':
      return rows + change.insertedRows - change.deletedRows;
    case 'erase':
      return rows - change.livingRows;
    case 'drop':
      return 0;
    case 'undrop': {
      const [dropped, table] = [before.tables[tableId], state.tables[tableId]];
      invariant(dropped !== undefined && table !== undefined, 'a table that comes back was dropped');
      if (dropped.droppedSnapshotId === null) return rows;
      // Rarely done: the versions are counted, and not believed.
      invariant(livingRowsOf(table) === table.last.totalRows, 'a table that comes back has as many rows as versions live in it');
      return rows + livingRowsOf(dropped);
    }
    default:
      return unreachable(change);
  }
}

/** A file that a table did not have before has an id that no file had. */
function assertNewFiles(before: CatalogState, state: CatalogState, snapshots: readonly Snapshot[]): void {
  if (state.nextFileId === before.nextFileId && snapshots.every(({ tableId }) => isSameFiles(before, state, tableId))) return;
  let newFiles = 0;
  const ids = new Set<number>();
  for (const { tableId } of snapshots) {
    if (isSameFiles(before, state, tableId)) continue;
    const files = state.tables[tableId]?.files ?? [];
    const known = new Set<number>(before.tables[tableId]?.files.map(({ fileId }) => fileId));
    for (const { fileId } of files) {
      if (known.has(fileId)) continue;
      newFiles += 1;
      ids.add(fileId);
      invariant(fileId >= before.nextFileId && fileId < state.nextFileId, 'the id of a new file is new');
    }
  }
  invariant(ids.size === newFiles && newFiles === state.nextFileId - before.nextFileId, 'each new file has an id of its own');
}

function isSameFiles(before: CatalogState, state: CatalogState, tableId: TableId): boolean {
  return before.tables[tableId]?.files === state.tables[tableId]?.files;
}

function assertCommitChain(before: CatalogState, state: CatalogState, puts: readonly Put[]): void {
  const bytes = recordIn(puts, commitKey(state.snapshotId));
  invariant(bytes !== undefined, 'a commit writes its record');
  const hash = hashOfCommit(state.snapshotId, bytes, before.hash);
  invariant(hash.equals(state.hash) && endsWith(bytes, hash), "a commit's hash follows from the one before it");
}

function assertExpireChain(before: CatalogState, state: CatalogState, puts: readonly Put[]): void {
  const bytes = recordIn(puts, maintenanceKey(state.logIndex));
  invariant(bytes !== undefined, 'expiry writes its record');
  const hash = hashOfExpire(state.logIndex, bytes, before.hash);
  invariant(hash.equals(state.hash) && endsWith(bytes, hash), 'the hash of an expiry follows from the one before it');
}

function recordIn(puts: readonly Put[], key: Buffer): Buffer | undefined {
  // Keys of rows, of which there may be very many, come before it.
  return puts.findLast((put) => put.key[0] === key[0] && put.key.equals(key))?.value ?? undefined;
}

function endsWith(bytes: Buffer, hash: Buffer): boolean {
  return bytes.subarray(bytes.length - hash.length).equals(hash);
}

/** Maintenance makes no snapshot, and the versions that live are as many as before, wherever they lie. */
function assertMaintained(before: CatalogState, state: CatalogState, tableId: TableId): void {
  const was = before.tables[tableId];
  const table = state.tables[tableId];
  invariant(was !== undefined && table !== undefined && table.last === was.last, 'maintenance makes no snapshot');
  if (table.files !== was.files) {
    const rows = livingRowsOf(table);
    const rowsBefore = livingRowsOf(was);
    // Of a dropped table whose history has expired, rows go.
    invariant(rows === rowsBefore || (rows < rowsBefore && table.droppedSnapshotId !== null), 'maintenance keeps every row');
  }
  const known = new Set<number>(was.files.map(({ fileId }) => fileId));
  for (const { fileId } of table.files)
    if (!known.has(fileId)) invariant(fileId >= before.nextFileId && fileId < state.nextFileId, 'the id of a new file is new');
}
