import { describe, expect, it } from 'vitest';
import { testServer } from '../support/server-support.ts';

type Server = Awaited<ReturnType<typeof testServer>>;

/** Orders 1 to 3 in commit 2; all of them marked bad in commit 3. */
async function filled(): Promise<Server> {
  const server = await testServer();
  await server.data(`mutation { createTable(input: {name: "orders", primaryKey: ["order_id"], columns: [
    {name: "order_id", type: LONG}, {name: "status", type: STRING}]}) { replayed } }`);
  await server.data('mutation { appendOrders(rows: [{order_id: 1}, {order_id: 2}, {order_id: 3}]) { replayed } }');
  await server.data('mutation { updateOrders(where: {and: []}, set: {status: "bad"}) { replayed } }');
  return server;
}

const CHANGES = 'diff { orders { changes { nodes { kind before { order_id status } after { status } } } } tables { updatedRows } }';

describe('revert', () => {
  it('says on a dry run what it would change, then does it', async () => {
    const server = await filled();
    await server.data('mutation { appendOrders(rows: [{order_id: 4}]) { replayed } }');
    const expected = {
      updatedRows: 3,
      skippedRows: 0,
      skippedRowIds: [],
      diff: {
        orders: {
          changes: {
            nodes: [1, 2, 3].map((id) => ({ kind: 'UPDATE', before: { order_id: String(id), status: 'bad' }, after: { status: null } })),
          },
        },
        tables: [{ updatedRows: 3 }],
      },
    };
    const fields = `updatedRows skippedRows skippedRowIds ${CHANGES}`;
    expect(await server.data(`mutation { revert(snapshotId: 3, dryRun: true) { dryRun commit { snapshotId } ${fields} } }`)).toEqual({
      revert: { dryRun: true, commit: null, ...expected },
    });
    expect(
      await server.data(
        `mutation { revert(snapshotId: "3", options: {author: "ann", message: "undo", expectedRows: 3}) { dryRun commit { snapshotId author message } ${fields} view { orders { totalCount } } } }`,
      ),
    ).toEqual({
      revert: {
        dryRun: false,
        commit: { snapshotId: 5, author: 'ann', message: 'undo' },
        ...expected,
        view: { orders: { totalCount: 4 } },
      },
    });
  });

  it('names the rows that were changed since by their ids and keys, or leaves them', async () => {
    const server = await filled();
    await server.data('mutation { updateOrders(where: {order_id: {eq: 2}}, set: {status: "mended"}) { replayed } }');
    const { asOf } = await server.data<{ asOf: { orders: { nodes: { _rowId: string }[] } } }>('{ asOf { orders { nodes { _rowId } } } }');
    const second = asOf.orders.nodes[1]?._rowId;
    for (const args of ['snapshotId: 3', 'snapshotId: 3, dryRun: true', 'snapshotId: 3, onChanged: CONFLICT']) {
      const { errors } = await server.query(`mutation { revert(${args}) { replayed } }`);
      expect(errors?.[0]?.extensions).toMatchObject({
        code: 'CONFLICT',
        details: { table: 'orders', rows: [{ _rowId: second, key: { order_id: '2' } }], changedRows: 1 },
      });
    }
    for (const dryRun of [true, false]) {
      expect(
        await server.data(
          `mutation { revert(snapshotId: 3, onChanged: SKIP, dryRun: ${dryRun}) { updatedRows skippedRows skippedRowIds ${CHANGES} } }`,
        ),
      ).toMatchObject({
        revert: { updatedRows: 2, skippedRows: 1, skippedRowIds: [second], diff: { tables: [{ updatedRows: 2 }] } },
      });
    }
  });

  it('refuses a dryRun that is null, commits that are not there, and what is not of rows', async () => {
    const server = await filled();
    const codeOf = async (args: string): Promise<unknown> =>
      (await server.query(`mutation { revert(${args}) { replayed } }`)).errors?.[0]?.extensions.code;
    expect(await codeOf('snapshotId: 3, dryRun: null')).toBe('BAD_USER_INPUT');
    expect(await codeOf('snapshotId: 1')).toBe('BAD_USER_INPUT');
    expect(await codeOf('snapshotId: 99')).toBe('SNAPSHOT_NOT_FOUND');
    expect(await codeOf('snapshotId: 0')).toBe('SNAPSHOT_NOT_FOUND');
    expect(await codeOf('snapshotId: -1')).not.toBe('INTERNAL_SERVER_ERROR');
  });
});

describe('notices', () => {
  const noticesOf = async (server: Server, field: string): Promise<string[]> =>
    Object.values(await server.data<Record<string, { notices: string[] }>>(`mutation { done: ${field} { notices } }`))[0]?.notices ?? [];
  const table = (name: string, column: string, rest = ''): string => `{name: "${name}", columns: [{name: "${column}", type: INT}]${rest}}`;

  it('say which names are others in the typed API, once, and nothing else', async () => {
    const server = await testServer();
    expect(await noticesOf(server, `createTable(input: ${table('plain', 'k')})`)).toEqual([]);
    expect(await noticesOf(server, `createTable(input: ${table('table', 'id')})`)).toEqual([
      expect.stringContaining('table table is table_'),
      expect.stringContaining('column id of table table is id_'),
    ]);
    expect(await noticesOf(server, 'append(table: "table", rows: [{id: 1}])')).toEqual([]);
    expect(await noticesOf(server, 'alterTable(table: "table", changes: [{addColumn: {name: "more", type: INT}}])')).toEqual([]);
    expect(
      await noticesOf(
        server,
        'alterTable(table: "table", changes: [{addColumn: {name: "not", type: INT}}, {renameColumn: {name: "more", to: "then"}}])',
      ),
    ).toEqual([
      expect.stringContaining('column then of table table is then_'),
      expect.stringContaining('column not of table table is not_'),
    ]);
    expect(
      await noticesOf(server, `commit(operations: [{createTable: ${table('other', 'null')}}, {append: {table: "plain", rows: [{k: 1}]}}])`),
    ).toEqual([expect.stringContaining('column null of table other is null_')]);
    // A name that was chosen is no surprise.
    expect(await noticesOf(server, `createTable(input: {name: "chosen", columns: [{name: "id", graphqlName: "key", type: INT}]})`)).toEqual(
      [],
    );
  });

  it('say where a table was there already', async () => {
    const server = await testServer();
    await noticesOf(server, `createTable(input: ${table('plain', 'k')})`);
    expect(await noticesOf(server, `createTable(input: ${table('plain', 'k', ', ifExists: IGNORE')})`)).toEqual([
      expect.stringContaining('already'),
    ]);
  });
});
