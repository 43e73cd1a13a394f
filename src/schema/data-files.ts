/** Where rows lie: data files, and the hot rows together. */
import type { DataFileModel } from '../resolvers/table-view.ts';
import type { Builder } from './builder.ts';
import { addConnection } from './connection.ts';
import type { Shared } from './static.ts';

export type Files = ReturnType<typeof addDataFiles>;

export function addDataFiles(builder: Builder, shared: Shared) {
  const bounds = builder.objectRef<DataFileModel['bounds'][number]>('ColumnBounds').implement({
    description: "The bounds of one column's values in a file. Queries use them to leave files unread.",
    fields: (t) => ({
      column: t.exposeString('column', { description: "The column's name." }),
      min: t.field({ type: 'JSON', nullable: true, description: 'No value is smaller; null if unknown.', resolve: (at) => at.min }),
      max: t.field({ type: 'JSON', nullable: true, description: 'No value is larger; null if unknown.', resolve: (at) => at.max }),
      nullCount: t.field({ type: 'SafeInt', description: 'The number of nulls.', resolve: (at) => at.nullCount }),
    }),
  });
  const kind = builder.enumType('DataFileKind', {
    description: 'Where rows are stored.',
    values: {
      PARQUET: { description: 'In a Parquet file on disk.' },
      HOT: { description: 'In the catalog: hot rows, which are rows of small commits that were not flushed yet.' },
    },
  });
  const file = builder.objectRef<DataFileModel>('DataFile').implement({
    description: 'An immutable Parquet file, or all hot rows together.',
    fields: (t) => ({
      path: t.exposeString('path', { nullable: true, description: 'Relative to the data directory; null for hot rows.' }),
      kind: t.expose('kind', { type: kind, description: 'Where the rows are stored.' }),
      rowCount: t.field({
        type: 'SafeInt',
        description: 'The number of its rows. Some may be newer than the instant of the read.',
        resolve: (at) => at.rowCount,
      }),
      sizeBytes: t.field({ type: 'SafeInt', description: 'Its size, bytes.', resolve: (at) => at.sizeBytes }),
      sha256: t.exposeString('sha256', {
        nullable: true,
        description: 'SHA-256 of its bytes, hex. It is checked when the file is first read.',
      }),
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
