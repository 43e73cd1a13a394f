import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import { beginFrame } from '../src/server/frames.ts';

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
