/** The live path, wired: the feed of commits, the broadcasts, and the two transports on the server's port. */
import type { Server } from 'node:http';
import type { YogaServerInstance } from 'graphql-yoga';
import type { RowCopies, Session } from '../engine/index.ts';
import { Broadcasts, type CommitFeed, type LiveFigures } from '../pubsub/index.ts';
import type { Context } from '../resolvers/context.ts';
import type { LogInternalError } from '../resolvers/errors.ts';
import type { ServerConfig } from './config/options.ts';
import type { ConnectionCounts } from './connection.ts';
import { EventStreams } from './event-stream/event-stream.ts';
import type { Answers } from './graphql/answer-limits.ts';
import type { OriginPolicy } from './http/origins.ts';
import { serveWebSockets } from './websocket/websocket.ts';

export interface LivePathParts {
  /** Waits for the schema of the moment. */
  readonly prepare: () => Promise<void>;
  readonly session: Session;
  readonly copies: RowCopies;
  readonly feed: CommitFeed;
  readonly yoga: YogaServerInstance<Record<string, unknown>, Context>;
  readonly http: Server;
  readonly path: string;
  readonly config: ServerConfig;
  readonly origins: OriginPolicy;
  readonly answers: Answers;
  readonly log: LogInternalError;
}

export class LivePath {
  readonly streams: EventStreams;
  readonly #feed: CommitFeed;
  readonly #broadcasts: Broadcasts;
  readonly #counts: ConnectionCounts = { webSocket: 0, eventStream: 0, paused: 0, stalled: 0, refused: 0 };
  readonly #closeSockets: () => Promise<void>;

  constructor({ prepare, session, copies, feed, yoga, http, path, config, origins, answers, log }: LivePathParts) {
    const limits = {
      bufferBytesMax: config.socketBufferKiB * 1024,
      stallMs: config.socketStallMs,
      socketsMax: config.socketsMax,
      subscriptionsMax: config.subscriptionsMax,
    };
    this.#feed = feed;
    this.#broadcasts = new Broadcasts(session, feed, copies);
    const shared = { yoga, broadcasts: this.#broadcasts, copies, limits, counts: this.#counts, answers, log };
    this.streams = new EventStreams(shared);
    this.#closeSockets = serveWebSockets({ ...shared, prepare, http, path, messageBytesMax: config.bodyLimitBytes, origins });
  }

  figures(): LiveFigures {
    const { webSocket, eventStream, paused, stalled, refused } = this.#counts;
    return { sockets: { webSocket, eventStream }, paused, closed: { stalled, refused }, classes: this.#broadcasts.classes() };
  }

  /** Cuts every connection so that its client comes again: a subscription that ended with `complete` would look finished. */
  async stop(): Promise<void> {
    this.streams.close();
    await this.#closeSockets();
    this.#feed.stop();
    this.#broadcasts.stop();
  }
}
