/** What mutations that commit answer with: `CommitPayload`, and the fields that every such payload has. */
import type { ObjectFieldBuilder } from '@pothos/core';
import type { PayloadModel } from '../resolvers/commit-payloads.ts';
import type { Builder, SchemaTypes } from './builder.ts';
import type { Objects } from './objects.ts';
import type { Shared } from './static.ts';

type Fields<Model extends PayloadModel> = ObjectFieldBuilder<PothosSchemaTypes.ExtendDefaultTypes<SchemaTypes>, Model>;

export function payloadFields<Model extends PayloadModel>(t: Fields<Model>, { commit, snapshot, view }: Objects) {
  return {
    commit: t.field({
      type: commit,
      nullable: true,
      description: 'The commit; null if there was nothing to commit.',
      resolve: (at) => at.commit,
    }),
    snapshots: t.field({
      type: [snapshot],
      description: 'The snapshots that it made; the current ones if there was nothing to commit.',
      resolve: (at) => [...at.snapshots],
    }),
    replayed: t.boolean({
      description: 'Whether this is an earlier commit with the same idempotencyKey, and nothing was changed.',
      resolve: (at) => at.replayed,
    }),
    insertedRows: t.field({ type: 'SafeInt', description: 'Rows that this mutation inserted.', resolve: (at) => at.insertedRows }),
    updatedRows: t.field({ type: 'SafeInt', description: 'Rows that this mutation updated.', resolve: (at) => at.updatedRows }),
    deletedRows: t.field({ type: 'SafeInt', description: 'Rows that this mutation deleted.', resolve: (at) => at.deletedRows }),
    notices: t.stringList({
      description: 'Notices, for example that a column `id` is called `id_` in the typed API.',
      resolve: (at) => [...at.notices],
    }),
    view: t.field({
      type: view,
      nullable: true,
      description: 'The catalog directly after this commit, to read your own write from any table.',
      resolve: (at) => at.view,
    }),
  };
}

export function addCommitPayload(builder: Builder, objects: Objects) {
  return builder.objectRef<PayloadModel>('CommitPayload').implement({
    description: 'What the mutation did. The counts are of this mutation. `commit` is null if there was nothing to commit.',
    fields: (t) => payloadFields(t, objects),
  });
}

/** What every mutation that is a commit has: its options, and its payload. */
export interface CommitTypes {
  readonly shared: Shared;
  readonly payload: ReturnType<typeof addCommitPayload>;
}
