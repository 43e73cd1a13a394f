/** The Mutation root: the files that have its fields. Every field is nullable: a failed one must not take the others with it. */
import type { Builder } from './builder.ts';
import { addCommitMutation, type CommitInputs } from './commit-operation.ts';
import { addCommitPayload } from './commit-payload.ts';
import type { addGenericFilter } from './conditions.ts';
import type { Diffs } from './diff.ts';
import { addEraseMutation } from './erase.ts';
import { addMaintenanceMutations } from './maintenance.ts';
import type { Objects } from './objects.ts';
import { addRestoreMutations } from './restore.ts';
import type { Shared } from './static.ts';
import { addTableMutations } from './table-write.ts';
import { addTagMutations } from './tag.ts';
import { addWriteMutations } from './write.ts';

interface MutationTypes {
  readonly shared: Shared;
  readonly objects: Objects;
  readonly generic: ReturnType<typeof addGenericFilter>;
  readonly diffs: Diffs;
  readonly inputs: CommitInputs;
}

export function addMutation(builder: Builder, { shared, objects, generic, diffs, inputs }: MutationTypes): void {
  const commits = { shared, payload: addCommitPayload(builder, objects) };
  builder.mutationType({ description: 'Writes. Root fields run in order, each as one commit.' });
  addTableMutations(builder, commits, inputs);
  addWriteMutations(builder, commits, inputs.parts);
  addCommitMutation(builder, commits, inputs);
  addRestoreMutations(builder, shared, objects, diffs);
  addEraseMutation(builder, shared, objects, generic);
  addTagMutations(builder, shared, objects);
  addMaintenanceMutations(builder, objects);
}
