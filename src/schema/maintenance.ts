/** `expireSnapshots` and `compact`: what gives space back. */
import { type CompactModel, compact, type ExpireArguments, expireSnapshots } from '../resolvers/administration.ts';
import type { Builder } from './builder.ts';
import type { Objects } from './objects.ts';

type ExpireModel = Awaited<ReturnType<typeof expireSnapshots>>;

export function addMaintenanceMutations(builder: Builder, objects: Objects): void {
  const compacted = builder.objectRef<CompactModel>('CompactPayload').implement({
    description: 'What compaction did. It changes no answer of any query.',
    fields: (t) => ({
      tables: t.field({ type: [objects.table], description: 'The tables that were checked.', resolve: (at) => [...at.tables] }),
      flushedRows: t.field({
        type: 'SafeInt',
        description: 'The number of hot rows that moved into a file.',
        resolve: (at) => at.flushedRows,
      }),
      mergedFiles: t.field({
        type: 'SafeInt',
        description: 'The number of files that were merged or rewritten.',
        resolve: (at) => at.mergedFiles,
      }),
    }),
  });
  const expiredTable = builder.objectRef<ExpireModel['tables'][number]>('ExpiredTable').implement({
    description: 'What expired in one table.',
    fields: (t) => ({
      table: t.field({ type: objects.table, description: 'The table.', resolve: (at) => at.table }),
      removedSnapshots: t.field({ type: 'SafeInt', description: 'The number of expired snapshots.', resolve: (at) => at.removedSnapshots }),
      reclaimableBytes: t.field({
        type: 'SafeInt',
        description: 'About how many bytes of files compaction will free.',
        resolve: (at) => at.reclaimableBytes,
      }),
      oldestSnapshotId: t.field({
        type: 'SafeInt',
        description: 'The retention horizon: from this snapshot on all are kept. 0 if none ever expired.',
        resolve: (at) => at.oldestSnapshotId,
      }),
    }),
  });
  const expired = builder.objectRef<ExpireModel>('ExpirePayload').implement({
    description: 'What expired, or would expire in a dry run.',
    fields: (t) => ({
      dryRun: t.exposeBoolean('dryRun', { description: 'Whether this was a dry run, which changes nothing.' }),
      removedSnapshots: t.field({
        type: 'SafeInt',
        description: 'The number of expired snapshots of all tables. The creation of a table, which has no rows, is not counted.',
        resolve: (at) => at.removedSnapshots,
      }),
      reclaimableBytes: t.field({
        type: 'SafeInt',
        description: 'About how many bytes of files compaction will free.',
        resolve: (at) => at.reclaimableBytes,
      }),
      tables: t.field({ type: [expiredTable], description: 'Table by table.', resolve: (at) => [...at.tables] }),
    }),
  });
  builder.mutationFields((t) => ({
    expireSnapshots: t.field({
      type: expired,
      nullable: true,
      description:
        'Expires old snapshots. At least one limit is needed; with several, a snapshot expires only if all allow it. The newest snapshot, tagged snapshots, and those that a query or cursor still needs are kept. The snapshot that was current at `olderThan` is kept too, so every instant since can be read. Compaction gives the space back.',
      args: {
        table: t.arg.string({ description: 'Only this table; by default all.' }),
        olderThan: t.arg({
          type: 'DateTime',
          description: 'An instant: the snapshot that was current then, and all newer ones, are kept.',
        }),
        olderThanMs: t.arg({ type: 'SafeInt', description: 'The same as an AGE, in milliseconds.' }),
        retainLast: t.arg.int({ description: 'This many of the newest snapshots of each table are kept; at least 1.' }),
        dryRun: t.arg.boolean({ defaultValue: false, description: 'Change nothing, and answer what would expire.' }),
      },
      resolve: (_root, args, context) => expireSnapshots(context, args as ExpireArguments),
    }),
    compact: t.field({
      type: compacted,
      nullable: true,
      description: 'Moves hot rows into files and merges small files, now. This also happens by itself. It changes no answer.',
      args: { table: t.arg.string({ description: 'Only this table; by default all.' }) },
      resolve: (_root, args, context) => compact(context, args.table),
    }),
  }));
}
