/** `createTag` and `dropTag`: names for snapshots. */
import { createTag } from '../resolvers/administration.ts';
import type { Builder } from './builder.ts';
import type { Objects } from './objects.ts';
import type { Shared } from './static.ts';

export function addTagMutations(builder: Builder, shared: Shared, objects: Objects): void {
  builder.mutationFields((t) => ({
    createTag: t.field({
      type: objects.tag,
      nullable: true,
      description: 'Names a snapshot: asOf takes the name everywhere, and the snapshot does not expire while the tag is there.',
      args: {
        name: t.arg.string({
          required: true,
          description: 'The name: letters, digits, points, hyphens, underscores and slashes. A tag never moves.',
        }),
        at: t.arg({ type: shared.asOfInput, description: 'The instant; the newest commit where not given.' }),
        message: t.arg.string({ description: 'What it stands for.' }),
      },
      resolve: (_root, args, context) => createTag(context, args),
    }),
    dropTag: t.field({
      type: objects.tag,
      nullable: true,
      description: 'Takes a tag away. Its snapshot can expire from then on.',
      args: { name: t.arg.string({ required: true, description: 'The name.' }) },
      resolve: (_root, { name }, { engine }) => engine.dropTag(name),
    }),
  }));
}
