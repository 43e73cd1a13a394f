/** graphql-transport-ws on the server's port: the same schema, limits and errors as over HTTP. */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ExecutionResult, GraphQLError } from 'graphql';
import { handleProtocols, makeServer, type Context as SocketContext } from 'graphql-ws';
import type { YogaServerInstance } from 'graphql-yoga';
import { type WebSocket, WebSocketServer } from 'ws';
import { EngineError, limitExceeded, type RowCopies } from '../../engine/index.ts';
import type { Broadcasts } from '../../pubsub/index.ts';
import type { Context } from '../../resolvers/context.ts';
import { type LogInternalError, toGraphQLError, withoutStatus } from '../../resolvers/errors.ts';
import type { ConnectionCounts, ConnectionLimits } from '../connection.ts';
import type { Answers } from '../graphql/answer-limits.ts';
import { refuseByHash, withDocument } from '../graphql/persisted-queries.ts';
import { type CheckedOperation, sharedSubscription } from '../graphql/shared-subscriptions.ts';
import { markedNumbers, withNumbers } from '../http/exact-json.ts';
import type { OriginPolicy } from '../http/origins.ts';
import { pathOf } from '../http/paths.ts';
import { SharedFrames } from './shared-frames.ts';
import { closeSoon, type PendingResults, SocketConnection, TRY_AGAIN_LATER } from './socket-connection.ts';

export interface WebSocketParts {
  readonly http: Server;
  /** Waits for the schema of the moment. */
  readonly prepare: () => Promise<void>;
  readonly yoga: YogaServerInstance<Record<string, unknown>, Context>;
  readonly broadcasts: Broadcasts;
  readonly copies: RowCopies;
  readonly path: string;
  readonly messageBytesMax: number;
  readonly limits: ConnectionLimits & { readonly socketsMax: number; readonly subscriptionsMax: number };
  readonly counts: ConnectionCounts;
  readonly origins: OriginPolicy;
  readonly answers: Answers;
  readonly log: LogInternalError;
}

/** How often clients are pinged; one that has not answered by the next ping is gone. */
const KEEP_ALIVE_MS = 12_000;
/** How long a stop waits for clients to close. */
const CLOSING_MS = 2_000;
/** The protocol's code for an id that is in use. */
const ALREADY_EXISTS = 4409;
/** Source: RFC 6455, section 7.4.1. */
const NO_TEXT = 1007;

interface Extra extends Record<PropertyKey, unknown> {
  readonly connection: SocketConnection;
  /** One controller an operation that asked for it, so that a query ends when its client goes away. */
  readonly running: Map<string, AbortController>;
}

type Ctx = SocketContext<Record<string, unknown>, Extra>;

/** What onSubscribe hands to execute and subscribe. */
interface Operation extends CheckedOperation {
  readonly id: string;
  readonly connection: SocketConnection;
  readonly execute: (args: unknown) => Promise<ExecutionResult>;
}

/** @returns a function that closes every socket with 1001, so that clients connect again */
export function serveWebSockets(parts: WebSocketParts): () => Promise<void> {
  const { http, path, messageBytesMax, limits, counts, origins, log } = parts;
  // permessage-deflate fragments memory under many sockets. Pings are answered here, within what a socket may buffer.
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: messageBytesMax,
    perMessageDeflate: false,
    autoPong: false,
    handleProtocols,
  });
  const protocol = makeServer<Record<string, unknown>, Extra>({
    execute: (args) => (args as unknown as Operation).execute(args),
    subscribe: (args) => subscribe(parts, args as unknown as Operation) as never,
    onSubscribe: (ctx, id, payload) => checked(parts, ctx, id, payload as OperationPayload, log) as never,
    onError: (_ctx, _id, _payload, errors) => errors.map((error) => withoutStatus(toGraphQLError(error, log))),
    onComplete: ({ extra }, id) => {
      extra.connection.operations.delete(id);
      extra.running.get(id)?.abort();
      extra.running.delete(id);
    },
    onClose: ({ extra }) => {
      for (const controller of extra.running.values()) controller.abort();
    },
  });
  const frames = new SharedFrames(parts.copies);
  const connections = new Set<SocketConnection>();
  const opened = (socket: WebSocket, stream: Duplex): void => {
    if (connections.size >= limits.socketsMax) {
      counts.refused += 1;
      socket.on('error', () => {});
      closeSoon(socket, TRY_AGAIN_LATER, `The server has its maximum of ${limits.socketsMax} sockets; try again later.`);
      return;
    }
    const connection = new SocketConnection({ socket, stream, frames }, limits, counts);
    connections.add(connection);
    counts.webSocket += 1;
    // What is wrong with a client's frames closes its socket by itself, with a code that says so.
    socket.on('error', () => {});
    socket.on('pong', () => {
      connection.isAlive = true;
    });
    socket.on('ping', (data) => connection.answer((done) => socket.pong(data, false, done), data.length));
    const closed = protocol.opened(
      {
        protocol: socket.protocol,
        send: (text) => connection.answer((done) => socket.send(text, done), text.length),
        close: (code, reason) => socket.close(code, reasonOf(reason)),
        onMessage: (take) => {
          socket.on('message', (data: Buffer, isBinary) => {
            // The protocol is text; ws has looked at frames of text already.
            if (isBinary && !isUtf8(data)) return socket.close(NO_TEXT, 'The message is not UTF-8.');
            const text = withDocument(String(data));
            const marked = markedNumbers(text);
            if (marked !== text) connection.hasMarkedNumbers = true;
            return void take(marked).catch((error: unknown) => {
              toGraphQLError(error, log);
              // Clients take 1011 for final; a subscription is worth another try.
              socket.close(TRY_AGAIN_LATER, 'Internal error');
            });
          });
        },
      },
      { connection, running: new Map() },
    );
    socket.once('close', (code, reason) => {
      connections.delete(connection);
      counts.webSocket -= 1;
      connection.closed();
      void closed(code, String(reason));
    });
  };
  const pings = setInterval(() => {
    for (const connection of connections) {
      if (!connection.isAlive) connection.socket.terminate();
      else {
        connection.isAlive = false;
        if (connection.socket.readyState === connection.socket.OPEN) connection.socket.ping();
      }
    }
  }, KEEP_ALIVE_MS);

  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    // A client that goes away before it is answered is nothing to report.
    socket.on('error', () => {});
    const refusal = pathOf(request) === path ? origins.refusal(request) : `WebSockets are served at ${path}`;
    if (refusal !== undefined) {
      socket.end(`HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n${refusal}\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => opened(webSocket, socket));
  };
  http.on('upgrade', upgrade);
  return async () => {
    http.off('upgrade', upgrade);
    clearInterval(pings);
    for (const { socket } of connections) socket.close(1001, 'Going away');
    const timer = setTimeout(() => {
      for (const { socket } of connections) socket.terminate();
    }, CLOSING_MS);
    await new Promise<void>((resolve) => sockets.close(() => resolve()));
    clearTimeout(timer);
  };
}

/** A reason takes 123 bytes of a close frame at the most. */
const REASON_BYTES_MAX = 123;

function reasonOf(reason = ''): string {
  const bytes = Buffer.from(reason);
  return bytes.length <= REASON_BYTES_MAX
    ? reason
    : `${bytes
        .subarray(0, REASON_BYTES_MAX - 6)
        .toString()
        .replace(/\uFFFD$/, '')}...`;
}

interface OperationPayload {
  readonly query: string;
  readonly operationName?: string | null;
  readonly variables?: Record<string, unknown> | null;
  readonly extensions?: Record<string, unknown> | null;
}

/** Parses, validates, and makes the context. @returns errors where the operation is refused */
async function checked(
  { prepare, yoga, limits }: WebSocketParts,
  { extra, connectionParams }: Ctx,
  id: string,
  params: OperationPayload,
  log: LogInternalError,
): Promise<Operation | readonly GraphQLError[]> {
  await prepare();
  const { connection, running } = extra;
  const { operations } = connection;
  if (operations.has(id)) {
    // It was completed, but what it was doing has not ended yet: two of one id cannot be told apart.
    const message = `Subscriber for ${id} already exists`;
    connection.socket.close(ALREADY_EXISTS, reasonOf(message));
    return [toGraphQLError(new EngineError('BAD_USER_INPUT', message), log)];
  }
  if (operations.size >= limits.subscriptionsMax) {
    const hint = 'Complete some, or open another socket.';
    return [toGraphQLError(limitExceeded('subscriptionsPerSocketMax', limits.subscriptionsMax, operations.size + 1, hint), log)];
  }
  if (connection.hasMarkedNumbers && params.variables != null) withNumbers(params.variables);
  const initial = {
    params,
    connectionParams,
    get signal() {
      let controller = running.get(id);
      if (controller === undefined) {
        controller = new AbortController();
        running.set(id, controller);
      }
      return controller.signal;
    },
  };
  const { schema, execute, contextFactory, parse, validate } = yoga.getEnveloped(initial as never);
  const refused = (errors: readonly GraphQLError[]): readonly GraphQLError[] => {
    operations.delete(id);
    running.delete(id);
    return errors;
  };
  operations.add(id);
  try {
    refuseByHash(params);
    const document = parse(params.query);
    const errors = validate(schema, document) as readonly GraphQLError[];
    if (errors.length > 0) return refused(errors.map((error) => toGraphQLError(error, log)));
    const contextValue = (await contextFactory()) as unknown as Context;
    return {
      schema,
      document,
      operationName: params.operationName,
      variableValues: params.variables,
      contextValue,
      execute,
      id,
      connection,
    } as Operation;
  } catch (error) {
    return refused([toGraphQLError(error, log)]);
  }
}

async function subscribe({ broadcasts, answers, log }: WebSocketParts, operation: Operation): Promise<PendingResults | ExecutionResult> {
  const { id, connection, schema, document, operationName, variableValues, contextValue } = operation;
  const found = await sharedSubscription({ schema, document, operationName, variableValues, contextValue }, { answers, log });
  if ('refused' in found) return found.refused;
  const results = connection.results();
  const end = (error: unknown): void => results.end({ errors: [toGraphQLError(error, log)] });
  try {
    results.begin(broadcasts.subscribe(found.subscription, connection.forSubscription(id, end)));
  } catch (error) {
    return { errors: [toGraphQLError(error, log)] };
  }
  return results;
}
