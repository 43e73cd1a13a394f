/** graphql-transport-ws to the letter, also with clients that are not graphql-ws: ids, floods, what cannot be left out. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import WebSocket from 'ws';
import { eventually, liveClient, ORDERS, orders, subscribe, type TestServer, testServer, webSocketUrl } from '../support/server-support.ts';

interface Message {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
}

interface Raw {
  readonly socket: WebSocket;
  readonly received: Message[];
  readonly send: (...messages: readonly Message[]) => void;
}

/** A socket past its handshake, without a client around it. */
async function raw(server: TestServer): Promise<Raw> {
  const socket = new WebSocket(webSocketUrl(server.url), 'graphql-transport-ws');
  onTestFinished(() => socket.terminate());
  const received: Message[] = [];
  socket.on('message', (data) => void received.push(JSON.parse(String(data)) as Message));
  await once(socket, 'open');
  const send: Raw['send'] = (...messages) => {
    // In one packet, so that they arrive together.
    socket.send(JSON.stringify({ type: 'ping' }));
    for (const message of messages) socket.send(JSON.stringify(message));
  };
  send({ type: 'connection_init' });
  await eventually(() => expect(received.some(({ type }) => type === 'connection_ack')).toBe(true));
  return { socket, received, send };
}

const begin = (id: string, query: string): Message => ({ id, type: 'subscribe', payload: { query } });
const COMMITS = 'subscription { snapshotCommitted { snapshotId } }';
const open = (server: TestServer): number =>
  Object.values(server.live().classes).reduce((sum, { subscriptions }) => sum + subscriptions, 0);

describe('an id', () => {
  it.each([COMMITS, '{ tables { nodes { name snapshots { nodes { snapshotId } } } } }'])(
    'that is used again while what it was is still being prepared is refused, and nothing stays: %s',
    async (first) => {
      const server = await testServer({ tables: [ORDERS] });
      const { socket, send } = await raw(server);
      const closed = once(socket, 'close');
      send(begin('1', first), { id: '1', type: 'complete' }, begin('1', 'subscription { changes(table: "orders") { cursor } }'));
      expect((await closed)[0]).toBe(4409);
      await eventually(() => expect([open(server), server.feed.waiting]).toEqual([0, 0]));
      await server.engine.append('orders', orders(1, 1));
      expect(server.live().classes.changes.executions).toBe(0);
    },
  );

  it('may be used again once its subscription has been completed', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const { send, received } = await raw(server);
    send(begin('1', COMMITS));
    await eventually(() => expect(open(server)).toBe(1));
    send({ id: '1', type: 'complete' });
    await eventually(() => expect(open(server)).toBe(0));
    send(begin('1', 'subscription { changes(table: "orders") { cursor } }'));
    await eventually(() => expect(server.live().classes.changes.subscriptions).toBe(1));
    await server.engine.append('orders', orders(1, 1));
    const changes = { cursor: `${server.engine.incarnation}.2` };
    await eventually(() => expect(received).toContainEqual({ id: '1', type: 'next', payload: { data: { changes } } }));
  });

  it('that is in use is refused with 4409 however long it is, and is no error of the server', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const { socket, send } = await raw(server);
    const closed = once(socket, 'close');
    const id = 'ö'.repeat(150);
    send(begin(id, COMMITS), begin(id, COMMITS));
    const [code, reason] = (await closed) as [number, Buffer];
    expect([code, reason.length]).toEqual([4409, expect.any(Number)]);
    expect(String(reason)).toMatch(/^Subscriber for ö+\.\.\.$/);
  });
});

it('the field of a subscription may not be left out: said plainly, and the socket stays', async () => {
  const server = await testServer({ tables: [ORDERS] });
  const { send, received, socket } = await raw(server);
  const documents = [
    'subscription { snapshotCommitted @skip(if: true) { snapshotId } }',
    'subscription { ... @include(if: false) { snapshotCommitted { snapshotId } } }',
    'subscription { ...F } fragment F on Subscription { live @skip(if: true) { snapshotId } }',
  ];
  for (const [at, query] of documents.entries()) {
    send(begin(String(at), query));
    await eventually(() => expect(received).toContainEqual({ id: String(at), type: 'complete' }));
    const told = received.find(({ id }) => id === String(at));
    expect(JSON.stringify(told?.payload)).toMatch(/BAD_USER_INPUT/);
    expect(JSON.stringify(told?.payload)).toMatch(/neither @skip nor @include/);
  }
  expect(socket.readyState).toBe(WebSocket.OPEN);
});

describe('a client that asks and does not read', () => {
  /** A frame from a client, masked with zeros. */
  function frame(opcode: number, text: string): Buffer {
    const payload = Buffer.from(text);
    const head = Buffer.alloc(payload.length < 126 ? 2 : 10);
    head[0] = 0x80 | opcode;
    head[1] = 0x80 | (payload.length < 126 ? payload.length : 127);
    if (payload.length >= 126) head.writeBigUInt64BE(BigInt(payload.length), 2);
    return Buffer.concat([head, Buffer.alloc(4), payload]);
  }

  it.each([
    ['messages', 1, JSON.stringify({ type: 'ping', payload: { text: 'x'.repeat(200_000) } }), '"type":"pong"'],
    ['frames', 9, 'x'.repeat(125), 'x'.repeat(125)],
  ] as const)('is not read from while its answers wait, and gets them all when it reads: pings as %s', async (_, opcode, ping, pong) => {
    const server = await testServer();
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    const key = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws';
    socket.write(`GET /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${key}\r\n\r\n`);
    await once(socket, 'data');
    socket.pause();
    socket.write(frame(1, '{"type":"connection_init"}'));
    const one = frame(opcode, ping);
    // As much as the kernel takes of both ways, and what the server may keep, and more.
    const count = Math.ceil((40 * 1024 * 1024) / one.length);
    let written = 0;
    for (; written < count && server.live().paused === 0; written += 100) {
      socket.write(Buffer.concat(new Array<Buffer>(100).fill(one)));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually(() => expect(server.live().paused).toBe(1));
    // What is sent from now on stays with the client, however long the server has for it.
    const more = Math.ceil((48 * 1024 * 1024) / one.length);
    socket.write(Buffer.concat(new Array<Buffer>(more).fill(one)));
    written += more;
    for (let times = 0; times < 100; times += 1) await fetch(`${server.url}/ready`);
    expect(socket.writableLength).toBeGreaterThan(24 * 1024 * 1024);
    let pongs = 0;
    let rest = '';
    socket.on('data', (data) => {
      const text = rest + data.toString('latin1');
      const pieces = text.split(pong);
      pongs += pieces.length - 1;
      rest = (pieces.at(-1) as string).slice(-pong.length);
    });
    socket.resume();
    await eventually(() => expect(pongs).toBe(written));
    await eventually(() => expect(server.live().paused).toBe(0));
    expect(server.live().closed.stalled).toBe(0);
  });
});

it('queries that a client no longer waits for are no errors of the server', async () => {
  const server = await testServer({ tables: [ORDERS] });
  await server.engine.append('orders', orders(1, 500));
  for (let times = 0; times < 20; times += 1) {
    const { socket, send } = await raw(server);
    for (let id = 0; id < 20; id += 1) send(begin(String(id), '{ asOf { orders(first: 500) { nodes { order_id status amount } } } }'));
    (socket as unknown as { _socket: { resetAndDestroy(): void } })._socket.resetAndDestroy();
  }
  await subscribe(server, liveClient(server.url), COMMITS);
  await eventually(() => expect(server.live().sockets.webSocket).toBe(1));
});
