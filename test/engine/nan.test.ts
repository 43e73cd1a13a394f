import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Engine, Filter, TableAt } from '../../src/engine/index.ts';
import { rowsAsOf, temporaryDirectory, testEngine } from '../support/support.ts';

/** The values of the imported file, in its order, and what they read as. Everything but the odd ones is 5. */
const VALUES = ['5', "'NaN'", 'NULL', '5', "'Infinity'", "'-Infinity'", '5'];
const READ = [5, null, null, 5, null, null, 5];
const NAN = 1;

let engine: Engine;

/** A Parquet file with columns id, double and float. */
async function parquetFile(values: readonly string[]): Promise<string> {
  const path = join(await temporaryDirectory(), 'odd.parquet');
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const rows = values.map((value, id) => `(${id}, ${value}::DOUBLE, ${value}::FLOAT)`).join(', ');
  await connection.run(`COPY (SELECT * FROM (VALUES ${rows}) AS t(id, double, float)) TO '${path}' (FORMAT parquet)`);
  connection.closeSync();
  instance.closeSync();
  return path;
}

beforeEach(async () => {
  engine = await testEngine();
  await engine.createTable({
    name: 't',
    columns: [
      { name: 'id', type: 'INT' },
      { name: 'double', type: 'DOUBLE' },
      { name: 'float', type: 'FLOAT' },
    ],
  });
});

async function newest(): Promise<TableAt> {
  const { snapshotId } = await engine.read.resolve({ kind: 'newest' });
  const view = await engine.read.tableAt(engine.table('t'), snapshotId);
  if (view === undefined) throw new Error('the table is there');
  return view;
}

async function idsWhere(where: Filter): Promise<unknown[]> {
  return (await rowsAsOf(engine, 't', { kind: 'newest' }, { where, columns: ['id'] })).map((row) => row['id']);
}

/** Runs a check with the rows in the imported file, and again in a file that compaction merged. */
async function importedAndMerged(values: readonly string[], check: (place: string) => Promise<void>): Promise<void> {
  await engine.appendFile('t', await parquetFile(values));
  await check('imported');
  await engine.append('t', [{ id: 100 }]);
  await engine.compact();
  expect(engine.table('t').files).toHaveLength(1);
  await check('merged');
}

describe.each(['double', 'float'])('NaN and infinities of an imported file, in a %s column', (column) => {
  it('read as null', async () => {
    await importedAndMerged(VALUES, async (place) => {
      const rows = await rowsAsOf(engine, 't', { kind: 'newest' });
      expect(
        rows.filter((row) => row['id'] !== 100).map((row) => row[column]),
        place,
      ).toEqual(READ);
    });
  });

  it('are not lost from ne and notIn, even where all else in the file is the operand', async () => {
    await importedAndMerged(['5', "'NaN'", '5'], async (place) => {
      expect(await idsWhere({ kind: 'compare', column, operator: 'ne', value: 5 }), place).toEqual([NAN]);
      expect(await idsWhere({ kind: 'in', column, values: [5], negated: true }), place).toEqual([NAN]);
      expect(await idsWhere({ kind: 'not', filter: { kind: 'compare', column, operator: 'eq', value: 5 } }), place).toContain(NAN);
      expect(await idsWhere({ kind: 'compare', column, operator: 'eq', value: 5 }), place).toEqual([0, 2]);
    });
  });

  it('take the same part in comparisons whether or not statistics could leave the file unread', async () => {
    const odd = ["'NaN'", "'Infinity'", "'-Infinity'"];
    const answers: unknown[][] = [];
    // With 1e30 in the file its statistics cannot rule out a row above 1000; without it they may claim to.
    for (const values of [
      ['5', ...odd, '1e30', '-1e30'],
      ['5', ...odd, '5', '5'],
    ]) {
      engine = await testEngine();
      await engine.createTable({
        name: 't',
        columns: [
          { name: 'id', type: 'INT' },
          { name: 'double', type: 'DOUBLE' },
          { name: 'float', type: 'FLOAT' },
        ],
      });
      await importedAndMerged(values, async () => {
        const found: unknown[] = [];
        for (const operator of ['gt', 'gte', 'lt', 'lte'] as const)
          for (const value of [-1000, 1000])
            found.push((await idsWhere({ kind: 'compare', column, operator, value })).filter((id) => Number(id) >= 1 && Number(id) <= 3));
        answers.push(found);
      });
    }
    for (const found of answers) expect(found).toEqual(answers[0]);
  });

  it('are counted, and no sum, average, min or max is passed off as a number', async () => {
    await importedAndMerged(VALUES, async (place) => {
      const terms = (['COUNT', 'SUM', 'AVG', 'MIN', 'MAX'] as const).map((name) => ({ function: name, column }));
      const all = await engine.read.aggregate(await newest(), { terms });
      expect(all, place).toEqual([6, null, null, null, null]);
    });
  });

  it('have a place in orders: infinities at the ends, NaN above all, nulls where nulls go', async () => {
    await importedAndMerged(VALUES, async (place) => {
      const walked: unknown[] = [];
      let after: string | undefined;
      const view = await newest();
      for (let more = true; more; ) {
        const page = await engine.read.page(view, { first: 1, after, orderBy: [{ column, direction: 'DESC_NULLS_LAST' }] });
        walked.push(...page.rows.map((row) => row.cells[0]));
        after = page.rows.length === 0 ? undefined : page.cursorAt(0);
        more = page.hasNextPage && walked.length < 20;
      }
      expect(
        walked.filter((id) => id !== 100),
        place,
      ).toEqual([1, 4, 0, 3, 6, 5, 2]);
    });
  });
});
