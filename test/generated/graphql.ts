/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
/** An instant: give exactly one key. */
export type AsOfInput =
  {   /** The state directly after this commit. */
  snapshotId: number | string; tag?: never; timestamp?: never; }
  |  { snapshotId?: never;   /** The snapshot of this tag. */
  tag: string; timestamp?: never; }
  |  { snapshotId?: never; tag?: never;   /** The newest commit at or before this instant. */
  timestamp: string | number; };

/** What values a column holds. */
export type ColumnType =
  /** Bytes; base64 in JSON. */
  | 'BINARY'
  /** true or false. */
  | 'BOOLEAN'
  /** A date without time. */
  | 'DATE'
  /** An exact decimal with a precision (1 to 38 digits, 18 by default) and a scale (0 by default). */
  | 'DECIMAL'
  /** A 64-bit floating point number. */
  | 'DOUBLE'
  /** A 32-bit floating point number. */
  | 'FLOAT'
  /** A 32-bit integer; Int in the typed API. */
  | 'INT'
  /** Any JSON value, stored as it was given. */
  | 'JSON'
  /** A 64-bit integer; BigInt in the typed API, a decimal string in JSON. */
  | 'LONG'
  /** Unicode text. */
  | 'STRING'
  /** A time of day, microseconds. */
  | 'TIME'
  /** A date and time without zone, microseconds. */
  | 'TIMESTAMP'
  /** An instant, microseconds; DateTime in the typed API. */
  | 'TIMESTAMPTZ'
  /** A UUID. */
  | 'UUID';

/** What a commit did to a table. */
export type Operation =
  /** The columns or settings of the table were changed. */
  | 'ALTER'
  /** Rows were added. */
  | 'APPEND'
  /** The table was created. */
  | 'CREATE'
  /** Rows were deleted. */
  | 'DELETE'
  /** The table was dropped. */
  | 'DROP'
  /** Rows were erased from all of history. */
  | 'ERASE'
  /** Some or all rows were replaced. */
  | 'REPLACE'
  /** The table was restored to an earlier state, as a new commit. */
  | 'RESTORE'
  /** Rows were changed. */
  | 'UPDATE'
  /** Rows were added, or changed if their primary key existed. */
  | 'UPSERT';

/** A row of orders. A column that is not given takes its default; null means null. */
export type OrdersRowInput = {
  /** DOUBLE column amount. */
  amount?: number | null | undefined;
  /** LONG column customer_id. */
  customer_id: string | number;
  /** LONG column order_id. */
  order_id: string | number;
  /** TIMESTAMPTZ column placed_at. */
  placed_at?: string | number | null | undefined;
  /** STRING column status. */
  status?: string | null | undefined;
};

export type AppendOrdersMutationVariables = Exact<{
  rows: Array<OrdersRowInput> | OrdersRowInput;
}>;


export type AppendOrdersMutation = { appendOrders: { commit: { id: string, snapshotId: number } | null, rows: Array<{ id: string, order_id: string, amount: number | null }> | null, view: { id: string, snapshotId: number, orders: { totalCount: number } | null } | null } | null };

export type TwoInstantsQueryVariables = Exact<{
  old: number | string;
}>;


export type TwoInstantsQuery = { past: { id: string, snapshotId: number, orders: { totalCount: number, nodes: Array<{ id: string, _rowId: string, order_id: string, amount: number | null, status: string | null }> } | null } | null, now: { id: string, snapshotId: number, orders: { totalCount: number, nodes: Array<{ id: string, _rowId: string, order_id: string, amount: number | null, status: string | null }> } | null } | null };

export type OneInstantQueryVariables = Exact<{
  at?: AsOfInput | null | undefined;
}>;


export type OneInstantQuery = { asOf: { id: string, snapshotId: number, timestamp: string | null, orders: { totalCount: number, nodes: Array<{ id: string, order_id: string, amount: number | null }>, aggregate: { sum: { amount: number | null } | null } } | null } | null };

export type TablesQueryVariables = Exact<{ [key: string]: never; }>;


export type TablesQuery = { tables: { nodes: Array<{ id: string, name: string, columns: Array<{ name: string, type: ColumnType }>, currentSnapshot: { id: string, snapshotId: number, operation: Operation } | null }> } | null };

export type WatchSubscriptionVariables = Exact<{
  after?: number | string | null | undefined;
}>;


export type WatchSubscription = { snapshotCommitted: { snapshotId: number, commit: { id: string }, snapshots: Array<{ id: string, operation: Operation, summary: { insertedRows: number } }> } | null };


export const AppendOrdersDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"AppendOrders"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"rows"}},"type":{"kind":"NonNullType","type":{"kind":"ListType","type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"OrdersRowInput"}}}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"appendOrders"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"rows"},"value":{"kind":"Variable","name":{"kind":"Name","value":"rows"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"commit"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"snapshotId"}}]}},{"kind":"Field","name":{"kind":"Name","value":"rows"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"order_id"}},{"kind":"Field","name":{"kind":"Name","value":"amount"}}]}},{"kind":"Field","name":{"kind":"Name","value":"view"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"snapshotId"}},{"kind":"Field","name":{"kind":"Name","value":"orders"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"totalCount"}}]}}]}}]}}]}}]} as unknown as DocumentNode<AppendOrdersMutation, AppendOrdersMutationVariables>;
export const TwoInstantsDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"TwoInstants"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"old"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"SafeInt"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","alias":{"kind":"Name","value":"past"},"name":{"kind":"Name","value":"asOf"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"snapshotId"},"value":{"kind":"Variable","name":{"kind":"Name","value":"old"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"snapshotId"}},{"kind":"Field","name":{"kind":"Name","value":"orders"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"totalCount"}},{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"_rowId"}},{"kind":"Field","name":{"kind":"Name","value":"order_id"}},{"kind":"Field","name":{"kind":"Name","value":"amount"}},{"kind":"Field","name":{"kind":"Name","value":"status"}}]}}]}}]}},{"kind":"Field","alias":{"kind":"Name","value":"now"},"name":{"kind":"Name","value":"asOf"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"snapshotId"}},{"kind":"Field","name":{"kind":"Name","value":"orders"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"totalCount"}},{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"_rowId"}},{"kind":"Field","name":{"kind":"Name","value":"order_id"}},{"kind":"Field","name":{"kind":"Name","value":"amount"}},{"kind":"Field","name":{"kind":"Name","value":"status"}}]}}]}}]}}]}}]} as unknown as DocumentNode<TwoInstantsQuery, TwoInstantsQueryVariables>;
export const OneInstantDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"OneInstant"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"at"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"AsOfInput"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"asOf"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"at"},"value":{"kind":"Variable","name":{"kind":"Name","value":"at"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"snapshotId"}},{"kind":"Field","name":{"kind":"Name","value":"timestamp"}},{"kind":"Field","name":{"kind":"Name","value":"orders"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"orderBy"},"value":{"kind":"ListValue","values":[{"kind":"ObjectValue","fields":[{"kind":"ObjectField","name":{"kind":"Name","value":"order_id"},"value":{"kind":"EnumValue","value":"ASC"}}]}]}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"totalCount"}},{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"order_id"}},{"kind":"Field","name":{"kind":"Name","value":"amount"}}]}},{"kind":"Field","name":{"kind":"Name","value":"aggregate"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"sum"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"amount"}}]}}]}}]}}]}}]}}]} as unknown as DocumentNode<OneInstantQuery, OneInstantQueryVariables>;
export const TablesDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"Tables"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"tables"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"columns"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"type"}}]}},{"kind":"Field","name":{"kind":"Name","value":"currentSnapshot"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"snapshotId"}},{"kind":"Field","name":{"kind":"Name","value":"operation"}}]}}]}}]}}]}}]} as unknown as DocumentNode<TablesQuery, TablesQueryVariables>;
export const WatchDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"subscription","name":{"kind":"Name","value":"Watch"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"after"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"SafeInt"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"snapshotCommitted"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"tables"},"value":{"kind":"ListValue","values":[{"kind":"StringValue","value":"orders","block":false}]}},{"kind":"Argument","name":{"kind":"Name","value":"after"},"value":{"kind":"Variable","name":{"kind":"Name","value":"after"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"snapshotId"}},{"kind":"Field","name":{"kind":"Name","value":"commit"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}}]}},{"kind":"Field","name":{"kind":"Name","value":"snapshots"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"operation"}},{"kind":"Field","name":{"kind":"Name","value":"summary"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"insertedRows"}}]}}]}}]}}]}}]} as unknown as DocumentNode<WatchSubscription, WatchSubscriptionVariables>;