import { describe, expect, it } from 'vitest';
import { codeOf, filled, ORDERS, rowsOf } from '../support/changed-orders.ts';
import type { Loose } from '../support/server-support.ts';

describe('history through the API', () => {
  it('diff: net, in steps, filtered, generic and typed; Snapshot.changes', async () => {
    const server = await filled();
    await server.data('mutation { updateOrders(where: {order_id: {eq: "1"}}, set: {amount: 11}) { updatedRows } }');
    await server.data('mutation { updateOrders(where: {order_id: {eq: "1"}}, set: {amount: 12}) { updatedRows } }');
    await server.data('mutation { deleteOrders(where: {order_id: {eq: "2"}}) { deletedRows } }');
    const answer = await server.data(`{
      diff(from: {snapshotId: 3}) {
        from { snapshotId } to { snapshotId }
        tables { table { name } insertedRows updatedRows deletedRows }
        orders { updatedRows deletedRows changes { nodes { kind snapshotId before { amount } after { amount } } } }
        steps: orders(mode: FULL, kinds: [UPDATE]) { updatedRows changes(first: 1) { nodes { snapshotId after { amount } } pageInfo { hasNextPage endCursor } } }
        table(name: "orders", where: {column: "amount", eq: 20}) { deletedRows updatedRows changes { nodes { kind before after } } }
      }
      table(name: "orders") { snapshot(snapshotId: 5) { changes { nodes { kind before after } } } }
    }`);
    expect(answer).toMatchObject({
      diff: {
        from: { snapshotId: 3 },
        to: { snapshotId: 6 },
        tables: [{ table: { name: 'orders' }, insertedRows: 0, updatedRows: 1, deletedRows: 1 }],
        orders: {
          updatedRows: 1,
          deletedRows: 1,
          changes: {
            nodes: [
              { kind: 'UPDATE', snapshotId: 5, before: { amount: 10 }, after: { amount: 12 } },
              { kind: 'DELETE', snapshotId: 6, before: { amount: 20 }, after: null },
            ],
          },
        },
        steps: { updatedRows: 2, changes: { nodes: [{ snapshotId: 4, after: { amount: 11 } }], pageInfo: { hasNextPage: true } } },
        table: {
          deletedRows: 1,
          updatedRows: 0,
          changes: { nodes: [{ kind: 'DELETE', before: { order_id: '2', status: 'paid', amount: 20 }, after: null }] },
        },
      },
      table: {
        snapshot: {
          changes: {
            nodes: [
              { kind: 'UPDATE', before: { order_id: '1', status: 'new', amount: 11 }, after: { order_id: '1', status: 'new', amount: 12 } },
            ],
          },
        },
      },
    });
  });

  it('pages of a diff go on from their cursor, also where newer commits have come; cursors of other diffs are refused', async () => {
    const server = await filled();
    const page = (after: string | null, more = ''): string =>
      `{ diff(from: {snapshotId: 2}) { orders(${more}mode: NET) { changes(first: 2, after: ${JSON.stringify(after)}) { nodes { after { order_id } } pageInfo { endCursor hasNextPage } } } } }`;
    type Page = { diff: { orders: { changes: { nodes: Loose[]; pageInfo: { endCursor: string; hasNextPage: boolean } } } } };
    const first = (await server.data<Page>(page(null))).diff.orders.changes;
    expect(first.nodes).toHaveLength(2);
    await server.data('mutation { deleteOrders(where: {order_id: {eq: "3"}}) { deletedRows } }');
    const second = (await server.data<Page>(page(first.pageInfo.endCursor))).diff.orders.changes;
    expect(second).toMatchObject({ nodes: [{ after: { order_id: '3' } }], pageInfo: { hasNextPage: false } });
    const other = page(first.pageInfo.endCursor).replace('snapshotId: 2', 'snapshotId: 1');
    expect(await codeOf(server, other)).toBe('CURSOR_INVALID');
    expect(await codeOf(server, page(first.pageInfo.endCursor).replace('NET', 'FULL'))).toBe('CURSOR_INVALID');
  });

  it('restore: a dry run says what it would change, then it does', async () => {
    const server = await filled();
    await server.data('mutation { createTag(name: "good", message: "before") { name commit { snapshotId } } }');
    await server.data('mutation { deleteOrders(where: {and: []}) { deletedRows } }');
    const restore = (dryRun: boolean): string => `mutation { restore(to: {tag: "good"}, dryRun: ${dryRun}) {
      dryRun commit { snapshotId } insertedRows diff { orders { insertedRows changes { nodes { kind after { order_id } } } } } } }`;
    const dry = await server.data<{ restore: Loose }>(restore(true));
    expect(dry.restore).toMatchObject({ dryRun: true, commit: null, insertedRows: 3, diff: { orders: { insertedRows: 3 } } });
    expect(await rowsOf(server)).toEqual([]);
    const done = await server.data<{ restore: Loose }>(restore(false));
    expect(done.restore).toMatchObject({ dryRun: false, commit: { snapshotId: 5 }, insertedRows: 3 });
    expect(done.restore['diff']).toEqual(dry.restore['diff']);
    expect(await rowsOf(server)).toHaveLength(3);
    expect(await rowsOf(server, '{ asOf(snapshotId: 4) { orders { nodes { order_id } } } }'), 'nothing is lost').toEqual([]);
  });

  it('tags: listed, read by, refused twice, dropped', async () => {
    const server = await filled();
    await server.data('mutation { createTag(name: "v1", at: {snapshotId: 2}) { name } }');
    expect(
      await server.data('{ tags { nodes { name commit { snapshotId } } } asOf(tag: "v1") { snapshotId orders { totalCount } } }'),
    ).toEqual({
      tags: { nodes: [{ name: 'v1', commit: { snapshotId: 2 } }] },
      asOf: { snapshotId: 2, orders: { totalCount: 0 } },
    });
    expect(await codeOf(server, 'mutation { createTag(name: "v1") { name } }')).toBe('TAG_EXISTS');
    expect(await codeOf(server, '{ asOf(tag: "v2") { snapshotId } }')).toBe('TAG_NOT_FOUND');
    expect(await codeOf(server, 'mutation { createTag(name: "no spaces") { name } }')).toBe('INVALID_NAME');
    expect(await codeOf(server, '{ asOf(tag: "v1", snapshotId: 2) { snapshotId } }')).toBe('BAD_USER_INPUT');
    await server.data('mutation { dropTag(name: "v1") { name } }');
    expect(await codeOf(server, 'mutation { dropTag(name: "v1") { name } }')).toBe('TAG_NOT_FOUND');
  });

  it('expireSnapshots, retention and availableFrom; an age is an age', async () => {
    const server = await filled();
    for (const n of [4, 5, 6]) await server.data(`mutation { appendOrders(rows: [{order_id: "${n}"}]) { insertedRows } }`);
    expect(
      await server.data('mutation { expireSnapshots(table: "orders", olderThanMs: 3600000) { removedSnapshots } }'),
      'none is an hour old',
    ).toEqual({
      expireSnapshots: { removedSnapshots: 0 },
    });
    expect(
      await server.data('mutation { expireSnapshots(table: "orders", retainLast: 2, dryRun: true) { dryRun removedSnapshots } }'),
    ).toEqual({
      expireSnapshots: { dryRun: true, removedSnapshots: 2 },
    });
    await server.data('mutation { expireSnapshots(table: "orders", retainLast: 2) { removedSnapshots } }');
    expect(
      await server.data('{ table(name: "orders") { snapshots { totalCount nodes { snapshotId } } retention { maxAgeMs inherited } } }'),
    ).toEqual({
      table: {
        snapshots: { totalCount: 2, nodes: [{ snapshotId: 6 }, { snapshotId: 5 }] },
        retention: { maxAgeMs: null, inherited: true },
      },
    });
    const { errors } = await server.query('{ asOf(snapshotId: 4) { orders { totalCount } } }');
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'SNAPSHOT_EXPIRED', details: { oldestSnapshotId: 5 } });
    await server.data(
      'mutation { alterTable(table: "orders", changes: [{setRetention: {maxAgeMs: 1000, minSnapshots: 3}}]) { commit { snapshotId } } }',
    );
    expect(await server.data('{ table(name: "orders") { retention { maxAgeMs minSnapshots inherited } } }')).toEqual({
      table: { retention: { maxAgeMs: 1000, minSnapshots: 3, inherited: false } },
    });
    expect(await codeOf(server, 'mutation { expireSnapshots { removedSnapshots } }')).toBe('BAD_USER_INPUT');
  });

  it('eraseRows and verify', async () => {
    const server = await filled();
    const answer =
      await server.data(`mutation { eraseRows(table: "orders", where: {column: "order_id", eq: "2"}, reason: "asked to", options: {author: "dpo"}) {
      erasedRows erasedVersions commit { snapshotId author message } } }`);
    expect(answer).toEqual({
      eraseRows: { erasedRows: 1, erasedVersions: 1, commit: { snapshotId: 4, author: 'dpo', message: 'asked to' } },
    });
    expect(await rowsOf(server, '{ asOf(snapshotId: 3) { orders { nodes { order_id } } } }')).toEqual([
      { order_id: '1' },
      { order_id: '3' },
    ]);
    expect(await server.data('{ verify { ok commits firstBadCommit findings { what } } }')).toEqual({
      verify: { ok: true, commits: 4, firstBadCommit: null, findings: [] },
    });
  });

  it("the typed API follows alterTable and dropTable at once; the past is read with today's columns", async () => {
    const server = await filled();
    await server.data(`mutation { alterTable(table: "orders", changes: [
      {renameColumn: {name: "status", to: "state"}}, {addColumn: {name: "rank", type: INT, default: 1}}]) { commit { snapshotId } } }`);
    expect(
      await server.data(
        '{ asOf(snapshotId: 3) { orders(where: {rank: {eq: 1}}, first: 1) { nodes { state rank } } table(name: "orders") { columns { name } } } }',
      ),
    ).toEqual({
      asOf: {
        orders: { nodes: [{ state: 'new', rank: 1 }] },
        table: { columns: [{ name: 'order_id' }, { name: 'status' }, { name: 'amount' }] },
      },
    });
    await server.data('mutation { dropTable(table: "orders") { commit { snapshotId } } }');
    expect(await codeOf(server, ORDERS)).toBe('GRAPHQL_VALIDATION_FAILED');
    expect(
      await server.data(
        '{ table(name: "orders") { droppedAt asOf(snapshotId: 3) { rowCount } } tables { nodes { name } } all: tables(includeDropped: true) { nodes { name } } }',
      ),
    ).toMatchObject({
      table: { droppedAt: expect.any(String), asOf: { rowCount: 3 } },
      tables: { nodes: [{ name: 'notes' }] },
      all: { nodes: [{ name: 'orders' }, { name: 'notes' }] },
    });
    expect(await codeOf(server, '{ table(name: "orders") { asOf { rowCount } } }')).toBe('TABLE_NOT_FOUND_AS_OF');
  });
});
