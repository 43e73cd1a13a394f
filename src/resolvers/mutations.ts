/** Mutations: arguments to engine calls, results to payloads. */
import type { ChangeResult, CommitOptions, CommitResult, Table, TableDefinition } from '../engine/index.ts';
import { EngineError, LIMITS, limitExceeded } from '../engine/index.ts';
import type { Context } from './context.ts';
import { noticesOf } from './notices.ts';
import { presentView, type ViewModel } from './present.ts';
import type { RowModel } from './rows.ts';
import type { TypedTable } from './table-types.ts';

/** What every mutation that commits answers with. */
export interface PayloadModel extends CommitResult {
  readonly view: ViewModel;
  /** What is right but may surprise. */
  readonly notices: readonly string[];
}

export interface WritePayloadModel extends PayloadModel {
  readonly typed: TypedTable;
  readonly rows: ChangeResult['rows'];
}

/** The catalog right after a commit, beside what it did: the present, but for a commit that is replayed after others. */
export async function withView(context: Context, result: CommitResult): Promise<PayloadModel> {
  const { engine } = context;
  const notices = await noticesOf(context, result);
  if (result.commit === null) return { ...result, notices, view: presentView(await engine.read.resolve({ kind: 'newest' })) };
  const { snapshotId, timestampMs } = result.commit;
  return { ...result, notices, view: { snapshotId, timestampMs, isPresent: !result.replayed || snapshotId === engine.headSnapshotId } };
}

export async function createTable(
  context: Context,
  input: TableDefinition,
  options: CommitOptions | null | undefined,
): Promise<PayloadModel> {
  const payload = await withView(context, await context.engine.createTable(input, options));
  if (payload.commit !== null) return payload;
  return { ...payload, notices: [`Table ${input.name} is there already, with the same columns: nothing was done.`] };
}

/** The generic door's append. */
export async function append(
  context: Context,
  args: { readonly table: string; readonly rows: readonly unknown[]; readonly options?: CommitOptions | null | undefined },
): Promise<PayloadModel> {
  return withView(context, await context.engine.append(args.table, args.rows, args.options));
}

/** `appendOrders`. */
export async function typedAppend(
  context: Context,
  typed: TypedTable,
  args: { readonly rows: readonly unknown[]; readonly options?: CommitOptions | null | undefined },
): Promise<WritePayloadModel> {
  const result = await context.engine.append(typed.table.name, args.rows, args.options, 'graphqlName');
  return { ...(await withView(context, result)), typed, rows: result.rows };
}

/** The rows that a typed mutation brought, in input order. @throws EngineError LIMIT_EXCEEDED past 1,000 */
export function payloadRows(payload: WritePayloadModel, first: number | null | undefined): RowModel[] {
  const limit = first ?? LIMITS.pageMax;
  if (limit < 0) throw new EngineError('BAD_USER_INPUT', `first: ${limit} is not a count of rows`);
  if (limit > LIMITS.pageMax) throw limitExceeded('pageMax', LIMITS.pageMax, limit, 'Read the rest through `view`.');
  const { columns } = payload.typed.table.schema;
  return payload.rows.slice(0, limit).map((row) => ({ typed: payload.typed, row, columns, isPresent: payload.view.isPresent }));
}

export interface CompactModel {
  readonly tables: readonly Table[];
  readonly flushedRows: number;
  readonly mergedFiles: number;
}

export function compact(context: Context, table: string | null | undefined): Promise<CompactModel> {
  return context.engine.compact(table);
}
