/**
 * graphql-ws clients that miss nothing: each subscription remembers the last position that it saw, and goes on from there
 * whenever the client connects again. Every event comes once, over lost networks and restarts of the server.
 */
import type { Client, ClientOptions, FormattedExecutionResult, Sink, SubscribePayload } from 'graphql-ws';
import { movingVariables, positionOf, type ResumeFacts, resumeFacts } from './resume-facts.ts';

/** Options of `resumable`. */
export interface ResumableOptions {
  /**
   * Where a subscription without an `after` begins.
   * - `head` (default): after the newest commit. The client asks for this commit first, so nothing is lost if the network
   *   breaks before the first event.
   * - `now`: when the server takes the subscription.
   */
  readonly begin?: 'head' | 'now';
  /**
   * How long a ping may stay without its pong, milliseconds; 5,000 by default. Then the client connects again. A laptop that
   * slept or a network that changed can leave a dead connection without an error. The pings are those of graphql-ws (option
   * `keepAlive`, which `retryForever` sets).
   */
  readonly pongMs?: number;
}

/**
 * Options for `createClient` of graphql-ws. The client never stops trying. It waits longer after each failure, at most ten
 * seconds. It sends a ping every ten seconds, to notice a dead connection.
 */
export const retryForever: Pick<ClientOptions, 'retryAttempts' | 'shouldRetry' | 'retryWait' | 'keepAlive'> = {
  keepAlive: 10_000,
  retryAttempts: Number.POSITIVE_INFINITY,
  shouldRetry: () => true,
  retryWait: (retries) => new Promise((resolve) => setTimeout(resolve, retryDelayMs(retries))),
};

/** How long a ping may stay without its pong before the connection is taken for dead, milliseconds. */
const PONG_MS = 5_000;
const RETRY_FIRST_MS = 200;
const RETRY_MAX_MS = 10_000;

/**
 * How long to wait before a retry, milliseconds. Retries count from 0. The wait is 200 ms at first, doubles each time, and is
 * at most 10 seconds. It has a random part, so that clients do not all come at once.
 */
export function retryDelayMs(retries: number): number {
  const longest = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(retries, 10));
  return longest * (0.5 + Math.random() / 2);
}

/**
 * Wraps a client of graphql-ws. The result remembers the last position of each subscription, and sends it as `after` when the
 * client connects again. So every event comes once, over lost networks and restarts of the server. Queries, mutations and live
 * queries go through unchanged.
 * A subscription that cannot be resumed as it is written gets a TypeError in `sink.error`. The message says what to write.
 */
export function resumable(client: Client, { begin = 'head', pongMs = PONG_MS }: ResumableOptions = {}): Client {
  endWhereSilent(client, pongMs);
  const subscribe: Client['subscribe'] = <Data, Extensions>(
    payload: SubscribePayload,
    sink: Sink<FormattedExecutionResult<Data, Extensions>>,
  ): (() => void) => {
    let facts: ResumeFacts | null;
    try {
      facts = resumeFacts(payload.query, payload.operationName);
    } catch (error) {
      sink.error(error);
      return () => {};
    }
    if (facts === null) return client.subscribe<Data, Extensions>(payload, sink);
    const given = payload.variables?.[facts.variable] ?? undefined;
    if (given !== undefined || begin === 'now' || facts.hasDefault) return follow(client, { payload, facts, from: given }, sink);
    let end: (() => void) | undefined;
    let isOver = false;
    const stopAsking = askHead(client, (head) => {
      if (isOver) return;
      isOver = head === undefined || head instanceof HeadUnknown;
      if (head === undefined) sink.complete();
      else if (head instanceof HeadUnknown) sink.error(head.cause);
      else end = follow(client, { payload, facts, from: facts.type === 'String' ? String(head) : head }, sink);
    });
    return () => {
      if (isOver) return;
      isOver = true;
      stopAsking();
      if (end === undefined) sink.complete();
      else end();
    };
  };
  // graphql-ws's own rejects where there is no connection just then; to be disposed of it needs none.
  const dispose = async (): Promise<void> => {
    await Promise.resolve(client.dispose()).catch(() => {});
  };
  return {
    on: client.on,
    terminate: () => client.terminate(),
    dispose,
    subscribe,
    iterate: (payload) => iterateOver(subscribe, payload),
    [Symbol.asyncDispose]: dispose,
  } as Client;
}

function endWhereSilent(client: Client, pongMs: number): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  client.on('ping', (isReceived) => {
    if (isReceived) return;
    clearTimeout(timer);
    timer = setTimeout(() => client.terminate(), pongMs);
  });
  client.on('pong', (isReceived) => {
    if (isReceived) clearTimeout(timer);
  });
  client.on('closed', () => clearTimeout(timer));
}

class HeadUnknown {
  readonly cause: unknown;
  constructor(cause: unknown) {
    this.cause = cause;
  }
}

/** The newest snapshotId; 0 before the first commit; undefined where the client is disposed of before it is known. */
function askHead(client: Client, answer: (head: number | HeadUnknown | undefined) => void): () => void {
  let isAnswered = false;
  const once = (head: number | HeadUnknown | undefined): void => {
    if (isAnswered) return;
    isAnswered = true;
    answer(head);
  };
  const stop = client.subscribe<{ asOf: { snapshotId: number } | null }>(
    { query: '{ asOf { snapshotId } }' },
    {
      next: ({ data, errors }) => once(data?.asOf == null ? new HeadUnknown(errors) : data.asOf.snapshotId),
      error: (error) => once(new HeadUnknown(error)),
      complete: () => once(undefined),
    },
  );
  return () => {
    isAnswered = true;
    stop();
  };
}

function follow<Data, Extensions>(
  client: Client,
  { payload, facts, from }: { readonly payload: SubscribePayload; readonly facts: ResumeFacts; readonly from: unknown },
  sink: Sink<FormattedExecutionResult<Data, Extensions>>,
): () => void {
  let position = from;
  const variables = movingVariables(payload.variables, facts, () => position);
  return client.subscribe<Data, Extensions>(
    { ...payload, variables },
    {
      next: (result) => {
        position = positionOf(result.data) ?? position;
        sink.next(result);
      },
      error: (error) => sink.error(error),
      complete: () => sink.complete(),
    },
  );
}

/** A subscription as an async iterator: results that were not taken yet wait in a list. */
function iterateOver<Data, Extensions>(
  subscribe: Client['subscribe'],
  payload: SubscribePayload,
): AsyncIterableIterator<FormattedExecutionResult<Data, Extensions>> {
  const waiting: FormattedExecutionResult<Data, Extensions>[] = [];
  let end: { readonly error?: unknown } | undefined;
  let wake: () => void = () => {};
  const stop = subscribe<Data, Extensions>(payload, {
    next: (result) => {
      waiting.push(result);
      wake();
    },
    error: (error) => {
      end ??= { error };
      wake();
    },
    complete: () => {
      end ??= {};
      wake();
    },
  });
  async function* results(): AsyncGenerator<FormattedExecutionResult<Data, Extensions>, void> {
    for (;;) {
      const result = waiting.shift();
      if (result !== undefined) yield result;
      else if (end === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      } else if ('error' in end) throw end.error;
      else return;
    }
  }
  const iterator = results();
  return {
    next: () => iterator.next(),
    throw: (error) => {
      stop();
      return iterator.throw(error);
    },
    return: () => {
      end ??= {};
      stop();
      wake();
      return Promise.resolve({ done: true, value: undefined });
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
