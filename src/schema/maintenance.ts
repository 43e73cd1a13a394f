/** `expireSnapshots` and `compact`: what gives space back. */
import { type CompactModel, compact, type ExpireArguments, expireSnapshots } from '../resolvers/administration.ts';
import type { Builder } from './builder.ts';
import type { Objects } from './objects.ts';

type ExpireModel = Awaited<ReturnType<typeof expireSnapshots>>;

export function addMaintenanceMutations(builder: Builder, objects: Objects): void {
  const compacted = builder.objectRef<CompactModel>('CompactPayload').implement({
    description: 'What compaction did. No answer to any query changes by it.',
    fields: (t) => ({
      tables: t.field({ type: [objects.table], description: 'The tables that were looked at.', resolve: (at) => [...at.tables] }),
      flushedRows: t.field({ type: 'SafeInt', description: 'Hot rows that moved into a file.', resolve: (at) => at.flushedRows }),
      mergedFiles: t.field({ type: 'SafeInt', description: 'Files that were rewritten into others.', resolve: (at) => at.mergedFiles }),
    }),
  });
  const expiredTable = builder.objectRef<ExpireModel['tables'][number]>('ExpiredTable').implement({
    description: 'What expired of one table.',
    fields: (t) => ({
      table: t.field({ type: objects.table, description: 'The table.', resolve: (at) => at.table }),
      removedSnapshots: t.field({ type: 'SafeInt', description: 'Snapshots that went.', resolve: (at) => at.removedSnapshots }),
      reclaimableBytes: t.field({
        type: 'SafeInt',
        description: 'Bytes of files that compaction gives back, about.',
        resolve: (at) => at.reclaimableBytes,
      }),
      oldestSnapshotId: t.field({
        type: 'SafeInt',
        description: 'From this snapshot on all are kept; 0 where none ever expired.',
        resolve: (at) => at.oldestSnapshotId,
      }),
    }),
  });
  const expired = builder.objectRef<ExpireModel>('ExpirePayload').implement({
    description: 'What expired, or on a dry run would.',
    fields: (t) => ({
      dryRun: t.exposeBoolean('dryRun', { description: 'Whether nothing was changed.' }),
      removedSnapshots: t.field({
        type: 'SafeInt',
        description: 'Snapshots that went, of all tables. The creation of a table, which brought no rows, is not counted.',
        resolve: (at) => at.removedSnapshots,
      }),
      reclaimableBytes: t.field({
        type: 'SafeInt',
        description: 'Bytes of files that compaction gives back, about.',
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
        'Lets old snapshots go. A limit is needed; with several, only what all of them let go. The newest snapshot, tagged ones, and what a query or cursor still needs are kept; what was current at `olderThan` is kept too, so every instant since can be read. Compaction gives the space back.',
      args: {
        table: t.arg.string({ description: 'Only this table; all where not given.' }),
        olderThan: t.arg({ type: 'DateTime', description: 'An instant: what was current then, and all that is newer, is kept.' }),
        olderThanMs: t.arg({ type: 'SafeInt', description: 'The same as an AGE, in milliseconds.' }),
        retainLast: t.arg.int({ description: 'The newest so many snapshots of each table are kept; at least 1.' }),
        dryRun: t.arg.boolean({ defaultValue: false, description: 'Only say what would go.' }),
      },
      resolve: (_root, args, context) => expireSnapshots(context, args as ExpireArguments),
    }),
    compact: t.field({
      type: compacted,
      nullable: true,
      description: 'Moves hot rows into files and merges small files, now; it also happens by itself. No answer changes by it.',
      args: { table: t.arg.string({ description: 'Only this table; all where not given.' }) },
      resolve: (_root, args, context) => compact(context, args.table),
    }),
  }));
}
