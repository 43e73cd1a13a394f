/** Binary forms of the catalog's records (docs/format.md, "Records"). Checksums are added by the store. */
import { ByteReader, ByteWriter } from '../model/bytes.ts';
import { readCell, writeCell } from '../model/codec.ts';
import { crc32c } from '../model/crc32c.ts';
import { EngineError, invariant } from '../model/errors.ts';
import type { ColumnBounds, Commit, DataFile, Snapshot } from '../model/history.ts';
import {
  asFileId,
  asLogIndex,
  asRowId,
  asSnapshotId,
  asTableId,
  asTimestampMs,
  type LogIndex,
  type RowId,
  type SnapshotId,
  type TableId,
  type TimestampMs,
} from '../model/ids.ts';
import { type Cell, COLUMN_TYPES, type Column, OPERATIONS, type TableSchema } from '../model/types.ts';

export interface Head {
  readonly logIndex: LogIndex;
  readonly snapshotId: SnapshotId;
  readonly timestampMs: TimestampMs;
  readonly nextFileId: number;
  readonly idempotentCommits: number;
}

export function encodeHead(head: Head): Buffer {
  return new ByteWriter(24)
    .varint(head.logIndex)
    .varint(head.snapshotId)
    .varint(head.timestampMs)
    .varint(head.nextFileId)
    .varint(head.idempotentCommits)
    .finish();
}

export function decodeHead(bytes: Uint8Array): Head {
  const reader = new ByteReader(bytes);
  return {
    logIndex: asLogIndex(reader.varint()),
    snapshotId: asSnapshotId(reader.varint()),
    timestampMs: asTimestampMs(reader.varint()),
    nextFileId: reader.varint(),
    idempotentCommits: reader.varint(),
  };
}

export const encodeNumber = (value: number): Buffer => new ByteWriter(10).varint(value).finish();
export const decodeNumber = (bytes: Uint8Array): number => new ByteReader(bytes).varint();

/** A commit record holds all of a commit but its snapshots, which have records of their own. */
export interface CommitRecord extends Omit<Commit, 'snapshots'> {
  readonly tableIds: readonly TableId[];
}

/** The record's bytes and its place in the chain, a checksum over the chain before it and these bytes. */
export function encodeCommit(commit: Omit<CommitRecord, 'chain'>, previousChain: number): { bytes: Buffer; chain: number } {
  const writer = new ByteWriter(96);
  writer.varint(commit.timestampMs).varint(commit.logIndex).raw(Buffer.from(commit.entryId, 'hex'));
  writer.optionalText(commit.author).optionalText(commit.message).optionalText(commit.properties);
  writer.varint(commit.tableIds.length);
  for (const tableId of commit.tableIds) writer.varint(tableId);
  const chain = crc32c(writer.finish(), previousChain);
  return { bytes: writer.u32(chain).finish(), chain };
}

export function decodeCommit(snapshotId: SnapshotId, bytes: Uint8Array): CommitRecord {
  const reader = new ByteReader(bytes);
  const timestampMs = asTimestampMs(reader.varint());
  const logIndex = asLogIndex(reader.varint());
  const entryId = reader.raw(16).toString('hex');
  const author = reader.optionalText();
  const message = reader.optionalText();
  const properties = reader.optionalText();
  const tableIds = Array.from({ length: reader.varint() }, () => asTableId(reader.varint()));
  return { snapshotId, timestampMs, logIndex, entryId, author, message, properties, tableIds, chain: reader.u32() };
}

/** Recomputes a stored commit's chain from its bytes and the chain before it. */
export function chainOf(bytes: Uint8Array, previousChain: number): number {
  return crc32c(bytes, previousChain, 0, bytes.length - 4);
}

export function encodeSnapshot(snapshot: Snapshot): Buffer {
  const writer = new ByteWriter(64)
    .varint(snapshot.timestampMs)
    .u8(OPERATIONS.indexOf(snapshot.operation))
    .varint(snapshot.parentId ?? 0)
    .varint(snapshot.ordinal)
    .varint(snapshot.insertedRows)
    .varint(snapshot.updatedRows)
    .varint(snapshot.deletedRows)
    .varint(snapshot.totalRows)
    .varint(snapshot.totalFiles)
    .varint(snapshot.totalBytes)
    .varint(snapshot.nextRow)
    .varint(snapshot.hotRowsEver)
    .varint(snapshot.hotBytesEver)
    .varint(snapshot.schemaVersion);
  snapshot.operationCounts.forEach((count, operation) => {
    if (count > 0) writer.u8(operation + 1).varint(count);
  });
  return writer.u8(0).finish();
}

export function decodeSnapshot(tableId: TableId, snapshotId: SnapshotId, bytes: Uint8Array): Snapshot {
  const reader = new ByteReader(bytes);
  const timestampMs = asTimestampMs(reader.varint());
  const operation = oneOf(OPERATIONS, reader.u8(), 'operation');
  const parentId = reader.varint();
  return {
    tableId,
    snapshotId,
    timestampMs,
    operation,
    parentId: parentId === 0 ? null : asSnapshotId(parentId),
    ordinal: reader.varint(),
    insertedRows: reader.varint(),
    updatedRows: reader.varint(),
    deletedRows: reader.varint(),
    totalRows: reader.varint(),
    totalFiles: reader.varint(),
    totalBytes: reader.varint(),
    nextRow: asRowId(reader.varint()),
    hotRowsEver: reader.varint(),
    hotBytesEver: reader.varint(),
    schemaVersion: reader.varint(),
    operationCounts: readOperationCounts(reader),
  };
}

function readOperationCounts(reader: ByteReader): number[] {
  const counts = OPERATIONS.map(() => 0);
  for (let operation = reader.u8(); operation !== 0; operation = reader.u8()) {
    oneOf(OPERATIONS, operation - 1, 'operation');
    counts[operation - 1] = reader.varint();
  }
  return counts;
}

/** What is stored of a table beside its snapshots and files. */
export interface TableRecord {
  readonly name: string;
  readonly graphqlName: string;
  readonly description: string | null;
  readonly createdSnapshotId: SnapshotId;
  readonly createdAtMs: TimestampMs;
  /** Every schema version, oldest first. */
  readonly schemas: readonly TableSchema[];
}

export function encodeTable(table: TableRecord): Buffer {
  const writer = new ByteWriter(512);
  writer.text(table.name).text(table.graphqlName).optionalText(table.description).varint(table.createdSnapshotId).varint(table.createdAtMs);
  writer.varint(table.schemas.length);
  for (const schema of table.schemas) {
    writer.varint(schema.version).varint(schema.columns.length);
    for (const column of schema.columns) encodeColumn(writer, column);
    writer.varint(schema.primaryKey.length);
    for (const name of schema.primaryKey) writer.text(name);
  }
  return writer.finish();
}

function encodeColumn(writer: ByteWriter, column: Column): void {
  writer.varint(column.fieldId).text(column.name).text(column.graphqlName).u8(COLUMN_TYPES.indexOf(column.type));
  writer
    .u8(column.required ? 1 : 0)
    .u8(column.precision ?? 0)
    .u8(column.scale ?? 0);
  writeOptionalCell(writer, column, column.default);
  writer.optionalText(column.description);
}

export function decodeTable(bytes: Uint8Array): TableRecord {
  const reader = new ByteReader(bytes);
  const head = {
    name: reader.text(),
    graphqlName: reader.text(),
    description: reader.optionalText(),
    createdSnapshotId: asSnapshotId(reader.varint()),
    createdAtMs: asTimestampMs(reader.varint()),
  };
  const schemas = Array.from({ length: reader.varint() }, (): TableSchema => {
    const version = reader.varint();
    const columns = Array.from({ length: reader.varint() }, () => decodeColumn(reader));
    const primaryKey = Array.from({ length: reader.varint() }, () => reader.text());
    return { version, columns, primaryKey };
  });
  return { ...head, schemas };
}

function decodeColumn(reader: ByteReader): Column {
  const fieldId = reader.varint();
  const name = reader.text();
  const graphqlName = reader.text();
  const type = oneOf(COLUMN_TYPES, reader.u8(), 'column type');
  const required = reader.u8() === 1;
  const precision = reader.u8();
  const scale = reader.u8();
  return {
    fieldId,
    name,
    graphqlName,
    type,
    required,
    precision: type === 'DECIMAL' ? precision : null,
    scale: type === 'DECIMAL' ? scale : null,
    default: readOptionalCell(reader, { type }),
    description: reader.optionalText(),
  };
}

function writeOptionalCell(writer: ByteWriter, column: Pick<Column, 'type'>, cell: Cell): void {
  if (cell === null) writer.u8(0);
  else writeCell(writer.u8(1), column, cell);
}

function readOptionalCell(reader: ByteReader, column: Pick<Column, 'type'>): Cell {
  return reader.u8() === 0 ? null : readCell(reader, column);
}

/** How far the hot rows of a table have been flushed. */
export interface FlushedRecord {
  /** Hot rows of this snapshot and before lie in files. */
  readonly hotFloor: SnapshotId;
  /** Rows before this identity lie in files. */
  readonly hotRowLo: RowId;
  /** Rows and bytes that flushes ever took. */
  readonly rowsEver: number;
  readonly bytesEver: number;
}

export function encodeFlushed(flushed: FlushedRecord): Buffer {
  return new ByteWriter(32).varint(flushed.hotFloor).varint(flushed.hotRowLo).varint(flushed.rowsEver).varint(flushed.bytesEver).finish();
}

export function decodeFlushed(bytes: Uint8Array): FlushedRecord {
  const reader = new ByteReader(bytes);
  return {
    hotFloor: asSnapshotId(reader.varint()),
    hotRowLo: asRowId(reader.varint()),
    rowsEver: reader.varint(),
    bytesEver: reader.varint(),
  };
}

/** Bounds are written with the type of their column in the file's schema version. */
export function encodeFile(file: DataFile, columns: readonly Column[]): Buffer {
  const writer = new ByteWriter(256);
  writer
    .u8(file.kind === 'staged' ? 0 : 1)
    .text(file.name)
    .varint(file.sizeBytes)
    .raw(Buffer.from(file.sha256, 'hex'));
  writer.varint(file.rowCount).varint(file.rowLo).varint(file.rowHi).varint(file.fromLo).varint(file.fromHi).varint(file.schemaVersion);
  writer.varint(file.bounds.length);
  for (const bounds of file.bounds) {
    const column = columns.find((candidate) => candidate.fieldId === bounds.fieldId);
    invariant(column !== undefined, `bounds of field ${bounds.fieldId} without a column`);
    writer.varint(bounds.fieldId).varint(bounds.nullCount);
    writeOptionalCell(writer, column, bounds.min);
    writeOptionalCell(writer, column, bounds.max);
  }
  return writer.finish();
}

export function decodeFile(
  tableId: TableId,
  fileId: number,
  bytes: Uint8Array,
  columnsOf: (version: number) => readonly Column[],
): DataFile {
  const reader = new ByteReader(bytes);
  const kind = reader.u8() === 0 ? 'staged' : 'sorted';
  const head = { name: reader.text(), sizeBytes: reader.varint(), sha256: reader.raw(32).toString('hex'), rowCount: reader.varint() };
  const rowLo = asRowId(reader.varint());
  const rowHi = asRowId(reader.varint());
  const fromLo = asSnapshotId(reader.varint());
  const fromHi = asSnapshotId(reader.varint());
  const schemaVersion = reader.varint();
  const columns = columnsOf(schemaVersion);
  const bounds = Array.from({ length: reader.varint() }, (): ColumnBounds => {
    const fieldId = reader.varint();
    const nullCount = reader.varint();
    const column = columns.find((candidate) => candidate.fieldId === fieldId);
    if (column === undefined) throw new EngineError('CORRUPT_DATA', `file ${head.name} has bounds of the unknown field ${fieldId}`);
    return { fieldId, nullCount, min: readOptionalCell(reader, column), max: readOptionalCell(reader, column) };
  });
  return { fileId: asFileId(fileId), tableId, kind, ...head, rowLo, rowHi, fromLo, fromHi, schemaVersion, bounds };
}

/** Which key a commit used, and which commit with a key it is, from 1. */
export interface IdempotencyAgeRecord {
  readonly hash: Buffer;
  readonly ordinal: number;
}

export function encodeIdempotencyAge({ hash, ordinal }: IdempotencyAgeRecord): Buffer {
  return new ByteWriter(24).raw(hash).varint(ordinal).finish();
}

export function decodeIdempotencyAge(bytes: Uint8Array): IdempotencyAgeRecord {
  const reader = new ByteReader(bytes);
  return { hash: reader.raw(16), ordinal: reader.varint() };
}

/** What an idempotency key brought. */
export interface IdempotencyRecord {
  readonly snapshotId: SnapshotId;
  readonly timestampMs: TimestampMs;
  /** First 16 bytes of SHA-256 over the content, hex. */
  readonly content: string;
}

export function encodeIdempotency(record: IdempotencyRecord): Buffer {
  return new ByteWriter(40).varint(record.snapshotId).varint(record.timestampMs).raw(Buffer.from(record.content, 'hex')).finish();
}

export function decodeIdempotency(bytes: Uint8Array): IdempotencyRecord {
  const reader = new ByteReader(bytes);
  return {
    snapshotId: asSnapshotId(reader.varint()),
    timestampMs: asTimestampMs(reader.varint()),
    content: reader.raw(16).toString('hex'),
  };
}

function oneOf<T>(values: readonly T[], index: number, what: string): T {
  const value = values[index];
  if (value === undefined) throw new EngineError('CORRUPT_DATA', `a stored record has the unknown ${what} ${index}`);
  return value;
}
