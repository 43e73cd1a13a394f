/** The tables of the demo catalog: what schema.graphql and the typed documents of tests and examples know. */
import type { TableDefinition } from '../src/engine/index.ts';

export const ORDERS: TableDefinition = {
  name: 'orders',
  description: 'Orders of the demo shop.',
  columns: [
    { name: 'order_id', type: 'LONG', required: true },
    { name: 'customer_id', type: 'LONG', required: true },
    { name: 'amount', type: 'DOUBLE' },
    { name: 'status', type: 'STRING' },
    { name: 'placed_at', type: 'TIMESTAMPTZ' },
  ],
  primaryKey: ['order_id'],
};

export const CUSTOMERS: TableDefinition = {
  name: 'customers',
  description: 'Customers of the demo shop.',
  columns: [
    { name: 'id', type: 'LONG', required: true },
    { name: 'name', type: 'STRING', required: true },
    { name: 'active', type: 'BOOLEAN', default: true },
    { name: 'born', type: 'DATE' },
  ],
  primaryKey: ['id'],
};

/** One column of every type. */
export const SAMPLES: TableDefinition = {
  name: 'samples',
  description: 'One column of every type.',
  columns: [
    { name: 'a_boolean', type: 'BOOLEAN' },
    { name: 'an_int', type: 'INT' },
    { name: 'a_long', type: 'LONG' },
    { name: 'a_float', type: 'FLOAT' },
    { name: 'a_double', type: 'DOUBLE' },
    { name: 'a_decimal', type: 'DECIMAL', precision: 18, scale: 8 },
    { name: 'a_date', type: 'DATE' },
    { name: 'a_time', type: 'TIME' },
    { name: 'a_timestamp', type: 'TIMESTAMP' },
    { name: 'an_instant', type: 'TIMESTAMPTZ' },
    { name: 'a_string', type: 'STRING' },
    { name: 'a_uuid', type: 'UUID' },
    { name: 'a_binary', type: 'BINARY' },
    { name: 'a_json', type: 'JSON' },
  ],
};

export const DEMO_TABLES: readonly TableDefinition[] = [ORDERS, CUSTOMERS, SAMPLES];

/** The table of the README's first five minutes, which the example pages show. */
export const README_ORDERS: TableDefinition = {
  name: 'orders',
  columns: [
    { name: 'order_id', type: 'LONG' },
    { name: 'customer', type: 'STRING', required: true },
    { name: 'amount', type: 'DOUBLE' },
    { name: 'status', type: 'STRING', default: 'new' },
  ],
  primaryKey: ['order_id'],
};
