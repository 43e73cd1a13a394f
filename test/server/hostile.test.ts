import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { expect, it, vi } from 'vitest';
import { startProcess } from '../support/server-process.ts';
import { type ErrorAnswer, query } from '../support/server-support.ts';
import { temporaryDirectory } from '../support/support.ts';

const HEAP_MIB = 160;
const DESCRIPTORS = 256;
/** The heap, the programs themselves, the caches, and a result of 60 MB in each of DuckDB's twelve connections. */
const RESIDENT_MIB_MAX = 1_200;

it('a server of a small heap and few descriptors answers on after each thing that a stranger may send', async () => {
  const args = ['--data', await temporaryDirectory(), '--port', '0', '--memory', '128', '--cache', '16', '--document-cache', '8'];
  const server = await startProcess({ args, env: { NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB}` }, descriptors: DESCRIPTORS });
  const { url } = server;
  const ask = (document: string, variables?: object) => query(url, document, variables as never);
  const codes = async (asked: Promise<{ errors?: readonly ErrorAnswer[] }>[]): Promise<(string | undefined)[]> =>
    (await Promise.all(asked)).map(({ errors }) => errors?.[0]?.extensions.code);
  const residentMiB = (): number =>
    Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${server.child.pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  let key = 0;
  /** The server reads and writes as ever. */
  const isWell = async (after: string): Promise<void> => {
    key += 1;
    const { errors } = await ask(`mutation { append(table: "t", rows: [{k: ${1_000_000 + key}, x: "well"}]) { insertedRows } }`);
    expect(errors, after).toBeUndefined();
    const { data } = await query<{ asOf: { t: { totalCount: number } } }>(url, '{ asOf { t(where: {x: {eq: "well"}}) { totalCount } } }');
    expect(data?.asOf.t.totalCount, after).toBe(key);
    // Results outside JavaScript's heap are given back when its collector comes to them, which requests bring about.
    await vi.waitFor(
      async () => {
        await ask('{ __typename }');
        expect(residentMiB(), after).toBeLessThan(RESIDENT_MIB_MAX);
      },
      { timeout: 60_000, interval: 20 },
    );
  };
  await ask('mutation { createTable(input: {name: "t", columns: [{name: "k", type: LONG}, {name: "x", type: STRING}]}) { replayed } }');
  const text = 'x'.repeat(60_000);
  for (let start = 0; start < 1_000; start += 50) {
    const r = Array.from({ length: 50 }, (_, at) => ({ k: start + at, x: text }));
    await ask('mutation ($r: [JSON!]!) { append(table: "t", rows: $r) { insertedRows } }', { r });
  }
  await isWell('1,000 rows of 60 KB');

  const wide = (names: number): string =>
    `{ asOf { ${Array.from({ length: names }, (_, at) => `a${at}: t(first: 1000) { nodes { k x } }`).join(' ')} } }`;
  for (const code of await codes([ask(wide(100)), ask(wide(1)), ask(wide(6)), ask(wide(1)), ask(wide(1)), ask(wide(1))]))
    expect(code).toMatch(/LIMIT_EXCEEDED|OVERLOADED/);
  await isWell('answers of many times the heap');

  for (let at = 0; at < 150; at += 1) {
    const where = `{k: {in: [${'12345, '.repeat(5_000)}]}}`;
    // Parsed and validated, which is what is kept; not executed.
    expect(await codes([ask(`{ asOf { id a${at}: t(where: ${where}) @skip(if: true) { totalCount } } }`)])).toEqual([undefined]);
  }
  await isWell('many large documents');

  const deep = 100_000;
  const documents = [
    `{ ${'asOf { '.repeat(deep)}`,
    `{ asOf { t(where: ${'{not: '.repeat(deep)}`,
    `query ($x: ${'['.repeat(deep)}`,
    `{ a(b: ${'['.repeat(deep)}`,
  ];
  for (const code of await codes(documents.map((document) => ask(document)))) expect(code).toBe('LIMIT_EXCEEDED');
  expect(await codes([ask(`{ ${'a @b '.repeat(9_000)} }`), ask(`{ ${'...A '.repeat(9_000)} }`)])).toEqual([
    'LIMIT_EXCEEDED',
    'LIMIT_EXCEEDED',
  ]);
  await isWell('deep documents, directives and fragments');

  const post = (body: string) => fetch(`${url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const rows = (value: string): string =>
    `{"query":"mutation ($r: [JSON!]!) { append(table: \\"t\\", rows: $r) { replayed } }","variables":{"r":[${value}]}}`;
  for (const body of [
    rows(`"${'x'.repeat(40_000_000)}"`),
    rows(`${'[],'.repeat(2_000_000)}[]`),
    rows(`${'['.repeat(deep)}${']'.repeat(deep)}`),
  ])
    expect(((await (await post(body)).json()) as { errors: ErrorAnswer[] }).errors[0]?.extensions.code).toMatch(
      /LIMIT_EXCEEDED|INVALID_ROW/,
    );
  await isWell('large, wide and deep bodies');

  const fields = (at: number): string => `{ a${at}: __schema { types { name description fields { name description args { name } } } } }`;
  expect(await codes(Array.from({ length: 20 }, (_, at) => ask(fields(at))))).toEqual(Array.from({ length: 20 }, () => undefined));
  await isWell('many introspections');

  const sockets = Array.from({ length: 400 }, (): Socket => connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {}));
  await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))));
  for (const socket of sockets) socket.destroy();
  await expect
    .poll(
      () =>
        fetch(`${url}/ready`).then(
          ({ status }) => status,
          () => 0,
        ),
      { timeout: 20_000 },
    )
    .toBe(200);
  await isWell('more connections than descriptors');

  server.child.kill('SIGTERM');
  expect((await server.exited).code).toBe(0);
}, 180_000);
