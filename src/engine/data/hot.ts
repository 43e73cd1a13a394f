/** Hot rows: the rows of small commits, as they lie in the catalog. */
import { hotKey, lastNumber } from '../catalog/keys.ts';
import { columnsOfVersion, type TableState } from '../catalog/state.ts';
import type { CatalogStore } from '../catalog/store.ts';
import { ByteReader, ByteWriter } from '../encoding/bytes.ts';
import { decodeHotRows } from '../encoding/codec.ts';
import { asRowId, asSnapshotId, type RowId, type SnapshotId } from '../model/ids.ts';
import type { Cells } from '../model/types.ts';

/** The rows that one small commit brought, in the columns of its own schema version. */
export interface HotCommit {
  readonly snapshotId: SnapshotId;
  readonly schemaVersion: number;
  /** Identities from here on are of rows that the commit brought; earlier ones of new versions of rows that were there. */
  readonly rowBase: RowId;
  /** The identities of the rows. */
  readonly rowIds: readonly RowId[];
  readonly rows: readonly Cells[];
}

/** The stored form: new rows, whose identities follow one another from `rowBase`, then new versions of older rows. */
export function encodeHotCommit(rowBase: RowId, newRows: number, versionRows: readonly number[], rows: Buffer): Buffer {
  const writer = new ByteWriter(16 + versionRows.length * 4 + rows.length).varint(rowBase).varint(newRows).varint(versionRows.length);
  for (const row of versionRows) writer.varint(row);
  return writer.raw(rows).finish();
}

export function decodeHotCommit(table: TableState, snapshotId: SnapshotId, value: Buffer): HotCommit {
  const reader = new ByteReader(value);
  const rowBase = reader.varint();
  const newRows = reader.varint();
  const versions = reader.varint();
  const rowIds: RowId[] = new Array(newRows + versions);
  for (let index = 0; index < newRows; index += 1) rowIds[index] = asRowId(rowBase + index);
  for (let index = 0; index < versions; index += 1) rowIds[newRows + index] = asRowId(reader.varint());
  let schemaVersion = 0;
  const rows = decodeHotRows(reader.raw(reader.remaining), (version) => {
    schemaVersion = version;
    return columnsOfVersion(table, version);
  });
  return { snapshotId, schemaVersion, rowBase: asRowId(rowBase), rowIds, rows };
}

/** Hot commits after `after`, up to and with `upTo`, at most `limit` of them, in order. */
export async function readHotCommits(
  store: CatalogStore,
  table: TableState,
  { after, upTo, limit }: { readonly after: SnapshotId; readonly upTo: SnapshotId; readonly limit: number },
): Promise<HotCommit[]> {
  const entries = await store.entries({ gt: hotKey(table.id, after), lte: hotKey(table.id, upTo) }, limit);
  return entries.map(([key, value]) => decodeHotCommit(table, asSnapshotId(lastNumber(key)), value));
}

/** The same from the newest on, at or before `upTo`. */
export async function readHotCommitsBackward(
  store: CatalogStore,
  table: TableState,
  { upTo, limit }: { readonly upTo: SnapshotId; readonly limit: number },
): Promise<HotCommit[]> {
  const entries = await store.entries({ gt: hotKey(table.id, table.hotFloor), lte: hotKey(table.id, upTo), reverse: true }, limit);
  return entries.map(([key, value]) => decodeHotCommit(table, asSnapshotId(lastNumber(key)), value));
}

/** The rows that a commit left in the catalog; undefined where it brought none, or they lie in a file by now. */
export function findHotCommit(store: CatalogStore, table: TableState, snapshotId: SnapshotId): HotCommit | undefined {
  const value = store.get(hotKey(table.id, snapshotId));
  return value === undefined ? undefined : decodeHotCommit(table, snapshotId, value);
}
