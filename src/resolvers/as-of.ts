/** The choice of an instant from arguments: none, one of several, or the one that the cursors inside pin. */
import type { GraphQLResolveInfo } from 'graphql';
import { type AsOf, cursorHead, EngineError, type Instant, type Table, type TableAt } from '../engine/index.ts';
import type { Context } from './context.ts';
import { toTimestampMs } from './scalars.ts';
import { cursorsBelow } from './selection.ts';

export interface InstantArguments {
  readonly timestamp?: string | number | null | undefined;
  readonly snapshotId?: number | null | undefined;
  readonly tag?: string | null | undefined;
}

export interface AsOfArguments extends InstantArguments {
  readonly at?: InstantArguments | null | undefined;
}

/** @throws EngineError BAD_USER_INPUT where more than one instant is given */
export function asOfOf(args: AsOfArguments): AsOf {
  const given: AsOf[] = [];
  for (const { timestamp, snapshotId, tag } of [args, args.at ?? {}]) {
    if (timestamp != null) given.push({ kind: 'timestamp', timestampMs: toTimestampMs(timestamp) });
    if (snapshotId != null) given.push({ kind: 'snapshot', snapshotId });
    if (tag != null) given.push({ kind: 'tag', tag });
  }
  if (given.length > 1) {
    throw new EngineError('BAD_USER_INPUT', 'asOf takes one instant: timestamp, snapshotId, tag or at, not several', {
      details: { given: given.length },
    });
  }
  return given[0] ?? { kind: 'newest' };
}

/**
 * Resolves an instant. Where none is given, pages below that go on from a cursor are read at the cursor's snapshot.
 * @throws EngineError CURSOR_INVALID {cursorSnapshotId, snapshotId} where cursors and instant do not agree
 */
export async function resolveInstant(context: Context, args: AsOfArguments, info: GraphQLResolveInfo): Promise<Instant> {
  const instant = await chosenInstant(context, args, info);
  context.hold(instant.snapshotId);
  return instant;
}

async function chosenInstant(context: Context, args: AsOfArguments, info: GraphQLResolveInfo): Promise<Instant> {
  const asOf = asOfOf(args);
  const pinned = new Set(cursorsBelow(info).flatMap((cursor) => cursorHead(cursor)?.snapshotId ?? []));
  const [cursorSnapshotId, other] = pinned;
  if (cursorSnapshotId === undefined) return context.engine.read.resolve(asOf, context.lifetime.signal);
  if (other !== undefined) throw disagree(other, cursorSnapshotId);
  if (asOf.kind === 'newest') return context.engine.read.resolve({ kind: 'snapshot', snapshotId: cursorSnapshotId });
  const instant = await context.engine.read.resolve(asOf, context.lifetime.signal);
  if (instant.snapshotId !== cursorSnapshotId) throw disagree(cursorSnapshotId, instant.snapshotId);
  return instant;
}

function disagree(cursorSnapshotId: number, snapshotId: number): EngineError {
  return new EngineError('CURSOR_INVALID', `a cursor of snapshot ${cursorSnapshotId} cannot be used at snapshot ${snapshotId}`, {
    details: { cursorSnapshotId, snapshotId },
    hint: 'Leave the instant out, and the page is read at the snapshot of its cursor; cursors of one asOf must be of one snapshot.',
  });
}

/** @throws EngineError TABLE_NOT_FOUND_AS_OF {createdAt, droppedAt} where the table did not exist then */
export async function tableAtOrThrow(context: Context, table: Table, instant: Instant): Promise<TableAt> {
  const at = await context.engine.read.tableAt(table, instant.snapshotId);
  if (at !== undefined) return at;
  const createdAt = new Date(table.createdAtMs).toISOString();
  const droppedAt = table.droppedAtMs === null ? null : new Date(table.droppedAtMs).toISOString();
  const dropped = droppedAt === null ? '' : ` and dropped at ${droppedAt}`;
  throw new EngineError('TABLE_NOT_FOUND_AS_OF', `table ${table.name} did not exist then; it was created at ${createdAt}${dropped}`, {
    details: { table: table.name, createdAt, droppedAt },
    hint: droppedAt === null ? 'Ask for an instant at or after its creation.' : 'Ask for an instant between its creation and its end.',
  });
}
