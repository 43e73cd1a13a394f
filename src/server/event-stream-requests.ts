/** Which requests are subscriptions that want an event stream, and what they ask for. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { readBody } from './body.ts';
import type { EventStreams, StreamRequest } from './event-stream.ts';
import type { OriginPolicy } from './origins.ts';
import { searchOf } from './paths.ts';

export interface EventStreamRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly streams: EventStreams;
  readonly origins: OriginPolicy;
  readonly bodyLimitBytes: number;
}

/** @returns whether the request was answered here; any other is Yoga's */
export async function serveEventStream(parts: EventStreamRequest): Promise<boolean> {
  const { request, response, streams, origins } = parts;
  if (!(request.headers.accept ?? '').toLowerCase().includes('text/event-stream')) return false;
  const asked = await askedFor(parts);
  if (asked === 'answered') return true;
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
async function askedFor({ request, response, bodyLimitBytes }: EventStreamRequest): Promise<StreamRequest | 'answered' | undefined> {
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
  const body = await readBody(request, response, bodyLimitBytes);
  if (body === undefined) return 'answered';
  return streamRequest(form === 'graphql' ? { query: body.toString() } : parsed(body.toString()));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
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
