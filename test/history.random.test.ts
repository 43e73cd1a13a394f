import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  asSnapshotId,
  asTableId,
  type ChangeResult,
  type CommitOperation,
  type Direction,
  type Engine,
  openEngine,
  type TableAt,
  toWire,
} from '../src/engine/index.ts';
import {
  type Counts,
  type ModelColumn,
  type ModelCommit,
  ModelHistory,
  ModelRefusal,
  type ModelRow,
  type ModelTable,
  rowMatches,
  rowsBy,
  type State,
} from './history-model.ts';
import { concrete, operation, randomFilter, randomKey, TABLES, type WantedOperation } from './history-operations.ts';
import { randomNumbers } from './random.ts';
import { temporaryDirectory } from './support.ts';

const RUNS = Number(process.env['TIDEMARK_RANDOM_RUNS'] ?? 25);
const SEED = Number(process.env['TIDEMARK_RANDOM_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
/** Looking for the smallest sequence takes long. */
const SHRINK = process.env['TIDEMARK_RANDOM_SHRINK'] !== undefined;

/** One step of a sequence: a further kind is one more method of World and one more arbitrary here. */
type Step = (world: World) => Promise<void>;

const named = (text: string, step: Step): Step => Object.assign(step, { [fc.toStringMethod]: () => text });
const tableAt = fc.nat({ max: TABLES.length - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 14, arbitrary: operation.map((wanted) => named('one', (world) => world.commit([wanted]))) },
  {
    weight: 6,
    arbitrary: fc.array(operation, { minLength: 2, maxLength: 5 }).map((wanted) => named('several', (world) => world.commit(wanted))),
  },
  { weight: 1, arbitrary: tableAt.map((at) => named(`compact ${at}`, (world) => world.compact(at))) },
  { weight: 1, arbitrary: fc.constant(named('reopen', (world) => world.reopen())) },
);

/** An engine and its model, which take the same steps. */
class World {
  readonly #directory: string;
  readonly #flushRows: number;
  readonly #below: (below: number) => number;
  readonly #failures: unknown[] = [];
  readonly #model = new ModelHistory();
  #engine: Engine | undefined;
  /** What was done, for the message of a failure. */
  readonly done: string[] = [];

  constructor(directory: string, { flushRows, seed }: { readonly flushRows: number; readonly seed: number }) {
    this.#directory = directory;
    this.#flushRows = flushRows;
    this.#below = randomNumbers(seed);
  }

  async #open(): Promise<Engine> {
    this.#engine ??= await openEngine({
      directory: this.#directory,
      threads: 2,
      maintenance: { flushRows: this.#flushRows, flushBytes: 1e9, autoCompact: true },
      onBackgroundError: (error) => this.#failures.push(error),
    });
    return this.#engine;
  }

  async close(): Promise<void> {
    await this.#engine?.close();
    this.#engine = undefined;
    expect(this.#failures, 'failures in the background').toEqual([]);
  }

  async commit(wanted: readonly WantedOperation[]): Promise<void> {
    const engine = await this.#open();
    const commit = this.#model.begin();
    const operations: CommitOperation[] = [];
    const refusal = refusalOf(() => {
      for (const one of wanted) {
        const next = concrete(commit, one);
        if (
          process.env['HUNT'] &&
          ['delete', 'update', 'replace'].includes(next.kind) &&
          (commit.table((next as { table: string }).table)?.id ?? 0) > this.#model.tables.length
        )
          continue;
        operations.push(next);
        commit.apply(next);
      }
    });
    this.done.push(`${readable(operations)}${refusal === undefined ? '' : ` (${refusal.code}: ${refusal.message})`}`);
    if (operations.length === 0) return;
    if (refusal === undefined) return this.#committed(await send(engine, operations), commit);
    const answer = await send(engine, operations).then(
      () => 'success',
      (error: unknown) => (error as { code?: string }).code ?? error,
    );
    expect(answer, refusal.message).toBe(refusal.code);
    expect(engine.headSnapshotId, 'the newest snapshot after a refusal').toBe(this.#model.snapshotId);
  }

  #committed(result: ChangeResult, commit: ModelCommit): void {
    const changed = this.#model.commit(commit);
    expect(result.commit?.snapshotId ?? null, 'the commit').toBe(changed.length === 0 ? null : this.#model.snapshotId);
    if (result.commit === null) return;
    const made = result.snapshots.map((snapshot) => ({ table: snapshot.tableId as number, ...factsOf(snapshot) }));
    expect(made.sort((left, right) => left.table - right.table)).toEqual(
      changed.map(({ id, state }) => ({ table: id, ...factsOf(state) })),
    );
    const sum = (key: 'insertedRows' | 'updatedRows' | 'deletedRows'): number =>
      changed.reduce((total, { state }) => total + state[key], 0);
    for (const key of ['insertedRows', 'updatedRows', 'deletedRows'] as const) expect(result[key], key).toBe(sum(key));
  }

  async compact(at: number): Promise<void> {
    const name = TABLES[at]?.name ?? '';
    if (this.#model.named(name) === undefined) return;
    this.done.push(`compact ${name}`);
    await (await this.#open()).compact(name);
    await this.checkAll();
  }

  async reopen(): Promise<void> {
    this.done.push('reopen');
    await this.close();
    await this.checkAll();
  }

  /** Every snapshot of every table, and the checksums of everything. */
  async checkAll(): Promise<void> {
    const engine = await this.#open();
    expect(engine.headSnapshotId).toBe(this.#model.snapshotId);
    expect(engine.tables(true).map(({ id, name }) => ({ id, name }))).toEqual(this.#model.tables.map(({ id, name }) => ({ id, name })));
    for (const table of this.#model.tables) {
      for (const [index, { snapshotId }] of table.states.entries()) {
        // Some snapshot up to the table's next one.
        const until = table.states[index + 1]?.snapshotId ?? this.#model.snapshotId + 1;
        await this.#check(engine, table, snapshotId + this.#below(until - snapshotId));
      }
    }
    expect((await engine.verify()).findings).toEqual([]);
  }

  async #check(engine: Engine, table: ModelTable, snapshotId: number): Promise<void> {
    const state = this.#model.at(table, snapshotId);
    const what = `table ${table.id} (${table.name}) at snapshot ${snapshotId}`;
    const stored = engine.tableById(asTableId(table.id));
    if (stored === undefined) throw new Error(`no table ${table.id}`);
    const at = await engine.read.tableAt(stored, asSnapshotId(snapshotId));
    if (state === undefined || at === undefined) {
      expect(at === undefined, `${what} is not there`).toBe(state === undefined);
      return;
    }
    expect(at.snapshot.snapshotId, what).toBe(state.snapshotId);
    expect(at.snapshot.totalRows, `totalRows of ${what}`).toBe(state.rows.length);
    expect(at.schema.primaryKey, `key of ${what}`).toEqual(state.key);
    expect(
      at.schema.columns.map((column) => ({ ...columnFacts(column), default: toWire(column, column.default) })),
      `columns of ${what}`,
    ).toEqual(state.columns);
    same(await read(engine, at, {}), state.rows, what);
    const where = randomFilter(state, this.#below);
    const found = state.rows.filter((row) => rowMatches(state, where, row.values));
    same(await read(engine, at, { where }), found, `${what} where ${readable(where)}`);
    expect(await engine.read.count(at, where), `count of ${what} where ${readable(where)}`).toBe(found.length);
    const column = state.columns[this.#below(state.columns.length)]?.name ?? '';
    const direction = (['ASC', 'DESC', 'ASC_NULLS_FIRST', 'DESC_NULLS_LAST'] as const)[this.#below(4)] as Direction;
    const ordered = rowsBy(state, state.rows, column, direction);
    same(await read(engine, at, { orderBy: [{ column, direction }] }), ordered, `${what} by ${column} ${direction}`);
    if (state.key.length > 0) await this.#checkKeys(engine, at, table, state);
  }

  /** Keys are asked for by the names that their columns have now. */
  async #checkKeys(engine: Engine, at: TableAt, table: ModelTable, state: State): Promise<void> {
    const names = table.states.at(-1)?.key ?? [];
    if (process.env['HUNT'] && names.some((name, at) => name !== state.key[at] && state.columns.some((column) => column.name === name)))
      return;
    const places = state.key.map((name) => state.columns.findIndex((column) => column.name === name));
    const known = state.rows.filter(() => this.#below(state.rows.length) < 3).map((row) => places.map((place) => row.values[place]));
    for (const key of [...known, randomKey(state, this.#below), randomKey(state, this.#below)]) {
      const row = await engine.read.rowByKey(at, Object.fromEntries(names.map((name, index) => [name, key[index]])), at.schema.columns);
      const expected = state.rows.find(({ values }) => places.every((place, index) => values[place] === key[index]));
      const what = `row ${readable(key)} of table ${table.id} (${table.name}) at ${at.snapshotId}`;
      same(row === undefined ? [] : [wireRow(at.schema.columns, row)], expected === undefined ? [] : [expected], what);
    }
  }
}

type Facts = Counts & Pick<State, 'operation'>;

function factsOf({ operation: name, insertedRows, updatedRows, deletedRows }: Facts): Facts {
  return { operation: process.env['HUNT'] && name !== 'DROP' && name !== 'CREATE' ? '' : name, insertedRows, updatedRows, deletedRows };
}

type Columns = TableAt['schema']['columns'];

const columnFacts = ({ name, type, required }: Columns[number]): Omit<ModelColumn, 'default'> => ({ name, type, required });

function wireRow(columns: Columns, { rowId, fromSnapshotId, cells }: ReadRow): ModelRow {
  return { row: rowId, from: fromSnapshotId, values: columns.map((column, index) => toWire(column, cells[index] ?? null)) };
}

type ReadRow = Awaited<ReturnType<Engine['read']['page']>>['rows'][number];

async function read(engine: Engine, at: TableAt, query: Parameters<Engine['read']['page']>[1]): Promise<ModelRow[]> {
  const page = await engine.read.page(at, { first: 1000, ...query });
  expect(page.hasNextPage).toBe(false);
  return page.rows.map((row) => wireRow(page.columns, row));
}

/** Compares rows; what is too long to be read in a message only by its length and its ends. */
function same(rows: readonly ModelRow[], expected: readonly ModelRow[], what: string): void {
  const short = (list: readonly ModelRow[]): string[] =>
    list.map(({ row, from, values }) => `row ${row} from ${from}: ${JSON.stringify(values.map(shortened))}`);
  expect(short(rows), what).toEqual(short(expected));
}

function shortened(value: unknown): unknown {
  return typeof value === 'string' && value.length > 100 ? `${value.slice(0, 4)}... ${value.length}` : value;
}

const readable = (value: unknown): string => JSON.stringify(value, (_key, part: unknown) => shortened(part));

function refusalOf(work: () => void): ModelRefusal | undefined {
  try {
    work();
  } catch (error) {
    if (error instanceof ModelRefusal) return error;
    throw error;
  }
  return undefined;
}

/** One operation goes through the method of its name, several through commit. */
async function send(engine: Engine, operations: readonly CommitOperation[]): Promise<ChangeResult> {
  const [one] = operations;
  if (operations.length > 1 || one === undefined) return engine.commit(operations);
  switch (one.kind) {
    case 'append':
      return engine.append(one.table, one.rows);
    case 'upsert':
      return engine.upsert(one.table, one.rows);
    case 'replace':
      return engine.replace(one.table, one.rows, one.where);
    case 'delete':
      return engine.delete(one.table, one.where);
    case 'update':
      return engine.update(one.table, one.where, one.set);
    case 'createTable':
      return { ...(await engine.createTable(one.definition)), rows: [] };
    case 'alterTable':
      return { ...(await engine.alterTable(one.table, one.changes)), rows: [] };
    case 'dropTable':
      return { ...(await engine.dropTable(one.table)), rows: [] };
  }
}

describe('every snapshot equals a plain in-memory model', () => {
  it('whatever is committed, refused, compacted and reopened in whatever order', { timeout: 600_000 }, async () => {
    const sequence = fc.record({
      steps: fc.array(step, { minLength: 5, maxLength: 45, size: 'max' }),
      flushRows: fc.constantFrom(12, 20_000),
      seed: fc.nat(),
    });
    const property = fc.asyncProperty(sequence, async ({ steps, ...options }) => {
      const world = new World(await temporaryDirectory(), options);
      try {
        for (const next of steps) await next(world);
        await world.checkAll();
      } catch (error) {
        const { message } = error as Error;
        throw new Error(`${message}\nafter:\n${world.done.join('\n')}`, { cause: error });
      } finally {
        await world.close();
      }
    });
    await fc.assert(property, { seed: SEED, numRuns: RUNS, endOnFailure: !SHRINK });
  });
});
