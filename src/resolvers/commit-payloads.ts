/** What mutations that commit answer with. */
import { type ChangeResult, type CommitResult, EngineError, LIMITS, limitExceeded } from '../engine/index.ts';
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
  const { session } = context;
  const notices = await noticesOf(context, result);
  if (result.commit === null) return { ...result, notices, view: presentView(await session.resolve({ kind: 'newest' })) };
  const { snapshotId, timestampMs } = result.commit;
  return { ...result, notices, view: { snapshotId, timestampMs, isPresent: !result.replayed || snapshotId === session.headSnapshotId } };
}

/** The rows that a typed mutation brought, in input order. @throws EngineError LIMIT_EXCEEDED past 1,000 */
export function payloadRows(payload: WritePayloadModel, first: number | null | undefined): RowModel[] {
  const limit = first ?? LIMITS.pageMax;
  if (limit < 0) throw new EngineError('BAD_USER_INPUT', `first: ${limit} is not a count of rows`);
  if (limit > LIMITS.pageMax) throw limitExceeded('pageMax', LIMITS.pageMax, limit, 'Read the rest through `view`.');
  const { columns } = payload.typed.table.schema;
  return payload.rows.slice(0, limit).map((row) => ({ typed: payload.typed, row, columns, isPresent: payload.view.isPresent }));
}
