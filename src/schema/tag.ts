/** `Tag`: a name for a snapshot; and `createTag` and `dropTag`. */

import { createTag } from '../resolvers/administration.ts';
import { commitById } from '../resolvers/history.ts';
import { encodeNodeId } from '../resolvers/node-id.ts';
import type { Builder } from './builder.ts';
import { milliseconds } from './milliseconds.ts';
import type { NodeRef } from './node.ts';
import type { Refs } from './refs.ts';
import type { Shared } from './static.ts';

export function addTag(node: NodeRef, refs: Refs): void {
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
      message: t.exposeString('message', { nullable: true, description: 'What the tag is for.' }),
      createdAt: t.field({ type: 'DateTime', description: 'When the tag was created.', resolve: (at) => milliseconds(at.createdAtMs) }),
    }),
  });
}

export function addTagMutations(builder: Builder, shared: Shared, refs: Refs): void {
  builder.mutationFields((t) => ({
    createTag: t.field({
      type: refs.tag,
      nullable: true,
      description:
        'Creates a tag, a name for a snapshot. asOf takes the name everywhere, and the snapshot does not expire while the tag is there.',
      args: {
        name: t.arg.string({
          required: true,
          description: 'The name: letters, digits, points, hyphens, underscores and slashes. A tag never moves.',
        }),
        at: t.arg({ type: shared.asOfInput, description: 'The instant; by default the newest commit.' }),
        message: t.arg.string({ description: 'What the tag is for.' }),
      },
      resolve: (_root, args, context) => createTag(context, args),
    }),
    dropTag: t.field({
      type: refs.tag,
      nullable: true,
      description: 'Drops a tag. Its snapshot can expire from then on.',
      args: { name: t.arg.string({ required: true, description: 'The name.' }) },
      resolve: (_root, { name }, { session }) => session.dropTag(name),
    }),
  }));
}
