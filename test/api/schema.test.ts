import { readFileSync } from 'node:fs';
import { buildSchema, type GraphQLSchema } from 'graphql';
import { describe, expect, it } from 'vitest';
import { DEMO_TABLES, testServer } from '../support/server-support.ts';

const SDL = readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8');

describe('GET /schema.graphql is what clients generate types from', () => {
  it('it is the file in the repository for the demo tables, and says @oneOf', async () => {
    const server = await testServer({ tables: DEMO_TABLES });
    const response = await fetch(`${server.url}/schema.graphql`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^application\/graphql/);
    const served = await response.text();
    expect(SDL.endsWith(served)).toBe(true);
    expect(served).toContain('input AsOfInput @oneOf');
    expect(served).toContain('input OrdersOrderBy @oneOf');
    expect(() => buildSchema(served)).not.toThrow();
  });

  it('on an empty catalog it builds too, and a new table is in it at once', async () => {
    const server = await testServer();
    const read = async (): Promise<GraphQLSchema> => buildSchema(await (await fetch(`${server.url}/schema.graphql`)).text());
    expect((await read()).getType('OrdersRow')).toBeUndefined();
    await server.data('mutation { createTable(input: {name: "orders", columns: [{name: "a", type: INT}]}) { snapshots { snapshotId } } }');
    expect((await read()).getType('OrdersRow')).toBeDefined();
  });

  it('introspection answers with the schema of the moment, and again after it changed', async () => {
    const server = await testServer();
    const document = '{ __schema { mutationType { fields { name } } } }';
    type Fields = { __schema: { mutationType: { fields: { name: string }[] } } };
    const names = async (): Promise<string[]> => (await server.data<Fields>(document)).__schema.mutationType.fields.map(({ name }) => name);
    const before = await names();
    expect(before).toEqual(expect.arrayContaining(['createTable', 'append', 'compact']));
    expect(before).not.toContain('appendOrders');
    expect(await names()).toEqual(before);
    await server.data('mutation { createTable(input: {name: "orders", columns: [{name: "a", type: INT}]}) { replayed } }');
    expect((await names()).slice(0, before.length + 1)).toEqual([...before, 'appendOrders']);
  });
});
