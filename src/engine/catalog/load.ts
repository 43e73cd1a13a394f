/** The state of the catalog, built from its records. Its cost does not grow with history. */
import type { Ends, Snapshot } from '../model/history.ts';
import { asFileId, asRowId, asSnapshotId, asTableId, type TableId } from '../model/ids.ts';
import { flushedKey, keptKey, lastNumber, PREFIX, prefixRange, snapshotKey, tableRange } from './keys.ts';
import {
  decodeEnds,
  decodeFile,
  decodeFlushed,
  decodeKept,
  decodeSnapshot,
  decodeTable,
  decodeTag,
  type FlushedRecord,
  type Head,
  NOTHING_EXPIRED,
} from './records.ts';
import { type CatalogState, columnsOfVersion, type TableState } from './state.ts';
import type { CatalogStore } from './store.ts';

/** The state as of the head. @throws EngineError CORRUPT_DATA where a record is damaged or missing */
export async function loadState(store: CatalogStore, head: Head): Promise<CatalogState> {
  const records = await store.entries(prefixRange(PREFIX.table), Number.MAX_SAFE_INTEGER);
  const tables: (TableState | undefined)[] = [undefined];
  for (const [key, value] of records) {
    const table = await loadTable(store, asTableId(key.readUInt32BE(1)), value);
    tables[table.id] = table;
  }
  const living = tables.filter((table) => table !== undefined && table.droppedSnapshotId === null) as TableState[];
  const tags = await store.entries(prefixRange(PREFIX.tag), Number.MAX_SAFE_INTEGER);
  return {
    ...head,
    tables,
    byName: new Map(living.map((table) => [table.name, table.id])),
    tags: new Map(tags.map(([, value]) => decodeTag(value)).map((tag) => [tag.name, tag])),
    schemaEpoch: tables.reduce((sum, table) => sum + (table?.schemas.length ?? 0), 0),
  };
}

async function loadTable(store: CatalogStore, tableId: TableId, bytes: Buffer): Promise<TableState> {
  const record = decodeTable(bytes);
  const schema = record.schemas.at(-1);
  const last = await lastSnapshot(store, tableId);
  if (schema === undefined || last === undefined) throw store.corrupt(`table ${record.name} has no snapshot`);
  const flushed = store.get(flushedKey(tableId));
  const floor = flushed === undefined ? NOTHING_FLUSHED : decodeFlushed(flushed);
  const kept = store.get(keptKey(tableId));
  const table: TableState = {
    ...record,
    id: tableId,
    kept: kept === undefined ? NOTHING_EXPIRED : decodeKept(kept),
    schema,
    last,
    files: [],
    filesBytes: 0,
    hotFloor: floor.hotFloor,
    hotRowLo: floor.hotRowLo,
    flushedRowsEver: floor.rowsEver,
    flushedBytesEver: floor.bytesEver,
    flushedVersionsEver: floor.versionsEver,
    ends: await loadEnds(store, tableId),
    endsEpoch: 0,
    filesEpoch: 0,
  };
  const entries = await store.entries(tableRange(PREFIX.file, tableId), Number.MAX_SAFE_INTEGER);
  const files = entries.map(([key, value]) => decodeFile(tableId, lastNumber(key), value, (version) => columnsOfVersion(table, version)));
  files.sort((left, right) => left.rowLo - right.rowLo);
  return { ...table, files, filesBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0) };
}

const NOTHING_FLUSHED: FlushedRecord = { hotFloor: asSnapshotId(0), hotRowLo: asRowId(0), rowsEver: 0, bytesEver: 0, versionsEver: 0 };

/** Delete vectors, in the order of the commits that made them. */
async function loadEnds(store: CatalogStore, tableId: TableId): Promise<Ends[]> {
  const entries = await store.entries(tableRange(PREFIX.ends, tableId), Number.MAX_SAFE_INTEGER);
  return entries.map(([key, value]) => {
    const to = asSnapshotId(key.readUInt32BE(5) * 2 ** 32 + key.readUInt32BE(9));
    return decodeEnds(to, asFileId(lastNumber(key)), value);
  });
}

async function lastSnapshot(store: CatalogStore, tableId: TableId): Promise<Snapshot | undefined> {
  const range = {
    gte: snapshotKey(tableId, asSnapshotId(0)),
    lte: snapshotKey(tableId, asSnapshotId(Number.MAX_SAFE_INTEGER)),
    reverse: true,
  };
  const entry = await store.first(range);
  return entry === undefined ? undefined : decodeSnapshot(tableId, asSnapshotId(lastNumber(entry[0])), entry[1]);
}
