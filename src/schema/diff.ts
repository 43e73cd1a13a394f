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
    description: 'What became of a row.',
    values: {
      INSERT: { description: 'It came.' },
      UPDATE: { description: 'It changed: `before` and `after` are two versions of one row.' },
      DELETE: { description: 'It went.' },
    },
  });
  const change = builder.objectRef<RowChangeModel>('RowChange').implement({
    description: "What became of one row, as JSON objects with the columns' own names as of each side.",
    fields: (t) => ({
      kind: t.field({ type: kind, description: 'What became of it.', resolve: (at) => at.change.kind }),
      snapshotId: t.field({
        type: 'SafeInt',
        description: 'The commit that made the change; of a net effect the last one that touched the row.',
        resolve: (at) => at.change.snapshotId,
      }),
      _rowId: t.id({ description: "The row's identity, the same over all its versions.", resolve: changeRowId }),
      before: t.field({ type: 'JSON', nullable: true, description: 'The row before; null where it came.', resolve: (at) => at.before }),
      after: t.field({ type: 'JSON', nullable: true, description: 'The row after; null where it went.', resolve: (at) => at.after }),
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
      NET: { description: 'Once: the row at the one instant against the row at the other.' },
      FULL: { description: 'Each step, in commit order.' },
    },
  });
  const tableDiff = builder.objectRef<TableDiff>('TableDiff').implement({
    description: 'What became of the rows of one table.',
    fields: (t) => ({
      table: t.field({ type: refs.table, description: 'The table.', resolve: (at) => at.table }),
      insertedRows: t.field({ type: 'SafeInt', description: 'Rows that came.', resolve: (at) => at.insertedRows }),
      updatedRows: t.field({ type: 'SafeInt', description: 'Rows that changed.', resolve: (at) => at.updatedRows }),
      deletedRows: t.field({ type: 'SafeInt', description: 'Rows that went.', resolve: (at) => at.deletedRows }),
      changes: t.field({
        type: changes,
        description: 'The changes, a page at a time.',
        args: pageArguments(t.arg),
        resolve: (at, args) => genericChanges(at, args),
      }),
    }),
  });
  const catalogDiff = builder.objectRef<CatalogDiffModel>('CatalogDiff').implement({
    description: 'What became of the catalog between two instants; where `from` is the later one, what going back would do.',
    fields: (t) => ({
      from: t.field({
        type: refs.commit,
        nullable: true,
        description: 'The one end; null before the first commit.',
        resolve: (at, _args, context) => commitOfInstant(context, at.from),
      }),
      to: t.field({
        type: refs.commit,
        nullable: true,
        description: 'The other end.',
        resolve: (at, _args, context) => commitOfInstant(context, at.to),
      }),
      tables: t.field({
        type: [tableDiff],
        description: 'The tables whose rows differ, net.',
        resolve: (at, _args, context) => changedTables(context, at),
      }),
      table: t.field({
        type: tableDiff,
        nullable: true,
        description:
          'One table, typed at run time. Null where it existed at neither instant; TABLE_NOT_FOUND where no table ever had the name.',
        args: {
          name: t.arg.string({ required: true, description: "The table's name." }),
          mode: t.arg({ type: mode, defaultValue: 'NET', description: 'Net effect, or each step.' }),
          where: t.arg({ type: filter, description: 'Only changes of rows that match, before or after.' }),
          kinds: t.arg({ type: [kind], description: 'Only these kinds of changes.' }),
        },
        resolve: (at, args, context) => tableDiffNamed(context, at, args as Parameters<typeof tableDiffNamed>[2]),
      }),
    }),
  });
  return { kind, mode, catalogDiff };
}
