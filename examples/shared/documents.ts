import { graphql } from '../generated/gql.ts';

/** The table as of a snapshot; as it is now where `at` is not given. */
export const ORDERS = graphql(`
  query Orders($at: SafeInt) {
    asOf(snapshotId: $at) {
      id
      snapshotId
      orders(first: 12, orderBy: [{ order_id: DESC }]) {
        totalCount
        nodes { id order_id customer amount status }
      }
    }
  }
`);

/** The same, at once and again after each commit that changes it. */
export const LIVE_ORDERS = graphql(`
  subscription LiveOrders {
    live {
      id
      snapshotId
      orders(first: 12, orderBy: [{ order_id: DESC }]) {
        totalCount
        nodes { id order_id customer amount status }
      }
    }
  }
`);

/** The table's snapshots, newest first. */
export const HISTORY = graphql(`
  query History {
    table(name: "orders") {
      id
      snapshots(first: 500) {
        nodes { id snapshotId timestamp operation }
      }
    }
  }
`);

/** What comes after the newest of them, without a gap: `after` moves on by itself when the connection is made again. */
export const COMMITS = graphql(`
  subscription Commits($after: SafeInt) {
    snapshotCommitted(tables: ["orders"], after: $after) {
      snapshotId
      snapshots { id snapshotId timestamp operation }
    }
  }
`);

export const APPEND = graphql(`
  mutation AppendOrder($row: OrdersRowInput!) {
    appendOrders(rows: [$row]) {
      insertedRows
    }
  }
`);

export const SHIP = graphql(`
  mutation ShipOrder($id: BigInt!) {
    updateOrders(where: { order_id: { eq: $id } }, set: { status: "shipped" }) {
      rows { id status }
    }
  }
`);
