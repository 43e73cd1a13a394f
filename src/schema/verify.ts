/** `verify`: what the audit of everything stored found. */
import type { VerifyReport } from '../engine/index.ts';
import type { Builder } from './builder.ts';

export function addVerify(builder: Builder) {
  const finding = builder.objectRef<VerifyReport['findings'][number]>('VerifyFinding').implement({
    description: 'A defect: something that is not as it was committed.',
    fields: (t) => ({
      file: t.exposeString('file', { description: 'The file, relative to the data directory.' }),
      what: t.exposeString('what', { description: 'What is wrong with it.' }),
    }),
  });
  return builder.objectRef<VerifyReport>('VerifyReport').implement({
    description: 'What a check of everything that is stored found.',
    fields: (t) => ({
      ok: t.boolean({ description: 'Whether no defect was found.', resolve: (at) => at.findings.length === 0 }),
      commits: t.field({ type: 'SafeInt', description: 'Commits whose hashes were recomputed.', resolve: (at) => at.commits }),
      dataFiles: t.field({ type: 'SafeInt', description: 'Data files that were read.', resolve: (at) => at.dataFiles }),
      rows: t.field({ type: 'SafeInt', description: 'Row versions whose hashes were recomputed.', resolve: (at) => at.rows }),
      hash: t.string({
        nullable: true,
        description:
          'The hash of the newest commit, hex. Keep it elsewhere, and compare it later with the hash of the same commit. Null if something is wrong.',
        resolve: (at) => at.hash,
      }),
      firstBadCommit: t.field({
        type: 'SafeInt',
        nullable: true,
        description: 'The first commit whose content does not fit its hash; null if all fit.',
        resolve: (at) => at.firstBadCommit,
      }),
      findings: t.field({ type: [finding], description: 'The defects.', resolve: (at) => [...at.findings] }),
    }),
  });
}
