import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cursorHead, type Engine, type Order, type RowPage, type RowsQuery, type TableAt, toWire } from '../../src/engine/index.ts';
import { scaled } from '../support/random.ts';
import { matches, modelFilter, modelOrder, modelRows, sorted, storeEverywhere } from '../support/row-model.ts';
import { failureOf, testEngine } from '../support/support.ts';

type Asked = Pick<RowsQuery, 'where' | 'orderBy'>;

async function viewAt(engine: Engine, table: string, snapshotId?: number): Promise<TableAt> {
  const instant = await engine.read.resolve(snapshotId === undefined ? { kind: 'newest' } : { kind: 'snapshot', snapshotId });
  const view = await engine.read.tableAt(engine.table(table), instant.snapshotId);
  if (view === undefined) throw new Error('the table is there');
  return view;
}

/** A table `t (id, text)` with rows 0 to count - 1. */
async function tableOf(count: number): Promise<{ engine: Engine; view: TableAt }> {
  const engine = await testEngine();
  await engine.createTable({
    name: 't',
    columns: [
      { name: 'id', type: 'INT' },
      { name: 'text', type: 'STRING' },
      { name: 'json', type: 'JSON' },
    ],
  });
  await engine.append(
    't',
    Array.from({ length: count }, (_, id) => ({ id, text: String(id % 3) })),
  );
  return { engine, view: await viewAt(engine, 't') };
}

/** The values of the page's first column. */
function firstColumn(page: RowPage): unknown[] {
  const [column] = page.columns;
  return page.rows.map((row) => (column === undefined ? undefined : toWire(column, row.cells[0] ?? null)));
}

/** The ids of every page from one end to the other, in the order that the pages came. */
async function walk(engine: Engine, view: TableAt, asked: Asked, size: number, direction: 'forward' | 'backward'): Promise<unknown[][]> {
  const pages: unknown[][] = [];
  let cursor: string | undefined;
  for (;;) {
    const place = direction === 'forward' ? { first: size, after: cursor } : { last: size, before: cursor };
    const page = await engine.read.page(view, { ...asked, columns: ['id'], ...place });
    pages.push(firstColumn(page));
    const more = direction === 'forward' ? page.hasNextPage : page.hasPreviousPage;
    if (!more) return pages;
    // An end that never comes would be a page that has no rows, or more pages than rows.
    expect(page.rows.length).toBe(size);
    expect(pages.length).toBeLessThan(1000);
    cursor = page.cursorAt(direction === 'forward' ? page.rows.length - 1 : 0);
  }
}

describe('pages', () => {
  it('visit every row once and in order, forward and backward, whatever the order and wherever the rows lie', async () => {
    const engine = await testEngine({ maintenance: { autoCompact: false } });
    let tables = 0;
    await fc.assert(
      fc.asyncProperty(
        modelRows,
        fc.array(fc.tuple(modelOrder, fc.option(modelFilter, { nil: undefined }), fc.integer({ min: 1, max: 20 })), {
          minLength: 3,
          maxLength: 6,
        }),
        async (rows, questions) => {
          tables += 1;
          await storeEverywhere(engine, `t${tables}`, rows);
          const view = await viewAt(engine, `t${tables}`);
          const check = async (): Promise<void> => {
            for (const [orderBy, where, size] of questions) {
              const wanted = where === undefined ? rows : rows.filter((row) => matches(where, row));
              const expected = sorted(wanted, orderBy).map((row) => row['id']);
              expect((await walk(engine, view, { where, orderBy }, size, 'forward')).flat()).toEqual(expected);
              expect((await walk(engine, view, { where, orderBy }, size, 'backward')).reverse().flat()).toEqual(expected);
            }
          };
          await check();
          await engine.compact(`t${tables}`);
          await check();
        },
      ),
      { numRuns: scaled(6.25) },
    );
  });

  it('never shift: a walk begun before more rows come and are compacted ends with the rows it began with', async () => {
    const { engine, view } = await tableOf(10);
    const first = await engine.read.page(view, { first: 4, orderBy: [{ column: 'id', direction: 'DESC' }] });
    await engine.append('t', [{ id: 100 }, { id: -100 }]);
    await engine.compact();
    const cursor = first.cursorAt(3);
    const pinned = await viewAt(engine, 't', cursorHead(cursor)?.snapshotId);
    const rest = await engine.read.page(pinned, { first: 100, after: cursor, orderBy: [{ column: 'id', direction: 'DESC' }] });
    expect([...firstColumn(first), ...firstColumn(rest)]).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
  });

  it('may be bounded at both ends', async () => {
    const { engine, view } = await tableOf(10);
    const all = await engine.read.page(view, {});
    const between = { after: all.cursorAt(2), before: all.cursorAt(7) };
    const first = await engine.read.page(view, { ...between, first: 3 });
    expect(firstColumn(first)).toEqual([3, 4, 5]);
    expect(first.hasNextPage).toBe(true);
    const last = await engine.read.page(view, { ...between, last: 3 });
    expect(firstColumn(last)).toEqual([4, 5, 6]);
    expect(last.hasPreviousPage).toBe(true);
    expect(firstColumn(await engine.read.page(view, { ...between, first: 100 }))).toEqual([3, 4, 5, 6]);
    expect(firstColumn(await engine.read.page(view, { after: all.cursorAt(7), before: all.cursorAt(2) }))).toEqual([]);
  });

  it('have 50 rows where nobody says how many, and up to 1,000', async () => {
    const { engine, view } = await tableOf(1200);
    expect((await engine.read.page(view, {})).rows).toHaveLength(50);
    expect((await engine.read.page(view, { first: 1000 })).rows).toHaveLength(1000);
    for (const limit of ['first', 'last']) {
      const error = await failureOf(engine.read.page(view, { [limit]: 1001 }));
      expect(error.code).toBe('LIMIT_EXCEEDED');
      expect(error.details).toEqual({ limit, maximum: 1000, actual: 1001 });
    }
  });

  it('may be empty: first: 0 tells whether there is a row', async () => {
    const { engine, view } = await tableOf(1);
    const page = await engine.read.page(view, { first: 0 });
    expect(page.rows).toEqual([]);
    expect(page.hasNextPage).toBe(true);
    const empty = await tableOf(0);
    expect((await empty.engine.read.page(empty.view, { first: 0 })).hasNextPage).toBe(false);
  });

  it('may be empty: first: 0 promises no row where none follows', async () => {
    const { engine, view } = await tableOf(1);
    expect((await engine.read.page(view, { first: 0, where: { kind: 'or', filters: [] } })).hasNextPage).toBe(false);
    const after = (await engine.read.page(view, { first: 1 })).cursorAt(0);
    expect((await engine.read.page(view, { first: 0, after })).hasNextPage).toBe(false);
  });

  it('are BAD_USER_INPUT where the size is no count, or both ends are asked for', async () => {
    const { engine, view } = await tableOf(1);
    for (const place of [{ first: -1 }, { last: -1 }, { first: 1.5 }, { first: Number.NaN }, { first: 1, last: 1 }])
      expect((await failureOf(engine.read.page(view, place))).code).toBe('BAD_USER_INPUT');
  });
});

describe('orderBy', () => {
  const ids = async (orderBy: readonly Order[]): Promise<unknown[]> => {
    const { engine, view } = await tableOf(3);
    await engine.append('t', [{ id: null }, { id: 1 }]);
    return firstColumn(await engine.read.page(await viewAt(engine, 't', view.snapshotId + 1), { orderBy, columns: ['id'] }));
  };

  it('puts nulls last with ASC, first with DESC, and the other way round where it is said', async () => {
    expect(await ids([{ column: 'id', direction: 'ASC' }])).toEqual([0, 1, 1, 2, null]);
    expect(await ids([{ column: 'id', direction: 'DESC' }])).toEqual([null, 2, 1, 1, 0]);
    expect(await ids([{ column: 'id', direction: 'ASC_NULLS_FIRST' }])).toEqual([null, 0, 1, 1, 2]);
    expect(await ids([{ column: 'id', direction: 'DESC_NULLS_LAST' }])).toEqual([2, 1, 1, 0, null]);
  });

  it('is insertion order where it is empty', async () => {
    expect(await ids([])).toEqual([0, 1, 2, null, 1]);
  });

  it('is COLUMN_NOT_FOUND for a column that is not there, BAD_USER_INPUT for JSON, LIMIT_EXCEEDED past 16 columns', async () => {
    const { engine, view } = await tableOf(1);
    const code = async (columns: readonly string[]): Promise<unknown> =>
      (await failureOf(engine.read.page(view, { orderBy: columns.map((column) => ({ column, direction: 'ASC' })) }))).code;
    expect(await code(['nothing'])).toBe('COLUMN_NOT_FOUND');
    expect(await code(['_row'])).toBe('COLUMN_NOT_FOUND');
    expect(await code(['json'])).toBe('BAD_USER_INPUT');
    expect(await code(Array.from({ length: 17 }, () => 'id'))).toBe('LIMIT_EXCEEDED');
  });
});

describe('a cursor', () => {
  it('is CURSOR_INVALID with another table, another order or another snapshot than its own', async () => {
    const { engine, view } = await tableOf(3);
    await engine.createTable({ name: 'other', columns: [{ name: 'id', type: 'INT' }] });
    await engine.append('other', [{ id: 1 }]);
    const after = (await engine.read.page(view, { first: 1 })).cursorAt(0);
    const newer = await viewAt(engine, 't');
    const cases: readonly (readonly [TableAt, RowsQuery])[] = [
      [await viewAt(engine, 'other', engine.headSnapshotId), { after }],
      [newer, { after }],
      [newer, { before: after, last: 1 }],
      [view, { after, orderBy: [{ column: 'id', direction: 'ASC' }] }],
    ];
    for (const [target, query] of cases) expect((await failureOf(engine.read.page(target, query))).code).toBe('CURSOR_INVALID');
    expect((await failureOf(engine.read.page(newer, { after }))).details).toEqual({ cursorSnapshotId: 2, snapshotId: 4 });

    const ascending = (await engine.read.page(view, { first: 1, orderBy: [{ column: 'id', direction: 'ASC' }] })).cursorAt(0);
    for (const orderBy of [[], [{ column: 'id', direction: 'DESC' as const }], [{ column: 'text', direction: 'ASC' as const }]])
      expect((await failureOf(engine.read.page(view, { after: ascending, orderBy }))).code).toBe('CURSOR_INVALID');
  });

  it('is CURSOR_INVALID where it is made up, cut or changed', async () => {
    const { engine, view } = await tableOf(3);
    const cursor = (await engine.read.page(view, { first: 1 })).cursorAt(0);
    const flipped = Buffer.from(cursor, 'base64url');
    flipped[3] = (flipped[3] ?? 0) ^ 1;
    for (const after of ['', 'x', 'not a cursor', cursor.slice(0, -2), flipped.toString('base64url'), `${cursor}AAAA`]) {
      expect((await failureOf(engine.read.page(view, { after }))).code).toBe('CURSOR_INVALID');
    }
    expect(cursorHead('nonsense')).toBeUndefined();
    expect(cursorHead(cursor)).toEqual({ snapshotId: view.snapshotId, tableId: view.tableId });
  });

  it('leads on past text that begins with a byte order mark', async () => {
    const { engine } = await tableOf(0);
    await engine.append('t', [
      { id: 1, text: '\ufeffa' },
      { id: 2, text: '\ufeffb' },
      { id: 3, text: 'c' },
    ]);
    const view = await viewAt(engine, 't');
    const walked: unknown[] = [];
    let after: string | undefined;
    for (let page = 0; page < 3; page += 1) {
      const one = await engine.read.page(view, { first: 1, after, orderBy: [{ column: 'text', direction: 'ASC' }] });
      walked.push(...firstColumn(one));
      after = one.rows.length === 0 ? after : one.cursorAt(0);
    }
    expect(walked).toEqual([3, 1, 2]);
  });
});
