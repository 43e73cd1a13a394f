/** Subscriptions: what a subscriber wants, and from where on. */
import { EngineError, type Filter, type Instant, type Operation, type RowChange, type Table } from '../engine/index.ts';
import {
  after,
  type ChangesEvent,
  changesSource,
  cursorOf,
  expiredAfter,
  hasExpiredAfter,
  type Position,
  positionOf,
  type SnapshotEvent,
  type Source,
  snapshotSource,
} from '../pubsub/index.ts';
import type { Context } from './context.ts';
import { jsonRow, type RowChangeModel, type TypedChangeModel, typedRowModel } from './diff.ts';
import { genericFilter, typedFilter } from './filters.ts';
import { presentView, type ViewModel } from './present.ts';
import type { TypedTable } from './table-types.ts';

export interface SnapshotCommittedArguments {
  readonly tables?: readonly string[] | null | undefined;
  readonly operations?: readonly Operation[] | null | undefined;
  readonly after?: number | null | undefined;
}

/** @throws EngineError TABLE_NOT_FOUND, SNAPSHOT_EXPIRED, SNAPSHOT_NOT_FOUND, CURSOR_INVALID, BAD_USER_INPUT */
export function subscribeToSnapshots(context: Context, args: SnapshotCommittedArguments): Source<SnapshotEvent> {
  const { session, feed } = context;
  for (const name of ['tables', 'operations'] as const)
    if (args[name]?.length === 0)
      throw new EngineError('BAD_USER_INPUT', `${name}: an empty list matches nothing; leave ${name} out for all`);
  const tables = args.tables?.flatMap((name) => session.tablesEverNamed(name));
  const start = startOf(context, args.after == null ? undefined : String(args.after), tables ?? session.tables(true));
  const filter = {
    tables: args.tables == null ? undefined : new Set(args.tables),
    operations: args.operations == null ? undefined : new Set(args.operations),
  };
  return snapshotSource(session, feed, filter, start.snapshotId);
}

/** Where a subscriber begins: where it says, or now. Snapshots that have expired cannot be sent any more: it is told. */
function startOf(context: Context, given: string | undefined, tables: readonly Table[]): Position {
  const { session, resumeAfter } = context;
  const text = resumeAfter ?? given;
  if (text === undefined) return after(session.headSnapshotId);
  const position = positionOf(text, session.incarnation);
  if (position === undefined)
    throw new EngineError('BAD_USER_INPUT', `after: ${JSON.stringify(text)} is not a position to resume from`, {
      hint: 'Pass the last snapshotId or cursor that you saw, or 0 for all of history.',
    });
  // Who has seen it has seen commits that are gone. To wait for the number would be to miss the other commits up to it.
  if (position.snapshotId > session.headSnapshotId)
    throw new EngineError(
      'SNAPSHOT_NOT_FOUND',
      `after: there is no snapshot ${position.snapshotId}; the newest is ${session.headSnapshotId}`,
      {
        details: { snapshotId: position.snapshotId, newestSnapshotId: session.headSnapshotId },
        hint: 'If this commit existed before, the database was restored from a backup: read everything again, and subscribe after what you read.',
      },
    );
  const expired = tables.find((table) => hasExpiredAfter(table, position));
  if (expired !== undefined) throw expiredAfter(expired, position);
  return position;
}

export interface ChangesArguments {
  readonly where?: Readonly<Record<string, unknown>> | null | undefined;
  readonly after?: string | null | undefined;
}

/** `changes(table)`. @throws EngineError TABLE_NOT_FOUND, COLUMN_NOT_FOUND and as subscribeToSnapshots */
export function subscribeToChanges(context: Context, args: ChangesArguments & { readonly table: string }): Source<ChangesEvent> {
  const table = context.session.table(args.table);
  const where = args.where == null ? undefined : genericFilter(args.where, table.id);
  if (where !== undefined) context.session.checkFilter(table, where);
  return changesOf(context, table, { where }, args.after);
}

/** `ordersChanges`. @throws EngineError as subscribeToChanges */
export function subscribeToTypedChanges(context: Context, typed: TypedTable, args: ChangesArguments): Source<ChangesEvent> {
  const { schema, name } = typed.table;
  const table = context.session.tableById(typed.table.id);
  if (table === undefined || table.droppedSnapshotId !== null)
    throw new EngineError('TABLE_NOT_FOUND', `table ${name} was dropped`, { details: { table: name } });
  const where = args.where == null ? undefined : typedFilter(typed, args.where);
  if (where !== undefined) context.session.checkFilter(typed.table, where);
  return changesOf(context, table, { where, schema }, args.after);
}

function changesOf(
  context: Context,
  table: Table,
  { where, schema }: { readonly where: Filter | undefined; readonly schema?: Table['schema'] },
  given: string | null | undefined,
): Source<ChangesEvent> {
  const start = startOf(context, given ?? undefined, [table]);
  return changesSource(context.session, context.feed, { tableId: table.id, where, filterSchema: schema ?? table.schema, schema }, start);
}

export function genericEventChanges(event: ChangesEvent): RowChangeModel[] {
  return event.changes.map((change) => ({
    change,
    table: event.table,
    before: jsonRow(change.before, event.before.columns),
    after: jsonRow(change.after, event.after.columns),
  }));
}

export function typedEventChanges(typed: TypedTable, event: ChangesEvent): TypedChangeModel[] {
  return event.changes.map((change: RowChange) => ({
    change,
    before: typedRowModel(typed, change.before),
    after: typedRowModel(typed, change.after),
  }));
}

export function eventCursor({ position }: ChangesEvent, { session }: Context): string {
  return cursorOf(position, session.incarnation);
}

/** The present, as of an answer of a live query; what it reads cannot expire meanwhile. */
export function liveView(context: Context, instant: Instant): ViewModel {
  context.hold(instant.snapshotId);
  return presentView(instant);
}
