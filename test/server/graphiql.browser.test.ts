import { createServer, type IncomingMessage, type RequestOptions, request } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { type Browser, chromium, type Locator, type Page, type Response } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { runningServer } from '../support/restarting-process.ts';
import { eventually, type TestServer, testServer } from '../support/server-support.ts';

/** A proxy that serves a server below a path, as a reverse proxy does. */
async function pathProxy(target: string, prefix: string): Promise<string> {
  const { port, host } = new URL(target);
  const sockets = new Set<Socket>();
  const onwards = (request: IncomingMessage): RequestOptions => ({
    port,
    method: request.method,
    path: (request.url ?? '').slice(prefix.length) || '/',
    headers: { ...request.headers, host, ...(request.headers.origin === undefined ? {} : { origin: target }) },
  });
  const proxy = createServer((incoming, outgoing) => {
    if (incoming.url?.startsWith(`${prefix}/`) !== true) return void outgoing.writeHead(404).end();
    const sent = request(onwards(incoming), (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    sent.on('error', () => outgoing.destroy());
    incoming.pipe(sent);
  });
  proxy.on('upgrade', (incoming: IncomingMessage, socket: Socket) => {
    const sent = request(onwards(incoming));
    sent.on('upgrade', (answer, upstream) => {
      const lines = Object.entries(answer.headers).map(([name, value]) => `${name}: ${String(value)}`);
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`);
      upstream.on('error', () => socket.destroy());
      upstream.pipe(socket).pipe(upstream);
    });
    sent.on('error', () => socket.destroy());
    sent.end();
  });
  proxy.on('connection', (socket) => sockets.add(socket.on('error', () => socket.destroy())));
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}${prefix}`;
}

const CHROMIUM = process.env['CHROMIUM'];
/** Where pictures of the page go, for people who want to look at them. */
const PICTURES = process.env['TIDEMARK_TEST_PICTURES'];
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--no-first-run',
  '--disable-component-update',
  '--disable-sync',
];

interface Visit {
  readonly page: Page;
  /** Requests to any other host than the server's. */
  readonly foreign: string[];
  /** What the browser complained about. */
  readonly complaints: string[];
}

describe.runIf(CHROMIUM)('GraphiQL in a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM ?? '', args: ARGUMENTS });
  });
  afterAll(() => browser.close());

  async function visit(server: Pick<TestServer, 'url'>): Promise<Visit> {
    const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
    onTestFinished(() => page.close());
    const foreign: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => {
      const { protocol, host } = new URL(request.url());
      if (!['data:', 'blob:'].includes(protocol) && host !== new URL(server.url).host) foreign.push(request.url());
    });
    page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
    page.on('pageerror', (error) => void complaints.push(error.message));
    await page.goto(`${server.url}/`);
    await page.getByText('Welcome to Tidemark').first().waitFor();
    return { page, foreign, complaints };
  }

  const play = (page: Page): Locator => page.locator('.graphiql-execute-button');
  /** What the response pane shows; the editor writes no-break spaces. */
  const shown = async (page: Page): Promise<string> =>
    ((await page.locator('.result-window').textContent()) ?? '').replaceAll('\u00a0', ' ');
  const answer = (page: Page, text: string): Promise<void> => eventually(async () => expect(await shown(page)).toContain(text));

  /** Replaces what is in the editor, and presses play. */
  async function run(page: Page, document: string): Promise<void> {
    await page.locator('.graphiql-query-editor .view-lines').click();
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.insertText(document);
    // The editor closes brackets by itself; what it put behind the text goes again.
    await page.keyboard.press('ControlOrMeta+Shift+End');
    await page.keyboard.press('Delete');
    // The tab takes the name of the operation when the page has read the new text.
    await page.getByText('<untitled>').waitFor();
    await play(page).click();
  }

  /** Presses play and picks one of the operations of the document. */
  async function pick(page: Page, operation: string): Promise<void> {
    await play(page).click();
    await page.getByRole('menuitem', { name: operation, exact: true }).click();
  }

  async function picture(page: Page, name: string): Promise<void> {
    if (PICTURES !== undefined) await page.screenshot({ path: join(PICTURES, `${name}.png`) });
  }

  it('greets with the welcome document, and asks no other host for anything', async () => {
    const server = await testServer();
    const { page, foreign, complaints } = await visit(server);
    await picture(page, 'welcome');
    expect(page.url()).toBe(`${server.url}/graphql`);
    expect(await page.title()).toContain('Tidemark');
    expect(foreign).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('walks through the welcome document from top to bottom, and every step answers', async () => {
    const server = await testServer();
    const { page, complaints } = await visit(server);
    const steps: [string, string][] = [
      ['CreateOrders', '"operation": "CREATE"'],
      ['AppendOrders', '"insertedRows": 2'],
      ['History', '"totalCount": 2'],
      ['ThenAndNow', '"rowCount": 2'],
    ];
    for (const [operation, expected] of steps) {
      await pick(page, operation);
      await answer(page, expected);
      await picture(page, operation);
      expect(await shown(page), operation).not.toContain('"errors"');
    }
    expect(complaints).toEqual([]);
  });

  it('creates a table, appends to it, and reads it through its typed fields', async () => {
    const server = await testServer();
    const { page } = await visit(server);
    await run(page, 'mutation { createTable(input: {name: "fish", columns: [{name: "kind", type: STRING}]}) { snapshots { operation } } }');
    await answer(page, '"CREATE"');
    await run(page, 'mutation { append(table: "fish", rows: [{kind: "cod"}]) { commit { snapshotId } } }');
    await answer(page, '"snapshotId": 2');
    await run(page, '{ asOf(snapshotId: 2) { fish { totalCount nodes { kind _fromSnapshotId } } } }');
    await answer(page, '"cod"');
    await run(page, '{ asOf(snapshotId: 1) { fish { totalCount } } }');
    await answer(page, '"totalCount": 0');
    await picture(page, 'typed');
  });

  it('a subscription shows a commit that is made meanwhile, and ends when it is stopped', async () => {
    const server = await testServer({ tables: [{ name: 'fish', columns: [{ name: 'kind', type: 'STRING' }] }] });
    const { page, complaints } = await visit(server);
    await run(page, 'subscription { snapshotCommitted { snapshotId commit { message } } }');
    await eventually(() => expect(server.feed.waiting).toBe(1));
    await server.data('mutation { appendFish(rows: [{kind: "cod"}], options: {message: "from elsewhere"}) { replayed } }');
    await answer(page, 'from elsewhere');
    await server.data('mutation { appendFish(rows: [{kind: "eel"}], options: {message: "and again"}) { replayed } }');
    await answer(page, 'and again');
    expect(await shown(page), 'earlier events stay').toMatch(/2 events, newest first.*and again.*from elsewhere/s);
    await picture(page, 'subscription');
    await play(page).click();
    await eventually(() => expect(server.feed.waiting).toBe(0));
    expect(complaints).toEqual([]);
  });

  it('a subscription goes on after a restart of the server, also where an attempt to connect failed meanwhile', async () => {
    const server = await runningServer();
    const { page } = await visit(server);
    const failed = new Promise<unknown>((resolve) => page.on('websocket', (socket) => socket.once('socketerror', resolve)));
    await run(page, 'subscription { snapshotCommitted(after: 0) { snapshotId commit { message } } }');
    const create = (name: string, message: string): Promise<unknown> =>
      page.evaluate(
        ([query, url]) =>
          fetch(`${url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query }) }),
        [
          `mutation { commit(operations: [{ createTable: { name: "${name}", columns: [{ name: "a", type: INT }] } }], options: { message: "${message}" }) { commit { snapshotId } } }`,
          server.url,
        ] as const,
      );
    await create('one', 'before the restart');
    await answer(page, 'before the restart');
    await server.kill();
    await failed;
    await server.start();
    await create('two', 'after the restart');
    await answer(page, 'after the restart');
    expect(await shown(page)).not.toContain('"errors"');
  });

  it('shows the last hundred events of a subscription, and says how many there were', async () => {
    const server = await testServer({ tables: [{ name: 'fish', columns: [{ name: 'kind', type: 'STRING' }] }] });
    for (let index = 2; index <= 130; index++) await server.engine.append('fish', [{ kind: 'cod' }]);
    const { page } = await visit(server);
    await run(page, 'subscription { snapshotCommitted(after: 0) { snapshotId } }');
    await answer(page, 'the last 100 of 130 events, newest first');
    expect(await shown(page)).toMatch(/"snapshotId": 130/);
  });

  it('fetches the schema again when a table was made or changed, here or elsewhere', async () => {
    const server = await testServer();
    const { page } = await visit(server);
    const introspected = (): Promise<Response> =>
      page.waitForResponse(async (response) => response.url().endsWith('/graphql') && (await response.text()).includes('"__schema"'));
    // What this page does.
    const afterCreate = introspected();
    await run(page, 'mutation { createTable(input: {name: "fish", columns: [{name: "kind", type: STRING}]}) { replayed } }');
    await answer(page, '"replayed": false');
    expect(await (await afterCreate).text()).toContain('appendFish');
    // What somebody else does: seen when the page is looked at again.
    await server.engine.createTable({ name: 'bird', columns: [{ name: 'kind', type: 'STRING' }] });
    const afterFocus = introspected();
    await page.evaluate(() => window.dispatchEvent(new Event('focus')));
    expect(await (await afterFocus).text()).toContain('appendBird');
  });

  it('works below a path of a proxy, subscriptions and documentation included', async () => {
    const server = await testServer({ tables: [{ name: 'fish', columns: [{ name: 'kind', type: 'STRING' }] }] });
    const proxy = await pathProxy(server.url, '/some/where');
    const { page, complaints, foreign } = await visit({ url: proxy });
    expect(page.url()).toBe(`${proxy}/graphql`);
    await run(page, 'mutation { appendFish(rows: [{kind: "cod"}]) { commit { snapshotId } } }');
    await answer(page, '"snapshotId": 2');
    await run(page, 'subscription { snapshotCommitted(after: 0) { snapshotId } }');
    await answer(page, '2 events, newest first');
    expect(foreign).toEqual([]);
    expect(complaints).toEqual([]);
    await page.goto(new URL((await page.getByRole('link', { name: 'Docs' }).getAttribute('href')) ?? '', page.url()).href);
    await page.getByRole('heading', { name: 'Tidemark' }).waitFor();
    await page.getByRole('navigation').getByRole('link', { name: 'Errors' }).click();
    await page.getByRole('heading', { name: 'Errors' }).waitFor();
    await picture(page, 'docs');
  });

  it('the documentation of a field is in the page', async () => {
    const server = await testServer();
    const { page } = await visit(server);
    await page.getByRole('button', { name: /documentation explorer/i }).click();
    await picture(page, 'documentation');
    await page
      .getByRole('link', { name: 'Query', exact: true })
      .or(page.getByText('Query', { exact: true }))
      .first()
      .click();
    await page.getByText('The whole catalog at one instant').first().waitFor();
  });
});
