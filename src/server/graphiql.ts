/** GraphiQL: one page, offline, rendered and compressed once, when it is first asked for. */
import { gzipSync } from 'node:zlib';
import { WELCOME_DOCUMENT } from './welcome.ts';

/**
 * The page's client takes a connection that fails to open for an error, which ends its subscriptions; it tries again where
 * one is closed. Both are told for each failure, so only the second is let through: a restart of the server ends nothing.
 */
const RETRY_SCRIPT = '<script>window.WebSocket = class extends WebSocket { get onerror() { return null; } set onerror(_) {} };</script>';

let page: Promise<Buffer> | undefined;

async function render(): Promise<Buffer> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const html = renderGraphiQL({
    title: 'Tidemark GraphiQL',
    endpoint: '/graphql',
    subscriptionsProtocol: 'WS',
    defaultQuery: WELCOME_DOCUMENT,
    shouldPersistHeaders: true,
  });
  return gzipSync(html.replace('<head>', `<head>${RETRY_SCRIPT}`), { level: 6 });
}

/** The page, gzip-compressed HTML. */
export function graphiqlPage(): Promise<Buffer> {
  page ??= render().catch((error: unknown) => {
    page = undefined;
    throw error;
  });
  return page;
}

/** The page brings its own scripts and fonts inline; nothing is loaded from elsewhere. */
export const GRAPHIQL_CSP =
  "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; worker-src blob:; style-src 'self' 'unsafe-inline'; font-src 'self' data:; " +
  "img-src 'self' data:; connect-src 'self' ws: wss:; frame-ancestors 'none'";
