/** However a subscription ends, nothing of it is left: counted for each class, over both transports. */
import { createClient as createStreamClient } from 'graphql-sse';
import { type Client, createClient } from 'graphql-ws';
import { describe, expect, it, vi } from 'vitest';
import WebSocket from 'ws';
import { eventually, ORDERS, orders, type TestServer, testServer, webSocketUrl } from '../support/server-support.ts';

const DOCUMENTS = {
  snapshotCommitted: 'subscription { snapshotCommitted { snapshotId } }',
  changes: 'subscription { changes(table: "orders") { cursor } }',
  ordersChanges: 'subscription { ordersChanges(where: { amount: { gte: 0 } }) { cursor changes { kind after { order_id } } } }',
  live: 'subscription { live { snapshotId orders { nodes { order_id } } } }',
} as const;

/** What a subscription could leave behind in the process. */
function left(server: TestServer) {
  const { sockets, paused, classes } = server.live();
  return {
    sockets,
    paused,
    subscriptions: Object.values(classes).reduce((sum, { subscriptions }) => sum + subscriptions, 0),
    channels: Object.values(classes).reduce((sum, { distinct }) => sum + distinct, 0),
    waiting: server.feed.waiting,
    listeners: server.engine.commitListeners,
    leased: server.engine.read.leases.oldest(),
  };
}

const timers = (): number => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;

interface Ended {
  /** Unsubscribes, as an application does. */
  readonly unsubscribe: () => void;
  /** Resolves when it has ended, with the errors of its last event, or what the client made of a lost connection. */
  readonly end: Promise<{ readonly errors: unknown } | { readonly lost: unknown }>;
}

interface Subscriber {
  readonly subscribe: (query: string) => Ended;
  /** Closes what connections it has, politely. */
  readonly close: () => unknown;
  /** Cuts its connections. */
  readonly cut: () => void;
}

interface EventSink {
  next(event: { readonly errors?: unknown }): void;
  error(error: unknown): void;
  complete(): void;
}

function ended(subscribe: (sink: EventSink) => () => void): Ended {
  let unsubscribe = (): void => {};
  const end: Ended['end'] = new Promise((resolve) => {
    let last: unknown;
    unsubscribe = subscribe({
      next: ({ errors }) => {
        last = errors;
      },
      error: (error) => resolve({ lost: error }),
      complete: () => resolve({ errors: last }),
    });
  });
  return { unsubscribe, end };
}

function overWebSocket({ url }: TestServer): Subscriber {
  const sockets: WebSocket[] = [];
  class KnownSocket extends WebSocket {
    constructor(address: string, protocols: string | string[]) {
      super(address, protocols);
      sockets.push(this);
    }
  }
  const client: Client = createClient({ url: webSocketUrl(url), webSocketImpl: KnownSocket, retryAttempts: 0, lazyCloseTimeout: 0 });
  return {
    subscribe: (query) => ended((sink) => client.subscribe({ query }, sink)),
    close: () => client.dispose(),
    cut: () => {
      for (const socket of sockets) socket.terminate();
    },
  };
}

function overEventStream({ url }: TestServer): Subscriber {
  const client = createStreamClient({ url: `${url}/graphql`, retryAttempts: 0 });
  return {
    subscribe: (query) => ended((sink) => client.subscribe({ query }, sink)),
    close: () => client.dispose(),
    cut: () => client.dispose(),
  };
}

const TRANSPORTS = { 'a WebSocket': overWebSocket, 'an event stream': overEventStream } as const;

interface Open {
  readonly server: TestServer;
  readonly subscriber: Subscriber;
  readonly open: readonly Ended[];
}

/** Three subscriptions each of two kinds, all of which have been sent something. */
async function opened(transport: keyof typeof TRANSPORTS, document: string, server: TestServer): Promise<Open> {
  const subscriber = TRANSPORTS[transport](server);
  const documents = [document, document, document, `${document} #2`, `${document} #2`];
  const open = documents.map((text) => subscriber.subscribe(text));
  await eventually(() => expect(left(server)).toMatchObject({ subscriptions: 5, channels: 2 }));
  const events = (): number => Object.values(server.live().classes).reduce((sum, figures) => sum + figures.events, 0);
  const before = events();
  await server.engine.append('orders', orders(0, 3));
  await eventually(() => expect(events()).toBeGreaterThanOrEqual(before + 5));
  return { server, subscriber, open };
}

describe.each(Object.keys(TRANSPORTS) as (keyof typeof TRANSPORTS)[])('over %s', (transport) => {
  describe.each(Object.entries(DOCUMENTS))('%s leaves no iterator, timer or listener', (_, document) => {
    const ways: Readonly<Record<string, (open: Open) => unknown>> = {
      'after unsubscribing': ({ open }) => {
        for (const { unsubscribe } of open) unsubscribe();
      },
      'after a close': ({ subscriber }) => subscriber.close(),
      'after a cut': ({ subscriber }) => subscriber.cut(),
    };
    it.each(Object.keys(ways))('%s', async (way) => {
      const server = await testServer({ tables: [ORDERS] });
      const [before, timersBefore] = [left(server), timers()];
      const state = await opened(transport, document, server);
      expect(left(server)).not.toEqual(before);
      await ways[way]?.(state);
      await eventually(() => expect(left(server)).toEqual({ ...before, sockets: left(server).sockets }));
      // An unsubscribed client may keep its socket.
      await state.subscriber.close();
      await eventually(() => expect(left(server)).toEqual(before));
      await eventually(() => expect(timers()).toBeLessThanOrEqual(timersBefore));
      // And nobody is woken by what comes next.
      const executed = server.live().classes;
      await server.engine.append('orders', orders(10, 1));
      expect(server.live().classes).toEqual(executed);
    });

    it('after an error in the middle, which every subscriber is told', async () => {
      const server = await testServer({ tables: [ORDERS], expectErrorLogs: true });
      const [before, timersBefore] = [left(server), timers()];
      const { open, subscriber } = await opened(transport, document, server);
      const failing = vi.spyOn(server.feed, 'after').mockRejectedValue(new Error('the log cannot be read'));
      await server.engine.append('orders', orders(10, 1));
      for (const { end } of open) expect(await end).toMatchObject({ errors: [{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }] });
      await eventually(() => expect(left(server)).toMatchObject({ subscriptions: 0, channels: 0, waiting: 0, leased: before.leased }));
      failing.mockRestore();
      expect(server.logs.filter(({ level }) => level >= 50).map((line) => JSON.stringify(line))).toEqual(
        expect.arrayContaining([expect.stringContaining('the log cannot be read')]),
      );
      await subscriber.close();
      await eventually(() => expect(left(server)).toEqual(before));
      await eventually(() => expect(timers()).toBeLessThanOrEqual(timersBefore));
    });

    it('after the server has stopped', async () => {
      const timersBefore = timers();
      const server = await testServer({ tables: [ORDERS] });
      const { open, subscriber } = await opened(transport, document, server);
      await server.stop();
      expect(left(server)).toMatchObject({ subscriptions: 0, channels: 0, waiting: 0, listeners: 0, leased: undefined });
      expect(left(server).sockets).toEqual({ webSocket: 0, eventStream: 0 });
      // It looks like a lost connection, not like an end: a client comes again.
      for (const { end } of open) expect(await end).toHaveProperty('lost');
      await subscriber.close();
      await eventually(() => expect(timers()).toBeLessThanOrEqual(timersBefore));
    });
  });
});
