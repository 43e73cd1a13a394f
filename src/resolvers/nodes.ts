/** `node(id)`: any object by its global id. */

import type { GraphQLResolveInfo } from 'graphql';
import { asRowId, asSnapshotId, asTableId, type Commit, EngineError, type Snapshot, type Table, type Tag } from '../engine/index.ts';
import { resolveView } from './as-of.ts';
import type { Context } from './context.ts';
import { commitById } from './history.ts';
import { decodeNodeId } from './node-id.ts';
import type { ViewModel } from './present.ts';
import { type RowModel, typedTableAt } from './rows.ts';
import { cursorsBelow } from './selection.ts';
import type { TableViewModel } from './table-view.ts';

export type NodeModel =
  | { readonly type: 'Table'; readonly value: Table }
  | { readonly type: 'Snapshot'; readonly value: Snapshot }
  | { readonly type: 'Commit'; readonly value: Commit }
  | { readonly type: 'Tag'; readonly value: Tag }
  | { readonly type: 'CatalogView'; readonly value: ViewModel }
  | { readonly type: 'TableView'; readonly value: TableViewModel }
  | { readonly type: 'Row'; readonly value: RowModel };

/** Null where the id is well formed but names nothing. @throws EngineError of decodeNodeId */
export async function resolveNode(context: Context, id: string, info: GraphQLResolveInfo): Promise<NodeModel | null> {
  const { session } = context;
  const ref = decodeNodeId(id, session.incarnation);
  switch (ref.kind) {
    case 'table': {
      const value = session.tableById(asTableId(ref.tableId));
      return value === undefined ? null : { type: 'Table', value };
    }
    case 'snapshot': {
      const table = session.tableById(asTableId(ref.tableId));
      const value = table === undefined ? undefined : session.snapshot(table, asSnapshotId(ref.snapshotId));
      return value === undefined ? null : { type: 'Snapshot', value };
    }
    case 'tag': {
      const value = session.tags().find((tag) => tag.name === ref.name);
      return value === undefined ? null : { type: 'Tag', value };
    }
    case 'commit':
      return orNull(async () => ({ type: 'Commit', value: await commitById(context, ref.snapshotId) }));
    case 'view':
      if (ref.snapshotId === 0) return { type: 'CatalogView', value: { snapshotId: asSnapshotId(0), timestampMs: null, isPresent: false } };
      return orNull(async () => ({
        type: 'CatalogView',
        value: { ...(await session.resolve({ kind: 'snapshot', snapshotId: ref.snapshotId })), isPresent: false },
      }));
    case 'tableView': {
      const table = session.tableById(asTableId(ref.tableId));
      if (table === undefined || ref.snapshotId > session.headSnapshotId) return null;
      return orNull(async () => {
        const at = await session.tableAt(table, asSnapshotId(ref.snapshotId));
        return at === undefined ? null : { type: 'TableView', value: { at, isPresent: false } };
      });
    }
    case 'presentView':
      return { type: 'CatalogView', value: await presentNode(context, info, 'CatalogView') };
    case 'presentTableView': {
      const table = session.tableById(asTableId(ref.tableId));
      if (table === undefined) return null;
      const { snapshotId, isPresent } = await presentNode(context, info, 'TableView');
      const at = await session.tableAt(table, snapshotId);
      return at === undefined ? null : { type: 'TableView', value: { at, isPresent } };
    }
    case 'rowVersion':
      return versionNode(context, ref);
    case 'row':
      return rowNode(context, ref);
    default:
      return null;
  }
}

/** The present; where pages below go on from cursors, as of the snapshot that these pin. */
function presentNode(context: Context, info: GraphQLResolveInfo, type: NodeModel['type']): Promise<ViewModel> {
  return resolveView(context, { kind: 'newest' }, cursorsBelow(info, type));
}

/** The row now; null once it is deleted. */
async function rowNode(context: Context, ref: { readonly tableId: number; readonly rowId: number }): Promise<NodeModel | null> {
  const { session, types, lifetime } = context;
  const typed = types.ofTable(ref.tableId);
  const at = typed === undefined ? undefined : await typedTableAt(context, typed, session.headSnapshotId);
  if (typed === undefined || at === undefined) return null;
  const { columns } = at.schema;
  const row = await session.rowAt(at, asRowId(ref.rowId), columns, lifetime);
  return row === undefined ? null : { type: 'Row', value: { typed, row, columns, isPresent: true } };
}

async function versionNode(
  context: Context,
  ref: { readonly tableId: number; readonly rowId: number; readonly snapshotId: number },
): Promise<NodeModel | null> {
  const { session, types, lifetime } = context;
  const typed = types.ofTable(ref.tableId);
  const table = session.tableById(asTableId(ref.tableId));
  if (typed === undefined || table === undefined) return null;
  if (ref.snapshotId > session.headSnapshotId) return null;
  const { columns } = typed.table.schema;
  const row = await session.rowVersion(
    table,
    { rowId: asRowId(ref.rowId), fromSnapshotId: asSnapshotId(ref.snapshotId) },
    columns,
    lifetime,
  );
  return row === undefined ? null : { type: 'Row', value: { typed, row, columns, isPresent: false } };
}

async function orNull(work: () => Promise<NodeModel | null>): Promise<NodeModel | null> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof EngineError && (error.code === 'SNAPSHOT_NOT_FOUND' || error.code === 'SNAPSHOT_EXPIRED')) return null;
    throw error;
  }
}
