import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scaled } from '../support/random.ts';
import { type Loose, testServer } from '../support/server-support.ts';

type Server = Awaited<ReturnType<typeof testServer>>;

interface Item {
  readonly key: number;
  readonly tag: string | null;
}

/** A table as a plain list in order of insertion, by key. */
type State = readonly Item[];

const RUNS = scaled(2);
const TABLES = ['left', 'right'] as const;
type Name = (typeof TABLES)[number];

const item = fc.record({ key: fc.integer({ min: 0, max: 8 }), tag: fc.option(fc.constantFrom('a', 'b', 'c')) });
const partialItem = fc.record({ key: item.map(({ key }) => key), tag: item.map(({ tag }) => tag) }, { requiredKeys: ['key'] });
type PartialItem = Pick<Item, 'key'> & Partial<Item>;
const partialItems = fc.uniqueArray(partialItem, { selector: ({ key }) => key, maxLength: 4 });
const items = fc.uniqueArray(item, { selector: ({ key }) => key, maxLength: 4 });
const where = fc.oneof(
  fc
    .constantFrom('a', 'b', 'c')
    .map((tag) => ({ typed: { tag: { eq: tag } }, generic: { column: 'tag', eq: tag }, matches: (row: Item) => row.tag === tag })),
  fc.integer({ min: 0, max: 8 }).map((key) => ({
    typed: { not: { key: { lt: key } } },
    generic: { not: { column: 'key', lt: key } },
    matches: (row: Item) => row.key >= key,
  })),
);

interface Change {
  readonly kind: string;
  readonly document: string;
  readonly variables: Loose;
  /** The table after it; undefined where it must be refused. */
  readonly apply: (state: State) => State | undefined;
}

const put = (state: State, rows: readonly PartialItem[]): State => [
  ...state.map((row) => ({ ...row, ...rows.find(({ key }) => key === row.key) })),
  ...rows.filter(({ key }) => !state.some((row) => row.key === key)).map((row) => ({ tag: null, ...row })),
];

const prefixOf = (name: Name): string => name.charAt(0).toUpperCase() + name.slice(1);

const change = fc.record({ name: fc.constantFrom(...TABLES), typed: fc.boolean() }).chain(({ name, typed }) => {
  const of = (kind: string, types: Record<string, string>, variables: Loose, apply: Change['apply']): Change & { readonly name: Name } => {
    const declared = Object.entries(types)
      .map(([variable, type]) => `$${variable}: ${type}`)
      .join(', ');
    const passed = Object.keys(types)
      .map((variable) => `${variable}: $${variable}`)
      .join(', ');
    const field = typed ? `${kind}${prefixOf(name)}(${passed})` : `${kind}(table: "${name}", ${passed})`;
    const document = `mutation (${declared}) { done: ${field} { insertedRows updatedRows deletedRows commit { snapshotId } } }`;
    return { kind, name, document, variables, apply };
  };
  const patchesType = typed ? `[${prefixOf(name)}RowPatch!]!` : '[JSON!]!';
  const rowsType = typed ? `[${prefixOf(name)}RowInput!]!` : '[JSON!]!';
  const filterType = typed ? `${prefixOf(name)}Filter!` : 'Filter!';
  return fc.oneof(
    items.map((rows) =>
      of('append', { rows: rowsType }, { rows }, (state) =>
        rows.some(({ key }) => state.some((row) => row.key === key)) ? undefined : [...state, ...rows],
      ),
    ),
    partialItems.map((rows) => of('upsert', { rows: patchesType }, { rows }, (state) => put(state, rows))),
    where.map((filter) =>
      of('delete', { where: filterType }, { where: typed ? filter.typed : filter.generic }, (state) =>
        state.filter((row) => !filter.matches(row)),
      ),
    ),
    fc
      .tuple(where, fc.option(fc.constantFrom('a', 'b')))
      .map(([filter, tag]) =>
        of(
          'update',
          { where: filterType, set: typed ? `${prefixOf(name)}RowPatch!` : 'JSON!' },
          { where: typed ? filter.typed : filter.generic, set: { tag } },
          (state) => state.map((row) => (filter.matches(row) ? { ...row, tag } : row)),
        ),
      ),
    fc.tuple(items, where).map(([rows, filter]) =>
      of('replace', { rows: rowsType, where: filterType.slice(0, -1) }, { rows, where: typed ? filter.typed : filter.generic }, (state) => {
        const kept = state.filter((row) => !filter.matches(row));
        if (rows.some(({ key }) => kept.some((row) => row.key === key))) return undefined;
        // A row whose key comes again keeps its place.
        const again = state.flatMap((row) => (filter.matches(row) ? rows.filter(({ key }) => key === row.key) : [row]));
        return [...again, ...rows.filter(({ key }) => !state.some((row) => row.key === key))];
      }),
    ),
  );
});

async function check(server: Server, states: ReadonlyMap<number, Readonly<Record<Name, State>>>): Promise<void> {
  for (const [snapshotId, tables] of states) {
    const { asOf } = await server.data<{
      asOf: Record<Name, { nodes: Item[]; totalCount: number }> & Record<'raw', { rows: { nodes: Item[] } }>;
    }>(
      `{ asOf(snapshotId: ${snapshotId}) { left { nodes { key tag } totalCount } right { nodes { key tag } totalCount } raw: table(name: "left") { rows { nodes } } } }`,
    );
    for (const name of TABLES) {
      expect(asOf[name].nodes, `${name} as of ${snapshotId}`).toEqual(tables[name]);
      expect(asOf[name].totalCount).toBe(tables[name].length);
    }
    expect(asOf.raw.rows.nodes).toEqual(tables.left);
  }
}

/** What became of a table between two states, by key; keys are never changed here, so that they tell rows apart. */
function counted(before: State, after: State): Record<string, number> {
  const both = after.filter(({ key }) => before.some((row) => row.key === key));
  return { gone: before.length - both.length, came: after.length - both.length };
}

describe('through GraphQL, both APIs', () => {
  it('every snapshot of every table reads as a plain model has it, and so do diffs', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { minLength: 5, maxLength: 25 }),
        fc.array(fc.nat(24), { maxLength: 3 }),
        async (changes, compactAt) => {
          const server = await testServer();
          const columns = '[{name: "key", type: INT, required: true}, {name: "tag", type: STRING}]';
          for (const name of TABLES)
            await server.data(`mutation { createTable(input: {name: "${name}", columns: ${columns}, primaryKey: ["key"]}) { replayed } }`);
          let now: Readonly<Record<Name, State>> = { left: [], right: [] };
          const states = new Map<number, typeof now>([[2, now]]);
          for (const [step, { name, document, variables, apply }] of changes.entries()) {
            if (compactAt.includes(step)) await server.data('mutation { compact { flushedRows } }');
            const { data, errors } = await server.query<{ done: { commit: { snapshotId: number } | null } }>(document, variables);
            const next = apply(now[name]);
            if (next === undefined) {
              expect(errors?.[0]?.extensions.code, document).toBe('INVALID_ROW');
              continue;
            }
            expect(errors, document).toBeUndefined();
            now = { ...now, [name]: next };
            const snapshotId = data?.done.commit?.snapshotId;
            if (snapshotId !== undefined) states.set(snapshotId, now);
          }
          await check(server, states);
          const head = Math.max(...states.keys());
          const { diff } = await server.data<{
            diff: Record<
              Name,
              { insertedRows: number; deletedRows: number; changes: { nodes: { before: Item | null; after: Item | null }[] } }
            >;
          }>(
            `{ diff(from: {snapshotId: 2}) { left { insertedRows deletedRows changes { nodes { before { key tag } after { key tag } } } }
             right { insertedRows deletedRows changes { nodes { before { key tag } after { key tag } } } } } }`,
          );
          for (const name of TABLES) {
            expect({ gone: diff[name].deletedRows, came: diff[name].insertedRows }).toEqual(counted([], states.get(head)?.[name] ?? []));
            expect(diff[name].changes.nodes.map(({ after }) => after)).toEqual(states.get(head)?.[name]);
          }
          await server.stop();
        },
      ),
      { numRuns: RUNS, endOnFailure: true },
    );
  }, 120_000);
});
