/**
 * compact: merges runs of small files into larger ones, sorted by row identity. Versions keep their life spans, so no
 * answer changes (invariant 3). The work of one merge is bounded; the merged files go once no reader needs them.
 */
import { type TableState, tableById } from '../catalog/state.ts';
import { writeParquet } from '../data/parquet.ts';
import type { CompactEntry } from '../log/entry.ts';
import { maintenanceHeader } from '../log/entry-id.ts';
import type { DataFile } from '../model/history.ts';
import { asRowId, asSnapshotId, type TableId } from '../model/ids.ts';
import { LIMITS } from '../model/limits.ts';
import { SqlParameters } from '../read/filter.ts';
import { relationSql } from '../read/plan.ts';
import type { MaintenanceParts } from './parts.ts';

/** Files of about one size are merged once there are this many of them. */
const FAN_IN = 4;
/** Files merged at once at most. */
const INPUTS_MAX = 64;
/** Sizes count as about one where they fall between the same powers of this. */
const TIER_FACTOR = 4;
const TIER_BASE_BYTES = 64 * 1024;

function tierOf(file: DataFile): number {
  return Math.max(0, Math.floor(Math.log(file.sizeBytes / TIER_BASE_BYTES) / Math.log(TIER_FACTOR)));
}

/**
 * The next run of neighbouring files to merge; empty where there is none worth it.
 * `eager`: any two neighbours that fit together, as compaction on demand does.
 */
export function pickRun(files: readonly DataFile[], eager: boolean): DataFile[] {
  let best: DataFile[] = [];
  let start = 0;
  while (start < files.length) {
    const run: DataFile[] = [];
    let rows = 0;
    let bytes = 0;
    const tier = tierOf(files[start] as DataFile);
    for (const file of files.slice(start, start + INPUTS_MAX)) {
      rows += file.rowCount;
      bytes += file.sizeBytes;
      if (rows > LIMITS.compactRowsMax || bytes > LIMITS.compactBytesMax) break;
      // A smaller file between larger ones joins their run, else it would stay small for ever.
      if (!eager && tierOf(file) > tier) break;
      run.push(file);
    }
    if (run.length > best.length) best = run;
    start += Math.max(1, run.length);
  }
  return best.length >= (eager ? 2 : FAN_IN) ? best : [];
}

/** Merges one run. @returns the number of files merged; 0 where there was nothing to do */
export async function compactOnce(parts: MaintenanceParts, tableId: TableId, eager: boolean): Promise<number> {
  const state = parts.current();
  const table = tableById(state, tableId);
  const inputs = pickRun(table.files, eager);
  if (inputs.length === 0) return 0;
  const pin = parts.pins.pin(state.logIndex);
  try {
    await parts.files.ensureChecked(inputs);
    const entry = await merge(parts, table, inputs);
    const outcome = await parts.log.append(entry);
    if (outcome.kind !== 'maintained') return 0;
  } finally {
    pin.release();
  }
  parts.pins.retire(parts.current().logIndex, () => {
    for (const file of inputs) parts.background(parts.files.remove(file));
  });
  return inputs.length;
}

async function merge(parts: MaintenanceParts, table: TableState, inputs: readonly DataFile[]): Promise<CompactEntry> {
  const { columns, version } = table.schema;
  const relation = relationSql({
    table,
    files: parts.files,
    planned: inputs,
    mirrors: [],
    // Every version of the inputs goes into the output, whenever it was brought.
    snapshotId: asSnapshotId(Number.MAX_SAFE_INTEGER),
    columns,
    hidden: true,
    parameters: new SqlParameters(),
  });
  const file = await parts.duck.withConnection((connection) =>
    writeParquet(connection, { dataDirectory: parts.dataDirectory, tableId: table.id }, `SELECT * FROM (${relation}) ORDER BY _row`, {
      columns,
      hidden: true,
    }),
  );
  parts.files.written(file.name);
  const { spans, ...staged } = file;
  const rows = inputs.reduce((sum, input) => sum + input.rowCount, 0);
  if (spans === undefined || file.rowCount !== rows)
    throw new Error(`compaction of table ${table.name} wrote ${file.rowCount} rows of ${rows}`);
  return {
    ...maintenanceHeader(),
    kind: 'compact',
    tableId: table.id,
    inputs: inputs.map((input) => input.fileId),
    outputs: [
      {
        ...staged,
        rowLo: asRowId(spans.rowLo),
        rowHi: asRowId(spans.rowHi),
        fromLo: asSnapshotId(spans.fromLo),
        fromHi: asSnapshotId(spans.fromHi),
        schemaVersion: version,
      },
    ],
  };
}
