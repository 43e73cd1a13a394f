import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import type { Engine } from '../../src/engine/index.ts';
import { TOO_BIG_FOR_HOT } from '../support/random-rows.ts';
import { rowsAsOf, temporaryDirectory, testEngine } from '../support/support.ts';

/** Names that DuckDB, Parquet or Tidemark use for something else; all are allowed for columns. */
const NAMES = [
  ...['rowid', 'ROWID', 'RowId', 'row_id', 'file_row_number', 'File_Row_Number', 'file_index', 'filename', 'FILENAME', 'oid', 'ctid'],
  ...['row', 'from', 'to', 'file', 'position', 'one', 'bucket', 'src', 'c0', 'c1', 'C2', 'c10', 'v', 'e', 'm', 's'],
  ...['select', 'where', 'order', 'group', 'limit', 'union', 'table', 'values', 'default', 'cast', 'interval', 'excluded', 'columns'],
  ...[
    'count',
    'sum',
    'min',
    'max',
    'rank',
    'random',
    'current_date',
    'timestamp',
    'date',
    'bigint',
    'unnest',
    'list_value',
    'hive_partition',
  ],
];
const ROWS = 100;
/** A batch past the size that stays in the catalog. */
const PAD = 'x'.repeat(Math.ceil(TOO_BIG_FOR_HOT.length / ROWS) + 1);

/** Rows k = 0 ... whose special columns go the other way round, as DuckDB's own position would not. */
const rowsOf = (names: readonly string[], from = 0) =>
  Array.from({ length: ROWS }, (_, at) => ({
    k: String(from + at),
    ...Object.fromEntries(names.map((name) => [name, String(ROWS - at)])),
    p: PAD,
  }));

async function tableOf(names: readonly string[]): Promise<Engine> {
  const engine = await testEngine();
  await engine.createTable({
    name: 't',
    columns: [{ name: 'k', type: 'LONG' }, ...names.map((name) => ({ name, type: 'LONG' as const })), { name: 'p', type: 'STRING' }],
    primaryKey: ['k'],
  });
  return engine;
}

/** All rows in order, and some by key and filter, at a snapshot. */
async function expectRows(
  engine: Engine,
  names: readonly string[],
  expected: readonly Record<string, unknown>[],
  snapshotId: number,
  place: string,
) {
  const asOf = { kind: 'snapshot', snapshotId } as const;
  expect(await rowsAsOf(engine, 't', asOf), place).toEqual(expected);
  const at = await engine.read.tableAt(engine.table('t'), (await engine.read.resolve(asOf)).snapshotId);
  if (at === undefined) throw new Error('the table is there');
  for (const row of [expected[0], expected.at(-1)]) {
    const [k, special] = at.schema.columns;
    const found = await engine.read.rowByKey(at, { k: row?.['k'] }, at.schema.columns.slice(0, 2));
    expect(found?.cells.map(String), place).toEqual([row?.[k?.name as string], row?.[special?.name as string]]);
  }
  for (const name of names.slice(0, 3)) {
    const value = expected[3]?.[name];
    const where = { kind: 'compare', column: name, operator: 'eq', value } as const;
    const matching = expected.filter((row) => row[name] === value).map((row) => row['k']);
    const found = await rowsAsOf(engine, 't', asOf, { where, orderBy: [{ column: name, direction: 'DESC' }], columns: ['k'] });
    expect(
      found.map((row) => row['k']),
      place,
    ).toEqual(matching);
  }
}

/** Names that differ in more than case: these fit in one table. */
const apart = (names: readonly string[]): string[] => {
  const seen = new Set<string>();
  return names.filter((name) => {
    const folded = name.replaceAll('_', '').toLowerCase();
    if (seen.has(folded)) return false;
    seen.add(folded);
    return true;
  });
};

async function throughEverything(names: readonly string[]): Promise<void> {
  const engine = await tableOf(names);
  const staged = rowsOf(names);
  await engine.append('t', staged);
  expect(engine.table('t').files, 'the batch is a staged file').toHaveLength(1);
  await expectRows(engine, names, staged, 2, 'staged');
  const hot = staged.slice(0, 5).map((row, at) => ({ ...row, k: String(ROWS + at) }));
  await engine.append('t', hot);
  await expectRows(engine, names, [...staged, ...hot], 3, 'hot');
  const [special = 'k'] = names;
  const changed = { ...staged[7], [special]: '-7' };
  await engine.update('t', { kind: 'compare', column: 'k', operator: 'eq', value: '7' }, { [special]: '-7' });
  await engine.delete('t', { kind: 'compare', column: special, operator: 'eq', value: staged[9]?.[special as keyof (typeof staged)[0]] });
  const left = [...staged, ...hot].filter((row) => row[special as 'k'] !== staged[9]?.[special as 'k']);
  const now = left.map((row) => (row.k === '7' ? changed : row));
  await expectRows(engine, names, now, 5, 'changed');
  await engine.compact();
  await expectRows(engine, names, now, 5, 'compacted');
  await expectRows(engine, names, staged, 2, 'history');
  expect((await engine.verify()).findings).toEqual([]);
}

describe('column names that DuckDB has for itself', () => {
  it('mean nothing special, all in one table: staged, hot, changed, compacted and in history', async () => {
    await throughEverything(apart(NAMES));
  });

  it.each(['rowid', 'ROWID', 'file_row_number', 'File_Index', 'filename', 'c0', 'c1'])(
    'means nothing special as a column: %s',
    async (name) => {
      await throughEverything([name]);
    },
  );

  it('come in by import', async () => {
    const names = apart(NAMES);
    const engine = await tableOf(names);
    const rows = rowsOf(names);
    const path = join(await temporaryDirectory(), 'names.parquet');
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    const terms = names.map((name) => `(${ROWS} - i)::BIGINT AS "${name}"`).join(', ');
    await connection.run(
      `COPY (SELECT '${PAD}' AS p, ${terms}, i::BIGINT AS k FROM range(${ROWS}) r(i) ORDER BY i) TO '${path}' (FORMAT parquet)`,
    );
    connection.closeSync();
    instance.closeSync();
    await engine.appendFile('t', path);
    await expectRows(engine, names, rows, 2, 'imported');
    await engine.append(
      't',
      rows.slice(0, 2).map((row) => ({ ...row, k: `900${row.k}` })),
    );
    await engine.compact();
    await expectRows(engine, names, rows, 2, 'compacted');
  });
});
