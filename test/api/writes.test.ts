/** Every kind of operation of the engine is in the API: alone, inside `commit`, and, on rows, typed; and says what it does. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type GraphQLInputObjectType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  getNamedType,
  isInputObjectType,
  isNonNullType,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { ROW_OPERATIONS, TABLE_OPERATIONS } from '../../src/engine/commit/write/operations/index.ts';
import { typedTable } from '../../src/resolvers/table-types.ts';
import { buildSchema } from '../../src/schema/build.ts';
import { testEngine } from '../support/support.ts';

const ROW_KINDS = Object.entries(ROW_OPERATIONS);
const TABLE_KINDS = Object.keys(TABLE_OPERATIONS);

type Fields = Readonly<Record<string, { readonly type: unknown; readonly description?: string | null | undefined } | undefined>>;

/** A table with a primary key and one without. */
async function builtSchema() {
  const engine = await testEngine();
  const columns = [{ name: 'k', type: 'LONG' }] as const;
  await engine.createTable({ name: 'keyed', columns, primaryKey: ['k'] });
  await engine.createTable({ name: 'plain', columns });
  const schema = buildSchema(engine.tables().map(typedTable));
  const input = (name: string): GraphQLInputObjectType => schema.getType(name) as GraphQLInputObjectType;
  return { mutations: (schema.getMutationType() as GraphQLObjectType).getFields(), input };
}

/** What is asked for, by name: whether it must be given. */
function asked(parts: Iterable<{ readonly name: string; readonly type: unknown }>): Record<string, string> {
  return Object.fromEntries(Array.from(parts, ({ name, type }) => [name, isNonNullType(type) ? 'required' : 'optional']));
}

/** The type and all inputs below it, and their fields, say what they are. */
function expectDescribed(type: GraphQLNamedType, seen = new Set<string>()): void {
  if (!isInputObjectType(type) || seen.has(type.name)) return;
  seen.add(type.name);
  expect(type.description, type.name).toMatch(/\S/);
  for (const field of Object.values(type.getFields())) {
    expect(field.description, `${type.name}.${field.name}`).toMatch(/\S/);
    expectDescribed(getNamedType(field.type), seen);
  }
}

describe('an operation on rows', () => {
  it.each(ROW_KINDS)('%s is a mutation of the generic API, and takes what the engine asks for', async (kind, { asks }) => {
    const { mutations } = await builtSchema();
    expect(mutations[kind]?.description).toMatch(/\S/);
    expect(asked(mutations[kind]?.args ?? [])).toEqual({ table: 'required', ...asks, options: 'optional' });
    for (const { name, description, type } of mutations[kind]?.args ?? []) {
      expect(description, name).toMatch(/\S/);
      expectDescribed(getNamedType(type));
    }
  });

  it.each(ROW_KINDS)('%s is a mutation of each table that it fits', async (kind, { asks, isByKey }) => {
    const { mutations } = await builtSchema();
    const typed = mutations[`${kind}Keyed`];
    expect(typed?.description ?? 'there is none').toContain('keyed');
    expect(asked(typed?.args ?? [])).toEqual({ ...asks, options: 'optional' });
    for (const { name, description, type } of typed?.args ?? []) {
      expect(description, name).toMatch(/\S/);
      expectDescribed(getNamedType(type));
    }
    expect(mutations[`${kind}Plain`] === undefined).toBe(isByKey);
  });

  it.each(ROW_KINDS)('%s is a key of a commit, and of each table in it that it fits', async (kind, { asks, isByKey }) => {
    const { input } = await builtSchema();
    const generic = input('CommitOperation').getFields()[kind];
    expect(generic?.description).toMatch(/\S/);
    const operation = getNamedType(generic?.type) as GraphQLInputObjectType;
    expect(asked(Object.values(operation.getFields()))).toEqual({ table: 'required', ...asks });
    expectDescribed(operation);
    const typed: Fields = input('KeyedWrite').getFields();
    expect(typed[kind]?.description).toMatch(/\S/);
    expectDescribed(input('KeyedWrite'));
    expect(input('PlainWrite').getFields()[kind] === undefined).toBe(isByKey);
  });
});

describe('an operation on tables', () => {
  it.each(TABLE_KINDS)('%s is a mutation, and a key of a commit', async (kind) => {
    const { mutations, input } = await builtSchema();
    expect(mutations[kind]?.description).toMatch(/\S/);
    for (const { name, description } of mutations[kind]?.args ?? []) expect(description, name).toMatch(/\S/);
    const key = input('CommitOperation').getFields()[kind];
    expect(key?.description).toMatch(/\S/);
    expectDescribed(getNamedType(key?.type) as GraphQLNamedType);
  });
});

describe('the documentation', () => {
  const root = join(import.meta.dirname, '../..');
  const pages = (folder: string): string[] =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => readFileSync(join(root, folder, name), 'utf8'));
  const text = [readFileSync(join(root, 'README.md'), 'utf8'), ...pages('docs')].join('\n');

  it.each([...Object.keys(ROW_OPERATIONS), ...TABLE_KINDS])('names %s', (kind) => {
    expect(text).toMatch(new RegExp(`\\b${kind}\\b`));
  });
});

describe('a commit', () => {
  it('has no operation but those of the engine, and the tables’ own', async () => {
    const { input } = await builtSchema();
    const keys = Object.keys(input('CommitOperation').getFields());
    expect(keys.sort()).toEqual([...Object.keys(ROW_OPERATIONS), ...TABLE_KINDS, 'keyed', 'plain'].sort());
  });
});
