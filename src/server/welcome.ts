/** What a newcomer finds in GraphiQL: the whole walk, one operation after the other. */
export const WELCOME_DOCUMENT = `# Welcome to Tidemark, a GraphQL database of snapshots.
#
# Every commit is kept, every past instant can be read, every new commit arrives
# live. Put the cursor into an operation and press Ctrl-Enter (or the play button,
# and pick one). Go from top to bottom.

# 1. Create a table. Its typed fields appear at once: reload the schema (the
#    circular arrow at the lower left) to have them completed as you type.
mutation CreateOrders {
  createTable(
    input: {
      name: "orders"
      columns: [
        { name: "order_id", type: LONG }
        { name: "customer", type: STRING, required: true }
        { name: "amount", type: DOUBLE }
        { name: "status", type: STRING, default: "new" }
        { name: "placed_at", type: TIMESTAMPTZ }
      ]
      primaryKey: ["order_id"]
      ifExists: IGNORE
    }
  ) {
    snapshots { snapshotId operation }
  }
}

# 2. Watch. Copy this one into a tab of its own (the + above), run it there, and
#    leave it running: every commit from now on arrives in it.
subscription Watch {
  snapshotCommitted(tables: ["orders"]) {
    snapshotId
    commit { timestamp message }
    snapshots { operation summary { insertedRows totalRows } }
  }
}

# 3. Append rows. Each call is one commit and makes one snapshot. Keep the
#    snapshotId of the answer. (Run it again with other ids: a primary key is
#    taken only once, and the error says which row is bad.)
mutation AppendOrders {
  append(
    table: "orders"
    rows: [
      { order_id: 1, customer: "Alice", amount: 95.5, placed_at: "2026-11-22T12:00:00+02:00" }
      { order_id: 2, customer: "Bob", amount: 82.0, status: "paid" }
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
      nodes { snapshotId timestamp operation summary { insertedRows totalRows } }
    }
  }
}

# 5. Read any past instant: by snapshotId, by timestamp, or now. Change the 1.
query ThenAndNow {
  before: table(name: "orders") {
    asOf(snapshotId: 1) { rowCount rows { nodes } }
  }
  now: table(name: "orders") {
    asOf { snapshotId rowCount rows(where: { column: "amount", gt: 90 }) { nodes totalCount } }
  }
}

# 6. The same, typed. These fields come from the table's own columns (if they are
#    underlined, reload the schema). One asOf reads many tables at one instant.
#
# query Typed {
#   asOf {
#     snapshotId
#     orders(where: { amount: { gt: 90 } }, orderBy: [{ amount: DESC }]) {
#       totalCount
#       nodes { order_id customer amount status placed_at }
#       aggregate { sum { amount } avg { amount } }
#       groupBy(columns: [status]) { key { status } aggregate { count } }
#     }
#   }
# }
`;
