/** `commit`: several operations of any kind as one commit, and the input that each of them is. */
import type { InputRef } from '@pothos/core';
import type { RowKind, TableOperations } from '../engine/index.ts';
import { commitAll } from '../resolvers/writes.ts';
import type { Builder } from './builder.ts';
import type { CommitTypes } from './commit-payload.ts';
import type { addGenericFilter } from './conditions.ts';
import type { Shared } from './static.ts';
import { addTableInputs, addTableOperationInputs } from './table-write.ts';
import { addGenericParts, addWriteInputs, COMMIT_OPTIONS_TEXT, WRITE_KINDS, WRITE_TEXTS } from './write.ts';

export type CommitInputs = ReturnType<typeof addCommitInputs>;

const TABLE_KEYS: { readonly [Kind in keyof TableOperations]: string } = {
  createTable: 'Creates a table. Later operations of the commit can use it, through the generic keys.',
  alterTable: 'Changes a table.',
  dropTable: 'Drops a table.',
};

interface Key {
  readonly type: InputRef<unknown>;
  readonly description: string;
}

/** `typed` are the keys of the tables in `CommitOperation`, added when the tables' own inputs are known. */
export function addCommitInputs(builder: Builder, shared: Shared, { filter }: ReturnType<typeof addGenericFilter>) {
  const tableInputs = addTableInputs(builder, shared);
  const parts = addGenericParts(builder, filter);
  const rows = addWriteInputs(builder, parts);
  const tables = addTableOperationInputs(builder, tableInputs);
  const key = (kind: RowKind): Key => ({ type: rows[kind], description: WRITE_TEXTS[kind].key });
  const tableKey = (kind: keyof TableOperations): Key => ({ type: tables[kind], description: TABLE_KEYS[kind] });
  // Filled while the tables' own inputs are made; the fields are asked for when the schema is built.
  const typed = new Map<string, Key>();
  const operation = builder.inputType('CommitOperation', {
    isOneOf: true,
    description: 'One operation of a commit: give exactly one key. Each table also has a key of its own, with typed rows.',
    fields: (t) => {
      const keys: readonly (readonly [string, Key])[] = [
        ...WRITE_KINDS.map((kind) => [kind, key(kind)] as const),
        ...(Object.keys(TABLE_KEYS) as (keyof TableOperations)[]).map((kind) => [kind, tableKey(kind)] as const),
        ...typed,
      ];
      return Object.fromEntries(keys.map(([name, { type, description }]) => [name, t.field({ type, description })]));
    },
  });
  return { ...tableInputs, parts, operation, typed };
}

export function addCommitMutation(builder: Builder, { shared, payload }: CommitTypes, inputs: CommitInputs): void {
  builder.mutationFields((t) => ({
    commit: t.field({
      type: payload,
      nullable: true,
      description:
        'Several operations on any tables as one commit: all or nothing, with one snapshotId. They apply in order, and each sees the effects of those before it. A table gets one snapshot, with the name of its first operation.',
      args: {
        operations: t.arg({ type: [inputs.operation], required: true, description: 'The operations, up to 1,000.' }),
        options: t.arg({ type: shared.commitOptions, description: COMMIT_OPTIONS_TEXT }),
      },
      resolve: (_root, args, context) => commitAll(context, args as Parameters<typeof commitAll>[1]),
    }),
  }));
}
