/** createTable: a request has the same answer alone, as the one operation of a commit, and beside another one. */
import { describe, expect, it } from 'vitest';
import type { CommitOptions, TableDefinition } from '../../src/engine/index.ts';
import { type Answer, type ErrorAnswer, type Loose, type TestServer, testServer } from '../support/server-support.ts';

const PAYLOAD = `{
  commit { snapshotId author message snapshots { operation table { name graphqlName } } }
  snapshots { snapshotId operation table { name graphqlName description primaryKey columns { name type required } } }
  replayed insertedRows updatedRows deletedRows notices
  view { snapshotId table(name: $name) { rowCount } }
}`;

/** The table as it is there where a case says so, and as most cases ask for it; each case gives it a name of its own. */
const T: TableDefinition = {
  name: 't',
  description: 'Texts.',
  columns: [
    { name: 'id', type: 'INT' },
    { name: 'text', type: 'STRING' },
  ],
  primaryKey: ['id'],
};

interface Case {
  readonly name: string;
  readonly before?: (server: TestServer, name: string) => Promise<unknown>;
  readonly input: TableDefinition;
  readonly options?: CommitOptions;
  /** The code of the error, or 'committed', 'nothing' or 'replayed'. */
  readonly becomes: string;
}

const there = ({ engine }: TestServer, name: string): Promise<unknown> => engine.createTable({ ...T, name });
const ignoring = (changed: Partial<TableDefinition>): TableDefinition => ({ ...T, ...changed, ifExists: 'IGNORE' });

const CASES: readonly Case[] = [
  { name: 'a new table', input: T, options: { author: 'Ada', message: 'First.' }, becomes: 'committed' },
  { name: 'a new table, ignoring that it is there', input: ignoring({}), becomes: 'committed' },
  { name: 'the same columns', before: there, input: T, becomes: 'TABLE_EXISTS' },
  { name: 'the same columns, ignoring', before: there, input: ignoring({}), becomes: 'nothing' },
  { name: 'another description, ignoring', before: there, input: ignoring({ description: 'Other texts.' }), becomes: 'nothing' },
  { name: 'another graphqlName, ignoring', before: there, input: ignoring({ graphqlName: 'texts' }), becomes: 'SCHEMA_MISMATCH' },
  { name: 'another graphqlName', before: there, input: { ...T, graphqlName: 'texts' }, becomes: 'TABLE_EXISTS' },
  { name: 'another primary key, ignoring', before: there, input: ignoring({ primaryKey: [] }), becomes: 'SCHEMA_MISMATCH' },
  {
    name: 'another type, ignoring',
    before: there,
    input: ignoring({ columns: [{ name: 'id', type: 'LONG' }, ...T.columns.slice(1)] }),
    becomes: 'SCHEMA_MISMATCH',
  },
  {
    name: 'the name of a table that was dropped',
    before: async (server, name) => {
      await there(server, name);
      await server.engine.dropTable(name);
    },
    input: T,
    becomes: 'committed',
  },
  {
    name: 'a name that is the same but for case',
    before: ({ engine }, name) => engine.createTable({ ...T, name: name.toUpperCase().replace('T', 't') }),
    input: T,
    becomes: 'NAME_COLLISION',
  },
  { name: 'a name that is none', input: { ...T, name: 'T' }, becomes: 'INVALID_NAME' },
  { name: 'no columns', before: there, input: ignoring({ columns: [] }), becomes: 'BAD_USER_INPUT' },
  {
    name: 'what was done before under the same key',
    before: ({ engine }, name) => engine.createTable({ ...T, name }, { idempotencyKey: 'k1' }),
    input: T,
    options: { idempotencyKey: 'k1' },
    becomes: 'replayed',
  },
  {
    name: 'a key of other content',
    before: ({ engine }, name) => engine.createTable({ ...T, name, description: null }, { idempotencyKey: 'k2' }),
    input: T,
    options: { idempotencyKey: 'k2' },
    becomes: 'IDEMPOTENCY_KEY_REUSED',
  },
  {
    name: 'a key of other content, ignoring',
    before: ({ engine }, name) => engine.createTable({ ...T, name }, { idempotencyKey: 'k3' }),
    input: ignoring({}),
    options: { idempotencyKey: 'k3' },
    becomes: 'IDEMPOTENCY_KEY_REUSED',
  },
  {
    name: 'a table that has changed since what was expected, ignoring',
    before: there,
    input: ignoring({}),
    options: { expectedSnapshotId: 0 },
    becomes: 'nothing',
  },
  { name: 'a change of rows that is none', before: there, input: ignoring({}), options: { expectedRows: 1 }, becomes: 'CONFLICT' },
  { name: 'a message that is too long', input: T, options: { message: 'x'.repeat(10_001) }, becomes: 'LIMIT_EXCEEDED' },
];

const ALONE = `mutation ($name: String!, $input: CreateTableInput!, $options: CommitOptions) {
  answer: createTable(input: $input, options: $options) ${PAYLOAD}
}`;
const IN_COMMIT = `mutation ($name: String!, $input: CreateTableInput!, $options: CommitOptions) {
  answer: commit(operations: [{createTable: $input}], options: $options) ${PAYLOAD}
}`;
const BESIDE = `mutation ($beside: String!, $input: CreateTableInput!, $options: CommitOptions) {
  answer: commit(operations: [{createTable: $input}, {createTable: {name: $beside, columns: [{name: "a", type: INT}]}}], options: $options) { replayed }
}`;

interface Payload extends Loose {
  readonly commit: unknown;
  readonly replayed: boolean;
}

function became({ data, errors }: Answer<{ answer: Payload | null }>): string {
  if (errors?.[0] !== undefined) return errors[0].extensions.code;
  if (data?.answer?.replayed === true) return 'replayed';
  return data?.answer?.commit === null ? 'nothing' : 'committed';
}

/** What is said of an error, without the place in the commit. */
function said(error: ErrorAnswer | undefined): unknown {
  if (error === undefined) return undefined;
  const { code, hint, details } = error.extensions;
  const { operation: _operation, ...rest } = details;
  return { message: error.message.replace('operations[0] (createTable): ', ''), code, hint, details: rest };
}

describe('createTable', () => {
  it('has the same answer alone, in a commit, and beside another operation', async () => {
    const servers = [await testServer(), await testServer(), await testServer()] as const;
    for (const [index, { name: what, before, input, options, becomes }] of CASES.entries()) {
      const name = input.name === T.name ? `${T.name}x${index}` : input.name;
      const ask = async (server: TestServer, document: string, names: Loose): Promise<Answer<{ answer: Payload | null }>> => {
        await before?.(server, name);
        return server.query(document, { ...names, input: { ...input, name }, options } as Loose);
      };
      const alone = await ask(servers[0], ALONE, { name });
      expect(became(alone), what).toBe(becomes);
      expect(await ask(servers[1], IN_COMMIT, { name }), what).toEqual(alone);
      // A key or an expectation is about the whole commit, which has another table here.
      if (options?.idempotencyKey !== undefined || options?.expectedRows !== undefined) continue;
      const beside = await ask(servers[2], BESIDE, { beside: `beside${index}` });
      expect(said(beside.errors?.[0]), what).toEqual(said(alone.errors?.[0]));
    }
  });

  it('by many at once, ignoring what is there, is done by one of them', async () => {
    const { engine } = await testServer();
    const results = await Promise.all(Array.from({ length: 20 }, () => engine.createTable(ignoring({}))));
    expect(results.filter(({ commit }) => commit !== null)).toHaveLength(1);
    expect(results.map(({ snapshots }) => snapshots.map(({ snapshotId }) => snapshotId))).toEqual(results.map(() => [1]));
  });

  it('in a commit that goes on with the table takes the one there is, or makes it', async () => {
    const { engine } = await testServer();
    const rows = (id: number) =>
      engine.commit([
        { kind: 'createTable', definition: ignoring({}) },
        { kind: 'append', table: 't', rows: [{ id }] },
      ]);
    const results = await Promise.all([rows(1), rows(2), rows(3)]);
    expect(results.map(({ insertedRows }) => insertedRows)).toEqual([1, 1, 1]);
    expect(engine.tables()).toHaveLength(1);
    expect(engine.table('t').last.totalRows).toBe(3);
  });
});
