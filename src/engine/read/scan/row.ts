/** A row as reads give it. */
import type { RowId, SnapshotId } from '../../model/ids.ts';
import type { Cell } from '../../model/types.ts';

/** One version of one row, the cells of the page's columns in their order. */
export interface Row {
  readonly rowId: RowId;
  /** The snapshot that brought this version. */
  readonly fromSnapshotId: SnapshotId;
  readonly cells: readonly Cell[];
}
