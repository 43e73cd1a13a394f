/** `revert`: arguments to the engine's call, rows of its answer to their ids. */
import { type CommitOptions, EngineError, type RevertResult } from '../engine/index.ts';
import { type RestoreModel, refuseNullDryRun, shownDiff } from './administration.ts';
import { withView } from './commit-payloads.ts';
import type { Context } from './context.ts';
import { encodeNodeId } from './node-id.ts';

export interface RevertArguments {
  readonly snapshotId: number;
  readonly onChanged?: 'CONFLICT' | 'SKIP' | null | undefined;
  readonly dryRun?: boolean | null | undefined;
  readonly options?: CommitOptions | null | undefined;
}

export async function revert(context: Context, args: RevertArguments): Promise<RestoreModel> {
  const { snapshotId, onChanged, dryRun, options } = args;
  refuseNullDryRun(dryRun);
  const result = await namingRows(context, () => context.session.revert({ snapshotId, onChanged, dryRun }, options));
  return { ...(await withView(context, result)), dryRun: dryRun === true, diff: shownDiff(result), skipped: skippedOf(result) };
}

function skippedOf({ reverted }: RevertResult): RestoreModel['skipped'] {
  return reverted.flatMap(({ table, skipped }) => skipped.map(({ row }) => encodeNodeId({ kind: 'row', tableId: table.id, rowId: row })));
}

/** Names rows as this API does. */
async function namingRows<T>(context: Context, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'CONFLICT') throw error;
    const { table: name, rows } = error.details as { table?: string; rows?: readonly { row: number; key: unknown }[] };
    const table = name === undefined ? undefined : context.session.findTable(name);
    if (table === undefined || rows === undefined) throw error;
    const named = rows.map(({ row, key }) => ({ _rowId: encodeNodeId({ kind: 'row', tableId: table.id, rowId: row }), key }));
    throw new EngineError(error.code, error.message, {
      details: { ...error.details, rows: named },
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      cause: error,
    });
  }
}
