import { BIGINT, VARCHAR } from '@duckdb/node-api';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { rowIsAmong, rowIsNotAmong } from '../../src/engine/read/scan/rows-sql.ts';
import { EMPTY, identifier, joinSql, literal, literals, type Sql, sql, trusted, typeOf, where } from '../../src/engine/read/scan/sql.ts';

const text = (value: string) => ({ value, type: VARCHAR });

describe('conditions on the identities of rows', () => {
  it('name few rows as literals and many as a list, and are no condition where none is to be left out', () => {
    const many = Float64Array.from({ length: 5_001 }, (_, row) => row);
    expect(rowIsAmong([3, 1]).render()).toEqual({ sql: '_row IN (3, 1)', parameters: [] });
    expect(rowIsNotAmong(Float64Array.of(7))?.render().sql).toBe('_row NOT IN (7)');
    expect(rowIsAmong(many).render().sql).toMatch(/^_row IN \(SELECT unnest\(\[0, 1, 2, .*, 5000\]::BIGINT\[\]\)\)$/);
    expect([rowIsNotAmong(undefined), rowIsNotAmong([])]).toEqual([undefined, undefined]);
  });
});

describe('a fragment of SQL', () => {
  it('binds whole numbers and parameters, in the order in which they stand in the text', () => {
    const { sql: statement, parameters } = sql`SELECT ${text('a')} FROM t WHERE x > ${5} LIMIT ${2 ** 53 - 1}`.render();
    expect(statement).toBe('SELECT $1 FROM t WHERE x > $2 LIMIT $3');
    expect(parameters).toEqual([text('a'), { value: 5n, type: BIGINT }, { value: 9007199254740991n, type: BIGINT }]);
  });

  it('nests; numbers are given when the statement is rendered, whatever was made first', () => {
    const later = sql`y = ${text('later')}`;
    const earlier = sql`x = ${text('earlier')}`;
    const both = sql`SELECT * FROM (SELECT * FROM t WHERE ${earlier}) WHERE ${later}`;
    expect(both.render()).toEqual({
      sql: 'SELECT * FROM (SELECT * FROM t WHERE x = $1) WHERE y = $2',
      parameters: [text('earlier'), text('later')],
    });
    // A fragment knows nothing of where it stood: in another statement it gets other numbers.
    expect(sql`SELECT ${later}`.render()).toEqual({ sql: 'SELECT y = $1', parameters: [text('later')] });
  });

  it('binds a parameter that stands in several places once', () => {
    const value = text('a');
    const equal = sql`(x >= ${value} AND x <= ${value})`;
    expect(sql`${equal} OR ${equal} OR y = ${text('a')}`.render()).toEqual({
      sql: '(x >= $1 AND x <= $1) OR (x >= $1 AND x <= $1) OR y = $2',
      parameters: [value, text('a')],
    });
  });

  it('joins lists, of none, one and several', () => {
    const terms = [sql`a`, sql`b = ${1}`, sql`c`];
    expect(joinSql([]).render()).toEqual({ sql: '', parameters: [] });
    expect(joinSql(terms.slice(0, 1)).render().sql).toBe('a');
    expect(joinSql(terms).render().sql).toBe('a, b = $1, c');
    expect(joinSql(terms, ' AND ').render().sql).toBe('a AND b = $1 AND c');
  });

  it('has a WHERE only where there is a condition', () => {
    expect(sql`SELECT 1${where()}`.render().sql).toBe('SELECT 1');
    expect(sql`SELECT 1${where(undefined, sql`a`, undefined, sql`b = ${1}`)}`.render().sql).toBe('SELECT 1 WHERE a AND b = $1');
    expect(EMPTY.render().sql).toBe('');
  });

  it('quotes names, and writes types and literals as text', () => {
    expect(identifier('a"; DROP TABLE t; --').render()).toEqual({ sql: '"a""; DROP TABLE t; --"', parameters: [] });
    expect(typeOf({ type: 'DECIMAL', precision: 20, scale: 3 }).render().sql).toBe('DECIMAL(20,3)');
    expect(literals([1, 2, 3]).render().sql).toBe('1, 2, 3');
    expect(literal(10n ** 26n).render().sql).toBe('100000000000000000000000000');
    // Two minus signs would begin a comment.
    expect(sql`SELECT -${literal(-1)}`.render().sql).toBe('SELECT -(-1)');
  });

  it('takes no number that is not whole, as a literal or bound', () => {
    expect(() => literal(Number.NaN)).toThrow('whole number');
    expect(() => literals([1, 1.5])).toThrow('whole number');
    expect(() => sql`LIMIT ${0.5}`).toThrow(RangeError);
  });

  it('takes no bare string: what is no fragment, parameter or number does not compile', () => {
    // A string may be a client's.
    expectTypeOf<string>().not.toExtend<Parameters<typeof sql>[1]>();
    expectTypeOf<Sql>().toExtend<Parameters<typeof sql>[1]>();
    expectTypeOf<number>().toExtend<Parameters<typeof sql>[1]>();
    expect(() => sql`SELECT ${'x; DROP TABLE t' as never}`.render()).toThrow();
    expect(sql`SELECT ${trusted('x')}`.render().sql).toBe('SELECT x');
  });
});
