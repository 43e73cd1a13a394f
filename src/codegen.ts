/** Scalars as TypeScript types, for @graphql-codegen: `config: { scalars }` with `import { scalars } from 'tidemark/codegen'`. */
export const scalars = {
  SafeInt: { input: 'number | string', output: 'number' },
  BigInt: { input: 'string | number', output: 'string' },
  Decimal: { input: 'string | number', output: 'string' },
  DateTime: { input: 'string | number', output: 'string' },
  Timestamp: { input: 'string', output: 'string' },
  Date: { input: 'string', output: 'string' },
  Time: { input: 'string', output: 'string' },
  UUID: { input: 'string', output: 'string' },
  Bytes: { input: 'string', output: 'string' },
  JSON: { input: 'unknown', output: 'unknown' },
} as const;
