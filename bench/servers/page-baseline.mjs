/**
 * The baseline of `page`: bare Yoga, no plugin, that answers the same documents with the same JSON from memory.
 * It gets the rows of its pages on stdin, as JSON: {first, last, rows}, and answers a key from `rows` in turn.
 */
import { createServer } from 'node:http';
import { createSchema, createYoga } from 'graphql-yoga';

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const { first, last, rows } = JSON.parse(Buffer.concat(chunks).toString('utf8'));
let next = 0;

const schema = createSchema({
  typeDefs: `
    type OrdersRow { id: ID! order_id: String! customer_id: String! amount: Float status: String placed_at: String }
    type OrdersRowConnection { nodes: [OrdersRow!]! }
    type CatalogView {
      orders(first: Int, last: Int): OrdersRowConnection
      ordersByKey(order_id: String!): OrdersRow
    }
    type Query { asOf(snapshotId: Int): CatalogView }
  `,
  resolvers: {
    Query: { asOf: () => ({}) },
    CatalogView: {
      orders: (_view, args) => ({ nodes: args.last == null ? first : last }),
      ordersByKey: () => {
        next = (next + 1) % rows.length;
        return rows[next];
      },
    },
  },
});

const yoga = createYoga({ schema, graphqlEndpoint: '/graphql', graphiql: false, landingPage: false, logging: false });
const server = createServer(yoga);
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${server.address().port}` })}\n`);
});
process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
});
