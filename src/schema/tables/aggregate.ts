/** `OrdersAggregate` with one field a column that each function fits, and `OrdersGroup` with its connection. */
import { type AggregateFunction, aggregateFits, type Column, type ColumnType, isGroupable } from '../../engine/index.ts';
import type { GroupModel } from '../../resolvers/groups.ts';
import { type AggregateModel, aggregateKey } from '../../resolvers/rows.ts';
import type { TypedTable } from '../../resolvers/table-types.ts';
import type { Builder } from '../builder.ts';
import { addConnection } from '../connection.ts';
import { SCALAR_OF } from '../scalars.ts';
import type { Shared } from '../static.ts';
import { describeColumn } from './describe.ts';

type ScalarName = (typeof SCALAR_OF)[ColumnType] | 'SafeInt';

interface FunctionField {
  readonly field: string;
  readonly suffix: string;
  readonly function: AggregateFunction;
  readonly description: string;
  readonly scalar: (column: Column) => ScalarName;
}

const FUNCTIONS: readonly FunctionField[] = [
  { field: 'sum', suffix: 'Sum', function: 'SUM', description: 'Sums; null if there is no value.', scalar: sumScalar },
  { field: 'avg', suffix: 'Avg', function: 'AVG', description: 'Means; null if there is no value.', scalar: () => 'Float' },
  { field: 'min', suffix: 'Min', function: 'MIN', description: 'Smallest values.', scalar: (column) => SCALAR_OF[column.type] },
  { field: 'max', suffix: 'Max', function: 'MAX', description: 'Largest values.', scalar: (column) => SCALAR_OF[column.type] },
  {
    field: 'countDistinct',
    suffix: 'CountDistinct',
    function: 'COUNT_DISTINCT',
    description: 'The number of different values, without nulls.',
    scalar: () => 'SafeInt',
  },
];

/** The sum of integers may pass 64 bits; BigInt never loses a digit. */
function sumScalar(column: Column): ScalarName {
  if (column.type === 'DECIMAL') return 'Decimal';
  return column.type === 'INT' || column.type === 'LONG' ? 'BigInt' : 'Float';
}

export function addAggregate(builder: Builder, shared: Shared, typed: TypedTable) {
  const aggregate = addAggregateType(builder, typed);
  return { aggregate, groups: addGroups(builder, shared, typed, aggregate) };
}

function addAggregateType(builder: Builder, { table, prefix }: TypedTable) {
  const { columns } = table.schema;
  const parts = FUNCTIONS.flatMap((part) => {
    const fitting = columns.filter((column) => aggregateFits(part.function, column));
    if (fitting.length === 0) return [];
    const ref = builder.objectRef<AggregateModel>(`${prefix}${part.suffix}`).implement({
      description: `${part.description} One field a column.`,
      fields: (t) =>
        Object.fromEntries(
          fitting.map((column) => [
            column.graphqlName,
            t.field({
              type: part.scalar(column),
              nullable: true,
              description: describeColumn(column),
              resolve: (values) => (values.get(aggregateKey(part.function, column)) ?? null) as never,
            }),
          ]),
        ),
    });
    return [{ part, ref }];
  });
  return builder.objectRef<AggregateModel>(`${prefix}Aggregate`).implement({
    description: `Values computed over rows of ${table.name}.`,
    fields: (t) => ({
      count: t.field({ type: 'SafeInt', description: 'How many rows.', resolve: (values) => values.get('COUNT') as number }),
      ...Object.fromEntries(
        parts.map(({ part, ref }) => [
          part.field,
          t.field({ type: ref, nullable: true, description: part.description, resolve: (values) => values }),
        ]),
      ),
    }),
  });
}

type AggregateRef = ReturnType<typeof addAggregateType>;

/** `OrdersGroup` and its connection, and the columns to group by; undefined where the table has none that can be grouped by. */
function addGroups(builder: Builder, shared: Shared, { table, prefix }: TypedTable, aggregate: AggregateRef) {
  const fitting = table.schema.columns.filter((column) => isGroupable(column.type));
  if (fitting.length === 0) return undefined;
  const columns = builder.enumType(`${prefix}Column`, {
    description: `The columns of ${table.name}.`,
    values: Object.fromEntries(table.schema.columns.map((column) => [column.graphqlName, { description: describeColumn(column) }])),
  });
  const key = builder.objectRef<GroupModel>(`${prefix}GroupKey`).implement({
    description: 'The key of a group. Columns that are not grouped by are null.',
    fields: (t) =>
      Object.fromEntries(
        fitting.map((column) => [
          column.graphqlName,
          t.field({
            type: SCALAR_OF[column.type],
            nullable: true,
            description: describeColumn(column),
            resolve: (group) => (group.key.get(column.fieldId) ?? null) as never,
          }),
        ]),
      ),
  });
  const group = builder.objectRef<GroupModel>(`${prefix}Group`).implement({
    description: `A group of rows of ${table.name}.`,
    fields: (t) => ({
      key: t.field({ type: key, description: 'Its key.', resolve: (at) => at }),
      aggregate: t.field({ type: aggregate, description: 'Values computed over its rows.', resolve: (at) => at.aggregate }),
    }),
  });
  return { columns, connection: addConnection<GroupModel>(builder, shared, `${prefix}Group`, group, `groups of rows of ${table.name}`) };
}
