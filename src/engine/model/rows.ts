/**
 * Row checkers: one function a table schema, generated from its columns, that turns rows as clients send them into
 * cells and reports every bad row. The generated code holds only field names (as JSON strings) and numbers.
 */
import { EngineError } from './errors.ts';
import { LIMITS } from './limits.ts';
import { isInherited } from './names.ts';
import { didYouMean, listed } from './nearest.ts';
import type { Cell, Cells, Column, TableSchema } from './types.ts';
import { parseCell, Refusal, show } from './values.ts';

export interface InvalidRow {
  /** Position in the batch, from 0. */
  readonly index: number;
  readonly column: string | null;
  readonly reason: string;
}

/** Which names the rows use: the columns' own, or those of the typed API. */
export type RowForm = 'name' | 'graphqlName';

/** A row of an upsert: cells in schema order, undefined where the row gives none. Cells of key columns are always there. */
export type PartialCells = readonly (Cell | undefined)[];

/** A cause comes before what follows from it: a misspelt column leaves another one absent. */
type Report = (column: string | null, reason: string, isCause?: boolean) => void;
type CheckRow<Row> = (row: object, report: Report) => Row;
/** What becomes of a column that a row does not give: its default, or nothing yet. */
type Absent = (column: Column, report: Report) => Cell | undefined;

interface Checkers {
  whole: Partial<Record<RowForm, CheckRow<Cells>>>;
  partial: Partial<Record<RowForm, CheckRow<PartialCells>>>;
}

const checkers = new WeakMap<TableSchema, Checkers>();

function checkersOf(schema: TableSchema): Checkers {
  let forms = checkers.get(schema);
  if (forms === undefined) {
    forms = { whole: {}, partial: {} };
    checkers.set(schema, forms);
  }
  return forms;
}

/**
 * Checks a batch; all or nothing.
 * @returns the cells of each row, columns in schema order
 * @throws EngineError INVALID_ROW {rows: [{index, column, reason}], total}, the first 100 in `rows`
 */
export function checkRows(schema: TableSchema, rows: readonly unknown[], form: RowForm): Cells[] {
  const { whole } = checkersOf(schema);
  whole[form] ??= generate(schema.columns, form, (column, report) => {
    if (column.default === null && column.required) report(column[form], 'is required and has no default');
    return column.default;
  }) as CheckRow<Cells>;
  return checkAll(whole[form], rows);
}

/**
 * Checks the rows of an upsert, all or nothing. What a row does not give is known only once its key has been looked for:
 * it stays as it is, or is the default of a new row.
 * @throws EngineError INVALID_ROW, as checkRows
 */
export function checkPartialRows(schema: TableSchema, rows: readonly unknown[], form: RowForm): PartialCells[] {
  const { partial } = checkersOf(schema);
  const keys = new Set(schema.primaryKey);
  partial[form] ??= generate(schema.columns, form, (column, report) => {
    if (!keys.has(column.name)) return undefined;
    if (column.default === null) report(column[form], 'is required: an upsert finds its row by the primary key');
    return column.default;
  });
  return checkAll(partial[form], rows);
}

function checkAll<Row>(check: CheckRow<Row>, rows: readonly unknown[]): Row[] {
  const invalid: InvalidRow[] = [];
  let badRows = 0;
  let index = 0;
  let failed = false;
  let firstOfRow = 0;
  const report: Report = (column, reason, isCause = false) => {
    failed = true;
    if (badRows >= LIMITS.invalidRowsReported || invalid.length >= LIMITS.invalidCellsReported) return;
    if (isCause) invalid.splice(firstOfRow++, 0, { index, column, reason });
    else invalid.push({ index, column, reason });
  };
  const checked: Row[] = new Array(rows.length);
  for (; index < rows.length; index += 1) {
    const row = rows[index];
    failed = false;
    firstOfRow = invalid.length;
    if (typeof row !== 'object' || row === null || Array.isArray(row)) report(null, `${show(row)} is not an object of columns`);
    else checked[index] = check(row, report);
    if (failed) badRows += 1;
  }
  if (badRows > 0) throw invalidRows(invalid, badRows, rows.length);
  return checked;
}

/** The error of a batch with bad rows; nothing of the batch is kept. */
export function invalidRows(invalid: readonly InvalidRow[], badRows: number, totalRows: number): EngineError {
  const first = invalid[0] as InvalidRow;
  const place = first.column === null ? `row ${first.index}` : `row ${first.index}, column ${first.column}`;
  const more = badRows > 1 ? ` (and ${badRows - 1} more bad ${badRows === 2 ? 'row' : 'rows'})` : '';
  return new EngineError('INVALID_ROW', `${place}: ${first.reason}${more}`, {
    details: { rows: invalid, invalidRows: badRows, totalRows },
    hint: 'Nothing of the batch was kept. Correct the rows named in details.rows and send the batch again.',
  });
}

function noSuchColumn(name: string, names: readonly string[]): string {
  const meant = didYouMean(name, names);
  return `there is no such column; ${meant === '' ? 'the' : `${meant.replace('Did', 'did')}The`} columns are ${listed(names)}`;
}

function generate(columns: readonly Column[], form: RowForm, absent: Absent): CheckRow<PartialCells> {
  const lines = [
    '"use strict";',
    'return function check(row, report) {',
    'let known = 0, v;',
    `const cells = new Array(${columns.length});`,
  ];
  columns.forEach((column, at) => {
    const key = JSON.stringify(column[form]);
    // `row.constructor` would find the inherited one.
    lines.push(`v = ${isInherited(column[form]) ? `Object.hasOwn(row, ${key}) ? row[${key}] : undefined` : `row[${key}]`};`);
    lines.push(`if (v === undefined) { if (${key} in row && Object.hasOwn(row, ${key})) known++; cells[${at}] = absent(${at}, report); }`);
    lines.push(`else { known++;`);
    lines.push(`if (v === null) { cells[${at}] = null; ${column.required ? `missing(${at}, report);` : ''} }`);
    const fast = fastPath(column);
    if (fast !== undefined) lines.push(`else if (${fast}) cells[${at}] = v;`);
    lines.push(`else cells[${at}] = parse(${at}, v, report); }`);
  });
  lines.push('let own = 0; for (const key in row) own++;', 'if (own !== known) unknown(row, report);', 'return cells; };');
  const build = new Function('absent', 'missing', 'parse', 'unknown', lines.join('\n')) as (
    ...helpers: unknown[]
  ) => CheckRow<PartialCells>;
  const names = new Set(columns.map((column) => column[form]));
  return build(
    (at: number, report: Report) => absent(columns[at] as Column, report),
    (at: number, report: Report) => report((columns[at] as Column)[form], 'is required, null is not allowed'),
    (at: number, value: unknown, report: Report) => {
      const column = columns[at] as Column;
      const cell = parseCell(column, value);
      if (!(cell instanceof Refusal)) return cell;
      report(column[form], cell.reason);
      return null;
    },
    (row: object, report: Report) => {
      for (const key of Object.keys(row)) {
        if (!names.has(key)) report(key.slice(0, 80), noSuchColumn(key, [...names]), true);
      }
    },
  );
}

/** A test that accepts only what needs no conversion; everything else goes through parseCell. */
function fastPath(column: Column): string | undefined {
  switch (column.type) {
    case 'BOOLEAN':
      return 'typeof v === "boolean"';
    case 'INT':
      return 'typeof v === "number" && (v | 0) === v && v !== 0';
    case 'DOUBLE':
      return 'typeof v === "number" && v - v === 0 && v !== 0';
    case 'STRING':
      return 'typeof v === "string" && v.isWellFormed()';
    default:
      return undefined;
  }
}

/**
 * Checks the new values of an update: absent columns stay, null sets null.
 * @returns the position of each column, and its new cell
 * @throws EngineError INVALID_ROW {rows}, BAD_USER_INPUT where nothing is set
 */
export function checkPatch(schema: TableSchema, set: unknown, form: RowForm): { readonly at: number; readonly cell: Cell }[] {
  if (typeof set !== 'object' || set === null || Array.isArray(set))
    throw new EngineError('BAD_USER_INPUT', `set: ${show(set)} is not an object of columns`);
  const invalid: InvalidRow[] = [];
  const patch: { at: number; cell: Cell }[] = [];
  for (const [name, value] of Object.entries(set)) {
    if (value === undefined) continue;
    const at = schema.columns.findIndex((column) => column[form] === name);
    const column = schema.columns[at];
    const bad = (reason: string): void => void invalid.push({ index: 0, column: name.slice(0, 80), reason });
    if (column === undefined)
      bad(
        noSuchColumn(
          name,
          schema.columns.map((known) => known[form]),
        ),
      );
    else if (value === null) {
      if (column.required) bad('is required, null is not allowed');
      else patch.push({ at, cell: null });
    } else {
      const cell = parseCell(column, value);
      if (cell instanceof Refusal) bad(cell.reason);
      else patch.push({ at, cell });
    }
  }
  const [first] = invalid;
  if (first !== undefined)
    throw new EngineError('INVALID_ROW', `set: column ${first.column}: ${first.reason}`, {
      details: { rows: invalid, invalidRows: 1, totalRows: 1 },
      hint: 'Nothing was changed. Correct the values of set.',
    });
  if (patch.length === 0)
    throw new EngineError('BAD_USER_INPUT', 'set is empty: there is nothing to change', {
      hint: 'Name at least one column and its new value.',
    });
  return patch;
}
