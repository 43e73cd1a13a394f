/** What a newcomer finds in GraphiQL: the whole walk, one operation after the other. Lines fit the editor's first width. */
export const WELCOME_DOCUMENT = `# Welcome to Tidemark, a GraphQL database of
# snapshots: every commit is kept, every past
# instant can be read, every new commit arrives
# live.
#
# Put the cursor into an operation and press
# Ctrl-Enter, or press the play button and pick
# one. From top to bottom: 1 create, 2 watch,
# 3 append, 4 history, 5 any instant, 6 typed.

# 1. Create a table. Its typed fields are there
#    at once, and complete as you type.
mutation CreateOrders {
  createTable(
    input: {
      name: "orders"
      columns: [
        { name: "order_id", type: LONG }
        { name: "customer", type: STRING, required: true }
        { name: "amount", type: DOUBLE }
        { name: "status", type: STRING, default: "new" }
      ]
      primaryKey: ["order_id"]
      ifExists: IGNORE
    }
  ) {
    snapshots { snapshotId operation }
  }
}

# 2. Watch. Open this page in a second browser
#    window, run this one there and leave it
#    running: every commit from now on arrives,
#    and the last hundred stay in sight.
subscription Watch {
  snapshotCommitted(tables: ["orders"]) {
    snapshotId
    commit { timestamp message }
    snapshots {
      operation
      summary { insertedRows totalRows }
    }
  }
}

# 3. Append rows: one commit, one snapshot. Run it
#    again: a primary key is taken only once, and
#    the error says which rows are bad. Change the
#    ids, and run it once more.
mutation AppendOrders {
  append(
    table: "orders"
    rows: [
      { order_id: 1, customer: "Alice", amount: 95.5 }
      { order_id: 2, customer: "Bob", amount: 82 }
    ]
    options: { message: "first orders", author: "me" }
  ) {
    commit { snapshotId timestamp }
    insertedRows
  }
}

# 4. The history of the table, newest first.
query History {
  table(name: "orders") {
    snapshots(first: 10) {
      totalCount
      nodes {
        snapshotId
        timestamp
        operation
        summary { insertedRows totalRows }
      }
    }
  }
}

# 5. Any past instant: by snapshotId, by timestamp,
#    or now. Change the 1 to another snapshotId of
#    step 4, and see the rows of then.
query ThenAndNow {
  table(name: "orders") {
    before: asOf(snapshotId: 1) {
      rowCount
      rows { nodes }
    }
    now: asOf {
      snapshotId
      rowCount
      rows(where: { column: "amount", gt: 90 }) {
        totalCount
        nodes
      }
    }
  }
}

# 6. The same, typed by the table's own columns:
#    take the # away. One asOf reads many tables
#    at one instant.
#
# query Typed {
#   asOf {
#     snapshotId
#     orders(
#       where: { amount: { gt: 50 } }
#       orderBy: [{ amount: DESC }]
#     ) {
#       totalCount
#       nodes { order_id customer amount status }
#       aggregate { sum { amount } avg { amount } }
#       groupBy(columns: [status]) {
#         nodes {
#           key { status }
#           aggregate { count }
#         }
#       }
#     }
#   }
# }
`;
