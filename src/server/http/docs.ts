/** The documentation that comes with the package, as pages: GraphiQL links to it, and it needs no internet. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Both src/server/http and dist/server/http lie three folders below the package. */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const STYLE = `:root{color-scheme:light dark}body{max-width:54rem;margin:2rem auto;padding:0 1rem;font:16px/1.6 system-ui,sans-serif}
nav{display:flex;flex-wrap:wrap;gap:.2rem 1rem;border-bottom:1px solid #8886;padding-bottom:1rem;font-size:14px}
a{color:#0f7f95}@media(prefers-color-scheme:dark){a{color:#5cd0e6}}
code,pre{font:14px/1.5 ui-monospace,monospace;background:#8882;border-radius:4px}code{padding:.1em .3em}
pre{padding:.8rem;overflow-x:auto}pre code{background:none;padding:0}
table{border-collapse:collapse;display:block;overflow-x:auto}td,th{border:1px solid #8886;padding:.3rem .6rem;text-align:left;vertical-align:top}`;

/** The pages hold no script; a style of their own is all they need. */
export const DOCS_CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'";

/** Files of the package that are pages: path in the package -> its own. Read once, since a package does not change. */
let files: ReadonlyMap<string, string> | undefined;
const rendered = new Map<string, string>();

function pages(): ReadonlyMap<string, string> {
  files ??= new Map(
    ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', ...below('docs'), 'examples/README.md', 'bench/RESULTS.md']
      .filter((path) => existsSync(join(ROOT, path)))
      .map((path) => [path, join(ROOT, path)]),
  );
  return files;
}

function below(folder: string): string[] {
  const entries = existsSync(join(ROOT, folder)) ? readdirSync(join(ROOT, folder), { withFileTypes: true }) : [];
  return entries
    .sort((left, right) => Number(left.isDirectory()) - Number(right.isDirectory()) || left.name.localeCompare(right.name))
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) return below(path);
      return entry.name.endsWith('.md') ? [path] : [];
    });
}

/** Where `/docs` leads: relative, so that a proxy may put the server below any path. */
export const DOCS_START = 'README.md';

/** A page as HTML. A path of the server is that of the file in the package. Undefined where the path names no page. */
export async function docsPage(pathname: string): Promise<string | undefined> {
  const path = pathname.slice(1);
  const file = pages().get(path);
  if (file === undefined) return undefined;
  let html = rendered.get(path);
  if (html === undefined) {
    html = await render(path, readFileSync(file, 'utf8'));
    rendered.set(path, html);
  }
  return html;
}

async function render(path: string, text: string): Promise<string> {
  const { Marked } = await import('marked');
  const marked = new Marked({
    renderer: {
      // Headings have the anchors that the links of the pages use.
      heading({ tokens, depth, text: title }) {
        return `<h${depth} id="${anchor(title)}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
    },
  });
  const body = await marked.parse(text);
  const top = '../'.repeat(path.split('/').length - 1);
  const links = [...pages().keys()].map((page) => `<a href="${top}${page}">${titleOf(page)}</a>`);
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">',
    `<title>${titleOf(path)} - Tidemark</title><style>${STYLE}</style></head>`,
    `<body><nav><a href="${top}graphql">GraphiQL</a>${links.join('')}</nav>${body}</body></html>`,
  ].join('');
}

function anchor(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-');
}

const TITLES: Readonly<Record<string, string>> = {
  'README.md': 'Read me',
  'CHANGELOG.md': 'Changes',
  'docs/reference/engine.md': 'Reference: engine',
  'docs/reference/client.md': 'Reference: client',
  'docs/reference/client-apollo.md': 'Reference: Apollo',
  'docs/reference/client-urql.md': 'Reference: urql',
  'docs/guides/forms-optimistic-answers-paging.md': 'Forms, optimistic answers, paging',
  'examples/README.md': 'Examples',
  'bench/RESULTS.md': 'Benchmarks',
};

function titleOf(path: string): string {
  const name = path.replace(/^docs\//, '').replace(/\.md$/, '');
  const given = TITLES[path];
  if (given !== undefined) return given;
  const words = (name.split('/').at(-1) ?? name).replaceAll('-', ' ');
  return `${words[0]?.toUpperCase() ?? ''}${words.slice(1)}`;
}
