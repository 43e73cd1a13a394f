/**
 * Persisted queries (extensions.persistedQuery without a document): Tidemark keeps none, and says so in the words that
 * clients know. Apollo's link and urql's exchange then send the document, and send no hash any more.
 */
import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';

const CODE = 'PERSISTED_QUERY_NOT_SUPPORTED';
/** Clients compare this text. */
const MESSAGE = 'PersistedQueryNotSupported';
const HINT = 'Send the document itself as `query`; a hash beside it is not looked at.';

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Whether an operation is asked for by the hash of its document alone. */
function isByHash({ query, extensions }: { readonly query?: unknown; readonly extensions?: unknown }): boolean {
  return (query === undefined || query === null || query === '') && isObject(extensions) && isObject(extensions['persistedQuery']);
}

function notSupported(): GraphQLError {
  return new GraphQLError(MESSAGE, {
    // A client that takes another status for a broken connection would not look into the answer.
    extensions: { code: CODE, details: {}, hint: HINT, http: { status: 200 } },
  });
}

/** Over HTTP, event streams included. */
export function persistedQueries(): Plugin {
  return {
    onParams: ({ params }) => {
      if (isByHash(params)) throw notSupported();
    },
  };
}

/** @throws GraphQLError where an operation that came over a WebSocket is asked for by its hash alone */
export function refuseByHash(params: { readonly query: string; readonly extensions?: unknown }): void {
  if (isByHash(params)) throw notSupported();
}

/**
 * A message of graphql-transport-ws with a document in it, which the protocol wants: where there is none beside a hash, an
 * empty one, so that the operation is refused and not the whole socket.
 */
export function withDocument(message: string): string {
  if (!message.includes('"persistedQuery"')) return message;
  let parsed: unknown;
  try {
    parsed = JSON.parse(message);
  } catch {
    return message;
  }
  if (!isObject(parsed) || parsed['type'] !== 'subscribe' || !isObject(parsed['payload']) || !isByHash(parsed['payload'])) return message;
  return JSON.stringify({ ...parsed, payload: { ...parsed['payload'], query: '' } });
}
