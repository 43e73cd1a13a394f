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
    description: 'The number of erased rows and versions, without their content.',
    fields: (t) => ({
      ...payloadFields(t, objects),
      erasedRows: t.field({
        type: 'SafeInt',
        description: 'The number of rows that are in no snapshot any more.',
        resolve: (at) => at.erasedRows,
      }),
      erasedVersions: t.field({
        type: 'SafeInt',
        description: 'The number of their versions, over all of history.',
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
          'Erases rows from every snapshot, physically, for the right to be forgotten. A row is erased with all its versions if any of them matches. Afterwards no byte of them is left on disk. A commit stays, which says when, by whom, why and how many. This cannot be undone.',
        args: {
          table,
          where,
          reason: t.arg.string({
            required: true,
            description: 'Why. Do not describe the rows: this text stays as the message of the commit.',
          }),
          options: t.arg({ type: shared.commitOptions, description: '`author` is who erases. `message` and `properties` are not used.' }),
        },
        resolve: (_root, args, context) => eraseRows(context, args),
      }),
    };
  });
}
