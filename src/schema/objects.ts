/** The object types that refer to one another, each described in a file of its own, and their connections. */
import type { Commit, Table, Tag } from '../engine/index.ts';
import type { Builder } from './builder.ts';
import { addCommit, addSnapshot } from './commit.ts';
import type { addGenericFilter } from './conditions.ts';
import { addConnection } from './connection.ts';
import { addDataFiles } from './data-files.ts';
import type { RowChanges } from './diff.ts';
import type { NodeRef } from './node.ts';
import type { Refs } from './refs.ts';
import { addTableView } from './rows.ts';
import type { Shared } from './static.ts';
import { addTable } from './table.ts';
import { addTag } from './tag.ts';
import { addCatalogView } from './view.ts';

export type Objects = ReturnType<typeof addObjects>;
type Generic = ReturnType<typeof addGenericFilter>;

interface ObjectParts {
  readonly node: NodeRef;
  readonly rowChanges: RowChanges;
}

export function addObjects(builder: Builder, shared: Shared, generic: Generic, refs: Refs, { node, rowChanges }: ObjectParts) {
  const files = addDataFiles(builder, shared);
  addTable(builder, shared, node, refs);
  addSnapshot(builder, shared, node, refs, files, rowChanges);
  addCommit(node, refs);
  addTag(node, refs);
  addTableView(builder, shared, generic, node, refs, files);
  addCatalogView(node, refs);
  return {
    ...refs,
    tables: addConnection<Table>(builder, shared, 'Table', refs.table, 'tables'),
    commits: addConnection<Commit>(builder, shared, 'Commit', refs.commit, 'commits, newest first'),
    tags: addConnection<Tag>(builder, shared, 'Tag', refs.tag, 'tags, by name'),
  };
}
