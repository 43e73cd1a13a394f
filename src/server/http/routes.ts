/** The HTTP routes: GraphQL and GraphiQL, health and metrics, the schema as text, the documentation. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Engine } from '../../engine/index.ts';
import type { SchemaProvider } from '../../schema/index.ts';
import type { EventStreams } from '../event-stream/event-stream.ts';
import { serveEventStream } from '../event-stream/event-stream-requests.ts';
import { GRAPHQL_PATH, type Yoga } from '../graphql/yoga.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { send, sendErrors, sendJson } from './answers.ts';
import { type BodyLimits, readBody } from './body.ts';
import { DOCS_CSP, DOCS_START, docsPage } from './docs.ts';
import { GRAPHIQL_CSP, graphiqlPage } from './graphiql.ts';
import type { OriginPolicy } from './origins.ts';
import { parameterThatIsNoText, pathOf } from './paths.ts';

interface RouteParts {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly yoga: Yoga;
  readonly streams: EventStreams;
  readonly provider: SchemaProvider;
  readonly origins: OriginPolicy;
  readonly engine: Engine;
  readonly state: { readonly stopping: boolean };
  readonly metrics: Metrics | undefined;
  readonly bodies: BodyLimits;
  readonly logger: Logger;
}

/** Answers one request. */
export async function route(parts: RouteParts): Promise<void> {
  const { request, response, yoga, provider, origins, state, logger } = parts;
  try {
    const pathname = pathOf(request);
    const refusal = origins.refusal(request);
    if (refusal !== undefined) return sendErrors(response, 403, 'FORBIDDEN', refusal);
    if (state.stopping) response.setHeader('connection', 'close');
    switch (pathname) {
      case GRAPHQL_PATH:
        if (request.method === 'GET' && wantsPage(request)) return await sendGraphiql(response);
        if (!speaksGraphql(request, response) || refusesParameters(request, response)) return;
        if (request.method === 'POST' && !(await readBody(request, response, parts.bodies))) return;
        await provider.prepare();
        if (!(await serveEventStream(parts))) await yoga(request, response);
        return;
      case '/health':
        return sendJson(response, 200, { status: 'ok' });
      case '/ready':
        return sendJson(response, ...readiness(parts.engine, state.stopping));
      case '/metrics':
        if (parts.metrics === undefined)
          return sendErrors(response, 404, 'BAD_USER_INPUT', 'metrics are off; --metrics on serves them here');
        return send(response, 200, parts.metrics.contentType, await parts.metrics.text());
      case '/schema.graphql':
        await provider.prepare();
        return send(response, 200, 'application/graphql; charset=utf-8', await provider.newest().sdl());
      case '/':
        // Relative, so that a proxy may put the server below any path.
        response.writeHead(302, { location: GRAPHQL_PATH.slice(1) }).end();
        return;
      case '/docs':
        response.writeHead(302, { location: DOCS_START }).end();
        return;
      case '/docs/':
        response.writeHead(302, { location: `../${DOCS_START}` }).end();
        return;
      default:
        if (pathname.endsWith('.md')) {
          const page = await docsPage(pathname);
          if (page !== undefined) return sendPage(response, page);
        }
        return sendErrors(response, 404, 'BAD_USER_INPUT', `there is nothing at ${pathname}; the API and GraphiQL are at ${GRAPHQL_PATH}`);
    }
  } catch (error) {
    // A client that went away in the middle of its request is nothing to report.
    if (request.destroyed && (error as NodeJS.ErrnoException).code === 'ECONNRESET') return;
    logger.error({ err: error }, 'request failed');
    if (response.headersSent) response.destroy();
    else sendErrors(response, 500, 'INTERNAL_SERVER_ERROR', 'Something went wrong in the server.');
  }
}

/** Status and body of /ready: 200 where everything is served, 503 with the reason where the server stops or takes no commits. */
function readiness({ headSnapshotId: snapshotId, schemaEpoch: schema, writeTrouble }: Engine, stopping: boolean): [number, object] {
  if (stopping) return [503, { status: 'stopping' }];
  if (writeTrouble === undefined) return [200, { status: 'ready', snapshotId, schema }];
  const { code, message, hint, details } = writeTrouble.error;
  const since = new Date(writeTrouble.sinceMs).toISOString();
  return [503, { status: 'not writable', snapshotId, schema, reads: true, writes: { code, message, hint, details, since } }];
}

/** A browser asks for a page; a client asks for JSON or says nothing. */
function wantsPage({ headers }: IncomingMessage): boolean {
  return (headers.accept ?? '').includes('text/html');
}

function sendPage(response: ServerResponse, html: string): void {
  response.setHeader('content-security-policy', DOCS_CSP);
  response.setHeader('x-content-type-options', 'nosniff');
  send(response, 200, 'text/html; charset=utf-8', html);
}

async function sendGraphiql(response: ServerResponse): Promise<void> {
  const page = await graphiqlPage();
  response.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-encoding': 'gzip',
    'content-length': page.length,
    'content-security-policy': GRAPHIQL_CSP,
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-cache',
  });
  response.end(page);
}

const REQUEST_TYPES = /^application\/(?:json|graphql|graphql\+json)\s*(?:;|$)/i;
const ANSWER_TYPES = /\*\/\*|application\/(?:\*|json|graphql-response\+json)|text\/event-stream|multipart\/mixed/i;

/** Whether request and answer have forms that GraphQL is spoken in here; answers 415 or 406 where not. */
function speaksGraphql({ method, headers }: IncomingMessage, response: ServerResponse): boolean {
  if (method === 'POST' && !REQUEST_TYPES.test(headers['content-type'] ?? '')) {
    sendErrors(
      response,
      415,
      'BAD_USER_INPUT',
      `send application/json; ${headers['content-type'] ?? 'a body without content-type'} is not taken`,
    );
    return false;
  }
  if (headers.accept !== undefined && headers.accept !== '' && !ANSWER_TYPES.test(headers.accept)) {
    sendErrors(response, 406, 'BAD_USER_INPUT', `answers are application/json or application/graphql-response+json, not ${headers.accept}`);
    return false;
  }
  return true;
}

/** Whether a parameter of the address is not UTF-8; answers 400 where one is. */
function refusesParameters(request: IncomingMessage, response: ServerResponse): boolean {
  const name = request.method === 'GET' ? parameterThatIsNoText(request) : undefined;
  if (name === undefined) return false;
  sendErrors(response, 400, 'BAD_USER_INPUT', `the parameter ${name} is not UTF-8 in percent-encoding`, { parameter: name });
  return true;
}
