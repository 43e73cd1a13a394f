/** The GraphQL schema in parts: shared between its versions, valid as a whole, and without a table that cannot be built. */
import { buildSchema as fromText, type GraphQLSchema, GraphQLSchema as NativeSchema, printSchema, validateSchema } from 'graphql';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Engine, Session, type TableDefinition } from '../../src/engine/index.ts';
import { typedTable } from '../../src/resolvers/table-types.ts';
import { buildSchema } from '../../src/schema/build.ts';
import { SchemaProvider } from '../../src/schema/index.ts';
import type { addRowTypes } from '../../src/schema/tables/row.ts';
import { DEMO_TABLES, liveClient, subscribe, testServer } from '../support/server-support.ts';
import { testEngine } from '../support/support.ts';

/** Tables whose types are made wrong, by name: as a defect of ours would. */
const broken = new Map<string, 'throws' | 'no field'>();

vi.mock('../../src/schema/tables/row.ts', async (load) => {
  const actual = await load<{ addRowTypes: typeof addRowTypes }>();
  const spoiled: typeof addRowTypes = (builder, ...rest) => {
    const [, , , { table, prefix }] = rest;
    const how = broken.get(table.name);
    if (how === 'throws') throw new Error('a defect of the types');
    if (how === 'no field') builder.objectRef(`${prefix}Empty`).implement({ description: 'A type without fields.', fields: () => ({}) });
    return actual.addRowTypes(builder, ...rest);
  };
  return { ...actual, addRowTypes: spoiled };
});

afterEach(() => broken.clear());

const plain = (name: string): TableDefinition => ({ name, columns: [{ name: 'k', type: 'LONG' }], primaryKey: ['k'] });
const TABLES = [...DEMO_TABLES, plain('a'), plain('a_b'), plain('a2')];

async function engineWith(tables: readonly TableDefinition[]): Promise<Engine> {
  const engine = await testEngine();
  for (const table of tables) await engine.createTable(table);
  return engine;
}

/** Types that are not the same objects in two versions. */
function changed(before: GraphQLSchema, after: GraphQLSchema): string[] {
  return Object.values(after.getTypeMap())
    .filter((type) => before.getType(type.name) !== type)
    .map(({ name }) => name);
}

const sorted = (text: string): string[] => text.trim().split('\n\n').sort();

describe('a schema that is put together from parts', () => {
  it('is the one that would be built whole, and its types refer to no others than its own', async () => {
    const engine = await engineWith(TABLES);
    const entry = new SchemaProvider(new Session(engine)).current();
    const whole = buildSchema(engine.tables().map(typedTable));
    expect(sorted(await entry.sdl())).toEqual(sorted(printSchema(whole)));
    expect(printSchema(entry.schema)).toBe((await entry.sdl()).trimEnd());
    // GraphQL's own constructor finds types that are there twice, and its validation what is wrong with them.
    const native = new NativeSchema({ ...entry.schema.toConfig(), assumeValid: false });
    expect(validateSchema(native)).toEqual([]);
    expect(Object.keys(native.getTypeMap()).sort()).toEqual(Object.keys(entry.schema.getTypeMap()).sort());
    for (const type of Object.values(native.getTypeMap())) expect(entry.schema.getType(type.name)).toBe(type);
    expect(printSchema(fromText(await entry.sdl())).length).toBeGreaterThan(1000);
  });

  it('shares the types of tables that were not touched with the version before', async () => {
    const engine = await engineWith(TABLES);
    const provider = new SchemaProvider(new Session(engine));
    const versions = [provider.current()];
    const next = (): string[] => {
      versions.push(provider.current());
      return changed(versions.at(-2)?.schema as GraphQLSchema, versions.at(-1)?.schema as GraphQLSchema);
    };
    expect(next()).toEqual([]);
    await engine.append('a', [{ k: 1 }]);
    expect(next()).toEqual([]);
    await engine.createTable(plain('fresh'));
    const growing = /^(Query|Mutation|Subscription|CatalogView|CatalogDiff|CommitOperation|\w+Payload)$/;
    const ofOthers = (prefix: string) => next().filter((name) => !growing.test(name) && !name.startsWith(prefix));
    expect(ofOthers('Fresh')).toEqual([]);
    await engine.commit([{ kind: 'alterTable', table: 'a', changes: [{ kind: 'addColumn', column: { name: 'x', type: 'INT' } }] }]);
    expect(ofOthers('A')).toEqual([]);
    await engine.commit([{ kind: 'dropTable', table: 'fresh' }]);
    expect(ofOthers('never')).toEqual([]);
    // What came before is as it was.
    const [first] = versions;
    expect(sorted((await first?.sdl()) ?? '')).toEqual(sorted(printSchema(buildSchema(first?.types.tables ?? []))));
    expect(first?.schema.getType('FreshRow')).toBeUndefined();
  });

  it('comes to the same whether many tables are prepared first or not', async () => {
    const engine = await engineWith(Array.from({ length: 40 }, (_, index) => plain(`t${index}`)));
    const provider = new SchemaProvider(new Session(engine));
    await Promise.all([provider.prepare(), provider.prepare()]);
    expect(provider.newest()).toBe(provider.current());
    expect(await provider.current().sdl()).toBe(await new SchemaProvider(new Session(engine)).current().sdl());
  });
});

describe('while the schema is put together with turns for others in between', () => {
  it('who waits gets at least what there was when they came, whatever changes meanwhile', async () => {
    const engine = await engineWith(Array.from({ length: 30 }, (_, index) => plain(`t${index}`)));
    const provider = new SchemaProvider(new Session(engine));
    for (let change = 0; change < 5; change += 1) {
      const waiting = provider.prepare();
      await engine.createTable(plain(`late${change}`));
      const after = provider.prepare().then(() => provider.newest().schema.getType(`Late${change}Row`));
      await waiting;
      expect(await after).toBeDefined();
    }
    const names = (await provider.current().sdl()).match(/^type \w+Row implements/gm);
    expect(names).toHaveLength(35);
  });
});

describe.each(['throws', 'no field'] as const)('a table whose types cannot be built (%s)', (how) => {
  it('is alone left out of the typed API, with a notice; it is read, changed and dropped, over a restart', async () => {
    broken.set('poison', how);
    const first = await testServer({ tables: [plain('sound')] });
    const { createTable } = await first.data<{ createTable: { view: unknown; notices: unknown } }>(
      `mutation { createTable(input: { name: "poison", columns: [{ name: "k", type: LONG }, { name: "x", type: INT }] }) {
        notices view { sound { totalCount } table(name: "poison") { rowCount } } } }`,
    );
    expect(createTable.notices).toEqual([expect.stringContaining('poison is not in the typed API')]);
    expect(createTable.view).toEqual({ sound: { totalCount: 0 }, table: { rowCount: 0 } });
    const changes = await subscribe<unknown>(first, liveClient(first.url), 'subscription { soundChanges { changes { after { k } } } }');
    await first.data(
      'mutation { append(table: "poison", rows: [{ k: 1 }]) { insertedRows } appendSound(rows: [{ k: 2 }]) { insertedRows } }',
    );
    expect(await changes.take()).toEqual({ soundChanges: { changes: [{ after: { k: '2' } }] } });
    expect((await first.failure('{ asOf { poison { totalCount } } }')).extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
    const warned = (logs: readonly { level: number; msg: string }[]) =>
      logs.filter(({ level, msg }) => level === 40 && msg.includes('poison'));
    expect(warned(first.logs)).toHaveLength(1);
    await first.stop();

    const again = await testServer({ directory: first.directory });
    const read = `{ asOf { sound { nodes { k } } table(name: "poison") { rows { nodes } } } table(name: "poison") { notices } other: table(name: "sound") { notices } }`;
    expect(await again.data(read)).toEqual({
      asOf: { sound: { nodes: [{ k: '2' }] }, table: { rows: { nodes: [{ k: '1', x: null }] } } },
      table: { notices: [expect.stringContaining('poison is not in the typed API')] },
      other: { notices: [] },
    });
    expect(warned(again.logs)).toHaveLength(1);
    await again.data('mutation { alterTable(table: "poison", changes: [{ dropColumn: { name: "x" } }]) { commit { snapshotId } } }');
    expect(await again.data('{ asOf { sound { totalCount } } }')).toEqual({ asOf: { sound: { totalCount: 1 } } });
    // Its types can be built again.
    broken.clear();
    await again.data(
      'mutation { alterTable(table: "poison", changes: [{ addColumn: { name: "y", type: INT } }]) { commit { snapshotId } } }',
    );
    expect(await again.data('{ asOf { poison { nodes { k y } } } table(name: "poison") { notices } }')).toEqual({
      asOf: { poison: { nodes: [{ k: '1', y: null }] } },
      table: { notices: [] },
    });
    await again.data('mutation { dropTable(table: "poison") { commit { snapshotId } } }');
    expect(await again.data('{ asOf { sound { totalCount } } }')).toEqual({ asOf: { sound: { totalCount: 1 } } });
  });
});
