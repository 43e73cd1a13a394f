/** Random operations for test/support/history-model.ts: drawn as plain numbers, made concrete on the tables as they are by then. */
import fc from 'fast-check';
import type {
  ColumnChange,
  ColumnType,
  CommitOperation,
  CompareOperator,
  Filter,
  OnConflict,
  TableDefinition,
} from '../../src/engine/index.ts';
import { type DraftTable, keyOf, type ModelColumn, placeOf, type Shape } from './history-draft.ts';
import type { ModelCommit } from './history-model.ts';

export const TABLES: readonly TableDefinition[] = [
  {
    name: 'bag',
    columns: [
      { name: 'n', type: 'INT' },
      { name: 'text', type: 'STRING' },
      { name: 'flag', type: 'BOOLEAN' },
    ],
  },
  {
    name: 'single',
    columns: [
      { name: 'k', type: 'INT' },
      { name: 'v', type: 'INT' },
      { name: 'text', type: 'STRING' },
    ],
    primaryKey: ['k'],
  },
  {
    name: 'pair',
    columns: [
      { name: 'must', type: 'INT', required: true },
      { name: 'who', type: 'STRING' },
      { name: 'place', type: 'INT' },
      { name: 'text', type: 'STRING' },
    ],
    primaryKey: ['who', 'place'],
  },
];

/** Few values, so that filters hit, orders tie and keys meet. */
const POOLS: Partial<Record<ColumnType, readonly unknown[]>> = {
  INT: [0, 1, 2, 3, 4, 5],
  LONG: ['0', '1', '2', '3', '4', '5', '9007199254740993'],
  DOUBLE: [-1.5, 0, 0.5, 2.25],
  BOOLEAN: [false, true],
  STRING: ['a', 'b', 'A', 'ab', '', 'é'],
};
const COLUMN_NAMES = ['n', 'text', 'v', 'extra', 'more', 'Other'];
/** Over 64 KB: the commit's rows become a file. */
const PAD = 'x'.repeat(70_000);
const ROWS_MAX = 600;

const small = fc.nat({ max: 41 });
const numbers = fc.array(small, { minLength: 1, maxLength: 5 });
const rows = fc.array(numbers, { minLength: 0, maxLength: 5 });
const table = fc.nat({ max: TABLES.length - 1 });
const leaf = fc.tuple(small, small, small);
const where: fc.Arbitrary<Where> = fc.record({
  join: fc.constantFrom('and' as const, 'or' as const, 'not' as const),
  leaves: fc.oneof({ weight: 8, arbitrary: fc.array(leaf, { minLength: 1, maxLength: 2 }) }, { weight: 1, arbitrary: fc.constant([]) }),
});

interface Where {
  readonly join: 'and' | 'or' | 'not';
  readonly leaves: readonly (readonly [number, number, number])[];
}

/** A kind of operation: how it is drawn, and how it is made concrete on a table. */
function kind<T>(weight: number, arbitrary: fc.Arbitrary<T>, concrete: (table: DraftTable, wanted: T) => CommitOperation) {
  return { weight, arbitrary: fc.tuple(table, arbitrary).map(([at, wanted]) => ({ at, make: (on: DraftTable) => concrete(on, wanted) })) };
}

const WANTED = [
  kind(6, fc.record({ rows, size: fc.constantFrom('few', 'few', 'few', 'many', 'large') }), (on, { rows: given, size }) => ({
    kind: 'append',
    table: on.name,
    rows: freshRows(on, given, size),
  })),
  kind(3, where, (on, wanted) => ({ kind: 'delete', table: on.name, where: filterOn(on, wanted) })),
  kind(5, fc.record({ where, set: numbers, large: fc.nat({ max: 9 }) }), (on, { where: wanted, set, large }) => ({
    kind: 'update',
    table: on.name,
    where: filterOn(on, wanted),
    set: setOn(on, set, large === 0),
  })),
  kind(
    6,
    fc.record({ rows, large: fc.nat({ max: 9 }), absent: numbers, update: fc.option(numbers), where: fc.option(where) }),
    (on, { rows: given, large, absent, update, where: wanted }) =>
      on.key.length === 0 && given.length % 2 === 0
        ? { kind: 'append', table: on.name, rows: freshRows(on, given, 'few') }
        : {
            kind: 'upsert',
            table: on.name,
            rows: distinct(on, rowsOn(on, given, large === 0)).map((row, at) => partOf(on, row, absent, at)),
            onConflict: conflictOn(on, update, wanted),
          },
  ),
  kind(
    2,
    fc.record({ rows, where: fc.option(where, { freq: 4 }), large: fc.nat({ max: 9 }) }),
    (on, { rows: given, where: wanted, large }) => ({
      kind: 'replace',
      table: on.name,
      rows: distinct(on, rowsOn(on, given, large === 0)),
      where: wanted === null ? undefined : filterOn(on, wanted),
    }),
  ),
  kind(3, fc.array(numbers, { minLength: 1, maxLength: 3 }), (on, wanted) => ({
    kind: 'alterTable',
    table: on.name,
    changes: changesOn(on, wanted),
  })),
  kind(1, fc.constant(null), (on) => ({ kind: 'dropTable', table: on.name })),
];

export const operation = fc.oneof(...WANTED);
export type WantedOperation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** The operation as the engine takes it; on a table that is not there (any more), its creation. */
export function concrete(commit: ModelCommit, { at, make }: WantedOperation): CommitOperation {
  const definition = TABLES[at] as TableDefinition;
  const on = commit.table(definition.name);
  return on === undefined ? { kind: 'createTable', definition } : make(on);
}

function valueFor({ type }: ModelColumn, n: number): unknown {
  const pool = POOLS[type] as readonly unknown[];
  return pool[n % pool.length];
}

/** Rows whose values are those of the pools; some of what may be null or left out is. */
function rowsOn({ columns }: Shape, given: readonly (readonly number[])[], large: boolean): Record<string, unknown>[] {
  const padded = columns.findLast((column) => column.type === 'STRING');
  return given.map((numbers, index) => {
    const row: Record<string, unknown> = {};
    columns.forEach((column, at) => {
      const n = (numbers[at % numbers.length] as number) + at;
      if (n % 9 === 8 && (!column.required || n === 44)) row[column.name] = null;
      else if (n % 9 !== 7 || (column.required && column.default === null)) row[column.name] = valueFor(column, n);
    });
    if (large && index === 0 && padded !== undefined && typeof row[padded.name] === 'string') row[padded.name] += PAD;
    return row;
  });
}

/** A row without some of its columns, hardly ever one of the key. */
function partOf(on: Shape, row: Record<string, unknown>, absent: readonly number[], index: number): Record<string, unknown> {
  const n = absent[index % absent.length] as number;
  const stays = (name: string, at: number): boolean => (on.key.includes(name) ? n !== 41 : (n >> (at % 4)) % 2 === 0);
  return Object.fromEntries(Object.entries(row).filter(([name], at) => stays(name, at)));
}

function conflictOn(on: Shape, update: readonly number[] | null, wanted: Where | null): OnConflict | undefined {
  if (update === null && wanted === null) return undefined;
  return {
    update: update?.filter((n) => n % 5 !== 4).map((n) => (on.columns[n % on.columns.length] as ModelColumn).name),
    where: wanted === null ? undefined : filterOn(on, wanted),
  };
}

const keyIn = (on: Shape, row: Record<string, unknown>): string | undefined =>
  keyOf(
    on,
    on.columns.map(({ name }) => row[name]),
  );

/** The rows, mostly without those whose key has come before. */
function distinct(on: Shape, given: Record<string, unknown>[]): Record<string, unknown>[] {
  if (on.key.length === 0) return given;
  const keys = given.map((row) => keyIn(on, row));
  return given.filter((_row, at) => keys.indexOf(keys[at]) === at || (given.length === 5 && at === 4));
}

/** Rows of an append: mostly of keys that are free. */
function freshRows(on: DraftTable, given: readonly (readonly number[])[], size: string): Record<string, unknown>[] {
  const many = size === 'many' && on.key.length === 0 && on.living.length < ROWS_MAX;
  const made = rowsOn(on, many ? Array.from({ length: 20 }, () => given).flat() : given, size === 'large');
  if (on.key.length === 0 || given[0]?.[0] === 13) return made;
  const taken = new Set(on.living.map((row) => keyOf(on, row.values)));
  const counted = on.columns[placeOf(on, on.key.at(-1) as string)] as ModelColumn;
  for (const row of made) {
    for (let next = 0; taken.has(keyIn(on, row)); next += 1) row[counted.name] = counted.type === 'INT' ? next : String(next);
    taken.add(keyIn(on, row));
  }
  return made;
}

function setOn(on: DraftTable, given: readonly number[], large: boolean): Record<string, unknown> {
  const [first = 0, ...rest] = given;
  const free = on.columns.filter((column) => !on.key.includes(column.name));
  // Now and then a key column; a table may have no other.
  const from = free.length === 0 || first % 4 === 0 ? on.columns : free;
  const set: Record<string, unknown> = {};
  for (const n of [first, ...rest.slice(0, 2)]) {
    const column = from[n % from.length] as ModelColumn;
    const value = n % 11 === 10 && (!column.required || n === 21) ? null : valueFor(column, n);
    set[column.name] = large && column.type === 'STRING' && value !== null && !on.key.includes(column.name) ? `${value}${PAD}` : value;
  }
  return set;
}

const COMPARE: readonly CompareOperator[] = ['eq', 'ne', 'gt', 'gte', 'lt', 'lte'];

/** A filter over a table's columns. */
function filterOn(on: Shape, { join, leaves }: Where): Filter {
  const filters = leaves.map(([column, operator, n]) => leafOn(on.columns[column % on.columns.length] as ModelColumn, operator, n));
  if (join === 'not') return { kind: 'not', filter: { kind: 'and', filters } };
  return { kind: join, filters };
}

function leafOn(column: ModelColumn, operator: number, n: number): Filter {
  const value = valueFor(column, n);
  const chosen = operator % 10;
  if (chosen < COMPARE.length) return { kind: 'compare', column: column.name, operator: COMPARE[chosen] as CompareOperator, value };
  if (chosen === 6) return { kind: 'isNull', column: column.name, isNull: n % 2 === 0 };
  if (chosen === 7 && column.type === 'STRING') return { kind: 'text', column: column.name, operator: 'contains', value };
  return { kind: 'in', column: column.name, values: [value, valueFor(column, n + 2)], negated: chosen === 8 };
}

/** A random filter, order and numbers for reads, out of a source of numbers. */
export function randomFilter(on: Shape, below: (below: number) => number): Filter {
  const leaves = Array.from({ length: 1 + below(2) }, (): [number, number, number] => [below(42), below(42), below(42)]);
  return filterOn(on, { join: (['and', 'or', 'not'] as const)[below(3)] ?? 'and', leaves });
}

/** A key that may be there or not, by the names of the key columns. */
export function randomKey(on: Shape, below: (below: number) => number): unknown[] {
  return on.key.map((name) => valueFor(on.columns[placeOf(on, name)] as ModelColumn, below(42)));
}

function changesOn(on: DraftTable, wanted: readonly (readonly number[])[]): ColumnChange[] {
  // Names as the changes before leave them.
  let names = on.columns.map((column) => column.name);
  const changes: ColumnChange[] = [];
  for (const [what = 0, which = 0, other = 0] of wanted) {
    const free = COLUMN_NAMES.filter((name) => !names.some((known) => known.toLowerCase() === name.toLowerCase()));
    // At times one that is taken.
    const to =
      free.length === 0 || other === 41 ? (COLUMN_NAMES[other % COLUMN_NAMES.length] as string) : (free[other % free.length] as string);
    const droppable = names.filter((name) => !on.key.includes(name));
    const name = (what % 7 === 1 && droppable.length > 0 ? droppable[which % droppable.length] : names[which % names.length]) as string;
    const known = on.columns.find((column) => column.name === name);
    const int = on.columns.find(
      (column) => column.type === 'INT' && names.includes(column.name) && (column.name === name || other % 2 === 0),
    );
    if (what % 7 === 0) {
      changes.push({ kind: 'addColumn', column: { name: to, ...newColumn(which) } });
      if (!names.includes(to)) names = [...names, to];
    } else if (what % 7 === 1 && names.length > 1) {
      changes.push({ kind: 'dropColumn', name });
      names = names.filter((candidate) => candidate !== name);
    } else if (what % 7 === 2) {
      changes.push({ kind: 'renameColumn', name, to });
      names = names.map((candidate) => (candidate === name ? to : candidate));
    } else if (what % 7 === 3 && int !== undefined) changes.push({ kind: 'widenColumn', name: int.name, type: 'LONG' });
    else if (what % 7 === 4 && known !== undefined) changes.push({ kind: 'makeOptional', name });
    else if (what % 7 === 5) {
      names = [...names.slice(which % names.length), ...names.slice(0, which % names.length)];
      changes.push({ kind: 'reorderColumns', names });
    } else changes.push({ kind: 'setDescription', description: `description ${other}` });
  }
  return changes;
}

function newColumn(n: number): { type: ColumnType; default?: unknown; required?: boolean } {
  const type = (['INT', 'STRING', 'LONG', 'BOOLEAN', 'DOUBLE'] as const)[n % 5] as ColumnType;
  const absent = (POOLS[type] as readonly unknown[])[1];
  return n % 3 === 0 ? { type } : { type, default: absent, required: n % 3 === 1 };
}
