/**
 * The catalog in memory: immutable values, replaced as a whole by each round of commits, so that a read that holds one
 * sees one instant of everything (files, hot rows, counts) however long it takes.
 */
import { EngineError, invariant } from '../model/errors.ts';
import type { DataFile, Snapshot } from '../model/history.ts';
import {
  asLogIndex,
  asSnapshotId,
  asTimestampMs,
  type LogIndex,
  type RowId,
  type SnapshotId,
  type TableId,
  type TimestampMs,
} from '../model/ids.ts';
import type { Column, TableSchema } from '../model/types.ts';

export interface TableState {
  readonly id: TableId;
  readonly name: string;
  readonly graphqlName: string;
  readonly description: string | null;
  readonly createdSnapshotId: SnapshotId;
  readonly createdAtMs: TimestampMs;
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
  /** Rows before this identity lie in files already. */
  readonly hotRowLo: RowId;
  /** Rows and bytes that flushes ever took. */
  readonly flushedRowsEver: number;
  readonly flushedBytesEver: number;
}

export interface CatalogState {
  readonly logIndex: LogIndex;
  /** The newest commit; 0 before the first. */
  readonly snapshotId: SnapshotId;
  readonly timestampMs: TimestampMs;
  readonly chain: number;
  /** By table id; ids start at 1 and are never reused. */
  readonly tables: readonly (TableState | undefined)[];
  readonly byName: ReadonlyMap<string, TableId>;
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
  chain: 0,
  tables: [undefined],
  byName: new Map(),
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
    hint:
      names.length === 0
        ? 'Create it with createTable.'
        : `The tables are ${names.slice(0, 20).join(', ')}${names.length > 20 ? ', ...' : ''}.`,
  });
}

export function tablesOf(state: CatalogState): TableState[] {
  return state.tables.filter((table) => table !== undefined);
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

/** A state with one table replaced or added. */
export function withTable(state: CatalogState, table: TableState): CatalogState {
  const tables = state.tables.slice();
  tables[table.id] = table;
  return { ...state, tables };
}
