/**
 * The catalog in memory: immutable values, replaced as a whole by each round of commits, so that a read that holds one
 * sees one instant of everything (files, hot rows, counts) however long it takes.
 */
import { EngineError, invariant } from '../model/errors.ts';
import { type DataFile, type Ends, HOT, type KeptRecord, type Retention, type Snapshot, type Tag } from '../model/history.ts';
import {
  asLogIndex,
  asSnapshotId,
  asTimestampMs,
  type FileId,
  type LogIndex,
  type RowId,
  type SnapshotId,
  type TableId,
  type TimestampMs,
} from '../model/ids.ts';
import { didYouMean, listed } from '../model/nearest.ts';
import type { Column, TableSchema } from '../model/types.ts';

export interface TableState {
  readonly id: TableId;
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
  /** What expiry left of its history. */
  readonly kept: KeptRecord;
  /** The newest columns. */
  readonly schema: TableSchema;
  /** Every version of them, oldest first. */
  readonly schemas: readonly TableSchema[];
  /** The newest snapshot. */
  readonly last: Snapshot;
  /** Data files, by rowLo. */
  readonly files: readonly DataFile[];
  readonly filesBytes: number;
  /** Hot rows of this snapshot and before lie in files already. */
  readonly hotFloor: SnapshotId;
  /** New rows before this identity lie in files already; new versions of older rows may still be hot. */
  readonly hotRowLo: RowId;
  /** Rows, bytes, and versions of older rows that flushes ever took. */
  readonly flushedRowsEver: number;
  readonly flushedBytesEver: number;
  readonly flushedVersionsEver: number;
  /** Delete vectors, in the order of the commits that made them. */
  readonly ends: readonly Ends[];
  /** Grows when ends leave the list: they were written into files. */
  readonly endsEpoch: number;
  /** Grows when rows move: flush, compaction, erasure. */
  readonly filesEpoch: number;
}

export interface CatalogState {
  readonly logIndex: LogIndex;
  /** The newest commit; 0 before the first. */
  readonly snapshotId: SnapshotId;
  readonly timestampMs: TimestampMs;
  /** The newest hash of the audit chain. */
  readonly hash: Buffer;
  /** By table id; ids start at 1 and are never reused. */
  readonly tables: readonly (TableState | undefined)[];
  /** Tables that are not dropped. */
  readonly byName: ReadonlyMap<string, TableId>;
  readonly tags: ReadonlyMap<string, Tag>;
  /** Grows with each change of any table's names or columns: what the GraphQL schema is built from. */
  readonly schemaEpoch: number;
  readonly nextFileId: number;
  /** Commits with an idempotency key, ever. */
  readonly idempotentCommits: number;
}

export const EMPTY_STATE: CatalogState = {
  logIndex: asLogIndex(0),
  snapshotId: asSnapshotId(0),
  timestampMs: asTimestampMs(0),
  hash: Buffer.alloc(32),
  tables: [undefined],
  byName: new Map(),
  tags: new Map(),
  schemaEpoch: 0,
  nextFileId: 1,
  idempotentCommits: 0,
};

export function tableById(state: CatalogState, tableId: TableId): TableState {
  const table = state.tables[tableId];
  invariant(table !== undefined, `table ${tableId} is in the catalog`);
  return table;
}

export function findTable(state: CatalogState, name: string): TableState | undefined {
  const tableId = state.byName.get(name);
  return tableId === undefined ? undefined : tableById(state, tableId);
}

/** @throws EngineError TABLE_NOT_FOUND with the names that are near */
export function tableNamed(state: CatalogState, name: string): TableState {
  const table = findTable(state, name);
  if (table !== undefined) return table;
  const names = [...state.byName.keys()].sort();
  throw new EngineError('TABLE_NOT_FOUND', `there is no table ${JSON.stringify(name.slice(0, 80))}`, {
    details: { table: name.slice(0, 80) },
    hint: names.length === 0 ? 'Create it with createTable.' : `${didYouMean(name, names)}The tables are ${listed(names)}.`,
  });
}

/** All tables, dropped ones included. */
export function tablesOf(state: CatalogState): TableState[] {
  return state.tables.filter((table) => table !== undefined);
}

/** Every table that ever had a name, the newest first. @throws EngineError TABLE_NOT_FOUND where none had */
export function tablesEverNamed(state: CatalogState, name: string): TableState[] {
  const found = tablesOf(state).filter((table) => table.name === name);
  return found.length === 0 ? [tableNamed(state, name)] : found.reverse();
}

/** The newest table that ever had a name, dropped or not. */
export function tableEverNamed(state: CatalogState, name: string): TableState | undefined {
  return findTable(state, name) ?? state.tables.findLast((table) => table !== undefined && table.name === name);
}

export function columnsOfVersion(table: TableState, version: number): readonly Column[] {
  const schema = table.schemas.find((candidate) => candidate.version === version);
  if (schema === undefined) throw new EngineError('CORRUPT_DATA', `table ${table.name} has no schema version ${version}`);
  return schema.columns;
}

export function hotRowsOf(table: TableState): number {
  return table.last.hotRowsEver - table.flushedRowsEver;
}

export function hotBytesOf(table: TableState): number {
  return table.last.hotBytesEver - table.flushedBytesEver;
}

/** Versions of older rows among the hot ones. */
export function hotVersionsOf(table: TableState): number {
  return table.last.hotVersionsEver - table.flushedVersionsEver;
}

const endsByFile = new WeakMap<readonly Ends[], ReadonlyMap<FileId, readonly Ends[]>>();

/** A table's delete vectors by the file that holds the versions; HOT for hot rows. */
export function endsOf(table: Pick<TableState, 'ends'>): ReadonlyMap<FileId, readonly Ends[]> {
  let map = endsByFile.get(table.ends);
  if (map === undefined) {
    const grouped = new Map<FileId, Ends[]>();
    for (const ends of table.ends) {
      const list = grouped.get(ends.fileId);
      if (list === undefined) grouped.set(ends.fileId, [ends]);
      else list.push(ends);
    }
    map = grouped;
    endsByFile.set(table.ends, map);
  }
  return map;
}

/** How many versions of a file stand in its delete vectors. */
export function looseEndsOf(table: TableState, fileId: FileId): number {
  let count = 0;
  for (const ends of endsOf(table).get(fileId) ?? []) count += ends.rows.length;
  return count;
}

/** All deleted versions in the delete vectors of a table. */
export function looseEndsIn({ ends }: TableState): number {
  return ends.reduce((sum, { rows }) => sum + rows.length, 0);
}

export function hotEndsOf(table: TableState): number {
  return looseEndsOf(table, HOT);
}

/** Versions that no commit has deleted, counted where they lie: in files, and among the hot rows. */
export function livingRowsOf(table: TableState): number {
  let rows = hotRowsOf(table) - hotEndsOf(table);
  for (const { fileId, kind, rowCount, endedAt } of table.files)
    if (kind !== 'history' && endedAt === null) rows += rowCount - looseEndsOf(table, fileId);
  return rows;
}

/** Whether all of a dropped table's history has expired, but for what tags hold: compaction takes its other rows away. */
export function isGone({ droppedSnapshotId, kept }: Pick<TableState, 'droppedSnapshotId' | 'kept'>): boolean {
  return droppedSnapshotId !== null && kept.horizon >= droppedSnapshotId;
}

/** Whether a table's rows can still be read as of a snapshot. */
export function isKept({ kept }: TableState, snapshotId: SnapshotId): boolean {
  return snapshotId >= kept.horizon || kept.held.some(({ from, until }) => from <= snapshotId && snapshotId < until);
}

export function snapshotExpired(table: TableState, snapshotId: SnapshotId): EngineError {
  const { horizon, horizonMs } = table.kept;
  return new EngineError('SNAPSHOT_EXPIRED', `snapshot ${snapshotId} of table ${table.name} has expired; it is kept from ${horizon} on`, {
    details: { table: table.name, snapshotId, oldestSnapshotId: horizon, availableFrom: new Date(horizonMs).toISOString() },
    hint: 'Read it as of details.availableFrom or later. A tag would have kept the snapshot.',
  });
}

/** Whether a table was there at a snapshot. */
export function existedAt(table: TableState, snapshotId: SnapshotId): boolean {
  return table.createdSnapshotId <= snapshotId && (table.droppedSnapshotId === null || snapshotId < table.droppedSnapshotId);
}

export function tagNotFound({ tags }: Pick<CatalogState, 'tags'>, name: string): EngineError {
  const names = [...tags.keys()].sort();
  const known = `The tags are ${names.slice(0, 20).join(', ')}${names.length > 20 ? ', ...' : ''}.`;
  return new EngineError('TAG_NOT_FOUND', `there is no tag ${JSON.stringify(name.slice(0, 80))}`, {
    details: { tag: name.slice(0, 80) },
    hint: names.length === 0 ? 'Create it with createTag.' : known,
  });
}

/** The schema version that a table had at a snapshot. */
export function schemaAt(table: TableState, snapshotId: SnapshotId): TableSchema {
  return table.schemas.findLast((schema) => schema.since <= snapshotId) ?? (table.schemas[0] as TableSchema);
}

/** A state with one table replaced or added. */
export function withTable(state: CatalogState, table: TableState): CatalogState {
  const tables = state.tables.slice();
  tables[table.id] = table;
  return { ...state, tables };
}
