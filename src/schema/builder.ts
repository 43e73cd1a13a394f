/** The Pothos builder: what the TypeScript side of each GraphQL type is. */
import SchemaBuilder from '@pothos/core';
import { type GraphQLSchema, isEnumType, isInputObjectType, isInterfaceType, isObjectType } from 'graphql';
import type { Context } from '../resolvers/context.ts';
import { onlyMarks } from '../resolvers/marks.ts';

export interface SchemaTypes {
  Context: Context;
  DefaultFieldNullability: false;
  DefaultInputFieldRequiredness: false;
  Scalars: {
    ID: { Input: string; Output: string };
    SafeInt: { Input: number; Output: number };
    BigInt: { Input: unknown; Output: unknown };
    Decimal: { Input: unknown; Output: unknown };
    DateTime: { Input: string | number; Output: unknown };
    Timestamp: { Input: unknown; Output: unknown };
    Date: { Input: unknown; Output: unknown };
    Time: { Input: unknown; Output: unknown };
    UUID: { Input: unknown; Output: unknown };
    Bytes: { Input: unknown; Output: unknown };
    JSON: { Input: unknown; Output: unknown };
  };
}

export function makeBuilder() {
  return new SchemaBuilder<SchemaTypes>({ defaultFieldNullability: false });
}

export type Builder = ReturnType<typeof makeBuilder>;

/**
 * Lets go of what the types were built from. Resolvers hold on to their builder for as long as their types are in use, and
 * it to the configurations of all types that were built with them.
 */
export function forgetConfigurations(builder: Builder, schema: GraphQLSchema): void {
  for (const type of Object.values(schema.getTypeMap())) {
    type.extensions = onlyMarks(type);
    if (isEnumType(type)) for (const value of type.getValues()) value.extensions = {};
    if (isInputObjectType(type)) for (const field of Object.values(type.getFields())) field.extensions = onlyMarks(field);
    if (!isObjectType(type) && !isInterfaceType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      field.extensions = onlyMarks(field);
      for (const argument of field.args) argument.extensions = onlyMarks(argument);
    }
  }
  for (const held of Object.values(builder.configStore) as unknown[]) if (held instanceof Map || held instanceof Set) held.clear();
}
