/** GraphiQL: one page, offline, rendered and compressed once, when it is first asked for. */
import { gzipSync } from 'node:zlib';
import { GRAPHIQL_SCRIPT, LOGO_SVG } from './graphiql-script.ts';
import { WELCOME_DOCUMENT } from './welcome.ts';

/** HTML beside the logo. The links are relative, as the address of the API is. */
const TITLE = '<span class="tidemark-name">Tidemark&nbsp; </span><a class="graphiql-logo-link" href="README.md" target="_blank">Docs</a>';

/** The name makes room for the tabs where the window is narrow; the link stays on one line. */
const STYLE = '.graphiql-logo { white-space: nowrap } @media (max-width: 800px) { .tidemark-name { display: none } }';

let page: Promise<Buffer> | undefined;

async function render(): Promise<Buffer> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  // Without an endpoint the page asks the address it was itself loaded from, below whatever path a proxy puts it.
  const html = renderGraphiQL({
    title: TITLE,
    logo: LOGO_SVG,
    favicon: `data:image/svg+xml;base64,${Buffer.from(LOGO_SVG).toString('base64')}`,
    subscriptionsProtocol: 'WS',
    defaultQuery: WELCOME_DOCUMENT,
    shouldPersistHeaders: true,
  } as unknown as Parameters<typeof renderGraphiQL>[0]);
  const head = html.replace(`<title>${TITLE}</title>`, '<title>Tidemark GraphiQL</title>');
  return gzipSync(
    head.replace('<head>', () => `<head><style>${STYLE}</style><script>${GRAPHIQL_SCRIPT}</script>`),
    { level: 6 },
  );
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
