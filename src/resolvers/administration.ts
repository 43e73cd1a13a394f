/** Tags, retention, expiry, restore and erasure: what is done to history itself. */
import {
  asSnapshotId,
  type CommitOptions,
  EngineError,
  type ExpireResult,
  type Instant,
  type Table,
  type Tag,
  type VerifyReport,
} from '../engine/index.ts';
import { asOfOf, type InstantArguments } from './as-of.ts';
import type { Context } from './context.ts';
import type { CatalogDiffModel } from './diff.ts';
import { genericFilter, refuseEmptyFilter } from './filters.ts';
import { type PayloadModel, withView } from './payloads.ts';
import { toTimestampMs } from './scalars.ts';

export function createTag(
  context: Context,
  args: { readonly name: string; readonly at?: InstantArguments | null | undefined; readonly message?: string | null | undefined },
): Promise<Tag> {
  return context.engine.createTag(args.name, args.at == null ? { kind: 'newest' } : asOfOf({ at: args.at }), args.message ?? null);
}

export interface ExpireArguments {
  readonly table?: string | null | undefined;
  readonly olderThan?: string | number | null | undefined;
  readonly olderThanMs?: number | null | undefined;
  readonly retainLast?: number | null | undefined;
  readonly dryRun?: boolean | null | undefined;
}

/** `olderThanMs` is an age. */
export function expireSnapshots(context: Context, { olderThan, olderThanMs: ageMs, ...args }: ExpireArguments): Promise<ExpireResult> {
  refuseNullDryRun(args.dryRun);
  if (olderThan != null && ageMs != null)
    throw new EngineError('BAD_USER_INPUT', 'give olderThan, an instant, or olderThanMs, an age, not both');
  if (ageMs != null && ageMs < 0) throw new EngineError('BAD_USER_INPUT', `olderThanMs: ${ageMs} is not an age in milliseconds`);
  const olderThanMs = olderThan != null ? toTimestampMs(olderThan) : ageMs == null ? null : context.engine.administration.ago(ageMs);
  return context.engine.expireSnapshots({ ...args, olderThanMs });
}

export interface RestoreModel extends PayloadModel {
  readonly dryRun: boolean;
  /** What it changes, or on a dry run would change. */
  readonly diff: CatalogDiffModel;
  /** Global ids of the rows that a revert left as they are. */
  readonly skipped: readonly string[];
}

export async function restore(
  context: Context,
  args: {
    readonly tables?: readonly string[] | null | undefined;
    readonly to: InstantArguments;
    readonly dryRun?: boolean | null | undefined;
    readonly options?: CommitOptions | null | undefined;
  },
): Promise<RestoreModel> {
  const { engine } = context;
  refuseNullDryRun(args.dryRun);
  const tables = args.tables ?? null;
  if (tables !== null && tables.length === 0)
    throw new EngineError('BAD_USER_INPUT', 'tables is empty: name some, or leave it out for all of the catalog');
  const to = await engine.read.resolve(asOfOf({ at: args.to }), context.lifetime.signal);
  const only = await engine.administration.restorable({ tables, to: to.snapshotId });
  if (args.dryRun === true) {
    const from = await engine.read.resolve({ kind: 'newest' });
    const counts = { insertedRows: 0, updatedRows: 0, deletedRows: 0 };
    for (const table of only) {
      refuseTaken(context, table, tables);
      refuseUnexpected(table, args.options?.expectedSnapshotId);
      const diff = await engine.read.diff(table, { from: from.snapshotId, to: to.snapshotId });
      counts.insertedRows += diff.insertedRows;
      counts.updatedRows += diff.updatedRows;
      counts.deletedRows += diff.deletedRows;
    }
    refuseUnexpectedRows(counts, args.options?.expectedRows);
    const would = { commit: null, snapshots: only.map((table) => table.last), replayed: false, ...counts };
    return { ...(await withView(context, would)), dryRun: true, diff: { from, to, only }, skipped: [] };
  }
  const result = await engine.restore({ tables, to: { kind: 'snapshot', snapshotId: to.snapshotId } }, args.options);
  const after: Instant = result.commit ?? (await engine.read.resolve({ kind: 'newest' }));
  const before = result.commit === null ? after : await instantBefore(context, result.commit.snapshotId);
  return { ...(await withView(context, result)), dryRun: false, diff: { from: before, to: after, only }, skipped: [] };
}

/** A lost variable must not make a dry run a real one. @throws EngineError BAD_USER_INPUT */
export function refuseNullDryRun(dryRun: boolean | null | undefined): void {
  if (dryRun === null) throw new EngineError('BAD_USER_INPUT', 'dryRun is null; say true or false, or leave it out');
}

/** @throws EngineError CONFLICT as the restore itself would */
function refuseUnexpected(table: Table, expected: number | null | undefined): void {
  if (expected == null || table.last.snapshotId <= expected) return;
  throw new EngineError(
    'CONFLICT',
    `table ${table.name} has changed: its newest snapshot is ${table.last.snapshotId}, expected ${expected} or older`,
    {
      details: { table: table.name, expectedSnapshotId: expected, actualSnapshotId: table.last.snapshotId },
      hint: 'Read the table again and decide anew.',
    },
  );
}

/** @throws EngineError CONFLICT as the restore itself would */
function refuseUnexpectedRows(
  counts: { readonly insertedRows: number; readonly updatedRows: number; readonly deletedRows: number },
  expectedRows: number | null | undefined,
): void {
  const actualRows = counts.insertedRows + counts.updatedRows + counts.deletedRows;
  if (expectedRows == null || expectedRows === actualRows) return;
  throw new EngineError('CONFLICT', `the commit would change ${actualRows} rows, expected ${expectedRows}`, {
    details: { expectedRows, actualRows },
    hint: 'Nothing was done. Read the rows again and decide anew.',
  });
}

/** @throws EngineError TABLE_EXISTS where the name of a dropped table that would come back is another's now */
function refuseTaken(context: Context, table: Table, names: readonly string[] | null): void {
  if (names === null || table.droppedAtMs === null || context.engine.findTable(table.name) === undefined) return;
  throw new EngineError('TABLE_EXISTS', `table ${table.name} cannot come back: another table has its name now`, {
    details: { table: table.name },
    hint: 'Drop the table that has the name now first; its history stays readable.',
  });
}

export async function instantBefore(context: Context, snapshotId: number): Promise<Instant> {
  if (snapshotId <= 1) return { snapshotId: asSnapshotId(0), timestampMs: null };
  return context.engine.read.resolve({ kind: 'snapshot', snapshotId: snapshotId - 1 });
}

export interface EraseModel extends PayloadModel {
  readonly erasedRows: number;
  readonly erasedVersions: number;
}

export async function eraseRows(
  context: Context,
  args: {
    readonly table: string;
    readonly where: Readonly<Record<string, unknown>>;
    readonly reason: string;
    readonly options?: CommitOptions | null | undefined;
  },
): Promise<EraseModel> {
  refuseEmptyFilter(args.where);
  const request = { table: args.table, where: genericFilter(args.where, context.engine.findTable(args.table)?.id), reason: args.reason };
  const result = await context.engine.eraseRows(request, args.options);
  return { ...(await withView(context, result)), erasedRows: result.erasedRows, erasedVersions: result.erasedVersions };
}

/** How much of a table's history is kept, and whose rule it is. */
export interface RetentionModel {
  readonly maxAgeMs: number | null;
  readonly minSnapshots: number | null;
  readonly inherited: boolean;
}

export function retentionOf(context: Context, tableId: number): RetentionModel {
  const table = context.engine.tableById(tableId as never);
  const own = table?.retention ?? null;
  const policy = table === undefined ? null : context.engine.administration.retentionOf(table);
  return { maxAgeMs: policy?.maxAgeMs ?? null, minSnapshots: policy?.minSnapshots ?? null, inherited: own === null };
}

export function verifyCatalog(context: Context): Promise<VerifyReport> {
  return context.engine.verify();
}

export interface CompactModel {
  readonly tables: readonly Table[];
  readonly flushedRows: number;
  readonly mergedFiles: number;
}

export function compact(context: Context, table: string | null | undefined): Promise<CompactModel> {
  return context.engine.compact(table);
}
