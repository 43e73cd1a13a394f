/** The tables and rows that cases share: orders as in the documentation, with and without a primary key. */
import type { TableDefinition } from '../src/engine/index.ts';

export const COLUMNS: TableDefinition['columns'] = [
  { name: 'order_id', type: 'LONG', required: true },
  { name: 'customer_id', type: 'LONG', required: true },
  { name: 'amount', type: 'DOUBLE' },
  { name: 'status', type: 'STRING' },
  { name: 'placed_at', type: 'TIMESTAMPTZ' },
];

export const ORDERS: TableDefinition = { name: 'orders', columns: COLUMNS, primaryKey: ['order_id'] };
/** The same columns without a key. */
export const EVENTS: TableDefinition = { name: 'events', columns: COLUMNS };

export const CREATE = 'mutation ($input: CreateTableInput!) { createTable(input: $input) { commit { snapshotId } } }';

/** One order as the API takes it. */
export function order(id: number): Record<string, unknown> {
  return {
    order_id: String(id),
    customer_id: String(id % 10_000),
    amount: (id % 1000) + 0.5,
    status: id % 3 === 0 ? 'new' : 'paid',
    placed_at: new Date(Date.UTC(2026, 0, 1) + id * 1000).toISOString(),
  };
}

/** The body of a request that appends rows: `__ID__` stands for each row's id. */
export function appendBody(door: 'typed' | 'generic', table: TableDefinition, rows: number): string {
  const name = table.name === 'orders' ? 'Orders' : 'Events';
  const query =
    door === 'typed'
      ? `mutation ($rows: [${name}RowInput!]!) { append${name}(rows: $rows) { commit { snapshotId } insertedRows } }`
      : `mutation ($rows: [JSON!]!) { append(table: "${table.name}", rows: $rows) { commit { snapshotId } insertedRows } }`;
  const batch = Array.from({ length: rows }, (_, at) => ({ ...order(at), order_id: '__ID__' }));
  return JSON.stringify({ query, variables: { rows: batch } });
}

/** vega-datasets' flights-3m.parquet: flights within the United States in the first half of 2001. */
export const FLIGHTS: TableDefinition = {
  name: 'flights',
  columns: [
    { name: 'date', type: 'TIMESTAMP' },
    { name: 'delay', type: 'LONG' },
    { name: 'distance', type: 'LONG' },
    { name: 'origin', type: 'STRING' },
    { name: 'destination', type: 'STRING' },
  ],
};
