/** For urql: an exchange that resumes, and settings for graphcache. */
import { type AnyVariables, type Exchange, makeErrorResult, makeOperation, type Operation, type OperationResult } from '@urql/core';
import { filter, makeSubject, map, merge, pipe } from 'wonka';

export { keepNewestExchange } from './urql-newest.ts';
export { rowPages } from './urql-pages.ts';

import { changesIn, type IdentifiedRow, type MergeOptions, mergeChangesAt } from './merge.ts';
import { isRefusal } from './refusals.ts';
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
 * seen, live queries are asked again, whenever the connection is lost. What the server refuses is passed on; a document
 * that cannot be resumed is an error in its result.
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
 * Settings to spread into graphcache's cacheExchange. Objects with an `id` are entities, by it; all others are embedded. A
 * mutation's answer, a live query and a list share their rows by it, and need no updates.
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

export interface MergeTarget<Row> extends MergeOptions<Row> {
  readonly query: unknown;
  readonly variables?: unknown;
  /** Where the list lies in the query's result, for example ['asOf', 'orders', 'nodes']. */
  readonly path: readonly string[];
  /** Whether the changes of a subscription are the list's, by its arguments (`where`, say); all are where not given. */
  readonly when?: (args: Readonly<Record<string, unknown>>) => boolean;
}

/** For graphcache's `updates.Subscription.ordersChanges`: merges row changes into the list of a query. */
export function mergeUpdates<Row extends IdentifiedRow>({ query, variables, path, when, ...options }: MergeTarget<Row>): Updater {
  return (result, args, cache) => {
    if (when?.((args ?? {}) as Readonly<Record<string, unknown>>) === false) return;
    const changes = changesIn<Row>(result);
    cache.updateQuery({ query, variables }, (data) => mergeChangesAt(data, path, changes, options));
  };
}
