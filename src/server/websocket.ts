/** graphql-ws on the server's port: the same schema, limits and errors as over HTTP. */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { GraphQLError } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import type { YogaServerInstance } from 'graphql-yoga';
import { WebSocketServer } from 'ws';
import type { Context } from '../resolvers/context.ts';
import { type LogInternalError, toGraphQLError } from '../resolvers/errors.ts';
import type { OriginPolicy } from './origins.ts';

export interface WebSocketParts {
  readonly http: Server;
  readonly yoga: YogaServerInstance<Record<string, unknown>, Context>;
  readonly path: string;
  readonly messageBytesMax: number;
  readonly origins: OriginPolicy;
  readonly log: LogInternalError;
}

const KEEP_ALIVE_MS = 12_000;

/** @returns a function that closes every socket with 1001, so that clients connect again */
export function serveWebSockets({ http, yoga, path, messageBytesMax, origins, log: logAll }: WebSocketParts): () => Promise<void> {
  // A client that went away while it was written to is nothing to report.
  const log: LogInternalError = (error, reference) => {
    if ((error as NodeJS.ErrnoException | undefined)?.syscall !== 'write') logAll(error, reference);
  };
  // permessage-deflate fragments memory under many sockets.
  const sockets = new WebSocketServer({ noServer: true, maxPayload: messageBytesMax, perMessageDeflate: false });
  /** One controller an operation, so that a query ends when its client goes away. */
  const running = new WeakMap<object, Map<string, AbortController>>();
  const controllersOf = (socket: object): Map<string, AbortController> => {
    let controllers = running.get(socket);
    if (controllers === undefined) {
      controllers = new Map();
      running.set(socket, controllers);
    }
    return controllers;
  };

  const disposable = useServer<Record<string, unknown>>(
    {
      execute: (args) => (args as unknown as { execute: (args: unknown) => never }).execute(args),
      subscribe: (args) => (args as unknown as { subscribe: (args: unknown) => never }).subscribe(args),
      onSubscribe: async (ctx, id, params) => {
        const controller = new AbortController();
        controllersOf(ctx.extra.socket).set(id, controller);
        const initial = { params, connectionParams: ctx.connectionParams, signal: controller.signal };
        const { schema, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped(initial);
        try {
          const document = parse(params.query) as ReturnType<typeof parse> & { definitions: readonly unknown[] };
          const errors = validate(schema, document) as readonly GraphQLError[];
          if (errors.length > 0) return errors.map((error) => toGraphQLError(error, log));
          return {
            schema,
            operationName: params.operationName,
            document,
            variableValues: params.variables,
            contextValue: await contextFactory(),
            execute,
            subscribe,
          } as never;
        } catch (error) {
          return [toGraphQLError(error, log)];
        }
      },
      onError: (_ctx, _id, _payload, errors) => errors.map((error) => toGraphQLError(error, log).toJSON()),
      onComplete: (ctx, id) => {
        const controllers = controllersOf(ctx.extra.socket);
        controllers.get(id)?.abort();
        controllers.delete(id);
      },
      onClose: (ctx) => {
        for (const controller of controllersOf(ctx.extra.socket).values()) controller.abort();
      },
    },
    sockets,
    KEEP_ALIVE_MS,
  );

  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const refusal =
      new URL(request.url ?? '/', 'http://localhost').pathname === path ? origins.refusal(request) : 'WebSockets are served at /graphql';
    if (refusal !== undefined) {
      socket.end(`HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n${refusal}\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (opened) => sockets.emit('connection', opened, request));
  };
  http.on('upgrade', upgrade);
  return async () => {
    http.off('upgrade', upgrade);
    await disposable.dispose();
  };
}
