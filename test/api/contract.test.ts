import { readFileSync } from 'node:fs';
import {
  buildSchema,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isNonNullType,
  isObjectType,
  isSpecifiedScalarType,
} from 'graphql';
import { describe, expect, it } from 'vitest';

const SDL = readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8');
const schema = buildSchema(SDL);

function ownTypes(from: GraphQLSchema): GraphQLNamedType[] {
  return Object.values(from.getTypeMap()).filter((type) => !type.name.startsWith('__') && !isSpecifiedScalarType(type));
}

/** Everything that can carry a description, by its name in the schema: `Query.asOf(timestamp:)`. */
function described(): Map<string, string | null | undefined> {
  const found = new Map<string, string | null | undefined>();
  for (const type of ownTypes(schema)) {
    found.set(type.name, type.description);
    if (isEnumType(type)) for (const value of type.getValues()) found.set(`${type.name}.${value.name}`, value.description);
    if (isInputObjectType(type))
      for (const field of Object.values(type.getFields())) found.set(`${type.name}.${field.name}`, field.description);
    if (isObjectType(type) || isInterfaceType(type)) {
      for (const field of Object.values(type.getFields())) {
        found.set(`${type.name}.${field.name}`, field.description);
        for (const argument of field.args) found.set(`${type.name}.${field.name}(${argument.name}:)`, argument.description);
      }
    }
  }
  return found;
}

function fieldsOf(name: string): string[] {
  const type = schema.getType(name);
  if (isEnumType(type)) return type.getValues().map((value) => value.name);
  if (isInputObjectType(type)) {
    return Object.values(type.getFields()).map(
      (field) => `${field.name}: ${field.type}${field.defaultValue === undefined ? '' : ` = ${JSON.stringify(field.defaultValue)}`}`,
    );
  }
  if (!isObjectType(type) && !isInterfaceType(type)) throw new Error(`there is no type ${name} with fields`);
  return Object.values(type.getFields()).map((field) => {
    const list = field.args.map(
      (argument) =>
        `${argument.name}: ${argument.type}${argument.defaultValue === undefined ? '' : ` = ${JSON.stringify(argument.defaultValue)}`}`,
    );
    return `${field.name}${list.length === 0 ? '' : `(${list.join(', ')})`}: ${field.type}`;
  });
}

const PAGE = 'first: Int, after: String, last: Int, before: String';
const INSTANT = 'at: AsOfInput, timestamp: DateTime, snapshotId: SafeInt, tag: String, atLeast: SafeInt';
const COMPARE = (scalar: string): string[] => [
  ...['eq', 'ne', 'gt', 'gte', 'lt', 'lte'].map((operator) => `${operator}: ${scalar}`),
  `in: [${scalar}!]`,
  `notIn: [${scalar}!]`,
  'isNull: Boolean',
];
const TEXT = ['contains', 'startsWith', 'endsWith', 'like', 'ilike'].map((operator) => `${operator}: String`);
const PAYLOAD = [
  'commit: Commit',
  'snapshots: [Snapshot!]!',
  'replayed: Boolean!',
  'insertedRows: SafeInt!',
  'updatedRows: SafeInt!',
  'deletedRows: SafeInt!',
  'notices: [String!]!',
  'view: CatalogView',
];
const ORDERS_COLUMNS = 'order_id customer_id amount status placed_at'.split(' ');

const CONTRACT: Readonly<Record<string, readonly string[]>> = {
  Node: ['id: ID!'],
  Query: [
    `asOf(${INSTANT}): CatalogView`,
    'diff(from: AsOfInput!, to: AsOfInput): CatalogDiff',
    'table(name: String!): Table',
    `tables(${PAGE}, includeDropped: Boolean = false): TableConnection`,
    `tags(${PAGE}): TagConnection`,
    'commit(snapshotId: SafeInt!): Commit',
    `commits(${PAGE}, from: DateTime, to: DateTime, tables: [String!], author: String): CommitConnection`,
    'node(id: ID!): Node',
  ],
  AsOfInput: ['timestamp: DateTime', 'snapshotId: SafeInt', 'tag: String'],
  CatalogView: [
    'id: ID!',
    'snapshotId: SafeInt!',
    'timestamp: DateTime',
    'table(name: String!): TableView',
    `orders(where: OrdersFilter, orderBy: [OrdersOrderBy!], ${PAGE}): OrdersRowConnection`,
    'ordersByKey(order_id: BigInt!): OrdersRow',
  ],
  OrdersRow: [
    'id: ID!',
    '_rowId: ID!',
    '_fromSnapshotId: SafeInt!',
    'order_id: BigInt!',
    'customer_id: BigInt!',
    'amount: Float',
    'status: String',
    'placed_at: DateTime',
  ],
  OrdersRowConnection: [
    'nodes: [OrdersRow!]!',
    'edges: [OrdersRowEdge!]!',
    'pageInfo: PageInfo!',
    'totalCount: SafeInt!',
    'aggregate: OrdersAggregate!',
    'groupBy(columns: [OrdersColumn!]!, first: Int = 100, after: String): OrdersGroupConnection!',
  ],
  OrdersAggregate: [
    'count: SafeInt!',
    'sum: OrdersSum',
    'avg: OrdersAvg',
    'min: OrdersMin',
    'max: OrdersMax',
    'countDistinct: OrdersCountDistinct',
  ],
  OrdersSum: ['order_id: BigInt', 'customer_id: BigInt', 'amount: Float'],
  OrdersAvg: ['order_id: Float', 'customer_id: Float', 'amount: Float'],
  OrdersGroupConnection: ['nodes: [OrdersGroup!]!', 'edges: [OrdersGroupEdge!]!', 'pageInfo: PageInfo!', 'totalCount: SafeInt!'],
  JSONConnection: ['nodes: [JSON!]!', 'edges: [JSONEdge!]!', 'pageInfo: PageInfo!', 'totalCount: SafeInt!'],
  OrdersGroup: ['key: OrdersGroupKey!', 'aggregate: OrdersAggregate!'],
  OrdersColumn: ORDERS_COLUMNS,
  OrdersFilter: [
    'and: [OrdersFilter!]',
    'or: [OrdersFilter!]',
    'not: OrdersFilter',
    '_rowId: IDCondition',
    '_fromSnapshotId: SafeIntCondition',
    'order_id: BigIntCondition',
    'customer_id: BigIntCondition',
    'amount: FloatCondition',
    'status: StringCondition',
    'placed_at: DateTimeCondition',
  ],
  BigIntCondition: COMPARE('BigInt'),
  IDCondition: ['eq: ID', 'ne: ID', 'in: [ID!]', 'notIn: [ID!]'],
  SafeIntCondition: COMPARE('SafeInt').filter((field) => field !== 'isNull: Boolean'),
  FloatCondition: COMPARE('Float'),
  DateTimeCondition: COMPARE('DateTime'),
  StringCondition: [...COMPARE('String'), ...TEXT],
  OrdersOrderBy: ORDERS_COLUMNS.map((name) => `${name}: Direction`),
  Direction: ['ASC', 'DESC', 'ASC_NULLS_FIRST', 'DESC_NULLS_LAST'],
  Table: [
    'id: ID!',
    'name: String!',
    'graphqlName: String!',
    'columns: [Column!]!',
    'primaryKey: [String!]!',
    'description: String',
    'createdAt: DateTime!',
    'droppedAt: DateTime',
    'currentSnapshot: Snapshot',
    'snapshot(snapshotId: SafeInt!): Snapshot',
    `snapshots(${PAGE}, from: DateTime, to: DateTime, operation: Operation): SnapshotConnection!`,
    `asOf(${INSTANT}): TableView`,
    'retention: RetentionPolicy!',
    'availableFrom: DateTime',
  ],
  TableView: [
    'id: ID!',
    'table: Table!',
    'snapshotId: SafeInt!',
    'snapshot: Snapshot',
    'columns: [Column!]!',
    `rows(where: Filter, orderBy: [OrderBy!], columns: [String!], ${PAGE}): RowConnection!`,
    'aggregate(where: Filter, groupBy: [String!], functions: [AggregateInput!]!, first: Int = 100, after: String): JSONConnection!',
    'rowCount: SafeInt!',
    `files(${PAGE}): DataFileConnection!`,
  ],
  RowConnection: ['nodes: [JSON!]!', 'edges: [RowEdge!]!', 'pageInfo: PageInfo!', 'totalCount: SafeInt!'],
  AggregateInput: ['as: String', 'function: AggregateFunction!', 'column: String'],
  AggregateFunction: ['COUNT', 'COUNT_DISTINCT', 'SUM', 'AVG', 'MIN', 'MAX'],
  Column: [
    'fieldId: Int!',
    'name: String!',
    'graphqlName: String!',
    'type: ColumnType!',
    'required: Boolean!',
    'precision: Int',
    'scale: Int',
    'default: JSON',
    'description: String',
  ],
  ColumnType: 'BOOLEAN INT LONG FLOAT DOUBLE DECIMAL DATE TIME TIMESTAMP TIMESTAMPTZ STRING UUID BINARY JSON'.split(' '),
  Snapshot: [
    'id: ID!',
    'snapshotId: SafeInt!',
    'timestamp: DateTime!',
    'timestampMs: SafeInt!',
    'operation: Operation!',
    'table: Table!',
    'parent: Snapshot',
    'parentId: SafeInt',
    'commit: Commit!',
    'view: TableView!',
    'summary: SnapshotSummary!',
    `manifest(${PAGE}): DataFileConnection!`,
    `changes(${PAGE}): RowChangeConnection!`,
  ],
  SnapshotSummary: ['insertedRows', 'updatedRows', 'deletedRows', 'totalRows', 'totalFiles', 'totalBytes'].map(
    (name) => `${name}: SafeInt!`,
  ),
  Operation: 'CREATE APPEND REPLACE DELETE UPDATE UPSERT ALTER RESTORE DROP ERASE'.split(' '),
  Commit: [
    'id: ID!',
    'snapshotId: SafeInt!',
    'timestamp: DateTime!',
    'author: String',
    'message: String',
    'properties: JSON',
    'hash: String',
    'snapshots: [Snapshot!]!',
  ],
  Tag: ['id: ID!', 'name: String!', 'commit: Commit!', 'message: String'],
  CatalogDiff: [
    'from: Commit',
    'to: Commit',
    'tables: [TableDiff!]!',
    'orders(mode: DiffMode = "NET", where: OrdersFilter, kinds: [ChangeKind!]): OrdersDiff',
  ],
  OrdersDiff: ['insertedRows: SafeInt!', 'updatedRows: SafeInt!', 'deletedRows: SafeInt!', `changes(${PAGE}): OrdersChangeConnection!`],
  OrdersChange: ['kind: ChangeKind!', 'snapshotId: SafeInt!', 'before: OrdersRow', 'after: OrdersRow'],
  ChangeKind: ['INSERT', 'UPDATE', 'DELETE'],
  DiffMode: ['NET', 'FULL'],
  Mutation: [
    'createTable(input: CreateTableInput!, options: CommitOptions): CommitPayload',
    'alterTable(table: String!, changes: [TableChange!]!, options: CommitOptions): CommitPayload',
    'dropTable(table: String!, options: CommitOptions): CommitPayload',
    'append(table: String!, rows: [JSON!]!, options: CommitOptions): CommitPayload',
    'replace(table: String!, rows: [JSON!]!, where: Filter, options: CommitOptions): CommitPayload',
    'delete(table: String!, where: Filter!, options: CommitOptions): CommitPayload',
    'update(table: String!, where: Filter!, set: JSON!, options: CommitOptions): CommitPayload',
    'upsert(table: String!, rows: [JSON!]!, onConflict: OnConflict, options: CommitOptions): CommitPayload',
    'commit(operations: [CommitOperation!]!, options: CommitOptions): CommitPayload',
    'restore(tables: [String!], to: AsOfInput!, dryRun: Boolean = false, options: CommitOptions): RestorePayload',
    'revert(snapshotId: SafeInt!, onChanged: OnChanged = "CONFLICT", dryRun: Boolean = false, options: CommitOptions): RestorePayload',
    'createTag(name: String!, at: AsOfInput, message: String): Tag',
    'dropTag(name: String!): Tag',
    'expireSnapshots(table: String, olderThan: DateTime, olderThanMs: SafeInt, retainLast: Int, dryRun: Boolean = false): ExpirePayload',
    'compact(table: String): CompactPayload',
    'appendOrders(rows: [OrdersRowInput!]!, options: CommitOptions): OrdersWritePayload',
    'replaceOrders(rows: [OrdersRowInput!]!, where: OrdersFilter, options: CommitOptions): OrdersWritePayload',
    'deleteOrders(where: OrdersFilter!, options: CommitOptions): OrdersWritePayload',
    'updateOrders(where: OrdersFilter!, set: OrdersRowPatch!, options: CommitOptions): OrdersWritePayload',
    'upsertOrders(rows: [OrdersRowPatch!]!, onConflict: OrdersOnConflict, options: CommitOptions): OrdersWritePayload',
  ],
  TableChange: [
    'addColumn: ColumnInput',
    'dropColumn: ColumnNameInput',
    'renameColumn: RenameColumnInput',
    'widenColumn: WidenColumnInput',
    'makeOptional: ColumnNameInput',
    'reorderColumns: ReorderColumnsInput',
    'setDescription: SetDescriptionInput',
    'setRetention: RetentionInput',
  ],
  CommitOperation: [
    'append: AppendOperation',
    'replace: ReplaceOperation',
    'delete: DeleteOperation',
    'update: UpdateOperation',
    'upsert: UpsertOperation',
    'createTable: CreateTableInput',
    'alterTable: AlterTableOperation',
    'dropTable: DropTableOperation',
    'orders: OrdersWrite',
  ],
  OrdersWrite: [
    'append: [OrdersRowInput!]',
    'upsert: [OrdersRowPatch!]',
    'replace: OrdersReplace',
    'delete: OrdersFilter',
    'update: OrdersUpdate',
  ],
  OnChanged: ['CONFLICT', 'SKIP'],
  RestorePayload: [...PAYLOAD, 'dryRun: Boolean!', 'diff: CatalogDiff!', 'skippedRows: SafeInt!', 'skippedRowIds: [ID!]!'],
  OnConflict: ['update: [String!]', 'where: Filter'],
  OrdersOnConflict: ['update: [OrdersColumn!]', 'where: OrdersFilter'],
  UpsertOperation: ['table: String!', 'rows: [JSON!]!', 'onConflict: OnConflict'],
  CreateTableInput: [
    'name: String!',
    'graphqlName: String',
    'columns: [ColumnInput!]!',
    'primaryKey: [String!]',
    'description: String',
    'ifExists: IfExists = "ERROR"',
  ],
  Filter: ['and: [Filter!]', 'or: [Filter!]', 'not: Filter', 'column: String', ...COMPARE('JSON'), ...TEXT],
  CommitOptions: [
    'message: String',
    'author: String',
    'properties: JSON',
    'idempotencyKey: String',
    'expectedSnapshotId: SafeInt',
    'expectedRows: SafeInt',
  ],
  CommitPayload: PAYLOAD,
  OrdersWritePayload: [...PAYLOAD, 'rows(first: Int): [OrdersRow!]'],
  Subscription: [
    'snapshotCommitted(tables: [String!], operations: [Operation!], after: SafeInt): SnapshotEvent',
    'changes(table: String!, where: Filter, after: String): RowChangeEvent',
    'ordersChanges(where: OrdersFilter, after: String): OrdersChangeEvent',
    'live: CatalogView',
  ],
  OrdersChangeEvent: [
    'snapshotId: SafeInt!',
    'cursor: String!',
    'changes: [OrdersChange!]!',
    'endOfCommit: Boolean!',
    'caughtUp: Boolean!',
    'headSnapshotId: SafeInt!',
  ],
  SnapshotEvent: ['snapshotId: SafeInt!', 'commit: Commit!', 'snapshots: [Snapshot!]!', 'caughtUp: Boolean!', 'headSnapshotId: SafeInt!'],
};

describe('the schema is the contract of api.md', () => {
  it.each(Object.keys(CONTRACT))('%s has the fields, arguments and types of the contract', (name) => {
    expect(fieldsOf(name)).toEqual(expect.arrayContaining([...(CONTRACT[name] ?? [])]));
  });

  it('every root field may be null, so that one failed alias does not take the others with it', () => {
    const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
    const fields = roots.flatMap((root) => Object.values(root?.getFields() ?? {}));
    expect(fields.length).toBeGreaterThan(10);
    expect(fields.filter((field) => isNonNullType(field.type)).map((field) => field.name)).toEqual([]);
  });

  it('whoever reads the API in GraphiQL finds a description on every type, field, argument, enum value and input field', () => {
    const all = [...described()];
    expect(all.length).toBeGreaterThan(500);
    expect(all.filter(([, description]) => (description ?? '').trim() === '').map(([name]) => name)).toEqual([]);
  });

  it('an input that takes exactly one key says so with @oneOf', () => {
    const oneOf = ownTypes(schema).filter((type) => isInputObjectType(type) && type.isOneOf);
    expect(oneOf.map((type) => type.name).sort()).toEqual(
      [
        'AsOfInput',
        'CommitOperation',
        'TableChange',
        ...['Orders', 'Customers', 'Samples'].flatMap((prefix) => [`${prefix}OrderBy`, `${prefix}Write`]),
      ].sort(),
    );
  });

  it('caches see an id only where it is unique: on every Node, and on nothing else', () => {
    const withId = ownTypes(schema).filter((type) => isObjectType(type) && 'id' in type.getFields()) as GraphQLObjectType[];
    expect(withId.filter((type) => !type.getInterfaces().some(({ name }) => name === 'Node')).map((type) => type.name)).toEqual([]);
    expect(withId.map((type) => type.name).sort()).toEqual(
      ['Table', 'TableView', 'CatalogView', 'Snapshot', 'Commit', 'Tag', 'OrdersRow', 'CustomersRow', 'SamplesRow'].sort(),
    );
  });

  it('a column called id is id_ wherever the typed API names it', () => {
    expect(fieldsOf('CustomersRow')).toContain('id_: BigInt!');
    expect(fieldsOf('CustomersRowInput')).toContain('id_: BigInt!');
    expect([...fieldsOf('CustomersFilter'), ...fieldsOf('CustomersOrderBy')]).toEqual(
      expect.arrayContaining(['id_: BigIntCondition', 'id_: Direction']),
    );
    expect(fieldsOf('CustomersColumn')).toContain('id_');
    expect(fieldsOf('CatalogView')).toContain('customersByKey(id_: BigInt!): CustomersRow');
  });

  it('static mutations come first, then those of each table, so that the list is easy to read', () => {
    const names = Object.keys(schema.getMutationType()?.getFields() ?? {});
    const fixed = names.slice(0, names.indexOf('appendOrders'));
    expect(fixed).toEqual(expect.arrayContaining(['createTable', 'append', 'compact', 'commit']));
    expect(names.slice(fixed.length)).toEqual([
      ...['append', 'replace', 'delete', 'update', 'upsert'].map((kind) => `${kind}Orders`),
      ...['append', 'replace', 'delete', 'update', 'upsert'].map((kind) => `${kind}Customers`),
      ...['append', 'replace', 'delete', 'update'].map((kind) => `${kind}Samples`),
    ]);
  });
});
