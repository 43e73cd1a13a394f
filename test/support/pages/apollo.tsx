/** A list in Apollo Client that is edited and loaded page by page, beside a live query. */
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache, type TypedDocumentNode } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { ApolloProvider, useMutation, useQuery, useSubscription } from '@apollo/client/react';
import { getMainDefinition, relayStylePagination } from '@apollo/client/utilities';
import { useState } from 'react';
import { createRoot } from 'react-dom/client';
import { keepNewestLink, possibleTypes, rowPages, typePolicies } from 'tidemark/client/apollo';
import { connection, LIVE, List, options, PAGES, type Pages, SET_STATUS } from './shared.tsx';

const transports = ApolloLink.split(
  ({ query }) => {
    const definition = getMainDefinition(query);
    return definition.kind === 'OperationDefinition' && definition.operation === 'subscription';
  },
  new GraphQLWsLink(connection),
  new HttpLink({ uri: '/graphql' }),
);
const policy = { rows: rowPages(), update: rowPages(), relay: relayStylePagination(['where', 'orderBy']) }[options.paging];
const client = new ApolloClient({
  link: options.keepsNewest ? keepNewestLink().concat(transports) : transports,
  cache: options.isLive
    ? new InMemoryCache({
        possibleTypes,
        typePolicies: { ...typePolicies(), ...(policy === undefined ? {} : { CatalogView: { fields: { orders: policy } } }) },
      })
    : new InMemoryCache(),
});

const pagesDocument = gql(PAGES) as TypedDocumentNode<Pages, { after?: string }>;
const setStatusDocument = gql(SET_STATUS);

function Page() {
  const [after, setAfter] = useState<string>();
  useSubscription(gql(LIVE), { skip: !options.isLive });
  const { data, previousData, loading, fetchMore } = useQuery(pagesDocument, { variables: after === undefined ? {} : { after } });
  const [setStatus] = useMutation(setStatusDocument);
  return (
    <List
      pages={(data ?? (loading ? previousData : undefined)) as Pages | undefined}
      isLoading={loading}
      onToggle={({ id, order_id: orderId }, status) =>
        void setStatus({
          variables: { orderId, status },
          ...(options.isOptimistic
            ? {
                optimisticResponse: {
                  updateOrders: { __typename: 'OrdersWritePayload', rows: [{ __typename: 'OrdersRow', id, status }] },
                },
              }
            : {}),
        })
      }
      onMore={(cursor) => {
        if (options.paging === 'variables') setAfter(cursor);
        else if (options.paging === 'update')
          void fetchMore({
            variables: { after: cursor },
            updateQuery: (previous: Pages, { fetchMoreResult: next }: { fetchMoreResult: Pages }) => ({
              asOf: { ...next.asOf, orders: { ...next.asOf.orders, edges: [...previous.asOf.orders.edges, ...next.asOf.orders.edges] } },
            }),
          } as Parameters<typeof fetchMore>[0]);
        else void fetchMore({ variables: { after: cursor } });
      }}
    />
  );
}

createRoot(document.getElementById('root') as HTMLElement).render(
  <ApolloProvider client={client}>
    <Page />
  </ApolloProvider>,
);
