import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Engine, Filter, TableAt, TextOperator } from '../../src/engine/index.ts';
import { scaled } from '../support/random.ts';
import { TOO_BIG_FOR_HOT } from '../support/random-rows.ts';
import { MODEL_COLUMNS, matches, modelFilter, modelRows, storeEverywhere } from '../support/row-model.ts';
import { failureOf, rowsAsOf, testEngine } from '../support/support.ts';

const ALL: Filter = { kind: 'and', filters: [] };
const NONE: Filter = { kind: 'or', filters: [] };

async function newest(engine: Engine, table: string): Promise<TableAt> {
  const { snapshotId } = await engine.read.resolve({ kind: 'newest' });
  const view = await engine.read.tableAt(engine.table(table), snapshotId);
  if (view === undefined) throw new Error('the table is there');
  return view;
}

/** A table `t (id, text, int)`. */
async function tableOf(rows: readonly (readonly [string | null, number | null])[]): Promise<Engine> {
  const engine = await testEngine();
  await engine.createTable({
    name: 't',
    columns: [
      { name: 'id', type: 'INT' },
      { name: 'text', type: 'STRING' },
      { name: 'int', type: 'INT' },
      { name: 'json', type: 'JSON' },
      { name: 'pad', type: 'STRING' },
    ],
  });
  await engine.append(
    't',
    rows.map(([text, int], id) => ({ id, text, int })),
  );
  return engine;
}

async function idsWhere(engine: Engine, where: Filter | undefined, table = 't'): Promise<unknown[]> {
  const rows = await rowsAsOf(engine, table, { kind: 'newest' }, { where, columns: ['id'] });
  return rows.map((row) => row['id']);
}

/** The texts that a pattern finds among some. */
async function found(texts: readonly string[], operator: TextOperator, value: string): Promise<string[]> {
  const engine = await tableOf([...texts.map((text) => [text, null] as const), [null, null]]);
  const rows = await rowsAsOf(engine, 't', { kind: 'newest' }, { where: { kind: 'text', column: 'text', operator, value } });
  return rows.map((row) => String(row['text']));
}

async function refusal(filter: Filter): Promise<string | undefined> {
  const engine = await tableOf([['a', 1]]);
  return (await failureOf(idsWhere(engine, filter))).code;
}

describe('a filter', () => {
  it('answers as a plain reading of it would, over hot rows, flushed files and large appends, and after they are merged', async () => {
    const engine = await testEngine({ maintenance: { autoCompact: false } });
    let tables = 0;
    await fc.assert(
      fc.asyncProperty(modelRows, fc.array(modelFilter, { minLength: 5, maxLength: 15 }), async (rows, filters) => {
        tables += 1;
        const table = `t${tables}`;
        await storeEverywhere(engine, table, rows);
        const check = async (): Promise<void> => {
          const view = await newest(engine, table);
          for (const where of filters) {
            const expected = rows.filter((row) => matches(where, row)).map((row) => row['id']);
            expect(await idsWhere(engine, where, table)).toEqual(expected);
            expect(await engine.read.count(view, where)).toBe(expected.length);
          }
        };
        await check();
        await engine.compact(table);
        await check();
      }),
      { numRuns: scaled(7.5) },
    );
  });

  it('leaves no row out because of what is known of a file: every value is found where it is the only one', async () => {
    const engine = await testEngine();
    for (const { name, pool } of MODEL_COLUMNS) {
      for (const [index, value] of pool.entries()) {
        const table = `only_${name}_${index}`;
        await storeEverywhere(engine, table, [{ id: 0, [name]: value }]);
        for (const operator of ['eq', 'gte', 'lte'] as const)
          expect(await idsWhere(engine, { kind: 'compare', column: name, operator, value }, table), `${name} ${operator} ${value}`).toEqual(
            [0],
          );
      }
    }
  });

  it.each([
    ['that begins with a byte order mark', '\ufeffname'],
    ['that is long', 'x'.repeat(200)],
    ['that is cut inside what is kept of a bound', `${'x'.repeat(63)}😀😀`],
  ])('finds text %s, wherever it lies', async (_, text) => {
    const engine = await tableOf([[text, 1]]);
    for (const place of ['hot', 'flushed']) {
      expect(await idsWhere(engine, { kind: 'compare', column: 'text', operator: 'eq', value: text }), place).toEqual([0]);
      expect(await idsWhere(engine, { kind: 'compare', column: 'text', operator: 'gt', value: 'w' }), place).toEqual([0]);
      await engine.compact();
    }
  });

  it('finds the few rows that match among many, whichever file and window of rows they lie in', async () => {
    const engine = await tableOf([]);
    const rows = Array.from({ length: 40_000 }, (_, id) => ({ id, text: `row ${id}`, int: id % 13_000 === 12_999 ? 1 : 0 }));
    await engine.append('t', rows.slice(0, 20_000));
    await engine.append('t', rows.slice(20_000, 39_900));
    await engine.append('t', rows.slice(39_900));
    const where: Filter = { kind: 'compare', column: 'int', operator: 'eq', value: 1 };
    for (const place of ['staged', 'merged']) {
      expect(await idsWhere(engine, where), place).toEqual([12_999, 25_999, 38_999]);
      const last = await rowsAsOf(engine, 't', { kind: 'newest' }, { where, last: 2, columns: ['id'] });
      expect(last, place).toEqual([{ id: 25_999 }, { id: 38_999 }]);
      await engine.compact();
    }
  });
});

describe('null', () => {
  const compare = (operator: 'eq' | 'ne' | 'gt' | 'gte' | 'lt' | 'lte'): Filter => ({ kind: 'compare', column: 'int', operator, value: 1 });
  const oneOf = (values: readonly number[], negated: boolean): Filter => ({ kind: 'in', column: 'int', values, negated });

  it('is matched by no comparison, not even ne and notIn', async () => {
    const engine = await tableOf([
      [null, null],
      [null, 1],
      [null, 2],
    ]);
    expect(await idsWhere(engine, compare('ne'))).toEqual([2]);
    expect(await idsWhere(engine, oneOf([1], true))).toEqual([2]);
    for (const operator of ['eq', 'gt', 'gte', 'lt', 'lte'] as const) expect(await idsWhere(engine, compare(operator))).not.toContain(0);
  });

  it('is matched by not, which takes exactly the rows that its filter leaves', async () => {
    const engine = await tableOf([
      [null, null],
      [null, 1],
      [null, 2],
    ]);
    expect(await idsWhere(engine, { kind: 'not', filter: compare('eq') })).toEqual([0, 2]);
    expect(await idsWhere(engine, { kind: 'not', filter: compare('ne') })).toEqual([0, 1]);
    expect(await idsWhere(engine, { kind: 'not', filter: { kind: 'not', filter: compare('ne') } })).toEqual([2]);
    expect(await idsWhere(engine, { kind: 'isNull', column: 'int', isNull: true })).toEqual([0]);
    expect(await idsWhere(engine, { kind: 'isNull', column: 'int', isNull: false })).toEqual([1, 2]);
  });

  it('is no member of a list: in [] is nothing, notIn [] everything that is not null', async () => {
    const engine = await tableOf([
      [null, null],
      [null, 1],
      [null, 2],
    ]);
    expect(await idsWhere(engine, oneOf([], false))).toEqual([]);
    expect(await idsWhere(engine, oneOf([], true))).toEqual([1, 2]);
  });

  it('as the operand of any operator is BAD_USER_INPUT, for an unset variable must not widen a filter', async () => {
    for (const operator of ['eq', 'ne', 'gt', 'gte', 'lt', 'lte'] as const)
      expect(await refusal({ kind: 'compare', column: 'int', operator, value: null })).toBe('BAD_USER_INPUT');
    for (const operator of ['contains', 'startsWith', 'endsWith', 'like', 'ilike'] as const)
      expect(await refusal({ kind: 'text', column: 'text', operator, value: null })).toBe('BAD_USER_INPUT');
    for (const negated of [true, false])
      expect(await refusal({ kind: 'in', column: 'int', values: [1, null], negated })).toBe('BAD_USER_INPUT');
    expect(await refusal({ kind: 'not', filter: { kind: 'compare', column: 'int', operator: 'eq', value: undefined } })).toBe(
      'BAD_USER_INPUT',
    );
  });
});

describe('a combination', () => {
  it('of nothing: or [] is nothing, and [] is everything', async () => {
    const engine = await tableOf([
      ['a', 1],
      [null, null],
    ]);
    expect(await idsWhere(engine, NONE)).toEqual([]);
    expect(await idsWhere(engine, ALL)).toEqual([0, 1]);
    expect(await idsWhere(engine, { kind: 'not', filter: ALL })).toEqual([]);
    expect(await idsWhere(engine, { kind: 'not', filter: NONE })).toEqual([0, 1]);
  });

  it('past the limits is LIMIT_EXCEEDED', async () => {
    let deep: Filter = ALL;
    for (let depth = 0; depth < 20; depth += 1) deep = { kind: 'not', filter: deep };
    expect(await refusal(deep)).toBe('LIMIT_EXCEEDED');
    expect(await refusal({ kind: 'and', filters: Array.from({ length: 500 }, () => ALL) })).toBe('LIMIT_EXCEEDED');
    expect(await refusal({ kind: 'in', column: 'int', values: Array.from({ length: 10_001 }, () => 1), negated: false })).toBe(
      'LIMIT_EXCEEDED',
    );
  });
});

describe('text', () => {
  it('is ordered by code point', async () => {
    const engine = await tableOf([
      ['😀', 1],
      ['\ufffd', 2],
      ['a', 3],
      ['B', 4],
    ]);
    expect(await idsWhere(engine, { kind: 'compare', column: 'text', operator: 'gt', value: '\ufffd' })).toEqual([0]);
    expect(await idsWhere(engine, { kind: 'compare', column: 'text', operator: 'lt', value: 'a' })).toEqual([3]);
  });

  it('like takes % and _ as wildcards, a character each, and \\ before them literally', async () => {
    expect(await found(['a', 'ab', 'b'], 'like', 'a%')).toEqual(['a', 'ab']);
    expect(await found(['😀', 'ab', ''], 'like', '_')).toEqual(['😀']);
    expect(await found(['50%', '500', '5\\0'], 'like', '50\\%')).toEqual(['50%']);
    expect(await found(['5\\0', '50'], 'like', '5\\\\0')).toEqual(['5\\0']);
    expect(await found(['a\nb', 'ab'], 'like', 'a%b')).toEqual(['a\nb', 'ab']);
    expect(await found(['A', 'a'], 'like', 'A')).toEqual(['A']);
  });

  it('ilike ignores case as Unicode folds it', async () => {
    expect(await found(['Straße', 'STRASSE'], 'ilike', 'straß%')).toEqual(['Straße']);
    expect(await found(['ΟΔΟΣ', 'οδος', 'οδοσ'], 'ilike', 'Οδος')).toEqual(['ΟΔΟΣ', 'οδος', 'οδοσ']);
    expect(await found(['É', 'é', 'e'], 'ilike', 'é')).toEqual(['É', 'é']);
  });

  it('contains, startsWith and endsWith take every character literally, and their case', async () => {
    expect(await found(['a%b', 'axb', 'A%B'], 'contains', '%')).toEqual(['a%b', 'A%B']);
    expect(await found(['a_b', 'axb'], 'startsWith', 'a_')).toEqual(['a_b']);
    expect(await found(['x\\', 'x'], 'endsWith', '\\')).toEqual(['x\\']);
    expect(await found(['Ab', 'ab'], 'startsWith', 'a')).toEqual(['ab']);
    expect(await found(['', 'a'], 'contains', '')).toEqual(['', 'a']);
  });
});

describe('what a filter cannot say', () => {
  it('is COLUMN_NOT_FOUND for an unknown column, with the columns there are', async () => {
    const engine = await tableOf([]);
    const error = await failureOf(idsWhere(engine, { kind: 'isNull', column: 'Text', isNull: true }));
    expect(error.code).toBe('COLUMN_NOT_FOUND');
    expect(error.details).toEqual({ column: 'Text', columns: ['id', 'text', 'int', 'json', 'pad'] });
  });

  it('is BAD_USER_INPUT for a value that does not fit the column, an operator that does not, or a wrong pattern', async () => {
    expect(await refusal({ kind: 'compare', column: 'int', operator: 'eq', value: '7' })).toBe('BAD_USER_INPUT');
    expect(await refusal({ kind: 'compare', column: 'int', operator: 'lt', value: 1.5 })).toBe('BAD_USER_INPUT');
    expect(await refusal({ kind: 'text', column: 'int', operator: 'contains', value: '7' })).toBe('BAD_USER_INPUT');
    expect(await refusal({ kind: 'compare', column: 'json', operator: 'eq', value: '{}' })).toBe('BAD_USER_INPUT');
    expect(await refusal({ kind: 'text', column: 'text', operator: 'like', value: 'a\\' })).toBe('BAD_USER_INPUT');
    expect(await refusal({ kind: 'text', column: 'text', operator: 'like', value: '\\a' })).toBe('BAD_USER_INPUT');
    expect(await refusal({ kind: 'compare', column: 'text', operator: 'eq', value: '\ud800' })).toBe('BAD_USER_INPUT');
  });

  it('is no way to run SQL: quotes in values are values', async () => {
    const engine = await tableOf([["'; DROP TABLE t; --", 1]]);
    expect(await idsWhere(engine, { kind: 'compare', column: 'text', operator: 'eq', value: "'; DROP TABLE t; --" })).toEqual([0]);
    await engine.append('t', [{ id: 1, pad: TOO_BIG_FOR_HOT }]);
    expect(await idsWhere(engine, undefined)).toEqual([0, 1]);
  });
});
