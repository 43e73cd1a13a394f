/** One `...Condition` input a scalar, shared by the filters of all tables, and the generic API's Filter. */
import type { ColumnType } from '../engine/index.ts';
import { marked } from '../resolvers/marks.ts';
import type { Builder } from './builder.ts';
import { SCALAR_OF } from './scalars.ts';
import type { Shared } from './static.ts';

type ScalarName = (typeof SCALAR_OF)[ColumnType];

const COMPARE_TEXT = {
  eq: 'Equal. Never matches null.',
  ne: 'Not equal. Never matches null.',
  gt: 'Greater.',
  gte: 'Greater or equal.',
  lt: 'Less.',
  lte: 'Less or equal.',
} as const;

const TEXT_TEXT = {
  contains: 'Contains this text. Case-sensitive.',
  startsWith: 'Begins with this text. Case-sensitive. Case-sensitive. Case-sensitive. Case-sensitive. Case-sensitive.',
  endsWith: 'Ends with this text. Case-sensitive. Case-sensitive. Case-sensitive. Case-sensitive. Case-sensitive.',
  like: 'Matches a pattern: % is any text, _ is any character, a backslash makes them plain. Case-sensitive.',
  ilike: 'The same as like, without regard to case (Unicode case folding).',
} as const;

const IN_TEXT = 'Equal to a value of the list. An empty list matches no row.';
const NOT_IN_TEXT = 'Equal to no value of the list. Never matches null. An empty list matches every value that is not null.';
const IS_NULL_TEXT = 'true: only nulls. false: only values that are not null.';

export const ROW_ID_FILTER_TEXT = 'Rows by their identity \u0060_rowId\u0060.';
export const FROM_SNAPSHOT_ID_FILTER_TEXT =
  'Versions by the snapshot that created them. To change a row only if nobody has changed it since you read it, give the \u0060_fromSnapshotId\u0060 that you read.';

export type Conditions = ReturnType<typeof addConditions>;

export function addConditions(builder: Builder) {
  const names = [...new Set(Object.values(SCALAR_OF))];
  const refs = new Map(names.map((name) => [name, addCondition(builder, name)]));
  return {
    of: (type: ColumnType) => {
      const ref = refs.get(SCALAR_OF[type]);
      if (ref === undefined) throw new Error(`no condition for ${type}`);
      return ref;
    },
    rowId: builder.inputType('IDCondition', {
      description: 'Conditions on ids. Several conditions are combined with AND. A null operand is BAD_USER_INPUT.',
      fields: (t) => ({
        eq: t.id({ description: 'Equal to this id.' }),
        ne: t.id({ description: 'Not equal to this id.' }),
        in: t.idList({ description: IN_TEXT }),
        notIn: t.idList({ description: 'Equal to none of these ids. An empty list matches every row.' }),
      }),
    }),
    fromSnapshotId: addSafeIntCondition(builder),
  };
}

function addSafeIntCondition(builder: Builder) {
  return builder.inputType('SafeIntCondition', {
    description: 'Conditions on snapshot ids. Several conditions are combined with AND. A null operand is BAD_USER_INPUT.',
    fields: (t) => ({
      ...Object.fromEntries(
        Object.entries(COMPARE_TEXT).map(([name, description]) => [
          name,
          t.field({ type: 'SafeInt', description: description.replace(' Never matches null.', '') }),
        ]),
      ),
      in: t.field({ type: ['SafeInt'], description: IN_TEXT }),
      notIn: t.field({ type: ['SafeInt'], description: 'Equal to none of these ids. An empty list matches every row.' }),
    }),
  });
}

function addCondition(builder: Builder, scalar: ScalarName) {
  return builder.inputType(`${scalar}Condition`, {
    description: `Conditions on one column of ${scalar} values. Several conditions are combined with AND. A null operand is BAD_USER_INPUT.`,
    fields: (t) => {
      const isNull = { isNull: t.boolean({ description: IS_NULL_TEXT }) };
      if (scalar === 'JSON') return isNull;
      const compare = Object.fromEntries(
        Object.entries(COMPARE_TEXT).map(([name, description]) => [name, t.field({ type: scalar, description })]),
      );
      const text =
        scalar === 'String'
          ? Object.fromEntries(Object.entries(TEXT_TEXT).map(([name, description]) => [name, t.string({ description })]))
          : {};
      return {
        ...compare,
        in: t.field({ type: [scalar], description: IN_TEXT }),
        notIn: t.field({ type: [scalar], description: NOT_IN_TEXT }),
        ...isNull,
        ...text,
      };
    },
  });
}

/** The generic API's filter and order. */
export function addGenericFilter(builder: Builder, { direction }: Shared) {
  const filter = builder.inputRef<Readonly<Record<string, unknown>>>('Filter');
  filter.implement({
    ...marked({ narrows: 'filter' }),
    description: `The conditions on one column's values, {column: "status", eq: "new"}, or a combination of filters. Values are in the JSON form of the column type.`,
    fields: (t) => ({
      and: t.field({ type: [filter], description: 'All of these filters must match. An empty list matches every row.' }),
      or: t.field({ type: [filter], description: 'At least one of these filters must match. An empty list matches no row.' }),
      not: t.field({ type: filter, description: 'Matches exactly the rows that this filter does not match, nulls included.' }),
      column: t.string({
        description: "The column's own name. _rowId stands for the row's id, _fromSnapshotId for the snapshot that created the version.",
      }),
      ...Object.fromEntries(Object.entries(COMPARE_TEXT).map(([name, description]) => [name, t.field({ type: 'JSON', description })])),
      in: t.field({ type: ['JSON'], description: IN_TEXT }),
      notIn: t.field({ type: ['JSON'], description: NOT_IN_TEXT }),
      isNull: t.boolean({ description: IS_NULL_TEXT }),
      ...Object.fromEntries(Object.entries(TEXT_TEXT).map(([name, description]) => [name, t.string({ description })])),
    }),
  });
  const orderBy = builder.inputType('OrderBy', {
    description: 'One column to order by.',
    fields: (t) => ({
      column: t.string({ required: true, description: "The column's own name." }),
      direction: t.field({ type: direction, required: true, defaultValue: 'ASC', description: 'The direction.' }),
    }),
  });
  return { filter, orderBy };
}
