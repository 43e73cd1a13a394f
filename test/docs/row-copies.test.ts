/**
 * What keeps rows in memory joins the registry of copies (src/engine/data/row-copies.ts), so that an erasure reaches it. This
 * looks at every collection that lives as long as an object or the process: it is in a class that has joined, or its types
 * are listed here with the reason why no row outlives an erasure in it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const SRC = fileURLToPath(new URL('../../src', import.meta.url));

interface Collection {
  readonly file: string;
  /** Name and type, whatever file it stands in. */
  readonly what: string;
}

/** A field of a class, or a variable of a module, that begins empty and is filled later. */
const FIELD =
  /^(?: {2}(?:(?:private|protected|public|static|override|readonly) )*(#?\w+)|(?:export )?(?:let|const) (\w+))(?:: ([^=\n]+?(?:=> [^=\n]+)?))? = (?:new (\w+)(<.*>)?\((.*)|(\[\]);)/gm;
const VARIABLE = /^(?:export )?let (\w+)(?:: ([^=;]+))?/gm;
const COLLECTIONS = ['Map', 'Set', 'WeakMap'];
/** Any other class that is called so is a cache of others'. */
const CACHE = /new (\w*Cache)\b/g;

function collectionsIn(file: string, text: string): Collection[] {
  if (/^export class \w+ implements (?:\w+, )*RowCopy\b/m.test(text)) return [];
  const found: string[] = [];
  for (const [, field, variable, type, made, types, given, list] of text.matchAll(FIELD)) {
    // Named as a constant, it is one: empty it stays.
    if (/^[A-Z_]+$/.test(variable ?? '')) continue;
    if (list !== undefined) found.push(`${field ?? variable}: ${type ?? 'unknown[]'}`);
    // Filled with literals at once, it is a table of constants.
    else if (COLLECTIONS.includes(made ?? '') && given === ');') found.push(`${field ?? variable}: ${made}${types ?? ` of ${type}`}`);
  }
  for (const [, name, type] of text.matchAll(VARIABLE)) found.push(`let ${name}: ${(type ?? 'unknown').trim()}`);
  for (const [, cache] of text.matchAll(CACHE)) found.push(`new ${cache}`);
  return found.map((what) => ({ file, what }));
}

const collections = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  // The client helpers run in an application, which erases its own.
  .filter((file) => file.endsWith('.ts') && !file.startsWith('client'))
  .flatMap((file) => collectionsIn(file, readFileSync(join(SRC, file), 'utf8')));

/** The type of what a collection holds: its last type argument, or that of its elements. */
function heldType(what: string): string {
  const type = what.slice(what.indexOf(': ') + 2).replace(/^(?:Map|Set|WeakMap) of /, '');
  const given = /^\w*(?:Map|Set)<(.*)>$/.exec(type)?.[1] ?? type;
  let depth = 0;
  let start = 0;
  for (const [at, letter] of [...given].entries()) {
    if ('<({'.includes(letter)) depth += 1;
    else if ('>)}'.includes(letter) && given[at - 1] !== '=') depth -= 1;
    else if (letter === ',' && depth === 0) start = at + 1;
  }
  const last = given
    .slice(start)
    .trim()
    .replace(/ \| undefined$/, '')
    .replace(/^readonly /, '')
    .replace(/\[\]$/, '')
    .replace(/^\((.*)\)$/, '$1');
  return last === what || !/^\w*(?:Map|Set)</.test(last) ? last : heldType(`: ${last}`);
}

/** Types that hold no row, by why. Text, bytes and unknown are named one by one below. */
const TYPES_WITHOUT_ROWS: Readonly<Record<string, readonly string[]>> = {
  'calls that wait, timers, work under way': [
    '() => void',
    'CommitListener',
    'Promise<unknown>',
    'Promise<void>',
    'Waiting',
    'NodeJS.Timeout',
  ],
  'numbers and identities': ['number', 'boolean', 'TableId', 'FileId', 'RowId', 'SnapshotId', 'LogIndex', 'Instant'],
  'ends of versions: identities and snapshots': ['Ends', 'EndMirror'],
  'what holds a snapshot, a table or a state': ['Lease', 'Gate', 'TableLock', 'Retired'],
  'records of commits: who, when, why, how many': ['Commit', '{ readonly kept: KeptRecord; readonly garbage: number }'],
  'connections, and what is known of them': [
    'Member',
    'Served',
    'Behind',
    'Subscriber',
    'PendingResults',
    'ServerResponse',
    'DuckDBConnection',
  ],
  'columns, schemas and states of tables': ['TableState', 'LeafColumn', 'Checkers', 'TableSchema', 'Built', 'GraphQLObjectType', 'Mask'],
  'facts about a document, kept while the document is': ['DocumentFacts', 'FragmentDefinitionNode', 'Measure', 'ResumeFacts'],
  'written by one commit, one query or one answer, and gone with it': [
    'DraftRow',
    'TableDraft',
    'MatchMemory',
    'PendingEntry',
    'Parameter',
    'Mistake',
  ],
  'letters that are alike': ['FoldTable'],
};

/** Collections of text, bytes or anything, by why no row is in them. */
const WITHOUT_ROWS: Readonly<Record<string, readonly string[]>> = {
  'the registry itself': ['#joined: Map<RowCopy, string>'],
  'names of files': ['#checked: Set<string>'],
  'hashes that one round looked up': ['#known: Map<string, Buffer>'],
  'random bytes, keys and counters': [
    'let pool: unknown',
    'let keyedWith: Buffer | undefined',
    'let entryPrefix: unknown',
    'let entryCounter: unknown',
    'let nextSchemaNumber: unknown',
    'let emptyRoot: RowsProof | undefined',
  ],
  'pages that come with the program': [
    'rendered: Map<string, string>',
    'let files: ReadonlyMap<string, string> | undefined',
    'let page: Promise<Buffer> | undefined',
  ],
  'names of types and of fields': [
    'typeNames: WeakMap<object, string>',
    'printed: WeakMap<GraphQLNamedType, string>',
    'introspections: Set<string>',
  ],
  'ids that clients give their operations': ['operations: Set<string>'],
};

it('every collection that lives on is in a class that has joined, or holds no rows', () => {
  const types = new Set(Object.values(TYPES_WITHOUT_ROWS).flat());
  const known = new Set(Object.values(WITHOUT_ROWS).flat());
  const others = collections.filter(({ what }) => !known.has(what) && !types.has(heldType(what)));
  expect(others, 'join RowCopies, or say here why it holds no rows').toEqual([]);
});

it('none of the plain ones is listed that is not there any more', () => {
  const there = new Set(collections.map(({ what }) => what));
  const listed = Object.values(WITHOUT_ROWS).flat();
  expect(listed.filter((what) => !there.has(what))).toEqual([]);
});

it('this sees what it guards against', () => {
  const seen = (text: string): string[] => collectionsIn('x.ts', text).map(({ what }) => what);
  const fields = [
    'export class Rows {',
    '  readonly #byKey = new Map<string, Row>();',
    '  #kept: Row[] = [];',
    '  readonly #cache = new LRUCache<string, Row>({ maxSize: 1 });',
    '  constructor() {',
    '    this.#blocks = new ByteCache(1);',
    '  }',
    '}',
    'let last: Payload | undefined;',
    "const NAMES = new Set(['a']);",
    'const byName = new WeakMap<object, Row>();',
  ].join('\n');
  expect(seen(fields).sort()).toEqual([
    '#byKey: Map<string, Row>',
    '#kept: Row[]',
    'byName: WeakMap<object, Row>',
    'let last: Payload | undefined',
    'new ByteCache',
    'new LRUCache',
  ]);
  expect(seen(fields.replace('class Rows', 'class Rows implements RowCopy'))).toEqual([]);
  expect(heldType('#waiting: Map<TableId, Set<() => void>>')).toBe('() => void');
  expect(heldType('#kept: readonly Row[]')).toBe('Row');
});
