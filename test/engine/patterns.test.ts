import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Engine, Filter, TextOperator } from '../../src/engine/index.ts';
import { LIMITS } from '../../src/engine/index.ts';
import { isWellFormedPattern, parsePattern, patternSql, patternTest } from '../../src/engine/read/scan/pattern.ts';
import { scaled } from '../support/random.ts';
import { failureOf, rowsAsOf, testEngine } from '../support/support.ts';

/** Whether a text matches, tried in every way there is: for small inputs only. */
function matchesPlainly(text: readonly string[], pattern: readonly string[]): boolean {
  const [first, second] = pattern;
  if (first === undefined) return text.length === 0;
  if (first === '%') return matchesPlainly(text, pattern.slice(1)) || (text.length > 0 && matchesPlainly(text.slice(1), pattern));
  if (text.length === 0) return false;
  if (first === '_') return matchesPlainly(text.slice(1), pattern.slice(1));
  if (first === '\\') return text[0] === second && matchesPlainly(text.slice(1), pattern.slice(2));
  return text[0] === first && matchesPlainly(text.slice(1), pattern.slice(1));
}

const LETTERS = [
  'a',
  'b',
  'A',
  '%',
  '_',
  '\\',
  '.',
  '\n',
  '\u0000',
  'ä',
  'Ä',
  'σ',
  'ς',
  'Σ',
  'ß',
  'ẞ',
  'ı',
  'İ',
  'i',
  'k',
  '\u212a',
  '😀',
  '\u0301',
  '\ufeff',
  ']',
  '^',
  '-',
  '$',
];
const texts = fc.array(fc.constantFrom(...LETTERS), { maxLength: 9 });
const patterns = fc.array(fc.constantFrom(...LETTERS, '%', '%', '%', '_', '_', 'a', 'a', '\\%', '\\_', '\\\\'), { maxLength: 9 });

/** Code points as one of those that fold alike, by the regular expressions of the language. */
function folded(points: readonly string[]): string[] {
  return points.map((point) => LETTERS.find((letter) => new RegExp(`^${escaped(letter)}$`, 'iu').test(point)) ?? point);
}
const escaped = (letter: string) => `\\u{${(letter.codePointAt(0) as number).toString(16)}}`;

describe('like and ilike', () => {
  it('match as trying all ways does, by DuckDB and in memory', async () => {
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    await fc.assert(
      fc.asyncProperty(fc.array(texts, { minLength: 1, maxLength: 20 }), patterns, fc.boolean(), async (many, points, ignoresCase) => {
        const text = points.join('');
        fc.pre(isWellFormedPattern(text) && (text.match(/_/g) ?? []).length <= LIMITS.likeAnyMax);
        const pattern = parsePattern(text, ignoresCase);
        const tokens = [...text];
        const plainly = many.map((one) => {
          if (!ignoresCase) return matchesPlainly(one, tokens);
          return matchesPlainly(folded(one), folded(tokens));
        });
        const inMemory = patternTest(pattern);
        expect(many.map((one) => inMemory?.(one.join('')))).toEqual(plainly);
        const { kind, value } = patternSql(pattern);
        const list = many.map((_, at) => `($${at + 2})`).join(', ');
        const test = kind === 'regexp' ? 'regexp_full_match(x, $1)' : `x ${kind === 'like' ? 'LIKE' : '='} $1`;
        const result = await connection.run(`SELECT ${test} FROM (VALUES ${list}) AS t(x)`, [value, ...many.map((one) => one.join(''))]);
        expect((await result.getRows()).map(([matches]) => matches)).toEqual(plainly);
      }),
      { numRuns: scaled(100) },
    );
    connection.closeSync();
    instance.closeSync();
  });

  let engine: Engine;
  const matching = async (operator: TextOperator, value: string): Promise<unknown[]> => {
    const where: Filter = { kind: 'text', column: 'x', operator, value };
    return (await rowsAsOf(engine, 't', { kind: 'newest' }, { where, columns: ['k'] })).map((row) => row['k']);
  };

  beforeEach(async () => {
    engine = await testEngine();
    await engine.createTable({
      name: 't',
      columns: [
        { name: 'k', type: 'INT' },
        { name: 'x', type: 'STRING' },
      ],
    });
  });

  it('take time that is linear in the text, whatever the pattern', async () => {
    // Tried in all ways, one such text would take longer than any test run.
    const long = 'a'.repeat(60_000);
    await engine.append('t', [
      { k: 0, x: long },
      { k: 1, x: `${long}b` },
      { k: 2, x: 'b' },
    ]);
    for (const where of ['hot', 'in a file']) {
      expect(await matching('like', `${'%a'.repeat(200)}%b`), where).toEqual([1]);
      expect(await matching('ilike', `${'%A'.repeat(200)}%B`), where).toEqual([1]);
      expect(await matching('like', `${'%a_'.repeat(LIMITS.likeAnyMax)}%b`), where).toEqual([1]);
      expect(await matching('like', `${'%_'.repeat(300)}%b`), where).toEqual([1]);
      expect(await matching('like', `a${'_'.repeat(300)}%b`), where).toEqual([1]);
      await engine.compact();
    }
    expect(
      (await engine.delete('t', { kind: 'text', column: 'x', operator: 'like', value: `${'%a'.repeat(40)}%b` })).snapshots[0]?.deletedRows,
    ).toBe(1);
  });

  it('are the same for hot rows and in files', async () => {
    const values = [
      'Straße',
      'STRASSE',
      'ΣΊΣΥΦΟΣ',
      'σίσυφος',
      'Kelvin',
      '\u212aelvin',
      '100%',
      'a_b',
      'axb',
      'a\nb',
      'a\\b',
      '',
      '😀',
      'Iı',
    ];
    await engine.append('t', [...values.map((x, k) => ({ k, x })), { k: 99, x: null }]);
    const expected: [TextOperator, string, number[]][] = [
      ['ilike', 'straß_', [0]],
      ['ilike', 'strasse', [1]],
      ['ilike', 'σίσυφοσ', [2, 3]],
      ['ilike', 'k%', [4, 5]],
      ['like', 'k%', []],
      ['like', '%\\%', [6]],
      ['like', 'a\\_b', [7]],
      ['like', 'a_b', [7, 8, 9, 10]],
      ['like', 'a\\\\b', [10]],
      ['like', '', [11]],
      ['like', '_', [12]],
      ['ilike', 'iI', []],
      ['ilike', 'i_', [13]],
      ['like', '%', values.map((_, k) => k)],
    ];
    for (const place of ['hot', 'in a file']) {
      for (const [operator, pattern, ks] of expected)
        expect(await matching(operator, pattern), `${place}: ${operator} ${pattern}`).toEqual(ks);
      await engine.compact();
    }
  });

  it('have named limits', async () => {
    await engine.append('t', [{ k: 0, x: 'a' }]);
    const any = await failureOf(matching('like', `%a${'_'.repeat(LIMITS.likeAnyMax + 1)}b%`));
    expect(any).toMatchObject({ code: 'LIMIT_EXCEEDED', details: { limit: 'likeAnyMax', actual: LIMITS.likeAnyMax + 1 } });
    const long = await failureOf(matching('ilike', 'a'.repeat(LIMITS.likePatternMax + 1)));
    expect(long).toMatchObject({ code: 'LIMIT_EXCEEDED', details: { limit: 'likePatternMax' } });
    // At the limits DuckDB takes them.
    for (const pattern of ['_'.repeat(1000), 'k'.repeat(1000), `${'k%'.repeat(495)}${'_'.repeat(10)}`, '\\%'.repeat(500)])
      for (const operator of ['like', 'ilike'] as const) expect(await matching(operator, pattern)).toEqual([]);
    expect((await failureOf(matching('like', 'a\\b'))).code).toBe('BAD_USER_INPUT');
  });
});
