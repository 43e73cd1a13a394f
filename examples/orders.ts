/** Sees to it that the server has the table that the pages show: the README's `orders`. */
export {};

const { SERVER = 'http://127.0.0.1:4000' } = process.env;

const CREATE = `mutation {
  createTable(input: {
    name: "orders"
    columns: [
      { name: "order_id", type: LONG }
      { name: "customer", type: STRING, required: true }
      { name: "amount", type: DOUBLE }
      { name: "status", type: STRING, default: "new" }
    ]
    primaryKey: ["order_id"]
    ifExists: IGNORE
  }) { commit { snapshotId } }
}`;

const response = await fetch(`${SERVER}/graphql`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ query: CREATE }),
}).catch(() => undefined);
const answer = (await response?.json()) as { errors?: readonly { message: string }[] } | undefined;
if (response === undefined) fail(`nothing answers at ${SERVER}: run npm start first, or set SERVER`);
if (answer?.errors !== undefined) {
  const refused = answer.errors.map(({ message }) => message).join('; ');
  fail(`${refused}\nThe pages show the orders of the README: for these, start a server with a --data of its own.`);
}

function fail(reason: string): never {
  console.error(`tidemark example: ${reason}`);
  process.exit(1);
}
