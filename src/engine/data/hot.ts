/** Hot rows: the rows of small commits, read back from the catalog. */
import { hotKey, lastNumber } from '../catalog/keys.ts';
import { columnsOfVersion, type TableState } from '../catalog/state.ts';
import type { CatalogStore } from '../catalog/store.ts';
import { ByteReader } from '../model/bytes.ts';
import { decodeHotRows } from '../model/codec.ts';
import { asRowId, asSnapshotId, type RowId, type SnapshotId } from '../model/ids.ts';
import type { Cells } from '../model/types.ts';

/** The rows that one small commit brought. */
export interface HotCommit {
  readonly snapshotId: SnapshotId;
  /** The identity of the first row; the others follow. */
  readonly rowBase: RowId;
  readonly rows: readonly Cells[];
}

function decode(table: TableState, snapshotId: SnapshotId, value: Buffer): HotCommit {
  const reader = new ByteReader(value);
  const rowBase = asRowId(reader.varint());
  const rows = decodeHotRows(reader.raw(reader.remaining), (version) => columnsOfVersion(table, version));
  return { snapshotId, rowBase, rows };
}

/** Hot commits after `after`, up to and with `upTo`, at most `limit` of them, in order. */
export async function readHotCommits(
  store: CatalogStore,
  table: TableState,
  { after, upTo, limit }: { readonly after: SnapshotId; readonly upTo: SnapshotId; readonly limit: number },
): Promise<HotCommit[]> {
  const entries = await store.entries({ gt: hotKey(table.id, after), lte: hotKey(table.id, upTo) }, limit);
  return entries.map(([key, value]) => decode(table, asSnapshotId(lastNumber(key)), value));
}

/** The same from the newest on, at or before `upTo`. */
export async function readHotCommitsBackward(
  store: CatalogStore,
  table: TableState,
  { upTo, limit }: { readonly upTo: SnapshotId; readonly limit: number },
): Promise<HotCommit[]> {
  const entries = await store.entries({ gt: hotKey(table.id, table.hotFloor), lte: hotKey(table.id, upTo), reverse: true }, limit);
  return entries.map(([key, value]) => decode(table, asSnapshotId(lastNumber(key)), value));
}

/** The rows that a commit left in the catalog; undefined where it brought none, or they lie in a file by now. */
export function findHotCommit(store: CatalogStore, table: TableState, snapshotId: SnapshotId): HotCommit | undefined {
  const value = store.get(hotKey(table.id, snapshotId));
  return value === undefined ? undefined : decode(table, snapshotId, value);
}
