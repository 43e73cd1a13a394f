import { describe, expect, it } from 'vitest';
import { CUSTOMERS, ORDERS, orders, type TestServer, testServer } from '../support/server-support.ts';

interface Committed {
  readonly snapshotId: number;
  readonly timestamp: string;
}

async function append(server: TestServer, table: string, rows: readonly unknown[]): Promise<Committed> {
  const document = 'mutation ($table: String!, $rows: [JSON!]!) { append(table: $table, rows: $rows) { commit { snapshotId timestamp } } }';
  return (await server.data<{ append: { commit: Committed } }>(document, { table, rows })).append.commit;
}

/** Reads the clock of the server past a commit, so that the next one has a later timestamp. */
async function pass(server: TestServer, { timestamp }: Committed): Promise<void> {
  await server.data('query ($at: DateTime) { asOf(timestamp: $at) { snapshotId } }', { at: timestamp });
}

/** customers at 3, orders at 4 and 5, customers at 6; every commit later than the one before. */
async function history(): Promise<{ server: TestServer; commits: Committed[] }> {
  const server = await testServer({ tables: [ORDERS, CUSTOMERS] });
  const commits: Committed[] = [];
  const steps: [string, readonly unknown[]][] = [
    ['customers', [{ id: 1, name: 'A' }]],
    ['orders', orders(1, 2)],
    ['orders', orders(3, 3)],
    ['customers', [{ id: 2, name: 'B' }]],
  ];
  for (const [table, rows] of steps) {
    const commit = await append(server, table, rows);
    commits.push(commit);
    await pass(server, commit);
  }
  return { server, commits };
}

const STATE = 'snapshotId orders { totalCount } customers { totalCount }';
const state = (snapshotId: number, orderCount: number | null, customerCount: number | null): object => ({
  snapshotId,
  orders: orderCount === null ? null : { totalCount: orderCount },
  customers: customerCount === null ? null : { totalCount: customerCount },
});

describe('asOf chooses the instant, and one instant holds for every table', () => {
  it('without an argument it is the newest commit', async () => {
    const { server } = await history();
    expect(await server.data(`{ asOf { ${STATE} } }`)).toEqual({ asOf: state(6, 5, 2) });
    expect(await server.data(`{ asOf(at: null, timestamp: null, snapshotId: null) { ${STATE} } }`)).toEqual({ asOf: state(6, 5, 2) });
  });

  it('a snapshotId, as a number or a string, of a commit of any table', async () => {
    const { server } = await history();
    const answer = await server.data(
      `query ($id: SafeInt, $at: AsOfInput) {
        a: asOf(snapshotId: 4) { ${STATE} } b: asOf(snapshotId: "4") { ${STATE} } c: asOf(snapshotId: $id) { ${STATE} }
        d: asOf(at: {snapshotId: 4}) { ${STATE} } e: asOf(at: $at) { ${STATE} } f: asOf(snapshotId: 2) { ${STATE} } g: asOf(snapshotId: 1) { ${STATE} }
      }`,
      { id: '4', at: { snapshotId: 4 } },
    );
    const four = state(4, 2, 1);
    expect(answer).toEqual({ a: four, b: four, c: four, d: four, e: four, f: state(2, 0, 0), g: state(1, 0, null) });
  });

  it('a timestamp is inclusive, in any offset, with digits or as epoch milliseconds', async () => {
    const { server, commits } = await history();
    const [, four] = commits;
    const at = Date.parse(four?.timestamp ?? '');
    const east = new Date(at + 2 * 3600 * 1000).toISOString().replace('Z', '+02:00');
    const answer = await server.data(
      `query ($iso: DateTime!, $east: DateTime, $number: DateTime, $before: DateTime) {
        a: asOf(timestamp: $iso) { ${STATE} timestamp } b: asOf(timestamp: $east) { ${STATE} } c: asOf(timestamp: $number) { ${STATE} }
        d: asOf(at: {timestamp: $iso}) { ${STATE} } e: asOf(timestamp: $before) { ${STATE} }
      }`,
      { iso: four?.timestamp, east, number: at, before: at - 1 },
    );
    const expected = state(4, 2, 1);
    const a = { ...expected, timestamp: four?.timestamp };
    expect(answer).toEqual({ a, b: expected, c: expected, d: expected, e: state(3, 0, 1) });
  });

  it('before the first commit the catalog is empty: 0, no timestamp, no table, and its id is a node', async () => {
    const { server } = await history();
    const empty = { snapshotId: 0, timestamp: null, orders: null, table: null };
    const fields = 'id snapshotId timestamp orders { totalCount } table(name: "orders") { rowCount }';
    const answer = await server.data<{ asOf: { id: string } }>(`{ asOf(timestamp: "2001-01-01T00:00:00Z") { ${fields} } }`);
    expect(answer.asOf).toMatchObject(empty);
    const node = await server.data(`query ($id: ID!) { node(id: $id) { ... on CatalogView { ${fields} } } }`, { id: answer.asOf.id });
    expect(node).toEqual({ node: answer.asOf });
    const fresh = await testServer();
    expect(await fresh.data('{ asOf { snapshotId timestamp } }')).toEqual({ asOf: { snapshotId: 0, timestamp: null } });
  });

  it('the id of a view at a named instant is that of its snapshot, however it was named; the present has an id of its own', async () => {
    const { server, commits } = await history();
    const answer = await server.data<Record<string, { id: string }>>(
      'query ($at: DateTime) { now: asOf { id } b: asOf(snapshotId: 6) { id } c: asOf(timestamp: $at) { id } other: asOf(snapshotId: 5) { id } }',
      { at: commits[3]?.timestamp },
    );
    expect(answer['b']?.id).toBe(answer['c']?.id);
    expect(new Set([answer['now']?.id, answer['b']?.id, answer['other']?.id]).size).toBe(3);
  });

  it('a table that did not exist then is null through the view, an error with its creation through the table, and never was: TABLE_NOT_FOUND', async () => {
    const { server } = await history();
    expect(
      await server.data(
        '{ asOf(snapshotId: 1) { customers { totalCount } customersByKey(id_: 1) { id } table(name: "customers") { rowCount } } }',
      ),
    ).toEqual({
      asOf: { customers: null, customersByKey: null, table: null },
    });
    const { table } = await server.data<{ table: { createdAt: string } }>('{ table(name: "customers") { createdAt } }');
    const asOf = await server.query('{ table(name: "customers") { name asOf(snapshotId: 1) { rowCount } } }');
    expect(asOf.data).toEqual({ table: { name: 'customers', asOf: null } });
    expect(asOf.errors?.[0]).toMatchObject({
      path: ['table', 'asOf'],
      extensions: { code: 'TABLE_NOT_FOUND_AS_OF', details: { createdAt: table.createdAt, droppedAt: null } },
    });
    expect((await server.failure('{ asOf { table(name: "nope") { rowCount } } }')).extensions).toMatchObject({
      code: 'TABLE_NOT_FOUND',
      details: { table: 'nope' },
    });
    expect((await server.failure('mutation { append(table: "nope", rows: []) { replayed } }')).extensions.code).toBe('TABLE_NOT_FOUND');
    expect(await server.data('{ table(name: "nope") { name } }')).toEqual({ table: null });
  });

  it('a snapshot that is not there, or an instant that has not come, is an error that says what there is', async () => {
    const { server } = await history();
    for (const snapshotId of [7, 0, -1])
      expect(
        (await server.failure('query ($snapshotId: SafeInt) { asOf(snapshotId: $snapshotId) { id } }', { snapshotId })).extensions,
      ).toMatchObject({
        code: 'SNAPSHOT_NOT_FOUND',
        details: { snapshotId, newestSnapshotId: 6 },
      });
    const { extensions } = await server.failure('{ asOf(timestamp: "2999-01-01T00:00:00Z") { id } }');
    expect(extensions).toMatchObject({ code: 'FUTURE_TIMESTAMP', details: { now: expect.stringMatching(/^\d{4}-.*Z$/) } });
  });

  it('an instant that is about to come is waited for, and no later commit gets into it', async () => {
    const { server } = await history();
    const at = new Date(Date.now() + 300).toISOString();
    const document = `query ($at: DateTime) { asOf(timestamp: $at) { ${STATE} } }`;
    const waiting = server.data(document, { at });
    const answer = await waiting;
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(at));
    await append(server, 'orders', orders(20, 1));
    expect(await server.data(document, { at })).toEqual(answer);
  });

  it('what the past answered it answers for ever, while the table grows and is compacted', async () => {
    const { server } = await history();
    const document =
      '{ asOf(snapshotId: 5) { orders(orderBy: [{amount: DESC}]) { nodes { id order_id amount status } aggregate { sum { amount } } } } }';
    const before = await server.data(document);
    await append(server, 'orders', orders(100, 50));
    expect(await server.data(document)).toEqual(before);
    await server.data('mutation { compact { flushedRows } }');
    expect(await server.data(document)).toEqual(before);
  });
});

describe('one failed field leaves the others alone', () => {
  it('a root alias that fails is null beside those that answer', async () => {
    const { server } = await history();
    const answer = await server.query(
      '{ good: asOf(snapshotId: 4) { snapshotId } bad: asOf(snapshotId: 99) { snapshotId } also: tables(first: 1) { nodes { name } } }',
    );
    expect(answer.data).toEqual({ good: { snapshotId: 4 }, bad: null, also: { nodes: [{ name: 'orders' }] } });
    expect(answer.errors).toMatchObject([{ path: ['bad'], extensions: { code: 'SNAPSHOT_NOT_FOUND' } }]);
    expect(answer.status).toBe(200);
  });

  it('mutations run in order, each one commit, and one that fails does not undo or stop the others', async () => {
    const server = await testServer({ tables: [ORDERS] });
    const answer = await server.query(`mutation {
      a: appendOrders(rows: [{order_id: 1, customer_id: 1}]) { commit { snapshotId } }
      b: appendOrders(rows: [{order_id: 1, customer_id: 2}]) { commit { snapshotId } }
      c: append(table: "orders", rows: [{order_id: 2, customer_id: 1}]) { commit { snapshotId } view { orders { totalCount } } }
    }`);
    expect(answer.data).toEqual({
      a: { commit: { snapshotId: 2 } },
      b: null,
      c: { commit: { snapshotId: 3 }, view: { orders: { totalCount: 2 } } },
    });
    expect(answer.errors).toMatchObject([
      {
        path: ['b'],
        extensions: { code: 'INVALID_ROW', details: { rows: [{ index: 0, column: 'order_id', reason: expect.any(String) }] } },
      },
    ]);
  });
});
