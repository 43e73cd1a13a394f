import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cell, ColumnDefinition, Engine } from '../../src/engine/index.ts';
import { scaled } from '../support/random.ts';
import { EVERY_TYPE, randomRow, TOO_BIG_FOR_HOT } from '../support/random-rows.ts';
import { rowsAsOf, temporaryDirectory, testEngine } from '../support/support.ts';

type Rows = readonly Record<string, unknown>[];

const PAD: ColumnDefinition = { name: 'pad', type: 'STRING' };

/** Places where rows lie: inside the commit, in the file that a flush wrote, in the file of a large append, in a merged one. */
const PLACES = ['hot', 'flushed', 'staged', 'merged'] as const;

let tables = 0;

/** What the rows read back as from each place where rows can lie, in wire form and without the pad. */
async function readBack(engine: Engine, columns: readonly ColumnDefinition[], rows: Rows): Promise<Record<(typeof PLACES)[number], Rows>> {
  tables += 1;
  const small = `small_${tables}`;
  const large = `large_${tables}`;
  for (const name of [small, large]) await engine.createTable({ name, columns: [...columns, PAD] });
  const read = async (name: string): Promise<Rows> => rowsAsOf(engine, name, { kind: 'newest' }, { columns: columns.map((c) => c.name) });
  await engine.append(small, rows);
  const hot = await read(small);
  await engine.compact(small);
  const flushed = await read(small);
  await engine.append(large, [...rows, { pad: TOO_BIG_FOR_HOT }]);
  const staged = (await read(large)).slice(0, rows.length);
  await engine.append(large, [...rows, { pad: TOO_BIG_FOR_HOT }]);
  expect((await engine.compact(large)).mergedFiles).toBe(2);
  const merged = (await read(large)).slice(0, rows.length);
  return { hot, flushed, staged, merged };
}

/** Appends values of one column and expects what they read back as, wherever they lie. */
async function expectStored(column: Omit<ColumnDefinition, 'name'>, pairs: readonly (readonly [unknown, unknown])[]): Promise<void> {
  const engine = await testEngine();
  const rows = pairs.map(([value]) => ({ v: value }));
  const read = await readBack(engine, [{ name: 'v', ...column }], rows);
  for (const place of PLACES)
    expect(
      read[place].map((row) => row['v']),
      place,
    ).toEqual(pairs.map(([, expected]) => expected));
}

const same = (...values: readonly unknown[]): [unknown, unknown][] => values.map((value) => [value, value]);

describe('a stored value reads back exactly, from hot rows and from files', () => {
  it('BOOLEAN', () => expectStored({ type: 'BOOLEAN' }, same(true, false, null)));

  it('INT, to the ends of 32 bits', () =>
    expectStored({ type: 'INT' }, [...same(0, 1, -1, 2_147_483_647, -2_147_483_648, null), [-0, 0], [7.0, 7]]));

  it('LONG, past what a JavaScript number holds', () =>
    expectStored({ type: 'LONG' }, [
      ['9007199254740993', '9007199254740993'],
      [9007199254740993n, '9007199254740993'],
      ['-9223372036854775808', '-9223372036854775808'],
      ['9223372036854775807', '9223372036854775807'],
      [42, '42'],
      [null, null],
    ]));

  it('FLOAT, as the shortest decimal that means the same 32 bits', () =>
    expectStored({ type: 'FLOAT' }, same(0.1, 0, 1.5, -2.25, 3.4028235e38, 1e-45, 16777216, null)));

  it('DOUBLE, to the last bit', () =>
    expectStored({ type: 'DOUBLE' }, [...same(0.1, 0.1 + 0.2, 0, 5e-324, 1.7976931348623157e308, -1.5, 9007199254740992, null), [-0, 0]]));

  it('DECIMAL, with all digits of its scale', () =>
    expectStored({ type: 'DECIMAL', precision: 18, scale: 8 }, [
      ['101.12345678', '101.12345678'],
      ['-0.00000001', '-0.00000001'],
      ['9999999999.99999999', '9999999999.99999999'],
      ['1.5', '1.50000000'],
      [7, '7.00000000'],
      ['-0', '0.00000000'],
      ['1.500000000000', '1.50000000'],
      [null, null],
    ]));

  it('DECIMAL of 38 digits', () =>
    expectStored({ type: 'DECIMAL', precision: 38, scale: 0 }, same('9'.repeat(38), `-${'9'.repeat(38)}`, '0', null)));

  it('DATE, from year 1 to 9999', () => expectStored({ type: 'DATE' }, same('0001-01-01', '1969-12-31', '2024-02-29', '9999-12-31', null)));

  it('TIME, with microseconds', () =>
    expectStored({ type: 'TIME' }, [
      ['10:00', '10:00:00.000000'],
      ['23:59:59.999999', '23:59:59.999999'],
      ['00:00:00.000001', '00:00:00.000001'],
      ['10:00:00.5', '10:00:00.500000'],
      [null, null],
    ]));

  it('TIMESTAMP, with microseconds, before 1970 too', () =>
    expectStored({ type: 'TIMESTAMP' }, [
      ['2026-11-22T10:00:00', '2026-11-22T10:00:00.000'],
      ['2026-11-22T10:00:00.123456', '2026-11-22T10:00:00.123456'],
      ['1969-12-31T23:59:59.999999', '1969-12-31T23:59:59.999999'],
      ['0001-01-01T00:00:00', '0001-01-01T00:00:00.000'],
      ['9999-12-31T23:59:59.999999', '9999-12-31T23:59:59.999999'],
      [null, null],
    ]));

  it('TIMESTAMPTZ, in UTC whatever the offset', () =>
    expectStored({ type: 'TIMESTAMPTZ' }, [
      ['2026-11-22T12:00:00+02:00', '2026-11-22T10:00:00.000Z'],
      ['2026-11-22T10:00:00Z', '2026-11-22T10:00:00.000Z'],
      ['2026-11-21T23:30:00.000001-10:30', '2026-11-22T10:00:00.000001Z'],
      [Date.UTC(2026, 10, 22, 10), '2026-11-22T10:00:00.000Z'],
      [new Date(-1), '1969-12-31T23:59:59.999Z'],
      [null, null],
    ]));

  it('STRING: empty, NUL, emoji, line ends, any length', () =>
    expectStored(
      { type: 'STRING' },
      same('', 'a\0b', '\0', '😀', '👩‍👩‍👧', 'e\u0301', '\r\n', "it's", '\u{10ffff}', 'z'.repeat(3000), null),
    ));

  it('STRING that begins with a byte order mark', () => expectStored({ type: 'STRING' }, same('\ufeffname', '\ufeff', 'a\ufeffb')));

  it('UUID, in lower case', () =>
    expectStored({ type: 'UUID' }, [
      ['123E4567-E89B-12D3-A456-426614174000', '123e4567-e89b-12d3-a456-426614174000'],
      ...same('00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '7fffffff-ffff-ffff-ffff-ffffffffffff', null),
    ]));

  it('BINARY, as base64', () =>
    expectStored({ type: 'BINARY' }, [...same('', 'AA==', 'AP/+gA==', null), [new Uint8Array([0, 255, 128]), 'AP+A']]));

  it('JSON, nested, keys in order, text with everything in it', () =>
    expectStored({ type: 'JSON' }, [
      ...same({ b: [1, { a: null }, 'x\0😀'], a: { deep: [[[]]] } }, [], {}, '', 'text', 0, 1.5, true, false, null),
      [JSON.parse('{"__proto__": {"a": 1}}'), JSON.parse('{"__proto__": {"a": 1}}')],
    ]));

  it('JSON keys keep the order that they came in', async () => {
    const engine = await testEngine();
    const read = await readBack(engine, [{ name: 'v', type: 'JSON' }], [{ v: { z: 1, a: 2 } }]);
    for (const place of PLACES) expect(JSON.stringify(read[place][0]?.['v'])).toBe('{"z":1,"a":2}');
  });
});

describe('a row', () => {
  it('takes the default where a value is absent, null where it is null, and null where there is no default', async () => {
    const engine = await testEngine();
    const columns: ColumnDefinition[] = [
      { name: 'plain', type: 'STRING' },
      { name: 'status', type: 'STRING', default: 'new' },
      { name: 'amount', type: 'DECIMAL', precision: 10, scale: 2, default: '1.5' },
      { name: 'needed', type: 'INT', required: true, default: 7 },
    ];
    const rows = [{}, { status: null, amount: null }, { plain: undefined, status: undefined, needed: 8 }, { status: '' }];
    // The row that carries the pad must be valid too, and is: `needed` has a default.
    const read = await readBack(engine, columns, rows);
    for (const place of PLACES) {
      expect(read[place], place).toEqual([
        { plain: null, status: 'new', amount: '1.50', needed: 7 },
        { plain: null, status: null, amount: null, needed: 7 },
        { plain: null, status: 'new', amount: '1.50', needed: 8 },
        { plain: null, status: '', amount: '1.50', needed: 7 },
      ]);
    }
  });

  it.each([['constructor'], ['toString'], ['hasOwnProperty'], ['select'], ['rowid'], ['filename'], ['file_index'], ['file_row_number']])(
    'may have a column called %s, and rows keep their order and identity',
    async (name) => {
      // Five files lie side by side until compact is called: more than are read one by one.
      const engine = await testEngine({ maintenance: { autoCompact: false } });
      await engine.createTable({ name: 't', columns: [{ name, type: 'INT' }, PAD] });
      const values = Array.from({ length: 12 }, (_, index) => 100 + index);
      for (let at = 0; at < 10; at += 2)
        await engine.append('t', [{ [name]: values[at], pad: TOO_BIG_FOR_HOT }, { [name]: values[at + 1] }]);
      await engine.append('t', [{ [name]: 110 }, { [name]: 111 }]);
      for (const place of ['staged and hot', 'merged']) {
        const { snapshotId } = await engine.read.resolve({ kind: 'newest' });
        const view = await engine.read.tableAt(engine.table('t'), snapshotId);
        if (view === undefined) throw new Error('the table is there');
        const page = await engine.read.page(view, { columns: [name] });
        expect(
          page.rows.map((row): [number, Cell] => [row.rowId, row.cells[0] ?? null]),
          place,
        ).toEqual(values.map((value, index) => [index, value]));
        await engine.compact();
      }
    },
  );

  it.each([['status=other'], ["it's"], ['[a]*?{b}'], ['ü 😀']])('is what was stored in a data directory called %s', async (folder) => {
    const directory = join(await temporaryDirectory(), folder);
    await mkdir(directory);
    const engine = await testEngine({ directory });
    const read = await readBack(engine, [{ name: 'status', type: 'STRING' }], [{ status: 'mine' }]);
    for (const place of PLACES) expect(read[place], place).toEqual([{ status: 'mine' }]);
  });

  it('of random values reads back as it went in, wherever it lies', async () => {
    const engine = await testEngine({ maintenance: { autoCompact: false } });
    await fc.assert(
      fc.asyncProperty(fc.array(randomRow, { minLength: 1, maxLength: 25 }), async (rows) => {
        const read = await readBack(engine, EVERY_TYPE, rows);
        for (const place of PLACES) expect(read[place], place).toEqual(rows);
      }),
      { numRuns: scaled(7.5) },
    );
  });
});
