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
    "\n  mutation AppendOrders($rows: [OrdersRowInput!]!) {\n    appendOrders(rows: $rows) {\n      commit { id snapshotId }\n      rows { id order_id amount }\n      view { id snapshotId orders { totalCount } }\n    }\n  }\n": typeof types.AppendOrdersDocument,
    "\n  query TwoInstants($old: SafeInt!) {\n    past: asOf(snapshotId: $old) { id snapshotId orders { totalCount nodes { id _rowId order_id amount status } } }\n    now: asOf { id snapshotId orders { totalCount nodes { id _rowId order_id amount status } } }\n  }\n": typeof types.TwoInstantsDocument,
    "\n  query OneInstant($at: AsOfInput) {\n    asOf(at: $at) { id snapshotId timestamp orders(orderBy: [{ order_id: ASC }]) { totalCount nodes { id order_id amount } aggregate { sum { amount } } } }\n  }\n": typeof types.OneInstantDocument,
    "\n  query Tables {\n    tables { nodes { id name columns { name type } currentSnapshot { id snapshotId operation } } }\n  }\n": typeof types.TablesDocument,
    "\n  subscription Watch($after: SafeInt) {\n    snapshotCommitted(tables: [\"orders\"], after: $after) { snapshotId commit { id } snapshots { id operation summary { insertedRows } } }\n  }\n": typeof types.WatchDocument,
};
const documents: Documents = {
    "\n  mutation AppendOrders($rows: [OrdersRowInput!]!) {\n    appendOrders(rows: $rows) {\n      commit { id snapshotId }\n      rows { id order_id amount }\n      view { id snapshotId orders { totalCount } }\n    }\n  }\n": types.AppendOrdersDocument,
    "\n  query TwoInstants($old: SafeInt!) {\n    past: asOf(snapshotId: $old) { id snapshotId orders { totalCount nodes { id _rowId order_id amount status } } }\n    now: asOf { id snapshotId orders { totalCount nodes { id _rowId order_id amount status } } }\n  }\n": types.TwoInstantsDocument,
    "\n  query OneInstant($at: AsOfInput) {\n    asOf(at: $at) { id snapshotId timestamp orders(orderBy: [{ order_id: ASC }]) { totalCount nodes { id order_id amount } aggregate { sum { amount } } } }\n  }\n": types.OneInstantDocument,
    "\n  query Tables {\n    tables { nodes { id name columns { name type } currentSnapshot { id snapshotId operation } } }\n  }\n": types.TablesDocument,
    "\n  subscription Watch($after: SafeInt) {\n    snapshotCommitted(tables: [\"orders\"], after: $after) { snapshotId commit { id } snapshots { id operation summary { insertedRows } } }\n  }\n": types.WatchDocument,
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
export function graphql(source: "\n  mutation AppendOrders($rows: [OrdersRowInput!]!) {\n    appendOrders(rows: $rows) {\n      commit { id snapshotId }\n      rows { id order_id amount }\n      view { id snapshotId orders { totalCount } }\n    }\n  }\n"): (typeof documents)["\n  mutation AppendOrders($rows: [OrdersRowInput!]!) {\n    appendOrders(rows: $rows) {\n      commit { id snapshotId }\n      rows { id order_id amount }\n      view { id snapshotId orders { totalCount } }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query TwoInstants($old: SafeInt!) {\n    past: asOf(snapshotId: $old) { id snapshotId orders { totalCount nodes { id _rowId order_id amount status } } }\n    now: asOf { id snapshotId orders { totalCount nodes { id _rowId order_id amount status } } }\n  }\n"): (typeof documents)["\n  query TwoInstants($old: SafeInt!) {\n    past: asOf(snapshotId: $old) { id snapshotId orders { totalCount nodes { id _rowId order_id amount status } } }\n    now: asOf { id snapshotId orders { totalCount nodes { id _rowId order_id amount status } } }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query OneInstant($at: AsOfInput) {\n    asOf(at: $at) { id snapshotId timestamp orders(orderBy: [{ order_id: ASC }]) { totalCount nodes { id order_id amount } aggregate { sum { amount } } } }\n  }\n"): (typeof documents)["\n  query OneInstant($at: AsOfInput) {\n    asOf(at: $at) { id snapshotId timestamp orders(orderBy: [{ order_id: ASC }]) { totalCount nodes { id order_id amount } aggregate { sum { amount } } } }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Tables {\n    tables { nodes { id name columns { name type } currentSnapshot { id snapshotId operation } } }\n  }\n"): (typeof documents)["\n  query Tables {\n    tables { nodes { id name columns { name type } currentSnapshot { id snapshotId operation } } }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription Watch($after: SafeInt) {\n    snapshotCommitted(tables: [\"orders\"], after: $after) { snapshotId commit { id } snapshots { id operation summary { insertedRows } } }\n  }\n"): (typeof documents)["\n  subscription Watch($after: SafeInt) {\n    snapshotCommitted(tables: [\"orders\"], after: $after) { snapshotId commit { id } snapshots { id operation summary { insertedRows } } }\n  }\n"];

export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}

export type DocumentType<TDocumentNode extends DocumentNode<any, any>> = TDocumentNode extends DocumentNode<  infer TType,  any>  ? TType  : never;