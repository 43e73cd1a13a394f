import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Rolldown } from 'vite';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/support.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { exports: Record<string, { default: string } | string> };

/** What a bundler makes of an application that has one line. @returns its code and the packages that it imports */
async function bundled(line: string): Promise<{ readonly code: string; readonly imports: readonly string[] }> {
  const entry = join(await temporaryDirectory(), 'application.ts');
  const source = (part: string | undefined): string => join(ROOT, 'src', 'client', `${part ?? 'index'}.ts`);
  await writeFile(
    entry,
    line.replaceAll(/'tidemark\/client(?:\/(\w+))?'/g, (_, part?: string) => JSON.stringify(source(part))),
  );
  const output = (await build({
    configFile: false,
    logLevel: 'silent',
    build: {
      write: false,
      minify: false,
      lib: { entry, formats: ['es'], fileName: 'application' },
      rollupOptions: { external: (id) => !id.startsWith('.') && !isAbsolute(id) },
    },
  })) as Rolldown.RolldownOutput[];
  const chunks = output.flatMap((one) => one.output).filter((one) => one.type === 'chunk');
  return { code: chunks.map(({ code }) => code).join('\n'), imports: chunks.flatMap(({ imports }) => imports).sort() };
}

describe('the client helpers as an application has them', () => {
  it('bring along only what is used of them, and nothing of the server', async () => {
    const merging = await bundled("export { mergeChanges } from 'tidemark/client';");
    expect(merging.imports).toEqual([]);
    expect(merging.code).toContain('_rowId');
    expect(merging.code).not.toContain('retryAttempts');
    expect(merging.code.length).toBeLessThan(4_000);
    const resuming = await bundled("export { resumable } from 'tidemark/client';");
    expect(resuming.imports).toEqual(['graphql']);
    expect(resuming.code).not.toContain('_rowId');
    expect((await bundled("export * from 'tidemark/client/apollo';")).imports).toEqual(['@apollo/client', 'graphql']);
    expect((await bundled("export * from 'tidemark/client/urql';")).imports).toEqual(['@urql/core', 'graphql', 'wonka']);
  });

  it('are found under the names that the documentation gives, once built', () => {
    const script = `
      const names = ['tidemark/client', 'tidemark/client/apollo', 'tidemark/client/urql'];
      for (const name of names) console.log(name, Object.keys(await import(name)).sort().join(' '));`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: ROOT, encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(stdout.trim().split('\n')).toEqual([
      'tidemark/client API_ERROR_CODES errorExtensions mergeChanges mergeChangesAt orderBy positionOf resumable resumeFacts retryDelayMs retryForever wasRestored',
      'tidemark/client/apollo keepNewestLink mergeInto possibleTypes resumeLink rowPages typePolicies',
      'tidemark/client/urql graphcacheSettings keepNewestExchange mergeUpdates resumeExchange rowPages',
    ]);
    expect(Object.keys(manifest.exports)).toEqual(expect.arrayContaining(['./client', './client/apollo', './client/urql']));
  });

  it('lie, like all that the package exports, with their types where the manifest says', () => {
    const paths = Object.values(manifest.exports).flatMap((entry) => (typeof entry === 'string' ? [entry] : Object.values(entry)));
    expect(paths.length).toBeGreaterThan(8);
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});
