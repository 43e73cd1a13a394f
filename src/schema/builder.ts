/** The Pothos builder: what the TypeScript side of each GraphQL type is. */
import SchemaBuilder from '@pothos/core';
import type { Context } from '../resolvers/context.ts';

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
