/** Tags, retention, expiry, restore and erasure: what is done to history itself. */
import {
  type CommitOptions,
  EngineError,
  type ExpireResult,
  type RestoreResult,
  type Table,
  type Tag,
  type VerifyReport,
} from '../engine/index.ts';
import { asOfOf, type InstantArguments } from './as-of.ts';
import { type PayloadModel, withView } from './commit-payloads.ts';
import type { Context } from './context.ts';
import type { CatalogDiffModel } from './diff.ts';
import { genericFilter, refuseEmptyFilter } from './filters.ts';
import { toTimestampMs } from './scalars.ts';

export function createTag(
  context: Context,
  args: { readonly name: string; readonly at?: InstantArguments | null | undefined; readonly message?: string | null | undefined },
): Promise<Tag> {
  return context.session.createTag(args.name, args.at == null ? { kind: 'newest' } : asOfOf({ at: args.at }), args.message ?? null);
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
  return context.session.expire({ ...args, olderThanMs: olderThan == null ? null : toTimestampMs(olderThan), ageMs });
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
  refuseNullDryRun(args.dryRun);
  const { tables, dryRun, options } = args;
  const request = { tables, to: asOfOf({ at: args.to }), dryRun, signal: context.lifetime.signal };
  const result = await context.session.restore(request, options);
  return { ...(await withView(context, result)), dryRun: dryRun === true, diff: shownDiff(result), skipped: [] };
}

/** The diff that a payload shows. */
export function shownDiff({ diff: { tables, ...diff } }: RestoreResult): CatalogDiffModel {
  return { ...diff, only: tables };
}

/** A lost variable must not make a dry run a real one. @throws EngineError BAD_USER_INPUT */
export function refuseNullDryRun(dryRun: boolean | null | undefined): void {
  if (dryRun === null) throw new EngineError('BAD_USER_INPUT', 'dryRun is null; give true or false, or leave it out');
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
  const request = { table: args.table, where: genericFilter(args.where, context.session.findTable(args.table)?.id), reason: args.reason };
  const result = await context.session.erase(request, args.options);
  return { ...(await withView(context, result)), erasedRows: result.erasedRows, erasedVersions: result.erasedVersions };
}

/** How much of a table's history is kept, and whose rule it is. */
export interface RetentionModel {
  readonly maxAgeMs: number | null;
  readonly minSnapshots: number | null;
  readonly inherited: boolean;
}

export function retentionOf(context: Context, tableId: number): RetentionModel {
  const table = context.session.tableById(tableId as never);
  const own = table?.retention ?? null;
  const policy = table === undefined ? null : context.session.retentionOf(table);
  return { maxAgeMs: policy?.maxAgeMs ?? null, minSnapshots: policy?.minSnapshots ?? null, inherited: own === null };
}

export function verifyCatalog(context: Context): Promise<VerifyReport> {
  return context.session.verify();
}

export interface CompactModel {
  readonly tables: readonly Table[];
  readonly flushedRows: number;
  readonly mergedFiles: number;
}

export function compact(context: Context, table: string | null | undefined): Promise<CompactModel> {
  return context.session.compact(table);
}
