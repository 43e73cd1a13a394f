/**
 * JSON values on their way to the executor, which takes whatever has a `then` for a promise: a JSON Schema, a rule, a row
 * of a column of that name. Done to every field of a schema, so that no resolver has to think of it.
 */
import { type GraphQLFieldResolver, type GraphQLOutputType, getNamedType, getNullableType, isListType, isObjectType } from 'graphql';

/** Hands over all values of the fields of a type that are JSON. */
export function handOverJson(type: unknown): void {
  if (!isObjectType(type)) return;
  for (const field of Object.values(type.getFields()))
    if (getNamedType(field.type).name === 'JSON' && field.resolve !== undefined) field.resolve = handsOver(field.type, field.resolve);
}

function handsOver(type: GraphQLOutputType, resolve: GraphQLFieldResolver<unknown, unknown>): GraphQLFieldResolver<unknown, unknown> {
  const settled = isListType(getNullableType(type))
    ? (value: unknown) => (Array.isArray(value) ? value.map(handedOver) : value)
    : handedOver;
  return (source, args, context, info) => {
    const value = resolve(source, args, context, info);
    return value instanceof Promise ? value.then(settled) : settled(value);
  };
}

/** A promise of a value that looks like one; JSON holds no functions, so that it is the value which the promise comes to. */
function handedOver(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'then' in value && value.then != null ? Promise.resolve(value) : value;
}
