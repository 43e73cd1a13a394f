/** For Apollo Client 4: a link that resumes, and cache settings. */
import {
  ApolloLink,
  CombinedGraphQLErrors,
  type FieldFunctionOptions,
  type InMemoryCache,
  Observable,
  type TypePolicies,
} from '@apollo/client';
import { type IdentifiedRow, type MergeOptions, mergeChangesAt, type RowChange } from './merge.ts';
import { retryDelayMs } from './resumable.ts';
import { movingVariables, positionOf, resumeFacts } from './resume-facts.ts';

export interface ResumeLinkOptions {
  /** Milliseconds before the nth retry, the first being 0; longer and longer where not given. */
  readonly retryDelayMs?: (retries: number) => number;
}

/**
 * Put it before the link that subscribes, whatever its transport: subscriptions go on after the last position that was
 * seen, and are begun again when the connection is lost. What the server refuses is passed on.
 */
export function resumeLink({ retryDelayMs: delayMs = retryDelayMs }: ResumeLinkOptions = {}): ApolloLink {
  return new ApolloLink((operation, forward) => {
    const facts = resumeFacts(operation.query, operation.operationName);
    if (facts === null) return forward(operation);
    return new Observable((observer) => {
      let position = operation.variables[facts.variable] as unknown;
      let retries = 0;
      let timer: ReturnType<typeof setTimeout> | undefined;
      let inner: { unsubscribe(): void } | undefined;
      operation.variables = movingVariables(operation.variables, facts, () => position);
      const run = (): void => {
        inner = forward(operation).subscribe({
          next: (result) => {
            retries = 0;
            position = positionOf(result.data) ?? position;
            observer.next(result);
          },
          error: (error: unknown) => {
            if (CombinedGraphQLErrors.is(error)) observer.error(error);
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
  /** Milliseconds after a live answer before what nothing shows any more is dropped from the cache; 1,000 where not given. */
  readonly collectAfterMs?: number;
}

const COLLECT_AFTER_MS = 1_000;

/**
 * Type policies to spread into InMemoryCache. Rows need none: their ids are ids of versions. An answer of a live query is
 * what `asOf` without an argument shows from then on, and versions that nothing shows any more are dropped.
 */
export function typePolicies({ collectAfterMs = COLLECT_AFTER_MS }: CacheOptions = {}): TypePolicies {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const collect = (cache: FieldFunctionOptions['cache']): void => {
    clearTimeout(timer);
    timer = setTimeout(() => void (cache as InMemoryCache).gc(), collectAfterMs);
    (timer as { unref?: () => void }).unref?.();
  };
  return {
    Subscription: {
      fields: {
        live: {
          merge: (_existing, incoming, { cache }) => {
            // The answer itself is written with this one; watchers are told of both together.
            cache.modify({
              id: 'ROOT_QUERY',
              broadcast: false,
              fields: { asOf: (shown, { storeFieldName }) => (NOW.has(storeFieldName) ? incoming : shown) },
            });
            collect(cache);
            return incoming;
          },
        },
      },
    },
    // A column is told apart within its table only.
    Column: { keyFields: false },
  };
}

/** How `asOf` without an instant is stored. */
const NOW: ReadonlySet<string> = new Set(['asOf', 'asOf({})']);

/** For `subscribeToMore`: merges row changes into the list at a path of the query's result. */
export function mergeInto<Row extends IdentifiedRow, Data = unknown>(
  path: readonly string[],
  options?: MergeOptions<Row>,
): (previous: Data, update: { readonly subscriptionData: { readonly data?: unknown } }) => Data {
  return (previous, { subscriptionData: { data } }) => {
    const [event] = Object.values((data ?? {}) as Record<string, { readonly changes?: readonly RowChange<Row>[] } | null>);
    return mergeChangesAt(previous, path, event?.changes ?? [], options);
  };
}
