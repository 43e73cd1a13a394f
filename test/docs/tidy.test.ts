import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../src/engine/index.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LINES_MAX = 400;
/** Of the files of src. */
const LINES_MEDIAN_MAX = 150;

interface Import {
  /** Both relative to src/, or the name of a package. */
  readonly from: string;
  readonly to: string;
}

interface Source {
  readonly name: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

function sourcesIn(folder: string): Source[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => {
      const path = join(folder, name);
      const text = readFileSync(path, 'utf8');
      const from = relative(join(ROOT, 'src'), path).split(sep).join('/');
      return { name: from, text, imports: importsOf(from, text) };
    });
}

/** Static imports, of types too, re-exports and import() of a source. */
function importsOf(from: string, text: string): Import[] {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');
  const statement = /^\s*(?:import|export)\s+(?:type\s+)?(?:[\w*{}\s,$]+?\s+from\s+)?['"]([^'"]+)['"]/gm;
  const found: Import[] = [];
  const add = (specifier: string): void => {
    const local = specifier.startsWith('.');
    const to = local ? relative(join(ROOT, 'src'), resolve(join(ROOT, 'src', dirname(from)), specifier)) : specifier;
    found.push({ from, to: to.split(sep).join('/') });
  };
  for (const [, specifier] of code.matchAll(statement)) add(specifier as string);
  for (const [, specifier] of code.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)) add(specifier as string);
  return found;
}

const sources = sourcesIn(join(ROOT, 'src'));
const imports = sources.flatMap((source) => source.imports);
const isLocal = ({ to }: Import): boolean => /\.(ts|tsx|json)$/.test(to);
const local = imports.filter(isLocal);
const folderOf = (path: string): string => (path.includes('/') ? (path.split('/')[0] as string) : path);
const shown = (list: readonly Import[]): string[] => list.map(({ from, to }) => `${from} imports ${to}`);

/** What each folder of src may import besides itself. Everything may use the engine's public face. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'main.ts': ['server', 'engine'],
  server: ['schema', 'resolvers', 'pubsub', 'engine'],
  schema: ['resolvers', 'pubsub', 'engine'],
  resolvers: ['pubsub', 'engine'],
  pubsub: ['engine'],
  engine: [],
};

/** What each folder of the engine may import besides itself: model <- encoding, time <- catalog, log, data <- read <- commit <- maintenance. */
const ENGINE_MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  model: [],
  encoding: ['model'],
  time: ['model'],
  catalog: ['model', 'encoding'],
  log: ['model', 'encoding'],
  data: ['model', 'encoding', 'catalog', 'log'],
  read: ['model', 'encoding', 'time', 'catalog', 'log', 'data'],
  // Changes read before they write.
  commit: ['model', 'encoding', 'time', 'catalog', 'log', 'data', 'read'],
  maintenance: ['model', 'encoding', 'time', 'catalog', 'log', 'data', 'read', 'commit'],
};

const ENGINE_PACKAGES = [
  '@node-rs/crc32',
  '@duckdb/node-api/lib/vectors/dataAccessors.js',
  'level',
  'snappyjs',
  'fs-native-extensions',
  'lru-cache',
  '@duckdb/node-api',
];

/** Folders that work for callers, each through the session of its request. */
const THROUGH_A_SESSION = ['resolvers', 'schema', 'pubsub'];

/** What they may use of the engine beside its types and the session: errors, limits, slots, names, and pure functions over values. */
const PURE_OF_ENGINE = new Set([
  ...['EngineError', 'Refusal', 'limitExceeded', 'otherIncarnation', 'storageError', 'didYouMean', 'listed', 'show'],
  ...['LIMITS', 'MAX_TIME_MS', 'MIN_TIME_MS', 'ROW_OPERATIONS', 'Slots'],
  ...['asRowId', 'asSnapshotId', 'asTableId', 'cursorHead', 'diffCursorTo', 'pageSize', 'bytesOfGroups', 'bytesOfRows'],
  ...['byKeyField', 'changesField', 'defaultColumnGraphqlName', 'defaultTableGraphqlName', 'isInherited', 'tableTypeName', 'typePrefix'],
  ...[
    'aggregateFits',
    'checkPartialRows',
    'checkPatch',
    'checkRows',
    'erasedTables',
    'exactNumber',
    'isGroupable',
    'meantInSeconds',
    'parseCell',
    'toWire',
  ],
]);

/** How a source gets past the session, if it does. */
function pastSession(text: string): string[] {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');
  const found: string[] = [];
  for (const [statement, type, names] of code.matchAll(/^\s*(?:import|export)\s+(type\s+)?([^;]*?)\s+from\s+'[./]+engine\/index\.ts'/gm)) {
    const listed = /^\{([\s\S]*)\}$/.exec(names ?? '')?.[1];
    if (listed === undefined) found.push(statement.trim());
    for (const entry of (listed ?? '').split(',').map((one) => one.trim())) {
      const [, isType, name] = /^(type\s+)?(\w+)/.exec(entry) ?? [];
      if (name === undefined) continue;
      const isAllowed =
        type !== undefined || isType !== undefined ? name !== 'Engine' && name !== 'EngineOptions' : PURE_OF_ENGINE.has(name);
      if (!isAllowed) found.push(name);
    }
  }
  for (const [reach] of code.matchAll(/\bimport\([^)]*engine\/|\.engine\b(?!\/)|\[['"]engine['"]\]|[{,]\s*engine\s*[,:}]/g))
    found.push(reach);
  return found;
}

describe('imports in src go one way', () => {
  it('there are sources to look at', () => {
    expect(sources.length).toBeGreaterThan(40);
    expect(local.length).toBeGreaterThan(100);
  });

  it('every import leads to a file that is there', () => {
    const names = new Set(sources.map(({ name }) => name));
    expect(shown(local.filter(({ to }) => !names.has(to) && !to.endsWith('.json') && !to.endsWith('.d.ts')))).toEqual([]);
  });

  it('server uses schema, schema uses resolvers, resolvers and pubsub use the engine, and nothing uses server but main.ts', () => {
    const against = local.filter(({ from, to }) => {
      const [here, there] = [folderOf(from), folderOf(to)];
      return here !== there && !(MAY_IMPORT[here]?.includes(there) ?? false) && !to.endsWith('.json');
    });
    expect(shown(against)).toEqual([]);
  });

  it("outside the engine only the engine's index.ts is used", () => {
    const past = local.filter(({ from, to }) => folderOf(from) !== 'engine' && folderOf(to) === 'engine' && to !== 'engine/index.ts');
    expect(shown(past)).toEqual([]);
  });

  it('resolvers, the schema and subscriptions have a session and no engine', () => {
    const through = sources.filter(({ name }) => THROUGH_A_SESSION.includes(folderOf(name)));
    expect(through.length).toBeGreaterThan(60);
    expect(through.map(({ name, text }) => ({ name, past: pastSession(text) })).filter(({ past }) => past.length > 0)).toEqual([]);
  });

  it('inside the engine: model <- encoding, time <- catalog, log, data <- read <- commit <- maintenance <- engine.ts', () => {
    const part = (path: string): string => path.split('/')[1] as string;
    const against = local.filter(({ from, to }) => {
      if (folderOf(from) !== 'engine' || !ENGINE_MAY_IMPORT[part(from)]) return false;
      return part(from) !== part(to) && !ENGINE_MAY_IMPORT[part(from)]?.includes(part(to));
    });
    expect(shown(against)).toEqual([]);
    const folders = new Set(sources.filter(({ name }) => /^engine\/.+\//.test(name)).map(({ name }) => part(name)));
    expect([...folders].filter((folder) => !(folder in ENGINE_MAY_IMPORT))).toEqual([]);
  });

  it('the engine knows LevelDB, Snappy, DuckDB and file locks, and nothing of GraphQL, HTTP or WebSockets', () => {
    const foreign = imports.filter(({ from, to, ...rest }) => {
      if (folderOf(from) !== 'engine' || isLocal({ from, to, ...rest })) return false;
      return !to.startsWith('node:') && !ENGINE_PACKAGES.includes(to);
    });
    expect(shown(foreign)).toEqual([]);
    const http = /^node:(http|https|http2|net|tls|dgram|child_process)$/;
    expect(shown(imports.filter(({ from, to }) => folderOf(from) === 'engine' && http.test(to)))).toEqual([]);
  });

  it('there are no cycles, imports of types counted', () => {
    const graph = new Map<string, string[]>();
    for (const { from, to } of local) graph.set(from, [...(graph.get(from) ?? []), to]);
    expect(cycleIn(graph)).toBeUndefined();
  });
});

/** One cycle, as the names along it; undefined where there is none. */
function cycleIn(graph: ReadonlyMap<string, readonly string[]>): string | undefined {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (name: string): string | undefined => {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name].join(' -> ');
    if (done.has(name)) return undefined;
    path.push(name);
    for (const next of graph.get(name) ?? []) {
      const cycle = visit(next);
      if (cycle !== undefined) return cycle;
    }
    path.pop();
    done.add(name);
    return undefined;
  };
  for (const name of graph.keys()) {
    const cycle = visit(name);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

describe('these guards see what they guard against', () => {
  it('imports of every form are read, of types as of values', () => {
    const text = [
      "import a from './a.ts';",
      "import type { B } from '../b.ts';",
      "import { type C, type D } from './c.ts';",
      "import {\n  e,\n  type F,\n} from './e.ts';",
      "export * from './g.ts';",
      "export type { H } from 'h';",
      "import 'side';",
      "const later = await import('./later.ts');",
      "// import no from './comment.ts';",
    ].join('\n');
    const read = importsOf('engine/x/y.ts', text).map(({ to }) => to);
    expect(read).toEqual([
      'engine/x/a.ts',
      'engine/b.ts',
      'engine/x/c.ts',
      'engine/x/e.ts',
      'engine/x/g.ts',
      'h',
      'side',
      'engine/x/later.ts',
    ]);
  });

  it('a way past the session is found, and what is pure is none', () => {
    const from = (what: string): string => `import ${what} from '../engine/index.ts';`;
    expect(pastSession(from('{ type Engine, EngineError }'))).toEqual(['Engine']);
    expect(pastSession(from('type { Engine, Table }'))).toEqual(['Engine']);
    expect(pastSession(from('{\n  openEngine,\n  Session,\n}'))).toEqual(['openEngine', 'Session']);
    expect(pastSession(from('* as everything'))).toEqual(["import * as everything from '../engine/index.ts'"]);
    expect(pastSession('const { engine } = context;')).toEqual(['{ engine }']);
    expect(pastSession('context.engine.commit([])')).toEqual(['.engine']);
    expect(pastSession(`${from('{ EngineError, type Session, type Table }')}\n// context.engine\nsession.commit([])`)).toEqual([]);
  });

  it('a cycle is found', () => {
    const graph = { a: ['b'], b: ['c', 'd'], c: [], d: ['b'] };
    expect(cycleIn(new Map(Object.entries(graph)))).toBe('b -> d -> b');
    expect(cycleIn(new Map(Object.entries({ ...graph, d: ['c'] })))).toBeUndefined();
  });
});

describe('files stay small', () => {
  it.each(['src', 'test'])(`no file in %s has more than ${LINES_MAX} lines`, (folder) => {
    const long = sourcesIn(join(ROOT, folder))
      .filter(({ name }) => !name.includes('generated'))
      .map(({ name, text }) => ({ name, lines: text.split('\n').length - 1 }))
      .filter(({ lines }) => lines > LINES_MAX);
    expect(long).toEqual([]);
  });

  it(`half of the files of src have fewer than ${LINES_MEDIAN_MAX} lines`, () => {
    const lines = sources.map(({ text }) => text.split('\n').length - 1).sort((left, right) => left - right);
    expect(lines[lines.length >> 1]).toBeLessThan(LINES_MEDIAN_MAX);
  });

  it('every file of the engine opens with what it is for', () => {
    const bare = sources.filter(({ name, text }) => name.startsWith('engine/') && !name.endsWith('.d.ts') && !text.startsWith('/**'));
    expect(bare.map(({ name }) => name)).toEqual([]);
  });
});

describe('dependencies are pinned and explained', () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  // What an application brings itself, for the client helpers, is a range.
  const groups = ['dependencies', 'devDependencies', 'optionalDependencies', 'overrides'];
  const all: [string, string][] = groups.flatMap((group) => Object.entries<string>(manifest[group] ?? {}));

  it('every version in package.json is exact', () => {
    expect(all.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
  });

  it('docs/dependencies.md names each of them', () => {
    const docs = readFileSync(join(ROOT, 'docs', 'dependencies.md'), 'utf8');
    const direct = [manifest.dependencies, manifest.devDependencies, manifest.peerDependencies].flatMap((group) => Object.keys(group));
    expect(direct.filter((name) => !docs.includes(`\`${name}\``))).toEqual([]);
  });

  it('every package that src imports is a dependency, or a peer of the client helpers, not a development one', () => {
    const packageOf = (to: string): string => /^(@[^/]+\/[^/]+|[^/]+)/.exec(to)?.[0] ?? to;
    const foreign = imports.filter((at) => !isLocal(at) && !at.to.startsWith('node:') && !at.to.startsWith('.'));
    expect(shown(foreign.filter(({ to }) => !(packageOf(to) in { ...manifest.dependencies, ...manifest.peerDependencies })))).toEqual([]);
  });

  it('the lock file names no registry', () => {
    const lock = readFileSync(join(ROOT, 'package-lock.json'), 'utf8');
    expect(lock).not.toContain('"resolved"');
    expect(lock).not.toMatch(/https?:\/\/[^"]*registry/);
  });
});

describe('docs keep up', () => {
  it('paths of the code that docs name are there', () => {
    // Those of CONTRIBUTING that a reader is to make are left out by their names.
    const made = /(?:sweep|purge)\.ts$/;
    const missing = ['README.md', 'CONTRIBUTING.md', 'docs/architecture.md', 'docs/glossary.md', 'docs/dependencies.md'].flatMap((page) => {
      const text = readFileSync(join(ROOT, page), 'utf8');
      const [, below = ''] = /those that begin with (.*?) are below `src\/engine\/`/.exec(text) ?? [];
      const inEngine = [...below.matchAll(/`(\w+)\/`/g)].map(([, folder]) => folder);
      const named = [...text.matchAll(/`([\w-]+(?:\/[\w.-]+)+\.ts)`/g)].map(([, path]) => path as string);
      const isThere = (path: string): boolean =>
        [path, `src/${path}`].some((at) => existsSync(join(ROOT, at))) ||
        ((page !== 'docs/architecture.md' || inEngine.includes(path.split('/')[0])) && existsSync(join(ROOT, 'src/engine', path)));
      return named.filter((path) => !made.test(path) && !isThere(path)).map((path) => `${page}: ${path}`);
    });
    expect(missing).toEqual([]);
  });

  it('CONTRIBUTING runs tests that are there: files, and names', () => {
    const text = readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8');
    const asked = [...text.matchAll(/`npm test -- (\S+)(?: -t "([^"]+)")?`/g)];
    expect(asked.length).toBeGreaterThan(1);
    for (const [command, file = '', name = ''] of asked) expect(readFileSync(join(ROOT, file), 'utf8'), command).toContain(name);
  });

  it('docs/testing.md names tests that are there', () => {
    const docs = readFileSync(join(ROOT, 'docs', 'testing.md'), 'utf8');
    const named = [...docs.matchAll(/\b[\w./-]+\.test\.ts\b/g)].map(([name]) => name);
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((name) => !existsSync(join(ROOT, 'test', name)))).toEqual([]);
  });

  it('docs/errors.md lists every code of the engine', () => {
    const docs = readFileSync(join(ROOT, 'docs', 'errors.md'), 'utf8');
    expect(ERROR_CODES.filter((code) => !docs.includes(`\`${code}\``))).toEqual([]);
  });
});
