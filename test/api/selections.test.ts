/** What is selected is looked at as GraphQL executes it: a fragment on another type asks for nothing. */
import { expect, it } from 'vitest';
import { testServer } from '../support/server-support.ts';

it('a cursor inside a fragment on another type pins no snapshot', async () => {
  const server = await testServer({ tables: [{ name: 'rows', columns: [{ name: 'k', type: 'LONG' }], primaryKey: ['k'] }] });
  await server.engine.append('rows', [{ k: 1 }, { k: 2 }]);
  const first = await server.data<{ asOf: { id: string; rows: { pageInfo: { endCursor: string } } } }>(
    '{ asOf { id rows(first: 1) { pageInfo { endCursor } } } }',
  );
  await server.engine.append('rows', [{ k: 3 }]);
  const variables = { id: first.asOf.id, after: first.asOf.rows.pageInfo.endCursor };
  const answers = async (type: string) => {
    const document = `query ($id: ID!, $after: String) {
      node(id: $id) { ... on CatalogView { snapshotId } ... on Node { ... on ${type} { rows(after: $after) { totalCount } } } }
    }`;
    return (await server.data<{ node: unknown }>(document, variables)).node;
  };
  expect(await answers('TableView')).toEqual({ snapshotId: 3 });
  expect(await answers('CatalogView')).toEqual({ snapshotId: 2, rows: { totalCount: 2 } });
});
