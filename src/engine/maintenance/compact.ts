/**
 * compact: merges runs of small files into larger ones, moves versions that have ended out of the files of living ones,
 * and leaves out what has expired. The work of one step is bounded; the inputs go once no reader needs them.
 */
import { isGone, looseEndsIn, looseEndsOf, type TableState, tableById } from '../catalog/state.ts';
import type { NewFile, RewriteEntry } from '../log/entry.ts';
import { maintenanceHeader } from '../log/entry-id.ts';
import type { DataFile, KeptRecord } from '../model/history.ts';
import type { TableId } from '../model/ids.ts';
import { LIMITS } from '../model/limits.ts';
import { relationSql } from '../read/scan/relation.ts';
import { sql } from '../read/scan/sql.ts';
import { namedOrRemoved } from './named-files.ts';
import { noteFiles, observed, type Tally } from './observed.ts';
import type { MaintenanceParts } from './parts.ts';
import { keptSql, writeVersions } from './rewrite.ts';

/** Files of about one size are merged once there are this many of them. */
const FAN_IN = 4;
/** Files merged at once at most. */
const INPUTS_MAX = 64;
/** Sizes count as about one where they fall between the same powers of this. */
const TIER_FACTOR = 4;
const TIER_BASE_BYTES = 64 * 1024;
/** Part of a file's versions that have ended at which those that live are written anew. */
const ENDED_PART = 0.1;
/** Part of a file that is garbage at which it is rewritten. */
const GARBAGE_PART = 0.3;

function tierOf(file: DataFile): number {
  return Math.max(0, Math.floor(Math.log(file.sizeBytes / TIER_BASE_BYTES) / Math.log(TIER_FACTOR)));
}

/**
 * The next run of neighbouring files to merge; empty where there is none worth it.
 * `eager`: any two neighbours that fit together, as compaction on demand does.
 */
function pickRun(files: readonly DataFile[], eager: boolean): DataFile[] {
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

/** What a step of compaction takes: files of one schema version. */
function pickInputs(table: TableState, eager: boolean): DataFile[] {
  // Delete vectors are held in memory: too many of them in all go, however few each file has.
  const many = looseEndsIn(table) > LIMITS.looseEndsMax / 4;
  const withEnded = table.files.filter((file) => {
    if (file.kind === 'history') return false;
    const ended = file.endedAt === null ? looseEndsOf(table, file.fileId) : file.rowCount;
    return ended > 0 && (eager || many || ended >= file.rowCount * ENDED_PART);
  });
  if (withEnded.length > 0) return bounded(withEnded);
  for (const group of groupsOf(table.files)) {
    const run = pickRun(group, eager);
    if (run.length > 0) return run;
  }
  return [];
}

/** As many files of the first one's schema version as one step takes. */
function bounded(files: readonly DataFile[]): DataFile[] {
  const taken: DataFile[] = [];
  let rows = 0;
  for (const file of files) {
    if (file.schemaVersion !== files[0]?.schemaVersion) continue;
    rows += file.rowCount;
    if (taken.length > 0 && (rows > LIMITS.compactRowsMax || taken.length >= INPUTS_MAX)) break;
    taken.push(file);
  }
  return taken;
}

/** Files that may be merged: of one schema version, living by rows, history of one bucket by ends. */
function groupsOf(files: readonly DataFile[]): DataFile[][] {
  const groups = new Map<string, DataFile[]>();
  for (const file of files) {
    const key = `${file.schemaVersion}:${file.kind === 'history' ? file.lifeLog : 'live'}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [file]);
    else group.push(file);
  }
  for (const group of groups.values()) if (group[0]?.kind === 'history') group.sort((left, right) => left.toLo - right.toLo);
  return [...groups.values()];
}

/** Does one step. @returns the number of files taken; 0 where there was nothing to do */
export function compactOnce(parts: MaintenanceParts, tableId: TableId, eager: boolean): Promise<number> {
  const outputs: NewFile[] = [];
  return observed(parts.observer, 'compact', (tally) =>
    namedOrRemoved(parts, tableId, outputs, () => rewriteOnce(parts, tableId, eager, outputs, tally)),
  );
}

async function rewriteOnce(parts: MaintenanceParts, tableId: TableId, eager: boolean, outputs: NewFile[], tally: Tally): Promise<number> {
  const state = parts.current();
  const table = tableById(state, tableId);
  const pin = parts.pins.pin(state.logIndex);
  let inputs: readonly DataFile[] = [];
  try {
    inputs = pickInputs(table, eager);
    if (inputs.length === 0) inputs = await pickGarbage(parts, table, eager);
    const [first] = inputs;
    if (first === undefined) return 0;
    await parts.store.admit(true);
    const sources = { files: inputs, mirrors: [], schemaVersion: first.schemaVersion };
    const { outputs: written, read } = await writeVersions(parts, table, sources, state.snapshotId);
    outputs.push(...written);
    const rows = inputs.reduce((sum, input) => sum + input.rowCount, 0);
    if (read !== rows) throw new Error(`compaction of table ${table.name} read ${read} versions of ${rows}`);
    tally.rows = rows;
    noteFiles(tally, inputs, outputs);
    const entry: RewriteEntry = {
      ...maintenanceHeader(),
      kind: 'rewrite',
      tableId,
      inputs: inputs.map((input) => input.fileId),
      flushed: null,
      outputs,
      endsUpTo: state.snapshotId,
    };
    const outcome = await parts.tableLocks.shared(tableId, () => parts.log.append(entry));
    if (outcome.kind !== 'maintained') {
      tally.outcome = 'refused';
      return 0;
    }
  } finally {
    pin.release();
  }
  retireFiles(parts, tableId, inputs);
  return inputs.length;
}

/** Removes files that the current state no longer names, once no reader needs them. */
function retireFiles(parts: MaintenanceParts, tableId: TableId, files: readonly DataFile[]): void {
  const after = parts.current();
  parts.pins.retire(after.logIndex, () => {
    parts.endMirrors.retire(tableId, tableById(after, tableId).endsEpoch);
    for (const file of files) parts.background(parts.files.remove(file));
  });
}

/** How much of a file is garbage below a horizon, counted once. */
const counted = new WeakMap<DataFile, { readonly kept: KeptRecord; readonly garbage: number }>();

/** A history file of which enough can be seen by nothing that is kept. */
async function pickGarbage(parts: MaintenanceParts, table: TableState, eager: boolean): Promise<DataFile[]> {
  if (table.kept.horizon === 0) return [];
  for (const file of table.files) {
    if (!mayHaveGarbage(table, table.kept, file)) continue;
    let known = counted.get(file);
    if (known === undefined || known.kept !== table.kept) {
      known = { kept: table.kept, garbage: await countGarbage(parts, table, table.kept, file) };
      counted.set(file, known);
    }
    if (known.garbage > 0 && (eager || known.garbage >= file.rowCount * GARBAGE_PART)) return [file];
  }
  return [];
}

/** History below the horizon, and, of a dropped table of which nothing is kept, everything. */
function mayHaveGarbage(table: TableState, kept: KeptRecord, file: DataFile): boolean {
  if (file.kind === 'history') return file.toLo <= kept.horizon;
  const { droppedSnapshotId } = table;
  return isGone({ droppedSnapshotId, kept }) && file.endedAt === null && looseEndsOf(table, file.fileId) === 0;
}

/** Bytes of files that nothing which is kept can see, about. */
export async function garbageBytes(parts: MaintenanceParts, table: TableState, kept: KeptRecord): Promise<number> {
  let bytes = 0;
  for (const file of table.files) {
    if (!mayHaveGarbage(table, kept, file)) continue;
    bytes += Math.round((file.sizeBytes * (await countGarbage(parts, table, kept, file))) / file.rowCount);
  }
  return bytes;
}

async function countGarbage(parts: MaintenanceParts, table: TableState, kept: KeptRecord, file: DataFile): Promise<number> {
  const relation = relationSql({
    table,
    visibility: { kind: 'all', upTo: parts.current().snapshotId },
    files: parts.files,
    planned: [file],
    mirrors: [],
    deletes: undefined,
    columns: [],
    hidden: 'full',
  });
  const counting =
    sql`SELECT count(*) FROM (${relation}) WHERE NOT (${keptSql({ droppedSnapshotId: table.droppedSnapshotId, kept })})`.render();
  const result = await parts.files.reading([file], () => parts.duck.run(counting.sql, counting.parameters));
  return Number((await result.getRows())[0]?.[0] ?? 0);
}

/** Whether a step is worth it without being asked. */
export function wantsCompaction(table: TableState): boolean {
  return pickInputs(table, false).length > 0;
}
