import { cacheExchange } from '@urql/exchange-graphcache';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { graphcacheSettings, keepNewestExchange } from 'tidemark/client/urql';
import { Client, fetchExchange, Provider, subscriptionExchange } from 'urql';
import type { CommitsSubscription } from '../generated/graphql.ts';
import { connection } from '../shared/connection.ts';
import { HISTORY } from '../shared/documents.ts';
import { App } from './App.tsx';

const client = new Client({
  url: '/graphql',
  preferGetMethod: false,
  exchanges: [
    cacheExchange({
      ...graphcacheSettings,
      updates: {
        Subscription: {
          // New snapshots go in front of those that the slider shows.
          snapshotCommitted: ({ snapshotCommitted }: CommitsSubscription, _args, cache) => {
            cache.updateQuery({ query: HISTORY }, (data) => {
              if (data?.table == null || snapshotCommitted === null) return data;
              const { snapshots } = data.table;
              const nodes = [...snapshotCommitted.snapshots, ...snapshots.nodes];
              return { ...data, table: { ...data.table, snapshots: { ...snapshots, nodes } } };
            });
          },
        },
      },
    }),
    keepNewestExchange(),
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: ({ query = '', variables }) => ({
        subscribe: (sink) => ({ unsubscribe: connection.subscribe({ query, variables }, sink) }),
      }),
    }),
  ],
});

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <Provider value={client}>
      <App />
    </Provider>
  </StrictMode>,
);
