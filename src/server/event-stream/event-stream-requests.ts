/** Which requests are subscriptions that want an event stream, and what they ask for. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { bodyTextOf } from '../http/body.ts';
import { parseJson } from '../http/exact-json.ts';
import type { OriginPolicy } from '../http/origins.ts';
import { searchOf } from '../http/paths.ts';
import type { EventStreams, StreamRequest } from './event-stream.ts';

export interface EventStreamRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly streams: EventStreams;
  readonly origins: OriginPolicy;
}

/** @returns whether the request was answered here; any other is Yoga's */
export async function serveEventStream(parts: EventStreamRequest): Promise<boolean> {
  const { request, response, streams, origins } = parts;
  if (!(request.headers.accept ?? '').toLowerCase().includes('text/event-stream')) return false;
  const asked = askedFor(request);
  // Only a hint; the document itself decides.
  if (asked === undefined || !asked.query.includes('subscription')) return false;
  const { origin } = request.headers;
  if (origin !== undefined && origins.allows(origin)) {
    response.setHeader('access-control-allow-origin', origin);
    response.setHeader('vary', 'Origin');
  }
  return streams.serve(request, response, asked);
}

/** What a request asks for; undefined where it is none that this can read: Yoga says what is wrong with it. */
function askedFor(request: IncomingMessage): StreamRequest | undefined {
  if (request.method === 'GET') {
    const searchParams = searchOf(request);
    const variables = searchParams.get('variables');
    return streamRequest({
      query: searchParams.get('query'),
      operationName: searchParams.get('operationName'),
      variables: variables === null ? null : parsed(variables),
    });
  }
  const form = /^application\/(json|graphql\+json|graphql)\s*(?:;|$)/i.exec(request.headers['content-type'] ?? '')?.[1]?.toLowerCase();
  if (request.method !== 'POST' || form === undefined) return undefined;
  const text = bodyTextOf(request) ?? '';
  return streamRequest(form === 'graphql' ? { query: text } : parsed(text));
}

function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

function streamRequest(value: unknown): StreamRequest | undefined {
  if (value === null || typeof value !== 'object') return undefined;
  const { query, operationName, variables } = value as Record<string, unknown>;
  if (typeof query !== 'string' || (operationName != null && typeof operationName !== 'string')) return undefined;
  if (variables === undefined || variables === null) return { query, operationName };
  return typeof variables === 'object' && !Array.isArray(variables)
    ? { query, operationName, variables: variables as Record<string, unknown> }
    : undefined;
}
