/** One table while a commit is applied to it: several changes of one commit fold into one new state and one snapshot. */
import { definitionHash, NOTHING_EXPIRED } from '../../catalog/records.ts';
import type { CatalogState, TableState } from '../../catalog/state.ts';
import type { Put } from '../../catalog/store.ts';
import type { ErrorData } from '../../model/errors.ts';
import type { DataFile, Ends, KeptRecord, Retention, RowsProof, Snapshot } from '../../model/history.ts';
import { asRowId, asSnapshotId, type LogIndex, type RowId, type SnapshotId, type TableId, type TimestampMs } from '../../model/ids.ts';
import type { NewTable } from '../../model/schema.ts';
import { OPERATIONS, type Operation, type TableSchema } from '../../model/types.ts';

export interface CommitPlace {
  readonly snapshotId: SnapshotId;
  readonly timestampMs: TimestampMs;
  readonly logIndex: LogIndex;
}

/** A catalog state that a commit builds up, with the records to write. */
export interface CatalogWork {
  readonly state: CatalogState;
  readonly at: CommitPlace;
  readonly puts: Put[];
  readonly tables: Map<TableId, TableWork>;
  byName: ReadonlyMap<string, TableId>;
  schemaEpoch: number;
  nextFileId: number;
  nextTableId: number;
}

/** What one change of a commit gives where it refuses all of the commit. */
export class Refused {
  readonly refusal: ErrorData;
  constructor(refusal: ErrorData) {
    this.refusal = refusal;
  }
}

export interface TableWork {
  readonly id: TableId;
  /** The state before the commit; undefined where the commit creates the table. */
  readonly before: TableState | undefined;
  name: string;
  graphqlName: string;
  description: string | null;
  readonly createdSnapshotId: SnapshotId;
  readonly createdAtMs: TimestampMs;
  droppedSnapshotId: SnapshotId | null;
  droppedAtMs: TimestampMs | null;
  retention: Retention | null;
  kept: KeptRecord;
  /** Hot rows that are no more: they count as taken by a flush. */
  taken: { rows: number; bytes: number; versions: number };
  schema: TableSchema;
  schemas: readonly TableSchema[];
  files: readonly DataFile[];
  filesBytes: number;
  ends: readonly Ends[];
  endsEpoch: number;
  filesEpoch: number;
  nextRow: RowId;
  hotRowsEver: number;
  hotBytesEver: number;
  hotVersionsEver: number;
  /** The first operation of the commit on the table; a snapshot is named by it. */
  operation: Operation | undefined;
  insertedRows: number;
  updatedRows: number;
  deletedRows: number;
  proof: RowsProof | undefined;
  /** Whether the definition was made or changed. */
  defined: boolean;
  /** Whether the commit brought the table back: all of its rows come with it then. */
  undropped: boolean;
}

/** Written out, here and below: on the path of every commit, copying an object of this size by spread takes ten times as long. */
export function workOn(work: CatalogWork, tableId: TableId): TableWork | undefined {
  const known = work.tables.get(tableId);
  if (known !== undefined) return known;
  const table = work.state.tables[tableId];
  if (table === undefined) return undefined;
  const made: TableWork = {
    id: table.id,
    before: table,
    name: table.name,
    graphqlName: table.graphqlName,
    description: table.description,
    createdSnapshotId: table.createdSnapshotId,
    createdAtMs: table.createdAtMs,
    droppedSnapshotId: table.droppedSnapshotId,
    droppedAtMs: table.droppedAtMs,
    retention: table.retention,
    kept: table.kept,
    taken: { rows: 0, bytes: 0, versions: 0 },
    schema: table.schema,
    schemas: table.schemas,
    files: table.files,
    filesBytes: table.filesBytes,
    ends: table.ends,
    endsEpoch: table.endsEpoch,
    filesEpoch: table.filesEpoch,
    nextRow: table.last.nextRow,
    hotRowsEver: table.last.hotRowsEver,
    hotBytesEver: table.last.hotBytesEver,
    hotVersionsEver: table.last.hotVersionsEver,
    operation: undefined,
    insertedRows: 0,
    updatedRows: 0,
    deletedRows: 0,
    proof: undefined,
    defined: false,
    undropped: false,
  };
  work.tables.set(tableId, made);
  return made;
}

export function workOnNew(work: CatalogWork, id: TableId, wanted: NewTable): TableWork {
  const schema = { ...wanted.schema, since: work.at.snapshotId };
  const made: TableWork = {
    id,
    before: undefined,
    name: wanted.name,
    graphqlName: wanted.graphqlName,
    description: wanted.description,
    createdSnapshotId: work.at.snapshotId,
    createdAtMs: work.at.timestampMs,
    droppedSnapshotId: null,
    droppedAtMs: null,
    retention: null,
    kept: NOTHING_EXPIRED,
    taken: { rows: 0, bytes: 0, versions: 0 },
    schema,
    schemas: [schema],
    files: [],
    filesBytes: 0,
    ends: [],
    endsEpoch: 0,
    filesEpoch: 0,
    nextRow: asRowId(0),
    hotRowsEver: 0,
    hotBytesEver: 0,
    hotVersionsEver: 0,
    operation: 'CREATE',
    insertedRows: 0,
    updatedRows: 0,
    deletedRows: 0,
    proof: undefined,
    defined: true,
    undropped: false,
  };
  work.tables.set(id, made);
  return made;
}

/** The table after the commit, its newest snapshot the one that the commit made. */
export function finishWork(work: TableWork, at: CommitPlace, noProof: () => RowsProof): TableState {
  const { before } = work;
  const previous = before?.last;
  const operation = work.operation ?? 'ALTER';
  const flushedBytesEver = (before?.flushedBytesEver ?? 0) + work.taken.bytes;
  const last: Snapshot = {
    tableId: work.id,
    snapshotId: at.snapshotId,
    timestampMs: at.timestampMs,
    operation,
    parentId: previous?.snapshotId ?? null,
    ordinal: (previous?.ordinal ?? 0) + 1,
    operationCounts: countedOnce(previous?.operationCounts, operation),
    insertedRows: work.insertedRows,
    updatedRows: work.updatedRows,
    deletedRows: work.deletedRows,
    totalRows: (previous?.totalRows ?? 0) + work.insertedRows - work.deletedRows,
    totalFiles: work.files.length,
    totalBytes: work.filesBytes + work.hotBytesEver - flushedBytesEver,
    nextRow: work.nextRow,
    hotRowsEver: work.hotRowsEver,
    hotBytesEver: work.hotBytesEver,
    hotVersionsEver: work.hotVersionsEver,
    schemaVersion: work.schema.version,
    proof: work.proof ?? noProof(),
  };
  return {
    id: work.id,
    name: work.name,
    graphqlName: work.graphqlName,
    description: work.description,
    createdSnapshotId: work.createdSnapshotId,
    createdAtMs: work.createdAtMs,
    droppedSnapshotId: work.droppedSnapshotId,
    droppedAtMs: work.droppedAtMs,
    retention: work.retention,
    kept: work.kept,
    schema: work.schema,
    schemas: work.schemas,
    last,
    files: work.files,
    filesBytes: work.filesBytes,
    hotFloor: before?.hotFloor ?? asSnapshotId(0),
    hotRowLo: before?.hotRowLo ?? asRowId(0),
    flushedRowsEver: (before?.flushedRowsEver ?? 0) + work.taken.rows,
    flushedBytesEver,
    flushedVersionsEver: (before?.flushedVersionsEver ?? 0) + work.taken.versions,
    ends: work.ends,
    endsEpoch: work.endsEpoch,
    filesEpoch: work.filesEpoch,
  };
}

function countedOnce(counts: readonly number[] | undefined, operation: Operation): number[] {
  const next = counts === undefined ? OPERATIONS.map(() => 0) : counts.slice();
  const at = OPERATIONS.indexOf(operation);
  next[at] = (next[at] ?? 0) + 1;
  return next;
}

export function definitionOf(work: TableWork): Buffer | null {
  return work.defined ? definitionHash(work.name, work.schema) : null;
}
