/** A list in urql with graphcache that is edited and loaded page by page, beside a live query. */
import { cacheExchange } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';
import { useState } from 'react';
import { createRoot } from 'react-dom/client';
import { graphcacheSettings, keepNewestExchange, rowPages } from 'tidemark/client/urql';
import { Client, fetchExchange, gql, Provider, subscriptionExchange, useMutation, useQuery, useSubscription } from 'urql';
import { connection, LIVE, List, options, PAGES, type Pages, SET_STATUS } from './shared.tsx';

const resolver = { rows: rowPages(), relay: relayPagination() }[options.paging];
const client = new Client({
  url: '/graphql',
  preferGetMethod: false,
  exchanges: [
    cacheExchange({
      ...graphcacheSettings,
      ...(resolver === undefined ? {} : { resolvers: { CatalogView: { orders: resolver } } }),
      optimistic: options.isOptimistic
        ? {
            updateOrders: ({ set }, _cache, { variables }) => ({
              __typename: 'OrdersWritePayload',
              rows: [{ __typename: 'OrdersRow', id: variables['rowId'] as string, status: (set as { status: string }).status }],
            }),
          }
        : {},
    }),
    ...(options.keepsNewest ? [keepNewestExchange()] : []),
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: ({ query = '', variables }) => ({
        subscribe: (sink) => ({ unsubscribe: connection.subscribe({ query, variables }, sink) }),
      }),
    }),
  ],
});

function Page() {
  const [after, setAfter] = useState<string>();
  useSubscription({ query: gql(LIVE), pause: !options.isLive });
  const [{ data, fetching }] = useQuery<Pages>({ query: gql(PAGES), variables: { after } });
  const [, setStatus] = useMutation(gql(SET_STATUS));
  return (
    <List
      pages={data}
      isLoading={fetching}
      onToggle={({ id, order_id: orderId }, status) => void setStatus({ orderId, status, rowId: id })}
      onMore={setAfter}
    />
  );
}

createRoot(document.getElementById('root') as HTMLElement).render(
  <Provider value={client}>
    <Page />
  </Provider>,
);
