/** Changes of a table of a million rows: delete, update and upsert, against the same in a DuckDB file database. */
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { type Engine, openEngine } from '../../src/engine/index.ts';
import { importOrders, keyed, ordersSql, part, plainDuck, THREADS, unkeyed } from '../orders.ts';
import { type BenchOptions, type Figures, interleaved, median, type Report, rounded, timed, withDirectory } from '../support.ts';
import { order } from '../tables.ts';

const UPSERTED = 1000;
const WARM_UP = 2;

/** Half of the rows exist, scattered; the others are new. */
function upsertBatch(round: number, rows: number): Record<string, unknown>[] {
  return Array.from({ length: UPSERTED }, (_, at) => {
    const n = round * UPSERTED + at;
    return order(at % 2 === 0 ? (n * 7919) % rows : rows + n);
  });
}

/** Asks for the same number of rows from both sides, so that none does less. */
function expectRows(what: string, found: number, expected: number): void {
  if (found !== expected) throw new Error(`${what} changed ${found} rows, expected ${expected}`);
}

async function upsertPlain(connection: DuckDBConnection, batch: readonly Record<string, unknown>[]): Promise<void> {
  await connection.run('BEGIN');
  const appender = await connection.createAppender('batch');
  for (const row of batch) {
    appender.appendBigInt(BigInt(row['order_id'] as string));
    appender.appendBigInt(BigInt(row['customer_id'] as string));
    appender.appendDouble(row['amount'] as number);
    appender.appendVarchar(row['status'] as string);
    appender.appendVarchar(row['placed_at'] as string);
    appender.endRow();
  }
  appender.closeSync();
  await connection.run(
    `INSERT INTO upserted SELECT order_id, customer_id, amount, status, placed_at::TIMESTAMPTZ FROM batch ON CONFLICT (order_id) DO UPDATE
     SET customer_id = excluded.customer_id, amount = excluded.amount, status = excluded.status, placed_at = excluded.placed_at`,
  );
  await connection.run('DELETE FROM batch');
  await connection.run('COMMIT');
}

async function fillPlain(connection: DuckDBConnection, rows: number): Promise<void> {
  for (const name of ['deleted', 'updated', 'upserted']) {
    const key = name === 'upserted' ? ' PRIMARY KEY' : '';
    await connection.run(
      `CREATE TABLE ${name} (order_id BIGINT NOT NULL${key}, customer_id BIGINT NOT NULL, amount DOUBLE, status VARCHAR, placed_at TIMESTAMPTZ)`,
    );
    await connection.run(`INSERT INTO ${name} ${ordersSql(0, rows)}`);
  }
  await connection.run('CREATE TEMP TABLE batch (order_id BIGINT, customer_id BIGINT, amount DOUBLE, status VARCHAR, placed_at VARCHAR)');
  await connection.run('CHECKPOINT');
}

async function measure(engine: Engine, plain: DuckDBConnection, rows: number, rounds: number): Promise<Record<string, number[]>> {
  const counts = { deleted: [] as number[], updated: [] as number[] };
  const next: Record<string, number> = {};
  const at = (name: string): number => {
    const round = next[name] ?? 0;
    next[name] = round + 1;
    return round;
  };
  const counted = async (name: 'deleted' | 'updated', round: number, run: () => Promise<number>): Promise<number> => {
    let found = 0;
    const ms = await timed(async () => {
      found = await run();
    });
    counts[name][round] ??= found;
    expectRows(name, found, counts[name][round] as number);
    return ms;
  };
  return interleaved(rounds, {
    delete: () => {
      const round = at('delete');
      return counted('deleted', round, async () => (await engine.delete('deleted', part(round).where)).deletedRows);
    },
    'delete, plain': () => {
      const round = at('delete, plain');
      return counted('deleted', round, async () => (await plain.run(`DELETE FROM deleted WHERE ${part(round).sql}`)).rowsChanged);
    },
    update: () => {
      const round = at('update');
      const set = { status: 'shipped', amount: round + 0.25 };
      return counted('updated', round, async () => (await engine.update('updated', part(round).where, set)).updatedRows);
    },
    'update, plain': () => {
      const round = at('update, plain');
      const sql = `UPDATE updated SET status = 'shipped', amount = ${round} + 0.25 WHERE ${part(round).sql}`;
      return counted('updated', round, async () => (await plain.run(sql)).rowsChanged);
    },
    upsert: async () => {
      const batch = upsertBatch(at('upsert'), rows);
      let found = { insertedRows: 0, updatedRows: 0 };
      const ms = await timed(async () => {
        found = await engine.upsert('upserted', batch);
      });
      expectRows('upsert', found.updatedRows, UPSERTED / 2);
      expectRows('upsert', found.insertedRows, UPSERTED / 2);
      return ms;
    },
    'upsert, plain': () => timed(() => upsertPlain(plain, upsertBatch(at('upsert, plain'), rows))),
  });
}

export function change({ quick, note }: BenchOptions): Promise<Report> {
  const rows = quick ? 100_000 : 1_000_000;
  const rounds = quick ? 3 : 9;
  return withDirectory(async (directory) => {
    // Without compaction on its own, loose ends of every round pile up: that is dearer for the engine, and steady.
    const engine = await openEngine({ directory: join(directory, 'tidemark'), maintenance: { autoCompact: false } });
    const duck = await plainDuck(join(directory, 'plain.duckdb'));
    try {
      const setup = await timed(async () => {
        for (const name of ['deleted', 'updated']) await importOrders(engine, directory, unkeyed(name), rows);
        await importOrders(engine, directory, keyed('upserted'), rows);
        await fillPlain(duck.connection, rows);
      });
      note(`three tables of ${rows} rows on each side, ${Math.round(setup / 1000)} s`);
      const found = await measure(engine, duck.connection, rows, rounds + WARM_UP);
      const kept = (name: string): number => median((found[name] ?? []).slice(WARM_UP));
      const figures: Record<string, Figures> = {};
      for (const name of ['delete', 'update', 'upsert']) {
        const [ours, theirs] = [kept(name), kept(`${name}, plain`)];
        figures[name === 'upsert' ? `upsert of ${UPSERTED}` : `${name} of ${rows / 100}`] = {
          ratio: rounded(ours / theirs),
          'tidemark ms': rounded(ours),
          'duckdb ms': rounded(theirs),
          'first ms': rounded(found[name]?.[0] ?? Number.NaN),
          'last ms': rounded(found[name]?.at(-1) ?? Number.NaN),
        };
      }
      return {
        case: 'change',
        ratio: rounded(Math.max(...Object.values(figures).map((one) => Number(one['ratio'])))),
        baseline: `the same change in a DuckDB file database of ${rows} rows, synced, ${THREADS} threads (the highest of the three)`,
        target: 'none',
        met: null,
        figures,
      };
    } finally {
      duck.close();
      await engine.close();
    }
  });
}
