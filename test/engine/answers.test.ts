import { describe, expect, it } from 'vitest';
import { Budget, MemoryPool } from '../../src/engine/model/budget.ts';
import { type ErrorAnswer, liveClient, type TestServer, testServer } from '../support/server-support.ts';

const MEBIBYTE = 1024 * 1024;
const TABLE = {
  name: 't',
  columns: [
    { name: 'k', type: 'LONG' },
    { name: 'x', type: 'STRING' },
    { name: 'j', type: 'JSON' },
    { name: 'y', type: 'BINARY' },
  ],
  primaryKey: ['k'],
} as const;
const TOO_LARGE = {
  code: 'LIMIT_EXCEEDED',
  details: { limit: 'answerBytesMax', maximum: MEBIBYTE, actual: expect.any(Number) },
  hint: expect.stringContaining('--max-answer'),
};

/** Rows with a text each, of which 16 fit into an answer of 1 MiB. */
async function largeRows(count: number): Promise<TestServer> {
  const server = await testServer({ tables: [TABLE], flags: ['--max-answer', '1'] });
  const text = 'x'.repeat(60_000);
  for (let start = 0; start < count; start += 50)
    await server.engine.append(
      't',
      Array.from({ length: Math.min(50, count - start) }, (_, at) => ({ k: start + at, x: text, j: [text], y: 'QUJD' })),
    );
  return server;
}

function errorOf(errors: readonly ErrorAnswer[] | undefined): unknown {
  return errors?.[0]?.extensions;
}

describe('an answer is bounded in bytes', () => {
  it.each([
    ['a page', '{ asOf { t(first: 40) { nodes { k x } } } }'],
    ['a page of the generic API', '{ asOf { table(name: "t") { rows(first: 40, columns: ["x"]) { nodes } } } }'],
    ['a page in an order', '{ asOf { t(first: 40, orderBy: [{k: DESC}]) { nodes { x } } } }'],
    ['a page of what matches', '{ asOf { t(first: 40, where: {k: {gte: "0"}}) { nodes { x } } } }'],
    [
      'many pages',
      `{ asOf { ${Array.from({ length: 10 }, (_, at) => `a${at}: t(first: 4, where: {k: {gte: "${at}"}}) { nodes { x } }`).join(' ')} } }`,
    ],
    [
      'one value under many names',
      `{ asOf { t(first: 5) { nodes { ${Array.from({ length: 20 }, (_, at) => `a${at}: x`).join(' ')} } } } }`,
    ],
    [
      'one JSON value under many names',
      `{ asOf { t(first: 5) { nodes { ${Array.from({ length: 20 }, (_, at) => `a${at}: j`).join(' ')} } } } }`,
    ],
    ['nodes and edges', '{ asOf { t(first: 10) { nodes { x } edges { node { x } } } } }'],
    [
      'nodes of the generic API, again and again',
      `{ asOf { table(name: "t") { rows(first: 4) { ${Array.from({ length: 10 }, (_, at) => `a${at}: nodes`).join(' ')} } } } }`,
    ],
    ['a fragment', '{ asOf { a: t(first: 10) { ...F } b: t(last: 10) { ...F } } } fragment F on TRowConnection { nodes { x } }'],
    ['rows by key', `{ asOf { ${Array.from({ length: 20 }, (_, at) => `a${at}: tByKey(k: "${at}") { x }`).join(' ')} } }`],
    ['aggregates', `{ asOf { ${Array.from({ length: 20 }, (_, at) => `a${at}: t { aggregate { max { x } } }`).join(' ')} } }`],
    ['a diff', '{ diff(from: {snapshotId: 1}) { t { changes(first: 40) { nodes { after { x } } } } } }'],
    ['changes of a snapshot', '{ table(name: "t") { currentSnapshot { changes(first: 40) { nodes { after } } } } }'],
  ])('%s', async (_, document) => {
    const server = await largeRows(50);
    const { errors } = await server.query(document);
    expect(errorOf(errors)).toMatchObject(TOO_LARGE);
    await server.data('mutation { compact(table: "t") { flushedRows } }');
    expect(errorOf((await server.query(document)).errors)).toMatchObject(TOO_LARGE);
    const small = await server.data<{ asOf: { t: { nodes: { x: string }[] } } }>('{ asOf { t(first: 4) { nodes { x } } } }');
    expect(small.asOf.t.nodes).toHaveLength(4);
  });

  it('over a WebSocket, and for a live query', async () => {
    const server = await largeRows(50);
    for (const query of ['{ asOf { t(first: 40) { nodes { x } } } }', 'subscription { live { t(first: 40) { nodes { x } } } }']) {
      const { value } = await liveClient(server.url).iterate({ query }).next();
      expect(errorOf(value?.errors as ErrorAnswer[])).toMatchObject(TOO_LARGE);
    }
  });

  it('text that grows when it is written does not end the answer in a defect', async () => {
    const server = await testServer({ tables: [TABLE], flags: ['--max-answer', '1'] });
    await server.engine.append('t', [{ k: 1, x: '\u0001'.repeat(900_000) }]);
    const { asOf } = await server.data<{ asOf: { t: { nodes: { x: string }[] } } }>('{ asOf { t { nodes { x } } } }');
    expect(asOf.t.nodes[0]?.x).toHaveLength(900_000);
  });

  it('the answer of a change that is too large says that the change was made', async () => {
    const server = await testServer({ tables: [TABLE], flags: ['--max-answer', '1'] });
    const text = 'x'.repeat(60_000);
    const { errors } = await server.query('mutation ($r: [TRowInput!]!) { appendT(rows: $r) { rows(first: 40) { x } } }', {
      r: Array.from({ length: 40 }, (_, k) => ({ k: String(k), x: text })),
    });
    expect(errors?.[0]?.extensions.hint).toContain('The change was made');
    expect(server.engine.headSnapshotId).toBe(2);
  });

  it('a budget ends with its own bound, or with that of all together, and gives back what it took', () => {
    const pool = new MemoryPool({ limit: 'all', maximum: 100, hint: 'h' });
    const one = new Budget({ limit: 'one', maximum: 80, hint: 'h' }, pool);
    const two = new Budget({ limit: 'one', maximum: 80, hint: 'h' }, pool);
    one.charge(60);
    expect(() => one.require(30)).toThrow(
      expect.objectContaining({ code: 'LIMIT_EXCEEDED', details: { limit: 'one', maximum: 80, actual: 90 } }),
    );
    expect(() => two.charge(50)).toThrow(expect.objectContaining({ code: 'OVERLOADED' }));
    one.release();
    one.release();
    two.charge(50);
    expect(pool.taken).toBe(50);
    two.release();
    expect(pool.taken).toBe(0);
  });
});

describe('what answers under way take is given back', () => {
  it('whether they were sent, refused or abandoned', async () => {
    const server = await largeRows(50);
    const ask = (first: number, signal?: AbortSignal) =>
      server
        .query(`{ asOf { t(first: ${first}) { nodes { x } } } }`, undefined, signal === undefined ? {} : { signal })
        .catch(() => undefined);
    await Promise.all(Array.from({ length: 40 }, (_, at) => ask(at % 2 === 0 ? 4 : 40, at % 5 === 0 ? AbortSignal.timeout(1) : undefined)));
    const again = await Promise.all(Array.from({ length: 10 }, () => ask(10)));
    expect(again.map((answer) => answer?.errors)).toEqual(again.map(() => undefined));
  });
});
