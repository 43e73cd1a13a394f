/**
 * Mirrors: hot rows as in-memory DuckDB tables, so that one scan reads files and hot rows alike. A table's hot rows are
 * mirrored in generations, each of rows of one schema version; a flush seals one at a commit and the next begins after it.
 * Loaded when a read needs them, never on the commit path, a bounded number of rows in each turn; the least recently used go first.
 *
 *                  its rows were rewritten (an erasure)                  its last reader has ended
 *    listed ------------------------------------------> forgotten ------------------------------> dropped
 *      |  ^                                                                                          ^
 *      +--+ a read takes it, and loads the commits that it does not have yet                         |
 *      |                                                                                             |
 *      +----- a load failed; or nobody reads it and it is evicted, or its rows lie in files ---------+
 *
 * Reads take listed generations only. A reader keeps what it took, whatever the generation becomes; `dropped` is its end,
 * and nothing is loaded into it any more.
 */
import { columnsOfVersion, schemaAt, type TableState } from '../catalog/state.ts';
import type { CatalogStore } from '../catalog/store.ts';
import { invariant } from '../model/errors.ts';
import { asSnapshotId, type SnapshotId, type TableId } from '../model/ids.ts';
import { LIMITS } from '../model/limits.ts';
import type { Cells } from '../model/types.ts';
import type { Duck } from './duckdb.ts';
import { readHotCommits } from './hot.ts';
import { CHUNK_ROWS, ChunkAppender, nextTurn, tableColumns } from './load-rows.ts';
import type { RowCopies, RowCopy } from './row-copies.ts';

/** A mirrored range of one table's hot rows, ready to be scanned. */
export interface Mirror {
  /** Name of the DuckDB table; columns as the schema version's, then `_row` and `_from`. */
  readonly name: string;
  readonly schemaVersion: number;
  /** The commits whose rows are to be taken from it: after `after`, up to and with `upTo`. It may hold others. */
  readonly after: SnapshotId;
  readonly upTo: SnapshotId;
}

type Phase = 'listed' | 'forgotten' | 'dropped';

const NEXT: Readonly<Record<Phase, readonly Phase[]>> = { listed: ['forgotten', 'dropped'], forgotten: ['dropped'], dropped: [] };

interface Generation {
  phase: Phase;
  readonly name: string;
  /** Holds hot rows of commits after this one. */
  readonly lo: SnapshotId;
  readonly tableId: TableId;
  readonly schemaVersion: number;
  /** The commit a flush sealed it at; open generations grow with the table. */
  hi: SnapshotId | undefined;
  loadedTo: SnapshotId;
  rows: number;
  /** Whether DuckDB has the table: it is made by the first load. */
  hasTable: boolean;
  users: number;
  usedAt: number;
  /** One load at a time. */
  loading: Promise<void>;
}

const COMMITS_PER_READ = 500;

export class Mirrors implements RowCopy {
  readonly #duck: Duck;
  readonly #store: CatalogStore;
  readonly #generations = new Map<TableId, Generation[]>();
  #nextName = 1;
  #uses = 0;
  #rows = 0;
  /** DuckDB tables that are being dropped. */
  readonly #dropping = new Set<Promise<unknown>>();

  constructor(duck: Duck, store: CatalogStore, copies: RowCopies) {
    this.#duck = duck;
    this.#store = store;
    copies.join('mirrors of hot rows', this);
  }

  /**
   * Lends the mirrors that hold a table's hot rows after its hot floor, up to and with `upTo`.
   * `table` must be of a pinned state, so that its hot rows are still in the catalog.
   */
  async with<T>(table: TableState, upTo: SnapshotId, use: (mirrors: readonly Mirror[]) => Promise<T>): Promise<T> {
    if (upTo <= table.hotFloor || table.last.hotRowsEver === table.flushedRowsEver) return use([]);
    const { generations, mirrors } = this.#covering(table, upTo);
    for (const generation of generations) {
      generation.users += 1;
      this.#uses += 1;
      generation.usedAt = this.#uses;
    }
    try {
      for (const generation of generations) await this.#load(generation, table, upTo);
      return await use(mirrors);
    } finally {
      for (const generation of generations) {
        generation.users -= 1;
        if (generation.phase === 'forgotten' && generation.users === 0) await this.#drop(generation);
      }
      await this.#evict();
    }
  }

  /** Generations that together hold the hot rows after the floor, each with the part to take from it. */
  #covering(table: TableState, upTo: SnapshotId): { generations: Generation[]; mirrors: Mirror[] } {
    const all = this.#generationsOf(table);
    for (const generation of all) if (generation.hi === undefined) generation.hi = this.#nextSchema(table, generation.lo);
    const generations: Generation[] = [];
    const mirrors: Mirror[] = [];
    let covered = table.hotFloor;
    const take = (generation: Generation): void => {
      const end = generation.hi === undefined || generation.hi > upTo ? upTo : generation.hi;
      if (end <= covered) return;
      generations.push(generation);
      mirrors.push({ name: generation.name, schemaVersion: generation.schemaVersion, after: covered, upTo: end });
      covered = end;
    };
    for (const generation of [...all]) {
      if (covered >= upTo) break;
      // A read of a state whose generations are gone (it was pinned before a flush), or a new schema version: new ones.
      if (generation.lo > covered) for (const own of this.#between(table, covered, generation.lo)) take(own);
      take(generation);
    }
    if (covered < upTo) for (const own of this.#between(table, covered, undefined)) take(own);
    return { generations, mirrors };
  }

  /** The last commit before the table's columns changed after `lo`; undefined where they have not. */
  #nextSchema(table: TableState, lo: SnapshotId): SnapshotId | undefined {
    const next = table.schemas.find((schema) => schema.since > lo + 1);
    return next === undefined ? undefined : asSnapshotId(next.since - 1);
  }

  /** New generations after `lo` up to `hi`, or open where undefined, split where the table's columns change. */
  #between(table: TableState, lo: SnapshotId, hi: SnapshotId | undefined): Generation[] {
    const all = this.#generationsOf(table);
    const made: Generation[] = [];
    const starts = table.schemas.map((schema) => schema.since - 1).filter((at) => at > lo && (hi === undefined || at < hi));
    for (const [at, start] of [lo, ...starts].entries()) {
      const generation = this.#newGeneration(table, asSnapshotId(start));
      const end = starts[at];
      generation.hi = end === undefined ? hi : asSnapshotId(end);
      made.push(generation);
    }
    all.push(...made);
    all.sort((left, right) => left.lo - right.lo);
    return made;
  }

  #generationsOf(table: TableState): Generation[] {
    let generations = this.#generations.get(table.id);
    if (generations === undefined) {
      generations = [];
      this.#generations.set(table.id, generations);
    }
    return generations;
  }

  #newGeneration(table: TableState, lo: SnapshotId): Generation {
    const name = `hot_${table.id}_${this.#nextName}`;
    this.#nextName += 1;
    return {
      phase: 'listed',
      name,
      tableId: table.id,
      schemaVersion: schemaAt(table, asSnapshotId(lo + 1)).version,
      lo,
      hi: undefined,
      loadedTo: lo,
      rows: 0,
      hasTable: false,
      users: 0,
      usedAt: 0,
      loading: Promise.resolve(),
    };
  }

  #load(generation: Generation, table: TableState, upTo: SnapshotId): Promise<void> {
    const target = generation.hi !== undefined && generation.hi < upTo ? generation.hi : upTo;
    if (generation.loadedTo >= target) return generation.loading;
    const load = generation.loading.catch(() => {}).then(() => this.#loadNow(generation, table, target));
    generation.loading = load;
    // A failed load is told to whoever waits for it; the next one tries again.
    load.catch(() => {
      if (generation.loading === load) generation.loading = Promise.resolve();
    });
    return load;
  }

  async #loadNow(generation: Generation, table: TableState, target: SnapshotId): Promise<void> {
    if (generation.loadedTo >= target) return;
    if (generation.phase === 'dropped') throw new Error('the hot rows were not loaded: an earlier load of them failed');
    try {
      await this.#fill(generation, table, target);
    } catch (error) {
      // How much of it DuckDB kept is unknown: the next read starts a fresh one.
      await this.#drop(generation);
      throw error;
    }
  }

  async #fill(generation: Generation, table: TableState, target: SnapshotId): Promise<void> {
    const columns = columnsOfVersion(table, generation.schemaVersion);
    await this.#duck.withConnection(async (connection) => {
      if (!generation.hasTable) {
        await connection.run(`CREATE TABLE ${generation.name} (${tableColumns(columns, true)})`);
        generation.hasTable = true;
      }
      const appender = await ChunkAppender.open(connection, generation.name, columns, true);
      try {
        while (generation.loadedTo < target) {
          const commits = await readHotCommits(this.#store, table, { after: generation.loadedTo, upTo: target, limit: COMMITS_PER_READ });
          const rows: Cells[] = [];
          const hidden: { row: number; from: number }[] = [];
          for (const commit of commits) {
            commit.rows.forEach((cells, index) => {
              rows.push(cells);
              hidden.push({ row: commit.rowIds[index] as number, from: commit.snapshotId });
            });
          }
          for (let start = 0; start < rows.length; start += CHUNK_ROWS) {
            appender.append(
              rows,
              start,
              Math.min(start + CHUNK_ROWS, rows.length),
              (index) => hidden[index] as { row: number; from: number },
            );
            if (start + LIMITS.mirrorRowsPerTurn < rows.length) await nextTurn();
          }
          appender.flush();
          generation.rows += rows.length;
          this.#rows += rows.length;
          const last = commits.at(-1);
          generation.loadedTo = last === undefined || commits.length < COMMITS_PER_READ ? target : last.snapshotId;
        }
      } finally {
        appender.close();
      }
    });
  }

  /**
   * Ends the open generation at a commit, so that a flush may take it; later reads load into the next one.
   * `table` is of the current state, and no commit after `at` may have been loaded yet: `at` is its newest snapshot.
   */
  seal(table: TableState, at: SnapshotId): void {
    const open = this.#generationsOf(table).find((generation) => generation.hi === undefined);
    if (open === undefined || open.lo >= at) return;
    // Never past the last commit of the columns that it was made with.
    const last = this.#nextSchema(table, open.lo);
    open.hi = last !== undefined && last < at ? last : at;
  }

  /** Forgets all mirrors of a table, as soon as nobody uses them: their rows were rewritten. Resolves when the unused are dropped. */
  async forget(tableId: TableId): Promise<void> {
    const generations = this.#generations.get(tableId) ?? [];
    this.#generations.delete(tableId);
    for (const generation of generations) {
      become(generation, 'forgotten');
      if (generation.users === 0) void this.#drop(generation);
    }
    await Promise.all(this.#dropping);
  }

  /** The rows of all mirrors, as DuckDB has them. */
  async kept(): Promise<unknown> {
    const made = [...this.#generations.values()].flat().filter(({ hasTable }) => hasTable);
    return Promise.all(made.map(async ({ name }) => (await this.#duck.run(`SELECT * FROM ${name}`)).getRows()));
  }

  /** Drops the generations of a table that end at or before a commit; call it when no pin needs them. */
  drop(tableId: TableId, upTo: SnapshotId): void {
    const generations = this.#generations.get(tableId) ?? [];
    const stale = generations.filter((generation) => (generation.hi ?? generation.loadedTo) <= upTo && generation.users === 0);
    for (const generation of stale) void this.#drop(generation);
  }

  async #evict(): Promise<void> {
    while (this.#rows > LIMITS.mirrorRowsMax) {
      const idle = [...this.#generations.values()].flat().filter((generation) => generation.users === 0 && generation.rows > 0);
      const oldest = idle.sort((left, right) => left.usedAt - right.usedAt)[0];
      if (oldest === undefined) return;
      await this.#drop(oldest);
    }
  }

  async #drop(generation: Generation): Promise<void> {
    // A load that fails drops it, and its last reader may find that out.
    if (generation.phase === 'dropped') return;
    become(generation, 'dropped');
    const generations = this.#generations.get(generation.tableId) ?? [];
    const at = generations.indexOf(generation);
    if (at >= 0) generations.splice(at, 1);
    if (generations.length === 0) this.#generations.delete(generation.tableId);
    this.#rows -= generation.rows;
    if (!generation.hasTable) return;
    const drop = this.#duck.run(`DROP TABLE IF EXISTS ${generation.name}`).catch(() => {});
    this.#dropping.add(drop);
    await drop;
    this.#dropping.delete(drop);
  }

  /** How many DuckDB tables there are. */
  get size(): number {
    let size = 0;
    for (const generations of this.#generations.values()) for (const { hasTable } of generations) size += hasTable ? 1 : 0;
    return size;
  }

  get rows(): number {
    return this.#rows;
  }
}

function become(generation: Generation, phase: Phase): void {
  invariant(NEXT[generation.phase].includes(phase), `a mirror that is ${generation.phase} does not become ${phase}`);
  generation.phase = phase;
}
