/**
 * The `extensions` of the errors of the API, as types: a program reacts to `code` and `details`. docs/errors.md says when each
 * code comes, and what to do; a test holds the two together.
 */

/** Every value of `extensions.code`. docs/errors.md explains them. */
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

/** One of `API_ERROR_CODES`. */
export type ApiErrorCode = (typeof API_ERROR_CODES)[number];

/** A value that does not fit its column, in the details of INVALID_ROW. */
export interface InvalidValue {
  /** The position of the row in the list that was sent, from 0. */
  readonly index: number;
  /** The name of the column; null if the row as a whole is wrong. */
  readonly column: string | null;
  /** Why the value does not fit, for people. */
  readonly reason: string;
}

/** `extensions.details` of the codes to which programs react most. docs/errors.md lists the details of all codes. */
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

/** `extensions` of an error: a union that `code` discriminates. */
export type ApiErrorExtensions = { readonly [Code in ApiErrorCode]: Extensions<Code> }[ApiErrorCode];

const CODES: ReadonlySet<unknown> = new Set(API_ERROR_CODES);

/**
 * The `extensions` of an error as a client throws or returns it: a GraphQL error, CombinedGraphQLErrors of Apollo Client,
 * CombinedError of urql, or the list that graphql-ws rejects with. If there are several errors, it takes the first one with a
 * code of this API.
 * @returns undefined if no error has a code, for example if the network failed
 */
export function errorExtensions(error: unknown): ApiErrorExtensions | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  if (Array.isArray(error)) return error.map(errorExtensions).find((found) => found !== undefined);
  const { extensions, errors, graphQLErrors } = error as Readonly<Record<string, unknown>>;
  if (typeof extensions === 'object' && extensions !== null && CODES.has((extensions as { code?: unknown }).code))
    return extensions as ApiErrorExtensions;
  return errorExtensions(errors) ?? errorExtensions(graphQLErrors);
}
