import { join } from 'node:path';
import { type Browser, chromium, type Locator, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { runningServer } from './restarting-process.ts';
import { eventually, type TestServer, testServer } from './server-support.ts';

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
