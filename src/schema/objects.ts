/** The object types that refer to one another: tables, snapshots, commits, views, files. */
import type { Commit, Snapshot, Table, Tag } from '../engine/index.ts';
import { type RetentionModel, retentionOf } from '../resolvers/administration.ts';
import { snapshotChanges } from '../resolvers/diff.ts';
import { viewAggregate } from '../resolvers/groups.ts';
import { commitById, parentOf, snapshotView, tableOf, tableSnapshots } from '../resolvers/history.ts';
import { marked } from '../resolvers/marks.ts';
import { encodeNodeId } from '../resolvers/node-id.ts';
import { tableViewId, viewId } from '../resolvers/present.ts';
import type { RowConnection } from '../resolvers/rows.ts';
import { type DataFileModel, manifestOf, tableAsOf, tableInView, viewRows } from '../resolvers/table-view.ts';
import { groupPageArguments, instantArguments, pageArguments, timeRangeArguments } from './arguments.ts';
import type { Builder } from './builder.ts';
import type { addGenericFilter } from './conditions.ts';
import { addConnection } from './connection.ts';
import type { RowChanges } from './diffs.ts';
import type { NodeRef } from './node.ts';
import type { Refs } from './refs.ts';
import type { Shared } from './static.ts';

export type Objects = ReturnType<typeof addObjects>;
type Generic = ReturnType<typeof addGenericFilter>;

interface ObjectParts {
  readonly node: NodeRef;
  readonly rowChanges: RowChanges;
}

const milliseconds = (ms: number): string => new Date(ms).toISOString();

export function addObjects(builder: Builder, shared: Shared, generic: Generic, refs: Refs, { node, rowChanges }: ObjectParts) {
  const files = addDataFiles(builder, shared);
  addTable(builder, shared, node, refs);
  addSnapshot(builder, shared, node, refs, files, rowChanges);
  addCommit(node, refs);
  addTag(node, refs);
  addTableView(builder, shared, generic, node, refs, files);
  refs.view.implement({
    description: 'The whole catalog at one instant: every table that existed then is a field.',
    interfaces: [node],
    fields: (t) => ({
      id: t.id({
        ...marked({ tellsPlace: true }),
        description: 'The global id: one and the same for the present, however often it is read; at a named instant that of its snapshot.',
        resolve: (view, _args, { session }) => viewId(view, session.incarnation),
      }),
      snapshotId: t.field({
        ...marked({ tellsPlace: true }),
        type: 'SafeInt',
        description: 'The commit read at; 0 where nothing was committed yet.',
        resolve: (view) => view.snapshotId,
      }),
      timestamp: t.field({
        ...marked({ tellsPlace: true }),
        type: 'DateTime',
        nullable: true,
        description: 'When that commit was made; null where nothing was committed yet.',
        resolve: (view) => (view.timestampMs === null ? null : milliseconds(view.timestampMs)),
      }),
      table: t.field({
        ...marked({ readsTableNamedBy: 'name' }),
        type: refs.tableView,
        nullable: true,
        description:
          'One table, typed at run time. Null where it did not exist at this instant; TABLE_NOT_FOUND where no table ever had the name.',
        args: { name: t.arg.string({ required: true, description: "The table's name." }) },
        resolve: (view, args, context) => tableInView(context, view, args.name),
      }),
    }),
  });
  return {
    ...refs,
    tables: addConnection<Table>(builder, shared, 'Table', refs.table, 'tables'),
    commits: addConnection<Commit>(builder, shared, 'Commit', refs.commit, 'commits, newest first'),
    tags: addConnection<Tag>(builder, shared, 'Tag', refs.tag, 'tags, by name'),
  };
}

type Files = ReturnType<typeof addDataFiles>;
type JsonObject = Readonly<Record<string, unknown>>;

function addTable(builder: Builder, shared: Shared, node: NodeRef, refs: Refs): void {
  const snapshots = addConnection<Snapshot>(builder, shared, 'Snapshot', refs.snapshot, "a table's snapshots, newest first");
  const retention = builder.objectRef<RetentionModel>('RetentionPolicy').implement({
    description: 'How much history is kept: snapshots expire once both limits let them. Tagged ones and the newest never do.',
    fields: (t) => ({
      maxAgeMs: t.field({
        type: 'SafeInt',
        nullable: true,
        description: 'Snapshots older than this may expire, milliseconds; null where age does not count.',
        resolve: (at) => at.maxAgeMs,
      }),
      minSnapshots: t.exposeInt('minSnapshots', {
        nullable: true,
        description: 'The newest so many are always kept; null where number does not count.',
      }),
      inherited: t.exposeBoolean('inherited', {
        description: "Whether this is the catalog's policy and not the table's own. With neither limit, all is kept.",
      }),
    }),
  });
  refs.table.implement({
    description: 'A table: its columns now, and its whole history.',
    interfaces: [node],
    fields: (t) => ({
      id: t.id({ description: 'The global id.', resolve: (table) => encodeNodeId({ kind: 'table', tableId: table.id }) }),
      name: t.exposeString('name', { description: 'The name, as the generic door has it.' }),
      graphqlName: t.exposeString('graphqlName', { description: 'The name of its fields in the typed door.' }),
      columns: t.field({
        type: [shared.column],
        description: 'The columns as they are now.',
        resolve: (table) => [...table.schema.columns],
      }),
      primaryKey: t.field({
        type: ['String'],
        description: 'Names of the key columns, in key order; empty where it has none.',
        resolve: (table) => [...table.schema.primaryKey],
      }),
      description: t.exposeString('description', { nullable: true, description: 'What the table holds.' }),
      notices: t.field({
        type: ['String'],
        description: 'What may surprise about the table now: why it is not in the typed API, where it is not.',
        resolve: async (table, _args, { notices }) => [...(await notices(table.id))],
      }),
      createdAt: t.field({ type: 'DateTime', description: 'When it was created.', resolve: (table) => milliseconds(table.createdAtMs) }),
      droppedAt: t.field({
        type: 'DateTime',
        nullable: true,
        description: 'When it was dropped; null while it lives.',
        resolve: (table) => (table.droppedAtMs === null ? null : milliseconds(table.droppedAtMs)),
      }),
      currentSnapshot: t.field({
        type: refs.snapshot,
        nullable: true,
        description: 'The newest snapshot.',
        resolve: (table, _args, { session }) => (session.tableById(table.id) ?? table).last,
      }),
      retention: t.field({
        type: retention,
        description: 'How much of its history is kept. alterTable(setRetention) changes it.',
        resolve: (table, _args, context) => retentionOf(context, table.id),
      }),
      availableFrom: t.field({
        type: 'DateTime',
        nullable: true,
        description: 'The oldest instant from which on it can be read: its creation, or what expiry left.',
        resolve: (table, _args, { session }) => {
          const { kept, createdAtMs } = session.tableById(table.id) ?? table;
          return milliseconds(kept.horizon === 0 ? createdAtMs : kept.horizonMs);
        },
      }),
      snapshot: t.field({
        type: refs.snapshot,
        nullable: true,
        description: 'The snapshot that a commit made of this table; null where the commit did not touch it.',
        args: { snapshotId: t.arg({ type: 'SafeInt', required: true, description: "The commit's id." }) },
        resolve: async (table, { snapshotId }, context) => {
          const commit = await commitById(context, snapshotId);
          return commit.snapshots.find((snapshot) => snapshot.tableId === table.id) ?? null;
        },
      }),
      snapshots: t.field({
        type: snapshots,
        description: 'All snapshots, newest first.',
        args: {
          ...pageArguments(t.arg),
          ...timeRangeArguments(t.arg),
          operation: t.arg({ type: shared.operation, description: 'Only those that this operation made.' }),
        },
        resolve: (table, args, context) => tableSnapshots(context, table, args),
      }),
      asOf: t.field({
        type: refs.tableView,
        nullable: true,
        description:
          'The table at an instant: the newest where none is given, or the one that the cursors inside pin. TABLE_NOT_FOUND_AS_OF {createdAt, droppedAt} where it did not exist then.',
        args: instantArguments(t.arg, shared),
        resolve: (table, args, context, info) => tableAsOf(context, table, args, info),
      }),
    }),
  });
}

function addSnapshot(builder: Builder, shared: Shared, node: NodeRef, refs: Refs, files: Files, { changes }: RowChanges): void {
  const summary = builder.objectRef<Snapshot>('SnapshotSummary').implement({
    description: 'What a commit did to a table, in numbers.',
    fields: (t) => ({
      insertedRows: t.field({ type: 'SafeInt', description: 'Rows that it brought.', resolve: (at) => at.insertedRows }),
      updatedRows: t.field({ type: 'SafeInt', description: 'Rows that it changed.', resolve: (at) => at.updatedRows }),
      deletedRows: t.field({ type: 'SafeInt', description: 'Rows that it ended.', resolve: (at) => at.deletedRows }),
      totalRows: t.field({ type: 'SafeInt', description: 'Rows of the table after it.', resolve: (at) => at.totalRows }),
      totalFiles: t.field({
        type: 'SafeInt',
        description: 'Data files right after it; flush and compaction change them later.',
        resolve: (at) => at.totalFiles,
      }),
      totalBytes: t.field({
        type: 'SafeInt',
        description: 'Bytes of data files and hot rows right after it.',
        resolve: (at) => at.totalBytes,
      }),
    }),
  });
  refs.snapshot.implement({
    description: 'The state of one table after a commit that changed it.',
    interfaces: [node],
    fields: (t) => ({
      id: t.id({
        description: 'The global id.',
        resolve: ({ tableId, snapshotId }, _args, { session: { incarnation } }) =>
          encodeNodeId({ kind: 'snapshot', tableId, snapshotId, incarnation }),
      }),
      snapshotId: t.field({
        type: 'SafeInt',
        description: "The commit's id: pass it to asOf to read this very state, of any table.",
        resolve: (at) => at.snapshotId,
      }),
      timestamp: t.field({ type: 'DateTime', description: 'When it was committed.', resolve: (at) => milliseconds(at.timestampMs) }),
      timestampMs: t.field({ type: 'SafeInt', description: 'When it was committed, epoch milliseconds.', resolve: (at) => at.timestampMs }),
      operation: t.expose('operation', { type: shared.operation, description: 'What the commit did to the table.' }),
      table: t.field({ type: refs.table, description: 'The table.', resolve: (at, _args, context) => tableOf(context, at) }),
      parent: t.field({
        type: refs.snapshot,
        nullable: true,
        description: "The table's snapshot before this one.",
        resolve: (at, _args, context) => parentOf(context, at),
      }),
      parentId: t.field({
        type: 'SafeInt',
        nullable: true,
        description: "The id of the table's snapshot before this one.",
        resolve: (at) => at.parentId,
      }),
      commit: t.field({
        type: refs.commit,
        description: 'The commit.',
        resolve: (at, _args, context) => commitById(context, at.snapshotId),
      }),
      view: t.field({
        type: refs.tableView,
        description: 'The table as of this snapshot. At a DROP it is as it was right before; empty once that has expired.',
        resolve: (at, _args, context) => snapshotView(context, at),
      }),
      summary: t.field({ type: summary, description: 'What the commit did, in numbers.', resolve: (at) => at }),
      manifest: t.field({
        type: files,
        description: 'The files and hot rows that hold the rows of this snapshot, as they are arranged now.',
        args: pageArguments(t.arg),
        resolve: async (at, args, context) => manifestOf(context, (await snapshotView(context, at)).at, args),
      }),
      changes: t.field({
        type: changes,
        description: "What the commit did to the table's rows, each before and after.",
        args: pageArguments(t.arg),
        resolve: (at, args, context) => snapshotChanges(context, at, args),
      }),
    }),
  });
}

function addCommit(node: NodeRef, refs: Refs): void {
  refs.commit.implement({
    ...marked({ reachesAllTables: true }),
    description: 'The atomic unit of change: one or more tables, at one instant.',
    interfaces: [node],
    fields: (t) => ({
      id: t.id({
        description: 'The global id.',
        resolve: ({ snapshotId }, _args, { session: { incarnation } }) => encodeNodeId({ kind: 'commit', snapshotId, incarnation }),
      }),
      snapshotId: t.field({
        type: 'SafeInt',
        description: 'Its id, counted over the whole catalog: 1, 2, 3, ...',
        resolve: (at) => at.snapshotId,
      }),
      timestamp: t.field({
        type: 'DateTime',
        description: 'When it was made; never earlier than the commit before it.',
        resolve: (at) => milliseconds(at.timestampMs),
      }),
      author: t.exposeString('author', { nullable: true, description: 'Who made it, as they said.' }),
      message: t.exposeString('message', { nullable: true, description: 'Why, as they said.' }),
      properties: t.field({
        type: 'JSON',
        nullable: true,
        description: 'Whatever else they said.',
        resolve: (at) => (at.properties === null ? null : (JSON.parse(at.properties) as unknown)),
      }),
      hash: t.string({
        nullable: true,
        description: 'Its link of the audit chain, hex: SHA-256 over its content and the hash before it. `verify` recomputes all of them.',
        resolve: (at) => at.hash.toString('hex'),
      }),
      snapshots: t.field({
        type: [refs.snapshot],
        description: 'One a table that it touched; those that have expired are left out.',
        resolve: (at) => [...at.snapshots],
      }),
    }),
  });
}

function addTag(node: NodeRef, refs: Refs): void {
  refs.tag.implement({
    description: 'A name for a snapshot. It never moves, and its snapshot does not expire.',
    interfaces: [node],
    fields: (t) => ({
      id: t.id({ description: 'The global id.', resolve: ({ name }) => encodeNodeId({ kind: 'tag', name }) }),
      name: t.exposeString('name', { description: 'The name: pass it to asOf(tag).' }),
      snapshotId: t.field({ type: 'SafeInt', description: 'The snapshot that it names.', resolve: (at) => at.snapshotId }),
      commit: t.field({
        type: refs.commit,
        description: 'The commit of that snapshot.',
        resolve: (at, _args, context) => commitById(context, at.snapshotId),
      }),
      message: t.exposeString('message', { nullable: true, description: 'What it stands for.' }),
      createdAt: t.field({ type: 'DateTime', description: 'When the tag was set.', resolve: (at) => milliseconds(at.createdAtMs) }),
    }),
  });
}

function addDataFiles(builder: Builder, shared: Shared) {
  const bounds = builder.objectRef<DataFileModel['bounds'][number]>('ColumnBounds').implement({
    description: "What is known of one column's values in a file; queries use it to leave files unread.",
    fields: (t) => ({
      column: t.exposeString('column', { description: "The column's name." }),
      min: t.field({ type: 'JSON', nullable: true, description: 'No value is below it; null where unknown.', resolve: (at) => at.min }),
      max: t.field({ type: 'JSON', nullable: true, description: 'No value is above it; null where unknown.', resolve: (at) => at.max }),
      nullCount: t.field({ type: 'SafeInt', description: 'How many nulls.', resolve: (at) => at.nullCount }),
    }),
  });
  const kind = builder.enumType('DataFileKind', {
    description: 'Where rows lie.',
    values: {
      PARQUET: { description: 'In a Parquet file on disk.' },
      HOT: { description: 'In the catalog: rows of small commits that were not flushed yet.' },
    },
  });
  const file = builder.objectRef<DataFileModel>('DataFile').implement({
    description: 'An immutable Parquet file, or the hot rows together.',
    fields: (t) => ({
      path: t.exposeString('path', { nullable: true, description: 'Relative to the data directory; null for hot rows.' }),
      kind: t.expose('kind', { type: kind, description: 'Where the rows lie.' }),
      rowCount: t.field({
        type: 'SafeInt',
        description: 'Rows in it; some may be newer than the instant read at.',
        resolve: (at) => at.rowCount,
      }),
      sizeBytes: t.field({ type: 'SafeInt', description: 'Its size, bytes.', resolve: (at) => at.sizeBytes }),
      sha256: t.exposeString('sha256', { nullable: true, description: 'SHA-256 of its bytes, hex; checked when it is first read.' }),
      fromSnapshotId: t.field({
        type: 'SafeInt',
        description: 'The oldest commit whose rows it holds.',
        resolve: (at) => at.fromSnapshotId,
      }),
      toSnapshotId: t.field({ type: 'SafeInt', description: 'The newest commit whose rows it holds.', resolve: (at) => at.toSnapshotId }),
      bounds: t.field({ type: [bounds], description: 'Bounds of its columns.', resolve: (at) => [...at.bounds] }),
    }),
  });
  return addConnection<DataFileModel>(builder, shared, 'DataFile', file, 'files and hot rows');
}

function addTableView(builder: Builder, shared: Shared, { filter, orderBy }: Generic, node: NodeRef, refs: Refs, files: Files): void {
  const rows = addConnection<JsonObject>(builder, shared, 'Row', 'JSON', 'rows as JSON objects');
  builder.objectField(rows, 'snapshotId', (t) =>
    t.field({
      ...marked({ tellsPlace: true }),
      type: 'SafeInt',
      description:
        'The snapshot that the page was read at: row changes after it are those that the page lacks. It stays with the page in a cache, where the view it stands in is shared.',
      resolve: (page) => (page as RowConnection<JsonObject>).at.snapshotId,
    }),
  );
  const groups = addConnection<JsonObject>(
    builder,
    shared,
    'JSON',
    'JSON',
    'computed values, one JSON object a group, the largest group first',
  );
  const aggregateInput = builder.inputType('AggregateInput', {
    description: 'One value to compute.',
    fields: (t) => ({
      as: t.string({ description: 'Its name in the answer; function_column where not given.' }),
      function: t.field({ type: shared.aggregateFunction, required: true, description: 'What to compute.' }),
      column: t.string({ description: 'Over which column; none for COUNT of rows.' }),
    }),
  });
  refs.tableView.implement({
    description: "One table at one instant, typed at run time: rows as JSON objects with the columns' own names.",
    interfaces: [node],
    fields: (t) => ({
      id: t.id({
        ...marked({ tellsPlace: true }),
        description: 'The global id: one and the same for the present of a table; at a named instant that of the table and its snapshot.',
        resolve: ({ at, isPresent }, _args, { session }) =>
          tableViewId(at.tableId, { isPresent, snapshotId: at.snapshotId }, session.incarnation),
      }),
      table: t.field({ type: refs.table, description: 'The table.', resolve: ({ at }) => at.table }),
      snapshotId: t.field({
        ...marked({ tellsPlace: true }),
        type: 'SafeInt',
        description: 'The catalog snapshot read at.',
        resolve: ({ at }) => at.snapshotId,
      }),
      snapshot: t.field({
        type: refs.snapshot,
        nullable: true,
        description: "The table's last change at or before the instant; null before its first append.",
        resolve: ({ at }) => (at.snapshot.operation === 'CREATE' ? null : at.snapshot),
      }),
      columns: t.field({ type: [shared.column], description: 'The columns as of then.', resolve: ({ at }) => [...at.schema.columns] }),
      rows: t.field({
        type: rows,
        description:
          'Rows, a page at a time, in insertion order where no orderBy is given. A cursor pins the snapshot, so pages never shift.',
        args: {
          where: t.arg({ type: filter, description: 'Only rows that match.' }),
          orderBy: t.arg({ type: [orderBy], description: 'First by the first, then by the next; ties by insertion.' }),
          columns: t.arg.stringList({ description: 'Names of the columns to read; all where not given.' }),
          ...pageArguments(t.arg),
        },
        resolve: (view, args, context) => viewRows(context, view, args as Parameters<typeof viewRows>[2]),
      }),
      aggregate: t.field({
        type: groups,
        description:
          'Computed values, one JSON object a group, the largest group first and equal ones by key; one object where there is no groupBy. A cursor pins the snapshot.',
        args: {
          where: t.arg({ type: filter, description: 'Over rows that match.' }),
          groupBy: t.arg.stringList({ description: 'Names of the columns to group by.' }),
          functions: t.arg({ type: [aggregateInput], required: true, description: 'What to compute.' }),
          ...groupPageArguments(t.arg),
        },
        resolve: (view, args, context) => viewAggregate(context, view, args),
      }),
      rowCount: t.field({
        type: 'SafeInt',
        description: 'How many rows; from the catalog, without reading any.',
        resolve: ({ at }) => at.snapshot.totalRows,
      }),
      files: t.field({
        type: files,
        description: 'The files and hot rows that hold the rows.',
        args: pageArguments(t.arg),
        resolve: ({ at }, args, context) => manifestOf(context, at, args),
      }),
    }),
  });
}
