/** Random histories of an engine beside a plain in-memory model: every step is taken by both, and every snapshot compared. */
import { expect } from 'vitest';
import {
  asSnapshotId,
  asTableId,
  type ChangeResult,
  type CommitOperation,
  type CommitResult,
  type Direction,
  type Engine,
  openEngine,
  type TableAt,
  toWire,
} from '../../src/engine/index.ts';
import { type Counts, type ModelColumn, ModelRefusal, type ModelRow, rowMatches, rowsBy, type State } from './history-draft.ts';
import { type ModelCommit, ModelHistory, type ModelTable } from './history-model.ts';
import { concrete, randomFilter, randomKey, TABLES, type WantedOperation } from './history-operations.ts';
import { randomNumbers } from './random.ts';

/** An engine and its model, which take the same steps. */
export class World {
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
        operations.push(next);
        commit.apply(next);
      }
    });
    if (operations.length > 0) await this.#same(readable(operations), refusal, () => send(engine, operations), commit);
  }

  /** The engine refuses what the model refuses, and does to its tables what the model does. */
  async #same(what: string, refusal: ModelRefusal | undefined, work: () => Promise<CommitResult>, commit: ModelCommit): Promise<void> {
    this.#note(what, refusal);
    if (refusal === undefined) this.#committed(await work(), commit);
    else await this.#refuses(refusal, work());
  }

  #note(what: string, refusal: ModelRefusal | undefined): void {
    this.done.push(`${what}${refusal === undefined ? '' : ` (${refusal.code}: ${refusal.message})`}`);
  }

  async #refuses(refusal: ModelRefusal, work: Promise<unknown>): Promise<void> {
    const answer = await work.then(
      () => 'success',
      (error: unknown) => (error as { code?: string }).code ?? error,
    );
    expect(answer, `the answer, where the model says ${refusal.message}`).toBe(refusal.code);
    expect((await this.#open()).headSnapshotId, 'the newest snapshot after a refusal').toBe(this.#model.snapshotId);
  }

  #snapshotAt(part: number): number {
    return Math.min(this.#model.snapshotId, 1 + Math.floor(part * this.#model.snapshotId));
  }

  async restore(tables: readonly number[] | null, part: number): Promise<void> {
    if (this.#model.snapshotId === 0) return;
    const engine = await this.#open();
    const names = tables?.map((at) => TABLES[at]?.name ?? '') ?? null;
    const snapshotId = this.#snapshotAt(part);
    const commit = this.#model.begin();
    const refusal = refusalOf(() => commit.restore(names, snapshotId));
    const work = (): Promise<CommitResult> => engine.restore({ tables: names, to: { kind: 'snapshot', snapshotId } });
    await this.#same(`restore ${names ?? 'all'} to ${snapshotId}`, refusal, work, commit);
  }

  async tag(name: string, part: number): Promise<void> {
    const engine = await this.#open();
    const snapshotId = this.#snapshotAt(part);
    const refusal = refusalOf(() => this.#model.createTag(name, snapshotId));
    this.#note(`tag ${name} at ${snapshotId}`, refusal);
    const work = engine.createTag(name, { kind: 'snapshot', snapshotId });
    if (refusal === undefined) await work;
    else await this.#refuses(refusal, work);
  }

  async dropTag(name: string): Promise<void> {
    const engine = await this.#open();
    const refusal = refusalOf(() => this.#model.dropTag(name));
    this.#note(`drop tag ${name}`, refusal);
    if (refusal === undefined) await engine.dropTag(name);
    else await this.#refuses(refusal, engine.dropTag(name));
  }

  async expire(at: number | null, retainLast: number): Promise<void> {
    const engine = await this.#open();
    const name = at === null ? null : (TABLES[at]?.name ?? '');
    const one = name === null ? undefined : this.#model.named(name);
    if (name !== null && one === undefined) return;
    this.#note(`expire ${name ?? 'all'}, retain ${retainLast}`, undefined);
    for (const table of one === undefined ? this.#model.tables : [one]) this.#model.expire(table, retainLast);
    await engine.expireSnapshots({ table: name, retainLast });
  }

  #committed(result: CommitResult, commit: ModelCommit): void {
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
    // Of tables that were dropped, and of which nothing is kept but for tags, rows go.
    const one = this.#model.named(name) === undefined ? null : name;
    this.done.push(`compact ${one ?? 'all'}`);
    await (await this.#open()).compact(one);
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
      for (let diffs = 0; diffs < 3; diffs += 1) {
        const [from, to] = [0, 0].map(() => this.#below(this.#model.snapshotId + 1)) as [number, number];
        await this.#checkDiff(engine, table, from, to);
      }
    }
    expect((await engine.verify()).findings).toEqual([]);
  }

  async #check(engine: Engine, table: ModelTable, snapshotId: number): Promise<void> {
    const what = `table ${table.id} (${table.name}) at snapshot ${snapshotId}`;
    const stored = engine.tableById(asTableId(table.id));
    if (stored === undefined) throw new Error(`no table ${table.id}`);
    const state = tried(() => this.#model.at(table, snapshotId));
    if (state instanceof ModelRefusal) return this.#refuses(state, engine.read.tableAt(stored, asSnapshotId(snapshotId)));
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
    ).toEqual(state.columns.map(({ field: _, ...column }) => column));
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

  /** What became of the rows between two snapshots, forward or back, and forward step by step too. */
  async #checkDiff(engine: Engine, table: ModelTable, from: number, to: number): Promise<void> {
    const what = `diff of table ${table.id} (${table.name}) from ${from} to ${to}`;
    const stored = engine.tableById(asTableId(table.id));
    if (stored === undefined) throw new Error(`no table ${table.id}`);
    const span = { from: asSnapshotId(from), to: asSnapshotId(to) };
    const [older, newer] = from < to ? [from, to] : [to, from];
    const expired = refusalOf(() => this.#model.checkKept(table, from, to));
    // What one commit did may be told by its own record, where it is kept.
    const alone = older + 1 === newer && refusalOf(() => this.#model.checkKept(table, newer)) === undefined;
    if (expired !== undefined && !alone) return this.#refuses(expired, engine.read.diff(stored, span));
    const diff = await engine.read.diff(stored, span).catch((error: unknown) => {
      if ((error as { code?: string }).code !== expired?.code) throw error;
    });
    if (diff === undefined) return;
    const expected = this.#model.diff(table, from, to);
    const page = await diff.page({ first: 1000 });
    const row = (columns: Columns, read: ReadRow | null): string => (read === null ? 'none' : shown(wireRow(columns, read)));
    const changes = page.changes.map((change) => {
      const [before, after] = [row(diff.before.columns, change.before), row(diff.after.columns, change.after)];
      return `${change.kind} by ${change.snapshotId} of ${change.rowId}: ${before} -> ${after}`;
    });
    const wanted = expected.map(({ kind, snapshotId, row: id, before, after }) => {
      return `${kind} by ${snapshotId} of ${id}: ${before === null ? 'none' : shown(before)} -> ${after === null ? 'none' : shown(after)}`;
    });
    expect(changes, what).toEqual(wanted);
    const count = (kind: string): number => expected.filter((change) => change.kind === kind).length;
    expect([diff.insertedRows, diff.updatedRows, diff.deletedRows], `counts of the ${what}`).toEqual(
      ['INSERT', 'UPDATE', 'DELETE'].map(count),
    );
    if (from <= to) await this.#checkSteps(engine, table, from, to);
  }

  async #checkSteps(engine: Engine, table: ModelTable, from: number, to: number): Promise<void> {
    const ids = table.states.map(({ snapshotId }) => snapshotId).filter((snapshotId) => from < snapshotId && snapshotId <= to);
    // What has expired on the way makes no steps: they begin at the horizon.
    if (from < table.horizon || refusalOf(() => this.#model.checkKept(table, from, to, ...ids)) !== undefined) return;
    const steps = ids.flatMap((snapshotId) => this.#model.diff(table, snapshotId - 1, snapshotId));
    const stored = engine.tableById(asTableId(table.id));
    if (stored === undefined) throw new Error(`no table ${table.id}`);
    const diff = await engine.read.diff(stored, { from: asSnapshotId(from), to: asSnapshotId(to), mode: 'FULL' });
    const { changes } = await diff.page({ first: 1000 });
    const short = ({ kind, snapshotId }: { kind: string; snapshotId: number }, row: number): string => `${kind} by ${snapshotId} of ${row}`;
    expect(
      changes.map((change) => short(change, change.rowId)),
      `steps from ${from} to ${to} of table ${table.id} (${table.name})`,
    ).toEqual(steps.slice(0, 1000).map((change) => short(change, change.row)));
  }

  /** Keys are asked for by the names and types that their columns had then. */
  async #checkKeys(engine: Engine, at: TableAt, table: ModelTable, state: State): Promise<void> {
    const places = state.key.map((name) => state.columns.findIndex((column) => column.name === name));
    const known = state.rows.filter(() => this.#below(state.rows.length) < 3).map((row) => places.map((place) => row.values[place]));
    for (const key of [...known, randomKey(state, this.#below), randomKey(state, this.#below)]) {
      const row = await engine.read.rowByKey(at, Object.fromEntries(state.key.map((name, index) => [name, key[index]])), at.schema.columns);
      const expected = state.rows.find(({ values }) => places.every((place, index) => values[place] === key[index]));
      const what = `row ${readable(key)} of table ${table.id} (${table.name}) at ${at.snapshotId}`;
      same(row === undefined ? [] : [wireRow(at.schema.columns, row)], expected === undefined ? [] : [expected], what);
    }
  }
}

type Facts = Counts & Pick<State, 'operation'>;

function factsOf({ operation: name, insertedRows, updatedRows, deletedRows }: Facts): Facts {
  return { operation: name, insertedRows, updatedRows, deletedRows };
}

type Columns = TableAt['schema']['columns'];

const columnFacts = ({ name, type, required }: Columns[number]): Omit<ModelColumn, 'default' | 'field'> => ({ name, type, required });

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
  expect(rows.map(shown), what).toEqual(expected.map(shown));
}

const shown = ({ row, from, values }: ModelRow): string => `row ${row} from ${from}: ${JSON.stringify(values.map(shortened))}`;

function shortened(value: unknown): unknown {
  return typeof value === 'string' && value.length > 100 ? `${value.slice(0, 4)}... ${value.length}` : value;
}

const readable = (value: unknown): string => JSON.stringify(value, (_key, part: unknown) => shortened(part));

/** What work gives, or what the model refuses it for. */
function tried<T>(work: () => T): T | ModelRefusal {
  try {
    return work();
  } catch (error) {
    if (error instanceof ModelRefusal) return error;
    throw error;
  }
}

function refusalOf(work: () => void): ModelRefusal | undefined {
  const result = tried(work);
  return result instanceof ModelRefusal ? result : undefined;
}

/** One operation goes through the method of its name, several through commit. */
async function send(engine: Engine, operations: readonly CommitOperation[]): Promise<ChangeResult> {
  const [one] = operations;
  if (operations.length > 1 || one === undefined) return engine.commit(operations);
  switch (one.kind) {
    case 'append':
      return engine.append(one.table, one.rows);
    case 'upsert':
      return engine.upsert(one.table, one.rows, null, { onConflict: one.onConflict });
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
