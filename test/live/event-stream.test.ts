import { request } from 'node:http';
import { createClient } from 'graphql-sse';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually, ORDERS, orders, type TestServer, testServer } from '../support/server-support.ts';

interface Data {
  readonly snapshotCommitted: { readonly snapshotId: number };
}

const WATCH = 'subscription ($after: SafeInt) { snapshotCommitted(after: $after) { snapshotId } }';
const order = (server: TestServer, id: number): Promise<unknown> => server.engine.append('orders', orders(id, 1));

/** A real graphql-sse client in distinct connections mode. */
function sseClient(server: TestServer, options: Partial<Parameters<typeof createClient>[0]> = {}) {
  const client = createClient({ url: `${server.url}/graphql`, retryAttempts: 0, ...(options as object) });
  onTestFinished(() => client.dispose());
  return client;
}

interface Frame {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: { readonly data?: unknown; readonly errors?: readonly unknown[] } | undefined;
}

interface Stream {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  /** The next event, comments left out; undefined where the stream was ended or cut. */
  next(): Promise<Frame | undefined>;
  cut(): void;
}

/** An event stream as EventSource opens it: a GET with Accept, and Last-Event-ID when it comes back. */
function open(
  server: TestServer,
  query: string,
  options: { lastEventId?: string; variables?: object; origin?: string } = {},
): Promise<Stream> {
  const { lastEventId, variables, origin } = options;
  const parameters = new URLSearchParams({ query, ...(variables === undefined ? {} : { variables: JSON.stringify(variables) }) });
  const headers = {
    accept: 'text/event-stream',
    ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    ...(origin === undefined ? {} : { origin }),
  };
  return new Promise((resolve, reject) => {
    const outgoing = request(`${server.url}/graphql?${parameters}`, { headers }, (response) => {
      response.setEncoding('utf8');
      let text = '';
      let isOver = false;
      const waiting: (() => void)[] = [];
      const wake = (): void => {
        for (const go of waiting.splice(0)) go();
      };
      response.on('data', (chunk: string) => {
        text += chunk;
        wake();
      });
      for (const end of ['end', 'error', 'close'])
        response.on(end, () => {
          isOver = true;
          wake();
        });
      const next = async (): Promise<Frame | undefined> => {
        for (;;) {
          const end = text.indexOf('\n\n');
          if (end < 0) {
            if (isOver) return undefined;
            await new Promise<void>((go) => waiting.push(go));
            continue;
          }
          const lines = text.slice(0, end).split('\n');
          text = text.slice(end + 2);
          const field = (name: string): string | undefined => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
          const event = field('event');
          if (event === undefined) continue;
          const data = field('data');
          return {
            event,
            id: field('id'),
            data: data === undefined || data.trim() === '' ? undefined : (JSON.parse(data) as Frame['data'] & {}),
          };
        }
      };
      resolve({ status: response.statusCode ?? 0, headers: response.headers, next, cut: () => outgoing.destroy() });
    });
    outgoing.on('error', reject);
    outgoing.end();
    onTestFinished(() => void outgoing.destroy());
  });
}

describe('subscriptions as an event stream', () => {
  it('a graphql-sse client sees every commit, in order, once, and resumes with `after`', async () => {
    const server = await testServer({ tables: [ORDERS] });
    for (let id = 0; id < 5; id += 1) await order(server, id);
    const seen: number[] = [];
    for await (const { data } of sseClient(server).iterate<Data>({ query: WATCH, variables: { after: 2 } })) {
      const { snapshotId } = data?.snapshotCommitted ?? { snapshotId: 0 };
      seen.push(snapshotId);
      if (snapshotId === 6) for (let id = 5; id < 9; id += 1) await order(server, id);
      if (snapshotId === 10) break;
    }
    expect(seen).toEqual([3, 4, 5, 6, 7, 8, 9, 10]);
    await eventually(() =>
      expect(server.live()).toMatchObject({ sockets: { eventStream: 0 }, classes: { snapshotCommitted: { subscriptions: 0 } } }),
    );
  });

  it('shares its channel with WebSockets and other streams', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const streams = [await open(server, WATCH), await open(server, WATCH, { variables: { after: 1 } }), await open(server, WATCH)];
    await eventually(() => expect(server.live().classes.snapshotCommitted).toMatchObject({ subscriptions: 3, distinct: 1 }));
    await order(server, 1);
    for (const stream of streams)
      expect(await stream.next()).toEqual({
        event: 'next',
        id: `${server.engine.incarnation}.2`,
        data: { data: { snapshotCommitted: { snapshotId: 2 } } },
      });
    expect(server.live().classes.snapshotCommitted.executions).toBe(1);
  });

  it('an EventSource that was cut goes on after its Last-Event-ID, whatever `after` says, also within a commit', async () => {
    const server = await testServer({ tables: [ORDERS] });
    await server.engine.append('orders', orders(1, 2_500));
    await order(server, 9_000);
    const first = await open(server, WATCH, { variables: { after: 0 } });
    const { incarnation } = server.engine;
    const ids = [(await first.next())?.id, (await first.next())?.id];
    expect(ids).toEqual([`${incarnation}.1`, `${incarnation}.2`]);
    first.cut();
    const second = await open(server, WATCH, { variables: { after: 0 }, lastEventId: ids[1] as string });
    expect((await second.next())?.id).toBe(`${incarnation}.3`);

    const changes = 'subscription { ordersChanges(after: "1") { cursor changes { after { order_id } } } }';
    const begun = await open(server, changes);
    const { id, data } = (await begun.next()) as Frame;
    expect(id).toMatch(/^[\w-]{8}\.2:\d+$/);
    expect(data).toMatchObject({ data: { ordersChanges: { cursor: id } } });
    begun.cut();
    const rest = await open(server, changes, { lastEventId: id as string });
    const events = [await rest.next(), await rest.next(), await rest.next()];
    expect(events.map((event) => event?.id)).toEqual([expect.stringMatching(/^[\w-]{8}\.2:\d+$/), `${incarnation}.2`, `${incarnation}.3`]);
    const rows = events.map(
      (event) => (event as { data: { data: { ordersChanges: { changes: unknown[] } } } }).data.data.ordersChanges.changes.length,
    );
    expect(rows).toEqual([1000, 500, 1]);
  });

  it('a live query answers at once and again', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const stream = await open(server, 'subscription { live { orders { totalCount } } }');
    expect((await stream.next())?.data).toEqual({ data: { live: { orders: { totalCount: 0 } } } });
    await order(server, 1);
    expect((await stream.next())?.data).toEqual({ data: { live: { orders: { totalCount: 1 } } } });
  });

  it('an error ends the stream with `next` and `complete`, in words that the client can read', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const stream = await open(server, 'subscription { snapshotCommitted(tables: ["nope"]) { snapshotId } }');
    expect((await stream.next())?.data).toMatchObject({ errors: [{ extensions: { code: 'TABLE_NOT_FOUND' } }] });
    expect(await stream.next()).toMatchObject({ event: 'complete' });
    expect(await stream.next()).toBeUndefined();
    const answers = [];
    for await (const answer of sseClient(server).iterate({ query: 'subscription { changes(table: "nope") { cursor } }' }))
      answers.push(answer);
    expect(answers).toMatchObject([{ errors: [{ extensions: { code: 'TABLE_NOT_FOUND' } }] }]);
    const bad = await open(server, WATCH, { lastEventId: 'nonsense' });
    expect((await bad.next())?.data).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] });
  });

  it('queries and documents with mistakes go their usual way', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const query = await open(server, '{ tables { nodes { name } } } # subscription');
    expect((await query.next())?.data).toEqual({ data: { tables: { nodes: [{ name: 'orders' }] } } });
    const mistake = await open(server, 'subscription { nope }');
    expect((await mistake.next())?.data).toMatchObject({ errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] });
  });

  it('other origins are held off, allowed ones are named', async () => {
    const server = await testServer({ tables: [ORDERS], flags: ['--origins', 'https://good.example'] });
    expect((await open(server, WATCH, { origin: 'https://evil.example' })).status).toBe(403);
    const stream = await open(server, WATCH, { origin: 'https://good.example' });
    expect(stream).toMatchObject({ status: 200, headers: { 'access-control-allow-origin': 'https://good.example' } });
    expect(stream.headers['content-type']).toContain('text/event-stream');
  });

  it('when the server stops the stream is cut, not completed, so that the client comes again', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const stream = await open(server, WATCH);
    await eventually(() => expect(server.live().sockets.eventStream).toBe(1));
    const end = stream.next();
    await server.stop();
    expect(await end).toBeUndefined();
    expect(server.feed.waiting).toBe(0);
  });

  it.each([
    ['application/json', JSON.stringify({ query: 'subscription { snapshotCommitted(after: 0) { snapshotId } }' })],
    ['application/graphql+json', JSON.stringify({ query: 'subscription { snapshotCommitted(after: 0) { snapshotId } }' })],
    ['application/graphql; charset=utf-8', 'subscription { snapshotCommitted(after: 0) { snapshotId } }'],
  ])('whatever form the request has, events have ids and Last-Event-ID is heard: %s', async (type, body) => {
    const server = await testServer({ tables: [ORDERS] });
    await server.engine.append('orders', orders(1, 1));
    const headers = { accept: 'Text/Event-Stream', 'content-type': type, 'last-event-id': `${server.engine.incarnation}.1` };
    const response = await fetch(`${server.url}/graphql`, { method: 'POST', headers, body });
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    let text = '';
    while (!text.includes('data:')) text += Buffer.from((await reader.read()).value ?? []).toString();
    await reader.cancel();
    expect(text).toContain(`event: next\nid: ${server.engine.incarnation}.2\ndata: {"data":{"snapshotCommitted":{"snapshotId":2}}}`);
  });

  it('past the most streams of the server the next is told why', async () => {
    const server = await testServer({ tables: [ORDERS], flags: ['--max-sockets', '1'] });
    await open(server, WATCH);
    await eventually(() => expect(server.live().sockets.eventStream).toBe(1));
    const second = await fetch(`${server.url}/graphql?${new URLSearchParams({ query: WATCH })}`, {
      headers: { accept: 'text/event-stream' },
    });
    // No stream: clients of any kind see that it is worth another try.
    expect(second.status).toBe(503);
    expect(second.headers.get('retry-after')).toBe('5');
    expect(await second.json()).toMatchObject({ errors: [{ extensions: { code: 'OVERLOADED', details: { limit: 'socketsMax' } } }] });
  });
});
