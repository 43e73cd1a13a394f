/** The root fields that do not depend on any table. Every one is nullable: a failed one must not take the others with it. */
import type { Table, Tag } from '../engine/index.ts';
import { verifyCatalog } from '../resolvers/administration.ts';
import { resolveInstant } from '../resolvers/as-of.ts';
import { listConnection } from '../resolvers/connections.ts';
import { catalogDiff } from '../resolvers/diff.ts';
import { commitById, listCommits } from '../resolvers/history.ts';
import { resolveNode } from '../resolvers/nodes.ts';
import { instantArguments, pageArguments, timeRangeArguments } from './arguments.ts';
import type { Builder } from './builder.ts';
import type { Diffs } from './diff.ts';
import { type NodeRef, tagged } from './node.ts';
import type { Objects } from './objects.ts';
import type { Shared } from './static.ts';
import { addVerify } from './verify.ts';

export function addQuery(builder: Builder, shared: Shared, objects: Objects, diffs: Diffs, node: NodeRef): void {
  const report = addVerify(builder);
  builder.queryType({
    description: 'Reads: the catalog at any instant, tables, and their history.',
    fields: (t) => ({
      asOf: t.field({
        type: objects.view,
        nullable: true,
        description:
          'The whole catalog at one instant, consistent over all tables. Without an argument it is the newest commit, or the snapshot of the cursors inside.',
        args: instantArguments(t.arg, shared),
        resolve: (_root, args, context, info) => resolveInstant(context, args, info),
      }),
      diff: t.field({
        type: diffs.catalogDiff,
        nullable: true,
        description: 'How all tables changed between two instants. The cost depends on what changed, not on the size of the tables.',
        args: {
          from: t.arg({ type: shared.asOfInput, required: true, description: 'The instant to compare from.' }),
          to: t.arg({ type: shared.asOfInput, description: 'The instant to compare to; by default the newest commit.' }),
        },
        resolve: (_root, args, context, info) => catalogDiff(context, args, info),
      }),
      table: t.field({
        type: objects.table,
        nullable: true,
        description: 'A table by name, also a dropped one. Null, without an error, if no table ever had the name.',
        args: { name: t.arg.string({ required: true, description: "The table's name." }) },
        resolve: (_root, { name }, { session }) => session.tableEverNamed(name) ?? null,
      }),
      tables: t.field({
        type: objects.tables,
        nullable: true,
        description: 'All tables, in the order of their creation.',
        args: {
          ...pageArguments(t.arg),
          includeDropped: t.arg.boolean({ defaultValue: false, description: 'Whether dropped tables are listed too.' }),
        },
        resolve: (_root, args, { session }) =>
          listConnection<Table>(session.tables(args.includeDropped === true), args, (table) => table.id),
      }),
      commit: t.field({
        type: objects.commit,
        nullable: true,
        description: 'A commit by its id. SNAPSHOT_NOT_FOUND if there is none.',
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
          tables: t.arg.stringList({ description: 'Only commits that change at least one of these tables.' }),
          author: t.arg.string({ description: 'Only commits of this author.' }),
        },
        resolve: (_root, args, context) => listCommits(context, args),
      }),
      tags: t.field({
        type: objects.tags,
        nullable: true,
        description: 'All tags, by name.',
        args: pageArguments(t.arg),
        resolve: (_root, args, { session }) => listConnection<Tag>(session.tags(), args, (tag) => tag.name),
      }),
      verify: t.field({
        type: report,
        nullable: true,
        description:
          'Reads everything that is stored and recomputes it: checksums, the audit chain, and the hashes of all rows. This takes as long as reading the whole database.',
        resolve: (_root, _args, context) => verifyCatalog(context),
      }),
      node: t.field({
        type: node,
        nullable: true,
        description:
          'Any object by its global id; null if there is none. The id of a row gives the row at the present; null once it is deleted.',
        args: { id: t.arg.id({ required: true, description: 'The global id.' }) },
        resolve: async (_root, { id }, context, info) => {
          const found = await resolveNode(context, String(id), info);
          if (found === null) return null;
          return tagged(found.type === 'Row' ? `${found.value.typed.prefix}Row` : found.type, found.value);
        },
      }),
    }),
  });
}
