/** `restore` and `revert`: going back, as a new commit. */
import { LIMITS } from '../engine/index.ts';
import { type RestoreModel, restore } from '../resolvers/administration.ts';
import { revert } from '../resolvers/revert.ts';
import type { Builder } from './builder.ts';
import { payloadFields } from './commit-payload.ts';
import type { Diffs } from './diff.ts';
import type { Objects } from './objects.ts';
import type { Shared } from './static.ts';
import { COMMIT_OPTIONS_TEXT } from './write.ts';

export function addRestoreMutations(builder: Builder, shared: Shared, objects: Objects, diffs: Diffs): void {
  const onChanged = builder.enumType('OnChanged', {
    description: 'What a revert does if rows of the commit were changed later.',
    values: {
      CONFLICT: { description: 'The revert fails and changes nothing. The error names the rows.' },
      SKIP: { description: 'These rows stay as they are, and the other rows are reverted.' },
    } as const,
  });
  const restored = builder.objectRef<RestoreModel>('RestorePayload').implement({
    description: 'What the restore or revert did, or would do in a dry run.',
    fields: (t) => ({
      ...payloadFields(t, objects),
      dryRun: t.exposeBoolean('dryRun', { description: 'Whether this was a dry run, which changes nothing.' }),
      diff: t.field({ type: diffs.catalogDiff, description: 'The changes of rows.', resolve: (at) => at.diff }),
      skippedRows: t.field({
        type: 'SafeInt',
        description:
          'The number of rows that a revert left as they are, because they were changed after the commit or another row has their key. 0 for a restore.',
        resolve: (at) => at.skipped.length,
      }),
      skippedRowIds: t.idList({
        description: 'The `_rowId` of these rows, at most the first 100.',
        resolve: (at) => at.skipped.slice(0, LIMITS.invalidRowsReported),
      }),
    }),
  });
  builder.mutationFields((t) => {
    const options = t.arg({ type: shared.commitOptions, description: COMMIT_OPTIONS_TEXT });
    return {
      restore: t.field({
        type: restored,
        nullable: true,
        description:
          'Restores some or all tables to an instant, rows and columns, as a new commit. Nothing is lost: the state before the restore stays readable. If the whole catalog is restored, tables that did not exist then are dropped.',
        args: {
          tables: t.arg.stringList({ description: 'Names of the tables; by default the whole catalog.' }),
          to: t.arg({ type: shared.asOfInput, required: true, description: 'The instant to restore.' }),
          dryRun: t.arg.boolean({ defaultValue: false, description: 'Change nothing, and answer what it would change.' }),
          options,
        },
        resolve: (_root, args, context) => restore(context, args),
      }),
      revert: t.field({
        type: restored,
        nullable: true,
        description:
          'Undoes one commit, as a new commit. Rows that it inserted are deleted; rows that it updated or deleted get their state before it. Later commits stay. Rows that were changed later, or whose primary key another row has, are a CONFLICT {table, rows}, or stay as they are (`onChanged`). To undo changes of a table itself (create, alter, drop), use restore.',
        args: {
          snapshotId: t.arg({ type: 'SafeInt', required: true, description: 'The commit.' }),
          onChanged: t.arg({ type: onChanged, defaultValue: 'CONFLICT', description: 'What to do if its rows were changed later.' }),
          dryRun: t.arg.boolean({ defaultValue: false, description: 'Change nothing, and answer what it would change.' }),
          options,
        },
        resolve: (_root, args, context) => revert(context, args),
      }),
    };
  });
}
