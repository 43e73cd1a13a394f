import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Duck } from '../../src/engine/data/duckdb.ts';
import { failureOf, temporaryDirectory, testEngine } from '../support/support.ts';

async function duck(connections: number): Promise<Duck> {
  const directory = await temporaryDirectory();
  return Duck.open({
    dataDirectory: directory,
    spillDirectory: `${directory}/spill`,
    memoryLimitBytes: 256e6,
    spillLimitBytes: 256e6,
    threads: 1,
    connections,
  });
}

/** Holds a connection until it is let go. */
function hold(duckdb: Duck): { readonly held: Promise<void>; readonly letGo: () => void } {
  let letGo = (): void => {};
  const released = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  return { held: duckdb.withConnection(() => released), letGo };
}

describe('a query that waits for a connection', () => {
  it('waits no longer than its own time, and then runs no more', async () => {
    const duckdb = await duck(1);
    const { held, letGo } = hold(duckdb);
    expect(await failureOf(duckdb.run('SELECT 1', [], { timeoutMs: 20 }))).toMatchObject({
      code: 'OVERLOADED',
      details: { retryAfterMs: expect.any(Number), limit: 'queryWaitMs', maximum: 20 },
    });
    expect(duckdb.load).toEqual({ running: 1, waiting: 0 });
    letGo();
    await held;
    expect((await duckdb.run('SELECT 1', [], { timeoutMs: 10_000 })).rowCount).toBe(1);
    expect(await duckdb.close(1_000)).toBe(true);
  });

  it('has for running what waiting left of its time', async () => {
    const duckdb = await duck(1);
    const { held, letGo } = hold(duckdb);
    const timeoutMs = 600_000;
    // Ends what would run for ten minutes, so that the test fails with a reason.
    const signal = AbortSignal.timeout(30_000);
    const waiting = failureOf(
      duckdb.run('SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b', [], { timeoutMs, signal }),
    );
    expect(duckdb.load).toEqual({ running: 1, waiting: 1 });
    // All but a moment of its time goes by while it waits.
    const now = performance.now.bind(performance);
    const later = vi.spyOn(performance, 'now').mockImplementation(() => now() + timeoutMs - 50);
    onTestFinished(() => later.mockRestore());
    letGo();
    expect(await waiting).toMatchObject({ code: 'QUERY_TIMEOUT', details: { timeoutMs } });
    await held;
    await duckdb.close(1_000);
  });

  it('goes with its client', async () => {
    const duckdb = await duck(1);
    const { held, letGo } = hold(duckdb);
    const client = new AbortController();
    const waiting = failureOf(duckdb.run('SELECT 1', [], { signal: client.signal }));
    client.abort(new Error('gone'));
    expect((await waiting).message).toBe('gone');
    letGo();
    await held;
    await duckdb.close(1_000);
  });
});

describe('closing', () => {
  it('refuses what waits and interrupts what runs, past the time that they are given', async () => {
    const duckdb = await duck(1);
    const running = failureOf(duckdb.run('SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b'));
    const waiting = failureOf(duckdb.run('SELECT 1'));
    expect(await duckdb.close(10)).toBe(true);
    expect(await waiting).toMatchObject({ code: 'SHUTTING_DOWN' });
    expect((await running).message).toMatch(/interrupt/i);
    expect(await failureOf(duckdb.run('SELECT 1'))).toMatchObject({ code: 'SHUTTING_DOWN' });
  });

  it('ends although a connection is never given back, and then leaves DuckDB open', async () => {
    const duckdb = await duck(1);
    const { held, letGo } = hold(duckdb);
    expect(await duckdb.close(10)).toBe(false);
    letGo();
    await held;
  });

  it('an engine closes while a query runs that nobody ends; a change that waits is refused, and nothing is done', async () => {
    const engine = await testEngine({ queryConnections: 1, queryTimeoutMs: 600_000 });
    await engine.createTable({ name: 't', columns: [{ name: 'k', type: 'LONG' }] });
    await engine.append(
      't',
      Array.from({ length: 30_000 }, (_, k) => ({ k })),
    );
    await engine.compact('t');
    const { snapshotId } = await engine.read.resolve({ kind: 'newest' });
    const at = await engine.read.tableAt(engine.table('t'), snapshotId);
    if (at === undefined) throw new Error('there is a table');
    const slow = Array.from({ length: 400 }, (_, index) => ({ kind: 'compare', column: 'k', operator: 'ne', value: -index - 1 }) as const);
    const reads = Array.from({ length: 20 }, () =>
      engine.read
        .page(at, { where: { kind: 'and', filters: slow }, orderBy: [{ column: 'k', direction: 'DESC' }] })
        .catch((error: unknown) => error),
    );
    const change = engine.delete('t', { kind: 'and', filters: [] }).catch((error: unknown) => error);
    await engine.close(50);
    for (const outcome of await Promise.all([...reads, change]))
      if (outcome instanceof Error) expect(outcome).not.toBeInstanceOf(TypeError);
  });
});
