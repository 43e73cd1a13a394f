import { describe, expect, it } from 'vitest';
import { type Loose, testServer } from '../support/server-support.ts';
import { failureOf } from '../support/support.ts';

type Server = Awaited<ReturnType<typeof testServer>>;

const SECONDS = 1_796_125_200;

async function withTable(): Promise<Server> {
  const server = await testServer();
  await server.data(
    'mutation { createTable(input: {name: "t", primaryKey: ["k"], columns: [{name: "k", type: INT}, {name: "at", type: TIMESTAMPTZ}]}) { replayed } }',
  );
  await server.data(
    'mutation { appendT(rows: [{k: 1, at: 1796125200000}, {k: 2, at: "1970-01-01T00:00:00Z"}, {k: 3, at: -100000000000}]) { replayed } }',
  );
  return server;
}

/** The refusal, wherever it stands. */
async function refused(server: Server, document: string, variables?: Loose): Promise<unknown> {
  const { errors } = await server.query(document, variables);
  const [error] = errors ?? [];
  const text = JSON.stringify([error?.message, error?.extensions]);
  expect(text, document).toMatch(/meant in seconds/);
  return error?.extensions.code;
}

describe('integers that can only be epoch seconds', () => {
  it('are taken as milliseconds from 10^11 on, and text for all instants', async () => {
    const server = await withTable();
    const { asOf } = await server.data<{ asOf: Loose }>('{ asOf { t { nodes { at } } } }');
    expect(asOf).toEqual({
      t: { nodes: ['2026-12-01T11:40:00.000Z', '1970-01-01T00:00:00.000Z', '1966-10-31T14:13:20.000Z'].map((at) => ({ at })) },
    });
  });

  it.each([SECONDS, 0, -1, 99_999_999_999, -99_999_999_999])(
    'are refused in columns, by literals and variables, typed and generic: %d',
    async (n) => {
      const server = await withTable();
      const rows = [{ k: 9, at: n }];
      expect(await refused(server, 'mutation ($r: [TRowInput!]!) { appendT(rows: $r) { replayed } }', { r: rows })).toBe('INVALID_ROW');
      expect(await refused(server, 'mutation ($r: [TRowPatch!]!) { upsertT(rows: $r) { replayed } }', { r: rows })).toBe('INVALID_ROW');
      expect(await refused(server, 'mutation ($r: [JSON!]!) { append(table: "t", rows: $r) { replayed } }', { r: rows })).toBe(
        'INVALID_ROW',
      );
      expect(await refused(server, `mutation { append(table: "t", rows: [{k: 9, at: ${n}}]) { replayed } }`)).toBe('INVALID_ROW');
      expect(await refused(server, `mutation { update(table: "t", where: {and: []}, set: {at: ${n}}) { replayed } }`)).toBe('INVALID_ROW');
      for (const field of [
        `appendT(rows: [{k: 9, at: ${n}}])`,
        `updateT(where: {and: []}, set: {at: ${n}})`,
        `deleteT(where: {at: {lt: ${n}}})`,
      ])
        expect(await refused(server, `mutation { ${field} { replayed } }`), field).toMatch(/BAD_USER_INPUT|INVALID_ROW/);
      expect(await refused(server, `mutation { delete(table: "t", where: {column: "at", in: [${n}]}) { replayed } }`)).toBe(
        'BAD_USER_INPUT',
      );
      expect(await refused(server, `{ asOf { table(name: "t") { rows(where: {column: "at", gte: ${n}}) { totalCount } } } }`)).toBe(
        'BAD_USER_INPUT',
      );
      expect(
        await refused(
          server,
          `mutation { alterTable(table: "t", changes: [{addColumn: {name: "b", type: TIMESTAMPTZ, default: ${n}}}]) { replayed } }`,
        ),
      ).toBe('BAD_USER_INPUT');
      expect((await failureOf(server.engine.append('t', rows))).code).toBe('INVALID_ROW');
      expect(server.engine.headSnapshotId).toBe(2);
    },
  );

  it.each([SECONDS, 0, -1])('are refused as instants, by literals and variables: %d', async (n) => {
    const server = await withTable();
    for (const field of [
      `asOf(timestamp: ${n}) { snapshotId }`,
      `asOf(at: {timestamp: ${n}}) { snapshotId }`,
      `diff(from: {timestamp: ${n}}) { tables { insertedRows } }`,
      `commits(from: ${n}) { totalCount }`,
      `commits(to: ${n}) { totalCount }`,
      `table(name: "t") { snapshots(from: ${n}) { totalCount } }`,
    ])
      expect(await refused(server, `{ ${field} }`), field).toBe('BAD_USER_INPUT');
    for (const field of [
      `restore(to: {timestamp: ${n}}) { replayed }`,
      `expireSnapshots(olderThan: ${n}) { removedSnapshots }`,
      `createTag(name: "x", at: {timestamp: ${n}}) { name }`,
    ])
      expect(await refused(server, `mutation { ${field} }`), field).toBe('BAD_USER_INPUT');
    const byVariable = await server.query('query ($t: DateTime) { asOf(timestamp: $t) { snapshotId } }', { t: n });
    expect(byVariable.errors?.[0]).toMatchObject({
      message: expect.stringContaining('meant in seconds'),
      extensions: { code: 'BAD_USER_INPUT' },
    });
    expect(await server.data('{ asOf(timestamp: "1970-01-01T00:00:00Z") { snapshotId } }')).toEqual({ asOf: { snapshotId: 0 } });
  });

  it('never advise a number that is refused, too', async () => {
    const server = await testServer();
    for (const n of [0, -5, 1_000_000, 99_999_999]) {
      const answer = await server.query('query ($t: DateTime) { asOf(timestamp: $t) { snapshotId } }', { t: n });
      expect(answer.errors?.[0]?.message).toContain(`send "${new Date(n * 1000).toISOString()}" as text`);
    }
  });
});
