/** The mutations that do not depend on any table. Every one is nullable: a failed one must not take the others with it. */
import { LIMITS, type VerifyReport } from '../engine/index.ts';
import {
  createTag,
  type EraseModel,
  type ExpireArguments,
  eraseRows,
  expireSnapshots,
  type RestoreModel,
  restore,
} from '../resolvers/administration.ts';
import { commitAll, commitOne, genericOperation, type TableChangeInput, tableChanges } from '../resolvers/changes.ts';
import { marked } from '../resolvers/marks.ts';
import { append, type CompactModel, compact, createTable, type PayloadModel } from '../resolvers/mutations.ts';
import { revert } from '../resolvers/revert.ts';
import type { Builder } from './builder.ts';
import type { addGenericFilter } from './conditions.ts';
import type { Diffs } from './diffs.ts';
import { type CommitOperationInput, ON_CONFLICT_TEXT } from './inputs.ts';
import type { Objects } from './objects.ts';
import { payloadFields } from './payload.ts';
import type { Shared } from './static.ts';

export interface MutationTypes {
  readonly shared: Shared;
  readonly objects: Objects;
  readonly generic: ReturnType<typeof addGenericFilter>;
  readonly diffs: Diffs;
  readonly inputs: CommitOperationInput;
}

type ExpireModel = Awaited<ReturnType<typeof expireSnapshots>>;

function addPayloads(builder: Builder, { objects, diffs }: MutationTypes) {
  const payload = builder.objectRef<PayloadModel>('CommitPayload').implement({
    description: 'What the mutation did. The counts are of this mutation; `commit` is null where there was nothing to commit.',
    fields: (t) => payloadFields(t, objects),
  });
  const restored = builder.objectRef<RestoreModel>('RestorePayload').implement({
    description: 'What the restore or revert did, or on a dry run would do.',
    fields: (t) => ({
      ...payloadFields(t, objects),
      dryRun: t.exposeBoolean('dryRun', { description: 'Whether nothing was changed.' }),
      diff: t.field({ type: diffs.catalogDiff, description: 'What it changes.', resolve: (at) => at.diff }),
      skippedRows: t.field({
        type: 'SafeInt',
        description:
          'Rows that a revert left as they are, since they were changed after the commit or had their key taken; 0 of a restore.',
        resolve: (at) => at.skipped.length,
      }),
      skippedRowIds: t.idList({
        description: 'The `_rowId` of these rows, at most the first 100.',
        resolve: (at) => at.skipped.slice(0, LIMITS.invalidRowsReported),
      }),
    }),
  });
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
  const compacted = builder.objectRef<CompactModel>('CompactPayload').implement({
    description: 'What compaction did. No answer to any query changes by it.',
    fields: (t) => ({
      tables: t.field({ type: [objects.table], description: 'The tables that were looked at.', resolve: (at) => [...at.tables] }),
      flushedRows: t.field({ type: 'SafeInt', description: 'Hot rows that moved into a file.', resolve: (at) => at.flushedRows }),
      mergedFiles: t.field({ type: 'SafeInt', description: 'Files that were rewritten into others.', resolve: (at) => at.mergedFiles }),
    }),
  });
  const expiredTable = builder.objectRef<ExpireModel['tables'][number]>('ExpiredTable').implement({
    description: 'What expired of one table.',
    fields: (t) => ({
      table: t.field({ type: objects.table, description: 'The table.', resolve: (at) => at.table }),
      removedSnapshots: t.field({ type: 'SafeInt', description: 'Snapshots that went.', resolve: (at) => at.removedSnapshots }),
      reclaimableBytes: t.field({
        type: 'SafeInt',
        description: 'Bytes of files that compaction gives back, about.',
        resolve: (at) => at.reclaimableBytes,
      }),
      oldestSnapshotId: t.field({
        type: 'SafeInt',
        description: 'From this snapshot on all are kept; 0 where none ever expired.',
        resolve: (at) => at.oldestSnapshotId,
      }),
    }),
  });
  const expired = builder.objectRef<ExpireModel>('ExpirePayload').implement({
    description: 'What expired, or on a dry run would.',
    fields: (t) => ({
      dryRun: t.exposeBoolean('dryRun', { description: 'Whether nothing was changed.' }),
      removedSnapshots: t.field({
        type: 'SafeInt',
        description: 'Snapshots that went, of all tables. The creation of a table, which brought no rows, is not counted.',
        resolve: (at) => at.removedSnapshots,
      }),
      reclaimableBytes: t.field({
        type: 'SafeInt',
        description: 'Bytes of files that compaction gives back, about.',
        resolve: (at) => at.reclaimableBytes,
      }),
      tables: t.field({ type: [expiredTable], description: 'Table by table.', resolve: (at) => [...at.tables] }),
    }),
  });
  return { payload, restored, erased, compacted, expired };
}

export function addMutation(builder: Builder, types: MutationTypes): void {
  const onChanged = builder.enumType('OnChanged', {
    description: 'What a revert does where rows of the commit were changed since.',
    values: {
      CONFLICT: { description: 'Nothing at all is done, and the error names the rows.' },
      SKIP: { description: 'These rows stay as they are, and the rest is undone.' },
    } as const,
  });
  const { shared, objects, generic, inputs } = types;
  const { payload, restored, erased, compacted, expired } = addPayloads(builder, types);
  builder.mutationType({
    description: 'Changes. Root fields run in order, each one commit.',
    fields: (t) => {
      const table = t.arg.string({ required: true, description: "The table's name." });
      const options = t.arg({ type: shared.commitOptions, description: 'What to say about the commit, and when to make it.' });
      const where = t.arg({
        type: generic.filter,
        required: true,
        description: 'Which rows. Empty at any depth is BAD_USER_INPUT; {and: []} is all of them.',
      });
      const rows = t.arg({
        type: ['JSON'],
        required: true,
        description: "The rows, up to 100,000: JSON objects with the columns' own names.",
      });
      return {
        createTable: t.field({
          type: payload,
          nullable: true,
          description: 'Creates a table. Its typed fields and types are there with the next operation.',
          args: { input: t.arg({ type: inputs.createTable, required: true, description: 'The table.' }), options },
          resolve: (_root, { input, options: given }, context) => createTable(context, input, given),
        }),
        alterTable: t.field({
          type: payload,
          nullable: true,
          description:
            'Changes a table: columns go by their field id, so nothing is rewritten, old snapshots keep their own columns, and the typed API follows at once. All changes or none.',
          args: { table, changes: t.arg({ type: [inputs.tableChange], required: true, description: 'The changes, in order.' }), options },
          resolve: (_root, args, context) =>
            commitOne(context, { kind: 'alterTable', table: args.table, changes: tableChanges(args.changes as TableChangeInput[]) }, args),
        }),
        dropTable: t.field({
          type: payload,
          nullable: true,
          description:
            'Drops a table. Its history stays readable until it expires, restore brings it back, and its name can be used again.',
          args: { table, options },
          resolve: (_root, args, context) => commitOne(context, { kind: 'dropTable', table: args.table }, args),
        }),
        append: t.field({
          type: payload,
          nullable: true,
          description: 'Adds rows to any table: all of them in one commit, or none. INVALID_ROW names every bad row.',
          args: { table, rows, options },
          resolve: (_root, args, context) => append(context, args),
        }),
        replace: t.field({
          type: payload,
          nullable: true,
          description:
            'Takes the rows that match (all of the table, without `where`) out, and these rows in. A row whose primary key comes again is changed.',
          args: {
            table,
            rows,
            where: t.arg({ type: generic.filter, description: 'Which rows to take out; all where not given.' }),
            options,
          },
          resolve: (_root, args, context) => commitOne(context, genericOperation(context, 'replace', args), args),
        }),
        delete: t.field({
          type: payload,
          nullable: true,
          description: 'Deletes the rows that match. Earlier snapshots still have them.',
          args: { table, where, options },
          resolve: (_root, args, context) => commitOne(context, genericOperation(context, 'delete', args), args),
        }),
        update: t.field({
          type: payload,
          nullable: true,
          description: 'Gives the rows that match new values. Each becomes a new version of the same row.',
          args: {
            table,
            where,
            set: t.arg({
              ...marked({ isPatch: true }),
              type: 'JSON',
              required: true,
              description: 'New values by column; what is absent stays, null sets null.',
            }),
            options,
          },
          resolve: (_root, args, context) => commitOne(context, genericOperation(context, 'update', args), args),
        }),
        upsert: t.field({
          type: payload,
          nullable: true,
          description:
            'Rows by primary key: where a row has the key, the columns that are given change, and all others stay; else the row is new. A row that is as given already gets no new version. Two rows of one key are INVALID_ROW.',
          args: { table, rows, onConflict: t.arg({ type: inputs.onConflict, description: ON_CONFLICT_TEXT.argument }), options },
          resolve: (_root, args, context) => commitOne(context, genericOperation(context, 'upsert', args), args),
        }),
        commit: t.field({
          type: payload,
          nullable: true,
          description:
            'Several operations over any tables as one commit: all or nothing, one snapshotId, visible at once. They apply in order, each seeing what those before it did; a table gets one snapshot, named by its first operation.',
          args: { operations: t.arg({ type: [inputs.operation], required: true, description: 'The operations, up to 1,000.' }), options },
          resolve: (_root, args, context) => commitAll(context, args as Parameters<typeof commitAll>[1]),
        }),
        restore: t.field({
          type: restored,
          nullable: true,
          description:
            'Brings some or all tables back to an instant, as a new commit: rows, and columns where they were others. Nothing is lost, the state left behind stays readable. Tables that did not exist then are dropped where all of the catalog is restored.',
          args: {
            tables: t.arg.stringList({ description: 'Names of the tables; all of the catalog where not given.' }),
            to: t.arg({ type: shared.asOfInput, required: true, description: 'The instant to go back to.' }),
            dryRun: t.arg.boolean({ defaultValue: false, description: 'Only say what it would change.' }),
            options,
          },
          resolve: (_root, args, context) => restore(context, args),
        }),
        revert: t.field({
          type: restored,
          nullable: true,
          description:
            'Undoes one commit, as a new commit: rows that it inserted go, rows that it changed or deleted are as they were before it. What came since stays. Rows that were changed since, or whose primary key is taken, are a CONFLICT {table, rows}, or are left as they are. What the commit did to a table itself (create, alter, drop) is for restore.',
          args: {
            snapshotId: t.arg({ type: 'SafeInt', required: true, description: 'The commit.' }),
            onChanged: t.arg({ type: onChanged, defaultValue: 'CONFLICT', description: 'What to do where its rows were changed since.' }),
            dryRun: t.arg.boolean({ defaultValue: false, description: 'Only say what it would change.' }),
            options,
          },
          resolve: (_root, args, context) => revert(context, args),
        }),
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
        expireSnapshots: t.field({
          type: expired,
          nullable: true,
          description:
            'Lets old snapshots go. A limit is needed; with several, only what all of them let go. The newest snapshot, tagged ones, and what a query or cursor still needs are kept; what was current at `olderThan` is kept too, so every instant since can be read. Compaction gives the space back.',
          args: {
            table: t.arg.string({ description: 'Only this table; all where not given.' }),
            olderThan: t.arg({ type: 'DateTime', description: 'An instant: what was current then, and all that is newer, is kept.' }),
            olderThanMs: t.arg({ type: 'SafeInt', description: 'The same as an AGE, in milliseconds.' }),
            retainLast: t.arg.int({ description: 'The newest so many snapshots of each table are kept; at least 1.' }),
            dryRun: t.arg.boolean({ defaultValue: false, description: 'Only say what would go.' }),
          },
          resolve: (_root, args, context) => expireSnapshots(context, args as ExpireArguments),
        }),
        compact: t.field({
          type: compacted,
          nullable: true,
          description: 'Moves hot rows into files and merges small files, now; it also happens by itself. No answer changes by it.',
          args: { table: t.arg.string({ description: 'Only this table; all where not given.' }) },
          resolve: (_root, args, context) => compact(context, args.table),
        }),
      };
    },
  });
}

/** `verify`: what the audit of everything stored found. */
export function addVerify(builder: Builder) {
  const finding = builder.objectRef<VerifyReport['findings'][number]>('VerifyFinding').implement({
    description: 'Something that is not as it was committed.',
    fields: (t) => ({
      file: t.exposeString('file', { description: 'The file, relative to the data directory.' }),
      what: t.exposeString('what', { description: 'What is wrong with it.' }),
    }),
  });
  return builder.objectRef<VerifyReport>('VerifyReport').implement({
    description: 'What a check of everything that is stored found.',
    fields: (t) => ({
      ok: t.boolean({ description: 'Whether there is nothing to find fault with.', resolve: (at) => at.findings.length === 0 }),
      commits: t.field({ type: 'SafeInt', description: 'Commits whose hashes were recomputed.', resolve: (at) => at.commits }),
      dataFiles: t.field({ type: 'SafeInt', description: 'Data files that were read.', resolve: (at) => at.dataFiles }),
      rows: t.field({ type: 'SafeInt', description: 'Row versions whose hashes were recomputed.', resolve: (at) => at.rows }),
      hash: t.string({
        nullable: true,
        description:
          'The hash of the newest commit, hex: keep it elsewhere, and compare it with that of the same commit later. Null where something is wrong.',
        resolve: (at) => at.hash,
      }),
      firstBadCommit: t.field({
        type: 'SafeInt',
        nullable: true,
        description: 'The first commit whose content is not what its hash says; null where all are.',
        resolve: (at) => at.firstBadCommit,
      }),
      findings: t.field({ type: [finding], description: 'What was found.', resolve: (at) => [...at.findings] }),
    }),
  });
}
