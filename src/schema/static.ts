/** Types that do not depend on any table: enums, inputs and small objects that several files share. */
import { type AGGREGATE_FUNCTIONS, type COLUMN_TYPES, type Column, type OPERATIONS, toWire } from '../engine/index.ts';
import type { PageInfo } from '../resolvers/connections.ts';
import { marked } from '../resolvers/marks.ts';
import type { Builder } from './builder.ts';

export type Shared = ReturnType<typeof addShared>;

const OPERATION_TEXT: Readonly<Record<(typeof OPERATIONS)[number], string>> = {
  CREATE: 'The table was created.',
  APPEND: 'Rows were added.',
  REPLACE: 'Some or all rows were replaced.',
  DELETE: 'Rows were deleted.',
  UPDATE: 'Rows were changed.',
  UPSERT: 'Rows were added, or changed if their primary key existed.',
  ALTER: 'The columns or settings of the table were changed.',
  RESTORE: 'The table was restored to an earlier state, as a new commit.',
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
  INT: 'A 32-bit integer; Int in the typed API.',
  LONG: 'A 64-bit integer; BigInt in the typed API, a decimal string in JSON.',
  FLOAT: 'A 32-bit floating point number.',
  DOUBLE: 'A 64-bit floating point number.',
  DECIMAL: 'An exact decimal with a precision (1 to 38 digits, 18 by default) and a scale (0 by default).',
  DATE: 'A date without time.',
  TIME: 'A time of day, microseconds.',
  TIMESTAMP: 'A date and time without zone, microseconds.',
  TIMESTAMPTZ: 'An instant, microseconds; DateTime in the typed API.',
  STRING: 'Unicode text.',
  UUID: 'A UUID.',
  BINARY: 'Bytes; base64 in JSON.',
  JSON: 'Any JSON value, stored as it was given.',
};

const FUNCTION_TEXT: Readonly<Record<(typeof AGGREGATE_FUNCTIONS)[number], string>> = {
  COUNT: 'The number of rows; with a column, the number of its values that are not null.',
  COUNT_DISTINCT: 'The number of different values.',
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
    description: 'What createTable does if a table with the name exists.',
    values: {
      ERROR: { description: 'It fails with TABLE_EXISTS.' },
      IGNORE: { description: 'It answers with the existing table if the columns are the same, and fails with SCHEMA_MISMATCH otherwise.' },
    },
  });

  const pageInfo = builder.objectRef<PageInfo>('PageInfo').implement({
    description: 'The place of a page in its list (Relay).',
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
      fieldId: t.exposeInt('fieldId', {
        description: 'The identity of the column within its table. The name may change, this number does not.',
      }),
      name: t.exposeString('name', { description: 'The name in the generic API and in data files.' }),
      graphqlName: t.exposeString('graphqlName', { description: 'The name in the typed API.' }),
      type: t.expose('type', { type: columnType, description: 'The type of its values.' }),
      required: t.exposeBoolean('required', { description: 'Whether null is refused.' }),
      precision: t.exposeInt('precision', { nullable: true, description: 'DECIMAL: the number of digits.' }),
      scale: t.exposeInt('scale', { nullable: true, description: 'DECIMAL: the number of digits after the point.' }),
      default: t.field({
        type: 'JSON',
        nullable: true,
        description: 'The value of a row that does not give one.',
        resolve: (at) => toWire(at, at.default),
      }),
      description: t.exposeString('description', { nullable: true, description: 'What the column means.' }),
    }),
  });

  const asOfInput = builder.inputType('AsOfInput', {
    isOneOf: true,
    description: 'An instant: give exactly one key.',
    fields: (t) => ({
      timestamp: t.field({ type: 'DateTime', description: 'The newest commit at or before this instant.' }),
      snapshotId: t.field({ type: 'SafeInt', description: 'The state directly after this commit.' }),
      tag: t.string({ description: 'The snapshot of this tag.' }),
    }),
  });

  const commitOptions = builder.inputType('CommitOptions', {
    description: 'Information about a commit, and conditions for it.',
    fields: (t) => ({
      message: t.string({ description: 'Why the change is made; up to 10,000 characters.' }),
      author: t.string({ description: 'Who makes the change; up to 256 characters.' }),
      properties: t.field({ type: 'JSON', description: 'A JSON object of your own, up to 16 KiB.' }),
      idempotencyKey: t.string({
        description:
          'Makes a retry safe. The same key again returns the first commit (replayed: true) and changes nothing; the same key with other content is IDEMPOTENCY_KEY_REUSED. Keys are kept for 24 hours, at most the newest million.',
      }),
      expectedSnapshotId: t.field({
        type: 'SafeInt',
        description: 'The newest snapshot of each changed table must be this one or an older one. Otherwise the answer is CONFLICT.',
      }),
      expectedRows: t.field({
        type: 'SafeInt',
        description:
          'The number of rows that the commit must insert, update and delete together. Otherwise the answer is CONFLICT and nothing is changed. With 1 here and `_fromSnapshotId: {eq: ...}` in `where`, two people never overwrite the edits of each other.',
      }),
    }),
  });

  return { operation, direction, columnType, aggregateFunction, ifExists, pageInfo, column, asOfInput, commitOptions };
}
