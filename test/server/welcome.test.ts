import { Kind, parse } from 'graphql';
import { expect, it } from 'vitest';
import { WELCOME_DOCUMENT } from '../../src/server/http/welcome.ts';
import { testServer } from '../support/server-support.ts';

it('every operation of the welcome document answers, also the typed one that is commented out until there is a table', async () => {
  const start = WELCOME_DOCUMENT.indexOf('# query Typed');
  const document = WELCOME_DOCUMENT.slice(0, start) + WELCOME_DOCUMENT.slice(start).replaceAll(/^# ?/gm, '');
  const names = parse(document).definitions.map((one) => (one.kind === Kind.OPERATION_DEFINITION ? one.name?.value : undefined));
  expect(names).toEqual(expect.arrayContaining(['CreateOrders', 'AppendOrders', 'History', 'ThenAndNow', 'Typed']));
  const server = await testServer();
  for (const operationName of names) {
    // The typed query is valid only once its table is there: until then the document is asked for without it.
    const query = operationName === 'Typed' ? document.slice(start) : WELCOME_DOCUMENT;
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, operationName }),
    });
    const isSubscription = (await response.clone().text()).includes('WebSocket');
    const answer = (await response.json()) as { data?: { asOf?: unknown }; errors?: unknown };
    if (!isSubscription) expect(answer.errors, operationName).toBeUndefined();
    if (operationName === 'Typed')
      expect(answer.data?.asOf).toMatchObject({ orders: { totalCount: expect.any(Number), groupBy: { nodes: expect.any(Array) } } });
  }
});
