/* eslint-disable */
import * as types from './graphql.ts';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';

/**
 * Map of all GraphQL operations in the project.
 *
 * This map has several performance disadvantages:
 * 1. It is not tree-shakeable, so it will include all operations in the project.
 * 2. It is not minifiable, so the string of a GraphQL query will be multiple times inside the bundle.
 * 3. It does not support dead code elimination, so it will add unused operations.
 *
 * Therefore it is highly recommended to use the babel or swc plugin for production.
 * Learn more about it here: https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#reducing-bundle-size
 */
type Documents = {
    "\n  query Orders($at: SafeInt) {\n    asOf(snapshotId: $at) {\n      id\n      snapshotId\n      orders(first: 12, orderBy: [{ order_id: DESC }]) {\n        totalCount\n        nodes { id order_id customer amount status }\n      }\n    }\n  }\n": typeof types.OrdersDocument,
    "\n  subscription LiveOrders {\n    live {\n      id\n      snapshotId\n      orders(first: 12, orderBy: [{ order_id: DESC }]) {\n        totalCount\n        nodes { id order_id customer amount status }\n      }\n    }\n  }\n": typeof types.LiveOrdersDocument,
    "\n  query History {\n    table(name: \"orders\") {\n      id\n      snapshots(first: 500) {\n        nodes { id snapshotId timestamp operation }\n      }\n    }\n  }\n": typeof types.HistoryDocument,
    "\n  subscription Commits($after: SafeInt) {\n    snapshotCommitted(tables: [\"orders\"], after: $after) {\n      snapshotId\n      snapshots { id snapshotId timestamp operation }\n    }\n  }\n": typeof types.CommitsDocument,
    "\n  mutation AppendOrder($row: OrdersRowInput!) {\n    appendOrders(rows: [$row]) {\n      insertedRows\n    }\n  }\n": typeof types.AppendOrderDocument,
    "\n  mutation ShipOrder($id: BigInt!) {\n    updateOrders(where: { order_id: { eq: $id } }, set: { status: \"shipped\" }) {\n      rows { id status }\n    }\n  }\n": typeof types.ShipOrderDocument,
};
const documents: Documents = {
    "\n  query Orders($at: SafeInt) {\n    asOf(snapshotId: $at) {\n      id\n      snapshotId\n      orders(first: 12, orderBy: [{ order_id: DESC }]) {\n        totalCount\n        nodes { id order_id customer amount status }\n      }\n    }\n  }\n": types.OrdersDocument,
    "\n  subscription LiveOrders {\n    live {\n      id\n      snapshotId\n      orders(first: 12, orderBy: [{ order_id: DESC }]) {\n        totalCount\n        nodes { id order_id customer amount status }\n      }\n    }\n  }\n": types.LiveOrdersDocument,
    "\n  query History {\n    table(name: \"orders\") {\n      id\n      snapshots(first: 500) {\n        nodes { id snapshotId timestamp operation }\n      }\n    }\n  }\n": types.HistoryDocument,
    "\n  subscription Commits($after: SafeInt) {\n    snapshotCommitted(tables: [\"orders\"], after: $after) {\n      snapshotId\n      snapshots { id snapshotId timestamp operation }\n    }\n  }\n": types.CommitsDocument,
    "\n  mutation AppendOrder($row: OrdersRowInput!) {\n    appendOrders(rows: [$row]) {\n      insertedRows\n    }\n  }\n": types.AppendOrderDocument,
    "\n  mutation ShipOrder($id: BigInt!) {\n    updateOrders(where: { order_id: { eq: $id } }, set: { status: \"shipped\" }) {\n      rows { id status }\n    }\n  }\n": types.ShipOrderDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 *
 *
 * @example
 * ```ts
 * const query = graphql(`query GetUser($id: ID!) { user(id: $id) { name } }`);
 * ```
 *
 * The query argument is unknown!
 * Please regenerate the types.
 */
export function graphql(source: string): unknown;

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Orders($at: SafeInt) {\n    asOf(snapshotId: $at) {\n      id\n      snapshotId\n      orders(first: 12, orderBy: [{ order_id: DESC }]) {\n        totalCount\n        nodes { id order_id customer amount status }\n      }\n    }\n  }\n"): (typeof documents)["\n  query Orders($at: SafeInt) {\n    asOf(snapshotId: $at) {\n      id\n      snapshotId\n      orders(first: 12, orderBy: [{ order_id: DESC }]) {\n        totalCount\n        nodes { id order_id customer amount status }\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription LiveOrders {\n    live {\n      id\n      snapshotId\n      orders(first: 12, orderBy: [{ order_id: DESC }]) {\n        totalCount\n        nodes { id order_id customer amount status }\n      }\n    }\n  }\n"): (typeof documents)["\n  subscription LiveOrders {\n    live {\n      id\n      snapshotId\n      orders(first: 12, orderBy: [{ order_id: DESC }]) {\n        totalCount\n        nodes { id order_id customer amount status }\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query History {\n    table(name: \"orders\") {\n      id\n      snapshots(first: 500) {\n        nodes { id snapshotId timestamp operation }\n      }\n    }\n  }\n"): (typeof documents)["\n  query History {\n    table(name: \"orders\") {\n      id\n      snapshots(first: 500) {\n        nodes { id snapshotId timestamp operation }\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription Commits($after: SafeInt) {\n    snapshotCommitted(tables: [\"orders\"], after: $after) {\n      snapshotId\n      snapshots { id snapshotId timestamp operation }\n    }\n  }\n"): (typeof documents)["\n  subscription Commits($after: SafeInt) {\n    snapshotCommitted(tables: [\"orders\"], after: $after) {\n      snapshotId\n      snapshots { id snapshotId timestamp operation }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation AppendOrder($row: OrdersRowInput!) {\n    appendOrders(rows: [$row]) {\n      insertedRows\n    }\n  }\n"): (typeof documents)["\n  mutation AppendOrder($row: OrdersRowInput!) {\n    appendOrders(rows: [$row]) {\n      insertedRows\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation ShipOrder($id: BigInt!) {\n    updateOrders(where: { order_id: { eq: $id } }, set: { status: \"shipped\" }) {\n      rows { id status }\n    }\n  }\n"): (typeof documents)["\n  mutation ShipOrder($id: BigInt!) {\n    updateOrders(where: { order_id: { eq: $id } }, set: { status: \"shipped\" }) {\n      rows { id status }\n    }\n  }\n"];

export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}

export type DocumentType<TDocumentNode extends DocumentNode<any, any>> = TDocumentNode extends DocumentNode<  infer TType,  any>  ? TType  : never;