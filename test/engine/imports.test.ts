import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import type { ColumnDefinition, Engine } from '../../src/engine/index.ts';
import { failureOf, rowsAsOf, temporaryDirectory, testEngine } from '../support/support.ts';

/** A Parquet file of what a SELECT yields. */
async function parquetFile(select: string, compression = 'snappy'): Promise<string> {
  const path = join(await temporaryDirectory(), 'source.parquet');
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  await connection.run(`COPY (${select}) TO '${path}' (FORMAT parquet, COMPRESSION ${compression})`);
  connection.closeSync();
  instance.closeSync();
  return path;
}

async function tableWith(...columns: readonly ColumnDefinition[]): Promise<Engine> {
  const engine = await testEngine();
  await engine.createTable({ name: 't', columns: [...columns] });
  return engine;
}

/** Imports rows 0 (good) and 1 of a column x, and yields what is read, or the error. */
async function imported(column: Omit<ColumnDefinition, 'name'>, good: string, value: string) {
  const engine = await tableWith({ name: 'x', ...column });
  const path = await parquetFile(`SELECT x FROM (VALUES (0, ${good}), (1, ${value})) v(i, x) ORDER BY i`);
  try {
    await engine.appendFile('t', path);
  } catch (error) {
    expect(await rowsAsOf(engine, 't', { kind: 'newest' }), 'nothing is kept').toEqual([]);
    return error as Error & { code: string; details: { rows: { index: number | null; column: string; reason: string }[] } };
  }
  return (await rowsAsOf(engine, 't', { kind: 'newest' }))[1]?.['x'];
}

const json = (text: string) => `'${text.replaceAll("'", "''")}'::VARCHAR`;

describe('an imported Parquet file', () => {
  it.each([
    ['{"score": NaN}', /not JSON/],
    ['[Infinity]', /not JSON/],
    ['[1,2,]', /not JSON/],
    ['{"a":1,}', /not JSON/],
    ["{'a':1}", /not JSON/],
    ['', /not JSON/],
    ['[1] [2]', /not JSON/],
    ['\ufeff1', /not JSON/],
    ['// c\n1', /not JSON/],
    ['"\u0001"', /not JSON/],
    ['1e400', /1e400 has more digits/],
    ['[0.5, {"n": 9007199254740993}]', /9007199254740993/],
    ['12345678901234567890', /12345678901234567890/],
    ['0.1000000000000000000001', /more digits/],
    ['{"a":1,"b":{"a":2},"a":3}', /key "a" twice/],
    ['{"a":1,"\\u0061":3}', /key "a" twice/],
    ['"\\ud800"', /half of a character/],
    ['{"\\udc00x":1}', /half of a character/],
    ['['.repeat(501) + ']'.repeat(501), /501|jsonDepthMax/],
  ])('has no JSON that would read as another value: %s', async (text, reason) => {
    const error = await imported({ type: 'JSON' }, json('{}'), json(text));
    expect(error).toMatchObject({ code: 'INVALID_ROW', details: { rows: [{ index: 1, column: 'x' }] } });
    expect((error as { details: { rows: { reason: string }[] } }).details.rows[0]?.reason).toMatch(reason);
  });

  it.each([
    [' { "a" : [ 1 , -0.5e-3, 1E2 , true, null ] } ', { a: [1, -0.0005, 100, true, null] }],
    ['9007199254740992', 9007199254740992],
    ['1e21', 1e21],
    ['0.1', 0.1],
    ['5e-324', 5e-324],
    ['100000000000000000000', 1e20],
    ['"\\ud83d\\ude00 \\u0000 \\" \\\\"', '😀 \u0000 " \\'],
    [
      '{"__proto__": 1, "then": {"then": 2}, "constructor": [], "a\\"b": "c\\\\"}',
      JSON.parse('{"__proto__": 1, "then": {"then": 2}, "constructor": [], "a\\"b": "c\\\\"}'),
    ],
    ['[{"a":1},{"a":1}]', [{ a: 1 }, { a: 1 }]],
    ['['.repeat(500) + ']'.repeat(500), JSON.parse('['.repeat(500) + ']'.repeat(500))],
  ])('keeps JSON that is exact: %s', async (text, value) => {
    const read = await imported({ type: 'JSON' }, json('{}'), json(text));
    expect(read).toEqual(value);
    expect(Object.keys(Object(read))).toEqual(Object.keys(Object(value)));
  });

  it.each<[Omit<ColumnDefinition, 'name'>, string, string]>([
    [{ type: 'TIME' }, "TIME '23:59:59.999999'", "TIME '24:00:00'"],
    [{ type: 'DATE' }, "DATE '9999-12-31'", "DATE '10000-01-01'"],
    [{ type: 'DATE' }, "DATE '0001-01-01'", "DATE '0001-01-01' - 1"],
    [{ type: 'DATE' }, "DATE '0001-01-01'", "'infinity'::DATE"],
    [{ type: 'TIMESTAMP' }, "TIMESTAMP '9999-12-31 23:59:59.999999'", "TIMESTAMP '10000-01-01 00:00:00'"],
    [{ type: 'TIMESTAMP' }, "TIMESTAMP '0001-01-01 00:00:00'", "TIMESTAMP '0001-01-01 00:00:00' - INTERVAL 1 MICROSECOND"],
    [{ type: 'TIMESTAMP' }, "DATE '0001-01-01'", "DATE '5881580-07-10'"],
    [{ type: 'TIMESTAMP' }, "DATE '0001-01-01'", "DATE '10000-01-01'"],
    [{ type: 'TIMESTAMPTZ' }, "TIMESTAMPTZ '9999-12-31 23:59:59.999999Z'", "TIMESTAMPTZ '10000-01-01 00:00:00Z'"],
    [{ type: 'TIMESTAMPTZ' }, "TIMESTAMPTZ '0001-01-01 00:00:00Z'", "TIMESTAMPTZ '0001-01-01 00:00:00Z' - INTERVAL 1 MICROSECOND"],
    [{ type: 'LONG', required: true }, '1::BIGINT', 'NULL'],
    [{ type: 'DOUBLE', required: true }, '1::DOUBLE', "'NaN'::DOUBLE"],
    [{ type: 'DOUBLE', required: true }, '1::DOUBLE', "'-Infinity'::DOUBLE"],
    [{ type: 'DOUBLE', required: true }, '1::FLOAT', "'NaN'::FLOAT"],
    [{ type: 'FLOAT', required: true }, '1::FLOAT', "'Infinity'::FLOAT"],
    [{ type: 'FLOAT', required: true }, '1::FLOAT', 'NULL'],
  ])('has no value that the API would refuse: %o', async (column, good, bad) => {
    expect(await imported(column, good, bad)).toMatchObject({ code: 'INVALID_ROW', details: { rows: [{ index: 1, column: 'x' }] } });
    expect(await imported(column, good, good)).not.toBeInstanceOf(Error);
  });

  it.each<[Omit<ColumnDefinition, 'name'>, string]>([
    [{ type: 'TIME' }, "TIMETZ '10:00:00+02'"],
    [{ type: 'TIMESTAMP' }, "TIMESTAMP_NS '2026-01-01 00:00:00.000000001'"],
    [{ type: 'TIMESTAMP' }, "TIMESTAMPTZ '2026-01-01 00:00:00Z'"],
    [{ type: 'LONG' }, '1::UBIGINT'],
    [{ type: 'LONG' }, '1::DOUBLE'],
    [{ type: 'INT' }, '1::BIGINT'],
    [{ type: 'DOUBLE' }, '1::BIGINT'],
    [{ type: 'FLOAT' }, '1::DOUBLE'],
    [{ type: 'DECIMAL', precision: 10, scale: 2 }, '1::DECIMAL(11, 2)'],
    [{ type: 'DECIMAL', precision: 10, scale: 2 }, '1::DECIMAL(9, 3)'],
    [{ type: 'STRING' }, '[1]'],
    [{ type: 'JSON' }, "{'a': 1}"],
    [{ type: 'STRING' }, "'a'::BLOB"],
    [{ type: 'UUID' }, "'123e4567-e89b-12d3-a456-426614174000'"],
  ])('has no column of a type that may not fit: %o from %s', async (column, value) => {
    expect(await imported(column, value, value)).toMatchObject({ code: 'SCHEMA_MISMATCH' });
  });

  it('that is no Parquet, or ends early, is told as such', async () => {
    const engine = await tableWith({ name: 'x', type: 'LONG' });
    expect((await failureOf(engine.appendFile('t', import.meta.filename))).code).toBe('BAD_USER_INPUT');
    expect((await failureOf(engine.appendFile('t', '/nowhere/x.parquet'))).code).toBe('BAD_USER_INPUT');
  });

  it('has no text that is not UTF-8, and the error names the column, and no path', async () => {
    const engine = await tableWith({ name: 'k', type: 'LONG' }, { name: 'x', type: 'STRING' });
    const path = await parquetFile("SELECT i AS k, CASE i WHEN 7 THEN 'QQQQ' ELSE 'AAAA' END AS x FROM range(10) r(i)", 'uncompressed');
    const bytes = await readFile(path);
    for (let at = bytes.indexOf('QQQQ'); at >= 0; at = bytes.indexOf('QQQQ', at)) bytes.write('\xff\xfe\xfd\xfc', at, 'latin1');
    await writeFile(path, bytes);
    const error = await failureOf(engine.appendFile('t', path));
    expect(error).toMatchObject({ code: 'INVALID_ROW', details: { rows: [{ index: null, column: 'x' }] } });
    expect(JSON.stringify(error.details)).not.toContain('/');
  });

  const DEFAULTS: readonly (readonly [ColumnDefinition['type'], unknown])[] = [
    ['STRING', ''],
    ['STRING', 'a\u0000b'],
    ['STRING', `' " \\ $1 ; -- %`],
    ['STRING', 'ä😀\ufeff\u2028\n'],
    ['STRING', 'x'.repeat(3000)],
    ['STRING', 'NULL'],
    ['JSON', '5'],
    ['JSON', 'true'],
    ['JSON', 'abc'],
    ['JSON', 5],
    ['JSON', { a: ["'", null, 'null'] }],
    ['BINARY', '/w=='],
    ['BINARY', ''],
    ['DOUBLE', -0.5],
    ['FLOAT', 0.1],
    ['BOOLEAN', false],
    ['DECIMAL', '-0.01'],
    ['DATE', '0001-01-01'],
    ['TIME', '23:59:59.999999'],
    ['TIMESTAMP', '9999-12-31T23:59:59.999999'],
    ['TIMESTAMPTZ', '0001-01-01T00:00:00.000Z'],
    ['UUID', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
    ['LONG', '-9223372036854775808'],
  ];

  it.each(DEFAULTS)('gives a %s column that it lacks its default, as an append does: %j', async (type, value) => {
    const decimal = type === 'DECIMAL' ? { precision: 10, scale: 2 } : {};
    const engine = await tableWith({ name: 'k', type: 'INT' }, { name: 'x', type, default: value, ...decimal });
    await engine.append('t', [{ k: 0 }]);
    await engine.appendFile('t', await parquetFile('SELECT 1 AS k'));
    const [appended, fromFile] = await rowsAsOf(engine, 't', { kind: 'newest' });
    expect(fromFile?.['x']).toEqual(appended?.['x']);
    expect(fromFile?.['x']).not.toBeNull();
  });
});

describe('the time zone of the machine', () => {
  it.each(['America/St_Johns', 'Pacific/Kiritimati', 'UTC'])('changes no answer: %s', async (zone) => {
    const instants = ['0001-01-01 00:00:00Z', '2026-01-01 00:30:00Z', '9999-12-31 23:59:59.999999Z'];
    const late = ['10000-01-01 00:00:00Z', '10000-01-01 00:59:59.999999Z'];
    const path = await parquetFile(
      `SELECT x FROM (VALUES ${instants.map((at, i) => `(${i}, TIMESTAMPTZ '${at}')`).join(', ')}) v(i, x) ORDER BY i`,
    );
    const paths = await Promise.all(late.map((at) => parquetFile(`SELECT TIMESTAMPTZ '${at}' AS x`)));
    const script = join(import.meta.dirname, '../support/import-instants.ts');
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', script, await temporaryDirectory(), path, ...paths],
      {
        env: { ...process.env, TZ: zone },
      },
    );
    expect(JSON.parse(stdout)).toEqual({
      outcomes: ['taken', 'INVALID_ROW', 'INVALID_ROW'],
      read: ['0001-01-01T00:00:00.000Z', '2026-01-01T00:30:00.000Z', '9999-12-31T23:59:59.999999Z'],
    });
  });
});
