/** How scalars read and write values; the rules for what fits are the engine's. */
import { GraphQLError, Kind, type ValueNode } from 'graphql';
import { type Column, exactNumber, MAX_TIME_MS, MIN_TIME_MS, meantInSeconds, parseCell, Refusal, show } from '../engine/index.ts';

type ScalarColumn = Pick<Column, 'type' | 'precision' | 'scale'>;

function bad(reason: string): GraphQLError {
  return new GraphQLError(reason, { extensions: { code: 'BAD_USER_INPUT', details: {} } });
}

/** A parser of literals from one of values; what is refused says where it stands. */
export function parsesLiteral<T>(
  parse: (value: unknown) => T,
): (node: ValueNode, variables: Record<string, unknown> | null | undefined) => T {
  return (node, variables) => {
    try {
      return parse(literalValue(node, variables));
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      throw new GraphQLError(error.message, { nodes: node, extensions: error.extensions });
    }
  };
}

/** Checks a value as the engine would, and passes it on as it came: the engine reads it again with the column's own type. */
export function checkedBy(column: ScalarColumn): (value: unknown) => unknown {
  return (value) => {
    const cell = parseCell(column, value);
    if (cell instanceof Refusal) throw bad(cell.reason);
    return value;
  };
}

/** A literal as the JSON value that a variable would bring; no digit of a number is lost. */
export function literalValue(node: ValueNode, variables: Record<string, unknown> | null | undefined): unknown {
  switch (node.kind) {
    case Kind.INT:
    case Kind.FLOAT:
      return exactNumber(node.value);
    case Kind.STRING:
    case Kind.ENUM:
    case Kind.BOOLEAN:
      return node.value;
    case Kind.NULL:
      return null;
    case Kind.LIST:
      return node.values.map((item) => literalValue(item, variables));
    case Kind.OBJECT:
      return Object.fromEntries(node.fields.map((field) => [field.name.value, literalValue(field.value, variables)]));
    case Kind.VARIABLE:
      return variables?.[node.name.value];
    default:
      throw bad('not a value');
  }
}

export function parseSafeInt(value: unknown): number {
  const number = typeof value === 'string' && /^-?\d{1,16}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) throw bad(`${show(value)} is not an integer within 2^53`);
  return number;
}

/** Epoch milliseconds of a DateTime as it came in; digits past the millisecond are cut, since commits have none. */
export function toTimestampMs(value: string | number): number {
  if (typeof value === 'number') return value;
  const cell = parseCell({ type: 'TIMESTAMPTZ', precision: null, scale: null }, value) as bigint;
  return Number(cell >= 0n ? cell / 1000n : -((-cell + 999n) / 1000n));
}

export function checkDateTime(value: unknown): unknown {
  if (typeof value === 'number') {
    // Any whole number is an instant to compare with; what lies outside what columns hold is refused by the column.
    if (!Number.isSafeInteger(value) || value < MIN_TIME_MS || value > MAX_TIME_MS)
      throw bad(`${value} is not an instant in epoch milliseconds`);
    const seconds = meantInSeconds(value);
    if (seconds !== undefined) throw bad(seconds);
    return value;
  }
  return checkedBy({ type: 'TIMESTAMPTZ', precision: null, scale: null })(value);
}

export function writeDateTime(value: unknown): string {
  if (typeof value === 'number') return new Date(value).toISOString();
  return String(value);
}
