/**
 * A plain model of the engine: every state of every table is kept whole, as rows in wire form. It takes the operations that
 * the engine takes; a further operation is one more method of DraftTable, and one more case of ModelCommit.apply.
 */
import type { ColumnChange, ColumnType, CommitOperation, Direction, ErrorCode, Filter, TableDefinition } from '../src/engine/index.ts';
import { compareValues, matches } from './row-model.ts';

export interface ModelColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly required: boolean;
  /** In wire form; null where there is none. */
  readonly default: unknown;
}

export interface Shape {
  readonly columns: readonly ModelColumn[];
  /** Names of the key columns; none without a primary key. */
  readonly key: readonly string[];
}

export interface ModelRow {
  readonly row: number;
  /** The snapshot that brought this version. */
  readonly from: number;
  /** In wire form, in the order of the columns. */
  readonly values: readonly unknown[];
}

export interface Counts {
  readonly insertedRows: number;
  readonly updatedRows: number;
  readonly deletedRows: number;
}

/** A table after one of its snapshots. */
export interface State extends Shape, Counts {
  readonly snapshotId: number;
  readonly operation: string;
  readonly dropped: boolean;
  readonly rows: readonly ModelRow[];
  readonly nextRow: number;
}

export interface ModelTable {
  readonly id: number;
  readonly name: string;
  /** Oldest first. */
  readonly states: readonly State[];
}

/** What the model refuses, with the code that the engine should refuse it with. */
export class ModelRefusal extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Columns of row-model.ts that stand for a type. */
const LIKE: Partial<Record<ColumnType, string>> = { INT: 'int', LONG: 'long', DOUBLE: 'double', BOOLEAN: 'boolean', STRING: 'text' };

function like({ name, type }: ModelColumn): string {
  const found = LIKE[type];
  if (found === undefined) throw new Error(`the model does not compare column ${name}, which is ${type}`);
  return found;
}

const columnAt = (columns: readonly ModelColumn[], at: number): ModelColumn => columns[at] as ModelColumn;

export function placeOf({ columns }: Pick<Shape, 'columns'>, name: string): number {
  const at = columns.findIndex((column) => column.name === name);
  if (at < 0) throw new ModelRefusal('COLUMN_NOT_FOUND', `no column ${name}`);
  return at;
}

/** Whether a row of a table matches. */
export function rowMatches(shape: Shape, filter: Filter, values: readonly unknown[]): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.filters.every((inner) => rowMatches(shape, inner, values));
    case 'or':
      return filter.filters.some((inner) => rowMatches(shape, inner, values));
    case 'not':
      return !rowMatches(shape, filter.filter, values);
    default: {
      const at = placeOf(shape, filter.column);
      const column = like(shape.columns[at] as ModelColumn);
      return matches({ ...filter, column }, { [column]: values[at] });
    }
  }
}

/** Rows in the order of one column, ties by identity. */
export function rowsBy(shape: Shape, rows: readonly ModelRow[], name: string, direction: Direction): ModelRow[] {
  const at = placeOf(shape, name);
  const column = like(shape.columns[at] as ModelColumn);
  const nulls = direction === 'DESC' || direction === 'ASC_NULLS_FIRST' ? -1 : 1;
  const sign = direction.startsWith('DESC') ? -1 : 1;
  return [...rows].sort((left, right) => {
    const [a, b] = [left.values[at], right.values[at]];
    if (a === null || b === null) return a === b ? left.row - right.row : a === null ? nulls : -nulls;
    return sign * compareValues(column, a, b) || left.row - right.row;
  });
}

/** A row's key as text, the same whether its numbers are INT or LONG; undefined without a primary key. */
export function keyOf(shape: Shape, values: readonly unknown[]): string | undefined {
  if (shape.key.length === 0) return undefined;
  return JSON.stringify(shape.key.map((name) => String(values[placeOf(shape, name)])));
}

interface DraftRow {
  /** Null for a new row. */
  readonly row: number | null;
  readonly from: number;
  /** The key before the commit; undefined for a new row. */
  readonly oldKey: string | undefined;
  /** Null where it is deleted. */
  values: readonly unknown[] | null;
  touched: boolean;
}

/** A row that is there after the operations so far. */
type LivingRow = DraftRow & { values: readonly unknown[] };

const isLiving = (row: DraftRow): row is LivingRow => row.values !== null;

/** One table on its way through the operations of a commit. */
export class DraftTable implements Shape {
  readonly id: number;
  readonly name: string;
  columns: readonly ModelColumn[];
  key: readonly string[];
  readonly nextRow: number;
  readonly #rows: DraftRow[];
  /** Named by the first operation. */
  operation: string | undefined;
  #defined = false;
  #dropped = false;

  constructor(id: number, name: string, { columns, key, rows, nextRow }: Pick<State, 'columns' | 'key' | 'rows' | 'nextRow'>) {
    this.id = id;
    this.name = name;
    this.columns = columns;
    this.key = key;
    this.nextRow = nextRow;
    this.#rows = rows.map(({ row, from, values }) => ({ row, from, oldKey: keyOf({ columns, key }, values), values, touched: false }));
  }

  static created(id: number, { name, columns, primaryKey }: TableDefinition): DraftTable {
    const key = primaryKey ?? [];
    const made = columns.map(
      (column): ModelColumn => ({
        name: column.name,
        type: column.type,
        required: column.required === true || key.includes(column.name),
        default: column.default ?? null,
      }),
    );
    const draft = new DraftTable(id, name, { columns: made, key, rows: [], nextRow: 0 });
    draft.operation = 'CREATE';
    draft.#defined = true;
    return draft;
  }

  get living(): LivingRow[] {
    return this.#rows.filter(isLiving);
  }

  #matching(where: Filter | undefined): LivingRow[] {
    return this.living.filter((row) => where === undefined || rowMatches(this, where, row.values));
  }

  #set(row: DraftRow, values: readonly unknown[] | null): void {
    row.values = values;
    row.touched = true;
  }

  /** A batch as values by column, its keys distinct. */
  #checked(rows: readonly unknown[]): (readonly unknown[])[] {
    const checked = rows.map((given) =>
      this.columns.map(({ name, required, default: absent }) => {
        const value = (given as Record<string, unknown>)[name];
        const cell = value === undefined ? absent : value;
        if (cell === null && required) throw new ModelRefusal('INVALID_ROW', `${name} is required`);
        return cell;
      }),
    );
    this.#checkDistinct(checked, 'of the batch');
    return checked;
  }

  #checkDistinct(rows: readonly (readonly unknown[])[], what: string): void {
    if (this.key.length > 0 && new Set(rows.map((values) => keyOf(this, values))).size < rows.length)
      throw new ModelRefusal('INVALID_ROW', `two rows ${what} have one key`);
  }

  /** A row with the key of one that this commit deleted is that row; any other is new. */
  #insert(values: readonly unknown[]): void {
    const key = keyOf(this, values);
    const gone = key === undefined ? undefined : this.#rows.find((row) => row.oldKey === key && row.values === null);
    if (gone !== undefined) this.#set(gone, values);
    else this.#rows.push({ row: null, from: 0, oldKey: undefined, values, touched: false });
  }

  append(given: readonly unknown[]): void {
    const rows = this.#checked(given);
    this.#checkDistinct([...this.living.map((row) => row.values), ...rows], 'of the table');
    for (const values of rows) this.#insert(values);
  }

  upsert(given: readonly unknown[]): void {
    if (this.key.length === 0) throw new ModelRefusal('BAD_USER_INPUT', 'no primary key');
    for (const values of this.#checked(given)) {
      const key = keyOf(this, values);
      const known = this.living.find((row) => keyOf(this, row.values) === key);
      if (known !== undefined) this.#set(known, values);
      else this.#insert(values);
    }
  }

  delete(where: Filter | undefined): void {
    for (const row of this.#matching(where)) this.#set(row, null);
  }

  update(where: Filter, set: Readonly<Record<string, unknown>>): void {
    const places = Object.entries(set).map(([name, value]) => ({ at: placeOf(this, name), value }));
    for (const { at, value } of places)
      if (value === null && this.columns[at]?.required === true) throw new ModelRefusal('INVALID_ROW', 'null is not allowed');
    for (const row of this.#matching(where)) {
      const values = [...row.values];
      for (const { at, value } of places) values[at] = value;
      this.#set(row, values);
    }
    this.#checkDistinct(
      this.living.map((row) => row.values),
      'after the update',
    );
  }

  replace(where: Filter | undefined, rows: readonly unknown[]): void {
    this.delete(where);
    this.append(rows);
  }

  drop(): void {
    this.#dropped = true;
    this.operation = 'DROP';
  }

  alter(changes: readonly ColumnChange[]): void {
    for (const change of changes) {
      const { columns, key, map } = altered(this, change);
      this.columns = columns;
      this.key = key;
      for (const row of this.living) row.values = map(row.values);
    }
    this.#defined = true;
  }

  /** The table after the commit; undefined where nothing has changed in the end. */
  finish(snapshotId: number): State | undefined {
    const fresh = this.living.filter((row) => row.row === null);
    const touched = this.#dropped ? [] : this.#rows.filter((row) => row.touched && row.row !== null);
    const insertedRows = this.#dropped ? 0 : fresh.length;
    if (!this.#defined && !this.#dropped && touched.length + insertedRows === 0) return undefined;
    const old = this.living.flatMap((row): ModelRow[] =>
      row.row === null ? [] : [{ row: row.row, from: row.touched ? snapshotId : row.from, values: row.values }],
    );
    const rows = [...old, ...fresh.map(({ values }, index): ModelRow => ({ row: this.nextRow + index, from: snapshotId, values }))];
    const updatedRows = touched.filter(isLiving).length;
    return {
      snapshotId,
      columns: this.columns,
      key: this.key,
      operation: this.operation ?? '',
      dropped: this.#dropped,
      rows: this.#dropped ? [] : rows,
      nextRow: this.nextRow + insertedRows,
      insertedRows,
      updatedRows,
      deletedRows: touched.length - updatedRows,
    };
  }
}

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

interface Altered extends Shape {
  readonly map: (values: readonly unknown[]) => readonly unknown[];
}

const unmapped = (values: readonly unknown[]): readonly unknown[] => values;

/** A table's columns after a change of them, and what becomes of the values of a row. */
function altered({ columns, key }: Shape, change: ColumnChange): Altered {
  switch (change.kind) {
    case 'addColumn': {
      const { name, type, required, default: absent = null } = change.column;
      if (required === true && absent === null) throw new ModelRefusal('BAD_USER_INPUT', `${name} needs a default`);
      checkName(columns, name, undefined);
      const made = { name, type, required: required === true, default: absent };
      return { columns: [...columns, made], key, map: (values) => [...values, absent] };
    }
    case 'dropColumn': {
      const at = placeOf({ columns }, change.name);
      if (key.includes(change.name) || columns.length === 1) throw new ModelRefusal('BAD_USER_INPUT', `${change.name} must stay`);
      return { columns: columns.toSpliced(at, 1), key, map: (values) => values.toSpliced(at, 1) };
    }
    case 'renameColumn': {
      const at = placeOf({ columns }, change.name);
      checkName(columns, change.to, at);
      const renamed = columns.with(at, { ...columnAt(columns, at), name: change.to });
      return { columns: renamed, key: key.map((name) => (name === change.name ? change.to : name)), map: unmapped };
    }
    case 'widenColumn': {
      const at = placeOf({ columns }, change.name);
      const column = columnAt(columns, at);
      if (column.type !== 'INT' || change.type !== 'LONG') throw new ModelRefusal('BAD_USER_INPUT', `${change.name} cannot be widened`);
      const text = (value: unknown): unknown => (value === null ? null : String(value));
      const widened = columns.with(at, { ...column, type: 'LONG', default: text(column.default) });
      return { columns: widened, key, map: (values) => values.with(at, text(values[at])) };
    }
    case 'makeOptional': {
      const at = placeOf({ columns }, change.name);
      if (key.includes(change.name)) throw new ModelRefusal('BAD_USER_INPUT', `${change.name} is of the key`);
      return { columns: columns.with(at, { ...columnAt(columns, at), required: false }), key, map: unmapped };
    }
    case 'reorderColumns': {
      const places = change.names.map((name) => placeOf({ columns }, name));
      return { columns: places.map((at) => columnAt(columns, at)), key, map: (values) => places.map((at) => values[at]) };
    }
    case 'setDescription':
    case 'setRetention':
      return { columns, key, map: unmapped };
  }
}

function checkName(columns: readonly ModelColumn[], name: string, self: number | undefined): void {
  if (columns.some((column, at) => at !== self && column.name.toLowerCase() === name.toLowerCase()))
    throw new ModelRefusal('NAME_COLLISION', `there is a column ${name}`);
}

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
    const last = table?.states.at(-1);
    const draft = table === undefined || last === undefined ? undefined : new DraftTable(table.id, name, last);
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
        table.upsert(operation.rows);
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

export class ModelHistory {
  readonly tables: { readonly id: number; readonly name: string; readonly states: State[] }[] = [];
  /** The newest snapshot. */
  snapshotId = 0;

  /** The table that has a name now. */
  named(name: string): ModelTable | undefined {
    return this.tables.findLast((table) => table.name === name && table.states.at(-1)?.dropped === false);
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
      if (known === undefined) this.tables.push({ id, name, states: [state] });
      else known.states.push(state);
    }
    return changed;
  }

  /** A table as of a snapshot; undefined where it did not exist then. */
  at(table: ModelTable, snapshotId: number): State | undefined {
    const state = table.states.findLast((candidate) => candidate.snapshotId <= snapshotId);
    return state === undefined || state.dropped ? undefined : state;
  }
}
