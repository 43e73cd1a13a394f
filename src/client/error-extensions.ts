/**
 * The `extensions` of the errors of the API, as types: a program reacts to `code` and `details`. docs/errors.md says when each
 * code comes, and what to do; a test holds the two together.
 */

/** Every code that an answer can have. */
export const API_ERROR_CODES = [
  'BAD_USER_INPUT',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'PERSISTED_QUERY_NOT_SUPPORTED',
  'INVALID_ROW',
  'INVALID_NAME',
  'NAME_COLLISION',
  'TABLE_NOT_FOUND',
  'TABLE_EXISTS',
  'TABLE_NOT_FOUND_AS_OF',
  'SCHEMA_MISMATCH',
  'COLUMN_NOT_FOUND',
  'SNAPSHOT_NOT_FOUND',
  'SNAPSHOT_EXPIRED',
  'FUTURE_TIMESTAMP',
  'TAG_NOT_FOUND',
  'TAG_EXISTS',
  'CONFLICT',
  'IDEMPOTENCY_KEY_REUSED',
  'CURSOR_INVALID',
  'LIMIT_EXCEEDED',
  'QUERY_TIMEOUT',
  'OVERLOADED',
  'FORBIDDEN',
  'STORAGE_FULL',
  'READ_ONLY',
  'CORRUPT_DATA',
  'SHUTTING_DOWN',
  'INTERNAL_SERVER_ERROR',
] as const;

export type ApiErrorCode = (typeof API_ERROR_CODES)[number];

/** One value that does not fit its column. */
export interface InvalidValue {
  /** The row in the list that was sent, from 0. */
  readonly index: number;
  /** Null where the row as a whole is wrong. */
  readonly column: string | null;
  readonly reason: string;
}

/** The details of the codes that programs react to most; those of the others are in docs/errors.md. */
export interface ApiErrorDetails {
  readonly INVALID_ROW: { readonly rows: readonly InvalidValue[]; readonly invalidRows: number; readonly totalRows: number };
  readonly CONFLICT: {
    readonly table?: string;
    readonly expectedSnapshotId?: number;
    readonly actualSnapshotId?: number;
    readonly expectedRows?: number;
    readonly actualRows?: number;
  };
  readonly LIMIT_EXCEEDED: { readonly limit: string; readonly maximum: number; readonly actual?: unknown };
  readonly OVERLOADED: { readonly retryAfterMs: number; readonly limit?: string; readonly maximum?: number };
  readonly FUTURE_TIMESTAMP: { readonly now: string };
}

interface Extensions<Code extends ApiErrorCode> {
  readonly code: Code;
  readonly details: Code extends keyof ApiErrorDetails ? ApiErrorDetails[Code] : Readonly<Record<string, unknown>>;
  /** What its reader can do about it. */
  readonly hint?: string;
  /** INTERNAL_SERVER_ERROR: what the server's log has it under. */
  readonly reference?: string;
}

/** What `extensions` of an error is, told apart by its code. */
export type ApiErrorExtensions = { readonly [Code in ApiErrorCode]: Extensions<Code> }[ApiErrorCode];

const CODES: ReadonlySet<unknown> = new Set(API_ERROR_CODES);

/**
 * The extensions of an error as clients throw and return it: a GraphQL error, Apollo Client's CombinedGraphQLErrors, urql's
 * CombinedError, or the list that graphql-ws rejects with. Of several errors it is the first that has a code of this API;
 * undefined where none has, as where the network failed.
 */
export function errorExtensions(error: unknown): ApiErrorExtensions | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  if (Array.isArray(error)) return error.map(errorExtensions).find((found) => found !== undefined);
  const { extensions, errors, graphQLErrors } = error as Readonly<Record<string, unknown>>;
  if (typeof extensions === 'object' && extensions !== null && CODES.has((extensions as { code?: unknown }).code))
    return extensions as ApiErrorExtensions;
  return errorExtensions(errors) ?? errorExtensions(graphQLErrors);
}
