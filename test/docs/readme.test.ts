/** The README's snippets do what it says: documents run or are valid, programs run or are right by their types, links lead into the package. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSchema, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { DEMO_TABLES, eventually, liveClient, type TestServer, testServer } from '../support/server-support.ts';
import { temporaryDirectory } from '../support/support.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const BIN = join(ROOT, 'node_modules', '.bin');

interface Block {
  readonly section: string;
  readonly language: string;
  readonly text: string;
}

/** The fenced blocks of the README, with the heading that they stand below. */
function blocks(language: string): Block[] {
  const found: Block[] = [];
  let section = '';
  for (const [, heading, kind = '', text = ''] of README.matchAll(/^#+ (.*)$|^```(\w+)\n([\s\S]*?)^```$/gm)) {
    if (heading !== undefined) section = heading;
    else if (kind === language) found.push({ section, language: kind, text });
  }
  return found;
}

const STEPS = blocks('graphql').filter(({ section }) => section === 'The first five minutes');

/** A server after the first five minutes. */
async function afterTheSteps(): Promise<TestServer> {
  const server = await testServer();
  const events: unknown[] = [];
  for (const { text } of STEPS) {
    if (!text.trimStart().startsWith('subscription')) {
      await server.data(text);
      continue;
    }
    liveClient(server.url).subscribe({ query: text }, { next: (event) => void events.push(event), error: () => {}, complete: () => {} });
    await eventually(() => expect(server.live().classes.snapshotCommitted.subscriptions).toBe(1));
  }
  await eventually(() => expect(events.length).toBeGreaterThan(1));
  return server;
}

/** An application's directory, with this package and all that it is developed with installed. */
async function project(files: Readonly<Record<string, string>>): Promise<string> {
  const directory = await temporaryDirectory();
  const modules = join(directory, 'node_modules');
  await mkdir(modules);
  await symlink(ROOT, join(modules, 'tidemark'));
  for (const name of readdirSync(join(ROOT, 'node_modules'))) await symlink(join(ROOT, 'node_modules', name), join(modules, name));
  for (const [name, text] of Object.entries({ 'package.json': '{"type": "module"}', ...files })) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), text);
  }
  return directory;
}

/** What Vite's template for React and TypeScript has. */
const VITE_TSCONFIG = JSON.stringify({
  compilerOptions: {
    target: 'es2023',
    lib: ['ES2023', 'DOM'],
    module: 'esnext',
    types: ['vite/client'],
    skipLibCheck: true,
    moduleResolution: 'bundler',
    allowImportingTsExtensions: true,
    verbatimModuleSyntax: true,
    moduleDetection: 'force',
    noEmit: true,
    jsx: 'react-jsx',
    strict: true,
    noUnusedLocals: true,
    noUnusedParameters: true,
    erasableSyntaxOnly: true,
    noFallthroughCasesInSwitch: true,
    noUncheckedSideEffectImports: true,
  },
  include: ['src'],
});

/** A table whose header sorts it. */
const APP = `
import { useQuery } from '@apollo/client/react';
import { useState } from 'react';
import { orderBy } from 'tidemark/client';
import { graphql } from './gql';
import type { Direction, OrdersOrderBy } from './gql/graphql';

type OrdersColumn = keyof OrdersOrderBy;

const ORDERS = graphql(\`
  query Orders($orderBy: [OrdersOrderBy!]) {
    asOf { id orders(first: 20, orderBy: $orderBy) { nodes { id order_id customer amount status } } }
  }
\`);
const COLUMNS = ['order_id', 'customer', 'amount', 'status'] as const satisfies readonly OrdersColumn[];

export function Orders() {
  const [{ column, direction }, sort] = useState<{ column: OrdersColumn; direction: Direction }>({ column: 'order_id', direction: 'ASC' });
  const { data } = useQuery(ORDERS, { variables: { orderBy: [orderBy(column, direction), orderBy('order_id', 'DESC')] } });
  return (
    <table>
      <thead>
        <tr>{COLUMNS.map((name) => <th key={name} onClick={() => sort({ column: name, direction: 'DESC' })}>{name}</th>)}</tr>
      </thead>
      <tbody>{data?.asOf?.orders?.nodes.map(({ id, order_id, amount }) => <tr key={id}><td>{order_id}</td><td>{amount?.toFixed(2)}</td></tr>)}</tbody>
    </table>
  );
}
`;

describe('README', () => {
  it('the first five minutes run, one step after the other', async () => {
    expect(STEPS.length).toBeGreaterThan(4);
    await afterTheSteps();
  });

  it('its other documents are valid, for the tables of these steps or of the demo', async () => {
    const servers = [await afterTheSteps(), await testServer({ tables: DEMO_TABLES })];
    const schemas = await Promise.all(servers.map(async ({ url }) => buildSchema(await (await fetch(`${url}/schema.graphql`)).text())));
    for (const { text } of blocks('graphql').filter((block) => !STEPS.includes(block))) {
      const errors = schemas.map((schema) => validate(schema, parse(text)).map(({ message }) => message));
      expect(Math.min(...errors.map(({ length }) => length)), `${text}\n${errors.flat().join('\n')}`).toBe(0);
    }
  });

  it('codegen, as it is written there, gives types that Vite’s strict template takes, and a header that sorts', async () => {
    const server = await afterTheSteps();
    const config = blocks('ts').find(({ text }) => text.startsWith('// codegen.ts'))?.text ?? '';
    expect(config).toContain('http://127.0.0.1:4000');
    const directory = await project({
      'codegen.ts': config.replace('http://127.0.0.1:4000', server.url),
      'tsconfig.json': VITE_TSCONFIG,
      'src/App.tsx': APP,
    });
    // The server answers in this process, which must not stand still meanwhile.
    const codegen = spawn(join(BIN, 'graphql-codegen'), ['--config', 'codegen.ts'], { cwd: directory, stdio: 'inherit' });
    const [status] = await once(codegen, 'exit');
    expect(status).toBe(0);
    const check = (): string => spawnSync(join(BIN, 'tsc'), ['-p', '.'], { cwd: directory, encoding: 'utf8' }).stdout;
    expect(readFileSync(join(directory, 'src', 'gql', 'graphql.ts'), 'utf8')).toContain('customer?: never');
    expect(check()).toBe('');
    // A column that is not one is an error.
    await writeFile(join(directory, 'src', 'App.tsx'), APP.replace("orderBy('order_id', 'DESC')", "orderBy('nope', 'DESC')"));
    expect(check()).toContain(`{ nope: "DESC"; }' is not assignable to type 'OrdersOrderBy'`);
  });

  it('the engine’s program runs as it stands, and the others are right by their types', async () => {
    const programs = blocks('ts').filter(({ text }) => !text.startsWith('// codegen.ts'));
    const engine = programs.find(({ text }) => text.includes('tidemark/engine'))?.text ?? '';
    const files = Object.fromEntries(programs.map(({ text }, index) => [`src/program-${index}.ts`, text]));
    const directory = await project({ ...files, 'engine.mjs': engine, 'tsconfig.json': VITE_TSCONFIG });
    expect(spawnSync(join(BIN, 'tsc'), ['-p', '.'], { cwd: directory, encoding: 'utf8' }).stdout).toBe('');
    const { status, stderr } = spawnSync(process.execPath, ['engine.mjs'], { cwd: directory, encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
  });
});

describe('the package', () => {
  it('has every file that its pages link to', () => {
    const { stdout } = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: ROOT, encoding: 'utf8' });
    const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
    const packed = new Set(files.map(({ path }) => path));
    const missing: string[] = [];
    for (const page of [...packed].filter((path) => path.endsWith('.md'))) {
      for (const [, link = ''] of readFileSync(join(ROOT, page), 'utf8').matchAll(/\]\(([^)#\s:]+)(?:#[^)]*)?\)/g)) {
        const target = normalize(join(dirname(page), link)).replace(/\/$/, '');
        const isThere = packed.has(target) || [...packed].some((path) => path.startsWith(`${target}/`));
        if (!isThere) missing.push(`${page}: ${link}${existsSync(join(ROOT, target)) ? ' is not packed' : ' is nowhere'}`);
      }
    }
    expect(packed.has('README.md')).toBe(true);
    expect(missing).toEqual([]);
  });
});
