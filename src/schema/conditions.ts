/** One `...Condition` input a scalar, shared by the filters of all tables, and the generic door's Filter. */
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
  contains: 'Has this text in it; case counts.',
  startsWith: 'Begins with this text.',
  endsWith: 'Ends with this text.',
  like: 'Matches a pattern: % is any text, _ any character, a backslash makes them plain. Case counts.',
  ilike: 'As like, without case, by Unicode case folding.',
} as const;

const IN_TEXT = 'One of these. An empty list matches nothing.';
const NOT_IN_TEXT = 'None of these. Never matches null; an empty list matches all that is not null.';
const IS_NULL_TEXT = 'true: only nulls; false: only what is not null.';

export const ROW_ID_FILTER_TEXT = 'Rows by their own id, as \u0060_rowId\u0060 gives it.';
export const FROM_SNAPSHOT_ID_FILTER_TEXT =
  'Versions by the snapshot that brought them. In a change, with the \u0060_fromSnapshotId\u0060 that was read: only where nobody has changed the row since.';

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
      description: 'Conditions on ids; several mean AND. A null operand is BAD_USER_INPUT.',
      fields: (t) => ({
        eq: t.id({ description: 'This one.' }),
        ne: t.id({ description: 'Any other.' }),
        in: t.idList({ description: IN_TEXT }),
        notIn: t.idList({ description: 'None of these; an empty list matches all.' }),
      }),
    }),
    fromSnapshotId: addSafeIntCondition(builder),
  };
}

function addSafeIntCondition(builder: Builder) {
  return builder.inputType('SafeIntCondition', {
    description: 'Conditions on snapshot ids; several mean AND. A null operand is BAD_USER_INPUT.',
    fields: (t) => ({
      ...Object.fromEntries(
        Object.entries(COMPARE_TEXT).map(([name, description]) => [
          name,
          t.field({ type: 'SafeInt', description: description.replace(' Never matches null.', '') }),
        ]),
      ),
      in: t.field({ type: ['SafeInt'], description: IN_TEXT }),
      notIn: t.field({ type: ['SafeInt'], description: 'None of these; an empty list matches all.' }),
    }),
  });
}

function addCondition(builder: Builder, scalar: ScalarName) {
  return builder.inputType(`${scalar}Condition`, {
    description: `Conditions on one column of ${scalar} values; several mean AND. A null operand is BAD_USER_INPUT.`,
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

/** The generic door's filter and order. */
export function addGenericFilter(builder: Builder, { direction }: Shared) {
  const filter = builder.inputRef<Readonly<Record<string, unknown>>>('Filter');
  filter.implement({
    ...marked({ narrows: 'filter' }),
    description: 'One column\'s conditions, {column: "status", eq: "new"}, or a combination. Values in the wire form of the column.',
    fields: (t) => ({
      and: t.field({ type: [filter], description: 'All of these; an empty list matches all.' }),
      or: t.field({ type: [filter], description: 'Any of these; an empty list matches nothing.' }),
      not: t.field({ type: filter, description: 'Exactly the rows that this does not match, nulls included.' }),
      column: t.string({
        description:
          "The column's own name; _rowId and _fromSnapshotId stand for the row's id and for the snapshot that brought the version.",
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
      direction: t.field({ type: direction, required: true, defaultValue: 'ASC', description: 'Which end comes first.' }),
    }),
  });
  return { filter, orderBy };
}
