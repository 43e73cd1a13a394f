/** Tables of few and unusual columns, and tables that hardly existed: each works through both APIs, and stops no other. */
import { describe, expect, it } from 'vitest';
import { COLUMN_TYPES, type ColumnType } from '../../src/engine/index.ts';
import { type Loose, testServer } from '../support/server-support.ts';

/** A value of each type, as it goes in and comes out. */
const VALUES: Readonly<Record<ColumnType, unknown>> = {
  BOOLEAN: true,
  INT: 7,
  LONG: '9007199254740993',
  FLOAT: 0.5,
  DOUBLE: 1.25,
  DECIMAL: '12',
  DATE: '2026-11-22',
  TIME: '10:00:00.000000',
  TIMESTAMP: '2026-11-22T10:00:00.000',
  TIMESTAMPTZ: '2026-11-22T10:00:00.000Z',
  STRING: 'text',
  UUID: '123e4567-e89b-12d3-a456-426614174000',
  BINARY: 'AQID',
  JSON: JSON.parse('{ "if": [1], "then": { "b": 2 }, "__proto__": { "toJSON": 1 } }'),
};
const KEYED = new Set<ColumnType>(COLUMN_TYPES.filter((type) => !['JSON', 'FLOAT', 'DOUBLE'].includes(type)));

const cases = COLUMN_TYPES.flatMap((type) => [false, true].filter((key) => !key || KEYED.has(type)).map((key) => ({ type, key })));

describe('a table of one column', () => {
  it.each(cases)('$type, key: $key: every operation of both APIs works, and its types are valid', async ({ type, key }) => {
    const server = await testServer();
    await server.data('mutation ($input: CreateTableInput!) { createTable(input: $input) { commit { snapshotId } } }', {
      input: { name: 'lone', columns: [{ name: 'c', type }], primaryKey: key ? ['c'] : [] },
    });
    const c = VALUES[type];
    const { appendLone } = await server.data<{ appendLone: Loose }>(
      `mutation ($rows: [LoneRowInput!]!) { appendLone(rows: $rows) { rows { c } view { lone(where: { c: { isNull: false } }) {
         nodes { c } totalCount aggregate { count } } } } }`,
      { rows: [{ c }] },
    );
    expect(appendLone).toEqual({ rows: [{ c }], view: { lone: { nodes: [{ c }], totalCount: 1, aggregate: { count: 1 } } } });
    const generic = `{ table(name: "lone") { asOf { rows { nodes } } currentSnapshot { changes { nodes { after } } } }
      diff(from: { snapshotId: 1 }) { lone { changes { nodes { after { c } } } } } }`;
    expect(await server.data(generic)).toEqual({
      table: { asOf: { rows: { nodes: [{ c }] } }, currentSnapshot: { changes: { nodes: [{ after: { c } }] } } },
      diff: { lone: { changes: { nodes: [{ after: { c } }] } } },
    });
    const served = await (await fetch(`${server.url}/schema.graphql`)).text();
    expect(served.includes('LoneGroupKey')).toBe(type !== 'JSON');
    await server.data('mutation { deleteLone(where: { and: [] }) { deletedRows } dropTable(table: "lone") { commit { snapshotId } } }');
    expect(await server.data('{ asOf { snapshotId } }')).toEqual({ asOf: { snapshotId: 4 } });
  });
});

describe('a table that comes to have JSON columns alone', () => {
  it('by alterTable, and by a restore: it works before and after, over a restart', async () => {
    const first = await testServer();
    await first.data(`mutation { createTable(input: { name: "docs", columns: [{ name: "body", type: JSON }] }) { replayed }
      alterTable(table: "docs", changes: [{ addColumn: { name: "n", type: INT } }]) { replayed } }`);
    const grouped = '{ asOf { docs { aggregate { sum { n } } totalCount } } }';
    await first.data('mutation { appendDocs(rows: [{ body: [1], n: 2 }]) { replayed } }');
    expect(await first.data(grouped)).toEqual({ asOf: { docs: { aggregate: { sum: { n: '2' } }, totalCount: 1 } } });
    await first.data('mutation { alterTable(table: "docs", changes: [{ dropColumn: { name: "n" } }]) { replayed } }');
    expect(await first.data('{ asOf { docs { nodes { body } } } }')).toEqual({ asOf: { docs: { nodes: [{ body: [1] }] } } });
    await first.data('mutation { restore(to: { snapshotId: 3 }) { replayed } }');
    expect(await first.data('{ asOf { docs { nodes { body n } } } }')).toEqual({ asOf: { docs: { nodes: [{ body: [1], n: 2 }] } } });
    await first.data('mutation { restore(to: { snapshotId: 1 }) { replayed } }');
    await first.stop();
    const again = await testServer({ directory: first.directory });
    expect(await again.data('{ asOf { docs { nodes { body } totalCount } } }')).toEqual({ asOf: { docs: { nodes: [], totalCount: 0 } } });
  });
});

describe('a table that one commit made and dropped', () => {
  const inside = '{ append: { table: "brief", rows: [{ k: 1 }, { k: 2 }] } }';
  it.each([
    ['without rows', ''],
    ['with rows', inside],
    ['altered', '{ alterTable: { table: "brief", changes: [{ addColumn: { name: "x", type: INT } }] } }'],
  ])('%s: its snapshot has an empty view, and lists, diffs and restores around it are right', async (_, more) => {
    const server = await testServer();
    await server.data('mutation { createTable(input: { name: "other", columns: [{ name: "a", type: INT }] }) { replayed } }');
    const view =
      'rowCount snapshot { snapshotId } rows { nodes totalCount } files { nodes { path } } aggregate(functions: [{ function: COUNT }]) { nodes }';
    const { commit } = await server.data<{ commit: { snapshots: Loose[] } }>(`mutation { commit(operations: [
      { createTable: { name: "brief", columns: [{ name: "k", type: LONG }] } }, ${more}, { dropTable: { table: "brief" } }
    ]) { snapshots { operation parent { snapshotId } manifest { nodes { path } } changes { nodes { kind } } view { ${view} } } } }`);
    const empty = {
      rowCount: 0,
      snapshot: null,
      rows: { nodes: [], totalCount: 0 },
      files: { nodes: [] },
      aggregate: { nodes: [{ count: 0 }] },
    };
    expect(commit.snapshots).toEqual([{ operation: 'DROP', parent: null, manifest: { nodes: [] }, changes: { nodes: [] }, view: empty }]);
    await server.data('mutation { append(table: "other", rows: [{ a: 1 }]) { replayed } }');
    const everywhere = `{ tables(includeDropped: true) { nodes { name currentSnapshot { view { rowCount } }
        snapshots { nodes { view { rowCount } } } } }
      table(name: "brief") { name snapshot(snapshotId: 2) { view { rowCount } } }
      diff(from: { snapshotId: 1 }) { tables { table { name } } table(name: "brief") { insertedRows deletedRows } }
      asOf(snapshotId: 2) { table(name: "brief") { rowCount } }
      commits { nodes { snapshots { view { rowCount } } } } }`;
    expect(await server.data(everywhere)).toEqual({
      tables: {
        nodes: [
          {
            name: 'other',
            currentSnapshot: { view: { rowCount: 1 } },
            snapshots: { nodes: [{ view: { rowCount: 1 } }, { view: { rowCount: 0 } }] },
          },
          { name: 'brief', currentSnapshot: { view: { rowCount: 0 } }, snapshots: { nodes: [{ view: { rowCount: 0 } }] } },
        ],
      },
      table: { name: 'brief', snapshot: { view: { rowCount: 0 } } },
      diff: { tables: [{ table: { name: 'other' } }], table: { insertedRows: 0, deletedRows: 0 } },
      asOf: { table: null },
      commits: {
        nodes: [
          { snapshots: [{ view: { rowCount: 1 } }] },
          { snapshots: [{ view: { rowCount: 0 } }] },
          { snapshots: [{ view: { rowCount: 0 } }] },
        ],
      },
    });
    for (const to of [1, 2]) await server.data(`mutation { restore(to: { snapshotId: ${to} }) { commit { snapshotId } } }`);
    expect((await server.failure('mutation { restore(tables: ["brief"], to: { snapshotId: 2 }) { replayed } }')).extensions.code).toBe(
      'TABLE_NOT_FOUND_AS_OF',
    );
    expect(await server.data('{ verify { ok } asOf { other { totalCount } } }')).toEqual({
      verify: { ok: true },
      asOf: { other: { totalCount: 0 } },
    });
  });
});

describe('a dropped table of which all else has expired', () => {
  it('has an empty view at its end, and takes no list with it', async () => {
    const server = await testServer();
    await server.engine.createTable({ name: 'gone', columns: [{ name: 'k', type: 'LONG' }] });
    await server.engine.append('gone', [{ k: '1' }]);
    await server.engine.append('gone', [{ k: '2' }]);
    const lists = `{ tables(includeDropped: true) { nodes { name currentSnapshot { operation view { rowCount rows { nodes } } }
      snapshots { nodes { operation view { rowCount } } } } } }`;
    await server.engine.dropTable('gone');
    expect(await server.data(lists), 'while the state before is kept').toMatchObject({
      tables: { nodes: [{ currentSnapshot: { operation: 'DROP', view: { rowCount: 2 } } }] },
    });
    await server.engine.expireSnapshots({ retainLast: 1 });
    expect(await server.data(lists)).toEqual({
      tables: {
        nodes: [
          {
            name: 'gone',
            currentSnapshot: { operation: 'DROP', view: { rowCount: 0, rows: { nodes: [] } } },
            snapshots: { nodes: [{ operation: 'DROP', view: { rowCount: 0 } }] },
          },
        ],
      },
    });
  });
});
