import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CompareOperator, Filter, TextOperator } from '../../src/engine/index.ts';
import { checkRows } from '../../src/engine/model/rows.ts';
import { defineTable } from '../../src/engine/model/schema.ts';
import { checkFilter } from '../../src/engine/read/scan/filter.ts';
import { cellMatcher } from '../../src/engine/read/scan/match-cells.ts';
import { EVERY_TYPE, randomRow } from '../support/random-rows.ts';
import { testEngine } from '../support/support.ts';

const schema = defineTable({ name: 't', columns: EVERY_TYPE }).schema;
const COMPARE: readonly CompareOperator[] = ['eq', 'ne', 'gt', 'gte', 'lt', 'lte'];
const TEXT: readonly TextOperator[] = ['contains', 'startsWith', 'endsWith'];
const COMPARED = EVERY_TYPE.filter(({ type }) => type !== 'JSON').map(({ name }) => name);

/** A filter whose operands are values of some rows, so that it meets its borders. */
function filterOver(rows: readonly Record<string, unknown>[]): fc.Arbitrary<Filter> {
  const column = fc.constantFrom(...COMPARED);
  const operandOf = (name: string): fc.Arbitrary<unknown> => {
    const values = rows.map((row) => row[name]).filter((value) => value != null);
    return values.length === 0 ? fc.constant(undefined) : fc.constantFrom(...values);
  };
  const leaf = fc.oneof(
    column.chain((name) =>
      fc
        .tuple(fc.constantFrom(...COMPARE), operandOf(name))
        .map(([operator, value]): Filter | undefined =>
          value === undefined ? undefined : { kind: 'compare', column: name, operator, value },
        ),
    ),
    column.chain((name) =>
      fc
        .tuple(fc.boolean(), fc.array(operandOf(name), { maxLength: 4 }))
        .map(([negated, values]): Filter | undefined =>
          values.includes(undefined) ? undefined : { kind: 'in', column: name, negated, values },
        ),
    ),
    fc
      .tuple(fc.constantFrom('_rowId', '_fromSnapshotId'), fc.constantFrom(...COMPARE), fc.nat({ max: 8 }))
      .map(([name, operator, value]): Filter => ({ kind: 'compare', column: name, operator, value })),
    fc
      .tuple(fc.constantFrom('_rowId', '_fromSnapshotId'), fc.boolean(), fc.array(fc.nat({ max: 8 }), { maxLength: 3 }))
      .map(([name, negated, values]): Filter => ({ kind: 'in', column: name, negated, values })),
    fc
      .tuple(fc.constantFrom(...EVERY_TYPE.map(({ name }) => name)), fc.boolean())
      .map(([name, isNull]): Filter => ({ kind: 'isNull', column: name, isNull })),
    fc
      .tuple(fc.constantFrom(...TEXT), operandOf('string'), fc.nat({ max: 3 }))
      .map(([operator, value, length]): Filter | undefined =>
        typeof value === 'string' ? { kind: 'text', column: 'string', operator, value: [...value].slice(0, length).join('') } : undefined,
      ),
  );
  const sure = leaf.map((filter): Filter => filter ?? { kind: 'and', filters: [] });
  return fc.letrec<{ any: Filter }>((tie) => ({
    any: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      sure,
      tie('any').map((filter): Filter => ({ kind: 'not', filter })),
      fc
        .tuple(fc.constantFrom('and' as const, 'or' as const), fc.array(tie('any'), { maxLength: 3 }))
        .map(([kind, filters]): Filter => ({ kind, filters })),
    ),
  })).any;
}

describe('a filter over rows in memory', () => {
  it('matches the rows that DuckDB says it does', async () => {
    const engine = await testEngine();
    const columns = schema.columns;
    const cases = fc.array(randomRow, { minLength: 1, maxLength: 12 }).chain((rows) => fc.tuple(fc.constant(rows), filterOver(rows)));
    let matched = 0;
    await fc.assert(
      fc.asyncProperty(cases, async ([rows, filter]) => {
        const versions = checkRows(schema, rows, 'name').map((cells, at) => ({ cells, row: at % 7, from: (at % 3) + 1 }));
        const checked = checkFilter(schema, filter);
        const here = cellMatcher(checked, columns);
        if (here === undefined) throw new Error('this filter has no pattern');
        const found = versions.flatMap((version, at) => (here(version.cells, version) ? [at] : []));
        matched += found.length;
        expect(found).toEqual(await engine.read.matcher.matchInDuck(columns, versions, checked, {}));
      }),
      { numRuns: 400 },
    );
    expect(matched).toBeGreaterThan(400);
  });

  it('knows NaN, the two zeros and infinities as DuckDB does', async () => {
    const engine = await testEngine();
    const at = schema.columns.findIndex(({ name }) => name === 'double');
    const values = [Number.NaN, 0, -0, 1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, null];
    const rows = values.map((value) => ({ row: 0, from: 1, cells: schema.columns.map((_, index) => (index === at ? value : null)) }));
    const column = schema.columns[at] as (typeof schema.columns)[number];
    for (const cell of values) {
      if (cell === null) continue;
      for (const operator of COMPARE) {
        const filter = { kind: 'compare', column, operator, cell } as const;
        const matches = cellMatcher(filter, schema.columns);
        const found = rows.flatMap((row, index) => (matches?.(row.cells, row) === true ? [index] : []));
        expect(found, `${operator} ${cell}`).toEqual(await engine.read.matcher.matchInDuck(schema.columns, rows, filter, {}));
      }
    }
  });

  it('leaves long patterns to DuckDB', () => {
    const filter = checkFilter(schema, {
      kind: 'not',
      filter: { kind: 'text', column: 'string', operator: 'ilike', value: 'a%'.repeat(51) },
    });
    expect(cellMatcher(filter, schema.columns)).toBeUndefined();
  });
});
