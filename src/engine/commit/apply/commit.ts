/** apply, commit: the changes of one commit, all or none, become one snapshot of each table that they touch. Pure, as all of apply. */
import { authorKey, commitKey, idempotencyAgeKey, idempotencyKey, operationKey, snapshotKey, timeKey } from '../../catalog/keys.ts';
import {
  type CommitTable,
  ERASED_CONTENT,
  encodeCommit,
  encodeIdempotency,
  encodeIdempotencyAge,
  encodeSnapshot,
  type IdempotencyRecord,
} from '../../catalog/records.ts';
import type { CatalogState } from '../../catalog/state.ts';
import { ByteWriter } from '../../encoding/bytes.ts';
import { RootBuilder } from '../../encoding/proof.ts';
import type { CommitEntry, Outcome, TableChange } from '../../log/entry.ts';
import { unreachable } from '../../model/errors.ts';
import type { Commit, ReplacedRoot, RowsProof, Snapshot } from '../../model/history.ts';
import { asLogIndex, asSnapshotId, type TimestampMs } from '../../model/ids.ts';
import { unexpectedRows } from '../expectations.ts';
import { applyErase } from './erase.ts';
import { applyRows } from './rows.ts';
import { type CatalogWork, type CommitPlace, definitionOf, finishWork, Refused } from './table-work.ts';
import { alter, create, drop, undrop } from './tables.ts';
import { type Applied, type Lookups, refused } from './types.ts';

export function applyCommit(state: CatalogState, entry: CommitEntry, clockMs: TimestampMs, lookups: Lookups): Applied {
  const at: CommitPlace = {
    snapshotId: asSnapshotId(state.snapshotId + 1),
    timestampMs: clockMs > state.timestampMs ? clockMs : state.timestampMs,
    logIndex: asLogIndex(state.logIndex + 1),
  };
  if (entry.idempotency !== null) {
    const earlier = lookups.idempotency(entry.idempotency.key);
    if (earlier !== undefined) return replay(state, entry.idempotency.content, earlier);
  }
  const work: CatalogWork = {
    state,
    at,
    puts: [],
    tables: new Map(),
    byName: state.byName,
    schemaEpoch: state.schemaEpoch,
    nextFileId: state.nextFileId,
    nextTableId: state.tables.length,
  };
  const replaced: ReplacedRoot[] = [];
  for (const change of entry.changes) {
    const problem = applyChange(work, entry, change, lookups, replaced);
    if (problem === undefined) continue;
    if (problem instanceof Refused) return refused(state, problem.refusal);
    if (entry.changes.length > 1) continue;
    const expected = unexpectedRows(entry.expectedRows, 0);
    return expected === undefined ? { outcome: problem, state, puts: [] } : refused(state, expected);
  }
  const unexpected = entry.expectedRows === null ? undefined : unexpectedRows(entry.expectedRows, changedRows(work));
  if (unexpected !== undefined) return refused(state, unexpected);
  return committed(work, entry, replaced);
}

/** The rows that a commit inserts, updates and deletes, of all its tables. */
function changedRows({ tables }: CatalogWork): number {
  let rows = 0;
  for (const { insertedRows, updatedRows, deletedRows } of tables.values()) rows += insertedRows + updatedRows + deletedRows;
  return rows;
}

/** @returns what the change is refused for, or the outcome where it changes nothing */
function applyChange(
  work: CatalogWork,
  entry: CommitEntry,
  change: TableChange,
  lookups: Lookups,
  replaced: ReplacedRoot[],
): Refused | Outcome | undefined {
  switch (change.kind) {
    case 'rows':
      return applyRows(work, entry, change, lookups);
    case 'create':
      return create(work, change);
    case 'alter':
      return alter(work, entry, change);
    case 'drop':
      return drop(work, entry, change);
    case 'undrop':
      return undrop(work, change);
    case 'erase':
      return applyErase(work, entry, change, replaced);
    default:
      return unreachable(change);
  }
}

function committed(work: CatalogWork, entry: CommitEntry, replaced: readonly ReplacedRoot[]): Applied {
  const { state, at, puts } = work;
  const tables = state.tables.slice();
  const snapshots: Snapshot[] = [];
  const records: CommitTable[] = [];
  for (const table of work.tables.values()) {
    const next = finishWork(table, at, noRows);
    tables[next.id] = next;
    const { last } = next;
    snapshots.push(last);
    records.push({
      tableId: next.id,
      operation: last.operation,
      insertedRows: last.insertedRows,
      updatedRows: last.updatedRows,
      deletedRows: last.deletedRows,
      root: last.proof.root,
      definition: definitionOf(table),
    });
    puts.push(
      { key: snapshotKey(next.id, at.snapshotId), value: encodeSnapshot(last) },
      { key: operationKey(next.id, last.operation, at.snapshotId), value: EMPTY },
    );
  }
  // Written out twice: spreading objects of this size takes longer than all else here.
  const { author, message, properties } = entry;
  const { snapshotId, timestampMs, logIndex } = at;
  const { bytes, hash } = encodeCommit(
    { snapshotId, timestampMs, logIndex, entryId: entry.id, author, message, properties, tables: records, replaced },
    state.hash,
  );
  const commit: Commit = { snapshotId, timestampMs, logIndex, entryId: entry.id, author, message, properties, hash, snapshots };
  puts.push(
    { key: commitKey(at.snapshotId), value: bytes },
    { key: timeKey(at.timestampMs), value: new ByteWriter(8).varint(at.snapshotId).finish() },
  );
  if (entry.author !== null) puts.push({ key: authorKey(entry.author, at.snapshotId), value: EMPTY });
  if (entry.idempotency !== null) {
    const { key, content } = entry.idempotency;
    puts.push(
      { key: idempotencyKey(key), value: encodeIdempotency({ snapshotId: at.snapshotId, timestampMs: at.timestampMs, content }) },
      { key: idempotencyAgeKey(at.snapshotId), value: encodeIdempotencyAge({ hash: key, ordinal: state.idempotentCommits + 1 }) },
    );
  }
  return {
    outcome: { kind: 'committed', commit },
    state: {
      logIndex: at.logIndex,
      snapshotId: at.snapshotId,
      timestampMs: at.timestampMs,
      hash,
      tables,
      byName: work.byName,
      tags: state.tags,
      schemaEpoch: work.schemaEpoch,
      nextFileId: work.nextFileId,
      idempotentCommits: state.idempotentCommits + (entry.idempotency === null ? 0 : 1),
    },
    puts,
  };
}

const EMPTY = Buffer.alloc(0);
const NO_SEED = Buffer.alloc(16);
let emptyRoot: RowsProof | undefined;

/** The proof of a commit that neither brought nor ended a row: there is nothing to keep secret. */
function noRows(): RowsProof {
  emptyRoot ??= new RootBuilder(NO_SEED, []).finish();
  return emptyRoot;
}

function replay(state: CatalogState, content: string, earlier: IdempotencyRecord): Applied {
  if (earlier.content === content || earlier.content === ERASED_CONTENT)
    return { outcome: { kind: 'replayed', snapshotId: earlier.snapshotId }, state, puts: [] };
  return refused(state, {
    code: 'IDEMPOTENCY_KEY_REUSED',
    message: `the idempotencyKey was used before for other content, in commit ${earlier.snapshotId}`,
    details: { snapshotId: earlier.snapshotId },
    hint: 'Use a new key for each new commit.',
  });
}
