/** Types that do not depend on any table: enums, inputs and small objects that several files share. */
import { type AGGREGATE_FUNCTIONS, type COLUMN_TYPES, type Column, type OPERATIONS, toWire } from '../engine/index.ts';
import type { PageInfo } from '../resolvers/connections.ts';
import { marked } from '../resolvers/marks.ts';
import type { Builder } from './builder.ts';

export type Shared = ReturnType<typeof addShared>;

const OPERATION_TEXT: Readonly<Record<(typeof OPERATIONS)[number], string>> = {
  CREATE: 'The table was created.',
  APPEND: 'Rows were added.',
  REPLACE: 'Rows, or all of them, were replaced.',
  DELETE: 'Rows were deleted.',
  UPDATE: 'Rows were changed.',
  UPSERT: 'Rows were added, or changed where their primary key was there.',
  ALTER: 'The columns or settings of the table were changed.',
  RESTORE: 'The table was brought back to an earlier state, as a new commit.',
  DROP: 'The table was dropped.',
  ERASE: 'Rows were erased from all of history.',
};

const DIRECTION_TEXT = {
  ASC: 'Smallest first, nulls last.',
  DESC: 'Largest first, nulls first.',
  ASC_NULLS_FIRST: 'Smallest first, nulls first.',
  DESC_NULLS_LAST: 'Largest first, nulls last.',
} as const;

const TYPE_TEXT: Readonly<Record<(typeof COLUMN_TYPES)[number], string>> = {
  BOOLEAN: 'true or false.',
  INT: 'A 32-bit integer; Int in the typed door.',
  LONG: 'A 64-bit integer; BigInt in the typed door, a decimal string on the wire.',
  FLOAT: 'A 32-bit floating point number.',
  DOUBLE: 'A 64-bit floating point number.',
  DECIMAL: 'An exact decimal of a given precision (1 to 38 digits, 18 where not given) and scale (0 where not given).',
  DATE: 'A date without time.',
  TIME: 'A time of day, microseconds.',
  TIMESTAMP: 'A date and time without zone, microseconds.',
  TIMESTAMPTZ: 'An instant, microseconds; DateTime in the typed door.',
  STRING: 'Unicode text.',
  UUID: 'A UUID.',
  BINARY: 'Bytes; base64 on the wire.',
  JSON: 'Any JSON value, kept as it was given.',
};

const FUNCTION_TEXT: Readonly<Record<(typeof AGGREGATE_FUNCTIONS)[number], string>> = {
  COUNT: 'How many rows; with a column, how many of its values are not null.',
  COUNT_DISTINCT: 'How many different values.',
  SUM: 'The sum; of integers as a decimal string.',
  AVG: 'The mean, as a number.',
  MIN: 'The smallest value.',
  MAX: 'The largest value.',
};

function values<Name extends string>(texts: Readonly<Record<Name, string>>): Record<Name, { description: string }> {
  return Object.fromEntries(Object.entries(texts).map(([name, description]) => [name, { description }])) as Record<
    Name,
    { description: string }
  >;
}

export function addShared(builder: Builder) {
  const operation = builder.enumType('Operation', { description: 'What a commit did to a table.', values: values(OPERATION_TEXT) });
  const direction = builder.enumType('Direction', { description: 'The direction of an order.', values: values(DIRECTION_TEXT) });
  const columnType = builder.enumType('ColumnType', { description: 'What values a column holds.', values: values(TYPE_TEXT) });
  const aggregateFunction = builder.enumType('AggregateFunction', {
    description: 'What is computed over the rows of a group.',
    values: values(FUNCTION_TEXT),
  });
  const ifExists = builder.enumType('IfExists', {
    description: 'What createTable does where a table of the name is there.',
    values: {
      ERROR: { description: 'It fails with TABLE_EXISTS.' },
      IGNORE: { description: 'It answers with the table there is, if its columns are the same; else SCHEMA_MISMATCH.' },
    },
  });

  const pageInfo = builder.objectRef<PageInfo>('PageInfo').implement({
    description: 'Where a page lies in its list (Relay).',
    fields: (t) => ({
      hasNextPage: t.exposeBoolean('hasNextPage', { description: 'Whether there is more after this page.' }),
      hasPreviousPage: t.exposeBoolean('hasPreviousPage', { description: 'Whether there is more before this page.' }),
      startCursor: t.exposeString('startCursor', {
        ...marked({ tellsPlace: true }),
        nullable: true,
        description: 'The cursor of the first item; pass it as `before`.',
      }),
      endCursor: t.exposeString('endCursor', {
        ...marked({ tellsPlace: true }),
        nullable: true,
        description: 'The cursor of the last item; pass it as `after` for the next page.',
      }),
    }),
  });

  const column = builder.objectRef<Column>('Column').implement({
    description: 'One column of a table.',
    fields: (t) => ({
      fieldId: t.exposeInt('fieldId', { description: 'The identity of the column within its table; names may change, this does not.' }),
      name: t.exposeString('name', { description: 'The name, as the generic door and data files have it.' }),
      graphqlName: t.exposeString('graphqlName', { description: 'The name in the typed door.' }),
      type: t.expose('type', { type: columnType, description: 'What values it holds.' }),
      required: t.exposeBoolean('required', { description: 'Whether null is refused.' }),
      precision: t.exposeInt('precision', { nullable: true, description: 'DECIMAL: digits in all.' }),
      scale: t.exposeInt('scale', { nullable: true, description: 'DECIMAL: digits after the point.' }),
      default: t.field({
        type: 'JSON',
        nullable: true,
        description: 'What an absent value reads as.',
        resolve: (at) => toWire(at, at.default),
      }),
      description: t.exposeString('description', { nullable: true, description: 'What the column means.' }),
    }),
  });

  const asOfInput = builder.inputType('AsOfInput', {
    isOneOf: true,
    description: 'An instant: exactly one.',
    fields: (t) => ({
      timestamp: t.field({ type: 'DateTime', description: 'The newest commit at or before this instant.' }),
      snapshotId: t.field({ type: 'SafeInt', description: 'Right after this commit.' }),
      tag: t.string({ description: 'The snapshot that a tag names.' }),
    }),
  });

  const commitOptions = builder.inputType('CommitOptions', {
    description: 'What to say about a commit, and when to make it.',
    fields: (t) => ({
      message: t.string({ description: 'Why; up to 10,000 characters.' }),
      author: t.string({ description: 'Who; up to 256 characters.' }),
      properties: t.field({ type: 'JSON', description: 'A JSON object of your own, up to 16 KiB.' }),
      idempotencyKey: t.string({
        description:
          'Makes a retry safe: the same key again returns the first commit (replayed: true) and changes nothing; with other content it is IDEMPOTENCY_KEY_REUSED. Kept 24 hours, the newest million.',
      }),
      expectedSnapshotId: t.field({
        type: 'SafeInt',
        description: 'The newest snapshot of each touched table must be this one or older, else CONFLICT.',
      }),
      expectedRows: t.field({
        type: 'SafeInt',
        description:
          'How many rows the commit must insert, update and delete together, else CONFLICT and nothing is done. With `_fromSnapshotId: {eq: ...}` in `where` and 1 here, two people who edit one row never overwrite each other.',
      }),
    }),
  });

  return { operation, direction, columnType, aggregateFunction, ifExists, pageInfo, column, asOfInput, commitOptions };
}
