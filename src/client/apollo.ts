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

/** Options of `resumeLink`. */
export interface ResumeLinkOptions {
  /**
   * How long to wait before a retry, milliseconds. Retries count from 0. By default the wait doubles from 200 ms to 10
   * seconds.
   */
  readonly retryDelayMs?: (retries: number) => number;
}

/**
 * A link that resumes subscriptions after a lost connection, over any transport. Put it before the link that subscribes.
 * Subscriptions to commits and row changes go on after the last position; live queries are asked again. Errors of the server
 * are passed on. A document that cannot be resumed is an error of its subscription.
 * With graphql-ws use `resumable` of tidemark/client instead.
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

/** Options of `typePolicies`. */
export interface CacheOptions {
  /** Milliseconds after an answer until objects that nothing shows are removed from the cache; 1,000 by default. */
  readonly collectAfterMs?: number;
}

const COLLECT_AFTER_MS = 1_000;

/**
 * Type policies to spread into the options of InMemoryCache. Rows and views need no policy, since their `id` identifies them.
 * These policies remove objects that nothing shows any more, and merge parts of one list that are asked for separately. Pass
 * `possibleTypes` too.
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

/** The option `possibleTypes` of InMemoryCache: which types are rows and lists of rows, for tables of any name. */
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
 * An `updateQuery` for `subscribeToMore`: merges row changes into the list at a path of the query's result, once the result is
 * complete. The returned function throws a TypeError if there is no list at the path or `_rowId` is not selected.
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
