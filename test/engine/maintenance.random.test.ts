import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asRowId, asSnapshotId, type Engine, openEngine, type TableAt } from '../../src/engine/index.ts';
import { scaled, seedOf } from '../support/random.ts';
import { temporaryDirectory } from '../support/support.ts';

/** What a user may do, in any order, while flush and compaction run by themselves. */
type Action =
  | { readonly kind: 'append'; readonly rows: number }
  | { readonly kind: 'read'; readonly part: number; readonly offset: number }
  | { readonly kind: 'compact' }
  | { readonly kind: 'reopen' };

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('append' as const), rows: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('append' as const), rows: fc.integer({ min: 20, max: 120 }) }) },
  // Over 64 KB: staged as a file.
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('append' as const), rows: fc.integer({ min: 700, max: 1000 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('read' as const),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
      offset: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'compact' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'reopen' as const }) },
);

const rowOf = (n: number): { n: string; half: number | null; text: string } => ({
  n: String(n),
  half: n % 7 === 0 ? null : n / 2,
  text: `row ${n} `.repeat(12),
});

/** The plain model: rows only come, so a state is a count; `states` keeps one for each snapshot. */
interface Model {
  /** Rows of the table after each snapshot; index 0 is the snapshot that created it. */
  readonly states: { readonly snapshotId: number; readonly rows: number }[];
  /** The snapshot that brought each row. */
  readonly from: number[];
}

class Run {
  readonly #directory: string;
  readonly #byId: boolean;
  readonly #failures: unknown[] = [];
  readonly #model: Model = { states: [], from: [] };
  #engine: Engine | undefined;

  /** `byId`: rows are asked for by the ids of their versions too. */
  constructor(directory: string, { byId }: { readonly byId: boolean }) {
    this.#directory = directory;
    this.#byId = byId;
  }

  async #open(): Promise<Engine> {
    this.#engine ??= await openEngine({
      directory: this.#directory,
      threads: 2,
      maintenance: { flushRows: 50, flushBytes: 1e9, autoCompact: true },
      onBackgroundError: (error) => this.#failures.push(error),
    });
    return this.#engine;
  }

  async begin(): Promise<void> {
    const engine = await this.#open();
    const { commit } = await engine.createTable({
      name: 'numbers',
      columns: [
        { name: 'n', type: 'LONG' },
        { name: 'half', type: 'DOUBLE' },
        { name: 'text', type: 'STRING' },
      ],
    });
    this.#model.states.push({ snapshotId: commit?.snapshotId ?? 0, rows: 0 });
  }

  async act(wanted: Action): Promise<void> {
    const engine = await this.#open();
    const { states, from } = this.#model;
    switch (wanted.kind) {
      case 'append': {
        const rows = Array.from({ length: wanted.rows }, (_, index) => rowOf(from.length + index));
        const { commit } = await engine.append('numbers', rows);
        for (const _ of rows) from.push(commit?.snapshotId ?? 0);
        states.push({ snapshotId: commit?.snapshotId ?? 0, rows: from.length });
        return;
      }
      case 'read':
        return this.#check(engine, Math.min(states.length - 1, Math.floor(wanted.part * states.length)), wanted.offset);
      case 'compact':
        await engine.compact();
        return;
      case 'reopen':
        return this.close();
    }
  }

  /** Every past state, whole. */
  async checkAll(): Promise<void> {
    const engine = await this.#open();
    for (let index = 0; index < this.#model.states.length; index += 1) await this.#check(engine, index, index / 10);
    expect((await engine.verify()).findings).toEqual([]);
  }

  async close(): Promise<void> {
    await this.#engine?.close();
    this.#engine = undefined;
    expect(this.#failures, 'failures in the background').toEqual([]);
  }

  async #check(engine: Engine, state: number, offset: number): Promise<void> {
    const { snapshotId = 0, rows = 0 } = this.#model.states[state] ?? {};
    const at = await engine.read.tableAt(engine.table('numbers'), asSnapshotId(snapshotId));
    if (at === undefined) throw new Error(`no table at ${snapshotId}`);
    expect(at.snapshot.totalRows).toBe(rows);
    expect(await engine.read.count(at, { kind: 'compare', column: 'n', operator: 'gte', value: 0 })).toBe(rows);
    await this.#checkAggregate(engine, at, rows);
    const start = Math.min(Math.max(rows - 1, 0), Math.floor(offset * rows));
    await this.#checkPages(engine, at, { rows, start });
    if (rows > 0 && this.#byId) {
      const version = { rowId: asRowId(start), fromSnapshotId: asSnapshotId(this.#model.from[start] ?? 0) };
      const row = await engine.read.rowById(at.tableId, version, at.schema.columns);
      expect(row, `row ${start} of snapshot ${version.fromSnapshotId} by its id`).toEqual({ ...version, cells: this.#cells(start) });
    }
  }

  async #checkAggregate(engine: Engine, at: TableAt, rows: number): Promise<void> {
    const terms = [
      { function: 'COUNT' },
      { function: 'SUM', column: 'n' },
      { function: 'MAX', column: 'n' },
      { function: 'COUNT_DISTINCT', column: 'text' },
    ] as const;
    const all = await engine.read.aggregate(at, { terms });
    const values = all.map((value) => (value === null ? null : Number(value)));
    expect(values).toEqual([rows, rows === 0 ? null : (rows * (rows - 1)) / 2, rows === 0 ? null : rows - 1, rows]);
  }

  /** One page in the middle, the last rows backwards, and one page in another order. */
  async #checkPages(engine: Engine, at: TableAt, { rows, start }: { rows: number; start: number }): Promise<void> {
    const first = await engine.read.page(at, { first: Math.min(1000, start + 1) });
    this.#same(first.rows, 0, Math.min(1000, start + 1, rows));
    if (first.rows.length > 0 && start < 1000) {
      const next = await engine.read.page(at, { first: 300, after: first.cursorAt(first.rows.length - 1) });
      this.#same(next.rows, start + 1, Math.min(start + 301, rows));
    }
    const last = await engine.read.page(at, { last: 200 });
    this.#same(last.rows, Math.max(0, rows - 200), rows);
    const ordered = await engine.read.page(at, { first: 5, orderBy: [{ column: 'n', direction: 'DESC' }], columns: ['n'] });
    expect(ordered.rows.map((row) => row.rowId)).toEqual([1, 2, 3, 4, 5].map((back) => rows - back).filter((n) => n >= 0));
  }

  #same(read: readonly { rowId: number; fromSnapshotId: number; cells: readonly unknown[] }[], lo: number, hi: number): void {
    expect(read.map((row) => row.rowId)).toEqual(Array.from({ length: Math.max(0, hi - lo) }, (_, index) => lo + index));
    for (const { rowId, fromSnapshotId, cells } of read) {
      if (fromSnapshotId !== this.#model.from[rowId]) expect(fromSnapshotId, `from of row ${rowId}`).toBe(this.#model.from[rowId]);
      const expected = this.#cells(rowId);
      if (cells.some((cell, column) => cell !== expected[column])) expect(cells).toEqual(expected);
    }
  }

  #cells(n: number): unknown[] {
    const { half, text } = rowOf(n);
    return [BigInt(n), half, text];
  }
}

async function anyOrder(what: string, options: { readonly byId: boolean }): Promise<void> {
  const seed = seedOf(what);
  const property = fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 40, size: 'max' }), async (actions) => {
    const run = new Run(await temporaryDirectory(), options);
    try {
      await run.begin();
      for (const wanted of actions) await run.act(wanted);
      await run.checkAll();
    } finally {
      await run.close();
    }
  });
  await fc.assert(property, { seed, numRuns: scaled(3), endOnFailure: true });
}

describe('flush and compaction never change an answer', () => {
  it('whatever is appended, read as of the past, compacted and reopened in whatever order', { timeout: 180_000 }, async () => {
    await anyOrder('random maintenance', { byId: false });
  });

  it('and each version of a row is found by its id, wherever it was moved', { timeout: 180_000 }, async () => {
    await anyOrder('random maintenance, by id', { byId: true });
  });
});
