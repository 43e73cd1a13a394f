import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { startProcess } from '../support/server-process.ts';
import { query } from '../support/server-support.ts';
import { temporaryDirectory } from '../support/support.ts';

const NODE_OPTIONS = `--require ${fileURLToPath(new URL('../support/stuck-duckdb.cjs', import.meta.url))}`;

it('SIGTERM ends a process whose every query DuckDB does not let go of; waiting ones are told so, and no commit is lost', async () => {
  const args = ['--data', await temporaryDirectory(), '--port', '0', '--query-timeout', '500'];
  const server = await startProcess({ args, env: { NODE_OPTIONS } });
  const ask = (document: string, variables = {}) => query(server.url, document, variables);
  await ask('mutation { createTable(input: {name: "t", columns: [{name: "k", type: LONG}, {name: "stuck", type: LONG}]}) { replayed } }');
  await ask('mutation ($r: [JSON!]!) { append(table: "t", rows: $r) { insertedRows } }', {
    r: Array.from({ length: 3_000 }, (_, k) => ({ k, stuck: k })),
  });
  const stuck = Array.from({ length: 12 }, () => ask('{ asOf { t(where: {stuck: {gt: "0"}}) { nodes { k } } } }').catch(() => undefined));
  // All connections are taken: what comes now waits, and no longer than its time.
  const waiting = await Promise.all(Array.from({ length: 20 }, () => ask('{ asOf { t(where: {stuck: {gt: "1"}}) { nodes { k } } } }')));
  expect(new Set(waiting.map(({ errors }) => errors?.[0]?.extensions.code))).toEqual(new Set(['OVERLOADED']));
  expect((await ask('mutation { append(table: "t", rows: [{k: 7000}]) { insertedRows } }')).errors).toBeUndefined();
  server.child.kill('SIGTERM');
  const { code, signal, stdout } = await server.exited;
  expect([code, signal]).toEqual([null, 'SIGTERM']);
  expect(stdout).toContain('"msg":"stopped"');
  await Promise.all(stuck);

  const again = await startProcess({ args });
  const { data } = await query<{ asOf: { t: { totalCount: number } } }>(again.url, '{ asOf { t { totalCount } } }');
  expect(data?.asOf.t.totalCount).toBe(3_001);
});
