/** The manifest of a table at an instant: what holds its rows, as the catalog is arranged now; flush and compaction rearrange it. */
import type { TableState } from '../catalog/state.ts';
import type { DataFiles } from '../data/files.ts';
import type { ColumnBounds } from '../model/history.ts';
import { asSnapshotId, type SnapshotId } from '../model/ids.ts';
import type { Column } from '../model/types.ts';
import { mayHold } from './scan/visibility.ts';
import type { TableAt } from './table-at.ts';

/** A part of what holds a table's rows at an instant: a data file, or the hot rows together. */
export interface ManifestEntry {
  readonly kind: 'PARQUET' | 'HOT';
  /** Relative to the data directory; null for hot rows. */
  readonly path: string | null;
  readonly rowCount: number;
  readonly sizeBytes: number;
  /** SHA-256 of the file, hex; null for hot rows. */
  readonly sha256: string | null;
  readonly fromSnapshotId: SnapshotId;
  readonly toSnapshotId: SnapshotId;
  readonly bounds: readonly (ColumnBounds & { readonly column: Column })[];
}

/** `table` is of the newest state. */
export function manifestOf(
  table: TableState,
  { snapshotId, snapshot }: Pick<TableAt, 'snapshotId' | 'snapshot'>,
  files: Pick<DataFiles, 'relativePath'>,
): ManifestEntry[] {
  const entries = table.files
    .filter((file) => mayHold(table, file, { kind: 'visible', at: snapshotId }))
    .map(
      (file): ManifestEntry => ({
        kind: 'PARQUET',
        path: files.relativePath(file),
        rowCount: file.rowCount,
        sizeBytes: file.sizeBytes,
        sha256: file.sha256,
        fromSnapshotId: file.fromLo,
        toSnapshotId: file.fromHi,
        bounds: file.bounds.flatMap((bounds) => {
          const column = table.schema.columns.find((candidate) => candidate.fieldId === bounds.fieldId);
          return column === undefined ? [] : [{ ...bounds, column }];
        }),
      }),
    );
  const hotRows = snapshot.hotRowsEver - table.flushedRowsEver;
  if (hotRows <= 0) return entries;
  const hot: ManifestEntry = {
    kind: 'HOT',
    path: null,
    rowCount: hotRows,
    sizeBytes: snapshot.hotBytesEver - table.flushedBytesEver,
    sha256: null,
    fromSnapshotId: asSnapshotId(table.hotFloor + 1),
    toSnapshotId: snapshot.snapshotId,
    bounds: [],
  };
  return [...entries, hot];
}
