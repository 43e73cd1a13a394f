/** Commits and snapshots: by id, by time, paged and counted. */
import {
  asSnapshotId,
  type Commit,
  type Operation,
  type PageArguments,
  type Snapshot,
  type SnapshotId,
  type Table,
} from '../engine/index.ts';
import { type Connection, newestFirst } from './connections.ts';
import type { Context } from './context.ts';
import { toTimestampMs } from './scalars.ts';
import type { TableViewModel } from './table-view.ts';

export interface TimeRange {
  readonly from?: string | number | null | undefined;
  readonly to?: string | number | null | undefined;
}

/** Snapshot ids of the commits from `from` to `to`, both included. */
async function idRange(context: Context, { from, to }: TimeRange): Promise<{ lo: SnapshotId; hi: SnapshotId; incarnation: string }> {
  const { session } = context;
  const { headSnapshotId, incarnation } = session;
  const before = from == null ? asSnapshotId(0) : await session.snapshotIdAt(toTimestampMs(from) - 1);
  const hi = to == null ? headSnapshotId : await session.snapshotIdAt(toTimestampMs(to));
  return { lo: asSnapshotId(before + 1), hi, incarnation };
}

export async function tableSnapshots(
  context: Context,
  table: Table,
  args: PageArguments & TimeRange & { readonly operation?: Operation | null | undefined },
): Promise<Connection<Snapshot>> {
  const { session } = context;
  const range = await idRange(context, args);
  const operation = args.operation ?? undefined;
  const current = session.tableById(table.id) ?? table;
  return newestFirst(args, {
    range,
    read: (ids) => session.snapshots(table, operation, ids),
    idOf: (snapshot) => snapshot.snapshotId,
    count: () => session.countSnapshots(current, operation, range),
  });
}

export async function listCommits(
  context: Context,
  args: PageArguments & TimeRange & { readonly tables?: readonly string[] | null | undefined; readonly author?: string | null | undefined },
): Promise<Connection<Commit>> {
  const range = await idRange(context, args);
  const tableIds = args.tables?.flatMap((name) => context.session.tablesEverNamed(name).map((table) => table.id));
  const filter = { tableIds, author: args.author ?? undefined };
  const { session } = context;
  return newestFirst(args, {
    range,
    read: (ids) => session.commits(filter, ids),
    idOf: (commit) => commit.snapshotId,
    count: () => session.countCommits(filter, range, context.lifetime),
  });
}

/** A commit by id. @throws EngineError SNAPSHOT_NOT_FOUND */
export async function commitById(context: Context, snapshotId: number): Promise<Commit> {
  const { snapshotId: id } = await context.session.resolve({ kind: 'snapshot', snapshotId });
  return context.session.commitOf(id);
}

export function tableOf(context: Context, snapshot: Snapshot): Table {
  const table = context.session.tableById(snapshot.tableId);
  if (table === undefined) throw new Error(`snapshot ${snapshot.snapshotId} names table ${snapshot.tableId}, which is not there`);
  return table;
}

export function parentOf(context: Context, snapshot: Snapshot): Snapshot | null {
  if (snapshot.parentId === null) return null;
  return context.session.snapshot(tableOf(context, snapshot), snapshot.parentId) ?? null;
}

/**
 * The table as of the snapshot: an instant by name, also where it is the newest. That of a DROP as it was right before,
 * which is empty where the same commit had created it, or all before it has expired.
 */
export async function snapshotView(context: Context, snapshot: Snapshot): Promise<TableViewModel> {
  return { at: await context.session.tableAtOwn(tableOf(context, snapshot), snapshot), isPresent: false };
}
