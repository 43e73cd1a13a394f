/**
 * flush: moves a table's hot rows into Parquet files, in the background. The rows are sealed at the newest commit, written
 * from their mirrors, and the log entry moves the floor; the hot rows go once no reader needs them.
 */
import { hotKey } from '../catalog/keys.ts';
import { hotBytesOf, hotRowsOf, hotVersionsOf, tableById } from '../catalog/state.ts';
import type { NewFile, RewriteEntry } from '../log/entry.ts';
import { maintenanceHeader } from '../log/entry-id.ts';
import { asSnapshotId, type SnapshotId, type TableId } from '../model/ids.ts';
import { namedOrRemoved } from './named-files.ts';
import { noteFiles, observed, type Tally } from './observed.ts';
import type { MaintenanceParts } from './parts.ts';
import { writeVersions } from './rewrite.ts';

/** @returns the rows that were flushed; 0 where there was nothing to do */
export function flush(parts: MaintenanceParts, tableId: TableId): Promise<number> {
  return observed(parts.observer, 'flush', async (tally) => {
    if (hotRowsOf(tableById(parts.current(), tableId)) === 0) return 0;
    await parts.store.admit(true);
    const outputs: NewFile[] = [];
    return namedOrRemoved(parts, tableId, outputs, () => flushHot(parts, tableId, outputs, tally));
  });
}

async function flushHot(parts: MaintenanceParts, tableId: TableId, outputs: NewFile[], tally: Tally): Promise<number> {
  const state = parts.current();
  const table = tableById(state, tableId);
  const rows = hotRowsOf(table);
  if (rows === 0) return 0;
  const upTo: SnapshotId = state.snapshotId;
  const pin = parts.pins.pin(state.logIndex);
  try {
    // Sealed in the same turn that read the state: no commit after `upTo` is in the mirrors yet.
    parts.mirrors.seal(table, upTo);
    const read = await parts.mirrors.with(table, upTo, async (mirrors) => {
      let count = 0;
      for (const schemaVersion of new Set(mirrors.map((mirror) => mirror.schemaVersion))) {
        const sources = { files: [], mirrors: mirrors.filter((mirror) => mirror.schemaVersion === schemaVersion), schemaVersion };
        const part = await writeVersions(parts, table, sources, upTo);
        outputs.push(...part.outputs);
        count += part.read;
      }
      return count;
    });
    if (read !== rows) throw new Error(`flush of table ${table.name} read ${read} rows of ${rows}`);
    tally.rows = rows;
    tally.bytesIn = hotBytesOf(table);
    noteFiles(tally, [], outputs);
    const entry: RewriteEntry = {
      ...maintenanceHeader(),
      kind: 'rewrite',
      tableId,
      inputs: [],
      flushed: { upTo, hotRowLo: table.last.nextRow, rows, bytes: hotBytesOf(table), versions: hotVersionsOf(table) },
      outputs,
      endsUpTo: upTo,
    };
    const outcome = await parts.tableLocks.shared(tableId, () => parts.log.append(entry));
    if (outcome.kind !== 'maintained') throw new Error(`flush of table ${table.name} was refused`);
  } finally {
    pin.release();
  }
  const { store } = parts;
  const after = parts.current();
  parts.pins.retire(after.logIndex, () => {
    parts.mirrors.drop(tableId, upTo);
    parts.endMirrors.retire(tableId, tableById(after, tableId).endsEpoch);
    parts.background(store.clear({ gt: hotKey(tableId, asSnapshotId(0)), lte: hotKey(tableId, upTo) }));
  });
  return rows;
}
