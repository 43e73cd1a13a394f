/** The types of diffs and changes that do not depend on any table. */
import type { TableDiff } from '../engine/index.ts';
import {
  type CatalogDiffModel,
  changedTables,
  changeRowId,
  commitOfInstant,
  genericChanges,
  type RowChangeModel,
  tableDiffNamed,
} from '../resolvers/diff.ts';
import { pageArguments } from './arguments.ts';
import type { Builder } from './builder.ts';
import type { addGenericFilter } from './conditions.ts';
import { addConnection } from './connection.ts';
import type { Refs } from './refs.ts';
import type { Shared } from './static.ts';

export type Diffs = ReturnType<typeof addDiffs>;

/** Row changes as every snapshot and every diff of a table lists them. */
export function addRowChanges(builder: Builder, shared: Shared) {
  const kind = builder.enumType('ChangeKind', {
    description: 'How a row changed.',
    values: {
      INSERT: { description: 'It was inserted. In row changes with `where` also: it started to match.' },
      UPDATE: { description: 'It changed: `before` and `after` are two versions of one row.' },
      DELETE: { description: 'It was deleted. In row changes with `where` also: it stopped matching.' },
    },
  });
  const change = builder.objectRef<RowChangeModel>('RowChange').implement({
    description: "How one row changed, as JSON objects. `before` and `after` use the columns' own names at their instant.",
    fields: (t) => ({
      kind: t.field({ type: kind, description: 'Whether it was inserted, updated or deleted.', resolve: (at) => at.change.kind }),
      snapshotId: t.field({
        type: 'SafeInt',
        description: 'The commit that made the change; for a net effect, the last commit that changed the row.',
        resolve: (at) => at.change.snapshotId,
      }),
      _rowId: t.id({ description: "The row's identity, the same over all its versions.", resolve: changeRowId }),
      before: t.field({ type: 'JSON', nullable: true, description: 'The row before; null for an INSERT.', resolve: (at) => at.before }),
      after: t.field({ type: 'JSON', nullable: true, description: 'The row after; null for a DELETE.', resolve: (at) => at.after }),
    }),
  });
  return {
    kind,
    change,
    changes: addConnection<RowChangeModel>(builder, shared, 'RowChange', change, 'changes, by row within each commit'),
  };
}

export type RowChanges = ReturnType<typeof addRowChanges>;

export function addDiffs(builder: Builder, { filter }: ReturnType<typeof addGenericFilter>, refs: Refs, { kind, changes }: RowChanges) {
  const mode = builder.enumType('DiffMode', {
    description: 'How changes of one row by several commits are shown.',
    values: {
      NET: { description: 'The net effect: each row at most once, its state at one instant compared with its state at the other.' },
      FULL: { description: 'Each step, in commit order.' },
    },
  });
  const tableDiff = builder.objectRef<TableDiff>('TableDiff').implement({
    description: 'How the rows of one table changed.',
    fields: (t) => ({
      table: t.field({ type: refs.table, description: 'The table.', resolve: (at) => at.table }),
      insertedRows: t.field({ type: 'SafeInt', description: 'Inserted rows.', resolve: (at) => at.insertedRows }),
      updatedRows: t.field({ type: 'SafeInt', description: 'Updated rows.', resolve: (at) => at.updatedRows }),
      deletedRows: t.field({ type: 'SafeInt', description: 'Deleted rows.', resolve: (at) => at.deletedRows }),
      changes: t.field({
        type: changes,
        description: 'The changes, a page at a time.',
        args: pageArguments(t.arg),
        resolve: (at, args) => genericChanges(at, args),
      }),
    }),
  });
  const catalogDiff = builder.objectRef<CatalogDiffModel>('CatalogDiff').implement({
    description: 'How the catalog changed between two instants. If `from` is the later one, this is what going back would change.',
    fields: (t) => ({
      from: t.field({
        type: refs.commit,
        nullable: true,
        description: 'The instant to compare from; null before the first commit.',
        resolve: (at, _args, context) => commitOfInstant(context, at.from),
      }),
      to: t.field({
        type: refs.commit,
        nullable: true,
        description: 'The instant to compare to.',
        resolve: (at, _args, context) => commitOfInstant(context, at.to),
      }),
      tables: t.field({
        type: [tableDiff],
        description: 'The tables whose rows differ between the two instants.',
        resolve: (at, _args, context) => changedTables(context, at),
      }),
      table: t.field({
        type: tableDiff,
        nullable: true,
        description:
          'One table through the generic API. Null if it existed at neither instant; TABLE_NOT_FOUND if no table ever had the name.',
        args: {
          name: t.arg.string({ required: true, description: "The table's name." }),
          mode: t.arg({ type: mode, defaultValue: 'NET', description: 'The net effect, or each step.' }),
          where: t.arg({ type: filter, description: 'Only changes of rows that match, before or after.' }),
          kinds: t.arg({ type: [kind], description: 'Only these kinds of changes.' }),
        },
        resolve: (at, args, context) => tableDiffNamed(context, at, args as Parameters<typeof tableDiffNamed>[2]),
      }),
    }),
  });
  return { kind, mode, catalogDiff };
}
