import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { type TestServer, testServer, webSocketUrl } from '../support/server-support.ts';

interface Reply {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/** A request with headers that fetch would not send, as a browser or an attacker does. */
async function send(server: TestServer, headers: Record<string, string>, method = 'POST', path = '/graphql'): Promise<Reply> {
  const { hostname, port } = new URL(server.url);
  const outgoing = request({ hostname, port, path, method, headers: { 'content-type': 'application/json', ...headers } });
  outgoing.end(method === 'POST' ? '{"query": "{ __typename }"}' : undefined);
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  let text = '';
  for await (const piece of response.setEncoding('utf8')) text += piece as string;
  return { status: response.statusCode, headers: response.headers, text };
}

/** 101 where the socket opens, else the status that refused it. */
async function socketStatus(server: TestServer, origin: string | undefined, host?: string, path = ''): Promise<number> {
  const options = { ...(origin === undefined ? {} : { origin }), ...(host === undefined ? {} : { headers: { host } }) };
  const socket = new WebSocket(`${webSocketUrl(server.url)}${path}`, 'graphql-transport-ws', options);
  return new Promise((resolve) => {
    socket.on('open', () => {
      socket.terminate();
      resolve(101);
    });
    socket.on('unexpected-response', (_, response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    socket.on('error', () => {});
  });
}

describe('which web pages may use a server on this machine', () => {
  it('pages of a foreign origin may not: 403 FORBIDDEN on every route, no CORS headers, no socket', async () => {
    const server = await testServer();
    for (const origin of [
      'https://evil.example',
      'http://localhost.evil.example',
      'http://127.0.0.1.evil.example',
      'null',
      'file://',
      'nonsense',
    ]) {
      for (const [method, path] of [
        ['POST', '/graphql'],
        ['GET', '/graphql?query=%7B__typename%7D'],
        ['OPTIONS', '/graphql'],
        ['GET', '/schema.graphql'],
        ['GET', '/ready'],
      ] as const) {
        const reply = await send(server, { origin }, method, path);
        expect([reply.status, reply.headers['access-control-allow-origin']], `${method} ${path} of ${origin}`).toEqual([403, undefined]);
        expect(JSON.parse(reply.text)).toMatchObject({ errors: [{ extensions: { code: 'FORBIDDEN', details: {} } }] });
      }
      expect(await socketStatus(server, origin), origin).toBe(403);
    }
  });

  it('the refusal tells how to allow the origin', async () => {
    const server = await testServer();
    expect((await send(server, { origin: 'https://app.example' })).text).toContain('--origins https://app.example');
  });

  it.each(['http://localhost:3000', 'http://127.0.0.1:5173', 'https://localhost', 'http://[::1]:3000', 'http://app.localhost:8080'])(
    'a page of %s may, with CORS headers',
    async (origin) => {
      const server = await testServer();
      const reply = await send(server, { origin });
      expect([reply.status, reply.text]).toEqual([200, '{"data":{"__typename":"Query"}}']);
      expect(reply.headers['access-control-allow-origin']).toBe(origin);
      const preflight = await send(
        server,
        { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
        'OPTIONS',
      );
      expect(preflight.status).toBe(204);
      expect(preflight.headers['access-control-allow-origin']).toBe(origin);
      expect(preflight.headers['access-control-allow-headers']).toContain('content-type');
      expect(await socketStatus(server, origin)).toBe(101);
    },
  );

  it('a program that sends no Origin may', async () => {
    const server = await testServer();
    expect((await send(server, {})).status).toBe(200);
    expect(await socketStatus(server, undefined)).toBe(101);
  });

  it('a foreign name that resolves to this machine is refused, so that no page gets in by DNS', async () => {
    const server = await testServer();
    const { port } = new URL(server.url);
    for (const host of ['evil.example', `evil.example:${port}`, 'localhost.evil.example']) {
      const reply = await send(server, { host, origin: `http://${host}` });
      expect([reply.status, JSON.parse(reply.text)]).toMatchObject([403, { errors: [{ extensions: { code: 'FORBIDDEN' } }] }]);
      expect(await socketStatus(server, undefined, host)).toBe(403);
    }
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, 'localhost', `[::1]:${port}`])
      expect((await send(server, { host })).status, host).toBe(200);
  });

  it('--origins adds some, * all', async () => {
    const some = await testServer({ flags: ['--origins', 'https://app.example, https://other.example'] });
    const all = await testServer({ flags: ['--origins', '*'] });
    const status = async (server: TestServer, origin: string): Promise<[number | undefined, unknown, number]> => {
      const { status: http, headers } = await send(server, { origin });
      return [http, headers['access-control-allow-origin'], await socketStatus(server, origin)];
    };
    expect(await status(some, 'https://app.example')).toEqual([200, 'https://app.example', 101]);
    expect(await status(some, 'https://other.example')).toEqual([200, 'https://other.example', 101]);
    expect(await status(some, 'https://third.example')).toEqual([403, undefined, 403]);
    expect(await status(all, 'https://third.example')).toEqual([200, 'https://third.example', 101]);
  });

  it('the names of --origins are answered to, as a proxy on this machine passes them on', async () => {
    const server = await testServer({ flags: ['--origins', 'https://app.example'] });
    for (const host of ['app.example', 'app.example:8443', 'APP.example']) {
      expect((await send(server, { host, origin: 'https://app.example' })).status, host).toBe(200);
      expect((await send(server, { host })).status, host).toBe(200);
      expect(await socketStatus(server, 'https://app.example', host), host).toBe(101);
    }
    expect((await send(server, { host: 'app.example', origin: 'https://evil.example' })).status).toBe(403);
    for (const host of ['evil.example', 'app.example.evil.example', 'x.app.example']) {
      const reply = await send(server, { host, origin: `https://${host}` });
      expect([reply.status, reply.text]).toEqual([
        403,
        expect.stringContaining(`--origins and the origin of its pages, such as https://${host}`),
      ]);
      expect(await socketStatus(server, undefined, host), host).toBe(403);
    }
  });

  it('a WebSocket on another path is refused', async () => {
    const server = await testServer();
    expect(await socketStatus(server, undefined, undefined, '/other')).toBeGreaterThanOrEqual(400);
  });
});
