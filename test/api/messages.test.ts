import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { EngineError, LIMITS } from '../../src/engine/index.ts';
import { type ErrorAnswer, type Loose, liveClient, ORDERS, type TestServer, testServer } from '../support/server-support.ts';

const NO_KEY = {
  name: 'notes',
  columns: [
    { name: 'id', type: 'INT' },
    { name: 'text', type: 'STRING' },
  ],
} as const;

const server = (): Promise<TestServer> => testServer({ tables: [ORDERS, NO_KEY] });

/** The one error of an operation: its code, and what is said beside it. */
async function told(at: TestServer, document: string, variables?: Loose): Promise<Loose> {
  const { message, extensions }: ErrorAnswer = await at.failure(document, variables);
  return { code: extensions.code, message, hint: extensions.hint, details: extensions.details };
}

describe('a value in the place of a condition is answered with the form that works', () => {
  const typed = 'query ($w: OrdersFilter) { asOf { orders(where: $w) { totalCount } } }';

  it.each([
    ['{status: "paid"}', { status: 'paid' }, 'where.status', 'Write where: {status: {eq: "paid"}}.'],
    ['{amount: 95.5}', { amount: 95.5 }, 'where.amount', 'Write where: {amount: {eq: 95.5}}.'],
    ['{status: ["a", "b"]}', { status: ['a', 'b'] }, 'where.status', 'Write where: {status: {in: ["a", "b"]}}.'],
    ['{and: [{status: "paid"}]}', { and: [{ status: 'paid' }] }, 'where.and[0].status', 'Write {status: {eq: "paid"}}.'],
    ['{or: [{not: {status: "paid"}}]}', { or: [{ not: { status: 'paid' } }] }, 'where.or[0].not.status', 'Write {status: {eq: "paid"}}.'],
  ])('of the typed API: %s', async (literal, variable, path, form) => {
    const at = await server();
    const said = await told(at, `{ asOf { orders(where: ${literal}) { totalCount } } }`);
    expect(said).toMatchObject({ code: 'GRAPHQL_VALIDATION_FAILED', message: expect.stringContaining(`${path}: `), hint: form });
    const inVariable = await told(at, typed, { w: variable });
    expect(inVariable).toMatchObject({ code: 'BAD_USER_INPUT', message: expect.stringContaining(path.replace('where', '$w')) });
    expect(inVariable['hint']).toContain(form.replace('Write where: ', '').replace('Write ', ''));
    // The form that is advised works.
    const advised = form.startsWith('Write where: ') ? form.slice(13, -1) : literal.replace(/\{status: "paid"\}/, form.slice(6, -1));
    await at.data(`{ asOf { orders(where: ${advised}) { totalCount } } }`);
  });

  it.each([
    ['{status: "paid"}', { status: 'paid' }, '{column: "status", eq: "paid"}'],
    ['{status: {eq: "paid"}}', { status: { eq: 'paid' } }, '{column: "status", eq: "paid"}'],
    ['{not: {status: "paid"}}', { not: { status: 'paid' } }, '{column: "status", eq: "paid"}'],
    ['{column: "status", value: "paid"}', { column: 'status', value: 'paid' }, 'eq: "paid"'],
  ])('of the generic API: %s', async (literal, variable, form) => {
    const at = await server();
    const document = (where: string): string => `query ($w: Filter) { asOf { table(name: "orders") { rows(where: ${where}) { nodes } } } }`;
    expect((await told(at, document(literal).replace('($w: Filter)', '')))['hint']).toContain(form);
    expect((await told(at, document('$w'), { w: variable }))['hint']).toContain(form);
    for (const mutation of [`delete(table: "orders", where: ${literal})`, `update(table: "orders", where: ${literal}, set: {status: "x"})`])
      expect((await told(at, `mutation { ${mutation} { replayed } }`))['hint']).toContain(form);
  });

  it('in deletes, updates, subscriptions and diffs too', async () => {
    const at = await server();
    const hint = expect.stringContaining('{status: {eq: "paid"}}');
    for (const document of [
      'mutation { deleteOrders(where: {status: "paid"}) { replayed } }',
      'mutation { updateOrders(where: {status: "paid"}, set: {amount: 1}) { replayed } }',
      'mutation { commit(operations: [{orders: {delete: {status: "paid"}}}]) { replayed } }',
      '{ diff(from: {snapshotId: 1}) { orders(where: {status: "paid"}) { insertedRows } } }',
    ])
      expect(await told(at, document), document).toMatchObject({ hint });
    for (const [query, variables] of [
      ['subscription { ordersChanges(where: {status: "paid"}) { snapshotId } }', {}],
      ['subscription ($w: OrdersFilter) { ordersChanges(where: $w) { snapshotId } }', { w: { status: 'paid' } }],
    ] as const) {
      const answer = await liveClient(at.url)
        .iterate({ query, variables })
        .next()
        .then(
          ({ value }) => value?.errors,
          (errors: unknown) => errors,
        );
      expect(answer, query).toMatchObject([{ extensions: { hint } }]);
    }
  });

  it('an operator or a column that is not there is named, with those there are', async () => {
    const at = await server();
    const rows = (where: string): Promise<Loose> => told(at, `{ asOf { orders(where: ${where}) { totalCount } } }`);
    expect(await rows('{amount: {equals: 1}}')).toMatchObject({
      message: 'where.amount: there is no operator equals',
      hint: 'The operators are eq, ne, gt, gte, lt, lte, in, notIn, isNull.',
    });
    expect(await rows('{statuss: {eq: "a"}}')).toMatchObject({
      message: 'where: there is no column statuss',
      hint: expect.stringMatching(/^Did you mean status\? The columns are .*order_id.*placed_at\.$/),
    });
    expect(await told(at, '{ asOf { table(name: "orders") { rows(where: {column: "status"}) { nodes } } } }')).toMatchObject({
      hint: expect.stringContaining('{column: "status", eq: value}'),
    });
  });
});

describe('quotes that are too many or too few', () => {
  const BAD = [
    ['amount', '"95.5"', '95.5', /leave the quotes out|Leave the quotes out: amount: 95\.5/],
    ['status', '7', 7, /put quotes around it|Put quotes around it: status: "7"/],
  ] as const;

  it.each(BAD)('in rows: %s', async (column, literal, value, advice) => {
    const at = await server();
    const row = `{order_id: 1, customer_id: 1, ${column}: ${literal}}`;
    const raw = { order_id: 1, customer_id: 1, [column]: column === 'amount' ? String(value) : value };
    const place = { code: 'INVALID_ROW', details: { rows: [{ index: 1, column, reason: expect.stringMatching(advice) }] } };
    const good = { order_id: 2, customer_id: 2 };
    for (const [document, variables] of [
      [`mutation { appendOrders(rows: [{order_id: 2, customer_id: 2}, ${row}]) { replayed } }`],
      [`mutation { replaceOrders(rows: [{order_id: 2, customer_id: 2}, ${row}]) { replayed } }`],
      [`mutation { append(table: "orders", rows: [{order_id: 2, customer_id: 2}, ${row}]) { replayed } }`],
      [`mutation { commit(operations: [{orders: {append: [{order_id: 2, customer_id: 2}, ${row}]}}]) { replayed } }`],
      [`mutation { commit(operations: [{orders: {replace: {rows: [{order_id: 2, customer_id: 2}, ${row}]}}}]) { replayed } }`],
      ['mutation ($r: [OrdersRowInput!]!) { appendOrders(rows: $r) { replayed } }', { r: [good, raw] }],
      ['mutation ($r: [JSON!]!) { append(table: "orders", rows: $r) { replayed } }', { r: [good, raw] }],
      ['mutation ($o: [CommitOperation!]!) { commit(operations: $o) { replayed } }', { o: [{ orders: { append: [good, raw] } }] }],
    ] as [string, Loose?][])
      expect(await told(at, document, variables), document).toMatchObject(place);
    expect(at.engine.headSnapshotId).toBe(2);
  });

  it('in new values', async () => {
    const at = await server();
    const reason = expect.stringContaining('leave the quotes out');
    const bad = { code: 'INVALID_ROW', details: { rows: [{ index: 0, column: 'amount', reason }] } };
    for (const [document, variables] of [
      ['mutation { updateOrders(where: {and: []}, set: {amount: "95.5"}) { replayed } }'],
      ['mutation ($s: OrdersRowPatch!) { updateOrders(where: {and: []}, set: $s) { replayed } }', { s: { amount: '95.5' } }],
      ['mutation { update(table: "orders", where: {and: []}, set: {amount: "95.5"}) { replayed } }'],
      ['mutation { commit(operations: [{orders: {update: {where: {and: []}, set: {amount: "95.5"}}}}]) { replayed } }'],
    ] as [string, Loose?][])
      expect(await told(at, document, variables), document).toMatchObject(bad);
  });

  it.each([
    ['orders(where: {amount: {gt: "95.5"}})', 'where.amount.gt', 'Leave the quotes out: gt: 95.5.'],
    ['orders(where: {status: {in: [7]}})', 'where.status.in[0]', 'Put quotes around it: in: "7".'],
    ['orders(where: {status: {eq: paid}})', 'where.status.eq', 'Put quotes around it: eq: "paid".'],
    ['orders(first: "5")', 'first', 'Leave the quotes out: first: 5.'],
    ['orders(where: {status: {isNull: "true"}})', 'where.status.isNull', 'Leave the quotes out: isNull: true.'],
    ['orders(orderBy: [{amount: "ASC"}])', 'orderBy[0].amount', 'Leave the quotes out: amount: ASC.'],
  ])('in arguments: %s', async (field, path, hint) => {
    expect(await told(await server(), `{ asOf { ${field} { totalCount } } }`)).toMatchObject({
      message: expect.stringContaining(`${path}: `),
      hint,
    });
  });

  it('in filters of the generic API', async () => {
    const at = await server();
    const rows = (where: string): Promise<Loose> => told(at, `{ asOf { table(name: "orders") { rows(where: ${where}) { nodes } } } }`);
    expect((await rows('{column: "amount", eq: "95.5"}'))['message']).toContain('leave the quotes out');
    expect((await rows('{column: "status", eq: 7}'))['message']).toContain('put quotes around it');
  });

  it('rows with a variable among them say which value of which row is wrong', async () => {
    const at = await server();
    const document =
      'mutation ($s: String) { appendOrders(rows: [{order_id: 1, customer_id: 1}, {order_id: 2, customer_id: 2, status: $s, amount: "1"}]) { replayed } }';
    expect(await told(at, document, { s: 'x' })).toMatchObject({
      message: 'rows[1].amount: "1" is a string, but a number is expected',
      hint: 'Leave the quotes out: amount: 1.',
    });
  });
});

describe('a name that is not there', () => {
  it('of a table: which there are, and which was meant', async () => {
    const at = await server();
    for (const [document, hint] of [
      ['{ asOf { ordrs { totalCount } } }', 'Did you mean orders? The tables are orders, notes.'],
      ['{ diff(from: {snapshotId: 1}) { ordrs { insertedRows } } }', 'Did you mean orders? The tables are orders, notes.'],
      [
        'mutation { appendOrdrs(rows: []) { replayed } }',
        'Did you mean appendOrders? The mutations of this kind are appendOrders, appendNotes.',
      ],
      ['{ ordrs { totalCount } }', 'Did you mean asOf { orders { ... } }? Tables stand under asOf; they are orders, notes.'],
      ['{ orders { totalCount } }', 'Rows are read at an instant: { asOf { orders { ... } } } is the present.'],
      ['mutation { upsertNotes(rows: []) { replayed } }', 'Use appendNotes, or updateNotes.'],
      ['{ asOf { notesByKey(id: 1) { text } } }', 'Use notes(where: {...}).'],
      ['mutation { append(table: "ordrs", rows: []) { replayed } }', 'Did you mean orders? The tables are notes, orders.'],
    ])
      expect((await told(at, document as string))['hint'], document).toBe(hint);
    const { value } = await liveClient(at.url)
      .iterate({ query: 'subscription { ordrsChanges { snapshotId } }' })
      .next()
      .catch((errors: unknown) => ({ value: { errors } }));
    expect(value?.errors).toMatchObject([{ extensions: { hint: expect.stringContaining('Did you mean ordersChanges?') } }]);
  });

  it('where there is no table: how to make one', async () => {
    const at = await testServer();
    for (const document of ['{ asOf { orders { totalCount } } }', 'mutation { appendOrders(rows: []) { replayed } }'])
      expect(await told(at, document)).toMatchObject({
        message: expect.stringContaining('there is none yet'),
        hint: expect.stringContaining('createTable'),
      });
  });

  it('where there are many tables: the first 20, and how many more', async () => {
    const at = await testServer();
    for (let n = 10; n < 35; n += 1) await at.engine.createTable({ name: `t${n}`, columns: [{ name: 'a', type: 'INT' }] });
    const { hint } = await told(at, '{ asOf { something { totalCount } } }');
    expect(hint).toContain('t10, t11');
    expect(hint).toContain('t29 and 5 more.');
    expect(hint).not.toContain('t30');
  });

  it('of a column: which there are', async () => {
    const at = await server();
    expect(await told(at, '{ asOf { orders { nodes { amont } } } }')).toMatchObject({
      message: 'table orders has no column amont',
      hint: 'Did you mean amount? The columns are order_id, customer_id, amount, status, placed_at.',
    });
    expect(await told(at, '{ asOf { notes { nodes { idd } } } }')).toMatchObject({ hint: 'Did you mean id_? The columns are id_, text.' });
    expect((await told(at, '{ asOf { notes { aggregate { sum { id } } } } }'))['hint']).toBe(
      'Column id is called id_ here. The columns are id_.',
    );
    // Of a column that is not there under any name, none is told.
    expect((await told(at, '{ asOf { orders { aggregate { sum { status } } } } }'))['hint']).not.toContain('is called');
    expect((await told(at, '{ asOf { orders { amount } } }'))['hint']).toContain('nodes { amount }');
    expect((await told(at, '{ asOf { orders { groupBy(columns: [stats]) { totalCount } } } }'))['hint']).toContain('Did you mean status?');
    expect((await told(at, '{ asOf { orders { aggregate { sum { status } } } } }'))['hint']).toContain('order_id, customer_id, amount');
    expect(await told(at, 'mutation { appendOrders(rows: [{order_id: 1, customer_id: 1, amont: 1}]) { replayed } }')).toMatchObject({
      code: 'INVALID_ROW',
      details: { rows: [{ index: 0, column: 'amont', reason: expect.stringContaining('order_id, customer_id, amount') }] },
    });
  });

  it('of an argument: which there are', async () => {
    expect(await told(await server(), '{ asOf { orders(limit: 5) { totalCount } } }')).toMatchObject({
      message: 'orders takes no argument limit',
      hint: 'It takes where, orderBy, first, after, last, before.',
    });
  });

  it('of a mutation that lacks an argument: which, and how to mean every row', async () => {
    const at = await server();
    expect(await told(at, 'mutation { deleteOrders { replayed } }')).toMatchObject({
      message: 'deleteOrders needs the argument where',
      hint: expect.stringMatching(/^Give where: OrdersFilter! \(Which rows\)\. For every row write where: \{and: \[\]\}\.$/),
    });
    const both = await at.query('mutation { update(table: "orders") { replayed } }');
    expect(both.errors?.map(({ message }) => message)).toEqual(['update needs the argument where', 'update needs the argument set']);
    expect(await told(at, 'mutation { appendOrders { replayed } }')).toMatchObject({
      message: 'appendOrders needs the argument rows',
      hint: 'Give rows: [OrdersRowInput!]! (The rows, up to 100,000).',
    });
  });

  it.each(['TEXT', '"TEXT"'])('of a column type, %s: which there are', async (type) => {
    const at = await server();
    const literal = await told(at, `mutation { createTable(input: {name: "t", columns: [{name: "a", type: ${type}}]}) { replayed } }`);
    expect(literal).toMatchObject({
      message: expect.stringContaining('input.columns[0].type'),
      hint: expect.stringMatching(/BOOLEAN, INT, LONG.*STRING.*JSON\./),
    });
    const input = { name: 't', columns: [{ name: 'a', type: 'TEXT' }] };
    expect((await told(at, 'mutation ($i: CreateTableInput!) { createTable(input: $i) { replayed } }', { i: input }))['hint']).toMatch(
      /BOOLEAN, INT.*JSON\./,
    );
  });
});

describe('an input of which exactly one key is expected', () => {
  it.each([
    ['asOf(at: {snapshotId: 1, tag: "x"}) { id }', 'at: exactly one key is expected, but snapshotId, tag are given'],
    ['asOf(at: {}) { id }', 'at: exactly one key is expected, but none is given'],
    [
      'asOf { orders(orderBy: [{amount: ASC, status: DESC}]) { totalCount } }',
      'orderBy[0]: exactly one key is expected, but amount, status are given',
    ],
  ])('says which were given: %s', async (field, message) => {
    expect(await told(await server(), `{ ${field} }`)).toMatchObject({ message, hint: expect.stringMatching(/\.$/) });
  });

  it('in variables too', async () => {
    const at = await server();
    expect(await told(at, 'query ($at: AsOfInput) { asOf(at: $at) { id } }', { at: { snapshotId: 1, tag: 'x' } })).toMatchObject({
      message: '$at: exactly one key is expected, but snapshotId, tag are given',
    });
    const document = 'mutation ($o: [CommitOperation!]!) { commit(operations: $o) { replayed } }';
    expect(await told(at, document, { o: [{ orders: { append: [], delete: {} } }] })).toMatchObject({
      message: '$o[0].orders: exactly one key is expected, but append, delete are given',
    });
    expect((await told(at, document, { o: [{ ordrs: { append: [] } }] }))['hint']).toContain('Did you mean orders?');
  });
});

describe('a variable that was not given', () => {
  it.each(['updateOrders(where: {and: []}, set: {amount: $x})', 'update(table: "orders", where: {and: []}, set: {amount: $x})'])(
    'is named where it leaves nothing to do: %s',
    async (field) => {
      expect(await told(await server(), `mutation ($x: Float) { ${field} { replayed } }`)).toMatchObject({
        code: 'BAD_USER_INPUT',
        message: expect.stringContaining('$x'),
        details: { variable: 'x' },
      });
    },
  );

  it('leaves its column as it is where another is given', async () => {
    const at = await server();
    await at.engine.append('orders', [{ order_id: '1', customer_id: '1', amount: 1, status: 'a' }]);
    const document =
      'mutation ($x: Float, $s: String) { updateOrders(where: {and: []}, set: {amount: $x, status: $s}) { rows { amount status } } }';
    expect(await at.data(document, { s: 'b' })).toEqual({ updateOrders: { rows: [{ amount: 1, status: 'b' }] } });
  });
});

describe('a remedy that can be done', () => {
  it.each([
    'deleteOrders(where: {status: {eq: $s}}) { replayed }',
    'updateOrders(where: {status: {eq: $s}}, set: {amount: 1}) { replayed }',
    'delete(table: "orders", where: {and: [{column: "status", isNull: false}, {column: "status", eq: $j}]}) { replayed }',
    'replaceOrders(rows: [], where: {status: {eq: $s}}) { replayed }',
    'commit(operations: [{orders: {delete: {status: {eq: $s}}}}]) { replayed }',
  ])('a filter of a change is not to be left out: %s', async (field) => {
    const variable = field.includes('$j') ? '$j: JSON' : '$s: String';
    const { hint } = await told(await server(), `mutation (${variable}) { ${field} }`, {});
    expect(hint).toMatch(/^Give \$[sj] a value, or write \{and: \[\]\} as the filter for all rows\.$/);
  });

  it('an unset onConflict is left out', async () => {
    const document = 'mutation ($u: [OrdersColumn!]) { upsertOrders(rows: [{order_id: 1}], onConflict: {update: $u}) { replayed } }';
    expect((await told(await server(), document, {}))['hint']).toBe('Give $u a value, or leave onConflict out.');
  });

  it.each([
    [
      'asOf(timestamp: 1796125200) { id }',
      'A value of type DateTime is expected: an instant, ISO 8601 in UTC with milliseconds, "2026-11-22T10:00:00.000Z".',
    ],
    ['asOf { ordersByKey(order_id: "x") { id } }', 'A value of type BigInt is expected: a 64-bit integer, of a LONG column.'],
  ])('a value of another type is told what is expected, once: %s', async (field, hint) => {
    expect((await told(await server(), `{ ${field} }`))['hint']).toBe(hint);
  });

  it('a misspelt column is named before the one that it leaves absent', async () => {
    const at = await server();
    expect(await told(at, 'mutation { append(table: "orders", rows: [{order_idd: 1, customer_id: 1}]) { replayed } }')).toMatchObject({
      code: 'INVALID_ROW',
      message:
        'row 0, column order_idd: there is no such column; did you mean order_id? The columns are order_id, customer_id, amount, status, placed_at',
      details: {
        rows: [
          { index: 0, column: 'order_idd' },
          { index: 0, column: 'order_id', reason: 'is required and has no default' },
        ],
      },
    });
    const update = 'mutation { update(table: "orders", where: {and: []}, set: {zzzzzz: 1}) { replayed } }';
    expect((await told(at, update))['message']).toContain('there is no such column; the columns are order_id, ');
  });
});

describe('message and hint', () => {
  it('say different things: the one what is wrong, the other what to do', async () => {
    const at = await server();
    for (const document of [
      '{ asOf(snapshotId: 99) { id } }',
      '{ asOf(tag: "x") { id } }',
      '{ asOf { orders(first: 1001) { totalCount } } }',
      'mutation { append(table: "nothing", rows: []) { replayed } }',
      'mutation { append(table: "orders", rows: [{}]) { replayed } }',
    ]) {
      const { message, hint } = await told(at, document);
      expect(hint, document).toMatch(/\.$/);
      expect(message, document).not.toContain(hint);
    }
  });

  it('are both in an error that Node prints', () => {
    const error = new EngineError('BAD_USER_INPUT', 'what is wrong', { hint: 'What to do.' });
    expect(inspect(error)).toContain('what is wrong');
    expect(inspect(error)).toContain('What to do.');
  });

  it('of many bad values in one document are each told, up to a limit', async () => {
    const at = await server();
    const filters = Array.from({ length: 30 }, (_, n) => `{status: "s${n}"}`).join(', ');
    const { errors } = await at.query(`{ asOf { orders(where: {or: [${filters}]}) { totalCount } } }`);
    expect(errors?.length).toBeGreaterThan(1);
    expect(errors?.length).toBeLessThan(30);
    expect(errors?.[1]?.extensions.hint).toContain('{status: {eq: "s1"}}');
    expect(LIMITS.filterNodesMax).toBeGreaterThan(30);
  });
});
