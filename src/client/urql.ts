/** For urql: an exchange that resumes, and settings for graphcache. */
import { type AnyVariables, type Exchange, makeErrorResult, makeOperation, type Operation, type OperationResult } from '@urql/core';
import { filter, makeSubject, map, merge, pipe } from 'wonka';

export { keepNewestExchange } from './urql-newest.ts';
export { rowPages } from './urql-pages.ts';

import { changesIn, type IdentifiedRow, type MergeOptions, mergeChangesAt } from './merge.ts';
import { isRefusal } from './refusals.ts';
import { retryDelayMs } from './resumable.ts';
import { movingVariables, positionOf, resumeFacts } from './resume-facts.ts';

/** Options of `resumeExchange`. */
export interface ResumeExchangeOptions {
  /**
   * How long to wait before a retry, milliseconds. Retries count from 0. By default the wait doubles from 200 ms to 10
   * seconds.
   */
  readonly retryDelayMs?: (retries: number) => number;
}

interface Resumed {
  readonly operation: Operation;
  position: unknown;
  retries: number;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/**
 * An exchange that resumes subscriptions after a lost connection, over any transport. Put it before subscriptionExchange.
 * Subscriptions to commits and row changes go on after the last position; live queries are asked again. Errors of the server
 * are passed on. A document that cannot be resumed is an error in its result.
 * With graphql-ws use `resumable` of tidemark/client instead.
 */
export function resumeExchange({ retryDelayMs: delayMs = retryDelayMs }: ResumeExchangeOptions = {}): Exchange {
  return ({ forward }) =>
    (operations) => {
      const again = makeSubject<Operation>();
      const refused = makeSubject<OperationResult>();
      const resumed = new Map<number, Resumed>();
      const forget = (key: number): void => {
        clearTimeout(resumed.get(key)?.timer);
        resumed.delete(key);
      };
      /** The operation to pass on; undefined where it cannot be resumed, which its result says. */
      const begin = (operation: Operation): Operation | undefined => {
        forget(operation.key);
        if (operation.kind !== 'subscription') return operation;
        try {
          const state = stateOf(operation);
          resumed.set(operation.key, state);
          return state.operation;
        } catch (error) {
          refused.next(makeErrorResult(operation, error as Error));
          return undefined;
        }
      };
      /** Whether a result is for the application; a lost connection is not, as long as it can be made again. */
      const isTold = ({ operation, data, error }: OperationResult): boolean => {
        const state = resumed.get(operation.key);
        if (state === undefined) return true;
        if (error?.networkError === undefined || isRefusal(error.networkError) || isRefusal(error)) {
          state.position = positionOf(data) ?? state.position;
          state.retries = 0;
          return true;
        }
        clearTimeout(state.timer);
        state.timer = setTimeout(() => again.next(state.operation), delayMs(state.retries++));
        return false;
      };
      const begun = pipe(
        operations,
        map(begin),
        filter((operation) => operation !== undefined),
      );
      const results = pipe(merge([begun as typeof operations, again.source]), forward, filter(isTold));
      return merge([results, refused.source]);
    };
}

/** @throws TypeError for a document that cannot be resumed */
function stateOf(operation: Operation): Resumed {
  const facts = resumeFacts(operation.query);
  const given = (operation.variables ?? {}) as Record<string, unknown>;
  const state = { operation, position: undefined, retries: 0, timer: undefined };
  if (facts === null) return state;
  const variables = movingVariables(given, facts, () => moving.position) as AnyVariables;
  const moving: Resumed = {
    ...state,
    operation: makeOperation(operation.kind, { ...operation, variables }, operation.context),
    position: given[facts.variable],
  };
  return moving;
}

/** The part of graphcache's cache that is used here. */
interface UpdatingCache {
  updateQuery(input: { readonly query: unknown; readonly variables?: unknown }, updater: (data: unknown) => unknown): void;
}

type Updater = (result: Readonly<Record<string, unknown>>, args: unknown, cache: UpdatingCache, info?: unknown) => void;

/**
 * Settings to spread into the options of cacheExchange. Objects with an `id` are entities with this key, all others are
 * embedded. So the answer of a mutation, a live query and a list share their rows, and need no updates.
 */
export const graphcacheSettings: {
  readonly keys: Record<string, (data: Readonly<Record<string, unknown>>) => string | null>;
} = {
  keys: new Proxy<Record<string, (data: Readonly<Record<string, unknown>>) => string | null>>(
    {},
    {
      get: () => (data: Readonly<Record<string, unknown>>) => (typeof data['id'] === 'string' ? data['id'] : null),
    },
  ),
};

/** The list that `mergeUpdates` merges into. */
export interface MergeTarget<Row> extends MergeOptions<Row> {
  /** The query whose result has the list. */
  readonly query: unknown;
  /** The variables of this query. */
  readonly variables?: unknown;
  /** The path of the list in the query's result, for example ['asOf', 'orders', 'nodes']. */
  readonly path: readonly string[];
  /** Whether a subscription with these arguments belongs to the list; by default every one does. */
  readonly when?: (args: Readonly<Record<string, unknown>>) => boolean;
}

/** An updater for `updates.Subscription.ordersChanges` of graphcache: merges row changes into the list of a query. */
export function mergeUpdates<Row extends IdentifiedRow>({ query, variables, path, when, ...options }: MergeTarget<Row>): Updater {
  return (result, args, cache) => {
    if (when?.((args ?? {}) as Readonly<Record<string, unknown>>) === false) return;
    const changes = changesIn<Row>(result);
    cache.updateQuery({ query, variables }, (data) => mergeChangesAt(data, path, changes, options));
  };
}
