import { describe, expect, it } from 'vitest';
import type { ColumnDefinition, Engine, InvalidRow } from '../../src/engine/index.ts';
import { EVERY_TYPE } from '../support/random-rows.ts';
import { failureOf, rowsAsOf, testEngine } from '../support/support.ts';

/** Values that a column does not take, and what the reason says. */
const REFUSED: readonly (readonly [string, unknown, RegExp])[] = [
  ['int', 1.5, /1\.5 is not an integer/],
  ['int', '7', /"7" is not an integer/],
  ['int', true, /true is not an integer/],
  ['int', 2_147_483_648, /2147483648 does not fit in 32 bits/],
  ['int', -2_147_483_649, /does not fit in 32 bits/],
  ['int', Number.NaN, /NaN is not an integer/],
  ['int', [7], /\[7\] is not an integer/],
  ['long', 1.5, /1\.5 is not an integer/],
  ['long', true, /true is not an integer/],
  ['long', 'seven', /"seven" is not an integer/],
  ['long', '', /is not an integer/],
  ['long', '1e3', /is not an integer/],
  ['long', '9223372036854775808', /does not fit in 64 bits/],
  ['long', '-9223372036854775809', /does not fit in 64 bits/],
  ['long', 2n ** 63n, /does not fit in 64 bits/],
  ['long', 2 ** 53, /may have lost digits/],
  ['float', 16_777_217, /more digits than a 32-bit float holds/],
  ['float', 1e39, /32-bit float/],
  ['float', '1.5', /is not a finite number/],
  ['double', Number.NaN, /NaN is not a finite number/],
  ['double', Number.POSITIVE_INFINITY, /Infinity is not a finite number/],
  ['double', '1.5', /is not a finite number/],
  ['double', true, /is not a finite number/],
  ['double', 2n ** 53n + 1n, /more digits than a double holds/],
  ['decimal', '1.123456789', /more than 8 digits after the point/],
  ['decimal', '12345678901', /more digits than DECIMAL\(18, 8\) holds/],
  ['decimal', 0.1, /may not be exact/],
  ['decimal', '1e5', /is not a decimal string/],
  ['decimal', '1,5', /is not a decimal string/],
  ['decimal', 'NaN', /is not a decimal string/],
  ['decimal', true, /is not a decimal string/],
  ['date', '2023-02-29', /is not a date/],
  ['date', '1900-02-29', /is not a date/],
  ['date', '2026-13-01', /is not a date/],
  ['date', '2026-04-31', /is not a date/],
  ['date', '0000-01-01', /is not a date/],
  ['date', '2026-1-1', /is not a date/],
  ['date', '2026-11-22T00:00:00Z', /is not a date/],
  ['date', 20_261_122, /is not a date/],
  ['time', '24:00:00', /is not a time/],
  ['time', '10:60', /is not a time/],
  ['time', '10:00:60', /is not a time/],
  ['time', '10:00:00.1234567', /at most 6 decimals/],
  ['timestamp', '2026-11-22T10:00:00Z', /without zone/],
  ['timestamp', '2023-02-29T10:00:00', /is not a date and time/],
  ['timestamp', '2026-11-22T10:00:00.1234567', /at most 6 decimals/],
  ['timestamp', '2026-11-22', /is not a date and time/],
  ['timestamptz', '2026-11-22T10:00:00', /with a zone/],
  ['timestamptz', '2023-02-29T10:00:00Z', /is not an instant/],
  ['timestamptz', '2026-11-22T10:00:00.1234567Z', /at most 6 decimals/],
  ['timestamptz', '2026-11-22T10:00:00+24:00', /is not an instant/],
  ['timestamptz', '0001-01-01T00:00:00+01:00', /is not an instant/],
  ['timestamptz', 1.5, /is not an instant/],
  ['timestamptz', new Date(Number.NaN), /is not an instant/],
  ['string', 7, /7 is not a string/],
  ['string', '\ud83d', /lone surrogate/],
  ['string', 'ab\ude00', /lone surrogate/],
  ['uuid', '123e4567-e89b-12d3-a456-42661417400', /is not a UUID/],
  ['uuid', '123e4567e89b12d3a456426614174000', /is not a UUID/],
  ['binary', '*', /is not a base64 string/],
  ['binary', 'AA=', /is not a base64 string/],
  ['boolean', 1, /is not true or false/],
  ['boolean', 'true', /is not true or false/],
  ['json', { big: 2n ** 53n + 1n }, /not JSON: the number 9007199254740993 has more digits than JSON numbers keep/],
  ['json', () => 1, /not a JSON value/],
];

async function engineWith(columns: readonly ColumnDefinition[]): Promise<Engine> {
  const engine = await testEngine();
  await engine.createTable({ name: 't', columns });
  return engine;
}

/** The rows that a refused batch names; nothing of it may be stored. */
async function refused(engine: Engine, rows: readonly unknown[]): Promise<readonly InvalidRow[]> {
  const head = engine.headSnapshotId;
  const error = await failureOf(engine.append('t', rows));
  expect(error.code).toBe('INVALID_ROW');
  expect(engine.headSnapshotId).toBe(head);
  expect(await rowsAsOf(engine, 't', { kind: 'newest' })).toEqual([]);
  return error.details?.['rows'] as readonly InvalidRow[];
}

describe('a value that does not fit its column', () => {
  it.each([...new Set(REFUSED.map(([column]) => column))])('is INVALID_ROW with row, column and reason: %s', async (column) => {
    const engine = await engineWith(EVERY_TYPE);
    for (const [, value, reason] of REFUSED.filter(([name]) => name === column)) {
      expect(await refused(engine, [{}, { [column]: value }, {}])).toEqual([{ index: 1, column, reason: expect.stringMatching(reason) }]);
    }
  });

  it('is not refused where it fits: a bigint into every integer column', async () => {
    const engine = await engineWith(EVERY_TYPE);
    const row = { int: 5n, long: 5n, decimal: 5n, double: 5n, float: 5n };
    await engine.append('t', [row]);
    const [stored] = await rowsAsOf(engine, 't', { kind: 'newest' });
    expect(stored).toMatchObject({ int: 5, long: '5', decimal: '5.00000000', double: 5, float: 5 });
  });

  it('is refused in a batch of any size, and nothing of the batch is kept', async () => {
    const engine = await engineWith([{ name: 'v', type: 'STRING' }]);
    const rows: unknown[] = Array.from({ length: 5000 }, (_, index) => ({ v: `${index} ${'x'.repeat(50)}` }));
    rows[4999] = { v: 1 };
    expect(await refused(engine, rows)).toEqual([{ index: 4999, column: 'v', reason: '1 is not a string: put quotes around it' }]);
  });
});

describe('a row that does not fit its table', () => {
  it('is INVALID_ROW where a required value is absent or null', async () => {
    const engine = await engineWith([
      { name: 'id', type: 'INT', required: true },
      { name: 'name', type: 'STRING', required: true, default: 'anonymous' },
    ]);
    expect(await refused(engine, [{ id: 1 }, { name: 'x' }, { id: null }, { id: 1, name: null }])).toEqual([
      { index: 1, column: 'id', reason: expect.stringContaining('required') },
      { index: 2, column: 'id', reason: expect.stringContaining('null is not allowed') },
      { index: 3, column: 'name', reason: expect.stringContaining('null is not allowed') },
    ]);
  });

  it('is INVALID_ROW where it names a column that the table lacks', async () => {
    const engine = await engineWith([{ name: 'id', type: 'INT' }]);
    expect(await refused(engine, [{ id: 1, Id: 2 }, { constructor: 1 }, { id: undefined, other: undefined }])).toEqual([
      { index: 0, column: 'Id', reason: expect.stringContaining('no such column') },
      { index: 1, column: 'constructor', reason: expect.stringContaining('no such column') },
      { index: 2, column: 'other', reason: expect.stringContaining('no such column') },
    ]);
  });

  it('is INVALID_ROW where it is no object', async () => {
    const engine = await engineWith([{ name: 'id', type: 'INT' }]);
    const rows = await refused(engine, [null, 5, 'text', [], undefined]);
    expect(rows.map(({ index, column }) => ({ index, column }))).toEqual([0, 1, 2, 3, 4].map((index) => ({ index, column: null })));
  });

  it('does not mistake what objects inherit for a column', async () => {
    const engine = await engineWith([
      { name: 'constructor', type: 'STRING' },
      { name: 'toString', type: 'STRING', default: 'text' },
    ]);
    await engine.append('t', [{}, { constructor: 'mine' }, Object.assign(Object.create(null), { toString: 'yours' })]);
    expect(await rowsAsOf(engine, 't', { kind: 'newest' })).toEqual([
      { constructor: null, toString: 'text' },
      { constructor: 'mine', toString: 'text' },
      { constructor: null, toString: 'yours' },
    ]);
  });

  it('is reported with all that is wrong in it, and with all other bad rows up to the first 100', async () => {
    const engine = await engineWith([
      { name: 'id', type: 'INT', required: true },
      { name: 'at', type: 'DATE' },
    ]);
    const bad = Array.from({ length: 150 }, () => ({ id: 'x', at: 'y' }));
    const error = await failureOf(engine.append('t', [{ id: 1 }, ...bad, { id: 2 }]));
    expect(error.code).toBe('INVALID_ROW');
    expect(error.details).toMatchObject({ invalidRows: 150, totalRows: 152 });
    const rows = error.details?.['rows'] as readonly InvalidRow[];
    expect(rows.map(({ index, column }) => `${index} ${column}`)).toEqual(
      Array.from({ length: 100 }, (_, at) => [`${at + 1} id`, `${at + 1} at`]).flat(),
    );
    expect(await rowsAsOf(engine, 't', { kind: 'newest' })).toEqual([]);
    expect(engine.headSnapshotId).toBe(1);
  });

  it('is reported in bounds, however many columns it makes up', async () => {
    const engine = await engineWith([{ name: 'id', type: 'INT' }]);
    const madeUp = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`made_up_${index}`, 1]));
    expect((await refused(engine, [madeUp])).length).toBeLessThanOrEqual(1000);
  });
});
