/** `eraseRows`: rows out of every snapshot. */
import { type EraseModel, eraseRows } from '../resolvers/administration.ts';
import type { Builder } from './builder.ts';
import { payloadFields } from './commit-payload.ts';
import type { addGenericFilter } from './conditions.ts';
import type { Objects } from './objects.ts';
import type { Shared } from './static.ts';
import { TABLE_NAME_TEXT, WHERE_TEXT } from './write.ts';

export function addEraseMutation(builder: Builder, shared: Shared, objects: Objects, generic: ReturnType<typeof addGenericFilter>): void {
  const erased = builder.objectRef<EraseModel>('ErasePayload').implement({
    description: 'What was erased, in numbers; not what it was.',
    fields: (t) => ({
      ...payloadFields(t, objects),
      erasedRows: t.field({ type: 'SafeInt', description: 'Rows that are in no snapshot any more.', resolve: (at) => at.erasedRows }),
      erasedVersions: t.field({
        type: 'SafeInt',
        description: 'Versions of them, over all of history.',
        resolve: (at) => at.erasedVersions,
      }),
    }),
  });
  builder.mutationFields((t) => {
    const table = t.arg.string({ required: true, description: TABLE_NAME_TEXT });
    const where = t.arg({ type: generic.filter, required: true, description: WHERE_TEXT });
    return {
      eraseRows: t.field({
        type: erased,
        nullable: true,
        description:
          'Takes rows out of every snapshot, physically, for the right to be forgotten: each row of which any version matches goes with all of its versions. Afterwards no byte of them is left on disk; a commit stays that says when, by whom, why and how many. This cannot be undone.',
        args: {
          table,
          where,
          reason: t.arg.string({
            required: true,
            description: 'Why, without saying what the rows were; it stays as the message of the commit.',
          }),
          options: t.arg({ type: shared.commitOptions, description: 'Who: its author. Its message and properties are not used.' }),
        },
        resolve: (_root, args, context) => eraseRows(context, args),
      }),
    };
  });
}
