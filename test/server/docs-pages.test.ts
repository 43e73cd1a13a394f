/** The documentation that the server brings along: every page is there, and every link between pages leads somewhere. */
import { expect, it } from 'vitest';
import { testServer } from '../support/server-support.ts';

it('serves every page, and each link between pages and to a heading leads to one', async () => {
  const server = await testServer();
  const wanted = [new URL('/docs', server.url).href];
  const pages = new Map<string, string>();
  const links: [from: string, to: URL][] = [];
  for (let at = wanted.pop(); at !== undefined; at = wanted.pop()) {
    if (pages.has(at)) continue;
    const response = await fetch(at);
    expect(response.status, at).toBe(200);
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    const html = await response.text();
    pages.set(at, html);
    pages.set(response.url, html);
    for (const [, href = ''] of html.matchAll(/<a href="([^"]*)"/g)) {
      const to = new URL(href.replaceAll('&amp;', '&'), response.url);
      if (to.origin !== server.url) continue;
      links.push([response.url, to]);
      if (to.pathname.endsWith('.md')) wanted.push(`${to.origin}${to.pathname}`);
    }
  }
  expect([...pages.keys()].some((url) => url.endsWith('/docs/errors.md'))).toBe(true);
  expect([...pages.keys()].some((url) => url.endsWith('/docs/guides/live-in-a-front-end.md'))).toBe(true);
  for (const [from, to] of links) {
    if (to.hash === '') continue;
    expect(pages.get(`${to.origin}${to.pathname}`), `${from} -> ${to.href}`).toContain(`id="${to.hash.slice(1)}"`);
  }
});

it('each link of a page stays below the path that a proxy puts the server at', async () => {
  const server = await testServer();
  for (const page of ['README.md', 'docs/errors.md', 'docs/guides/live-in-a-front-end.md']) {
    const html = await (await fetch(`${server.url}/${page}`)).text();
    const links = [...html.matchAll(/<a href="([^"]*)"/g)].map(([, href = '']) => href).filter((href) => !/^https?:/.test(href));
    expect(links.length, page).toBeGreaterThan(10);
    for (const href of links) expect(new URL(href, `http://site/a/path/${page}`).pathname, `${page} -> ${href}`).toMatch(/^\/a\/path\//);
  }
});

it('serves no other file of the package', async () => {
  const server = await testServer();
  for (const path of [
    '/package.json',
    '/docs/../package.json',
    '/docs/%2e%2e/LICENSE',
    '/docs/nothing.md',
    '/src/main.md',
    '/docs/guides',
  ]) {
    expect((await fetch(`${server.url}${path}`)).status, path).toBe(404);
  }
});

it('warns at the start where others than this machine can reach it, and only there', async () => {
  const warnings = async (host: string): Promise<string[]> => {
    const server = await testServer({ flags: ['--host', host] });
    return server.logs.filter(({ level }) => level === 40).map(({ msg }) => msg);
  };
  expect((await warnings('0.0.0.0')).join()).toMatch(/0\.0\.0\.0.*anybody who reaches it may read, change and erase everything/);
  expect(await warnings('127.0.0.1')).toEqual([]);
  expect(await warnings('localhost')).toEqual([]);
});
