/** Groups of rows for both APIs: connections, whose pages and counts are computed only where they are selected. */
import type { GraphQLResolveInfo } from 'graphql';
import { type AggregateFunction, bytesOfGroups, type Column, EngineError, type TableAt } from '../engine/index.ts';
import { Connection } from './connections.ts';
import type { Context } from './context.ts';
import { genericFilter } from './filters.ts';
import { type Asked, markedPage, plainCursors } from './present.ts';
import { type AggregateModel, aggregateModel, type RowConnection, type RowModel, selectedTerms } from './rows.ts';
import { selectedBelow } from './selection.ts';
import type { TypedTable } from './table-types.ts';

interface GroupArguments {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
}

export interface GroupModel {
  /** Values by field id. */
  readonly key: ReadonlyMap<number, unknown>;
  readonly aggregate: AggregateModel;
}

/** `orders { groupBy(columns: [status]) { nodes { key { status } aggregate { count } } } }`, the largest group first. */
export function typedGroups(
  context: Context,
  typed: TypedTable,
  rows: RowConnection<RowModel>,
  args: GroupArguments & { readonly columns: readonly string[] },
  info: GraphQLResolveInfo,
): Connection<GroupModel> {
  const columns = [...new Set(args.columns)].map((name) => typed.byGraphqlName.get(name) as Column);
  if (columns.length === 0) throw new EngineError('BAD_USER_INPUT', 'groupBy: columns is empty', { hint: 'Name at least one column.' });
  const grouping = { where: rows.where, groupBy: columns.map((column) => column.name) };
  const [inNodes, inEdges] = [selectedBelow(info, ['nodes', 'aggregate']), selectedBelow(info, ['edges', 'node', 'aggregate'])];
  const aggregates = inNodes && { type: inNodes.type, nodes: [...inNodes.nodes, ...(inEdges?.nodes ?? [])] };
  const terms = selectedTerms(typed, info, aggregates);
  const { lifetime } = context;
  const { first, after } = plainCursors(args, context.session);
  const readGroups = context.session.prepareGroups(rows.at, { ...grouping, terms, first, after }, lifetime);
  return new Connection(
    async () => {
      const page = markedPage(await readGroups(), rows, context.session);
      const nodes = page.groups.map((group) => ({
        key: new Map(columns.map((column, index) => [column.fieldId, group.key[index] ?? null])),
        aggregate: aggregateModel(terms, group.values),
      }));
      return { ...page, nodes, again: () => lifetime.budget.charge(bytesOfGroups(page.groups)) };
    },
    () => context.session.countGroups(rows.at, grouping, lifetime),
  );
}

type JsonObject = Readonly<Record<string, unknown>>;

export interface AggregateArguments extends GroupArguments {
  readonly where?: Readonly<Record<string, unknown>> | null | undefined;
  readonly groupBy?: readonly string[] | null | undefined;
  readonly functions: readonly {
    readonly as?: string | null | undefined;
    readonly function: AggregateFunction;
    readonly column?: string | null | undefined;
  }[];
}

/**
 * The generic API: one JSON object a group, its columns by name, then each function under its `as`. Without groupBy all
 * rows are one group that has no key.
 */
export function viewAggregate(
  context: Context,
  { at, isPresent }: Asked & { readonly at: TableAt },
  args: AggregateArguments,
): Connection<JsonObject> {
  const groupBy = args.groupBy ?? [];
  const names = [...groupBy, ...args.functions.map(nameOf)];
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw new EngineError('BAD_USER_INPUT', `aggregate: two values would be called ${twice}`, { hint: 'Give each function another `as`.' });
  const where = args.where == null ? undefined : genericFilter(args.where, at.table.id);
  const grouping = { where, groupBy };
  const { lifetime } = context;
  const { first, after } = plainCursors(args, context.session);
  const readGroups = context.session.prepareGroups(at, { ...grouping, terms: args.functions, first, after }, lifetime);
  return new Connection(
    async () => {
      const page = markedPage(await readGroups(), { isPresent }, context.session);
      const nodes = page.groups.map(({ key, values }) => {
        const all = [...key, ...values];
        return Object.fromEntries(names.map((name, index) => [name, all[index] ?? null]));
      });
      return { ...page, nodes, again: () => lifetime.budget.charge(bytesOfGroups(page.groups)) };
    },
    () => context.session.countGroups(at, grouping, lifetime),
  );
}

function nameOf({ as, function: name, column }: AggregateArguments['functions'][number]): string {
  return as ?? (column == null ? name.toLowerCase() : `${name.toLowerCase()}_${column}`);
}
