/**
 * Subscriptions as Server-Sent Events (graphql-sse, distinct connections): the same broadcasts and guarantees as over
 * WebSocket. Each event's id is where its subscriber is; a client that comes back with it as Last-Event-ID goes on there.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type DocumentNode, type ExecutionResult, type GraphQLError, getOperationAST } from 'graphql';
import type { YogaServerInstance } from 'graphql-yoga';
import type { RowCopies } from '../../engine/index.ts';
import type { Broadcasts, SubscriberConnection } from '../../pubsub/index.ts';
import type { Context } from '../../resolvers/context.ts';
import { type LogInternalError, toGraphQLError, withoutStatus } from '../../resolvers/errors.ts';
import { Congestion, type ConnectionCounts, type ConnectionLimits } from '../connection.ts';
import type { Answers } from '../graphql/answer-limits.ts';
import { sharedSubscription } from '../graphql/shared-subscriptions.ts';
import { sendErrors } from '../http/answers.ts';
import { EventFrames } from './event-frames.ts';

export interface EventStreamParts {
  readonly yoga: YogaServerInstance<Record<string, unknown>, Context>;
  readonly broadcasts: Broadcasts;
  readonly copies: RowCopies;
  readonly limits: ConnectionLimits & { readonly socketsMax: number };
  readonly counts: ConnectionCounts;
  readonly answers: Answers;
  readonly log: LogInternalError;
}

/** What a request asks for, as GraphQL over HTTP has it. */
export interface StreamRequest {
  readonly query: string;
  readonly operationName?: string | null | undefined;
  readonly variables?: Record<string, unknown> | null | undefined;
}

/** How often a comment is sent, so that no proxy takes the connection for dead. */
const KEEP_ALIVE_MS = 12_000;
/** When a client that was refused may come again. */
const RETRY_AFTER_S = 5;
const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
  'x-content-type-options': 'nosniff',
};

export class EventStreams {
  readonly #parts: EventStreamParts;
  readonly #frames: EventFrames;
  readonly #open = new Set<ServerResponse>();
  readonly #pings: NodeJS.Timeout;

  constructor(parts: EventStreamParts) {
    this.#parts = parts;
    this.#frames = new EventFrames(parts.copies);
    this.#pings = setInterval(() => {
      for (const response of this.#open) if (response.writableLength === 0) response.write(':\n\n');
    }, KEEP_ALIVE_MS);
  }

  /** Cuts every stream, so that clients connect again: one that was ended properly would look finished to them. */
  close(): void {
    clearInterval(this.#pings);
    for (const response of this.#open) response.destroy();
  }

  /** Answers with an event stream. @returns false where the request is no subscription, and nothing was sent */
  async serve(request: IncomingMessage, response: ServerResponse, params: StreamRequest): Promise<boolean> {
    const { yoga, answers, log } = this.#parts;
    const lastEventId = request.headers['last-event-id'];
    const { schema, contextFactory, parse, validate } = yoga.getEnveloped({ params } as never);
    let document: DocumentNode;
    let errors: readonly GraphQLError[];
    try {
      document = parse(params.query) as DocumentNode;
      errors = validate(schema, document) as readonly GraphQLError[];
    } catch {
      return false;
    }
    // What is wrong with a document is said as for any other request.
    if (errors.length > 0 || getOperationAST(document, params.operationName)?.operation !== 'subscription') return false;
    const context = (await contextFactory()) as unknown as Context;
    const resumeAfter = typeof lastEventId === 'string' && lastEventId !== '' ? lastEventId : undefined;
    const { operationName, variables: variableValues } = params;
    const args = { schema, document, operationName, variableValues, contextValue: { ...context, resumeAfter } };
    const found = await sharedSubscription(args, { answers, log });
    if (response.destroyed) return true;
    const { limits, counts } = this.#parts;
    if ('subscription' in found && this.#open.size >= limits.socketsMax) {
      counts.refused += 1;
      response.setHeader('retry-after', RETRY_AFTER_S);
      const message = `socketsMax: the server has its maximum of ${limits.socketsMax} event streams; try again later`;
      const details = { limit: 'socketsMax', maximum: limits.socketsMax, retryAfterMs: RETRY_AFTER_S * 1_000 };
      sendErrors(response, 503, 'OVERLOADED', message, details);
      return true;
    }
    response.writeHead(200, HEADERS);
    if ('refused' in found) complete(response, found.refused);
    else this.#stream(response, found.subscription);
    return true;
  }

  #stream(response: ServerResponse, subscription: Parameters<Broadcasts['subscribe']>[0]): void {
    const { broadcasts, limits, counts, log } = this.#parts;
    const refuse = (error: unknown): void => complete(response, { errors: [toGraphQLError(error, log)] });
    const congestion = new Congestion(limits, counts, () => response.destroy());
    this.#open.add(response);
    counts.eventStream += 1;
    // The client knows that it is connected before there is an event.
    response.write(':\n\n');
    response.on('error', () => {});
    let leave: (() => void) | undefined;
    response.once('close', () => {
      this.#open.delete(response);
      counts.eventStream -= 1;
      congestion.close();
      leave?.();
    });
    try {
      leave = broadcasts.subscribe(subscription, connectionOf(response, this.#frames, congestion, refuse));
    } catch (error) {
      refuse(error);
    }
  }
}

function connectionOf(
  response: ServerResponse,
  frames: EventFrames,
  congestion: Congestion,
  end: (error: unknown) => void,
): SubscriberConnection {
  return {
    send: (payload) => {
      const frame = frames.of(payload);
      if (congestion.fills(response.writableLength + frame.length)) response.write(frame, () => congestion.drained());
      else response.write(frame);
    },
    get isCongested() {
      return congestion.isCongested;
    },
    onDrained: (resume) => congestion.onDrained(resume),
    end,
  };
}

function complete(response: ServerResponse, last: ExecutionResult): void {
  const result = { ...last, errors: last.errors?.map(withoutStatus) };
  response.end(`event: next\ndata: ${JSON.stringify(result)}\n\nevent: complete\ndata: \n\n`);
}
