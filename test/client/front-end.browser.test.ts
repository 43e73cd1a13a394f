/** Forms, optimistic answers and paging in a real browser, Apollo and urql, beside a live query over a socket that is slower than HTTP. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build, type PreviewServer, preview } from 'vite';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { pageConfig } from '../../examples/shared/vite.ts';
import { eventually, ORDERS, orders, type TestServer, testServer } from '../support/server-support.ts';

const CHROMIUM = process.env['CHROMIUM'];
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** How much later than its HTTP a server's WebSocket is heard. */
const SLOWER_MS = 300;

/** Passes connections on; what the server says comes later. */
async function slowly(url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const proxy = createServer((client) => {
    const server = connect(Number(port), hostname);
    client.pipe(server);
    server.on('data', (chunk) => setTimeout(() => !client.destroyed && client.write(chunk), SLOWER_MS));
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const)
      one.on('error', () => {}).on('close', () => other.destroy());
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  onTestFinished(() => void proxy.close());
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
}

interface Record {
  readonly shown: readonly string[];
  readonly gaps: number;
}

describe.runIf(CHROMIUM).each(['apollo', 'urql'])('a page with %s', (name) => {
  let browser: Browser;
  let outDir = '';

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM ?? '', args: ['--no-sandbox', '--disable-gpu'] });
    outDir = await mkdtemp(join(tmpdir(), 'tidemark-pages-'));
    const root = join(ROOT, 'test', 'support', 'pages');
    const rollupOptions = { input: join(root, `${name}.html`) };
    await build({ ...pageConfig(name), root, configFile: false, logLevel: 'silent', build: { outDir, emptyOutDir: true, rollupOptions } });
  });
  afterAll(async () => {
    await browser.close();
    await rm(outDir, { recursive: true, force: true });
  });

  /** The page, opened, and what it showed. */
  const opened = async (server: TestServer, search: string) => {
    const config = pageConfig(name, server.url);
    const slow = { target: await slowly(server.url), ws: true, rewrite: () => '/graphql' };
    const site: PreviewServer = await preview({
      ...config,
      configFile: false,
      logLevel: 'silent',
      build: { outDir },
      preview: { host: '127.0.0.1', port: 0, proxy: { '/graphql': { target: server.url }, '/slow': slow } },
    });
    onTestFinished(() => site.close());
    const page: Page = await browser.newPage();
    onTestFinished(() => page.close());
    const complaints: string[] = [];
    page.on('console', (message) => void (['error', 'warning'].includes(message.type()) && complaints.push(message.text())));
    page.on('pageerror', (error) => void complaints.push(error.message));
    await page.goto(`${site.resolvedUrls?.local[0] ?? ''}${name}.html?${search}`);
    const record = () => page.evaluate('window.record') as Promise<Record>;
    return {
      page,
      record,
      shows: (text: string | RegExp) =>
        eventually(async () => {
          const last = (await record()).shown.at(-1);
          if (typeof text === 'string') expect(last).toBe(text);
          else expect(last).toMatch(text);
        }),
      more: () => page.getByRole('button', { name: 'More' }).click(),
      isLive: () => eventually(() => expect(server.live().classes.live.events).toBeGreaterThan(0)),
      check: async () => {
        expect((await record()).gaps).toBe(0);
        expect(complaints).toEqual([]);
      },
    };
  };

  /** Orders 1 to 10, none of them shipped. */
  const served = async (): Promise<TestServer> => {
    const server = await testServer({ tables: [ORDERS] });
    await server.engine.append(
      'orders',
      orders(1, 10).map((row) => ({ ...row, status: 'new' })),
    );
    return server;
  };
  const edit = (server: TestServer, id: number): Promise<unknown> =>
    server.engine.update('orders', { kind: 'compare', column: 'order_id', operator: 'eq', value: String(id) }, { amount: 1.5 });
  const add = (server: TestServer, id: number): Promise<unknown> =>
    server.engine.append(
      'orders',
      orders(id, 1).map((row) => ({ ...row, status: 'new' })),
    );

  it('a checkbox that was set stays set, while others commit and the socket is slow', async () => {
    const server = await served();
    const { page, record, shows, isLive, check } = await opened(server, 'paging=none');
    await shows('10 9 8');
    await isLive();
    await edit(server, 10);
    await add(server, 11);
    await page.getByRole('checkbox').first().click();
    await shows('11 10+ 9');
    const states = (await record()).shown.map((text) => text.includes('10+'));
    expect(states.filter((state, at) => state !== states[at - 1])).toEqual([false, true]);
    await check();
  });

  it('without live a mutation changes the list, with no configuration of the cache', async () => {
    const server = await served();
    const { page, record, shows, check } = await opened(server, 'live=no&optimistic=no&paging=none');
    await shows('10 9 8');
    await page.getByRole('checkbox').nth(1).click();
    await shows('10 9+ 8');
    expect(new Set((await record()).shown)).toEqual(new Set(['10 9 8', '10 9+ 8']));
    await check();
  });

  it.each(name === 'apollo' ? ['rows', 'update'] : ['rows'])('loaded pages stay beside live: %s', async (paging) => {
    const server = await served();
    const { page, shows, more, isLive, check } = await opened(server, `paging=${paging}`);
    await shows('10 9 8');
    await isLive();
    await more();
    await shows('10 9 8 7 6 5');
    await add(server, 11);
    await shows('11 10 9 8 7 6 5');
    await server.engine.delete('orders', { kind: 'compare', column: 'order_id', operator: 'eq', value: '10' });
    await shows('11 9 8 7 6 5');
    await page.getByRole('checkbox').nth(4).click();
    await shows('11 9 8 7 6+ 5');
    await more();
    await shows('11 9 8 7 6+ 5 4 3 2');
    await more();
    await shows('11 9 8 7 6+ 5 4 3 2 1');
    await add(server, 12);
    await shows('12 11 9 8 7 6+ 5 4 3 2 1');
    await check();
  });

  it('the client’s own pagination beside live has its data, without complaints', async () => {
    const server = await served();
    const { shows, more, check } = await opened(server, 'paging=relay');
    await shows('10 9 8');
    await add(server, 11);
    await shows('11 10 9');
    await more();
    await shows('11 10 9 8 7 6');
    await add(server, 12);
    await shows(/^12 11 10/);
    await check();
  });

  it('page 2 by plain variables keeps its data, whatever is committed elsewhere', async () => {
    const server = await served();
    const { shows, more, isLive, record, check } = await opened(server, 'paging=variables');
    await shows('10 9 8');
    await isLive();
    await more();
    await shows('7 6 5');
    for (const id of [11, 12]) {
      await add(server, id);
      await eventually(() => expect(server.live().classes.live.events).toBeGreaterThan(id - 10));
    }
    await more();
    await shows('4 3 2');
    expect((await record()).shown.filter((text) => text === '').length).toBe(0);
    await check();
  });
});
