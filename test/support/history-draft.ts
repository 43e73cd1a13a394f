/** One table of test/support/history-model.ts: its states, and what the operations of a commit make of one. A method an operation. */
import type { ColumnChange, ColumnType, Direction, ErrorCode, Filter, OnConflict, TableDefinition } from '../../src/engine/index.ts';
import { compareValues, matches } from './row-model.ts';

export interface ModelColumn {
  /** What stays of a column when its name changes. */
  readonly field: number;
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
  readonly nextField: number;
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
  /** Whether it was there before the commit. */
  readonly was: boolean;
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
  readonly #before: State;
  #nextField: number;
  #rows: DraftRow[];
  /** Named by the first operation. */
  operation: string | undefined;
  #defined = false;
  #dropped: boolean;

  constructor(id: number, name: string, before: State) {
    this.id = id;
    this.name = name;
    this.columns = before.columns;
    this.key = before.key;
    this.#before = before;
    this.#nextField = before.nextField;
    this.#dropped = before.dropped;
    this.#rows = before.rows.map(({ row, from, values }) => ({
      row,
      from,
      oldKey: keyOf(before, values),
      was: true,
      values,
      touched: false,
    }));
  }

  static created(id: number, { name, columns, primaryKey }: TableDefinition): DraftTable {
    const key = primaryKey ?? [];
    const made = columns.map(
      (column, at): ModelColumn => ({
        field: at + 1,
        name: column.name,
        type: column.type,
        required: column.required === true || key.includes(column.name),
        default: column.default ?? null,
      }),
    );
    const counts = { insertedRows: 0, updatedRows: 0, deletedRows: 0 };
    const shape = { columns: made, key, rows: [], nextRow: 0, nextField: made.length + 1, operation: 'CREATE' };
    const draft = new DraftTable(id, name, { ...shape, ...counts, snapshotId: 0, dropped: false });
    draft.operation = 'CREATE';
    draft.#defined = true;
    return draft;
  }

  get dropped(): boolean {
    return this.#dropped;
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
  #checked(rows: readonly unknown[], partial = false): (readonly unknown[])[] {
    const checked = rows.map((given) =>
      this.columns.map(({ name, required, default: absent }) => {
        const value = (given as Record<string, unknown>)[name];
        const cell = value === undefined ? absent : value;
        const mayLack = partial && value === undefined && !this.key.includes(name);
        if (cell === null && required && !mayLack) throw new ModelRefusal('INVALID_ROW', `${name} is required`);
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
    else this.#rows.push({ row: null, from: 0, oldKey: undefined, was: false, values, touched: false });
  }

  append(given: readonly unknown[]): void {
    const rows = this.#checked(given);
    this.#checkDistinct([...this.living.map((row) => row.values), ...rows], 'of the table');
    for (const values of rows) this.#insert(values);
  }

  upsert(given: readonly unknown[], { update, where }: OnConflict = {}): void {
    if (this.key.length === 0) throw new ModelRefusal('BAD_USER_INPUT', 'no primary key');
    const checked = this.#checked(given, true);
    const known = checked.map((values) => this.living.find((row) => keyOf(this, row.values) === keyOf(this, values)));
    this.#checked(given.filter((_row, at) => known[at] === undefined));
    const may = update?.map((name) => placeOf(this, name));
    const changing = known.map((row) => row !== undefined && (where === undefined || rowMatches(this, where, row.values)));
    for (const [index, values] of checked.entries()) {
      const row = known[index];
      const wasGiven = this.columns.map(({ name }) => (given[index] as Record<string, unknown>)[name] !== undefined);
      if (row === undefined) this.#insert(values);
      else if (changing[index] === true) {
        const next = row.values.map((value, at) => (wasGiven[at] === true && may?.includes(at) !== false ? values[at] : value));
        if (next.some((value, at) => value !== row.values[at])) this.#set(row, next);
      }
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
      const { columns, key, map } = altered(this, change, this.#nextField);
      this.#nextField += 1;
      this.columns = columns;
      this.key = key;
      for (const row of this.living) row.values = map(row.values);
    }
    this.#defined = true;
  }

  /** Back to an earlier state of the table; away, where it was not there. */
  restore(past: State | undefined): void {
    if (past === undefined) {
      this.drop();
      return;
    }
    this.operation = 'RESTORE';
    if (this.#dropped || JSON.stringify([past.columns, past.key]) !== JSON.stringify([this.columns, this.key])) this.#defined = true;
    this.#dropped = false;
    this.columns = past.columns;
    this.key = past.key;
    const now = new Map(this.#rows.map((row) => [row.row, row]));
    const then = new Set(past.rows.map(({ row }) => row));
    const back = past.rows.map(({ row, from, values }): DraftRow => {
      const was = now.get(row);
      return { row, from, oldKey: undefined, was: was !== undefined && !this.#before.dropped, values, touched: was?.from !== from };
    });
    const gone = this.#rows.filter(({ row }) => row === null || !then.has(row));
    this.#rows = [...back, ...gone.map((row) => ({ ...row, values: null, touched: true }))];
  }

  /** The table after the commit; undefined where nothing has changed in the end. */
  finish(snapshotId: number): State | undefined {
    if (this.#dropped) {
      if (this.operation !== 'DROP') return undefined;
      // What else the commit did to the table has gone with it; its rows go as they were before.
      const counts = { insertedRows: 0, updatedRows: 0, deletedRows: this.#before.rows.length };
      return { ...this.#before, ...counts, snapshotId, operation: 'DROP', dropped: true };
    }
    const fresh = this.living.filter((row) => row.row === null);
    const touched = this.#rows.filter((row) => row.touched && row.row !== null);
    if (!this.#defined && touched.length + fresh.length === 0) return undefined;
    const old = this.living.flatMap((row): ModelRow[] =>
      row.row === null ? [] : [{ row: row.row, from: row.touched ? snapshotId : row.from, values: row.values }],
    );
    const { nextRow } = this.#before;
    const rows = [...old, ...fresh.map(({ values }, index): ModelRow => ({ row: nextRow + index, from: snapshotId, values }))];
    const { dropped: wasDropped } = this.#before;
    // Of a table that comes back all rows are new, those too whose versions are the old ones.
    const inserted = wasDropped ? rows : this.#rows.filter((row) => row.values !== null && !row.was);
    return {
      snapshotId,
      columns: this.columns,
      key: this.key,
      operation: this.operation ?? '',
      dropped: false,
      rows: rows.sort((left, right) => left.row - right.row),
      nextRow: nextRow + fresh.length,
      nextField: this.#nextField,
      insertedRows: inserted.length,
      updatedRows: touched.filter((row) => row.values !== null && row.was).length,
      deletedRows: wasDropped ? 0 : touched.filter((row) => row.values === null).length,
    };
  }
}

interface Altered extends Shape {
  readonly map: (values: readonly unknown[]) => readonly unknown[];
}

const unmapped = (values: readonly unknown[]): readonly unknown[] => values;

/** A table's columns after a change of them, and what becomes of the values of a row. */
function altered({ columns, key }: Shape, change: ColumnChange, field: number): Altered {
  switch (change.kind) {
    case 'addColumn': {
      const { name, type, required, default: absent = null } = change.column;
      if (required === true && absent === null) throw new ModelRefusal('BAD_USER_INPUT', `${name} needs a default`);
      checkName(columns, name, undefined);
      const made = { field, name, type, required: required === true, default: absent };
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
