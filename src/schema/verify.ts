/** `verify`: what the audit of everything stored found. */
import type { VerifyReport } from '../engine/index.ts';
import type { Builder } from './builder.ts';

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
