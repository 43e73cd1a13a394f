import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import { parameter } from '../../src/engine/data/cells.ts';
import type { AggregateFunction, Column, Direction, Engine, Filter, Order, TableAt } from '../../src/engine/index.ts';
import { type Cell, toWire } from '../../src/engine/index.ts';
import { checkFilter } from '../../src/engine/read/scan/filter.ts';
import { joinSql, nameOf, type Sql, sql, typeOf } from '../../src/engine/read/scan/sql.ts';
import {
  alike,
  exactly,
  IMPORTED_CELLS,
  matchesOdd,
  ODD_CELLS,
  ODD_COLUMNS,
  type OddColumn,
  type OddFilter,
  type OddRow,
  orderOf,
  patternOf,
  sortedOdd,
} from '../support/odd-values.ts';
import { randomNumbers, scaled, seedOf } from '../support/random.ts';
import { failureOf, temporaryDirectory, testEngine } from '../support/support.ts';

const NAMES = ODD_COLUMNS.map(({ name }) => name);
const COMPARED = NAMES.filter((name) => name !== 'json');
type Below = ReturnType<typeof randomNumbers>;
const pick = <T>(below: Below, list: readonly T[]): T => list[below(list.length)] as T;

function randomRow(below: Below, k: number, imported: boolean): OddRow {
  const cellOf = (name: OddColumn): Cell => {
    if (below(7) === 0) return null;
    return pick(below, imported ? [...ODD_CELLS[name], ...(IMPORTED_CELLS[name] ?? [])] : ODD_CELLS[name]);
  };
  return { k, ...(Object.fromEntries(NAMES.map((name) => [name, cellOf(name)])) as Record<OddColumn, Cell>) };
}

/** A Parquet file of rows, of DuckDB's making. */
async function fileOf(columns: readonly Column[], rows: readonly OddRow[]): Promise<string> {
  const path = join(await temporaryDirectory(), 'odd.parquet');
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const cellOf = (row: OddRow, column: Column): Sql => sql`CAST(${parameter(column, row[column.name as OddColumn])} AS ${typeOf(column)})`;
  const values = rows.map((row) => sql`(${joinSql(columns.map((column) => cellOf(row, column)))})`);
  const create = sql`CREATE TABLE v AS SELECT * FROM (VALUES ${joinSql(values)}) AS v(${joinSql(columns.map(nameOf))})`.render();
  await connection.run(
    create.sql,
    create.parameters.map(({ value }) => value),
    create.parameters.map(({ type }) => type),
  );
  await connection.run(`COPY (SELECT * FROM v ORDER BY k) TO '${path}' (FORMAT parquet)`);
  connection.closeSync();
  instance.closeSync();
  return path;
}

async function tableAt(engine: Engine, snapshotId: number): Promise<TableAt> {
  const instant = await engine.read.resolve({ kind: 'snapshot', snapshotId });
  const at = await engine.read.tableAt(engine.table('t'), instant.snapshotId);
  if (at === undefined) throw new Error('the table is there');
  return at;
}

const columnOf = (at: TableAt, name: string): Column => at.schema.columns.find((column) => column.name === name) as Column;

/** A row as an append takes it. */
const wireOf = (at: TableAt, row: Partial<OddRow>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(row).map(([name, cell]) => [name, name === 'k' ? cell : toWire(columnOf(at, name), cell as Cell)]));

function engineFilter(at: TableAt, filter: OddFilter): Filter {
  switch (filter.kind) {
    case 'not':
      return { kind: 'not', filter: engineFilter(at, filter.filter) };
    case 'compare':
      return { kind: 'compare', column: filter.column, operator: filter.operator, value: toWire(columnOf(at, filter.column), filter.cell) };
    case 'in': {
      const { column, negated, cells } = filter;
      return { kind: 'in', column, negated, values: cells.map((cell) => toWire(columnOf(at, column), cell)) };
    }
    case 'isNull':
      return filter;
    case 'text': {
      const { operator, text } = filter;
      return { kind: 'text', column: 'string', operator, value: operator === 'like' || operator === 'ilike' ? patternOf(text) : text };
    }
  }
}

function randomFilter(below: Below): OddFilter {
  const column = pick(below, COMPARED);
  const cells = ODD_CELLS[column] as readonly Exclude<Cell, null>[];
  switch (below(8)) {
    case 0:
      return { kind: 'isNull', column: pick(below, NAMES), isNull: below(2) === 0 };
    case 1:
      return { kind: 'not', filter: randomFilter(below) };
    case 2:
    case 3:
      return { kind: 'in', column, cells: Array.from({ length: below(4) }, () => pick(below, cells)), negated: below(3) === 0 };
    case 4: {
      const text = [...(pick(below, ODD_CELLS.string) as string)].slice(0, below(3)).join('');
      return { kind: 'text', operator: pick(below, ['contains', 'startsWith', 'endsWith', 'like', 'ilike'] as const), text };
    }
    default:
      return {
        kind: 'compare',
        column,
        operator: pick(below, ['eq', 'eq', 'ne', 'gt', 'gte', 'lt', 'lte'] as const),
        cell: pick(below, cells),
      };
  }
}

const textOf = (row: OddRow, write: (cell: Cell) => string): string => [row.k, ...NAMES.map((name) => write(row[name]))].join(' | ');

/** All rows of pages of a few, in their order. */
async function paged(at: TableAt, engine: Engine, where: Filter, orderBy: readonly Order[], first: number): Promise<OddRow[]> {
  const rows: OddRow[] = [];
  let after: string | undefined;
  for (;;) {
    const page = await engine.read.page(at, { where, orderBy, first, after });
    for (const { cells } of page.rows)
      rows.push(Object.fromEntries(page.columns.map(({ name }, index) => [name, cells[index] ?? null])) as OddRow);
    if (!page.hasNextPage) return rows;
    after = page.cursorAt(page.rows.length - 1);
  }
}

const SUM_MAX = 10n ** 38n;

/** The expected values of aggregates over a column, `undefined` where floats may differ in the last digits. */
function aggregateOf(name: AggregateFunction, column: Column, rows: readonly OddRow[]): unknown {
  const cells = rows.flatMap((row) => row[column.name as OddColumn] ?? []) as Exclude<Cell, null>[];
  const distinct = new Map(cells.map((cell) => [alike(cell), cell]));
  const best = (sign: number): unknown =>
    cells.length === 0
      ? null
      : plus0(
          toWire(
            column,
            cells.reduce((most, cell) => (orderOf(cell, most) * sign > 0 ? cell : most)),
          ),
        );
  switch (name) {
    case 'COUNT':
      return cells.length;
    case 'COUNT_DISTINCT':
      return distinct.size;
    case 'MIN':
      return best(-1);
    case 'MAX':
      return best(1);
    case 'SUM': {
      if (cells.length === 0) return null;
      const sum = (cells as (number | bigint)[]).reduce((total: bigint, cell) => total + BigInt(cell), 0n);
      return column.type === 'DECIMAL' ? (sum >= SUM_MAX || sum <= -SUM_MAX ? 'refused' : toWire(column, sum)) : String(sum);
    }
    default:
      return undefined;
  }
}

const plus0 = (value: unknown): unknown => (value === 0 ? 0 : value);

async function expectAggregates(
  engine: Engine,
  at: TableAt,
  where: Filter,
  rows: readonly OddRow[],
  below: Below,
  place: string,
): Promise<void> {
  const column = columnOf(at, pick(below, COMPARED));
  const functions = (['COUNT', 'COUNT_DISTINCT', 'MIN', 'MAX', 'SUM'] as const).filter((name) => {
    if (name === 'SUM') return ['INT', 'LONG', 'DECIMAL'].includes(column.type);
    return (name !== 'MIN' && name !== 'MAX') || !['BOOLEAN', 'BINARY'].includes(column.type);
  });
  for (const name of functions) {
    const expected = aggregateOf(name, column, rows);
    const terms = [{ function: name, column: column.name }];
    if (expected === 'refused') expect((await failureOf(engine.read.aggregate(at, { where, terms }))).code, place).toBe('BAD_USER_INPUT');
    else expect(plus0((await engine.read.aggregate(at, { where, terms }))[0]), `${place}: ${name} ${column.name}`).toEqual(expected);
  }
  const { groups } = await engine.read.groups(at, { where, terms: [{ function: 'COUNT' }], groupBy: [column.name], first: 1000 });
  const counts = new Map<string, { key: unknown; count: number }>();
  for (const row of rows) {
    const cell = row[column.name as OddColumn];
    const group = counts.get(alike(cell)) ?? { key: plus0(toWire(column, cell)), count: 0 };
    counts.set(alike(cell), { ...group, count: group.count + 1 });
  }
  const text = (key: unknown, count: unknown): string => `${JSON.stringify(key)} ${count}`;
  expect(groups.map(({ key, values }) => text(plus0(key[0]), values[0])).sort(), `${place}: groups by ${column.name}`).toEqual(
    [...counts.values()].map(({ key, count }) => text(key, count)).sort(),
  );
}

/** One random question, to the engine and to the model. */
async function expectSame(engine: Engine, at: TableAt, rows: readonly OddRow[], below: Below, place: string): Promise<void> {
  const filter = randomFilter(below);
  const where = engineFilter(at, filter);
  const orders = Array.from({ length: below(3) }, () => ({
    column: pick(below, COMPARED),
    direction: pick(below, ['ASC', 'DESC', 'ASC_NULLS_FIRST', 'DESC_NULLS_LAST'] as const satisfies readonly Direction[]),
  }));
  const what = `${place}: ${JSON.stringify(where)} by ${JSON.stringify(orders)}`;
  const matching = rows.filter((row) => matchesOdd(filter, row));
  const found = await paged(at, engine, where, orders, 7 + below(40));
  expect(
    found.map((row) => textOf(row, exactly)),
    what,
  ).toEqual(
    // Zero has no sign in a table.
    sortedOdd(matching, orders).map((row) => textOf(row, alike)),
  );
  const { columns } = at.schema;
  const versions = rows.map((row) => ({ row: row.k, from: at.snapshotId, cells: columns.map(({ name }) => row[name as OddColumn]) }));
  const inMemory = await engine.read.matcher.matchCells(columns, versions, checkFilter(at.schema, where), {});
  expect(
    inMemory.map((index) => rows[index]?.k),
    `in memory, ${what}`,
  ).toEqual(matching.map(({ k }) => k));
  await expectAggregates(engine, at, where, matching, below, what);
}

describe('odd values of every type', () => {
  it('mean the same to filters, orders, pages, aggregates and groups: imported, staged, hot, compacted and in history', async () => {
    const below = randomNumbers(seedOf('odd values'));
    for (let run = 0; run < scaled(0.25); run += 1) {
      const engine = await testEngine({ maintenance: { autoCompact: false } });
      await engine.createTable({ name: 't', columns: [{ name: 'k', type: 'INT' }, ...ODD_COLUMNS] });
      const states = new Map<number, readonly OddRow[]>();
      let rows: OddRow[] = Array.from({ length: 40 }, (_, k) => randomRow(below, k, true));
      const commit = async (work: () => Promise<unknown>, next: OddRow[]): Promise<void> => {
        await work();
        rows = next;
        states.set(engine.headSnapshotId, rows);
      };
      const { columns } = engine.table('t').schema;
      await commit(async () => engine.appendFile('t', await fileOf(columns, rows)), rows);
      const at = await tableAt(engine, engine.headSnapshotId);
      const more = (count: number): OddRow[] => Array.from({ length: count }, (_, index) => randomRow(below, rows.length + index, false));
      const small = more(15);
      await commit(
        () =>
          engine.append(
            't',
            small.map((row) => wireOf(at, row)),
          ),
        [...rows, ...small],
      );
      const large = more(500);
      await commit(
        () =>
          engine.append(
            't',
            large.map((row) => wireOf(at, row)),
          ),
        [...rows, ...large],
      );
      const check = async (place: string, questions: number): Promise<void> => {
        for (const [snapshotId, state] of states) {
          const then = await tableAt(engine, snapshotId);
          for (let question = 0; question < questions; question += 1)
            await expectSame(engine, then, state, below, `${place}, snapshot ${snapshotId}`);
        }
      };
      await check('as they came', 3);
      // Some rows get other values, and some go, by odd values themselves.
      const patch = randomRow(below, 0, false);
      const changed = randomFilter(below);
      const { k: _, ...set } = patch;
      await commit(
        () => engine.update('t', engineFilter(at, changed), wireOf(at, set)),
        rows.map((row) => (matchesOdd(changed, row) ? { ...patch, k: row.k } : row)),
      );
      const gone = randomFilter(below);
      await commit(
        () => engine.delete('t', engineFilter(at, gone)),
        rows.filter((row) => !matchesOdd(gone, row)),
      );
      await check('changed', 2);
      await engine.compact();
      await check('compacted', 4);
      expect((await engine.verify()).findings).toEqual([]);
    }
  });
});
