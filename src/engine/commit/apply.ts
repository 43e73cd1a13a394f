/**
 * apply: a pure function from a catalog state and an entry to LevelDB operations, an outcome and the next state.
 * No clock, no randomness, no configuration, no I/O: what it needs stands in the entry, the state or the look-ups, so
 * the same log gives the same catalog on every machine. Keeps invariant 2.
 */

import {
  authorKey,
  commitKey,
  fileKey,
  flushedKey,
  hotKey,
  idempotencyAgeKey,
  idempotencyKey,
  maintenanceKey,
  operationKey,
  primaryKeyKey,
  snapshotKey,
  tableKey,
  timeKey,
} from '../catalog/keys.ts';
import {
  encodeCommit,
  encodeFile,
  encodeFlushed,
  encodeIdempotency,
  encodeIdempotencyAge,
  encodeSnapshot,
  encodeTable,
  type IdempotencyRecord,
} from '../catalog/records.ts';
import { type CatalogState, columnsOfVersion, findTable, type TableState, tableById, withTable } from '../catalog/state.ts';
import type { Put } from '../catalog/store.ts';
import type {
  AppendChange,
  CommitEntry,
  CompactEntry,
  CreateChange,
  FlushEntry,
  LogEntry,
  NewSortedFile,
  Outcome,
  RefusedEntry,
} from '../log/entry.ts';
import { ByteWriter } from '../model/bytes.ts';
import { unreachable } from '../model/errors.ts';
import type { Commit, DataFile, Snapshot } from '../model/history.ts';
import { asFileId, asLogIndex, asRowId, asSnapshotId, asTableId, type LogIndex, type SnapshotId, type TimestampMs } from '../model/ids.ts';
import { LIMITS } from '../model/limits.ts';
import { foldName } from '../model/names.ts';
import { sameColumns } from '../model/schema.ts';
import { OPERATIONS, type Operation } from '../model/types.ts';

/** Facts of the catalog that are not held in memory, read for the round before it is applied. */
export interface Lookups {
  /** Whether a row with this primary key exists. */
  keyExists(key: Buffer): boolean;
  idempotency(hash: Buffer): IdempotencyRecord | undefined;
}

export interface Applied {
  readonly outcome: Outcome;
  readonly state: CatalogState;
  readonly puts: readonly Put[];
  readonly deletes: readonly Buffer[];
}

/** `timestampMs`: the sequencer's reading for this entry, at or after every fence. */
export function apply(state: CatalogState, entry: LogEntry, timestampMs: TimestampMs, lookups: Lookups): Applied {
  switch (entry.kind) {
    case 'commit':
      return applyCommit(state, entry, timestampMs, lookups);
    case 'flush':
      return applyFlush(state, entry);
    case 'compact':
      return applyCompact(state, entry);
    default:
      return unreachable(entry);
  }
}

function refused(state: CatalogState, refusal: RefusedEntry): Applied {
  return { outcome: { kind: 'refused', refusal }, state, puts: [], deletes: [] };
}

function applyCommit(state: CatalogState, entry: CommitEntry, clockMs: TimestampMs, lookups: Lookups): Applied {
  const at: CommitPlace = {
    snapshotId: asSnapshotId(state.snapshotId + 1),
    timestampMs: clockMs > state.timestampMs ? clockMs : state.timestampMs,
    logIndex: asLogIndex(state.logIndex + 1),
  };
  if (entry.idempotency !== null) {
    const earlier = lookups.idempotency(entry.idempotency.key);
    if (earlier !== undefined && at.timestampMs - earlier.timestampMs < LIMITS.idempotencyAgeMs)
      return replay(state, entry.idempotency.content, earlier);
  }
  const changed = entry.change.kind === 'create' ? create(state, entry.change, at) : append(state, entry, entry.change, at, lookups);
  if ('outcome' in changed) return changed;

  const { table, puts } = changed;
  const { bytes, chain } = encodeCommit(
    {
      snapshotId: at.snapshotId,
      timestampMs: at.timestampMs,
      logIndex: at.logIndex,
      entryId: entry.id,
      author: entry.author,
      message: entry.message,
      properties: entry.properties,
      tableIds: [table.id],
    },
    state.chain,
  );
  const commit: Commit = {
    snapshotId: at.snapshotId,
    timestampMs: at.timestampMs,
    logIndex: at.logIndex,
    entryId: entry.id,
    author: entry.author,
    message: entry.message,
    properties: entry.properties,
    chain,
    snapshots: [table.last],
  };
  puts.push(
    { key: commitKey(at.snapshotId), value: bytes },
    { key: timeKey(at.timestampMs), value: new ByteWriter(8).varint(at.snapshotId).finish() },
    { key: snapshotKey(table.id, at.snapshotId), value: encodeSnapshot(table.last) },
    { key: operationKey(table.id, table.last.operation, at.snapshotId), value: EMPTY },
  );
  if (entry.author !== null) puts.push({ key: authorKey(entry.author, at.snapshotId), value: EMPTY });
  if (entry.idempotency !== null) {
    const { key, content } = entry.idempotency;
    puts.push(
      { key: idempotencyKey(key), value: encodeIdempotency({ snapshotId: at.snapshotId, timestampMs: at.timestampMs, content }) },
      { key: idempotencyAgeKey(at.snapshotId), value: encodeIdempotencyAge({ hash: key, ordinal: state.idempotentCommits + 1 }) },
    );
  }
  const idempotentCommits = state.idempotentCommits + (entry.idempotency === null ? 0 : 1);
  return {
    outcome: { kind: 'committed', commit },
    state: afterCommit(changed.state, table, at, chain, idempotentCommits),
    puts,
    deletes: [],
  };
}

const EMPTY = Buffer.alloc(0);

interface CommitPlace {
  readonly snapshotId: SnapshotId;
  readonly timestampMs: TimestampMs;
  readonly logIndex: LogIndex;
}

function replay(state: CatalogState, content: string, earlier: IdempotencyRecord): Applied {
  if (earlier.content === content) return { outcome: { kind: 'replayed', snapshotId: earlier.snapshotId }, state, puts: [], deletes: [] };
  return refused(state, {
    code: 'IDEMPOTENCY_KEY_REUSED',
    message: `the idempotencyKey was used before, for other content, in commit ${earlier.snapshotId}`,
    details: { snapshotId: earlier.snapshotId },
    hint: 'Use a new key for each new commit.',
  });
}

type Changed = { readonly state: CatalogState; readonly table: TableState; readonly puts: Put[] };

function create(state: CatalogState, { table: wanted, ifExists }: CreateChange, at: CommitPlace): Changed | Applied {
  const existing = findTable(state, wanted.name);
  if (existing !== undefined) return createAgain(state, existing, wanted, ifExists);
  const clash = state.tables.find((table) => table !== undefined && clashes(table, wanted));
  if (clash !== undefined) {
    return refused(state, {
      code: 'NAME_COLLISION',
      message: `table ${wanted.name} would have the same name as table ${clash.name} in the typed API`,
      details: { name: wanted.name, other: clash.name },
      hint: 'Names are compared without case and underscores. Choose another name, or give a graphqlName.',
    });
  }
  if (state.byName.size >= LIMITS.tablesMax) {
    return refused(state, {
      code: 'LIMIT_EXCEEDED',
      message: `tablesMax: the catalog has ${LIMITS.tablesMax} tables, the most it can have`,
      details: { limit: 'tablesMax', maximum: LIMITS.tablesMax, actual: state.byName.size + 1 },
    });
  }
  const id = asTableId(state.tables.length);
  const last: Snapshot = {
    tableId: id,
    snapshotId: at.snapshotId,
    timestampMs: at.timestampMs,
    operation: 'CREATE',
    parentId: null,
    ordinal: 1,
    operationCounts: OPERATIONS.map((operation) => (operation === 'CREATE' ? 1 : 0)),
    insertedRows: 0,
    updatedRows: 0,
    deletedRows: 0,
    totalRows: 0,
    totalFiles: 0,
    totalBytes: 0,
    nextRow: asRowId(0),
    hotRowsEver: 0,
    hotBytesEver: 0,
    schemaVersion: wanted.schema.version,
  };
  const table: TableState = {
    id,
    name: wanted.name,
    graphqlName: wanted.graphqlName,
    description: wanted.description,
    createdSnapshotId: at.snapshotId,
    createdAtMs: at.timestampMs,
    schema: wanted.schema,
    schemas: [wanted.schema],
    last,
    files: [],
    filesBytes: 0,
    hotFloor: asSnapshotId(0),
    hotRowLo: asRowId(0),
    flushedRowsEver: 0,
    flushedBytesEver: 0,
  };
  const next = { ...state, byName: new Map(state.byName).set(table.name, id), schemaEpoch: state.schemaEpoch + 1 };
  return { state: next, table, puts: [{ key: tableKey(id), value: encodeTable(table) }] };
}

function createAgain(state: CatalogState, existing: TableState, wanted: CreateChange['table'], ifExists: 'ERROR' | 'IGNORE'): Applied {
  if (ifExists === 'ERROR') {
    return refused(state, {
      code: 'TABLE_EXISTS',
      message: `there is a table ${wanted.name} already`,
      details: { table: wanted.name },
      hint: 'Choose another name, or say ifExists: IGNORE to take the table there is.',
    });
  }
  if (!sameColumns(existing.schema, wanted.schema) || existing.graphqlName !== wanted.graphqlName) {
    return refused(state, {
      code: 'SCHEMA_MISMATCH',
      message: `there is a table ${wanted.name} already, with other columns, another primary key or another graphqlName`,
      details: { table: wanted.name },
      hint: `Compare with table(name: "${wanted.name}") { columns { name type required } primaryKey graphqlName }.`,
    });
  }
  return { outcome: { kind: 'unchanged', tableId: existing.id }, state, puts: [], deletes: [] };
}

/** Whether two tables would share a name in the typed door: their own, or `ordersByKey` of a table with a primary key. */
function clashes(left: TableState, right: CreateChange['table']): boolean {
  const leftName = foldName(left.graphqlName);
  const rightName = foldName(right.graphqlName);
  return (
    leftName === rightName ||
    left.name.toLowerCase() === right.name.toLowerCase() ||
    (left.schema.primaryKey.length > 0 && rightName === `${leftName}bykey`) ||
    (right.schema.primaryKey.length > 0 && leftName === `${rightName}bykey`)
  );
}

function append(state: CatalogState, entry: CommitEntry, change: AppendChange, at: CommitPlace, lookups: Lookups): Changed | Applied {
  const table = tableById(state, change.tableId);
  const refusal = refuseAppend(table, entry, change, lookups);
  if (refusal !== undefined) return refused(state, refusal);
  const puts: Put[] = [];
  const rowBase = table.last.nextRow;
  const hot = change.rows.kind === 'hot' ? change.rows.bytes : undefined;
  let next = state;
  let files = table.files;
  let filesBytes = table.filesBytes;
  if (change.rows.kind === 'hot') {
    puts.push({
      key: hotKey(table.id, at.snapshotId),
      value: Buffer.concat([new ByteWriter(8).varint(rowBase).finish(), change.rows.bytes]),
    });
  } else {
    const file: DataFile = {
      ...change.rows.file,
      fileId: asFileId(state.nextFileId),
      tableId: table.id,
      kind: 'staged',
      rowLo: rowBase,
      rowHi: asRowId(rowBase + change.rowCount - 1),
      fromLo: at.snapshotId,
      fromHi: at.snapshotId,
      schemaVersion: change.schemaVersion,
    };
    next = { ...state, nextFileId: state.nextFileId + 1 };
    files = [...files, file];
    filesBytes += file.sizeBytes;
    puts.push(putFile(table, file));
  }
  change.keyHashes.forEach((hash, index) => {
    puts.push({
      key: primaryKeyKey(table.id, hash),
      value: new ByteWriter(16)
        .varint(rowBase + index)
        .varint(at.snapshotId)
        .finish(),
    });
  });
  const hotBytesEver = table.last.hotBytesEver + (hot?.length ?? 0);
  const last: Snapshot = {
    tableId: table.id,
    snapshotId: at.snapshotId,
    timestampMs: at.timestampMs,
    operation: 'APPEND',
    parentId: table.last.snapshotId,
    ordinal: table.last.ordinal + 1,
    operationCounts: countedOnce(table.last.operationCounts, 'APPEND'),
    insertedRows: change.rowCount,
    updatedRows: 0,
    deletedRows: 0,
    totalRows: table.last.totalRows + change.rowCount,
    totalFiles: files.length,
    totalBytes: filesBytes + hotBytesEver - table.flushedBytesEver,
    nextRow: asRowId(rowBase + change.rowCount),
    hotRowsEver: table.last.hotRowsEver + (hot === undefined ? 0 : change.rowCount),
    hotBytesEver,
    schemaVersion: table.schema.version,
  };
  return { state: next, table: afterAppend(table, last, files, filesBytes), puts };
}

function refuseAppend(table: TableState, entry: CommitEntry, change: AppendChange, lookups: Lookups): RefusedEntry | undefined {
  const expected = entry.expectedSnapshotId;
  if (expected !== null && table.last.snapshotId > expected) {
    return {
      code: 'CONFLICT',
      message: `table ${table.name} has changed: its newest snapshot is ${table.last.snapshotId}, expected ${expected} or older`,
      details: { table: table.name, expectedSnapshotId: expected, actualSnapshotId: table.last.snapshotId },
      hint: 'Read the table again and decide anew.',
    };
  }
  if (change.schemaVersion !== table.schema.version) {
    return {
      code: 'CONFLICT',
      message: `the columns of table ${table.name} have changed meanwhile`,
      details: { table: table.name },
      hint: 'Try again.',
    };
  }
  const taken: number[] = [];
  change.keyHashes.forEach((hash, index) => {
    if (lookups.keyExists(primaryKeyKey(table.id, hash))) taken.push(index);
  });
  if (taken.length === 0) return undefined;
  const column = table.schema.primaryKey.join(', ');
  const reason = 'a row with this primary key exists';
  return {
    code: 'INVALID_ROW',
    message: `row ${taken[0]}, column ${column}: ${reason}${taken.length > 1 ? ` (and ${taken.length - 1} more)` : ''}`,
    details: {
      rows: taken.slice(0, LIMITS.invalidRowsReported).map((index) => ({ index, column, reason })),
      invalidRows: taken.length,
      totalRows: change.rowCount,
    },
    hint: 'Nothing of the batch was kept. Append only rows whose primary key is new.',
  };
}

function countedOnce(counts: readonly number[], operation: Operation): number[] {
  const next = counts.slice();
  const at = OPERATIONS.indexOf(operation);
  next[at] = (next[at] ?? 0) + 1;
  return next;
}

/** Written out: on the path of every commit, copying an object of this size by spread takes ten times as long. */
function afterAppend(table: TableState, last: Snapshot, files: readonly DataFile[], filesBytes: number): TableState {
  return {
    id: table.id,
    name: table.name,
    graphqlName: table.graphqlName,
    description: table.description,
    createdSnapshotId: table.createdSnapshotId,
    createdAtMs: table.createdAtMs,
    schema: table.schema,
    schemas: table.schemas,
    last,
    files,
    filesBytes,
    hotFloor: table.hotFloor,
    hotRowLo: table.hotRowLo,
    flushedRowsEver: table.flushedRowsEver,
    flushedBytesEver: table.flushedBytesEver,
  };
}

function afterCommit(state: CatalogState, table: TableState, at: CommitPlace, chain: number, idempotentCommits: number): CatalogState {
  const tables = state.tables.slice();
  tables[table.id] = table;
  return {
    logIndex: at.logIndex,
    snapshotId: at.snapshotId,
    timestampMs: at.timestampMs,
    chain,
    tables,
    byName: state.byName,
    schemaEpoch: state.schemaEpoch,
    nextFileId: state.nextFileId,
    idempotentCommits,
  };
}

function putFile(table: TableState, file: DataFile): Put {
  return { key: fileKey(table.id, file.fileId), value: encodeFile(file, columnsOfVersion(table, file.schemaVersion)) };
}

function sortedFile(table: TableState, file: NewSortedFile, fileId: number): DataFile {
  return { ...file, fileId: asFileId(fileId), tableId: table.id, kind: 'sorted' };
}

function applyFlush(state: CatalogState, entry: FlushEntry): Applied {
  const table = tableById(state, entry.tableId);
  if (entry.upTo <= table.hotFloor) return refused(state, maintenanceRefused('the hot rows were flushed meanwhile'));
  const file = sortedFile(table, entry.file, state.nextFileId);
  const next: TableState = {
    ...withFiles(table, [...table.files, file]),
    hotFloor: entry.upTo,
    hotRowLo: entry.hotRowLo,
    flushedRowsEver: table.flushedRowsEver + entry.rowsTaken,
    flushedBytesEver: table.flushedBytesEver + entry.bytesTaken,
  };
  const flushed = { hotFloor: next.hotFloor, hotRowLo: next.hotRowLo, rowsEver: next.flushedRowsEver, bytesEver: next.flushedBytesEver };
  return maintained(state, next, 1, [putFile(table, file), { key: flushedKey(table.id), value: encodeFlushed(flushed) }], [], []);
}

function applyCompact(state: CatalogState, entry: CompactEntry): Applied {
  const table = tableById(state, entry.tableId);
  const inputs = new Set(entry.inputs);
  const retired = table.files.filter((file) => inputs.has(file.fileId));
  if (retired.length !== inputs.size) return refused(state, maintenanceRefused('an input of the compaction is gone'));
  const outputs = entry.outputs.map((file, index) => sortedFile(table, file, state.nextFileId + index));
  const next = withFiles(table, [...table.files.filter((file) => !inputs.has(file.fileId)), ...outputs]);
  const puts = outputs.map((file) => putFile(table, file));
  const deletes = retired.map((file) => fileKey(table.id, file.fileId));
  return maintained(state, next, outputs.length, puts, deletes, retired);
}

function maintained(
  state: CatalogState,
  table: TableState,
  newFiles: number,
  puts: Put[],
  deletes: Buffer[],
  retired: DataFile[],
): Applied {
  const logIndex = asLogIndex(state.logIndex + 1);
  puts.push({ key: maintenanceKey(logIndex), value: new ByteWriter(16).varint(table.id).varint(state.snapshotId).finish() });
  const next = { ...withTable(state, table), logIndex, nextFileId: state.nextFileId + newFiles };
  return { outcome: { kind: 'maintained', retired }, state: next, puts, deletes };
}

function maintenanceRefused(message: string): RefusedEntry {
  return { code: 'CONFLICT', message, details: {} };
}

function withFiles(table: TableState, files: readonly DataFile[]): TableState {
  const sorted = [...files].sort((left, right) => left.rowLo - right.rowLo);
  return { ...table, files: sorted, filesBytes: sorted.reduce((sum, file) => sum + file.sizeBytes, 0) };
}
