/**
 * Writes docs/reference/*.md, the reference of what the package exports, from the comments of the code; with --check, it
 * compares instead. It reads the code through the compiler's own API: typedoc does not take this version of TypeScript.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Node, type SourceFile, SyntaxKind } from 'typescript/unstable/ast';
import { API, type Checker, type Project, SymbolFlags, type Symbol as TypeSymbol } from 'typescript/unstable/sync';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const isCheck = process.argv.includes('--check');

interface Page {
  readonly file: string;
  readonly title: string;
  readonly entry: string;
  readonly module: string;
  readonly about: string;
  /** What a reader needs first, in this order; the rest follows by kind and name. */
  readonly first: readonly string[];
}

const PAGES: readonly Page[] = [
  {
    file: 'engine.md',
    title: 'Reference: the engine',
    entry: 'src/engine/index.ts',
    module: 'tidemark/engine',
    about: 'The engine is the database without a server. A program opens a data directory with `openEngine` and works with an `Engine`.',
    first: ['openEngine', 'EngineOptions', 'Engine', 'Reads', 'Administration', 'EngineError'],
  },
  {
    file: 'client.md',
    title: 'Reference: the client helpers',
    entry: 'src/client/index.ts',
    module: 'tidemark/client',
    about: 'Helpers for any GraphQL client. They import nothing of the server.',
    first: ['resumable', 'retryForever', 'ResumableOptions'],
  },
  {
    file: 'client-apollo.md',
    title: 'Reference: helpers for Apollo Client',
    entry: 'src/client/apollo.ts',
    module: 'tidemark/client/apollo',
    about: 'For Apollo Client 4.',
    first: ['resumeLink', 'keepNewestLink', 'typePolicies', 'possibleTypes', 'rowPages'],
  },
  {
    file: 'client-urql.md',
    title: 'Reference: helpers for urql',
    entry: 'src/client/urql.ts',
    module: 'tidemark/client/urql',
    about: 'For urql, with or without graphcache.',
    first: ['resumeExchange', 'keepNewestExchange', 'graphcacheSettings', 'rowPages'],
  },
];

/** A declaration that gets a section. */
interface Entry {
  readonly name: string;
  readonly symbol: TypeSymbol;
  readonly node: Node;
}

/** Whether a file is of no use to those who use the package: the engine's own parts, and what others wrote. */
const isInside = (path: string): boolean =>
  !path.startsWith('src/') || /^src\/engine\/(catalog|commit\/(apply|sequence)|data|log)\//.test(path);

/** The tags of comments that the pages show. */
const TAGS: Readonly<Record<string, string>> = { returns: 'Returns', throws: 'Raises' };

const GROUPS = ['Classes', 'Functions', 'Types', 'Constants'] as const;

class Reference {
  readonly #project: Project;
  readonly #checker: Checker;

  constructor(project: Project) {
    this.#project = project;
    this.#checker = project.checker;
  }

  page({ title, entry, module, about, first }: Page): string {
    const exported = this.#exportsOf(entry);
    const mentioned = this.#mentionedBy(exported, first);
    const all = [...exported, ...mentioned];
    const ahead = first.flatMap((name) => all.filter((each) => each.name === name));
    const rest = exported.filter((each) => !ahead.includes(each));
    const groups = [
      { heading: 'Start here', entries: ahead },
      ...GROUPS.map((heading) => ({ heading, entries: rest.filter(({ node }) => groupOf(node) === heading) })),
      { heading: 'Types that others mention (not exported by name)', entries: mentioned.filter((each) => !ahead.includes(each)) },
    ].filter(({ entries }) => entries.length > 0);
    const contents = groups.map(
      ({ heading, entries }) =>
        `- ${heading}: ${entries.map((each) => `[\`${each.name}\`](#${anchorOf(headingOf(each, all))})`).join(', ')}`,
    );
    return [
      `# ${title}`,
      `${about} Import from \`${module}\`.`,
      'This page is written from the comments of the code (`npm run codegen`); change it there.',
      contents.join('\n'),
      ...groups.flatMap(({ entries }) => entries.flatMap((each) => this.#section(each, headingOf(each, all)))),
    ].join('\n\n');
  }

  #exportsOf(entry: string): Entry[] {
    const file = this.#project.program.getSourceFile(join(ROOT, entry));
    const module = file && this.#checker.getSymbolAtLocation(file);
    if (module === undefined) throw new Error(`${entry} is not a module`);
    return this.#checker
      .getExportsOfModule(module)
      .flatMap((symbol) => this.#entryOf(symbol, symbol.name))
      .sort(byName);
  }

  #entryOf(symbol: TypeSymbol, name: string): Entry[] {
    // An import or a re-export has no comment of its own.
    const target = (symbol.flags & SymbolFlags.Alias) === 0 ? symbol : this.#checker.getAliasedSymbol(symbol);
    const node = target.declarations[0]?.resolve(this.#project);
    return node === undefined ? [] : [{ name, symbol: target, node }];
  }

  /** The types of this package that declarations mention and that are not exported themselves, and what these mention. */
  #mentionedBy(exported: readonly Entry[], first: readonly string[]): Entry[] {
    const known = new Set(exported.map(({ symbol }) => symbol.id));
    const found: Entry[] = [];
    const queue = [...exported];
    for (let entry = queue.shift(); entry !== undefined; entry = queue.shift()) {
      for (const reference of typeReferences(entry.node)) {
        const symbol = this.#checker.getSymbolAtLocation(reference);
        for (const each of symbol === undefined ? [] : this.#entryOf(symbol, symbol.name)) {
          const group = groupOf(each.node);
          if (known.has(each.symbol.id) || group === undefined || isInside(relative(ROOT, sourceOf(each.node).fileName))) continue;
          known.add(each.symbol.id);
          // Classes that are no part of the public face are the engine's own.
          if (group === 'Classes' && !first.includes(each.name)) continue;
          found.push(each);
          queue.push(each);
        }
      }
    }
    return found.sort(byName);
  }

  #section({ symbol, node }: Entry, heading: string): string[] {
    const source = relative(ROOT, sourceOf(node).fileName);
    const members = membersOf(node);
    const lines = [`## ${heading}`, `\`\`\`ts\n${headOf(node)}\n\`\`\``, ...this.#comment(symbol)];
    for (const member of members) {
      const own = member.name && this.#checker.getSymbolAtLocation(member.name);
      const comment = own ? this.#comment(own).join('\n\n').replaceAll('\n', '\n  ') : '';
      lines.push(`- \`${codeOf(member.node)}\`${comment === '' ? '' : `\n\n  ${comment}`}`);
    }
    return [...lines, `Declared in ${source}.`];
  }

  #comment(symbol: TypeSymbol): string[] {
    const text = symbol.getDocumentationComment(this.#checker).trim();
    const tags = symbol.getJsDocTags(this.#checker).flatMap(({ name, text: said }) => {
      const label = TAGS[name];
      return label === undefined ? [] : [`${label}: ${textOf(said)}`];
    });
    return [text, ...tags].filter((part) => part !== '');
  }
}

/** A name; a type whose name differs from another one by its case alone says that it is a type, for the links. */
function headingOf({ name, node }: Entry, all: readonly Entry[]): string {
  const others = all.filter((each) => each.name !== name && each.name.toLowerCase() === name.toLowerCase());
  return others.length > 0 && groupOf(node) === 'Types' ? `${name} (type)` : name;
}

const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');

const byName = (left: Entry, right: Entry): number => (left.name < right.name ? -1 : Number(left.name > right.name));

/** The text of a tag, which is a string or a list of parts. */
function textOf(said: unknown): string {
  if (Array.isArray(said)) return said.map((part) => (typeof part === 'string' ? part : String((part as { text: unknown }).text))).join('');
  return String(said ?? '').trim();
}

function sourceOf(node: Node): SourceFile {
  let at = node;
  while (at.parent !== undefined) at = at.parent;
  return at as SourceFile;
}

function groupOf(node: Node): (typeof GROUPS)[number] | undefined {
  switch (node.kind) {
    case SyntaxKind.ClassDeclaration:
      return 'Classes';
    case SyntaxKind.FunctionDeclaration:
      return 'Functions';
    case SyntaxKind.InterfaceDeclaration:
    case SyntaxKind.TypeAliasDeclaration:
      return 'Types';
    case SyntaxKind.VariableDeclaration:
      return 'Constants';
    default:
      return undefined;
  }
}

/** The code of a node on one line, without comments, and without the body of a function. */
function codeOf(node: Node): string {
  const { text } = sourceOf(node);
  const end = bodyOf(node)?.pos ?? node.end;
  return withoutComments(text.slice(node.pos, end))
    .replaceAll(/\s+/g, ' ')
    .trim()
    .replace(/^(async|readonly|public|export|declare) (?=\w)/, '')
    .replace(/[;,]$/, '');
}

const withoutComments = (code: string): string => code.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');

function bodyOf(node: Node): Node | undefined {
  return (node as { body?: Node }).body;
}

/** What stands in the block at the head of a section. */
function headOf(node: Node): string {
  const { text } = sourceOf(node);
  const code = (end: number): string =>
    withoutComments(text.slice(node.pos, end))
      .trim()
      .replace(/^export /, '');
  switch (node.kind) {
    case SyntaxKind.FunctionDeclaration:
      return code(bodyOf(node)?.pos ?? node.end).replace(/^async /, '');
    case SyntaxKind.ClassDeclaration:
    case SyntaxKind.InterfaceDeclaration:
      return code(text.indexOf('{', (node as { name?: Node }).name?.end ?? node.pos));
    case SyntaxKind.VariableDeclaration: {
      const all = `const ${code(node.end)}`;
      return all.split('\n').length > 40 ? `${all.split('\n').slice(0, 3).join('\n')}\n  ...` : all;
    }
    default:
      return code(node.end);
  }
}

interface Member {
  readonly name: Node | undefined;
  readonly node: Node;
}

/** The public members of a class or an interface. Constructors of classes that a function makes are left out. */
function membersOf(node: Node): Member[] {
  if (node.kind !== SyntaxKind.ClassDeclaration && node.kind !== SyntaxKind.InterfaceDeclaration) return [];
  const members = [...((node as unknown as { members: Iterable<Node> }).members ?? [])];
  return members.filter((member) => isPublic(member)).map((member) => ({ name: (member as { name?: Node }).name, node: member }));
}

function isPublic(member: Node): boolean {
  // Only errors are made by those who use the package.
  if (member.kind === SyntaxKind.Constructor) return /extends Error/.test(headOf(member.parent));
  const name = (member as { name?: Node }).name;
  const { text } = sourceOf(member);
  const named = name === undefined ? '' : text.slice(name.pos, name.end).trim();
  return !named.startsWith('#') && !/^(private|protected)\b/.test(codeOf(member));
}

/** The names in type positions of a declaration, as far as its sections show them. */
function typeReferences(node: Node): Node[] {
  const found: Node[] = [];
  const visit = (at: Node): void => {
    if (at.kind === SyntaxKind.TypeReference) found.push((at as unknown as { typeName: Node }).typeName);
    at.forEachChild((child) => {
      if (child !== bodyOf(at) && child.kind !== SyntaxKind.Block) visit(child);
    });
  };
  const members = membersOf(node);
  if (members.length === 0) visit(node);
  else for (const member of members) visit(member.node);
  return found;
}

function write(file: string, text: string): void {
  const target = join(ROOT, 'docs', 'reference', file);
  if (!isCheck) {
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  } else if (!existsSync(target) || readFileSync(target, 'utf8') !== text) {
    process.stderr.write(`docs/reference/${file} is not fresh: run npm run codegen\n`);
    process.exitCode = 1;
  }
}

const api = new API({ cwd: ROOT });
try {
  const [project] = api.updateSnapshot({ openProject: join(ROOT, 'tsconfig.types.json') }).getProjects();
  if (project === undefined) throw new Error('tsconfig.types.json is no project');
  const reference = new Reference(project);
  for (const page of PAGES) write(page.file, `${reference.page(page)}\n`);
} finally {
  api.close();
}
