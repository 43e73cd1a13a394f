/** The root fields that do not depend on any table. Every one is nullable: a failed one must not take the others with it. */
import type { Table } from '../engine/index.ts';
import type { SnapshotEvent } from '../pubsub/index.ts';
import { resolveInstant } from '../resolvers/as-of.ts';
import { listConnection } from '../resolvers/connections.ts';
import { commitById, listCommits } from '../resolvers/history.ts';
import { append, type CompactModel, compact, createTable, type PayloadModel } from '../resolvers/mutations.ts';
import { resolveNode } from '../resolvers/nodes.ts';
import { subscribeToSnapshots } from '../resolvers/subscriptions.ts';
import { instantArguments, pageArguments, timeRangeArguments } from './arguments.ts';
import type { Builder } from './builder.ts';
import { type NodeRef, tagged } from './node.ts';
import type { Objects } from './objects.ts';
import { payloadFields } from './payload.ts';
import type { Shared } from './static.ts';

export function addQuery(builder: Builder, shared: Shared, objects: Objects, node: NodeRef): void {
  builder.queryType({
    description: 'Reads: the catalog at any instant, tables, and their history.',
    fields: (t) => ({
      asOf: t.field({
        type: objects.view,
        nullable: true,
        description:
          'The whole catalog at one instant, many tables consistently. No argument means the newest commit, or the snapshot that the cursors inside pin.',
        args: instantArguments(t.arg, shared),
        resolve: (_root, args, context, info) => resolveInstant(context, args, info),
      }),
      table: t.field({
        type: objects.table,
        nullable: true,
        description: 'A table by name; null, without an error, where there is none.',
        args: { name: t.arg.string({ required: true, description: "The table's name." }) },
        resolve: (_root, { name }, { engine }) => engine.findTable(name) ?? null,
      }),
      tables: t.field({
        type: objects.tables,
        nullable: true,
        description: 'All tables, in the order of their creation.',
        args: pageArguments(t.arg),
        resolve: (_root, args, { engine }) => listConnection<Table>(engine.tables(), args, (table) => table.id),
      }),
      commit: t.field({
        type: objects.commit,
        nullable: true,
        description: 'A commit by its id. SNAPSHOT_NOT_FOUND where there is none.',
        args: { snapshotId: t.arg({ type: 'SafeInt', required: true, description: 'Its id.' }) },
        resolve: (_root, { snapshotId }, context) => commitById(context, snapshotId),
      }),
      commits: t.field({
        type: objects.commits,
        nullable: true,
        description: 'Commits of the whole catalog, newest first.',
        args: {
          ...pageArguments(t.arg),
          ...timeRangeArguments(t.arg),
          tables: t.arg.stringList({ description: 'Only commits that touch any of these tables.' }),
          author: t.arg.string({ description: 'Only commits of this author.' }),
        },
        resolve: (_root, args, context) => listCommits(context, args),
      }),
      node: t.field({
        type: node,
        nullable: true,
        description: 'Any object by its global id; null where the id names nothing.',
        args: { id: t.arg.id({ required: true, description: 'The global id.' }) },
        resolve: async (_root, { id }, context) => {
          const found = await resolveNode(context, String(id));
          if (found === null) return null;
          return tagged(found.type === 'Row' ? `${found.value.typed.prefix}Row` : found.type, found.value);
        },
      }),
    }),
  });
}

export function addMutation(builder: Builder, shared: Shared, objects: Objects): void {
  const payload = builder.objectRef<PayloadModel>('CommitPayload').implement({
    description: 'What the mutation did. The counts are of this mutation; `commit` is null where there was nothing to commit.',
    fields: (t) => payloadFields(t, objects),
  });
  const compactPayload = builder.objectRef<CompactModel>('CompactPayload').implement({
    description: 'What compaction did. No answer to any query changes by it.',
    fields: (t) => ({
      tables: t.field({ type: [objects.table], description: 'The tables that were looked at.', resolve: (at) => [...at.tables] }),
      flushedRows: t.field({ type: 'SafeInt', description: 'Hot rows that moved into a file.', resolve: (at) => at.flushedRows }),
      mergedFiles: t.field({ type: 'SafeInt', description: 'Files that were merged into larger ones.', resolve: (at) => at.mergedFiles }),
    }),
  });
  const columnInput = builder.inputType('ColumnInput', {
    description: 'A column of a new table.',
    fields: (t) => ({
      name: t.string({ required: true, description: 'A letter, then up to 62 letters, digits and underscores.' }),
      graphqlName: t.string({ description: 'Its name in the typed door; its own where not given.' }),
      type: t.field({ type: shared.columnType, required: true, description: 'What values it holds.' }),
      required: t.boolean({
        required: true,
        defaultValue: false,
        description: 'Whether null is refused. Key columns always are required.',
      }),
      precision: t.int({ description: 'DECIMAL: digits in all, 1 to 38; 18 where not given.' }),
      scale: t.int({ description: 'DECIMAL: digits after the point; 0 where not given.' }),
      default: t.field({ type: 'JSON', description: 'What an absent value becomes, in the wire form of the type.' }),
      description: t.string({ description: 'What the column means; shown in the typed API.' }),
    }),
  });
  const tableInput = builder.inputType('CreateTableInput', {
    description: 'A new table.',
    fields: (t) => ({
      name: t.string({ required: true, description: 'A lower-case letter, then up to 62 letters, digits and underscores.' }),
      graphqlName: t.string({ description: 'The name of its fields in the typed door; its own where not given.' }),
      columns: t.field({ type: [columnInput], required: true, description: 'Its columns, in order.' }),
      primaryKey: t.stringList({
        description: 'Names of the columns that identify a row; append then refuses a second row with the same key.',
      }),
      description: t.string({ description: 'What the table holds; shown in the typed API.' }),
      ifExists: t.field({ type: shared.ifExists, defaultValue: 'ERROR', description: 'What to do where there is a table of the name.' }),
    }),
  });
  builder.mutationType({
    description: 'Changes. Root fields run in order, each one commit.',
    fields: (t) => ({
      createTable: t.field({
        type: payload,
        nullable: true,
        description: 'Creates a table. Its typed fields and types are there with the next operation.',
        args: { input: t.arg({ type: tableInput, required: true, description: 'The table.' }) },
        resolve: (_root, { input }, context) => createTable(context, input),
      }),
      append: t.field({
        type: payload,
        nullable: true,
        description: 'Adds rows to any table: all of them in one commit, or none. INVALID_ROW names every bad row.',
        args: {
          table: t.arg.string({ required: true, description: "The table's name." }),
          rows: t.arg({
            type: ['JSON'],
            required: true,
            description: "The rows, up to 100,000: JSON objects with the columns' own names.",
          }),
          options: t.arg({ type: shared.commitOptions, description: 'What to say about the commit, and when to make it.' }),
        },
        resolve: (_root, args, context) => append(context, args),
      }),
      compact: t.field({
        type: compactPayload,
        nullable: true,
        description: 'Moves hot rows into files and merges small files, now; it also happens by itself. No answer changes by it.',
        args: { table: t.arg.string({ description: 'Only this table; all where not given.' }) },
        resolve: (_root, { table }, context) => compact(context, table),
      }),
    }),
  });
}

export function addSubscription(builder: Builder, shared: Shared, objects: Objects): void {
  const event = builder.objectRef<SnapshotEvent>('SnapshotEvent').implement({
    description: 'One commit.',
    fields: (t) => ({
      snapshotId: t.field({
        type: 'SafeInt',
        description: "The commit's id. Pass the last one seen as `after` to resume exactly.",
        resolve: (at) => at.commit.snapshotId,
      }),
      commit: t.field({ type: objects.commit, description: 'The commit.', resolve: (at) => at.commit }),
      snapshots: t.field({
        type: [objects.snapshot],
        description: 'Those of its snapshots that match.',
        resolve: (at) => [...at.snapshots],
      }),
      caughtUp: t.boolean({ description: 'Whether this was the newest commit when it was sent.', resolve: (at) => at.caughtUp }),
      headSnapshotId: t.field({ type: 'SafeInt', description: 'The newest commit when it was sent.', resolve: (at) => at.headSnapshotId }),
    }),
  });
  builder.subscriptionType({
    description: 'What happens, live.',
    fields: (t) => ({
      snapshotCommitted: t.field({
        type: event,
        nullable: true,
        description:
          'Every commit that touches the tables, in order, none lost, one event a commit. `after` resumes: what came since, then live. Without it: from now.',
        args: {
          tables: t.arg.stringList({ description: 'Only commits that touch any of these tables; all where not given.' }),
          operations: t.arg({ type: [shared.operation], description: 'Only these operations; all where not given.' }),
          after: t.arg({ type: 'SafeInt', description: 'The last snapshotId that was seen; 0 for all of history.' }),
        },
        subscribe: (_root, args, context) => subscribeToSnapshots(context, args),
        resolve: (at) => at,
      }),
    }),
  });
}
