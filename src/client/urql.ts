/** For urql: an exchange that resumes, and settings for graphcache. */
import { type AnyVariables, type Exchange, makeOperation, type Operation, type OperationResult } from '@urql/core';
import { filter, makeSubject, map, merge, pipe } from 'wonka';
import { type IdentifiedRow, type MergeOptions, mergeChangesAt, type RowChange } from './merge.ts';
import { retryDelayMs } from './resumable.ts';
import { movingVariables, positionOf, resumeFacts } from './resume-facts.ts';

export interface ResumeExchangeOptions {
  /** Milliseconds before the nth retry, the first being 0; longer and longer where not given. */
  readonly retryDelayMs?: (retries: number) => number;
}

interface Resumed {
  readonly operation: Operation;
  position: unknown;
  retries: number;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/**
 * Put it before subscriptionExchange, whatever the transport behind: subscriptions go on after the last position that was
 * seen, and are begun again when the connection is lost. What the server refuses is passed on.
 */
export function resumeExchange({ retryDelayMs: delayMs = retryDelayMs }: ResumeExchangeOptions = {}): Exchange {
  return ({ forward }) =>
    (operations) => {
      const again = makeSubject<Operation>();
      const resumed = new Map<number, Resumed>();
      const begin = (operation: Operation): Operation => {
        if (operation.kind === 'teardown') {
          clearTimeout(resumed.get(operation.key)?.timer);
          resumed.delete(operation.key);
          return operation;
        }
        const facts = operation.kind === 'subscription' ? resumeFacts(operation.query) : null;
        if (facts === null) return operation;
        const variables = movingVariables(operation.variables as Record<string, unknown>, facts, () => state.position);
        const state: Resumed = {
          operation: makeOperation(operation.kind, { ...operation, variables: variables as AnyVariables }, operation.context),
          position: (operation.variables as Record<string, unknown> | undefined)?.[facts.variable],
          retries: 0,
          timer: undefined,
        };
        clearTimeout(resumed.get(operation.key)?.timer);
        resumed.set(operation.key, state);
        return state.operation;
      };
      /** Whether a result is for the application; a lost connection is not, as long as it can be made again. */
      const isTold = ({ operation, data, error }: OperationResult): boolean => {
        const state = resumed.get(operation.key);
        if (state === undefined) return true;
        const position = positionOf(data);
        if (position !== undefined) {
          state.position = position;
          state.retries = 0;
        }
        if (error?.networkError === undefined) return true;
        clearTimeout(state.timer);
        state.timer = setTimeout(() => again.next(state.operation), delayMs(state.retries++));
        return false;
      };
      return pipe(merge([pipe(operations, map(begin)), again.source]), forward, filter(isTold));
    };
}

/** The part of graphcache's cache that is used here. */
interface LinkingCache {
  link(entity: string, field: string, link: unknown): void;
  updateQuery(input: { readonly query: unknown; readonly variables?: unknown }, updater: (data: unknown) => unknown): void;
}

type Updater = (result: Readonly<Record<string, unknown>>, args: unknown, cache: LinkingCache, info?: unknown) => void;

/**
 * Settings to spread into graphcache's cacheExchange. Objects with an `id` are entities, by it; all others are embedded.
 * An answer of a live query is what `asOf` without an argument shows from then on.
 */
export const graphcacheSettings: {
  readonly keys: Record<string, (data: Readonly<Record<string, unknown>>) => string | null>;
  readonly updates: { readonly Subscription: Record<string, Updater> };
} = {
  keys: new Proxy<Record<string, (data: Readonly<Record<string, unknown>>) => string | null>>(
    {},
    {
      get: () => (data: Readonly<Record<string, unknown>>) => (typeof data['id'] === 'string' ? data['id'] : null),
    },
  ),
  updates: {
    Subscription: {
      live: (result, _args, cache) => {
        if (result['live'] != null) cache.link('Query', 'asOf', result['live']);
      },
    },
  },
};

export interface MergeTarget<Row> extends MergeOptions<Row> {
  readonly query: unknown;
  readonly variables?: unknown;
  /** Where the list lies in the query's result, for example ['asOf', 'orders', 'nodes']. */
  readonly path: readonly string[];
}

/** For graphcache's `updates.Subscription.ordersChanges`: merges row changes into the list of a query. */
export function mergeUpdates<Row extends IdentifiedRow>({ query, variables, path, ...options }: MergeTarget<Row>): Updater {
  return (result, _args, cache) => {
    const [event] = Object.values(result) as ({ readonly changes?: readonly RowChange<Row>[] } | null)[];
    const changes = event?.changes ?? [];
    cache.updateQuery({ query, variables }, (data) => mergeChangesAt(data, path, changes, options));
  };
}
