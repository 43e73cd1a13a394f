/** What tests share: data directories that go away, and engines on them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type AsOf, type Engine, type EngineOptions, type Filter, openEngine, type RowsQuery, toWire } from '../../src/engine/index.ts';

/** A fresh directory, removed when the test ends. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-test-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
  return directory;
}

/** An engine on a fresh (or given) directory, closed when the test ends. Background failures fail the test. */
export async function testEngine(options: Partial<EngineOptions> = {}): Promise<Engine> {
  const directory = options.directory ?? (await temporaryDirectory());
  const failures: unknown[] = [];
  const engine = await openEngine({ ...options, directory, onBackgroundError: (error) => failures.push(error) });
  onTestFinished(async () => {
    await engine.close();
    if (failures.length > 0) throw failures[0];
  });
  return engine;
}

export const eq = (column: string, value: unknown): Filter => ({ kind: 'compare', column, operator: 'eq', value });

/** An engine with an empty table `t (id INT, text STRING)`, whose key is the id. */
export async function keyedTable(): Promise<Engine> {
  const engine = await testEngine();
  await engine.createTable({
    name: 't',
    columns: [
      { name: 'id', type: 'INT' },
      { name: 'text', type: 'STRING' },
    ],
    primaryKey: ['id'],
  });
  return engine;
}

/** Rows of a table as of an instant, as objects in wire form. */
export async function rowsAsOf(engine: Engine, table: string, asOf: AsOf, query: RowsQuery = {}): Promise<Record<string, unknown>[]> {
  const { snapshotId } = await engine.read.resolve(asOf);
  const at = await engine.read.tableAt(engine.table(table), snapshotId);
  if (at === undefined) throw new Error(`${table} did not exist at snapshot ${snapshotId}`);
  const page = await engine.read.page(at, { first: query.last == null ? 1000 : undefined, ...query });
  return page.rows.map((row) =>
    Object.fromEntries(page.columns.map((column, index) => [column.name, toWire(column, row.cells[index] ?? null)])),
  );
}

/** The error that work fails with; fails itself where the work succeeds. */
export async function failureOf(
  work: Promise<unknown>,
): Promise<Error & { code?: string; details?: Record<string, unknown>; hint?: string }> {
  try {
    await work;
  } catch (error) {
    return error as Error & { code?: string };
  }
  throw new Error('expected a failure');
}
