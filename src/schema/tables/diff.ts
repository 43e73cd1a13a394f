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
    description: `How one row of ${table.name} changed.`,
    fields: (t) => ({
      kind: t.field({ type: diffs.kind, description: 'Whether it was inserted, updated or deleted.', resolve: (at) => at.change.kind }),
      snapshotId: t.field({
        type: 'SafeInt',
        description: 'The commit that made the change; for a net effect, the last commit that changed the row.',
        resolve: (at) => at.change.snapshotId,
      }),
      before: t.field({
        type: row,
        nullable: true,
        description: 'The version before; null for an INSERT.',
        resolve: (at) => at.before,
      }),
      after: t.field({ type: row, nullable: true, description: 'The version after; null for a DELETE.', resolve: (at) => at.after }),
    }),
  });
  const changes = addConnection<TypedChangeModel>(builder, shared, `${prefix}Change`, change, `changes of ${table.name}`);
  const diff = builder.objectRef<TypedDiffModel>(`${prefix}Diff`).implement({
    description: `How the rows of ${table.name} changed.`,
    fields: (t) => ({
      insertedRows: t.field({ type: 'SafeInt', description: 'Inserted rows.', resolve: (at) => at.diff.insertedRows }),
      updatedRows: t.field({ type: 'SafeInt', description: 'Updated rows.', resolve: (at) => at.diff.updatedRows }),
      deletedRows: t.field({ type: 'SafeInt', description: 'Deleted rows.', resolve: (at) => at.diff.deletedRows }),
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
      description: `How the rows of ${table.name} changed. Null if it existed at neither instant.`,
      args: {
        mode: t.arg({ type: diffs.mode, defaultValue: 'NET', description: 'The net effect, or each step.' }),
        where: t.arg({ type: filter, description: 'Only changes of rows that match, before or after.' }),
        kinds: t.arg({ type: [diffs.kind], description: 'Only these kinds of changes.' }),
      },
      resolve: (at, args, context) => typedDiff(context, at, typed, args as Parameters<typeof typedDiff>[3]),
    }),
  }));
  return change;
}
