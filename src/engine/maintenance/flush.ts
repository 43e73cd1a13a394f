/**
 * flush: moves a table's hot rows into one Parquet file, in the background. The rows are sealed at the newest commit,
 * written from their mirror, and the log entry moves the floor; the hot rows go once no reader needs them.
 */

import { hotKey } from '../catalog/keys.ts';
import { tableById } from '../catalog/state.ts';
import { writeParquet } from '../data/parquet.ts';
import type { FlushEntry } from '../log/entry.ts';
import { maintenanceHeader } from '../log/entry-id.ts';
import { asRowId, asSnapshotId, type SnapshotId, type TableId } from '../model/ids.ts';
import type { MaintenanceParts } from './parts.ts';

/** @returns the rows that were flushed; 0 where there was nothing to do */
export async function flush(parts: MaintenanceParts, tableId: TableId): Promise<number> {
  const state = parts.current();
  const table = tableById(state, tableId);
  const rowsTaken = table.last.hotRowsEver - table.flushedRowsEver;
  if (rowsTaken === 0) return 0;
  const upTo: SnapshotId = state.snapshotId;
  const pin = parts.pins.pin(state.logIndex);
  try {
    // Sealed in the same turn that read the state: no commit after `upTo` is in the mirror yet.
    parts.mirrors.seal(table, upTo);
    const file = await parts.mirrors.with(table, upTo, (mirrors) =>
      parts.duck.withConnection((connection) => {
        const select = mirrors
          .map(({ name, after, upTo: end }) => `SELECT * FROM ${name} WHERE _from > ${after} AND _from <= ${end}`)
          .join(' UNION ALL ');
        return writeParquet(connection, { dataDirectory: parts.dataDirectory, tableId }, `SELECT * FROM (${select}) ORDER BY _row`, {
          columns: table.schema.columns,
          hidden: true,
        });
      }),
    );
    parts.files.written(file.name);
    const { spans, ...staged } = file;
    if (spans === undefined || file.rowCount !== rowsTaken) {
      throw new Error(`flush of table ${table.name} wrote ${file.rowCount} rows of ${rowsTaken}`);
    }
    const entry: FlushEntry = {
      ...maintenanceHeader(),
      kind: 'flush',
      tableId,
      upTo,
      hotRowLo: table.last.nextRow,
      rowsTaken,
      bytesTaken: table.last.hotBytesEver - table.flushedBytesEver,
      file: {
        ...staged,
        rowLo: asRowId(spans.rowLo),
        rowHi: asRowId(spans.rowHi),
        fromLo: asSnapshotId(spans.fromLo),
        fromHi: asSnapshotId(spans.fromHi),
        schemaVersion: table.schema.version,
      },
    };
    const outcome = await parts.log.append(entry);
    if (outcome.kind !== 'maintained') throw new Error(`flush of table ${table.name} was refused`);
  } finally {
    pin.release();
  }
  const store = parts.store;
  parts.pins.retire(parts.current().logIndex, () => {
    parts.mirrors.drop(tableId, upTo);
    parts.background(store.clear({ gt: hotKey(tableId, asSnapshotId(0)), lte: hotKey(tableId, upTo) }));
  });
  return rowsTaken;
}
