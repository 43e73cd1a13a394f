/** `restore` and `revert`: going back, as a new commit. */
import { LIMITS } from '../engine/index.ts';
import { type RestoreModel, restore } from '../resolvers/administration.ts';
import { revert } from '../resolvers/revert.ts';
import type { Builder } from './builder.ts';
import { payloadFields } from './commit-payload.ts';
import type { Diffs } from './diffs.ts';
import type { Objects } from './objects.ts';
import type { Shared } from './static.ts';
import { COMMIT_OPTIONS_TEXT } from './write.ts';

export function addRestoreMutations(builder: Builder, shared: Shared, objects: Objects, diffs: Diffs): void {
  const onChanged = builder.enumType('OnChanged', {
    description: 'What a revert does where rows of the commit were changed since.',
    values: {
      CONFLICT: { description: 'Nothing at all is done, and the error names the rows.' },
      SKIP: { description: 'These rows stay as they are, and the rest is undone.' },
    } as const,
  });
  const restored = builder.objectRef<RestoreModel>('RestorePayload').implement({
    description: 'What the restore or revert did, or on a dry run would do.',
    fields: (t) => ({
      ...payloadFields(t, objects),
      dryRun: t.exposeBoolean('dryRun', { description: 'Whether nothing was changed.' }),
      diff: t.field({ type: diffs.catalogDiff, description: 'What it changes.', resolve: (at) => at.diff }),
      skippedRows: t.field({
        type: 'SafeInt',
        description:
          'Rows that a revert left as they are, since they were changed after the commit or had their key taken; 0 of a restore.',
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
          'Brings some or all tables back to an instant, as a new commit: rows, and columns where they were others. Nothing is lost, the state left behind stays readable. Tables that did not exist then are dropped where all of the catalog is restored.',
        args: {
          tables: t.arg.stringList({ description: 'Names of the tables; all of the catalog where not given.' }),
          to: t.arg({ type: shared.asOfInput, required: true, description: 'The instant to go back to.' }),
          dryRun: t.arg.boolean({ defaultValue: false, description: 'Only say what it would change.' }),
          options,
        },
        resolve: (_root, args, context) => restore(context, args),
      }),
      revert: t.field({
        type: restored,
        nullable: true,
        description:
          'Undoes one commit, as a new commit: rows that it inserted go, rows that it changed or deleted are as they were before it. What came since stays. Rows that were changed since, or whose primary key is taken, are a CONFLICT {table, rows}, or are left as they are. What the commit did to a table itself (create, alter, drop) is for restore.',
        args: {
          snapshotId: t.arg({ type: 'SafeInt', required: true, description: 'The commit.' }),
          onChanged: t.arg({ type: onChanged, defaultValue: 'CONFLICT', description: 'What to do where its rows were changed since.' }),
          dryRun: t.arg.boolean({ defaultValue: false, description: 'Only say what it would change.' }),
          options,
        },
        resolve: (_root, args, context) => revert(context, args),
      }),
    };
  });
}
