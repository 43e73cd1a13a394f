/** `Commit`, and `Snapshot`: what a commit made of one table. */
import type { Snapshot } from '../engine/index.ts';
import { snapshotChanges } from '../resolvers/diff.ts';
import { commitById, parentOf, snapshotView, tableOf } from '../resolvers/history.ts';
import { marked } from '../resolvers/marks.ts';
import { encodeNodeId } from '../resolvers/node-id.ts';
import { manifestOf } from '../resolvers/table-view.ts';
import { pageArguments } from './arguments.ts';
import type { Builder } from './builder.ts';
import type { Files } from './data-files.ts';
import type { RowChanges } from './diff.ts';
import { milliseconds } from './milliseconds.ts';
import type { NodeRef } from './node.ts';
import type { Refs } from './refs.ts';
import type { Shared } from './static.ts';

export function addSnapshot(builder: Builder, shared: Shared, node: NodeRef, refs: Refs, files: Files, { changes }: RowChanges): void {
  const summary = builder.objectRef<Snapshot>('SnapshotSummary').implement({
    description: 'What a commit did to a table, in numbers.',
    fields: (t) => ({
      insertedRows: t.field({ type: 'SafeInt', description: 'Rows that it inserted.', resolve: (at) => at.insertedRows }),
      updatedRows: t.field({ type: 'SafeInt', description: 'Rows that it updated.', resolve: (at) => at.updatedRows }),
      deletedRows: t.field({ type: 'SafeInt', description: 'Rows that it deleted.', resolve: (at) => at.deletedRows }),
      totalRows: t.field({ type: 'SafeInt', description: 'The number of rows of the table after it.', resolve: (at) => at.totalRows }),
      totalFiles: t.field({
        type: 'SafeInt',
        description: 'The number of data files directly after it. Flush and compaction change it later.',
        resolve: (at) => at.totalFiles,
      }),
      totalBytes: t.field({
        type: 'SafeInt',
        description: 'Bytes of data files and hot rows directly after it.',
        resolve: (at) => at.totalBytes,
      }),
    }),
  });
  refs.snapshot.implement({
    description: 'The state of one table after a commit that changed it.',
    interfaces: [node],
    fields: (t) => ({
      id: t.id({
        description: 'The global id.',
        resolve: ({ tableId, snapshotId }, _args, { session: { incarnation } }) =>
          encodeNodeId({ kind: 'snapshot', tableId, snapshotId, incarnation }),
      }),
      snapshotId: t.field({
        type: 'SafeInt',
        description: "The commit's id. Pass it to asOf to read exactly this state, of any table.",
        resolve: (at) => at.snapshotId,
      }),
      timestamp: t.field({ type: 'DateTime', description: 'When it was committed.', resolve: (at) => milliseconds(at.timestampMs) }),
      timestampMs: t.field({ type: 'SafeInt', description: 'When it was committed, epoch milliseconds.', resolve: (at) => at.timestampMs }),
      operation: t.expose('operation', { type: shared.operation, description: 'What the commit did to the table.' }),
      table: t.field({ type: refs.table, description: 'The table.', resolve: (at, _args, context) => tableOf(context, at) }),
      parent: t.field({
        type: refs.snapshot,
        nullable: true,
        description: "The table's snapshot before this one.",
        resolve: (at, _args, context) => parentOf(context, at),
      }),
      parentId: t.field({
        type: 'SafeInt',
        nullable: true,
        description: "The id of the table's snapshot before this one.",
        resolve: (at) => at.parentId,
      }),
      commit: t.field({
        type: refs.commit,
        description: 'The commit.',
        resolve: (at, _args, context) => commitById(context, at.snapshotId),
      }),
      view: t.field({
        type: refs.tableView,
        description: 'The table as of this snapshot. For a DROP it is the state directly before; empty once that state has expired.',
        resolve: (at, _args, context) => snapshotView(context, at),
      }),
      summary: t.field({ type: summary, description: 'What the commit did, in numbers.', resolve: (at) => at }),
      manifest: t.field({
        type: files,
        description: 'The data files and hot rows that hold the rows of this snapshot now.',
        args: pageArguments(t.arg),
        resolve: async (at, args, context) => manifestOf(context, (await snapshotView(context, at)).at, args),
      }),
      changes: t.field({
        type: changes,
        description: "The table's rows that the commit changed, each before and after.",
        args: pageArguments(t.arg),
        resolve: (at, args, context) => snapshotChanges(context, at, args),
      }),
    }),
  });
}

export function addCommit(node: NodeRef, refs: Refs): void {
  refs.commit.implement({
    ...marked({ reachesAllTables: true }),
    description: 'The atomic unit of change: one or more tables, at one instant.',
    interfaces: [node],
    fields: (t) => ({
      id: t.id({
        description: 'The global id.',
        resolve: ({ snapshotId }, _args, { session: { incarnation } }) => encodeNodeId({ kind: 'commit', snapshotId, incarnation }),
      }),
      snapshotId: t.field({
        type: 'SafeInt',
        description: 'Its id, counted over the whole catalog: 1, 2, 3, ...',
        resolve: (at) => at.snapshotId,
      }),
      timestamp: t.field({
        type: 'DateTime',
        description: 'When it was made; never earlier than the commit before it.',
        resolve: (at) => milliseconds(at.timestampMs),
      }),
      author: t.exposeString('author', { nullable: true, description: 'Who made it, as given by the writer.' }),
      message: t.exposeString('message', { nullable: true, description: 'Why, as given by the writer.' }),
      properties: t.field({
        type: 'JSON',
        nullable: true,
        description: 'Other information, as given by the writer.',
        resolve: (at) => (at.properties === null ? null : (JSON.parse(at.properties) as unknown)),
      }),
      hash: t.string({
        nullable: true,
        description: 'Its link of the audit chain, hex: SHA-256 over its content and the hash before it. `verify` recomputes all of them.',
        resolve: (at) => at.hash.toString('hex'),
      }),
      snapshots: t.field({
        type: [refs.snapshot],
        description: 'One for each table that it changed, without expired ones.',
        resolve: (at) => [...at.snapshots],
      }),
    }),
  });
}
