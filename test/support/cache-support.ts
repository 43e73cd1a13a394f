/** Real clients with caches, set up for Tidemark. */
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, type TypePolicies } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { getMainDefinition } from '@apollo/client/utilities';
import { fetchExchange, subscriptionExchange, Client as UrqlClient } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { onTestFinished } from 'vitest';
import WebSocket from 'ws';
import { keepNewestLink, possibleTypes, resumeLink, typePolicies } from '../../src/client/apollo.ts';
import type { LiveGateOptions } from '../../src/client/live-gate.ts';
import { graphcacheSettings, keepNewestExchange, resumeExchange } from '../../src/client/urql.ts';
import { resumingClient } from './client-support.ts';

// Apollo's link asks a browser's WebSocket whether it is closed; Node 20 has none.
Object.assign(globalThis, { WebSocket });

export interface Requests {
  readonly fetch: typeof fetch;
  /** How many there were. */
  readonly count: () => number;
  /** From now on answers are read, but handed over only when the returned function is called. */
  readonly holdBack: () => () => void;
}

/** Counts requests over HTTP, and holds answers back. */
function countedFetch(): Requests {
  let count = 0;
  let held: Promise<void> | undefined;
  return {
    fetch: async (...args) => {
      count += 1;
      const late = held;
      const response = await fetch(...args);
      const text = await response.text();
      await late;
      return new Response(text, { status: response.status, headers: response.headers });
    },
    count: () => count,
    holdBack: () => {
      let release = (): void => {};
      held = new Promise((resolve) => {
        release = resolve;
      });
      return () => {
        held = undefined;
        release();
      };
    },
  };
}

/** An Apollo Client set up as the guide says, with a link that resumes. */
export function apollo(url: string, { policies = {}, ...gate }: LiveGateOptions & { readonly policies?: TypePolicies } = {}) {
  const http = countedFetch();
  const { client: live, cut } = resumingClient(url, { resumes: false });
  const isSubscription = ({ query }: ApolloLink.Operation): boolean => {
    const definition = getMainDefinition(query);
    return definition.kind === 'OperationDefinition' && definition.operation === 'subscription';
  };
  const link = ApolloLink.from([
    keepNewestLink(gate),
    ApolloLink.split(
      isSubscription,
      ApolloLink.from([resumeLink({ retryDelayMs: () => 20 }), new GraphQLWsLink(live)]),
      new HttpLink({ uri: `${url}/graphql`, fetch: http.fetch }),
    ),
  ]);
  const cache = new InMemoryCache({ typePolicies: { ...typePolicies({ collectAfterMs: 10 }), ...policies }, possibleTypes });
  const client = new ApolloClient({ link, cache });
  onTestFinished(() => client.stop());
  return { client, cache, cut, requests: http.count, holdBack: http.holdBack };
}

/** An urql client set up as the guide says, with an exchange that resumes. */
export function urql(
  url: string,
  updates: Record<string, unknown> = {},
  { resolvers = {}, ...gate }: LiveGateOptions & { readonly resolvers?: Record<string, unknown> } = {},
) {
  const http = countedFetch();
  const { client: live, cut } = resumingClient(url, { resumes: false });
  const client = new UrqlClient({
    url: `${url}/graphql`,
    fetch: http.fetch,
    preferGetMethod: false,
    exchanges: [
      cacheExchange({ ...graphcacheSettings, updates: { Subscription: updates as never }, resolvers: resolvers as never }),
      keepNewestExchange(gate),
      fetchExchange,
      resumeExchange({ retryDelayMs: () => 20 }),
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: (sink) => ({
            unsubscribe: live.subscribe({ query: query ?? '', variables: variables as Record<string, unknown> }, sink as never),
          }),
        }),
      }),
    ],
  });
  return { client, cut, requests: http.count, holdBack: http.holdBack };
}
