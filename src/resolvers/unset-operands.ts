/**
 * A variable that was not given must not widen a filter. GraphQL leaves the key of such a variable out of an input object,
 * so `{status: {eq: $status}}` would match all rows; here it is refused instead.
 */
import { type GraphQLResolveInfo, Kind, type ValueNode } from 'graphql';
import { EngineError } from '../engine/index.ts';

/** The first variable inside a value that has no value; a variable that is the whole argument may be left out. */
function unsetIn(value: ValueNode, given: Readonly<Record<string, unknown>>): string | undefined {
  switch (value.kind) {
    case Kind.VARIABLE:
      return given[value.name.value] === undefined ? value.name.value : undefined;
    case Kind.LIST:
      return firstOf(value.values, given);
    case Kind.OBJECT:
      return firstOf(
        value.fields.map((field) => field.value),
        given,
      );
    default:
      return undefined;
  }
}

function firstOf(values: readonly ValueNode[], given: Readonly<Record<string, unknown>>): string | undefined {
  for (const value of values) {
    const name = unsetIn(value, given);
    if (name !== undefined) return name;
  }
  return undefined;
}

/** @throws EngineError BAD_USER_INPUT naming the variable */
export function refuseUnsetOperands(info: GraphQLResolveInfo, argument = 'where'): void {
  for (const node of info.fieldNodes) {
    const value = node.arguments?.find((candidate) => candidate.name.value === argument)?.value;
    if (value === undefined || value.kind === Kind.VARIABLE) continue;
    const name = unsetIn(value, info.variableValues);
    if (name === undefined) continue;
    throw new EngineError('BAD_USER_INPUT', `${argument}: the variable $${name} was not given`, {
      details: { variable: name },
      hint: `Give $${name} a value, or make the whole ${argument} one variable, which may be left out.`,
    });
  }
}
