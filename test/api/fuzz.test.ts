import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scaled } from '../support/random.ts';
import { ORDERS, orders, testServer } from '../support/server-support.ts';

const APPEND = 'mutation ($rows: [JSON!]!) { append(table: "orders", rows: $rows) { insertedRows } }';

describe('no mistake of a user is ever an internal error', () => {
  const scalar = fc.oneof(
    fc.constantFrom(
      null,
      true,
      -1,
      0,
      1.5,
      1e308,
      -1e308,
      2 ** 53,
      '',
      'x',
      '1',
      '-1',
      '1e400',
      '2026-02-30',
      '2026-11-22T10:00:00Z',
      '\0',
      '\ud800',
      '🌊',
      'status',
      'orders',
      'VDox',
      'azox',
    ),
    fc.string({ maxLength: 12, unit: 'binary' }),
    fc.double(),
    fc.maxSafeInteger(),
  );
  const value = fc.oneof(
    { weight: 3, arbitrary: scalar },
    fc.array(scalar, { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'column', 'eq', 'and', 'snapshotId', '__proto__', 'order_id', 'in'), scalar, { maxKeys: 3 }),
  );
  const places: readonly (readonly [type: string, field: string])[] = [
    ['SafeInt', 'asOf(snapshotId: $v) { orders { totalCount } }'],
    ['DateTime', 'asOf(timestamp: $v) { orders { totalCount } }'],
    ['AsOfInput', 'asOf(at: $v) { id }'],
    ['SafeInt!', 'commit(snapshotId: $v) { id }'],
    ['ID!', 'node(id: $v) { id }'],
    ['String!', 'table(name: $v) { id }'],
    ['String!', 'asOf { table(name: $v) { id } }'],
    ['Int', 'commits(first: $v) { nodes { id } }'],
    ['String', 'commits(after: $v) { nodes { id } }'],
    ['String', 'tables(before: $v) { nodes { id } }'],
    ['DateTime', 'commits(from: $v) { nodes { id } }'],
    ['DateTime', 'table(name: "orders") { snapshots(to: $v) { totalCount } }'],
    ['[String!]', 'commits(tables: $v) { nodes { id } }'],
    ['String', 'asOf { orders(after: $v) { nodes { id } } }'],
    ['OrdersFilter', 'asOf { orders(where: $v) { totalCount } }'],
    ['DateTime', 'asOf { orders(where: {placed_at: {lt: $v}}) { totalCount } }'],
    ['[BigInt!]', 'asOf { orders(where: {order_id: {in: $v}}) { totalCount } }'],
    ['String', 'asOf { orders(where: {status: {ilike: $v}}) { totalCount } }'],
    ['String', 'asOf { orders(where: {status: {contains: $v}}) { totalCount } }'],
    ['Float', 'asOf { orders(where: {amount: {ne: $v}}) { totalCount } }'],
    ['BigInt!', 'asOf { ordersByKey(order_id: $v) { id } }'],
    ['Filter', 'asOf { table(name: "orders") { rows(where: $v) { nodes } } }'],
    ['JSON', 'asOf { table(name: "orders") { rows(where: {column: "placed_at", gt: $v}) { nodes } } }'],
    ['JSON', 'asOf { table(name: "orders") { rows(where: {column: "order_id", eq: $v}) { nodes } } }'],
    ['[String!]', 'asOf { table(name: "orders") { rows(columns: $v) { nodes } } }'],
    ['[OrderBy!]', 'asOf { table(name: "orders") { rows(orderBy: $v) { nodes } } }'],
    ['[String!]', 'asOf { table(name: "orders") { aggregate(groupBy: $v, functions: [{function: COUNT}]) { nodes } } }'],
    ['[AggregateInput!]!', 'asOf { table(name: "orders") { aggregate(functions: $v) { nodes } } }'],
    ['String!', 'mutation append(table: $v, rows: [{}]) { replayed }'],
    ['[JSON!]!', 'mutation append(table: "orders", rows: $v) { replayed }'],
    ['[OrdersRowInput!]!', 'mutation appendOrders(rows: $v) { replayed }'],
    ['CommitOptions', 'mutation append(table: "orders", rows: [{}], options: $v) { replayed }'],
    ['CreateTableInput!', 'mutation createTable(input: $v) { replayed }'],
    ['JSON', 'mutation createTable(input: {name: "orders", columns: [{name: "a", type: DECIMAL, default: $v}]}) { replayed }'],
    ['String', 'mutation compact(table: $v) { flushedRows }'],
  ];

  it('whatever value is put into whatever argument', async () => {
    const server = await testServer({ tables: [ORDERS] });
    await server.data(APPEND, { rows: orders(1, 3) });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places), value, async ([type, field], v) => {
        const document = field.startsWith('mutation ')
          ? `mutation ($v: ${type}) { ${field.slice(9)} }`
          : `query ($v: ${type}) { ${field} }`;
        const { errors } = await server.query(document, { v });
        for (const { extensions, message } of errors ?? []) {
          if (extensions.code === 'INTERNAL_SERVER_ERROR')
            throw new Error(`${document} with ${JSON.stringify(v)}: ${JSON.stringify(server.logs.at(-1))}`);
          expect(extensions.code, message).toMatch(/^[A-Z_]+$/);
        }
      }),
      { numRuns: scaled(375) },
    );
  });
});
