/** How long a change of one table's columns holds the event loop, with many tables: types by table, against all built anew. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { validateSchema } from 'graphql';
import { type CommitOperation, type Engine, openEngine, Session } from '../../src/engine/index.ts';
import { typedTable } from '../../src/resolvers/table-types.ts';
import { buildSchema } from '../../src/schema/build.ts';
import { SchemaProvider } from '../../src/schema/index.ts';
import { type BenchOptions, type Figures, median, type Report, rounded, withDirectory } from '../support.ts';

const TARGET_MS = 100;
const TARGET_MIB = 600;
const TYPES = ['LONG', 'STRING', 'DOUBLE', 'INT', 'TIMESTAMPTZ', 'BOOLEAN', 'DECIMAL', 'DATE', 'UUID', 'JSON', 'FLOAT', 'STRING'] as const;
const CHANGES = 10;
const BASELINE_CHANGES = 3;

function tables(from: number, to: number): CommitOperation[] {
  return Array.from({ length: to - from }, (_, index) => ({
    kind: 'createTable',
    definition: {
      name: `table${from + index}`,
      columns: TYPES.map((type, column) => ({ name: `column_${column}`, type, ...(column === 0 ? { required: true } : {}) })),
      primaryKey: ['column_0'],
    },
  }));
}

/** The longest that the event loop was held after each of some changes, until its schema was there, milliseconds. */
async function stalls(engine: Engine, changes: number, build: () => unknown): Promise<number[]> {
  const found: number[] = [];
  const delay = monitorEventLoopDelay({ resolution: 1 });
  for (let change = 0; change < changes; change += 1) {
    await engine.alterTable('table0', [{ kind: 'setDescription', description: `change ${change}` }]);
    delay.reset();
    delay.enable();
    // What it sees first it only counts from.
    await pause();
    await build();
    // The monitor sees a turn that was late only after it.
    await pause();
    delay.disable();
    found.push(delay.max / 1e6);
  }
  return found;
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

export async function schema({ quick, note }: BenchOptions): Promise<Report> {
  const figures: Record<string, Figures> = {};
  const sizes = quick ? [10, 30] : [10, 100, 300, 600];
  const own: { readonly stall: number; readonly worst: number; readonly rss: number }[] = [];
  const anew: number[] = [];
  await withDirectory(async (directory) => {
    const engine = await openEngine({ directory });
    const provider = new SchemaProvider(new Session(engine));
    let made = 0;
    for (const count of sizes) {
      note(`${count} tables`);
      for (; made < count; made = Math.min(count, made + 50)) await engine.commit(tables(made, Math.min(count, made + 50)));
      await provider.prepare();
      const found = await stalls(engine, quick ? 3 : CHANGES, () => provider.prepare());
      own.push({ stall: median(found), worst: Math.max(...found), rss: process.memoryUsage().rss / 2 ** 20 });
    }
    // Afterwards, since it takes memory that does not go back at once.
    for (const count of sizes) {
      note(`${count} tables, all types built anew`);
      const some = engine.tables().slice(0, count).map(typedTable);
      anew.push(median(await stalls(engine, quick ? 1 : BASELINE_CHANGES, () => validateSchema(buildSchema(some)))));
    }
    await engine.close();
  });
  for (const [at, count] of sizes.entries())
    figures[`${count} tables`] = {
      'stall ms': rounded(own[at]?.stall ?? Number.NaN),
      'worst ms': rounded(own[at]?.worst ?? Number.NaN),
      'all built anew ms': rounded(anew[at] ?? Number.NaN),
      'resident MiB': rounded(own[at]?.rss ?? Number.NaN),
    };
  const last = own.at(-1) ?? { stall: Number.NaN, rss: Number.NaN };
  return {
    case: 'schema',
    ratio: rounded(last.stall / (anew.at(-1) ?? Number.NaN)),
    baseline: 'the stall of all types built anew',
    target: `under ${TARGET_MS} ms and ${TARGET_MIB} MiB`,
    met: quick ? null : last.stall < TARGET_MS && last.rss < TARGET_MIB,
    figures,
  };
}
