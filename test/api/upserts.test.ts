import { describe, expect, it } from 'vitest';
import { type Loose, testServer } from '../support/server-support.ts';

type Server = Awaited<ReturnType<typeof testServer>>;

async function filled(): Promise<Server> {
  const server = await testServer();
  await server.data(`mutation { createTable(input: {name: "orders", primaryKey: ["order_id"], columns: [
    {name: "order_id", type: LONG}, {name: "who", type: STRING, required: true}, {name: "status", type: STRING, default: "new"},
    {name: "amount", type: DOUBLE}, {name: "where", type: STRING}]}) { replayed } }`);
  await server.data(
    'mutation { appendOrders(rows: [{order_id: 1, who: "ann", amount: 10}, {order_id: 2, who: "bob", status: "paid"}]) { replayed } }',
  );
  return server;
}

const COUNTS = '{ insertedRows updatedRows commit { snapshotId } }';
const shown = async (server: Server): Promise<Loose[]> =>
  (await server.data<{ asOf: { orders: { nodes: Loose[] } } }>('{ asOf { orders { nodes { order_id who status amount } } } }')).asOf.orders
    .nodes;

/** One upsert in each way that a client may send it. */
type Send = (
  server: Server,
  rows: Loose[],
  onConflict?: { update?: unknown; where?: { typed: Loose; generic: Loose } },
) => ReturnType<Server['query']>;
const parts = (onConflict: Parameters<Send>[2], form: 'typed' | 'generic'): Loose | undefined =>
  onConflict === undefined ? undefined : { ...onConflict, ...(onConflict.where === undefined ? {} : { where: onConflict.where[form] }) };
const literal = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, inner]) => `${key}: ${key === 'update' ? `[${(inner as string[]).join(', ')}]` : literal(inner)}`)
    .join(', ')}}`;
};
const WAYS: Record<string, Send> = {
  'typed, by variables': (server, rows, onConflict) =>
    server.query(
      `mutation ($r: [OrdersRowPatch!]!${onConflict === undefined ? '' : ', $c: OrdersOnConflict'}) { done: upsertOrders(rows: $r${onConflict === undefined ? '' : ', onConflict: $c'}) ${COUNTS} }`,
      {
        r: rows,
        c: parts(onConflict, 'typed'),
      },
    ),
  'typed, by literals': (server, rows, onConflict) =>
    server.query(
      `mutation { done: upsertOrders(rows: ${literal(rows)}${onConflict === undefined ? '' : `, onConflict: ${literal(parts(onConflict, 'typed'))}`}) ${COUNTS} }`,
    ),
  generic: (server, rows, onConflict) =>
    server.query(
      `mutation ($r: [JSON!]!${onConflict === undefined ? '' : ', $c: OnConflict'}) { done: upsert(table: "orders", rows: $r${onConflict === undefined ? '' : ', onConflict: $c'}) ${COUNTS} }`,
      {
        r: rows,
        c: parts(onConflict, 'generic'),
      },
    ),
  'an operation of a commit': (server, rows, onConflict) =>
    server.query(`mutation ($o: [CommitOperation!]!) { done: commit(operations: $o) ${COUNTS} }`, {
      o: [{ upsert: { table: 'orders', rows, ...(onConflict === undefined ? {} : { onConflict: parts(onConflict, 'generic') }) } }],
    }),
};

describe.each(Object.entries(WAYS))('an upsert, %s', (_way, send) => {
  it('changes the columns that are given, and leaves the others', async () => {
    const server = await filled();
    const { data, errors } = await send(server, [
      { order_id: 2, amount: 5 },
      { order_id: 3, who: 'cat' },
      { order_id: 1, amount: null },
    ]);
    expect(errors).toBeUndefined();
    expect(data).toEqual({ done: { insertedRows: 1, updatedRows: 2, commit: { snapshotId: 3 } } });
    expect(await shown(server)).toEqual([
      { order_id: '1', who: 'ann', status: 'new', amount: null },
      { order_id: '2', who: 'bob', status: 'paid', amount: 5 },
      { order_id: '3', who: 'cat', status: 'new', amount: null },
    ]);
    expect((await send(server, [{ order_id: 2, amount: 5 }])).data).toEqual({ done: { insertedRows: 0, updatedRows: 0, commit: null } });
  });

  it('names the new row that lacks a required column', async () => {
    const server = await filled();
    const { errors } = await send(server, [{ order_id: 1 }, { order_id: 9 }]);
    expect(errors?.[0]?.extensions).toMatchObject({
      code: 'INVALID_ROW',
      details: { rows: [{ index: 1, column: 'who', reason: expect.stringContaining('new') }] },
    });
  });

  it('takes onConflict', async () => {
    const server = await filled();
    const where = { typed: { status: { eq: 'new' } }, generic: { column: 'status', eq: 'new' } };
    const given = [1, 2, 3].map((order_id) => ({ order_id, who: 'x', amount: 7 }));
    expect((await send(server, given, { update: ['amount'], where })).data).toMatchObject({ done: { insertedRows: 1, updatedRows: 1 } });
    expect((await shown(server)).map(({ who, amount }) => [who, amount])).toEqual([
      ['ann', 7],
      ['bob', null],
      ['x', 7],
    ]);
    expect(
      (
        await send(
          server,
          [
            { order_id: 1, who: 'y' },
            { order_id: 4, who: 'y' },
          ],
          { update: [] },
        )
      ).data,
    ).toMatchObject({
      done: { insertedRows: 1, updatedRows: 0 },
    });
  });
});

describe('onConflict through GraphQL', () => {
  it.each([
    ['a null list', 'mutation { upsertOrders(rows: [{order_id: 1}], onConflict: {update: null}) { replayed } }'],
    ['a null filter', 'mutation { upsertOrders(rows: [{order_id: 1}], onConflict: {where: null}) { replayed } }'],
    ['a null operand', 'mutation { upsertOrders(rows: [{order_id: 1}], onConflict: {where: {status: {eq: null}}}) { replayed } }'],
    ['an empty filter', 'mutation { upsertOrders(rows: [{order_id: 1}], onConflict: {where: {}}) { replayed } }'],
    ['an unset list', 'mutation ($u: [OrdersColumn!]) { upsertOrders(rows: [{order_id: 1}], onConflict: {update: $u}) { replayed } }'],
    [
      'an unset operand',
      'mutation ($s: String) { upsertOrders(rows: [{order_id: 1}], onConflict: {where: {status: {eq: $s}}}) { replayed } }',
    ],
    ['an unset whole', 'mutation ($c: OrdersOnConflict) { upsertOrders(rows: [{order_id: 1}], onConflict: $c) { replayed } }'],
    [
      'an unset list, generic',
      'mutation ($u: [String!]) { upsert(table: "orders", rows: [{order_id: 1}], onConflict: {update: $u}) { replayed } }',
    ],
    [
      'an unset list in a commit',
      'mutation ($u: [String!]) { commit(operations: [{upsert: {table: "orders", rows: [{order_id: 1}], onConflict: {update: $u}}}]) { replayed } }',
    ],
    ['a null whole', 'mutation { upsert(table: "orders", rows: [{order_id: 1}], onConflict: null) { replayed } }'],
  ])('%s is BAD_USER_INPUT: it must not widen what changes', async (_name, document) => {
    const server = await filled();
    const { errors } = await server.query(document);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(errors?.[0]?.message).toMatch(/onConflict|status\.eq/);
  });

  it('names columns that are not there, in the typed and the generic API', async () => {
    const server = await filled();
    const codes = [
      'upsert(table: "orders", rows: [{order_id: 1}], onConflict: {update: ["nope"]})',
      'upsertOrders(rows: [{order_id: 1}], onConflict: {update: [nope]})',
    ];
    const answers = await Promise.all(codes.map((field) => server.query(`mutation { ${field} { replayed } }`)));
    expect(answers.map(({ errors }) => errors?.[0]?.extensions.code)).toEqual(['COLUMN_NOT_FOUND', 'GRAPHQL_VALIDATION_FAILED']);
  });

  it('is not there on tables without a primary key', async () => {
    const server = await testServer();
    await server.data('mutation { createTable(input: {name: "notes", columns: [{name: "text", type: STRING}]}) { replayed } }');
    expect((await server.data<{ __type: unknown }>('{ __type(name: "NotesOnConflict") { name } }')).__type).toBeNull();
  });
});

describe('rows and new values in the operations of a commit', () => {
  it('may have columns of any name, set to null too', async () => {
    const server = await filled();
    await server.data(`mutation { commit(operations: [
      {append: {table: "orders", rows: [{order_id: 5, who: "x", where: null}]}},
      {orders: {append: [{order_id: 6, who: "x", where: null}]}},
      {orders: {upsert: [{order_id: 1, where: null}]}},
      {update: {table: "orders", where: {column: "order_id", eq: 2}, set: {where: null}}}]) { insertedRows } }`);
    expect(await shown(server)).toHaveLength(4);
  });

  it('are named by row where a typed variable does not fit', async () => {
    const server = await filled();
    const { errors } = await server.query('mutation ($r: [OrdersRowPatch!]!) { upsertOrders(rows: $r) { replayed } }', {
      r: [{ order_id: 1 }, { order_id: 1.5, amount: 'x' }],
    });
    expect(errors?.[0]?.extensions).toMatchObject({
      code: 'INVALID_ROW',
      details: {
        rows: [
          { index: 1, column: 'order_id' },
          { index: 1, column: 'amount' },
        ],
      },
    });
  });
});
