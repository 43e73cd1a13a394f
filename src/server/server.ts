/** Wiring: engine, feed, schema, Yoga, graphql-ws and the small HTTP routes on one port. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { type Engine, type EngineOptions, MemoryPool, openEngine, Session } from '../engine/index.ts';
import { CommitFeed, type LiveFigures } from '../pubsub/index.ts';
import type { LogInternalError } from '../resolvers/errors.ts';
import { SchemaProvider } from '../schema/index.ts';
import type { ServerConfig } from './config/options.ts';
import { Answers, shareOfHeap } from './graphql/answer-limits.ts';
import { Documents } from './graphql/documents.ts';
import { Introspections } from './graphql/introspection.ts';
import { GRAPHQL_PATH, makeYoga } from './graphql/yoga.ts';
import { connectionsMaxOf } from './http/connection-limits.ts';
import { CONNECTION_TIMES, connectionsOf, drain, listen } from './http/listening.ts';
import { isLoopback, OriginPolicy } from './http/origins.ts';
import { UpgradableMessage } from './http/paths.ts';
import { route } from './http/routes.ts';
import { LivePath } from './live-path.ts';
import { createMetrics } from './metrics/metrics.ts';

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
  const documents = new Documents(config, engine.rowCopies);
  const introspections = new Introspections(config.documentCacheMiB * 1024 * 1024, engine.rowCopies);
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
    copies: engine.rowCopies,
    feed,
    yoga,
    http,
    path: GRAPHQL_PATH,
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
