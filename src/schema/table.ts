/** `Table`: its columns now, and its whole history. */
import type { Snapshot } from '../engine/index.ts';
import { type RetentionModel, retentionOf } from '../resolvers/administration.ts';
import { commitById, tableSnapshots } from '../resolvers/history.ts';
import { encodeNodeId } from '../resolvers/node-id.ts';
import { tableAsOf } from '../resolvers/table-view.ts';
import { instantArguments, pageArguments, timeRangeArguments } from './arguments.ts';
import type { Builder } from './builder.ts';
import { addConnection } from './connection.ts';
import { milliseconds } from './milliseconds.ts';
import type { NodeRef } from './node.ts';
import type { Refs } from './refs.ts';
import type { Shared } from './static.ts';

export function addTable(builder: Builder, shared: Shared, node: NodeRef, refs: Refs): void {
  const snapshots = addConnection<Snapshot>(builder, shared, 'Snapshot', refs.snapshot, "a table's snapshots, newest first");
  const retention = builder.objectRef<RetentionModel>('RetentionPolicy').implement({
    description:
      'How much history is kept. With both limits, a snapshot expires only if both allow it. Tagged snapshots and the newest one never expire.',
    fields: (t) => ({
      maxAgeMs: t.field({
        type: 'SafeInt',
        nullable: true,
        description: 'Snapshots older than this may expire, milliseconds; null: age does not count.',
        resolve: (at) => at.maxAgeMs,
      }),
      minSnapshots: t.exposeInt('minSnapshots', {
        nullable: true,
        description: 'This many of the newest snapshots are always kept; null: number does not count.',
      }),
      inherited: t.exposeBoolean('inherited', {
        description: "Whether this is the catalog's policy and not the table's own. Without any limit, everything is kept.",
      }),
    }),
  });
  refs.table.implement({
    description: 'A table: its columns now, and its whole history.',
    interfaces: [node],
    fields: (t) => ({
      id: t.id({ description: 'The global id.', resolve: (table) => encodeNodeId({ kind: 'table', tableId: table.id }) }),
      name: t.exposeString('name', { description: 'The name in the generic API.' }),
      graphqlName: t.exposeString('graphqlName', { description: 'The name of its fields in the typed API.' }),
      columns: t.field({
        type: [shared.column],
        description: 'The columns as they are now.',
        resolve: (table) => [...table.schema.columns],
      }),
      primaryKey: t.field({
        type: ['String'],
        description: 'Names of the key columns, in key order; empty if there is no primary key.',
        resolve: (table) => [...table.schema.primaryKey],
      }),
      description: t.exposeString('description', { nullable: true, description: 'What the table holds.' }),
      notices: t.field({
        type: ['String'],
        description: 'Notices about the table, for example why it is not in the typed API.',
        resolve: async (table, _args, { notices }) => [...(await notices(table.id))],
      }),
      createdAt: t.field({ type: 'DateTime', description: 'When it was created.', resolve: (table) => milliseconds(table.createdAtMs) }),
      droppedAt: t.field({
        type: 'DateTime',
        nullable: true,
        description: 'When it was dropped; null if it was not dropped.',
        resolve: (table) => (table.droppedAtMs === null ? null : milliseconds(table.droppedAtMs)),
      }),
      currentSnapshot: t.field({
        type: refs.snapshot,
        nullable: true,
        description: 'The newest snapshot.',
        resolve: (table, _args, { session }) => (session.tableById(table.id) ?? table).last,
      }),
      retention: t.field({
        type: retention,
        description: 'How much of its history is kept. alterTable(setRetention) changes it.',
        resolve: (table, _args, context) => retentionOf(context, table.id),
      }),
      availableFrom: t.field({
        type: 'DateTime',
        nullable: true,
        description: 'The oldest instant from which on every instant can be read: the creation of the table, or its retention horizon.',
        resolve: (table, _args, { session }) => {
          const { kept, createdAtMs } = session.tableById(table.id) ?? table;
          return milliseconds(kept.horizon === 0 ? createdAtMs : kept.horizonMs);
        },
      }),
      snapshot: t.field({
        type: refs.snapshot,
        nullable: true,
        description: 'The snapshot that a commit made of this table; null if the commit did not change the table.',
        args: { snapshotId: t.arg({ type: 'SafeInt', required: true, description: "The commit's id." }) },
        resolve: async (table, { snapshotId }, context) => {
          const commit = await commitById(context, snapshotId);
          return commit.snapshots.find((snapshot) => snapshot.tableId === table.id) ?? null;
        },
      }),
      snapshots: t.field({
        type: snapshots,
        description: 'All snapshots, newest first.',
        args: {
          ...pageArguments(t.arg),
          ...timeRangeArguments(t.arg),
          operation: t.arg({ type: shared.operation, description: 'Only snapshots that this operation made.' }),
        },
        resolve: (table, args, context) => tableSnapshots(context, table, args),
      }),
      asOf: t.field({
        type: refs.tableView,
        nullable: true,
        description:
          'The table at an instant. Without an instant it is the newest, or the instant of the cursors inside. TABLE_NOT_FOUND_AS_OF {createdAt, droppedAt} if the table did not exist then.',
        args: instantArguments(t.arg, shared),
        resolve: (table, args, context, info) => tableAsOf(context, table, args, info),
      }),
    }),
  });
}
