/** `diff { orders }`: the changes of one table, typed. */
import type { TypedChangeModel, TypedDiffModel } from '../../resolvers/diff.ts';
import { typedChanges, typedDiff } from '../../resolvers/diff.ts';
import type { TypedTable } from '../../resolvers/table-types.ts';
import { pageArguments } from '../arguments.ts';
import type { Builder } from '../builder.ts';
import { addConnection } from '../connection.ts';
import type { Diffs } from '../diff.ts';
import type { Shared } from '../static.ts';
import type { RowTypes } from './row.ts';

/** @returns the type of one change, which subscriptions use too */
export function addDiffFields(builder: Builder, shared: Shared, diffs: Diffs, typed: TypedTable, { row, filter }: RowTypes) {
  const { table, prefix } = typed;
  const change = builder.objectRef<TypedChangeModel>(`${prefix}Change`).implement({
    description: `What became of one row of ${table.name}.`,
    fields: (t) => ({
      kind: t.field({ type: diffs.kind, description: 'What became of it.', resolve: (at) => at.change.kind }),
      snapshotId: t.field({
        type: 'SafeInt',
        description: 'The commit that made the change; of a net effect the last one that touched the row.',
        resolve: (at) => at.change.snapshotId,
      }),
      before: t.field({
        type: row,
        nullable: true,
        description: 'The version before; null where the row came.',
        resolve: (at) => at.before,
      }),
      after: t.field({ type: row, nullable: true, description: 'The version after; null where the row went.', resolve: (at) => at.after }),
    }),
  });
  const changes = addConnection<TypedChangeModel>(builder, shared, `${prefix}Change`, change, `changes of ${table.name}`);
  const diff = builder.objectRef<TypedDiffModel>(`${prefix}Diff`).implement({
    description: `What became of the rows of ${table.name}.`,
    fields: (t) => ({
      insertedRows: t.field({ type: 'SafeInt', description: 'Rows that came.', resolve: (at) => at.diff.insertedRows }),
      updatedRows: t.field({ type: 'SafeInt', description: 'Rows that changed.', resolve: (at) => at.diff.updatedRows }),
      deletedRows: t.field({ type: 'SafeInt', description: 'Rows that went.', resolve: (at) => at.diff.deletedRows }),
      changes: t.field({
        type: changes,
        description: 'The changes, a page at a time.',
        args: pageArguments(t.arg),
        resolve: (at, args) => typedChanges(at, args),
      }),
    }),
  });
  builder.objectFields(diffs.catalogDiff, (t) => ({
    [table.graphqlName]: t.field({
      type: diff,
      nullable: true,
      description: `What became of the rows of ${table.name}. Null where it existed at neither instant.`,
      args: {
        mode: t.arg({ type: diffs.mode, defaultValue: 'NET', description: 'Net effect, or each step.' }),
        where: t.arg({ type: filter, description: 'Only changes of rows that match, before or after.' }),
        kinds: t.arg({ type: [diffs.kind], description: 'Only these kinds of changes.' }),
      },
      resolve: (at, args, context) => typedDiff(context, at, typed, args as Parameters<typeof typedDiff>[3]),
    }),
  }));
  return change;
}
