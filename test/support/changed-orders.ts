/** Orders to change through the API, for tests of changes and of the history that they make. */
import { type Loose, testServer } from './server-support.ts';

export type Server = Awaited<ReturnType<typeof testServer>>;

const TABLES = `mutation {
  orders: createTable(input: {name: "orders", primaryKey: ["order_id"], columns: [
    {name: "order_id", type: LONG}, {name: "status", type: STRING, default: "new"}, {name: "amount", type: DOUBLE}]}) { commit { snapshotId } }
  notes: createTable(input: {name: "notes", columns: [{name: "text", type: STRING}]}) { commit { snapshotId } }
}`;

/** Two tables, and three orders in commit 3. */
export async function filled(): Promise<Server> {
  const server = await testServer();
  await server.data(TABLES);
  await server.data(`mutation { appendOrders(rows: [
    {order_id: "1", amount: 10}, {order_id: "2", amount: 20, status: "paid"}, {order_id: "3", amount: 30}]) { insertedRows } }`);
  return server;
}

export const ORDERS = '{ asOf { orders { nodes { order_id status amount } } } }';
export const rowsOf = async (server: Server, document = ORDERS): Promise<Loose[]> =>
  (await server.data<{ asOf: { orders: { nodes: Loose[] } } }>(document)).asOf.orders.nodes;
export const codeOf = async (server: Server, document: string, variables?: Loose): Promise<string | undefined> =>
  (await server.query(document, variables)).errors?.[0]?.extensions.code;
