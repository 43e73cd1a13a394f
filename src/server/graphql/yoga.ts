/** Yoga, as Tidemark uses it: the endpoint, the context of an operation, and the plugins in their order. */
import type { ServerResponse } from 'node:http';
import { createYoga, type YogaServerInstance } from 'graphql-yoga';
import { type Engine, Session } from '../../engine/index.ts';
import type { CommitFeed } from '../../pubsub/index.ts';
import type { Context } from '../../resolvers/context.ts';
import { type LogInternalError, toGraphQLError } from '../../resolvers/errors.ts';
import type { SchemaProvider } from '../../schema/index.ts';
import type { OriginPolicy } from '../http/origins.ts';
import type { OperationMetrics } from '../metrics/operation-metrics.ts';
import type { Answers } from './answer-limits.ts';
import type { Documents } from './documents.ts';
import type { Introspections } from './introspection.ts';
import { persistedQueries } from './persisted-queries.ts';
import {
  catalogSchema,
  checkedParameters,
  errorCodes,
  heldSnapshots,
  refusedVariables,
  responseKeys,
  subscriptionTransport,
  type WithSchema,
} from './plugins.ts';
import { readableVariables } from './variables.ts';

/** Where GraphQL is served, over every transport. */
export const GRAPHQL_PATH = '/graphql';

export type Yoga = YogaServerInstance<Record<string, unknown>, Context>;

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

export function makeYoga({ engine, feed, provider, origins, log, answers, documents, introspections, operations }: YogaParts): Yoga {
  return createYoga<Record<string, unknown>, Context>({
    graphqlEndpoint: GRAPHQL_PATH,
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
