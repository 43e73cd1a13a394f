import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { parameter } from '../../src/engine/data/cells.ts';
import { sqlString } from '../../src/engine/data/duckdb.ts';
import type { Engine, Filter } from '../../src/engine/index.ts';
import { defineTable } from '../../src/engine/model/schema.ts';
import type { Cell, Column, ColumnType } from '../../src/engine/model/types.ts';
import { parseCell } from '../../src/engine/model/values.ts';
import { checkFilter } from '../../src/engine/read/scan/filter.ts';
import { filterSql } from '../../src/engine/read/scan/filter-sql.ts';
import { beyondSql, checkOrder } from '../../src/engine/read/scan/order.ts';
import { joinSql, literal, type Sql, sql, trusted, typeOf } from '../../src/engine/read/scan/sql.ts';
import { rowsAsOf, temporaryDirectory, testEngine } from '../support/support.ts';

/** Rows of each value in a file, enough for a dictionary, which is what DuckDB writes bloom filters for. */
const COPIES = 50;

/** Values in wire form for every type that can be compared, with those that DuckDB's filters lose. */
const VALUES: Partial<Record<ColumnType, readonly unknown[]>> = {
  BINARY: ['/w==', 'QQ==', '', 'IiInXA==', 'AAD/AA==', Buffer.from('ä').toString('base64'), Buffer.alloc(80, 0xfe).toString('base64')],
  DOUBLE: [-0, 1, -1.5, 5e-324, 1.7976931348623157e308],
  FLOAT: [-0, 1, -1.5, 0.1],
  STRING: ['', 'a', '"', "'", '\\', 'ä', '\u0000', '😀', '\ufeff'],
  BOOLEAN: [true, false],
  INT: [0, -1, 2147483647],
  LONG: ['0', '-9223372036854775808'],
  DECIMAL: ['0.00', '-99999999999999999999999999999999999.99'],
  DATE: ['0001-01-01', '9999-12-31'],
  TIME: ['00:00:00', '23:59:59.999999'],
  TIMESTAMP: ['0001-01-01T00:00:00', '9999-12-31T23:59:59.999999'],
  TIMESTAMPTZ: ['0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999999Z'],
  UUID: ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '80000000-0000-0000-0000-000000000000'],
};
const CASES = Object.entries(VALUES) as [ColumnType, readonly unknown[]][];

const definition = (type: ColumnType) => (type === 'DECIMAL' ? { name: 'x', type, precision: 37, scale: 2 } : { name: 'x', type });

let connection: DuckDBConnection;
let path: string;

beforeEach(async () => {
  const instance = await DuckDBInstance.create(':memory:');
  connection = await instance.connect();
  path = join(await temporaryDirectory(), 'filtered.parquet');
  onTestFinished(() => {
    connection.closeSync();
    instance.closeSync();
  });
});

/** A file of DuckDB's own making, with bloom filters, of COPIES of each value in turns. */
async function fileOf(column: Column, cells: readonly Cell[]): Promise<void> {
  const list = joinSql(cells.map((cell, at) => sql`(${literal(at)}, CAST(${parameter(column, cell)} AS ${typeOf(column)}))`));
  await rows(sql`CREATE OR REPLACE TABLE v AS SELECT * FROM (VALUES ${list}) AS v(i, x)`);
  await connection.run(
    `COPY (SELECT r * ${cells.length} + i AS _row, x FROM v, range(${COPIES}) r(r) ORDER BY 1) TO '${path}' (FORMAT parquet)`,
  );
  const [[filters] = []] = await rows(
    sql`SELECT count(*) FROM parquet_metadata(${quoted(path)}) WHERE bloom_filter_offset IS NOT NULL AND path_in_schema = 'x'`,
  );
  // DuckDB writes none for booleans and the like: then there is nothing to lose.
  expect(Number(filters)).toBeLessThanOrEqual(1);
}

const quoted = (file: string): Sql => trusted(sqlString(file));

async function rows(statement: Sql) {
  const { sql: text, parameters } = statement.render();
  const [values, types] = [parameters.map(({ value }) => value), parameters.map(({ type }) => type)];
  return (await connection.run(text, values, types)).getRows();
}

/** How many rows of the file a condition finds. */
async function found(condition: Sql): Promise<number> {
  const [[count] = []] = await rows(sql`SELECT count(*) FROM read_parquet(${quoted(path)}) WHERE ${condition}`);
  return Number(count);
}

describe('filters on files that have bloom filters', () => {
  it.each(CASES)('find all rows of a %s column: eq, in, ne, notIn, and after a cursor', async (type, values) => {
    const { schema } = defineTable({ name: 't', columns: [definition(type)] });
    const [column] = schema.columns as [Column];
    await fileOf(
      column,
      values.map((value) => parseCell(column, value) as Cell),
    );
    const matching = (filter: Filter) => found(filterSql(checkFilter(schema, filter)));
    const all = COPIES * values.length;
    for (const value of values) {
      const compare = (operator: 'eq' | 'ne'): Filter => ({ kind: 'compare', column: 'x', operator, value });
      expect(await matching(compare('eq')), `eq ${value}`).toBe(COPIES);
      expect(await matching(compare('ne')), `ne ${value}`).toBe(all - COPIES);
      expect(await matching({ kind: 'not', filter: compare('eq') }), `not eq ${value}`).toBe(all - COPIES);
      for (const list of [[value], [value, values[0]], [...values].reverse()]) {
        const expected = COPIES * new Set(list).size;
        expect(await matching({ kind: 'in', column: 'x', values: list, negated: false }), `in ${list}`).toBe(expected);
        expect(await matching({ kind: 'in', column: 'x', values: list, negated: true }), `notIn ${list}`).toBe(all - expected);
      }
      if (Object.is(value, -0)) expect(await matching({ kind: 'compare', column: 'x', operator: 'eq', value: 0 })).toBe(COPIES);
      // The rest of a page: rows of the same value further on, and those beyond it.
      const order = checkOrder(schema, [{ column: 'x', direction: 'ASC' }]);
      const place = { cells: [parseCell(column, value) as Cell], row: -1 };
      const [after, before] = await Promise.all((['after', 'before'] as const).map((side) => found(beyondSql(order, place, side))));
      expect((after ?? 0) + (before ?? 0), `around ${value}`).toBe(all);
    }
  });

  // While this passes, filters need their guard (equalSql in src/engine/read/scan/filter-sql.ts). When it fails, DuckDB has mended its
  // bloom filters: the guard may go once no data directory has files from before, and `WRITE_BLOOM_FILTER false` may too.
  it.each([
    ["x = '\\xFF'::BLOB", "CASE WHEN i % 2 = 0 THEN '\\xFF'::BLOB ELSE 'A'::BLOB END"],
    ["x IN ('\\xFF'::BLOB)", "CASE WHEN i % 2 = 0 THEN '\\xFF'::BLOB ELSE 'A'::BLOB END"],
    ['x = 0.0::DOUBLE', 'CASE WHEN i % 2 = 0 THEN -0.0::DOUBLE ELSE 1::DOUBLE END'],
    ['x IN (0.0::FLOAT)', 'CASE WHEN i % 2 = 0 THEN -0.0::FLOAT ELSE 1::FLOAT END'],
  ])('DuckDB by itself still loses rows: %s', async (condition, value) => {
    await connection.run(`COPY (SELECT ${value} AS x FROM range(100) r(i)) TO '${path}' (FORMAT parquet)`);
    expect(await found(trusted(condition))).toBe(0);
  });
});

describe('the files of a table', () => {
  it('have no bloom filters, and lose no bytes and no zero in any operation', async () => {
    const engine: Engine = await testEngine();
    await engine.createTable({
      name: 't',
      columns: [
        { name: 'y', type: 'BINARY' },
        { name: 'd', type: 'DOUBLE' },
        { name: 'k', type: 'LONG' },
      ],
    });
    const values = Array.from({ length: 100 }, (_, k) => ({ k, y: k % 2 === 0 ? '/w==' : 'QQ==', d: k % 2 === 0 ? -0 : 1 }));
    await engine.append('t', values);
    await engine.compact();
    const [file] = engine.read.manifest(
      (await engine.read.tableAt(engine.table('t'), (await engine.read.resolve({ kind: 'newest' })).snapshotId)) as never,
    );
    const stored = join(engine.directory, file?.path as string);
    const [[filters, columns] = []] = await rows(sql`SELECT count(bloom_filter_offset), count(*) FROM parquet_metadata(${quoted(stored)})`);
    expect([Number(filters), Number(columns)]).toEqual([0, 5]);
    const bytes: Filter = { kind: 'compare', column: 'y', operator: 'eq', value: '/w==' };
    const zero: Filter = { kind: 'in', column: 'd', values: [0], negated: false };
    expect(await rowsAsOf(engine, 't', { kind: 'newest' }, { where: bytes })).toHaveLength(50);
    expect(await rowsAsOf(engine, 't', { kind: 'newest' }, { where: zero })).toHaveLength(50);
    expect((await engine.update('t', zero, { k: -1 })).snapshots[0]?.updatedRows).toBe(50);
    await engine.compact();
    expect(await rowsAsOf(engine, 't', { kind: 'snapshot', snapshotId: 2 }, { where: bytes }), 'in history').toHaveLength(50);
    expect((await engine.eraseRows({ table: 't', where: bytes, reason: 'r' })).erasedRows).toBe(50);
    expect(await rowsAsOf(engine, 't', { kind: 'newest' })).toHaveLength(50);
  });

  it('find the row of a binary primary key that has gone since', async () => {
    const engine = await testEngine();
    await engine.createTable({
      name: 't',
      columns: [
        { name: 'y', type: 'BINARY' },
        { name: 'n', type: 'INT' },
      ],
      primaryKey: ['y'],
    });
    const keys = ['/w==', 'QQ==', 'IiInXA==', ''];
    await engine.append(
      't',
      keys.map((y, n) => ({ y, n })),
    );
    await engine.compact();
    await engine.delete('t', { kind: 'in', column: 'y', values: keys, negated: false });
    await engine.compact();
    const at = await engine.read.tableAt(engine.table('t'), (await engine.read.resolve({ kind: 'snapshot', snapshotId: 2 })).snapshotId);
    if (at === undefined) throw new Error('the table is there');
    for (const [n, y] of keys.entries()) expect((await engine.read.rowByKey(at, { y }, at.schema.columns))?.cells[1]).toBe(n);
  });
});
