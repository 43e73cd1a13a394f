/** Requests that ask to upgrade, in whatever form: answered, and nothing of the server ends with them. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { eventually, ORDERS, type TestServer, testServer, webSocketUrl } from '../support/server-support.ts';

const upgradeTo = (path: string): string =>
  `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n';

async function connected(server: TestServer): Promise<Socket> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

/** Sends bytes, and reads what comes back until it holds a text. */
async function exchange(server: TestServer, sent: string, until: string): Promise<string> {
  const socket = await connected(server);
  let text = '';
  socket.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  socket.write(sent);
  await eventually(() => expect(text).toContain(until));
  socket.destroy();
  return text;
}

const isServing = async ({ url }: TestServer): Promise<void> => expect((await fetch(`${url}/ready`)).status).toBe(200);

describe('a request to upgrade', () => {
  it.each(['//', '/elsewhere', 'http://:99999999/', '/graphql/', '/%', '*'])(
    'to %s is refused, and says where WebSockets are',
    async (path) => {
      const server = await testServer();
      const answer = await exchange(server, upgradeTo(path), '\r\n\r\n');
      expect(answer).toMatch(/^HTTP\/1\.1 403/);
      expect(answer).toContain('WebSockets are served at /graphql');
      await isServing(server);
    },
  );

  it.each(['/graphql', '/graphql?x=%', 'http://localhost/graphql'])('to %s is taken', async (path) => {
    const server = await testServer();
    expect(await exchange(server, upgradeTo(path), '\r\n\r\n')).toMatch(/^HTTP\/1\.1 101/);
  });

  it('whose client resets the connection before it is answered ends nothing', async () => {
    const server = await testServer();
    for (let times = 0; times < 60; times += 1) {
      const socket = await connected(server);
      socket.on('error', () => {});
      socket.write(upgradeTo('/elsewhere'));
      // At once, in the next turn, and while the answer is on its way.
      for (let turns = times % 3; turns > 0; turns -= 1) await new Promise((resolve) => setImmediate(resolve));
      socket.resetAndDestroy();
      await once(socket, 'close');
    }
    await isServing(server);
  });

  it('to HTTP/2, as some clients offer, is answered over HTTP/1.1 with its body read', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const body = '{"query":"{ tables { nodes { name } } }"}';
    const offer = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQBAAAAAAIAAAAA\r\n';
    const head = `Host: 127.0.0.1\r\n${offer}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
    const answer = await exchange(server, `POST /graphql HTTP/1.1\r\n${head}${body}`, '}');
    expect(answer).toMatch(/^HTTP\/1\.1 200/);
    expect(answer).toContain('"name":"orders"');
    expect(await exchange(server, `GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n${offer}\r\n`, 'ok')).toMatch(/^HTTP\/1\.1 200/);
  });

  it('that is refused since there are too many sockets does not keep a stop waiting', { timeout: 20_000 }, async () => {
    const server = await testServer({ flags: ['--max-sockets', '1'] });
    const first = new WebSocket(webSocketUrl(server.url), 'graphql-transport-ws');
    await once(first, 'open');
    // A client that does not answer the close.
    const second = await connected(server);
    second.on('error', () => {}).write(upgradeTo('/graphql'));
    await eventually(() => expect(server.live().closed.refused).toBe(1));
    await server.stop();
    second.destroy();
  });
});
