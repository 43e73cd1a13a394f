/** Wiring: engine, feed, schema, Yoga, graphql-ws and the small HTTP routes on one port. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createYoga, type YogaServerInstance } from 'graphql-yoga';
import type { Logger } from 'pino';
import { type Commit, type Engine, type EngineOptions, MemoryPool, openEngine, Session } from '../engine/index.ts';
import { CommitFeed, type LiveFigures } from '../pubsub/index.ts';
import type { Context } from '../resolvers/context.ts';
import { type LogInternalError, toGraphQLError } from '../resolvers/errors.ts';
import { SchemaProvider } from '../schema/index.ts';
import type { ServerConfig } from './config.ts';
import type { EventStreams } from './event-stream/event-stream.ts';
import { serveEventStream } from './event-stream/event-stream-requests.ts';
import { Answers, shareOfHeap } from './graphql/answer-limits.ts';
import { Documents } from './graphql/documents.ts';
import { Introspections } from './graphql/introspection.ts';
import { persistedQueries } from './graphql/persisted-queries.ts';
import {
  catalogSchema,
  checkedParameters,
  errorCodes,
  heldSnapshots,
  refusedVariables,
  responseKeys,
  subscriptionTransport,
  type WithSchema,
} from './graphql/plugins.ts';
import { readableVariables } from './graphql/variables.ts';
import { send, sendErrors, sendJson } from './http/answers.ts';
import { type BodyLimits, readBody } from './http/body.ts';
import { connectionsMaxOf } from './http/connection-limits.ts';
import { DOCS_CSP, DOCS_START, docsPage } from './http/docs.ts';
import { GRAPHIQL_CSP, graphiqlPage } from './http/graphiql.ts';
import { isLoopback, OriginPolicy } from './http/origins.ts';
import { parameterThatIsNoText, pathOf, UpgradableMessage } from './http/paths.ts';
import { LivePath } from './live-path.ts';
import { createMetrics, type Metrics } from './metrics/metrics.ts';
import type { OperationMetrics } from './metrics/operation-metrics.ts';

const PATH = '/graphql';
/** What a connection may take to say what it wants: one that says nothing takes a descriptor from those that do. */
const CONNECTION_TIMES = { headersTimeout: 20_000, requestTimeout: 120_000, connectionsCheckingInterval: 5_000 };
/** How long a stop waits for requests under way. */
const DRAIN_MS = 10_000;
/** How long queries and maintenance that nobody waits for may take after that, before they are interrupted. */
const CLOSE_GRACE_MS = 3_000;
/** Queries at once; UV_THREADPOOL_SIZE must be at least 8 more, or commits wait behind queries. */
export const QUERY_CONNECTIONS = 12;
export const THREADPOOL_SIZE = QUERY_CONNECTIONS + 12;

export interface RunningServer {
  readonly url: string;
  readonly engine: Engine;
  readonly feed: CommitFeed;
  /** What the live path says of itself. */
  live(): LiveFigures;
  /** Finishes what is under way, closes sockets with 1001, closes the engine. Idempotent. */
  stop(): Promise<void>;
}

/** What the engine is told by the command line. */
export function engineOptions(config: ServerConfig): EngineOptions {
  const { retentionMaxAgeMs: maxAgeMs, retentionMinSnapshots: minSnapshots } = config;
  return {
    directory: config.data,
    acceptClock: config.acceptClock,
    newIncarnation: config.newIncarnation,
    queryConnections: QUERY_CONNECTIONS,
    queryTimeoutMs: config.queryTimeoutMs,
    cacheBytes: config.cacheMiB * 1024 * 1024,
    spillLimitBytes: config.spillMiB * 1024 * 1024,
    ...(config.memoryMiB === undefined ? {} : { memoryLimitBytes: config.memoryMiB * 1024 * 1024 }),
    ...(config.threads === undefined ? {} : { threads: config.threads }),
    ...(maxAgeMs === undefined && minSnapshots === undefined ? {} : { retention: { maxAgeMs, minSnapshots } }),
  };
}

/** @throws EngineError of openEngine; the system's error where the port is taken */
export async function startServer(config: ServerConfig, logger: Logger): Promise<RunningServer> {
  const metrics = config.metrics === 'on' ? createMetrics() : undefined;
  const engine = await openEngine({
    ...engineOptions(config),
    observer: metrics?.observer,
    onNotice: ({ level, message, details }) => logger[level](details, message),
    onBackgroundError: (error, task) => logger.error({ err: error, task }, 'background task failed'),
  });
  const log: LogInternalError = (error, reference) => logger.error({ err: error, reference }, 'internal error');
  const own = new Session(engine);
  const feed = new CommitFeed(own);
  const provider = new SchemaProvider(own, ({ name }, error) =>
    logger.warn({ err: error, table: name }, `table ${name} is left out of the typed API: its types cannot be built`),
  );
  const origins = new OriginPolicy(config.origins, config.host);
  const answers = new Answers(config);
  const documents = new Documents(config);
  const introspections = new Introspections(config.documentCacheMiB * 1024 * 1024);
  const stopForgetting = engine.onCommits((commits) => {
    if (!commits.some(isErasure)) return;
    documents.forget();
    introspections.forget();
  });
  const yoga = makeYoga({ engine, feed, provider, origins, log, answers, documents, introspections, operations: metrics?.operations });
  const state = { stopping: false };
  const together = Math.max(config.bodyLimitBytes, shareOfHeap(1 / 32, 128 * 1024 * 1024));
  const bodies = {
    maximum: config.bodyLimitBytes,
    pool: new MemoryPool({ limit: 'bodiesBytesMax', maximum: together, hint: 'Try again.' }),
  };
  const http = createServer({ IncomingMessage: UpgradableMessage, ...CONNECTION_TIMES }, (request, response) => {
    void route({
      request,
      response,
      yoga,
      streams,
      provider,
      origins,
      engine,
      state,
      metrics,
      bodies,
      logger,
    });
  });
  const live = new LivePath({
    prepare: () => provider.prepare(),
    session: own,
    feed,
    yoga,
    http,
    path: PATH,
    config,
    origins,
    answers,
    log,
  });
  const { streams } = live;
  http.maxConnections = connectionsMaxOf(config);
  const connections = connectionsOf(http);
  metrics?.watch({ engine, live: () => live.figures(), state, http });
  try {
    await provider.prepare();
    await listen(http, config);
  } catch (error) {
    metrics?.stop();
    await live.stop();
    await engine.close();
    throw error;
  }
  const { port } = http.address() as AddressInfo;
  if (!isLoopback(config.host)) {
    logger.warn(
      { host: config.host },
      `Tidemark listens on ${config.host} and asks nobody who they are: anybody who reaches it may read, change and erase everything`,
    );
  }
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    state.stopping = true;
    const drained = drain(http, connections);
    await live.stop();
    await drained;
    stopForgetting();
    metrics?.stop();
    // Requests had their time; what still runs belongs to nobody.
    await engine.close(CLOSE_GRACE_MS);
  };
  return {
    url: `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`,
    engine,
    feed,
    live: () => live.figures(),
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}

function isErasure({ snapshots }: Commit): boolean {
  return snapshots.some(({ operation }) => operation === 'ERASE');
}

interface YogaParts {
  readonly engine: Engine;
  readonly feed: CommitFeed;
  readonly provider: SchemaProvider;
  readonly origins: OriginPolicy;
  readonly log: LogInternalError;
  readonly answers: Answers;
  readonly documents: Documents;
  readonly introspections: Introspections;
  readonly operations: OperationMetrics | undefined;
}

export function makeYoga({
  engine,
  feed,
  provider,
  origins,
  log,
  answers,
  documents,
  introspections,
  operations,
}: YogaParts): YogaServerInstance<Record<string, unknown>, Context> {
  return createYoga<Record<string, unknown>, Context>({
    graphqlEndpoint: PATH,
    graphiql: false,
    landingPage: false,
    logging: false,
    multipart: false,
    // Documents keeps them, bounded in bytes.
    parserAndValidationCache: false,
    // Checked in route(), without a second stream around every body.
    maxRequestBodySize: false,
    cors: (request) => {
      const origin = request.headers.get('origin');
      return origin !== null && origins.allows(origin) ? { origin, credentials: false, maxAge: 600 } : { origin: [] };
    },
    maskedErrors: { maskError: (error) => toGraphQLError(error, log) },
    context: (initial) => {
      const session = new Session(engine);
      const notices = (tableId: number) => provider.noticesOf(tableId);
      const { schemaEntry } = initial as WithSchema;
      const { types } = schemaEntry ?? provider.newest();
      const budget = answers.budget();
      const { res } = initial as { res?: ServerResponse };
      // The answer takes memory until its client has read it.
      res?.once('close', () => budget.release());
      const lifetime = {
        budget,
        get signal() {
          const { request, signal } = initial as { request?: Request; signal?: AbortSignal };
          return signal ?? request?.signal;
        },
      };
      const holding: Context['holding'] = { releases: undefined };
      const hold: Context['hold'] = (snapshotId) => void holding.releases?.push(session.hold(snapshotId));
      return { session, feed, types, notices, lifetime, holding, hold };
    },
    plugins: [
      documents.plugin(),
      catalogSchema(provider),
      checkedParameters(),
      persistedQueries(),
      errorCodes(),
      responseKeys(),
      readableVariables(),
      refusedVariables(),
      answers.plugin(),
      heldSnapshots(),
      operations?.plugin(),
      introspections.plugin(),
      subscriptionTransport(),
    ],
  } as Parameters<typeof createYoga<Record<string, unknown>, Context>>[0]);
}

interface RouteParts {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly yoga: YogaServerInstance<Record<string, unknown>, Context>;
  readonly streams: EventStreams;
  readonly provider: SchemaProvider;
  readonly origins: OriginPolicy;
  readonly engine: Engine;
  readonly state: { readonly stopping: boolean };
  readonly metrics: Metrics | undefined;
  readonly bodies: BodyLimits;
  readonly logger: Logger;
}

async function route(parts: RouteParts): Promise<void> {
  const { request, response, yoga, provider, origins, state, logger } = parts;
  try {
    const pathname = pathOf(request);
    const refusal = origins.refusal(request);
    if (refusal !== undefined) return sendErrors(response, 403, 'FORBIDDEN', refusal);
    if (state.stopping) response.setHeader('connection', 'close');
    switch (pathname) {
      case PATH:
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
        response.writeHead(302, { location: PATH.slice(1) }).end();
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
        return sendErrors(response, 404, 'BAD_USER_INPUT', `there is nothing at ${pathname}; the API and GraphiQL are at ${PATH}`);
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

function listen(http: Server, { host, port }: ServerConfig): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once('error', reject);
    http.listen({ host, port }, () => {
      http.off('error', reject);
      resolve();
    });
  });
}

/** Connections, so that a stop need not wait for those that were opened ahead of a request that never came. */
function connectionsOf(http: Server): ReadonlySet<Socket> {
  const connections = new Set<Socket>();
  http.on('connection', (socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  return connections;
}

/** Takes no more connections and waits for the requests under way. */
async function drain(http: Server, connections: ReadonlySet<Socket>): Promise<void> {
  const closed = new Promise<void>((resolve) => http.close(() => resolve()));
  http.closeIdleConnections();
  for (const socket of connections) if (socket.bytesRead === 0) socket.destroy();
  const timer = setTimeout(() => http.closeAllConnections(), DRAIN_MS);
  await closed;
  clearTimeout(timer);
}
