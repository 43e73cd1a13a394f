/** Where rows lie: data files, and the hot rows together. */
import type { DataFileModel } from '../resolvers/table-view.ts';
import type { Builder } from './builder.ts';
import { addConnection } from './connection.ts';
import type { Shared } from './static.ts';

export type Files = ReturnType<typeof addDataFiles>;

export function addDataFiles(builder: Builder, shared: Shared) {
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
