import { describe, expect, it } from 'vitest';
import { eventually, liveClient, type TestServer, testServer } from '../support/server-support.ts';

const ROWS = 100_000;

/** A table that a scan of takes a while. */
async function wide(flags: readonly string[] = []): Promise<TestServer> {
  const server = await testServer({
    flags,
    tables: [
      {
        name: 'texts',
        columns: [
          { name: 'n', type: 'INT' },
          { name: 'text', type: 'STRING' },
        ],
      },
    ],
  });
  for (const part of [0, 1]) {
    const rows = Array.from({ length: ROWS }, (_, index) => ({
      n: part * ROWS + index,
      text: `row ${index} ${'lorem ipsum dolor '.repeat(8)}`,
    }));
    await server.engine.append('texts', rows);
  }
  return server;
}

/** Many patterns over every row. */
const SLOW = `{ asOf { texts(where: {or: [${Array.from({ length: 30 }, (_, index) => `{text: {ilike: "%x%${index}y%"}}`).join(', ')}]}) { totalCount } } }`;

/** Waits for nothing to run. @returns how long it took, milliseconds */
async function idle(server: TestServer): Promise<number> {
  const started = performance.now();
  await eventually(() => expect(server.engine.statistics()).toMatchObject({ queriesRunning: 0, queriesWaiting: 0 }));
  return performance.now() - started;
}

const running = (server: TestServer, count: number): Promise<void> =>
  eventually(() => expect(server.engine.statistics().queriesRunning).toBe(count));

describe('no query runs longer than it may, or than its client waits', () => {
  it('past --query-timeout it is stopped with QUERY_TIMEOUT, and the next one is served', async () => {
    const server = await wide(['--query-timeout', '5']);
    const { extensions, message } = await server.failure(SLOW);
    expect(extensions).toMatchObject({ code: 'QUERY_TIMEOUT', details: { timeoutMs: 5 } });
    expect(message).toContain('took longer than 5 ms');
    expect(extensions.hint).toContain('--query-timeout');
    await idle(server);
    expect(await server.data('{ asOf { texts(first: 1) { totalCount } } }')).toEqual({ asOf: { texts: { totalCount: 2 * ROWS } } });
  });

  it('a client that goes away cancels its query: over HTTP', async () => {
    const server = await wide();
    await server.data(SLOW);
    const started = performance.now();
    await server.data(SLOW);
    const whole = performance.now() - started;
    const leaving = new AbortController();
    const gone = server.query(SLOW, {}, { signal: leaving.signal }).catch((error: unknown) => (error as Error).name);
    await running(server, 1);
    leaving.abort();
    expect(await gone).toBe('AbortError');
    expect(await idle(server)).toBeLessThan(whole / 2);
  });

  it.each(['unsubscribes', 'closes its socket', 'is cut off'])('a client that %s cancels its query: over a WebSocket', async (way) => {
    const server = await wide();
    const client = liveClient(server.url);
    const started = performance.now();
    for await (const result of client.iterate({ query: SLOW })) expect(result.errors).toBeUndefined();
    const whole = performance.now() - started;
    const left = client.iterate({ query: SLOW });
    const waiting = left.next().catch(() => 'failed');
    await running(server, 1);
    if (way === 'unsubscribes') await left.return?.();
    else if (way === 'closes its socket') client.sockets.at(-1)?.close();
    else client.sockets.at(-1)?.terminate();
    await waiting;
    expect(await idle(server)).toBeLessThan(whole / 2);
  });
});
