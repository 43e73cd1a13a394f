import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { ApolloProvider } from '@apollo/client/react';
import { getMainDefinition } from '@apollo/client/utilities';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { keepNewestLink, possibleTypes, typePolicies } from 'tidemark/client/apollo';
import { connection } from '../shared/connection.ts';
import { App } from './App.tsx';

function isSubscription({ query }: ApolloLink.Operation): boolean {
  const definition = getMainDefinition(query);
  return definition.kind === 'OperationDefinition' && definition.operation === 'subscription';
}

const client = new ApolloClient({
  link: keepNewestLink().concat(ApolloLink.split(isSubscription, new GraphQLWsLink(connection), new HttpLink({ uri: '/graphql' }))),
  cache: new InMemoryCache({ typePolicies: typePolicies(), possibleTypes }),
});

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <ApolloProvider client={client}>
      <App />
    </ApolloProvider>
  </StrictMode>,
);
