/** For Apollo Client 4: a link that resumes, and cache settings. */
import {
  ApolloLink,
  CombinedGraphQLErrors,
  type FieldFunctionOptions,
  type InMemoryCache,
  Observable,
  type Reference,
  type TypePolicies,
} from '@apollo/client';
import { changesIn, type IdentifiedRow, type MergeOptions, mergeChangesAt } from './merge.ts';
import { isRefusal } from './refusals.ts';
import { retryDelayMs } from './resumable.ts';
import { movingVariables, positionOf, resumeFacts } from './resume-facts.ts';
import { snapshotOfView } from './versions.ts';

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
 * Type policies to spread into InMemoryCache. Rows need none: their ids are ids of versions. An answer of a live query is
 * what `asOf` without an argument shows from then on, never an older one that comes late; and versions that nothing shows
 * any more are dropped. Parts of one connection that are asked for separately are put together where `possibleTypes` goes
 * with them.
 */
export function typePolicies({ collectAfterMs = COLLECT_AFTER_MS }: CacheOptions = {}): TypePolicies {
  const pending = new WeakSet<object>();
  const collect = (cache: FieldFunctionOptions['cache']): void => {
    if (pending.has(cache)) return;
    pending.add(cache);
    const timer = setTimeout(() => {
      pending.delete(cache);
      (cache as InMemoryCache).gc();
    }, collectAfterMs);
    (timer as { unref?: () => void }).unref?.();
  };
  return {
    Query: {
      fields: {
        asOf: {
          merge: (existing, incoming, { cache, storeFieldName, readField, toReference }) => {
            collect(cache);
            if (!isNow(storeFieldName)) return incoming;
            const live = readField('live', toReference('ROOT_SUBSCRIPTION'));
            const at = (view: unknown): number => snapshotOfView(readField('id', view as Reference)) ?? Number.NEGATIVE_INFINITY;
            return [existing, live].reduce<unknown>((newest, view) => (view != null && at(view) > at(newest) ? view : newest), incoming);
          },
        },
      },
    },
    Subscription: {
      fields: {
        live: {
          merge: (_existing, incoming, { cache }) => {
            // The answer itself is written with this one; watchers are told of both together.
            if (incoming != null)
              cache.modify({
                id: 'ROOT_QUERY',
                broadcast: false,
                fields: { asOf: (shown, { storeFieldName }) => (isNow(storeFieldName) ? incoming : shown) },
              });
            collect(cache);
            return incoming;
          },
        },
      },
    },
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

/** Whether a field of the cache is `asOf` without an instant: no argument, or none that says one. */
function isNow(storeFieldName: string): boolean {
  const [, given] = /^asOf(?:\((.*)\))?$/s.exec(storeFieldName) ?? [undefined, 'no'];
  if (given === undefined) return true;
  return given.startsWith('{') && Object.values(JSON.parse(given) as object).every((value) => value === null);
}

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
