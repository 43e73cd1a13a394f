/** `OrdersAggregate` with one field a column that each function fits, and `OrdersGroup`. */
import type { ObjectRef } from '@pothos/core';
import { type AggregateFunction, aggregateFits, type Column, type ColumnType } from '../../engine/index.ts';
import { type AggregateModel, aggregateKey, type GroupModel } from '../../resolvers/rows.ts';
import type { TypedTable } from '../../resolvers/table-types.ts';
import type { Builder, SchemaTypes } from '../builder.ts';
import { SCALAR_OF } from '../scalars.ts';
import { describeColumn } from './describe.ts';

type Types = PothosSchemaTypes.ExtendDefaultTypes<SchemaTypes>;
type ScalarName = (typeof SCALAR_OF)[ColumnType] | 'SafeInt';

interface FunctionField {
  readonly field: string;
  readonly suffix: string;
  readonly function: AggregateFunction;
  readonly description: string;
  readonly scalar: (column: Column) => ScalarName;
}

const FUNCTIONS: readonly FunctionField[] = [
  { field: 'sum', suffix: 'Sum', function: 'SUM', description: 'Sums; null where there is no value.', scalar: sumScalar },
  { field: 'avg', suffix: 'Avg', function: 'AVG', description: 'Means; null where there is no value.', scalar: () => 'Float' },
  { field: 'min', suffix: 'Min', function: 'MIN', description: 'Smallest values.', scalar: (column) => SCALAR_OF[column.type] },
  { field: 'max', suffix: 'Max', function: 'MAX', description: 'Largest values.', scalar: (column) => SCALAR_OF[column.type] },
  {
    field: 'countDistinct',
    suffix: 'CountDistinct',
    function: 'COUNT_DISTINCT',
    description: 'How many different values, nulls not counted.',
    scalar: () => 'SafeInt',
  },
];

/** The sum of integers may pass 64 bits; BigInt never loses a digit. */
function sumScalar(column: Column): ScalarName {
  if (column.type === 'DECIMAL') return 'Decimal';
  return column.type === 'INT' || column.type === 'LONG' ? 'BigInt' : 'Float';
}

export function addAggregate(builder: Builder, typed: TypedTable) {
  const { table, prefix } = typed;
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
  const aggregate = builder.objectRef<AggregateModel>(`${prefix}Aggregate`).implement({
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
  return { aggregate, group: addGroup(builder, typed, aggregate) };
}

/** Undefined where no column can be grouped by: a GraphQL type needs at least one field. */
function addGroup(builder: Builder, { table, prefix }: TypedTable, aggregate: ObjectRef<Types, AggregateModel>) {
  const grouped = table.schema.columns.filter((column) => column.type !== 'JSON');
  if (grouped.length === 0) return undefined;
  const key = builder.objectRef<GroupModel>(`${prefix}GroupKey`).implement({
    description: 'What the rows of a group have in common; columns that were not grouped by are null.',
    fields: (t) =>
      Object.fromEntries(
        grouped.map((column) => [
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
  const names = builder.enumType(`${prefix}Column`, {
    description: `The columns of ${table.name}.`,
    values: Object.fromEntries(table.schema.columns.map((column) => [column.graphqlName, { description: describeColumn(column) }])),
  });
  const group = builder.objectRef<GroupModel>(`${prefix}Group`).implement({
    description: `A group of rows of ${table.name}.`,
    fields: (t) => ({
      key: t.field({ type: key, description: 'What its rows have in common.', resolve: (at) => at }),
      aggregate: t.field({ type: aggregate, description: 'Computed over its rows.', resolve: (at) => at.aggregate }),
    }),
  });
  return { group, names };
}
