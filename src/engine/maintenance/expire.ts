/**
 * expire: snapshots that are no longer kept, by age or by number. The newest snapshot of a table, what tags hold and what a
 * cursor or a query still needs are never taken. The rows that nothing can see any more go with the next compaction.
 */

import { existedAt, type TableState, tableById } from '../catalog/state.ts';
import { fromDuck } from '../data/cells.ts';
import { newRoot } from '../data/file-root.ts';
import { nextTurn } from '../data/load-rows.ts';
import { ROWS_PER_TURN, windowsBelow } from '../data/windows.ts';
import type { RootBuilder } from '../encoding/proof.ts';
import type { ExpireEntry } from '../log/entry.ts';
import { maintenanceHeader } from '../log/entry-id.ts';
import type { Checkpoint, Held, KeptRecord, RowsProof, Snapshot } from '../model/history.ts';
import { asSnapshotId, type SnapshotId, type TableId } from '../model/ids.ts';
import type { History } from '../read/history.ts';
import { rowIsNotAmong } from '../read/scan/rows-sql.ts';
import type { Scanner } from '../read/scan/scanner.ts';
import { joinSql, nameOf, sql, where } from '../read/scan/sql.ts';
import { garbageBytes } from './compact.ts';
import { observed, type Tally } from './observed.ts';
import type { MaintenanceParts } from './parts.ts';

export interface ExpireParts extends MaintenanceParts {
  readonly history: History;
  readonly scanner: Scanner;
  /** The oldest snapshot that a cursor or a query still needs; undefined where none does. */
  readonly oldestNeeded: () => SnapshotId | undefined;
}

/** What may go: snapshots that are older than an instant, past a number of newest ones, or both where both are given. */
export interface ExpireLimits {
  /** UTC milliseconds: what was current then is kept, and all that is newer. */
  readonly olderThanMs: number | null;
  readonly retainLast: number | null;
}

export interface ExpiredTable {
  readonly table: TableState;
  /** Snapshots that went; the table's creation, which brought no rows, is not counted. */
  readonly removedSnapshots: number;
  /** Bytes of files that hold nothing but what went, about; compaction gives them back. */
  readonly reclaimableBytes: number;
  /** The oldest snapshot from which on all are kept. */
  readonly oldestSnapshotId: SnapshotId;
}

/** Times that an expiry looks again since something came to need what it would take. */
const ATTEMPTS = 5;
/** Snapshots that one log entry takes. */
const ENTRY_SNAPSHOTS = 2_000;

/** @returns what went, or, on a dry run, would go */
export function expireTable(parts: ExpireParts, tableId: TableId, limits: ExpireLimits, dryRun: boolean): Promise<ExpiredTable> {
  return observed(parts.observer, 'expire', (tally) => expireSteps(parts, tableId, { limits, dryRun }, tally));
}

async function expireSteps(
  parts: ExpireParts,
  tableId: TableId,
  { limits, dryRun }: { readonly limits: ExpireLimits; readonly dryRun: boolean },
  tally: Tally,
): Promise<ExpiredTable> {
  const before = tableById(parts.current(), tableId);
  let horizon = await horizonFor(parts, before, limits);
  let removedSnapshots = 0;
  let attempts = 0;
  for (;;) {
    const table = tableById(parts.current(), tableId);
    const target = dryRun ? horizon : asSnapshotId(Math.min(horizon, await stepHorizon(parts, table, horizon)));
    const kept = await keptAt(parts, table, target);
    const removed = await removedBy(parts, table, kept, dryRun ? Number.MAX_SAFE_INTEGER : ENTRY_SNAPSHOTS * 2);
    const counted = removed.filter((snapshot) => snapshot.operation !== 'CREATE' || snapshot.insertedRows > 0).length;
    if (dryRun)
      return { table, removedSnapshots: counted, reclaimableBytes: await garbageBytes(parts, table, kept), oldestSnapshotId: target };
    const held = JSON.stringify(kept.held) !== JSON.stringify(table.kept.held);
    if (removed.length > 0 || held || target > table.kept.horizon) {
      const last = target === horizon;
      const checkpoints = last ? await checkpointsOf(parts, table, kept) : [];
      const entry: ExpireEntry = {
        ...maintenanceHeader(),
        kind: 'expire',
        tableId,
        baseHorizon: table.kept.horizon,
        kept: { ...kept, checkpoints },
        removed: removed.map(({ snapshotId, operation }) => ({ snapshotId, operation })),
      };
      // What a query or a cursor took meanwhile, and a tag that was set, hold their snapshots: looked at again.
      const needed = parts.oldestNeeded();
      const blocked = needed !== undefined && (await currentAt(parts, table, needed)) < target;
      const outcome = blocked ? undefined : await parts.tableLocks.shared(tableId, () => parts.log.append(entry));
      if (outcome?.kind !== 'maintained') {
        attempts += 1;
        if (attempts >= ATTEMPTS) {
          tally.outcome = 'refused';
          break;
        }
        horizon = await horizonFor(parts, tableById(parts.current(), tableId), limits);
        continue;
      }
      removedSnapshots += counted;
      tally.snapshots = removedSnapshots;
    }
    if (target >= horizon) break;
  }
  const table = tableById(parts.current(), tableId);
  return { table, removedSnapshots, reclaimableBytes: await garbageBytes(parts, table, table.kept), oldestSnapshotId: table.kept.horizon };
}

/** The oldest snapshot that stays. */
async function horizonFor(parts: ExpireParts, table: TableState, { olderThanMs, retainLast }: ExpireLimits): Promise<SnapshotId> {
  const candidates: number[] = [table.last.snapshotId];
  if (retainLast !== null) {
    const range = { lo: table.kept.horizon, hi: table.last.snapshotId, descending: true, limit: retainLast };
    candidates.push((await parts.history.snapshots(table.id, undefined, range)).at(-1)?.snapshotId ?? table.kept.horizon);
  }
  if (olderThanMs !== null) candidates.push(await currentAt(parts, table, await parts.history.snapshotAt(parts.current(), olderThanMs)));
  const needed = parts.oldestNeeded();
  if (needed !== undefined) candidates.push(await currentAt(parts, table, needed));
  return asSnapshotId(Math.max(table.kept.horizon, Math.min(...candidates)));
}

/** The table's snapshot that was current at a commit; its oldest one before the first. */
async function currentAt(parts: ExpireParts, table: TableState, at: SnapshotId): Promise<SnapshotId> {
  const floor = Math.max(table.kept.horizon, table.createdSnapshotId);
  if (at < floor) return asSnapshotId(floor);
  return (await parts.history.snapshotAtOrBefore(table, at))?.snapshotId ?? asSnapshotId(floor);
}

/** The horizon that one entry moves to on its way. */
async function stepHorizon(parts: ExpireParts, table: TableState, horizon: SnapshotId): Promise<SnapshotId> {
  const range = { lo: table.kept.horizon, hi: horizon, descending: false, limit: ENTRY_SNAPSHOTS };
  const snapshots = await parts.history.snapshots(table.id, undefined, range);
  return snapshots.length < ENTRY_SNAPSHOTS ? horizon : (snapshots.at(-1) as Snapshot).snapshotId;
}

/** What is kept with a horizon: all from it on, and what tags hold below. */
async function keptAt(parts: ExpireParts, table: TableState, horizon: SnapshotId): Promise<KeptRecord> {
  const held = new Map<number, Held>();
  for (const { snapshotId } of parts.current().tags.values()) {
    if (snapshotId >= horizon || !existedAt(table, snapshotId)) continue;
    const known = table.kept.held.find(({ from, until }) => from <= snapshotId && snapshotId < until);
    if (known !== undefined) {
      held.set(known.from, known);
      continue;
    }
    const snapshot = await parts.history.snapshotAtOrBefore(table, snapshotId);
    if (snapshot === undefined) continue;
    const range = { lo: asSnapshotId(snapshot.snapshotId + 1), hi: table.last.snapshotId, descending: false, limit: 1 };
    const [next] = await parts.history.snapshots(table.id, undefined, range);
    held.set(snapshot.snapshotId, { from: snapshot.snapshotId, until: next?.snapshotId ?? horizon });
  }
  const oldest = parts.history.snapshot(table.id, horizon);
  return {
    horizon,
    horizonMs: oldest?.timestampMs ?? table.kept.horizonMs,
    held: [...held.values()].sort((left, right) => left.from - right.from),
    checkpoints: [],
    erased: table.kept.erased.filter(({ from, to }) => to > horizon || [...held.keys()].some((at) => from <= at && at < to)),
  };
}

async function removedBy(parts: ExpireParts, table: TableState, kept: KeptRecord, limit: number): Promise<Snapshot[]> {
  if (kept.horizon === 0) return [];
  const range = { lo: asSnapshotId(0), hi: asSnapshotId(kept.horizon - 1), descending: false, limit };
  const snapshots = await parts.history.snapshots(table.id, undefined, range);
  return snapshots.filter(({ snapshotId }) => !kept.held.some(({ from }) => from === snapshotId));
}

/** Roots over the oldest states that are kept, in place of those of the commits that brought their rows. */
async function checkpointsOf(parts: ExpireParts, table: TableState, kept: KeptRecord): Promise<Checkpoint[]> {
  const checkpoints: Checkpoint[] = [];
  for (const at of [...kept.held.map(({ from }) => from), kept.horizon]) {
    const known = table.kept.checkpoints.find((checkpoint) => checkpoint.at === at);
    const root = newRoot(schemaOf(parts, table, at));
    checkpoints.push(known ?? { at, ...(isGone(table, at) ? root.finish() : await rootAt(parts, table, at, root)) });
  }
  return checkpoints;
}

/** Whether a table's end is all that is there from a snapshot on: nothing reads its rows then, and maintenance takes them away. */
function isGone({ last }: TableState, at: SnapshotId): boolean {
  return last.operation === 'DROP' && at === last.snapshotId;
}

export function schemaOf({ history }: Pick<ExpireParts, 'history'>, table: TableState, at: SnapshotId) {
  const version = history.snapshot(table.id, at)?.schemaVersion;
  return (table.schemas.find((schema) => schema.version === version) ?? table.schema).columns;
}

/** The root over a table's rows as of a snapshot of it, some left out, read in bounded windows. */
export async function rootAt(
  parts: Pick<ExpireParts, 'history' | 'scanner'>,
  table: TableState,
  at: SnapshotId,
  root: RootBuilder,
  without?: ArrayLike<number>,
): Promise<RowsProof> {
  const columns = schemaOf(parts, table, at);
  const names = joinSql(columns.map(nameOf));
  const nextRow = parts.history.snapshot(table.id, at)?.nextRow ?? table.last.nextRow;
  for (const window of windowsBelow(nextRow)) {
    const rows = await parts.scanner.scan(
      {
        tableId: table.id,
        visibility: { kind: 'visible', at },
        window,
        columns,
        hidden: 'version',
        statement: (relation) => sql`SELECT ${names} FROM ${relation}${where(rowIsNotAmong(without))} ORDER BY _row`,
      },
      {},
    );
    for (const [index, row] of rows.entries()) {
      root.add(columns.map((column, position) => fromDuck(column, row[position] ?? null)));
      if (index % ROWS_PER_TURN === 0) await nextTurn();
    }
  }
  return root.finish();
}
