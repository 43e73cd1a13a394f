/** The example pages, built and opened in a real browser, against a real server that is killed and started again. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build, preview } from 'vite';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { pageConfig } from '../../examples/shared/vite.ts';
import { README_ORDERS } from '../../scripts/demo-tables.ts';
import { type RunningProcess, runningServer } from '../support/restarting-process.ts';
import { eventually, query } from '../support/server-support.ts';
import { temporaryDirectory } from '../support/support.ts';

const CHROMIUM = process.env['CHROMIUM'];
/** Where pictures of the pages go, for people who want to look at them. */
const PICTURES = process.env['TIDEMARK_TEST_PICTURES'];

/** A page as `npm run example:...` serves it, built; GraphQL goes on to the server. @returns its address */
async function served(name: string, server: string): Promise<string> {
  const root = fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
  const config = { ...pageConfig(name, server), root, configFile: false, logLevel: 'silent' } as const;
  const outDir = await temporaryDirectory();
  await build({ ...config, build: { outDir, emptyOutDir: true } });
  const site = await preview({ ...config, build: { outDir }, preview: { ...config.preview, port: 0 } });
  onTestFinished(() => site.close());
  const [address] = site.resolvedUrls?.local ?? [];
  if (address === undefined) throw new Error('the page is not served');
  return address;
}

const append = async (server: RunningProcess, from: number, count: number): Promise<void> => {
  const { errors } = await query(server.url, 'mutation ($rows: [JSON!]!) { append(table: "orders", rows: $rows) { insertedRows } }', {
    rows: Array.from({ length: count }, (_, at) => ({ order_id: from + at, customer: 'Alice', amount: 9.5 })),
  });
  expect(errors).toBeUndefined();
};

describe.runIf(CHROMIUM)('example pages in a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM ?? '', args: ['--no-sandbox', '--disable-gpu'] });
  });
  afterAll(() => browser.close());

  it.each(['apollo-react', 'urql-react'])('%s: live, back in time, and through a restart of the server', async (name) => {
    const server = await runningServer();
    await query(server.url, 'mutation ($input: CreateTableInput!) { createTable(input: $input) { replayed } }', { input: README_ORDERS });
    await append(server, 1, 3);

    const page: Page = await browser.newPage({ viewport: { width: 900, height: 760 } });
    onTestFinished(() => page.close());
    const complaints: string[] = [];
    page.on('console', (message) => void (['error', 'warning'].includes(message.type()) && complaints.push(message.text())));
    page.on('pageerror', (error) => void complaints.push(error.message));
    const picture = async (what: string): Promise<void> => {
      if (PICTURES !== undefined) await page.screenshot({ path: join(PICTURES, `${name}-${what}.png`) });
    };
    const ids = (): Promise<string[]> => page.locator('tbody tr td:first-child').allTextContents();
    const shows = (...expected: string[]): Promise<void> => eventually(async () => expect(await ids()).toEqual(expected));
    const badge = (text: string): Promise<void> =>
      eventually(async () => expect(await page.locator('.badge').textContent()).toContain(text));
    const slider = page.getByRole('slider');
    const steps = async (): Promise<number> => Number(await slider.getAttribute('max'));
    const queries: string[] = [];
    page.on('request', (request) => void (request.method() === 'POST' && queries.push(request.postData() ?? '')));

    await page.goto(await served(name, server.url));
    await shows('3', '2', '1');
    await badge('live');
    expect(await steps()).toBe(1);

    // What others commit comes by itself, into the list and into the slider.
    await append(server, 4, 2);
    await shows('5', '4', '3', '2', '1');
    await eventually(async () => expect(await steps()).toBe(2));
    await picture('live');

    // The past, and while it is shown, what comes live does not disturb it.
    await slider.fill('1');
    await shows('3', '2', '1');
    await append(server, 6, 1);
    await eventually(async () => expect(await steps()).toBe(3));
    expect(await ids()).toEqual(['3', '2', '1']);
    await picture('past');
    await page.getByRole('button', { name: 'Back to now' }).click();
    await shows('6', '5', '4', '3', '2', '1');
    const asked = queries.length;
    await slider.fill('1');
    await shows('3', '2', '1');
    await slider.fill('3');
    await shows('6', '5', '4', '3', '2', '1');
    expect(queries.length, 'an instant is asked for once').toBe(asked);

    // Its own commits.
    await page.getByRole('button', { name: 'Append an order' }).click();
    await eventually(async () => expect(await ids()).toHaveLength(7));
    await page.getByRole('row', { name: /^6 / }).getByRole('button', { name: 'Ship' }).click();
    await eventually(async () => expect(await page.getByRole('row', { name: /^6 / }).textContent()).toContain('shipped'));
    await eventually(async () => expect(await steps()).toBe(5));

    // The server dies; the page says so, and catches up without a reload: each snapshot once.
    const loaded = await page.evaluate(() => performance.timeOrigin);
    const stopped = server.kill();
    await badge('offline');
    await picture('offline');
    await stopped;
    // What cannot be asked is said, and no other rows are shown for it.
    await slider.fill('2');
    await page.getByRole('alert').waitFor();
    expect(await ids()).toEqual([]);
    await picture('offline-past');
    await server.start();
    await badge('live');
    await shows('5', '4', '3', '2', '1');
    await page.getByRole('button', { name: 'Back to now' }).click();
    for (const id of [10, 11, 12]) await append(server, id, 1);
    await badge('live');
    await eventually(async () => expect(await steps()).toBe(8));
    await eventually(async () => expect((await ids()).filter((id) => id.length === 2)).toEqual(['12', '11', '10']));
    const labels: string[] = [];
    for (let step = 0; step <= 7; step += 1) {
      await slider.fill(String(step));
      labels.push((await page.locator('.slider b').textContent()) ?? '');
    }
    expect(labels).toEqual(Array.from({ length: 8 }, (_, index) => `as of snapshot ${index + 1}`));
    expect(await page.evaluate(() => performance.timeOrigin)).toBe(loaded);
    expect(complaints.filter((text) => !/WebSocket connection|Failed to load resource/.test(text))).toEqual([]);
  });
});
