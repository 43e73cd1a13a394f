import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import { RowCopies } from '../../src/engine/data/row-copies.ts';
import { beginFrame } from '../../src/server/websocket/frames.ts';
import { SharedFrames } from '../../src/server/websocket/shared-frames.ts';
import { SocketConnection } from '../../src/server/websocket/socket-connection.ts';

it('frames that are written past ws reach its client whole, whatever their length, in one piece or two', async () => {
  const lengths = [0, 1, 80, 124, 125, 126, 127, 1_000, 65_534, 65_535, 65_536, 70_000, 3_000_000];
  const head = '{"id":"é","payload":';
  const http = createServer();
  const sockets = new WebSocketServer({ noServer: true });
  http.on('upgrade', (request, stream, first) => {
    sockets.handleUpgrade(request, stream, first, (socket) => {
      for (const length of lengths) {
        const rest = Buffer.alloc(length, 'r');
        const one = beginFrame(head, rest, true);
        rest.copy(one.bytes, one.restAt);
        stream.write(one.bytes);
        stream.write(beginFrame(head, rest, false).bytes);
        stream.write(rest);
        socket.send(`after ${length}`);
      }
      socket.close(1000);
    });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void http.close());
  const client = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`);
  const seen: string[] = [];
  client.on('message', (data, isBinary) => seen.push(`${isBinary ? 'binary ' : ''}${String(data)}`));
  const code = await new Promise((resolve) => client.once('close', resolve));
  expect(code).toBe(1000);
  expect(seen).toEqual(lengths.flatMap((length) => [head + 'r'.repeat(length), head + 'r'.repeat(length), `after ${length}`]));
});

it('what sockets share of an event is not changed under one that has not taken it yet', async () => {
  const limits = { bufferBytesMax: Number.MAX_SAFE_INTEGER, stallMs: 60_000, socketsMax: 10, subscriptionsMax: 10 };
  const counts = { webSocket: 0, eventStream: 0, paused: 0, stalled: 0, refused: 0 };
  const http = createServer();
  const sockets = new WebSocketServer({ noServer: true });
  const frames = new SharedFrames(new RowCopies());
  const connections: SocketConnection[] = [];
  http.on('upgrade', (request, stream, first) => {
    sockets.handleUpgrade(request, stream, first, (socket) =>
      connections.push(new SocketConnection({ socket, stream, frames }, limits, counts)),
    );
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void http.close());
  const ids = ['first', 'slow!', 'third', 'a longer id', 'é'];
  const clients: { readonly socket: WebSocket; readonly seen: string[] }[] = [];
  for (const id of ids) {
    const socket = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`);
    const seen: string[] = [];
    socket.on('message', (data) => seen.push(String(data)));
    await once(socket, 'open');
    if (id === 'slow!') socket.pause();
    clients.push({ socket, seen });
  }
  await vi.waitFor(() => expect(connections).toHaveLength(ids.length));
  const receivers = ids.map((id, at) => connections[at]?.forSubscription(id, () => {}));
  const slow = connections[1];
  const texts: string[] = [];
  // Until the kernel takes nothing more for the one that does not read, and a little longer: small ones, which it takes
  // wholly or not at all, then larger ones.
  for (let more = 50; more > 0; ) {
    const at = texts.length;
    const size = more > 25 ? 300 : at * 3;
    texts.push(JSON.stringify({ at, text: String.fromCharCode(97 + (at % 26)).repeat(size) }));
    const payload = { jsonAndBrace: Buffer.from(`${texts[at]}}`), cursor: String(at) };
    for (const receiver of receivers) receiver?.send(payload);
    if (at % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    if ((slow?.socket.bufferedAmount ?? 0) > 0) more -= 1;
  }
  for (const connection of connections) connection.socket.close(1000);
  clients[1]?.socket.resume();
  await Promise.all(clients.map(({ socket }) => once(socket, 'close')));
  for (const [at, { seen }] of clients.entries()) {
    const expected = texts.map((text) => `{"id":${JSON.stringify(ids[at])},"type":"next","payload":${text}}`);
    expect(seen.length).toBe(expected.length);
    expect(seen.findIndex((message, index) => message !== expected[index])).toBe(-1);
  }
});

describe('a connection in front of which something may keep what is written', () => {
  const limits = { bufferBytesMax: Number.MAX_SAFE_INTEGER, stallMs: 60_000, socketsMax: 10, subscriptionsMax: 10 };
  const counts = { webSocket: 0, eventStream: 0, paused: 0, stalled: 0, refused: 0 };

  it('gets its frames in pieces that nobody changes: no client sees the id of another', async () => {
    const frames = new SharedFrames(new RowCopies());
    const shared = vi.spyOn(frames, 'write');
    const handOn: (() => void)[] = [];
    const http = createServer();
    const sockets = new WebSocketServer({ noServer: true });
    const connections: SocketConnection[] = [];
    http.on('upgrade', (request, socket, first) => {
      sockets.handleUpgrade(request, socket, first, (webSocket) => {
        // It takes all at once, so that nothing waits in it, and hands it on in a later turn.
        const stream = new PassThrough({ writableHighWaterMark: 1 << 20, readableHighWaterMark: 1 << 20 });
        handOn.push(() => stream.pipe(socket));
        connections.push(new SocketConnection({ socket: webSocket, stream, frames }, limits, counts));
      });
    });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void http.close());
    const ids = ['one', 'two', 'six'];
    const seen = ids.map((): string[] => []);
    const clients: WebSocket[] = [];
    for (const messages of seen) {
      const client = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`);
      client.on('message', (data) => messages.push(String(data)));
      await once(client, 'open');
      clients.push(client);
      await vi.waitFor(() => expect(connections).toHaveLength(clients.length));
    }
    onTestFinished(() => {
      for (const client of clients) client.terminate();
    });
    const receivers = ids.map((id, at) => connections[at]?.forSubscription(id, () => {}));
    for (let event = 0; event < 50; event += 1) {
      const payload = { jsonAndBrace: Buffer.from(`${event}}`), cursor: String(event) };
      for (const receiver of receivers) receiver?.send(payload);
    }
    for (const begin of handOn) begin();
    await vi.waitFor(() => expect(seen.map(({ length }) => length)).toEqual([50, 50, 50]));
    for (const [at, messages] of seen.entries())
      expect(messages).toEqual(Array.from({ length: 50 }, (_, event) => `{"id":"${ids[at]}","type":"next","payload":${event}}`));
    expect(shared).not.toHaveBeenCalled();
  });

  it('is any but a plain socket without extensions', () => {
    const plain = new Socket();
    expect(SharedFrames.suits(plain, '')).toBe(true);
    expect(SharedFrames.suits(plain, 'permessage-deflate')).toBe(false);
    expect(SharedFrames.suits(new TLSSocket(plain), '')).toBe(false);
    expect(SharedFrames.suits(new (class extends Socket {})(), '')).toBe(false);
    expect(SharedFrames.suits(new PassThrough(), '')).toBe(false);
  });

  it('is not written to past what waits in it: that is a mistake of the caller', () => {
    const frames = new SharedFrames(new RowCopies());
    const connecting = new Socket();
    connecting.on('error', () => {});
    connecting.connect(1, '127.0.0.1');
    onTestFinished(() => void connecting.destroy());
    const payload = { jsonAndBrace: Buffer.from('1}'), cursor: '1' };
    frames.write(connecting, '{"id":"a","payload":', 20, payload);
    expect(connecting.writableLength).toBeGreaterThan(0);
    expect(() => frames.write(connecting, '{"id":"b","payload":', 20, payload)).toThrow('nothing waits');
  });
});
