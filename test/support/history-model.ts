/**
 * A plain model of the engine: every state of every table is kept whole, as rows in wire form. It takes what the engine
 * takes; a further operation is one more method of DraftTable or ModelHistory, and one more case of ModelCommit.apply.
 */
import type { CommitOperation } from '../../src/engine/index.ts';
import { DraftTable, ModelRefusal, type ModelRow, type State } from './history-draft.ts';

export interface ModelTable {
  readonly id: number;
  readonly name: string;
  /** Oldest first; all that ever were, expired ones too. */
  readonly states: State[];
  /** The oldest snapshot from which on all are kept. */
  horizon: number;
  /** What tags hold below it, up to the second number. */
  held: readonly (readonly [number, number])[];
}

const lastOf = ({ states }: ModelTable): State => states.at(-1) as State;

const NAMES: Readonly<Record<CommitOperation['kind'], string>> = {
  append: 'APPEND',
  upsert: 'UPSERT',
  replace: 'REPLACE',
  delete: 'DELETE',
  update: 'UPDATE',
  createTable: 'CREATE',
  alterTable: 'ALTER',
  dropTable: 'DROP',
};

/** The operations of one commit, on the newest state of each table. */
export class ModelCommit {
  readonly #history: ModelHistory;
  readonly #drafts: DraftTable[] = [];
  readonly #names = new Map<string, DraftTable | undefined>();
  #nextId: number;

  constructor(history: ModelHistory) {
    this.#history = history;
    this.#nextId = history.tables.length + 1;
  }

  /** A table as the operations so far left it; undefined where there is none of that name. */
  table(name: string): DraftTable | undefined {
    if (this.#names.has(name)) return this.#names.get(name);
    const table = this.#history.named(name);
    const draft = table === undefined ? undefined : new DraftTable(table.id, name, lastOf(table));
    this.#names.set(name, draft);
    if (draft !== undefined) this.#drafts.push(draft);
    return draft;
  }

  /** @throws ModelRefusal, after which the commit is void */
  apply(operation: CommitOperation): void {
    if (operation.kind === 'createTable') {
      const draft = DraftTable.created(this.#nextId, operation.definition);
      if (this.table(draft.name) !== undefined) throw new ModelRefusal('TABLE_EXISTS', draft.name);
      this.#nextId += 1;
      this.#names.set(draft.name, draft);
      this.#drafts.push(draft);
      return;
    }
    const table = this.table(operation.table);
    if (table === undefined) throw new ModelRefusal('TABLE_NOT_FOUND', operation.table);
    table.operation ??= NAMES[operation.kind];
    switch (operation.kind) {
      case 'append':
        table.append(operation.rows);
        return;
      case 'upsert':
        table.upsert(operation.rows, operation.onConflict);
        return;
      case 'delete':
        table.delete(operation.where);
        return;
      case 'update':
        table.update(operation.where, operation.set);
        return;
      case 'replace':
        table.replace(operation.where, operation.rows);
        return;
      case 'alterTable':
        table.alter(operation.changes);
        return;
      case 'dropTable':
        table.drop();
        this.#names.set(operation.table, undefined);
        return;
    }
  }

  /** Some tables, or all, back to a snapshot; a commit of its own. @throws ModelRefusal */
  restore(names: readonly string[] | null, to: number): void {
    const chosen = names === null ? this.#history.tables : [...new Set(names)].map((name) => this.#history.namedAt(name, to));
    for (const table of chosen) {
      if (table === undefined) throw new ModelRefusal('TABLE_NOT_FOUND', String(names));
      const past = this.#history.at(table, to);
      if (past === undefined && names !== null) throw new ModelRefusal('TABLE_NOT_FOUND_AS_OF', table.name);
      if (past === undefined && lastOf(table).dropped) continue;
      const draft = new DraftTable(table.id, table.name, lastOf(table));
      draft.restore(past);
      this.#drafts.push(draft);
    }
    const living = this.#history.tables.map(
      (table) => this.#drafts.find(({ id }) => id === table.id) ?? { ...lastOf(table), name: table.name },
    );
    const all = living.filter(({ dropped }) => !dropped).map(({ name }) => name);
    if (new Set(all).size < all.length) throw new ModelRefusal('TABLE_EXISTS', 'two tables of one name');
  }

  /** What the commit makes of each table that it changes, in the order of their ids. */
  finish(snapshotId: number): { readonly id: number; readonly name: string; readonly state: State }[] {
    return this.#drafts
      .flatMap((draft) => {
        const state = draft.finish(snapshotId);
        return state === undefined ? [] : [{ id: draft.id, name: draft.name, state }];
      })
      .sort((left, right) => left.id - right.id);
  }
}

/** What became of one row. */
export interface ModelChange {
  readonly kind: 'INSERT' | 'UPDATE' | 'DELETE';
  /** The last commit that touched the row. */
  readonly snapshotId: number;
  readonly row: number;
  readonly before: ModelRow | null;
  readonly after: ModelRow | null;
}

export class ModelHistory {
  readonly tables: ModelTable[] = [];
  readonly tags = new Map<string, number>();
  /** The newest snapshot. */
  snapshotId = 0;

  /** The table that has a name now. */
  named(name: string): ModelTable | undefined {
    return this.tables.findLast((table) => table.name === name && !lastOf(table).dropped);
  }

  /** The table that had a name at a snapshot, else the one that has it, else the newest that had it. */
  namedAt(name: string, snapshotId: number): ModelTable | undefined {
    const all = this.tables.filter((table) => table.name === name);
    return all.findLast((table) => this.stateAt(table, snapshotId)?.dropped === false) ?? this.named(name) ?? all.at(-1);
  }

  begin(): ModelCommit {
    return new ModelCommit(this);
  }

  /** Makes a commit part of the history. @returns what it changed; nothing where there was nothing to commit */
  commit(commit: ModelCommit): ReturnType<ModelCommit['finish']> {
    const changed = commit.finish(this.snapshotId + 1);
    if (changed.length > 0) this.snapshotId += 1;
    for (const { id, name, state } of changed) {
      const known = this.tables[id - 1];
      if (known === undefined) this.tables.push({ id, name, states: [state], horizon: 0, held: [] });
      else known.states.push(state);
    }
    return changed;
  }

  /** The table's snapshot at or before another. */
  stateAt({ states }: ModelTable, snapshotId: number): State | undefined {
    return states.findLast((candidate) => candidate.snapshotId <= snapshotId);
  }

  /** A table as of a snapshot; undefined where it did not exist then. @throws ModelRefusal */
  at(table: ModelTable, snapshotId: number): State | undefined {
    const state = this.stateAt(table, snapshotId);
    if (state !== undefined && !this.#isKept(table, snapshotId))
      throw new ModelRefusal('SNAPSHOT_EXPIRED', `${table.name} at ${snapshotId}`);
    return state === undefined || state.dropped ? undefined : state;
  }

  #isKept({ horizon, held }: ModelTable, snapshotId: number): boolean {
    return snapshotId >= horizon || held.some(([from, until]) => from <= snapshotId && snapshotId < until);
  }

  /** Whether a tag is about a table; one that was brought back counts as there all along. */
  #existedAt(table: ModelTable, snapshotId: number): boolean {
    const last = lastOf(table);
    return this.stateAt(table, snapshotId) !== undefined && (!last.dropped || snapshotId < last.snapshotId);
  }

  /** @throws ModelRefusal */
  createTag(name: string, snapshotId: number): void {
    if (this.tags.has(name)) throw new ModelRefusal('TAG_EXISTS', name);
    for (const table of this.tables)
      if (this.#existedAt(table, snapshotId) && !this.#isKept(table, snapshotId)) throw new ModelRefusal('SNAPSHOT_EXPIRED', table.name);
    this.tags.set(name, snapshotId);
  }

  /** @throws ModelRefusal */
  dropTag(name: string): void {
    if (!this.tags.delete(name)) throw new ModelRefusal('TAG_NOT_FOUND', name);
  }

  /** Keeps the newest snapshots of a table, and what tags hold. */
  expire(table: ModelTable, retainLast: number): void {
    const kept = table.states.filter(({ snapshotId }) => snapshotId >= table.horizon);
    table.horizon = Math.max(table.horizon, (kept.at(-retainLast) ?? kept[0])?.snapshotId ?? 0);
    table.held = [...this.tags.values()].flatMap((tagged): (readonly [number, number])[] => {
      const at = this.stateAt(table, tagged);
      if (tagged >= table.horizon || at === undefined || !this.#existedAt(table, tagged)) return [];
      return [[at.snapshotId, table.states[table.states.indexOf(at) + 1]?.snapshotId ?? table.horizon]];
    });
  }

  /** @throws ModelRefusal where one of the snapshots has expired */
  checkKept(table: ModelTable, ...snapshotIds: readonly number[]): void {
    for (const snapshotId of snapshotIds) this.at(table, snapshotId);
  }

  /** What became of a table's rows, each once, by identity; expired snapshots are as good as others here. */
  diff(table: ModelTable, from: number, to: number): ModelChange[] {
    if (from > to) {
      const turned = { INSERT: 'DELETE', UPDATE: 'UPDATE', DELETE: 'INSERT' } as const;
      return this.diff(table, to, from).map((change) => ({
        ...change,
        kind: turned[change.kind],
        before: change.after,
        after: change.before,
      }));
    }
    const rowsAt = (at: number): readonly ModelRow[] => {
      const state = this.stateAt(table, at);
      return state === undefined || state.dropped ? [] : state.rows;
    };
    const old = new Map(rowsAt(from).map((row) => [row.row, row]));
    const now = new Map(rowsAt(to).map((row) => [row.row, row]));
    const changes: ModelChange[] = [];
    for (const row of new Set([...old.keys(), ...now.keys()])) {
      const [before, after] = [old.get(row) ?? null, now.get(row) ?? null];
      if (before?.from === after?.from) continue;
      const kind = before === null ? 'INSERT' : after === null ? 'DELETE' : 'UPDATE';
      // Below the horizon it is not known any more which commit a row went by: it counts as the horizon's.
      const gone = Math.max(this.#goneSince(table, row, to), from < table.horizon ? table.horizon : 0);
      changes.push({ kind, row, before, after, snapshotId: after?.from ?? gone });
    }
    return changes.sort((left, right) => left.row - right.row);
  }

  /** The commit by which a row that is not there at a snapshot went. */
  #goneSince({ states }: ModelTable, row: number, to: number): number {
    const earlier = states.filter(({ snapshotId }) => snapshotId <= to);
    const last = earlier.findLastIndex((state) => !state.dropped && state.rows.some((candidate) => candidate.row === row));
    return earlier[last + 1]?.snapshotId ?? 0;
  }
}
