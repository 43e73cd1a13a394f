/**
 * The one place where errors become GraphQL errors; HTTP and WebSocket both go through it. What the engine says is passed
 * on as code and details; what GraphQL itself refuses gets its code; all else is masked, logged, and named by a reference.
 */
import { randomUUID } from 'node:crypto';
import { GraphQLError, type GraphQLErrorOptions, type GraphQLFormattedError } from 'graphql';
import { EngineError, storageError } from '../engine/index.ts';

export type LogInternalError = (error: unknown, reference: string) => void;

/** An engine error as extensions: `code`, `details`, and `hint` where there is one. The message does not repeat the hint. */
export function engineErrorExtensions(error: EngineError): Record<string, unknown> {
  return { code: error.code, details: error.details, ...(error.hint === undefined ? {} : { hint: error.hint }) };
}

/** Any error as the GraphQL error that a client may see. */
export function toGraphQLError(error: unknown, log: LogInternalError): GraphQLError {
  // A full disk or a lack of file descriptors may show anywhere.
  const cause = storageError(rootOf(error), 'the request was given up');
  if (cause instanceof EngineError) return located(error, cause.message, engineErrorExtensions(cause));
  if (isAbort(cause)) return located(error, 'the request was given up', { code: 'BAD_USER_INPUT', details: {} });
  if (error instanceof GraphQLError && (cause instanceof GraphQLError || cause === undefined)) {
    const code = codeOf(error);
    if (code !== undefined) return located(error, error.message, { details: {}, ...publicExtensions(error), code });
    return located(error, error.message, {
      ...publicExtensions(error),
      code: error.path === undefined ? 'GRAPHQL_VALIDATION_FAILED' : 'BAD_USER_INPUT',
      details: {},
    });
  }
  const reference = randomUUID();
  log(cause, reference);
  return located(error, 'Something went wrong in the server; its log has the reason under the reference.', {
    code: 'INTERNAL_SERVER_ERROR',
    details: { reference },
  });
}

/** An error as it goes over a connection, where there is no HTTP status to choose. */
export function withoutStatus(error: GraphQLError): GraphQLFormattedError {
  const { http: _, ...extensions } = error.extensions;
  return { ...error.toJSON(), extensions };
}

/** Codes of the HTTP layer, in the words of the contract. */
const HTTP_CODES: Readonly<Record<string, string>> = {
  BAD_REQUEST: 'BAD_USER_INPUT',
  OPERATION_RESOLUTION_FAILURE: 'BAD_USER_INPUT',
  REQUEST_ENTITY_TOO_LARGE: 'LIMIT_EXCEEDED',
};

/** Codes of a document that is refused: their status depends on what the client accepts. */
const DOCUMENT_CODES: ReadonlySet<string> = new Set(['GRAPHQL_PARSE_FAILED', 'GRAPHQL_VALIDATION_FAILED']);

function codeOf(error: GraphQLError): string | undefined {
  const code = error.extensions['code'];
  return typeof code === 'string' ? (HTTP_CODES[code] ?? code) : undefined;
}

function publicExtensions(error: GraphQLError): Record<string, unknown> {
  const { originalError: _, http, ...extensions } = error.extensions as Record<string, unknown>;
  // A request that is no GraphQL request at all gets its 4xx whatever it accepts.
  const status = http as { status?: number; headers?: Record<string, string> } | undefined;
  if (status === undefined || codeOf(error) === undefined || DOCUMENT_CODES.has(codeOf(error) ?? ''))
    return http === undefined ? extensions : { ...extensions, http };
  return { ...extensions, http: { status: status.status, headers: status.headers } };
}

/** What was thrown first: GraphQL wraps errors in located ones. */
function rootOf(error: unknown): unknown {
  let at = error;
  while (at instanceof GraphQLError && at.originalError !== undefined && at.originalError !== null) at = at.originalError;
  return at;
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

function located(error: unknown, text: string, extensions: Record<string, unknown>): GraphQLError {
  if (!(error instanceof GraphQLError)) return new GraphQLError(text, { extensions });
  const { nodes = null, source = null, positions = null, path = null } = error;
  const options: GraphQLErrorOptions = { nodes, source, positions, path, extensions };
  return new GraphQLError(text, options);
}
