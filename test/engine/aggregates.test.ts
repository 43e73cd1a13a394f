import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AggregateQuery, type Engine, formatTimestampMs, type Group, type GroupsQuery, type TableAt } from '../../src/engine/index.ts';
import { scaled } from '../support/random.ts';
import {
  compareValues,
  MODEL_COLUMNS,
  type ModelRow,
  matches,
  modelFilter,
  modelRows,
  sorted,
  storeEverywhere,
} from '../support/row-model.ts';
import { failureOf, testEngine } from '../support/support.ts';

const SUMMED = ['int', 'long', 'double', 'decimal'];
const ORDERED = MODEL_COLUMNS.map(({ name }) => name).filter((name) => name !== 'boolean' && name !== 'bytes');
const TERMS: AggregateQuery['terms'] = [
  { function: 'COUNT' },
  ...MODEL_COLUMNS.map(({ name }) => ({ function: 'COUNT' as const, column: name })),
  ...MODEL_COLUMNS.map(({ name }) => ({ function: 'COUNT_DISTINCT' as const, column: name })),
  ...ORDERED.map((column) => ({ function: 'MIN' as const, column })),
  ...ORDERED.map((column) => ({ function: 'MAX' as const, column })),
  ...SUMMED.map((column) => ({ function: 'SUM' as const, column })),
  ...SUMMED.map((column) => ({ function: 'AVG' as const, column })),
];

async function newest(engine: Engine, table: string): Promise<TableAt> {
  const { snapshotId } = await engine.read.resolve({ kind: 'newest' });
  const view = await engine.read.tableAt(engine.table(table), snapshotId);
  if (view === undefined) throw new Error('the table is there');
  return view;
}

/** A number up to the last digits, which floating-point sums may differ in. */
function about(number: number): unknown {
  return expect.toSatisfy((given: number) => Math.abs(given - number) <= Math.abs(number) * 1e-12, `about ${number}`);
}

/** The exact sum of values that are not doubles, times 10,000. */
function scaledSum(column: string, values: readonly unknown[]): bigint {
  const scaled = (value: unknown): bigint =>
    column === 'decimal' ? BigInt(String(value).replace('.', '')) : BigInt(String(value)) * 10_000n;
  return values.reduce((total: bigint, value) => total + scaled(value), 0n);
}

function sum(column: string, values: readonly unknown[]): unknown {
  if (values.length === 0) return null;
  if (column === 'double') return about((values as number[]).reduce((total, value) => total + value, 0));
  const total = scaledSum(column, values);
  if (column !== 'decimal') return String(total / 10_000n);
  const digits = String(total < 0n ? -total : total).padStart(5, '0');
  return `${total < 0n ? '-' : ''}${digits.slice(0, -4)}.${digits.slice(-4)}`;
}

function average(column: string, values: readonly unknown[]): unknown {
  if (values.length === 0) return null;
  if (column === 'double') return about((values as number[]).reduce((total, value) => total + value, 0) / values.length);
  return about(Number(scaledSum(column, values)) / 10_000 / values.length);
}

/** What the terms are of some rows. */
function modelValues(rows: readonly ModelRow[]): unknown[] {
  return TERMS.map(({ function: name, column }) => {
    if (column == null) return rows.length;
    const values = rows.map((row) => row[column]).filter((value) => value !== null);
    const inOrder = [...values].sort((left, right) => compareValues(column, left, right));
    switch (name) {
      case 'COUNT':
        return values.length;
      case 'COUNT_DISTINCT':
        return new Set(values).size;
      case 'MIN':
        return inOrder[0] ?? null;
      case 'MAX':
        return inOrder.at(-1) ?? null;
      case 'SUM':
        return sum(column, values);
      default:
        return average(column, values);
    }
  });
}

/** Groups by some columns, largest first, ties in the order of the key, nulls last. */
function modelGroups(rows: readonly ModelRow[], groupBy: readonly string[]): Group[] {
  const groups = new Map<string, ModelRow[]>();
  const inOrder = sorted(
    rows,
    groupBy.map((column) => ({ column, direction: 'ASC' as const })),
  );
  for (const row of inOrder) {
    const key = JSON.stringify(groupBy.map((column) => row[column]));
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups]
    .sort(([, left], [, right]) => right.length - left.length)
    .map(([key, members]) => ({ key: JSON.parse(key) as unknown[], values: modelValues(members) }));
}

/** All groups, a page after the other. */
async function walked(engine: Engine, view: TableAt, query: GroupsQuery): Promise<Group[]> {
  const all: Group[] = [];
  let after: string | undefined;
  for (;;) {
    const page = await engine.read.groups(view, { ...query, after });
    expect(page.hasPreviousPage).toBe(after !== undefined);
    all.push(...page.groups);
    if (!page.hasNextPage) return all;
    after = page.cursorAt(page.groups.length - 1);
  }
}

const columns = fc.constantFrom(...MODEL_COLUMNS.map(({ name }) => name));

describe('an aggregate', () => {
  it('is what a plain computation over the matching rows gives, whole and by group, wherever the rows lie', async () => {
    const engine = await testEngine({ maintenance: { autoCompact: false } });
    let tables = 0;
    await fc.assert(
      fc.asyncProperty(
        modelRows,
        fc.array(fc.tuple(fc.option(modelFilter, { nil: undefined }), fc.uniqueArray(columns, { maxLength: 3 })), {
          minLength: 3,
          maxLength: 6,
        }),
        async (rows, questions) => {
          tables += 1;
          const table = `t${tables}`;
          await storeEverywhere(engine, table, rows);
          const check = async (): Promise<void> => {
            const view = await newest(engine, table);
            for (const [where, groupBy] of questions) {
              const wanted = where === undefined ? rows : rows.filter((row) => matches(where, row));
              const whole = modelValues(wanted);
              expect(await engine.read.aggregate(view, { where, terms: TERMS })).toEqual(whole);
              const expected = groupBy.length === 0 ? [{ key: [], values: whole }] : modelGroups(wanted, groupBy);
              const page = await engine.read.groups(view, { where, groupBy, terms: TERMS, first: 1000 });
              expect(page.groups).toEqual(expected);
              expect(await engine.read.countGroups(view, { where, groupBy })).toBe(expected.length);
              const counts = expected.map(({ key, values }) => ({ key, values: [values[0]] }));
              expect(await walked(engine, view, { where, groupBy, terms: [{ function: 'COUNT' }], first: 2 })).toEqual(counts);
            }
          };
          await check();
          await engine.compact(table);
          await check();
        },
      ),
      { numRuns: scaled(6.25) },
    );
  });

  it('of no rows counts 0 and knows nothing else; there are no groups', async () => {
    const engine = await testEngine();
    await storeEverywhere(engine, 't', []);
    const view = await newest(engine, 't');
    expect(await engine.read.aggregate(view, { terms: TERMS })).toEqual(modelValues([]));
    expect((await engine.read.groups(view, { terms: TERMS, groupBy: ['text'] })).groups).toEqual([]);
    expect(await engine.read.countGroups(view, { groupBy: ['text'] })).toBe(0);
    expect((await engine.read.groups(view, { terms: TERMS, groupBy: [] })).groups).toEqual([{ key: [], values: modelValues([]) }]);
    expect(await engine.read.count(view, undefined)).toBe(0);
  });

  it('of the past leaves out what came later', async () => {
    const engine = await testEngine();
    await engine.createTable({ name: 't', columns: [{ name: 'v', type: 'INT' }] });
    for (const v of [1, 2, 3]) await engine.append('t', [{ v }]);
    for (const place of ['hot', 'flushed']) {
      const sums: unknown[] = [];
      for (const snapshotId of [1, 2, 3, 4]) {
        const instant = await engine.read.resolve({ kind: 'snapshot', snapshotId });
        const view = await engine.read.tableAt(engine.table('t'), instant.snapshotId);
        if (view === undefined) throw new Error('the table is there');
        sums.push((await engine.read.aggregate(view, { terms: [{ function: 'SUM', column: 'v' }] }))[0]);
      }
      expect(sums, place).toEqual([null, '1', '3', '6']);
      await engine.compact();
    }
  });

  it('sums longs past 64 bits and decimals to 38 digits without losing one', async () => {
    const engine = await testEngine();
    await engine.createTable({
      name: 't',
      columns: [
        { name: 'long', type: 'LONG' },
        { name: 'decimal', type: 'DECIMAL', precision: 38, scale: 2 },
      ],
    });
    const row = { long: '9223372036854775807', decimal: `1${'0'.repeat(34)}.01` };
    await engine.append('t', [row, row, row]);
    const view = await newest(engine, 't');
    const terms: AggregateQuery['terms'] = ['long', 'decimal'].map((column) => ({ function: 'SUM', column }));
    expect(await engine.read.aggregate(view, { terms })).toEqual(['27670116110564327421', `3${'0'.repeat(34)}.03`]);
  });

  it('is BAD_USER_INPUT where a sum does not fit in 38 digits', async () => {
    const engine = await testEngine();
    await engine.createTable({ name: 't', columns: [{ name: 'v', type: 'DECIMAL', precision: 38, scale: 0 }] });
    await engine.append('t', [{ v: '9'.repeat(38) }, { v: '9'.repeat(38) }]);
    const view = await newest(engine, 't');
    expect((await failureOf(engine.read.aggregate(view, { terms: [{ function: 'SUM', column: 'v' }] }))).code).toBe('BAD_USER_INPUT');
  });

  it('has min and max of instants in wire form', async () => {
    const engine = await testEngine();
    await engine.createTable({ name: 't', columns: [{ name: 'v', type: 'TIMESTAMPTZ' }] });
    await engine.append('t', [{ v: formatTimestampMs(0) }, { v: formatTimestampMs(-1) }, { v: formatTimestampMs(1) }]);
    const terms: AggregateQuery['terms'] = [
      { function: 'MIN', column: 'v' },
      { function: 'MAX', column: 'v' },
    ];
    expect(await engine.read.aggregate(await newest(engine, 't'), { terms })).toEqual([formatTimestampMs(-1), formatTimestampMs(1)]);
  });

  it('is refused where a function does not fit a column, a column is not there, or too much is asked for', async () => {
    const engine = await testEngine();
    await engine.createTable({
      name: 't',
      columns: [
        { name: 'text', type: 'STRING' },
        { name: 'json', type: 'JSON' },
      ],
    });
    const view = await newest(engine, 't');
    const code = async (query: AggregateQuery & Partial<GroupsQuery>): Promise<unknown> => {
      const { groupBy } = query;
      const answer = groupBy === undefined ? engine.read.aggregate(view, query) : engine.read.groups(view, { ...query, groupBy });
      return (await failureOf(answer)).code;
    };
    expect(await code({ terms: [{ function: 'SUM', column: 'text' }] })).toBe('BAD_USER_INPUT');
    expect(await code({ terms: [{ function: 'SUM' }] })).toBe('BAD_USER_INPUT');
    expect(await code({ terms: [{ function: 'COUNT_DISTINCT', column: 'json' }] })).toBe('BAD_USER_INPUT');
    expect(await code({ terms: [], groupBy: ['json'] })).toBe('BAD_USER_INPUT');
    expect(await code({ terms: [{ function: 'MAX', column: 'nothing' }] })).toBe('COLUMN_NOT_FOUND');
    expect(await code({ terms: [], groupBy: ['nothing'] })).toBe('COLUMN_NOT_FOUND');
    expect(await code({ terms: [], groupBy: ['text'], first: 1_001 })).toBe('LIMIT_EXCEEDED');
    expect(await code({ terms: [], groupBy: ['text'], first: -1 })).toBe('BAD_USER_INPUT');
    expect(await code({ terms: [], groupBy: Array.from({ length: 17 }, () => 'text') })).toBe('LIMIT_EXCEEDED');
  });
});
