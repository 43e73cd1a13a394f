import { describe, expect, it, vi } from 'vitest';
import {
  type CommitFigures,
  type Engine,
  type EngineObserver,
  type Filter,
  LIMITS,
  type MaintenanceFigures,
  openEngine,
  type QueryFigures,
  type RoundFigures,
} from '../../src/engine/index.ts';
import { eq, failureOf, temporaryDirectory, testEngine } from '../support/support.ts';

const NEVER = { flushRows: 1e9, flushBytes: 1e12, autoCompact: false };
const PEOPLE = {
  name: 'people',
  columns: [
    { name: 'id', type: 'INT' as const, required: true },
    { name: 'name', type: 'STRING' as const },
  ],
  primaryKey: ['id'],
};
const NAMED: Filter = eq('name', 'person 3');
const people = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => ({ id: from + index, name: `person ${index}` }));

class Notes implements EngineObserver {
  readonly commits: CommitFigures[] = [];
  readonly rounds: RoundFigures[] = [];
  readonly queries: QueryFigures[] = [];
  readonly maintenance: MaintenanceFigures[] = [];
  onCommit = (figures: CommitFigures): void => void this.commits.push(figures);
  onRound = (figures: RoundFigures): void => void this.rounds.push(figures);
  onQuery = (figures: QueryFigures): void => void this.queries.push(figures);
  onMaintenance = (figures: MaintenanceFigures): void => void this.maintenance.push(figures);
}

async function observedEngine(options: Parameters<typeof testEngine>[0] = {}): Promise<{ engine: Engine; notes: Notes }> {
  const notes = new Notes();
  const engine = await testEngine({ maintenance: NEVER, ...options, observer: notes });
  await engine.createTable(PEOPLE);
  return { engine, notes };
}

/** Many patterns over every name. */
const SLOW: Filter = {
  kind: 'or',
  filters: Array.from({ length: 100 }, (_, index) => ({ kind: 'text', column: 'name', operator: 'ilike', value: `%x%${index}y%` })),
};

async function pageOf(engine: Engine, where: Filter, options: { readonly signal?: AbortSignal } = {}): Promise<number> {
  const at = await engine.read.tableAt(engine.table('people'), engine.headSnapshotId);
  if (at === undefined) throw new Error('no table');
  return (await engine.read.page(at, { first: 10, where }, options)).rows.length;
}

describe('an observer of the engine is told', () => {
  it('of each commit, once it is durable: what it did, how long it took, how many bytes its rows have', async () => {
    const { engine, notes } = await observedEngine();
    const { commit } = await engine.append('people', people(1, 3));
    await engine.update('people', eq('id', 1), { name: 'other' });
    await engine.append('people', people(100, 5000));
    expect(notes.commits.map(({ commit: { snapshots } }) => snapshots.map(({ operation }) => operation))).toEqual([
      ['CREATE'],
      ['APPEND'],
      ['UPDATE'],
      ['APPEND'],
    ]);
    expect(notes.commits[1]?.commit).toBe(commit);
    const [create, small, update, large] = notes.commits.map(({ bytes }) => bytes);
    expect(create).toBe(0);
    expect(engine.statistics().hotBytes).toBe((small ?? 0) + (update ?? 0));
    expect(engine.statistics().dataFileBytes).toBe(large);
    expect(small).toBeGreaterThan(0);
    for (const { durationMs } of notes.commits) expect(durationMs).toBeGreaterThan(0);
  });

  it('of each round: commits that wait while another is written share one write', async () => {
    const { engine, notes } = await observedEngine();
    notes.rounds.length = 0;
    await Promise.all(Array.from({ length: 40 }, (_, index) => engine.append('people', people(index, 1))));
    expect(notes.rounds.reduce((sum, { commits }) => sum + commits, 0)).toBe(40);
    expect(notes.rounds.length).toBeLessThan(40);
    for (const { writeMs } of notes.rounds) expect(writeMs).toBeGreaterThan(0);
  });

  it('of nothing that was refused or done before', async () => {
    const { engine, notes } = await observedEngine();
    await engine.append('people', people(1, 1), { idempotencyKey: 'once' });
    const told = [notes.commits.length, notes.rounds.length];
    expect(await engine.append('people', people(1, 1), { idempotencyKey: 'once' })).toMatchObject({ replayed: true });
    expect(await failureOf(engine.append('people', people(1, 1)))).toMatchObject({ code: 'INVALID_ROW' });
    expect([notes.commits.length, notes.rounds.length]).toEqual(told);
  });

  it('of each query: that it went well, or was refused since too many wait', async () => {
    const { engine, notes } = await observedEngine({ queryConnections: 1 });
    await engine.append('people', people(1, 20));
    expect(await pageOf(engine, NAMED)).toBe(1);
    // The hot rows are loaded into DuckDB, then scanned.
    expect(notes.queries.map(({ outcome }) => outcome)).toEqual(['ok', 'ok']);
    for (const { runMs, waitMs } of notes.queries) expect([runMs > 0, waitMs >= 0]).toEqual([true, true]);
    notes.queries.length = 0;
    const many = await Promise.allSettled(Array.from({ length: 400 }, () => pageOf(engine, NAMED)));
    const refused = many.filter((one) => one.status === 'rejected').length;
    expect(refused).toBe(400 - 1 - LIMITS.queryQueueMax);
    expect(notes.queries.filter(({ outcome }) => outcome === 'refused')).toHaveLength(refused);
    expect(notes.queries.filter(({ outcome }) => outcome === 'ok')).toHaveLength(400 - refused);
    const last = notes.queries.at(-1);
    expect(last?.waitMs).toBeGreaterThan(last?.runMs ?? 0);
  });

  it('of each query that was stopped by its time limit, or whose client went away while it ran or waited', async () => {
    const { engine, notes } = await observedEngine({ queryConnections: 1, threads: 1 });
    await engine.append('people', people(1, 90_000));
    notes.queries.length = 0;
    const leaving = new AbortController();
    const left = [1, 2, 3].map(() => failureOf(pageOf(engine, SLOW, { signal: leaving.signal })));
    await vi.waitFor(() => expect(engine.statistics()).toMatchObject({ queriesRunning: 1, queriesWaiting: 2 }), {
      interval: 1,
      timeout: 20_000,
    });
    leaving.abort();
    await Promise.all(left);
    expect(notes.queries.map(({ outcome }) => outcome)).toEqual(['cancelled', 'cancelled', 'cancelled']);
    notes.queries.length = 0;
    const at = await engine.read.tableAt(engine.table('people'), engine.headSnapshotId);
    if (at === undefined) throw new Error('no table');
    expect(await failureOf(engine.read.page(at, { where: SLOW }, { timeoutMs: 1 }))).toMatchObject({ code: 'QUERY_TIMEOUT' });
    expect(notes.queries.map(({ outcome }) => outcome)).toEqual(['timeout']);
  });

  it('of flush, compaction, expiry and erasure: what went in and came out, and of none that had nothing to do', async () => {
    const { engine, notes } = await observedEngine();
    await engine.compact();
    expect(notes.maintenance).toEqual([]);
    await engine.append('people', people(1, 30));
    const hot = engine.statistics();
    expect(hot).toMatchObject({ hotRows: 30, dataFiles: 0 });
    await engine.compact();
    const flushed = engine.statistics();
    const nothing = { rows: 0, snapshots: 0, filesIn: 0, bytesIn: 0, filesOut: 0, bytesOut: 0 };
    const flush = {
      ...nothing,
      task: 'flush',
      outcome: 'ok',
      rows: 30,
      bytesIn: hot.hotBytes,
      filesOut: 1,
      bytesOut: flushed.dataFileBytes,
    };
    expect(notes.maintenance).toEqual([{ ...flush, durationMs: expect.any(Number) as number }]);
    await engine.append('people', people(101, 5000));
    notes.maintenance.length = 0;
    const two = engine.statistics();
    await engine.compact();
    const merged = { filesIn: 2, bytesIn: two.dataFileBytes, filesOut: 1, bytesOut: engine.statistics().dataFileBytes };
    expect(notes.maintenance).toMatchObject([{ ...nothing, task: 'compact', outcome: 'ok', rows: 5030, ...merged }]);
    notes.maintenance.length = 0;
    await engine.expireSnapshots({ retainLast: 1, dryRun: true });
    expect(notes.maintenance).toEqual([]);
    const { removedSnapshots } = await engine.expireSnapshots({ retainLast: 1 });
    await engine.expireSnapshots({ retainLast: 1 });
    expect(removedSnapshots).toBe(1);
    expect(notes.maintenance).toMatchObject([{ ...nothing, task: 'expire', outcome: 'ok', snapshots: 1 }]);
    notes.maintenance.length = 0;
    const before = engine.statistics().dataFileBytes;
    await engine.eraseRows({ table: 'people', where: eq('id', 7), reason: 'asked for' });
    const erased = { rows: 1, filesIn: 1, bytesIn: before, filesOut: 1, bytesOut: engine.statistics().dataFileBytes };
    expect(notes.maintenance).toMatchObject([{ ...nothing, task: 'erase', outcome: 'ok', ...erased }]);
  });

  it('of maintenance that failed', async () => {
    const { engine, notes } = await observedEngine();
    await engine.append('people', people(1, 30));
    await engine.close();
    notes.maintenance.length = 0;
    await failureOf(engine.compact());
    expect(notes.maintenance).toMatchObject([{ task: 'flush', outcome: 'error' }]);
  });
});

describe('an observer cannot harm the engine', () => {
  const failing = (fail: () => unknown): EngineObserver => ({
    onCommit: () => void 0,
    onRound: () => void 0,
    onQuery: () => void 0,
    onMaintenance: () => void 0,
    ...Object.fromEntries(['onCommit', 'onRound', 'onQuery', 'onMaintenance'].map((name) => [name, fail])),
  });
  const bad = () => Promise.reject(new Error('no figures today'));

  it.each([
    [
      'at once',
      () =>
        failing(() => {
          throw new Error('no figures today');
        }),
    ],
    ['later', () => failing(bad)],
  ])('one that fails %s is reported once, and every commit, query and flush is as without it', async (_when, observer) => {
    const reported: unknown[][] = [];
    const engine = await openEngine({
      directory: await temporaryDirectory(),
      maintenance: NEVER,
      observer: observer(),
      onBackgroundError: (error, task) => reported.push([(error as Error).message, task]),
    });
    await engine.createTable(PEOPLE);
    const results = await Promise.all(Array.from({ length: 20 }, (_, index) => engine.append('people', people(index, 1))));
    expect(new Set(results.map(({ commit }) => commit?.snapshotId)).size).toBe(20);
    await engine.compact();
    await engine.append('people', people(100, 1));
    expect(await pageOf(engine, NAMED)).toBe(0);
    expect(engine.headSnapshotId).toBe(22);
    expect(reported).toEqual([['no figures today', 'observer']]);
    await engine.close();
  });

  it('without one, a commit looks at the running clock for its timestamp alone', async () => {
    const measured = async (observer: EngineObserver | undefined): Promise<number> => {
      const engine = await testEngine({ maintenance: NEVER, observer });
      await engine.createTable(PEOPLE);
      const now = vi.spyOn(performance, 'now');
      await engine.append('people', people(1, 1));
      const calls = now.mock.calls.length;
      now.mockRestore();
      return calls;
    };
    const forTimestamps = await measured(undefined);
    expect(forTimestamps).toBeLessThanOrEqual(2);
    expect(await measured(new Notes())).toBeGreaterThan(forTimestamps);
  });
});
