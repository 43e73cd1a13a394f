/** Binary forms of what is stored of a table beside its snapshots (docs/format.md, "Records"): definition, files, ends, what is kept. */

import { hash as digest } from 'node:crypto';
import { ByteReader, ByteWriter } from '../encoding/bytes.ts';
import { readCell, writeCell } from '../encoding/codec.ts';
import { HASH_BYTES } from '../encoding/proof.ts';
import { EngineError, invariant } from '../model/errors.ts';
import {
  type ColumnBounds,
  type DataFile,
  type Ends,
  FILE_KINDS,
  type KeptRecord,
  type Retention,
  type RowsProof,
  type Tag,
} from '../model/history.ts';
import {
  asFileId,
  asRowId,
  asSnapshotId,
  asTimestampMs,
  type FileId,
  type RowId,
  type SnapshotId,
  type TableId,
  type TimestampMs,
} from '../model/ids.ts';
import { type Cell, COLUMN_TYPES, type Column, type TableSchema } from '../model/types.ts';

const SEED_BYTES = 16;

/** What is stored of a table beside its snapshots and files. */
export interface TableRecord {
  readonly name: string;
  readonly graphqlName: string;
  readonly description: string | null;
  readonly createdSnapshotId: SnapshotId;
  readonly createdAtMs: TimestampMs;
  /** The commit that dropped it; null while it lives. */
  readonly droppedSnapshotId: SnapshotId | null;
  readonly droppedAtMs: TimestampMs | null;
  /** Its own policy; null where the catalog's applies. */
  readonly retention: Retention | null;
  /** Every schema version, oldest first. */
  readonly schemas: readonly TableSchema[];
}

export function encodeTable(table: TableRecord): Buffer {
  const writer = new ByteWriter(512);
  writer.text(table.name).text(table.graphqlName).optionalText(table.description).varint(table.createdSnapshotId).varint(table.createdAtMs);
  writer.varint(table.droppedSnapshotId ?? 0).varint(table.droppedAtMs ?? 0);
  if (table.retention === null) writer.u8(0);
  else
    writer
      .u8(1)
      .varint((table.retention.maxAgeMs ?? -1) + 1)
      .varint(table.retention.minSnapshots ?? 0);
  writer.varint(table.schemas.length);
  for (const schema of table.schemas) writeSchema(writer, schema);
  return writer.finish();
}

function writeSchema(writer: ByteWriter, schema: TableSchema): void {
  writer.varint(schema.version).varint(schema.since).varint(schema.columns.length);
  for (const column of schema.columns) encodeColumn(writer, column);
  writer.varint(schema.primaryKey.length);
  for (const name of schema.primaryKey) writer.text(name);
}

/** What the audit chain vouches for of a definition: SHA-256 over the name and the columns, without `since`. */
export function definitionHash(name: string, schema: TableSchema): Buffer {
  const writer = new ByteWriter(512).text(name);
  writeSchema(writer, { ...schema, since: 0 });
  return digest('sha256', writer.finish(), 'buffer');
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
  const droppedSnapshotId = reader.varint();
  const droppedAtMs = reader.varint();
  const retention = reader.u8() === 0 ? null : readRetention(reader);
  const schemas = Array.from({ length: reader.varint() }, (): TableSchema => {
    const version = reader.varint();
    const since = reader.varint();
    const columns = Array.from({ length: reader.varint() }, () => decodeColumn(reader));
    const primaryKey = Array.from({ length: reader.varint() }, () => reader.text());
    return { version, since, columns, primaryKey };
  });
  return {
    ...head,
    droppedSnapshotId: droppedSnapshotId === 0 ? null : asSnapshotId(droppedSnapshotId),
    droppedAtMs: droppedSnapshotId === 0 ? null : asTimestampMs(droppedAtMs),
    retention,
    schemas,
  };
}

function readRetention(reader: ByteReader): Retention {
  const maxAge = reader.varint();
  const minSnapshots = reader.varint();
  return { maxAgeMs: maxAge === 0 ? null : maxAge - 1, minSnapshots: minSnapshots === 0 ? null : minSnapshots };
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
  /** New rows before this identity lie in files. */
  readonly hotRowLo: RowId;
  /** Rows, bytes, and versions of older rows that flushes ever took. */
  readonly rowsEver: number;
  readonly bytesEver: number;
  readonly versionsEver: number;
}

export function encodeFlushed(flushed: FlushedRecord): Buffer {
  return new ByteWriter(32)
    .varint(flushed.hotFloor)
    .varint(flushed.hotRowLo)
    .varint(flushed.rowsEver)
    .varint(flushed.bytesEver)
    .varint(flushed.versionsEver)
    .finish();
}

export function decodeFlushed(bytes: Uint8Array): FlushedRecord {
  const reader = new ByteReader(bytes);
  return {
    hotFloor: asSnapshotId(reader.varint()),
    hotRowLo: asRowId(reader.varint()),
    rowsEver: reader.varint(),
    bytesEver: reader.varint(),
    versionsEver: reader.varint(),
  };
}

export const NOTHING_EXPIRED: KeptRecord = { horizon: asSnapshotId(0), horizonMs: asTimestampMs(0), held: [], checkpoints: [], erased: [] };

export function encodeKept(kept: KeptRecord): Buffer {
  const writer = new ByteWriter(128).varint(kept.horizon).varint(kept.horizonMs).varint(kept.held.length);
  for (const { from, until } of kept.held) writer.varint(from).varint(until);
  writer.varint(kept.checkpoints.length);
  for (const { at, seed, root } of kept.checkpoints) writer.varint(at).raw(seed).raw(root);
  writer.varint(kept.erased.length);
  for (const { from, to, rows } of kept.erased) writer.varint(from).varint(to).varint(rows);
  return writer.finish();
}

export function decodeKept(bytes: Uint8Array): KeptRecord {
  const reader = new ByteReader(bytes);
  const horizon = asSnapshotId(reader.varint());
  const horizonMs = asTimestampMs(reader.varint());
  const held = Array.from({ length: reader.varint() }, () => ({
    from: asSnapshotId(reader.varint()),
    until: asSnapshotId(reader.varint()),
  }));
  const checkpoints = Array.from({ length: reader.varint() }, () => ({ at: asSnapshotId(reader.varint()), ...readProof(reader) }));
  const erased = Array.from({ length: reader.varint() }, () => ({
    from: asSnapshotId(reader.varint()),
    to: asSnapshotId(reader.varint()),
    rows: reader.varint(),
  }));
  return { horizon, horizonMs, held, checkpoints, erased };
}

export function encodeTag(tag: Tag): Buffer {
  return new ByteWriter(64).text(tag.name).varint(tag.snapshotId).varint(tag.createdAtMs).optionalText(tag.message).finish();
}

export function decodeTag(bytes: Uint8Array): Tag {
  const reader = new ByteReader(bytes);
  return {
    name: reader.text(),
    snapshotId: asSnapshotId(reader.varint()),
    createdAtMs: asTimestampMs(reader.varint()),
    message: reader.optionalText(),
  };
}

/** Rows ascend, so they are written as differences; `from` as the distance to the end. */
export function encodeEnds({ to, rows, froms }: Pick<Ends, 'to' | 'rows' | 'froms'>): Buffer {
  const writer = new ByteWriter(16 + rows.length * 3).varint(rows.length);
  let previous = 0;
  rows.forEach((row, index) => {
    writer.varint(row - previous).varint(to - (froms[index] as number));
    previous = row;
  });
  return writer.finish();
}

export function decodeEnds(to: SnapshotId, fileId: FileId, bytes: Uint8Array): Ends {
  const reader = new ByteReader(bytes);
  const count = reader.varint();
  const rows = new Float64Array(count);
  const froms = new Float64Array(count);
  let row = 0;
  for (let index = 0; index < count; index += 1) {
    row += reader.varint();
    rows[index] = row;
    froms[index] = to - reader.varint();
  }
  return { fileId, to, rows, froms };
}

/** Bounds are written with the type of their column in the file's schema version. */
export function encodeFile(file: DataFile, columns: readonly Column[]): Buffer {
  const writer = new ByteWriter(256);
  writer.u8(FILE_KINDS.indexOf(file.kind)).text(file.name).varint(file.sizeBytes).raw(Buffer.from(file.sha256, 'hex'));
  writer.varint(file.rowCount).varint(file.rowLo).varint(file.rowHi).varint(file.fromLo).varint(file.fromHi).varint(file.schemaVersion);
  writer
    .varint(file.toLo)
    .varint(file.toHi)
    .u8(file.lifeLog)
    .varint(file.endedAt ?? 0);
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
  const kind = oneOf(FILE_KINDS, reader.u8(), 'kind of file');
  const head = { name: reader.text(), sizeBytes: reader.varint(), sha256: reader.raw(32).toString('hex'), rowCount: reader.varint() };
  const rowLo = asRowId(reader.varint());
  const rowHi = asRowId(reader.varint());
  const fromLo = asSnapshotId(reader.varint());
  const fromHi = asSnapshotId(reader.varint());
  const schemaVersion = reader.varint();
  const toLo = asSnapshotId(reader.varint());
  const toHi = asSnapshotId(reader.varint());
  const lifeLog = reader.u8();
  const ended = reader.varint();
  const endedAt = ended === 0 ? null : asSnapshotId(ended);
  const columns = columnsOf(schemaVersion);
  const bounds = Array.from({ length: reader.varint() }, (): ColumnBounds => {
    const fieldId = reader.varint();
    const nullCount = reader.varint();
    const column = columns.find((candidate) => candidate.fieldId === fieldId);
    if (column === undefined) throw new EngineError('CORRUPT_DATA', `file ${head.name} has bounds of the unknown field ${fieldId}`);
    return { fieldId, nullCount, min: readOptionalCell(reader, column), max: readOptionalCell(reader, column) };
  });
  const spans = { rowLo, rowHi, fromLo, fromHi, toLo, toHi, lifeLog, endedAt };
  return { fileId: asFileId(fileId), tableId, kind, ...head, ...spans, schemaVersion, bounds };
}

export function readProof(reader: ByteReader): RowsProof {
  return { seed: Buffer.from(reader.raw(SEED_BYTES)), root: Buffer.from(reader.raw(HASH_BYTES)) };
}

/** The one of a stored number; CORRUPT_DATA where there is none. */
export function oneOf<T>(values: readonly T[], index: number, what: string): T {
  const value = values[index];
  if (value === undefined) throw new EngineError('CORRUPT_DATA', `a stored record has the unknown ${what} ${index}`);
  return value;
}
