/** The choice of an instant from arguments: none, one of several, or the one that the cursors inside pin. */
import type { GraphQLResolveInfo } from 'graphql';
import { type AsOf, EngineError, type Instant, type Table, type TableAt } from '../engine/index.ts';
import type { Context } from './context.ts';
import { cursorsDisagree, pinnedBy, presentView, type ViewModel } from './present.ts';
import { toTimestampMs } from './scalars.ts';
import { cursorsBelow } from './selection.ts';

export interface InstantArguments {
  readonly timestamp?: string | number | null | undefined;
  readonly snapshotId?: number | null | undefined;
  readonly tag?: string | null | undefined;
}

export interface AsOfArguments extends InstantArguments {
  readonly at?: InstantArguments | null | undefined;
  readonly atLeast?: number | null | undefined;
}

/** @throws EngineError BAD_USER_INPUT where more than one instant is given, or atLeast beside one */
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
      hint: 'Leave out all but one; one that is null counts as left out.',
    });
  }
  const [instant] = given;
  const atLeast = args.atLeast ?? undefined;
  if (instant === undefined) return { kind: 'newest', atLeast };
  if (atLeast === undefined) return instant;
  throw new EngineError('BAD_USER_INPUT', 'asOf: atLeast cannot be combined with an instant', {
    hint: 'Leave out atLeast, or the instant.',
  });
}

/**
 * Resolves an instant. Where none is given, pages below that go on from a cursor are read at the cursor's snapshot.
 * @throws EngineError CURSOR_INVALID {cursorSnapshotId, snapshotId} where cursors and instant do not agree
 */
export async function resolveInstant(context: Context, args: AsOfArguments, info: GraphQLResolveInfo): Promise<ViewModel> {
  return resolveView(context, asOfOf(args), cursorsBelow(info));
}

/** The same, of an instant and the cursors of the pages that are read at it. */
export async function resolveView(context: Context, asOf: AsOf, cursors: readonly string[]): Promise<ViewModel> {
  const view = await chosenView(context, asOf, cursors);
  context.hold(view.snapshotId);
  return view;
}

async function chosenView({ session, lifetime }: Context, asOf: AsOf, cursors: readonly string[]): Promise<ViewModel> {
  const pinned = pinnedBy(cursors, session);
  if (asOf.kind === 'newest') {
    if (pinned === undefined) return presentView(await session.resolve(asOf, lifetime.signal));
    if (pinned.snapshotId < (asOf.atLeast ?? 0)) throw cursorsDisagree(pinned.snapshotId, asOf.atLeast ?? 0);
    const instant = await session.resolve({ kind: 'snapshot', snapshotId: pinned.snapshotId });
    return { ...instant, isPresent: pinned.isPresent };
  }
  const instant = await session.resolve(asOf, lifetime.signal);
  if (pinned !== undefined && instant.snapshotId !== pinned.snapshotId) throw cursorsDisagree(pinned.snapshotId, instant.snapshotId);
  return { ...instant, isPresent: false };
}

/** @throws EngineError TABLE_NOT_FOUND_AS_OF {createdAt, droppedAt} where the table did not exist then */
export async function tableAtOrThrow(context: Context, table: Table, instant: Instant): Promise<TableAt> {
  const at = await context.session.tableAt(table, instant.snapshotId);
  if (at !== undefined) return at;
  const createdAt = new Date(table.createdAtMs).toISOString();
  const droppedAt = table.droppedAtMs === null ? null : new Date(table.droppedAtMs).toISOString();
  const dropped = droppedAt === null ? '' : ` and dropped at ${droppedAt}`;
  throw new EngineError('TABLE_NOT_FOUND_AS_OF', `table ${table.name} did not exist then; it was created at ${createdAt}${dropped}`, {
    details: { table: table.name, createdAt, droppedAt },
    hint: droppedAt === null ? 'Ask for an instant at or after its creation.' : 'Ask for an instant between its creation and its drop.',
  });
}
