/** Scalars: their wire forms are the contract of docs/types.md. */
import { GraphQLFloat } from 'graphql';
import type { ColumnType } from '../engine/index.ts';
import { checkDateTime, checkedBy, literalValue, parseSafeInt, parsesLiteral, writeDateTime } from '../resolvers/scalars.ts';
import type { Builder } from './builder.ts';

/** The scalar of each column type. */
export const SCALAR_OF = {
  BOOLEAN: 'Boolean',
  INT: 'Int',
  LONG: 'BigInt',
  FLOAT: 'Float',
  DOUBLE: 'Float',
  DECIMAL: 'Decimal',
  DATE: 'Date',
  TIME: 'Time',
  TIMESTAMP: 'Timestamp',
  TIMESTAMPTZ: 'DateTime',
  STRING: 'String',
  UUID: 'UUID',
  BINARY: 'Bytes',
  JSON: 'JSON',
} as const satisfies Record<ColumnType, string>;

type OwnScalar = 'BigInt' | 'Decimal' | 'Timestamp' | 'Date' | 'Time' | 'UUID' | 'Bytes';

const COLUMN_SCALARS: Readonly<Record<OwnScalar, { readonly type: ColumnType; readonly description: string }>> = {
  BigInt: {
    type: 'LONG',
    description:
      'A 64-bit integer, of a LONG column. Out: a decimal string, so that no digit is lost in JavaScript. In: a string or an integer.',
  },
  Decimal: {
    type: 'DECIMAL',
    description: 'An exact decimal. Out: a string with all digits of the scale, "101.12345678". In: a string or an integer.',
  },
  Timestamp: { type: 'TIMESTAMP', description: 'A date and time without zone, ISO 8601, up to microseconds: "2026-11-22T10:00:00.000".' },
  Date: { type: 'DATE', description: 'A date, ISO 8601: "2026-11-22".' },
  Time: { type: 'TIME', description: 'A time of day with microseconds: "10:00:00.000000".' },
  UUID: { type: 'UUID', description: 'A UUID in its 36-character form, lower case: "123e4567-e89b-12d3-a456-426614174000".' },
  Bytes: { type: 'BINARY', description: 'Bytes as a base64 string.' },
};

/** GraphQL's own Float rounds a literal of too many digits; Pothos takes no other scalar of that name, so this one is taught. */
const parseFloat64 = checkedBy({ type: 'DOUBLE', precision: null, scale: null });
Object.assign(GraphQLFloat, { parseValue: parseFloat64, parseLiteral: parsesLiteral(parseFloat64) });

export function addScalars(builder: Builder): void {
  builder.scalarType('SafeInt', {
    description: 'An integer of at most 2^53-1: snapshot ids and counts. Out: a JSON number. In: a number or a decimal string.',
    serialize: (value) => value,
    parseValue: parseSafeInt,
    parseLiteral: parsesLiteral(parseSafeInt),
  });
  for (const [name, { type, description }] of Object.entries(COLUMN_SCALARS) as [OwnScalar, (typeof COLUMN_SCALARS)[OwnScalar]][]) {
    // A decimal's own precision and scale are checked with its column; here it must only be some decimal.
    const parse = checkedBy({ type, precision: type === 'DECIMAL' ? 76 : null, scale: type === 'DECIMAL' ? 38 : null });
    builder.scalarType(name, {
      description,
      serialize: (value) => value,
      parseValue: parse,
      parseLiteral: parsesLiteral(parse),
    });
  }
  builder.scalarType('DateTime', {
    description:
      'An instant, ISO 8601 in UTC with milliseconds, "2026-11-22T10:00:00.000Z"; microseconds are written if a stored value has them. ' +
      'In: any offset, or integer epoch milliseconds; an integer below 10^11 (between 1966 and 1973) is refused, because it probably means seconds.',
    serialize: writeDateTime,
    parseValue: (value) => checkDateTime(value) as string | number,
    parseLiteral: parsesLiteral((value) => checkDateTime(value) as string | number),
  });
  builder.scalarType('JSON', {
    description: 'Any JSON value.',
    serialize: (value) => value,
    parseValue: (value) => value,
    parseLiteral: literalValue,
  });
}
