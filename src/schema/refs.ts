/** The object types that several files of the schema refer to before they are described, each beside its TypeScript side. */
import type { Commit, Snapshot, Table, Tag } from '../engine/index.ts';
import type { ViewModel } from '../resolvers/present.ts';
import type { TableViewModel } from '../resolvers/table-view.ts';
import type { Builder } from './builder.ts';

export type Refs = ReturnType<typeof makeRefs>;

export function makeRefs(builder: Builder) {
  return {
    table: builder.objectRef<Table>('Table'),
    snapshot: builder.objectRef<Snapshot>('Snapshot'),
    commit: builder.objectRef<Commit>('Commit'),
    view: builder.objectRef<ViewModel>('CatalogView'),
    tableView: builder.objectRef<TableViewModel>('TableView'),
    tag: builder.objectRef<Tag>('Tag'),
  };
}
