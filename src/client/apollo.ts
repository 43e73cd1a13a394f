/** For Apollo Client 4: a link that resumes, and cache settings. */
import {
  ApolloLink,
  CombinedGraphQLErrors,
  type FieldFunctionOptions,
  type InMemoryCache,
  Observable,
  type TypePolicies,
} from '@apollo/client';

export { keepNewestLink } from './apollo-newest.ts';
export { rowPages } from './apollo-pages.ts';

import { changesIn, type IdentifiedRow, type MergeOptions, mergeChangesAt } from './merge.ts';
import { isRefusal } from './refusals.ts';
import { retryDelayMs } from './resumable.ts';
import { movingVariables, positionOf, resumeFacts } from './resume-facts.ts';

export interface ResumeLinkOptions {
  /** Milliseconds before the nth retry, the first being 0; longer and longer where not given. */
  readonly retryDelayMs?: (retries: number) => number;
}

/**
 * Put it before the link that subscribes, whatever its transport: subscriptions go on after the last position that was
 * seen, live queries are asked again, whenever the connection is lost. What the server refuses is passed on; a document
 * that cannot be resumed is an error of its subscription.
 */
export function resumeLink({ retryDelayMs: delayMs = retryDelayMs }: ResumeLinkOptions = {}): ApolloLink {
  return new ApolloLink((operation, forward) => {
    if (operation.operationType !== 'subscription') return forward(operation);
    return new Observable((observer) => {
      const facts = resumeFacts(operation.query, operation.operationName);
      let position = facts === null ? undefined : (operation.variables[facts.variable] as unknown);
      let retries = 0;
      let timer: ReturnType<typeof setTimeout> | undefined;
      let inner: { unsubscribe(): void } | undefined;
      if (facts !== null) operation.variables = movingVariables(operation.variables, facts, () => position);
      const run = (): void => {
        inner = forward(operation).subscribe({
          next: (result) => {
            retries = 0;
            position = positionOf(result.data) ?? position;
            observer.next(result);
          },
          error: (error: unknown) => {
            // What the server has said is passed on; anything else is a connection that was lost.
            if (CombinedGraphQLErrors.is(error) || isRefusal(error)) observer.error(error);
            else timer = setTimeout(run, delayMs(retries++));
          },
          complete: () => observer.complete(),
        });
      };
      run();
      return () => {
        clearTimeout(timer);
        inner?.unsubscribe();
      };
    });
  });
}

export interface CacheOptions {
  /** Milliseconds after an answer before what nothing shows any more is dropped from the cache; 1,000 where not given. */
  readonly collectAfterMs?: number;
}

const COLLECT_AFTER_MS = 1_000;

/**
 * Type policies to spread into InMemoryCache. Rows and views need none: their ids say which they are. What nothing shows any
 * more is dropped; parts of one connection that are asked for separately are put together where `possibleTypes` goes with them.
 */
export function typePolicies({ collectAfterMs = COLLECT_AFTER_MS }: CacheOptions = {}): TypePolicies {
  const pending = new WeakSet<object>();
  const collect = (_existing: unknown, incoming: unknown, { cache }: FieldFunctionOptions): unknown => {
    if (pending.has(cache)) return incoming;
    pending.add(cache);
    const timer = setTimeout(() => {
      pending.delete(cache);
      (cache as InMemoryCache).gc();
    }, collectAfterMs);
    (timer as { unref?: () => void }).unref?.();
    return incoming;
  };
  return {
    Query: { fields: { asOf: { merge: collect } } },
    Subscription: { fields: { live: { merge: collect } } },
    RowConnection: { merge: true },
    // A column is told apart within its table only.
    Column: { keyFields: false },
  };
}

/**
 * For InMemoryCache, beside `typePolicies`: which types are rows and connections of rows, whatever the tables are called.
 * Patterns are Apollo's own way to say it.
 */
export const possibleTypes: Record<string, string[]> = {
  Node: ['CatalogView', 'TableView', 'Table', 'Snapshot', 'Commit', 'Tag', '\\w+Row'],
  RowConnection: ['\\w+RowConnection'],
};

/** What Apollo passes to `updateQuery`. */
interface QueryUpdate {
  readonly complete?: boolean;
  readonly subscriptionData: { readonly data?: unknown };
}

/**
 * For `subscribeToMore`: merges row changes into the list at a path of the query's result, once that is there as a whole.
 * The function throws a TypeError where the path is wrong or `_rowId` is not selected.
 */
export function mergeInto<Row extends IdentifiedRow>(
  path: readonly string[],
  options?: MergeOptions<Row>,
): <Data>(previous: unknown, update: QueryUpdate) => Data {
  return <Data>(previous: unknown, { complete, subscriptionData: { data } }: QueryUpdate): Data => {
    const changes = changesIn<Row>(data);
    return (complete === false ? previous : mergeChangesAt(previous, path, changes, options)) as Data;
  };
}
