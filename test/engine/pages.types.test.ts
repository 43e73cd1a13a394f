import { describe, expect, it } from 'vitest';
import type { ColumnChange, ColumnDefinition, Engine, Order, RowPage, TableSchema } from '../../src/engine/index.ts';
import { failureOf, testEngine } from '../support/support.ts';

const COLUMNS: readonly ColumnDefinition[] = [
  { name: 'k', type: 'INT' },
  { name: 'n', type: 'INT' },
  { name: 'f', type: 'FLOAT' },
  { name: 'd', type: 'DECIMAL', precision: 4, scale: 2 },
];
const WIDER: readonly ColumnChange[] = [
  { kind: 'widenColumn', name: 'n', type: 'LONG' },
  { kind: 'widenColumn', name: 'f', type: 'DOUBLE' },
  { kind: 'widenColumn', name: 'd', precision: 10 },
];
const orders: readonly (readonly [string, readonly Order[]])[] = [
  ['none', []],
  ['n', [{ column: 'n', direction: 'ASC' }]],
  ['f', [{ column: 'f', direction: 'DESC' }]],
  ['d', [{ column: 'd', direction: 'ASC' }]],
  [
    'n and f',
    [
      { column: 'n', direction: 'ASC' },
      { column: 'f', direction: 'DESC' },
    ],
  ],
];

async function pageAt(
  engine: Engine,
  snapshotId: number,
  schema: TableSchema | undefined,
  orderBy: readonly Order[],
  after?: string,
): Promise<RowPage> {
  const instant = await engine.read.resolve({ kind: 'snapshot', snapshotId });
  const at = await engine.read.tableAt(engine.table('t'), instant.snapshotId, schema);
  if (at === undefined) throw new Error('the table is there');
  return engine.read.page(at, { orderBy, first: 2, after });
}

describe.each(orders)('the next page after a column of the order has changed its type, ordered by %s', (_, orderBy) => {
  it.each(['wider', 'back to narrow'])('has the rows that follow, or its cursor is invalid: %s', async (how) => {
    const engine = await testEngine();
    await engine.createTable({ name: 't', columns: [...COLUMNS] });
    await engine.append(
      't',
      [1, 2, 3, 4, 5, 6].map((k) => ({ k, n: k, f: 7 - k, d: String(k) })),
    );
    const narrowHead = engine.headSnapshotId;
    if (how !== 'wider') {
      await engine.alterTable('t', WIDER);
      await engine.append('t', [{ k: 7, n: '9007199254740993', f: 1e-300, d: '99999.99' }]);
    }
    const head = engine.headSnapshotId;
    const before = engine.table('t').schema;
    const first = await pageAt(engine, head, before, orderBy);
    const cursor = first.cursorAt(1);
    if (how === 'wider') await engine.alterTable('t', WIDER);
    else await engine.restore({ to: { kind: 'snapshot', snapshotId: narrowHead } });
    const changed = engine.table('t').schema;
    expect(changed.columns).not.toEqual(before.columns);
    const kOf = ({ rows }: RowPage): unknown[] => rows.map(({ cells: [k] }) => k);
    expect(kOf(first)).toEqual([1, 2]);
    // With the columns of before nothing is different.
    expect(kOf(await pageAt(engine, head, before, orderBy, cursor))).toEqual([3, 4]);
    if (orderBy.length === 0) expect(kOf(await pageAt(engine, head, changed, orderBy, cursor))).toEqual([3, 4]);
    else expect((await failureOf(pageAt(engine, head, changed, orderBy, cursor))).code).toBe('CURSOR_INVALID');
  });
});
