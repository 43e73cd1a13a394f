/**
 * A draft: the net effect that the operations of one commit have on one table, before anything is logged. Operations apply
 * in order, each sees the effects of those before it, and they fold into one effect for each row: no version begins and ends
 * in one commit, and a key that is deleted and inserted again is an update.
 */
import type { TableState } from '../../catalog/state.ts';
import type { QueryOptions } from '../../data/duckdb.ts';
import { hashKey, type KeyColumn, keyColumns } from '../../encoding/key-hash.ts';
import { EngineError } from '../../model/errors.ts';
import type { FileId, SnapshotId } from '../../model/ids.ts';
import { LIMITS, limitExceeded } from '../../model/limits.ts';
import { type InvalidRow, invalidRows, type PartialCells, type RowForm } from '../../model/rows.ts';
import { mapCells } from '../../model/schema.ts';
import type { Cell, Cells, Column, TableSchema } from '../../model/types.ts';
import { sameCell } from '../../model/values.ts';
import type { CheckedFilter } from '../../read/scan/filter.ts';
import type { Matched, Matcher } from '../../read/scan/match.ts';
import { YET_TO_COME } from '../../read/scan/version-columns.ts';
import type { StoredRows } from './stored-rows.ts';

/** One row of the table as the draft has it. */
export interface DraftRow {
  /** Its identity; null for a new row. */
  readonly row: number | null;
  /** The version before the commit; undefined for a new row. */
  readonly original: { readonly from: SnapshotId; readonly fileId: FileId; cells: Cells; readonly key: string | undefined } | undefined;
  /** The values after the commit; null where it is deleted. */
  cells: Cells | null;
}

/** What an upsert may do to rows that exist. */
interface UpsertRules {
  /** The names that errors use. */
  readonly form: RowForm;
  readonly mayChange: (column: Column) => boolean;
  /** Which rows; all where undefined. */
  readonly where: CheckedFilter | undefined;
}

export type Patch = readonly { readonly at: number; readonly cell: Cell }[];

export class Draft {
  readonly table: TableState | undefined;
  readonly #stored: StoredRows | undefined;
  readonly #matcher: Matcher;
  readonly #options: QueryOptions;
  #schema: TableSchema;
  #keys: readonly KeyColumn[];
  readonly #touched = new Map<number, DraftRow>();
  readonly #inserted: DraftRow[] = [];
  /** Who has a key after the operations so far, of the rows in the draft. */
  readonly #owners = new Map<string, DraftRow>();
  /** Rows of the draft by the key that they had before the commit. */
  readonly #byOldKey = new Map<string, DraftRow>();

  /** `stored` is undefined for a table that the commit itself creates. */
  constructor(
    schema: TableSchema,
    {
      table,
      stored,
      matcher,
    }: { readonly table: TableState | undefined; readonly stored: StoredRows | undefined; readonly matcher: Matcher },
    options: QueryOptions,
  ) {
    this.table = table;
    this.#matcher = matcher;
    this.#stored = stored;
    this.#options = options;
    this.#schema = schema;
    this.#keys = keyColumns(schema);
  }

  get schema(): TableSchema {
    return this.#schema;
  }

  get touched(): ReadonlyMap<number, DraftRow> {
    return this.#touched;
  }

  get inserted(): readonly DraftRow[] {
    return this.#inserted;
  }

  /** New columns: rows of the draft take them on. */
  alter(schema: TableSchema): void {
    const map = mapCells(this.#schema.columns, schema.columns);
    for (const row of [...this.#touched.values(), ...this.#inserted]) {
      const { original, cells } = row;
      // A row that was looked at and left alone stays the version that it is.
      const isLeft = cells !== null && cells === original?.cells;
      if (original !== undefined) original.cells = map(original.cells);
      if (cells !== null) row.cells = isLeft && original !== undefined ? original.cells : map(cells);
    }
    this.#schema = schema;
    this.#keys = keyColumns(schema);
  }

  keyOf(cells: Cells): string | undefined {
    if (this.#keys.length === 0) return undefined;
    return hashKey(this.#keys, ({ at }) => cells[at] ?? null).toString('latin1');
  }

  #checkSize(): void {
    const rows = this.#touched.size + this.#inserted.length;
    if (rows > LIMITS.changedRowsMax)
      throw limitExceeded('changedRowsMax', LIMITS.changedRowsMax, rows, 'Make the change in several commits, each of fewer rows.');
  }

  #take(matched: Matched): DraftRow {
    const known = this.#touched.get(matched.row);
    if (known !== undefined) return known;
    const key = this.keyOf(matched.cells);
    const row: DraftRow = {
      row: matched.row,
      original: { from: matched.from, fileId: matched.fileId, cells: matched.cells, key },
      cells: matched.cells,
    };
    this.#touched.set(matched.row, row);
    if (key !== undefined) {
      this.#byOldKey.set(key, row);
      this.#owners.set(key, row);
    }
    return row;
  }

  #set(row: DraftRow, cells: Cells | null): void {
    const before = row.cells === null ? undefined : this.keyOf(row.cells);
    const after = cells === null ? undefined : this.keyOf(cells);
    if (before !== undefined && before !== after && this.#owners.get(before) === row) this.#owners.delete(before);
    row.cells = cells;
    if (after !== undefined) this.#owners.set(after, row);
  }

  /** Rows that match, in the draft and in what is stored. */
  async #matching(filter: CheckedFilter | undefined): Promise<DraftRow[]> {
    const stored = this.#stored === undefined ? [] : await this.#stored.match(filter, this.#schema.columns, this.#options);
    const own = [...this.#touched.values(), ...this.#inserted].filter((row) => row.cells !== null);
    const matching = filter === undefined ? own : await this.#filtered(own, filter);
    const fresh = stored.filter(({ row }) => !this.#touched.has(row)).map((matched) => this.#take(matched));
    this.#checkSize();
    return [...fresh, ...matching];
  }

  /** Of rows of the draft that are there, those that match. What the commit itself has changed is of no earlier snapshot. */
  async #filtered(rows: readonly DraftRow[], filter: CheckedFilter): Promise<DraftRow[]> {
    const versions = rows.map((row) => ({
      row: row.row ?? YET_TO_COME,
      from: row.original !== undefined && row.cells === row.original.cells ? row.original.from : YET_TO_COME,
      cells: row.cells as Cells,
    }));
    const matching = await this.#matcher.matchCells(this.#schema.columns, versions, filter, this.#options);
    return matching.map((at) => rows[at] as DraftRow);
  }

  async delete(filter: CheckedFilter | undefined): Promise<DraftRow[]> {
    const rows = await this.#matching(filter);
    for (const row of rows) this.#set(row, null);
    return rows.filter((row) => row.original !== undefined);
  }

  async update(filter: CheckedFilter | undefined, patch: Patch): Promise<DraftRow[]> {
    const rows = await this.#matching(filter);
    const keyed = patch.some(({ at }) => this.#keys.some((key) => key.at === at));
    const next = rows.map((row) => {
      const cells = (row.cells as Cells).slice();
      for (const { at, cell } of patch) cells[at] = cell;
      return cells;
    });
    if (keyed) await this.#moveKeys(rows, next);
    for (const [index, row] of rows.entries()) this.#set(row, next[index] as Cells);
    return rows;
  }

  /** An update of key columns: no two rows may end with one key. */
  async #moveKeys(rows: readonly DraftRow[], next: readonly Cells[]): Promise<void> {
    const column = this.#schema.primaryKey.join(', ');
    const keys = next.map((cells) => this.keyOf(cells) as string);
    const moving = new Set(rows);
    const seen = new Set<string>();
    for (const key of keys) {
      const owner = this.#owners.get(key);
      if (seen.has(key) || (owner !== undefined && !moving.has(owner)))
        throw new EngineError('INVALID_ROW', `set: column ${column}: several rows would have the same primary key`, {
          details: { rows: [], invalidRows: 1, totalRows: rows.length },
          hint: 'Nothing was changed. Match one row at a time where its primary key is to change.',
        });
      seen.add(key);
    }
    const stored = await this.#owned(keys);
    stored.forEach((row, index) => {
      const taken = row !== undefined && !this.#touched.has(row);
      if (!taken) return;
      throw new EngineError('INVALID_ROW', `set: column ${column}: a row with the new primary key exists`, {
        details: { rows: [], invalidRows: 1, totalRows: rows.length, row: index },
        hint: 'Nothing was changed. Give the row a primary key that no other row has.',
      });
    });
  }

  /** The stored row that has each key now; undefined where none has. */
  async #owned(keys: readonly string[]): Promise<(number | undefined)[]> {
    if (this.#stored === undefined) return keys.map(() => undefined);
    return this.#stored.ownersOf(keys.map((key) => Buffer.from(key, 'latin1')));
  }

  /** New rows; with a key that exists: INVALID_ROW. */
  async append(rows: readonly Cells[]): Promise<DraftRow[]> {
    if (this.#keys.length === 0) return rows.map((cells) => this.#insert(cells));
    const keys = this.#distinct(rows);
    const stored = await this.#owned(keys);
    const column = this.#schema.primaryKey.join(', ');
    const bad: InvalidRow[] = [];
    keys.forEach((key, index) => {
      const row = stored[index];
      const taken = this.#owners.has(key) || (row !== undefined && !this.#touched.has(row));
      if (taken) bad.push({ index, column, reason: 'a row with this primary key exists' });
    });
    if (bad.length > 0) throw invalidRows(bad.slice(0, LIMITS.invalidRowsReported), bad.length, rows.length);
    return rows.map((cells, index) => this.#insertOrBringBack(keys[index] as string, cells));
  }

  /** A new row; with the key of a row that this commit deleted: that row, changed. */
  #insertOrBringBack(key: string, cells: Cells): DraftRow {
    const gone = this.#byOldKey.get(key);
    if (gone === undefined || gone.cells !== null) return this.#insert(cells);
    this.#set(gone, cells);
    return gone;
  }

  #insert(cells: Cells): DraftRow {
    const row: DraftRow = { row: null, original: undefined, cells: null };
    this.#inserted.push(row);
    this.#set(row, cells);
    this.#checkSize();
    return row;
  }

  /** The key of each row; no two may be the same. */
  #distinct(rows: readonly Cells[]): string[] {
    const seen = new Map<string, number>();
    const column = this.#schema.primaryKey.join(', ');
    const bad: InvalidRow[] = [];
    const keys = rows.map((cells, index) => {
      const key = this.keyOf(cells) as string;
      const first = seen.get(key);
      if (first === undefined) seen.set(key, index);
      else bad.push({ index, column, reason: `has the same primary key as row ${first} of the batch` });
      return key;
    });
    if (bad.length > 0) throw invalidRows(bad.slice(0, LIMITS.invalidRowsReported), bad.length, rows.length);
    return keys;
  }

  /**
   * Rows by primary key: a row that has the key takes on what is given and may change, else a new row comes. A row that is
   * as it should be already gets no new version.
   */
  async upsert(rows: readonly PartialCells[], { form, mayChange, where }: UpsertRules): Promise<DraftRow[]> {
    // The cells of the key are always there, and no others are looked at.
    const keys = this.#distinct(rows as readonly Cells[]);
    const stored = await this.#owned(keys);
    const wanted = stored.flatMap((row, index) =>
      row === undefined || this.#touched.has(row) || this.#owners.has(keys[index] as string) ? [] : [row],
    );
    if (this.#stored !== undefined) {
      for (const matched of await this.#stored.rows(wanted, this.#schema.columns, this.#options)) this.#take(matched);
    }
    this.#checkSize();
    const known = keys.map((key) => this.#owners.get(key));
    const fresh = this.#completed(rows, known, form);
    const changing = await this.#among(known, where);
    const may = this.#schema.columns.map(mayChange);
    return rows.map((given, index) => {
      const row = known[index];
      if (row === undefined) return this.#insertOrBringBack(keys[index] as string, fresh[index] as Cells);
      if (changing !== undefined && !changing.has(row)) return row;
      const cells = row.cells as Cells;
      const next = cells.map((cell, at) => (given[at] === undefined || may[at] !== true ? cell : (given[at] as Cell)));
      if (next.some((cell, at) => !sameCell(cell, cells[at] ?? null))) this.#set(row, next);
      return row;
    });
  }

  /** The cells of the rows that are new, with defaults for what was not given. */
  #completed(rows: readonly PartialCells[], known: readonly (DraftRow | undefined)[], form: RowForm): (Cells | undefined)[] {
    const invalid: InvalidRow[] = [];
    let bad = 0;
    const { columns } = this.#schema;
    const completed = rows.map((given, index): Cells | undefined => {
      if (known[index] !== undefined) return undefined;
      const missing = columns.filter((column, at) => given[at] === undefined && column.required && column.default === null);
      if (missing.length > 0) bad += 1;
      for (const column of missing) {
        const reason = 'is required and has no default, and the row is new: no row has this primary key';
        if (invalid.length < LIMITS.invalidCellsReported) invalid.push({ index, column: column[form], reason });
      }
      return columns.map((column, at) => {
        const cell = given[at];
        return cell === undefined ? column.default : cell;
      });
    });
    if (bad > 0) throw invalidRows(invalid, bad, rows.length);
    return completed;
  }

  /** Of the rows that exist, those that match; undefined where all do. */
  async #among(known: readonly (DraftRow | undefined)[], where: CheckedFilter | undefined): Promise<Set<DraftRow> | undefined> {
    if (where === undefined) return undefined;
    const rows = known.filter((row) => row !== undefined);
    return new Set(await this.#filtered(rows, where));
  }

  async replace(filter: CheckedFilter | undefined, rows: readonly Cells[]): Promise<DraftRow[]> {
    await this.delete(filter);
    return this.append(rows);
  }

  get columns(): readonly Column[] {
    return this.#schema.columns;
  }
}
