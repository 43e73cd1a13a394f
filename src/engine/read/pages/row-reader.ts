/** Single rows: by primary key and by identity, from the catalog where the row is hot, else from the one file that holds it. */

import { primaryKeyKey } from '../../catalog/keys.ts';
import { type CatalogState, columnsOfVersion, hotEndsOf, hotVersionsOf, type TableState, tableById } from '../../catalog/state.ts';
import type { CatalogStore } from '../../catalog/store.ts';
import type { QueryOptions } from '../../data/duckdb.ts';
import { findHotCommit } from '../../data/hot.ts';
import { ByteReader } from '../../encoding/bytes.ts';
import { hashKey, type KeyColumn, keyColumns } from '../../encoding/key-hash.ts';
import { EngineError } from '../../model/errors.ts';
import { asRowId, asSnapshotId, type RowId, type SnapshotId, type TableId } from '../../model/ids.ts';
import { mapCells } from '../../model/schema.ts';
import type { Cells, Column } from '../../model/types.ts';
import { parseCell, Refusal } from '../../model/values.ts';
import { checkFilter, type Filter, withFilterColumns } from '../scan/filter.ts';
import { type Row, rowsOf, versionTerms } from '../scan/row.ts';
import type { Scanner } from '../scan/scanner.ts';
import { sql, where } from '../scan/sql.ts';
import type { PageTarget } from './page.ts';

export class RowReader {
  readonly #current: () => CatalogState;
  readonly #store: CatalogStore;
  readonly #scanner: Scanner;
  readonly #isWriting: () => boolean;

  constructor(parts: {
    readonly current: () => CatalogState;
    readonly store: CatalogStore;
    readonly scanner: Scanner;
    /** Whether a round is on its way to disk. */
    readonly isWriting: () => boolean;
  }) {
    this.#current = parts.current;
    this.#store = parts.store;
    this.#scanner = parts.scanner;
    this.#isWriting = parts.isWriting;
  }

  /**
   * The row with a primary key at a snapshot; undefined where there is none.
   * `key`: wire forms by column name.
   * @throws EngineError BAD_USER_INPUT where the table has no primary key or a value does not fit
   */
  async byKey(
    { tableId, snapshotId, schema }: Pick<PageTarget, 'tableId' | 'snapshotId' | 'schema'>,
    key: Readonly<Record<string, unknown>>,
    columns: readonly Column[],
    options: QueryOptions,
  ): Promise<Row | undefined> {
    const table = tableById(this.#current(), tableId);
    const keys = keyColumns(schema);
    if (keys.length === 0) throw new EngineError('BAD_USER_INPUT', `table ${table.name} has no primary key`);
    const hash = hashKey(keys, ({ column }) => {
      const value = key[column.name];
      if (value === undefined || value === null) throw new EngineError('BAD_USER_INPUT', `key column ${column.name} is missing`);
      const cell = parseCell(column, value);
      if (cell instanceof Refusal) throw new EngineError('BAD_USER_INPUT', `key column ${column.name}: ${cell.reason}`);
      return cell;
    });
    const stored = this.#store.get(primaryKeyKey(tableId, hash));
    if (stored !== undefined) {
      const reader = new ByteReader(stored);
      const rowId = asRowId(reader.varint());
      // Since this commit the row has this key.
      const since = asSnapshotId(reader.varint());
      if (since <= snapshotId) {
        // Where no hot row has changed, the version that came with the key is in that commit's record, or in a file.
        const changed = since <= table.hotFloor || hotVersionsOf(table) > 0 || hotEndsOf(table) > 0;
        const came = changed ? undefined : this.#hot(table, rowId, since, columns);
        const row = came ?? (await this.#window(tableId, rowId, snapshotId, columns, options))[0];
        if (row === undefined) throw this.#store.corrupt(`row ${rowId} of table ${table.name} is in the key index, but not stored`);
        return row;
      }
      // A round that is being written may have taken the key out already: then the rows themselves are asked.
    } else if (!this.#isWriting() && snapshotId >= tableById(this.#current(), tableId).last.snapshotId) return undefined;
    return this.#byScan(table, { snapshotId, schema }, keys, key, columns, options);
  }

  /** A key that has gone since, or that another row has now: found by its values. */
  async #byScan(
    table: TableState,
    { snapshotId, schema }: Pick<PageTarget, 'snapshotId' | 'schema'>,
    keys: readonly KeyColumn[],
    key: Readonly<Record<string, unknown>>,
    columns: readonly Column[],
    options: QueryOptions,
  ): Promise<Row | undefined> {
    const filters = keys.map(({ column }): Filter => ({ kind: 'compare', column: column.name, operator: 'eq', value: key[column.name] }));
    const filter = checkFilter(schema, { kind: 'and', filters });
    const values = await this.#scanner.scan(
      {
        tableId: table.id,
        visibility: { kind: 'visible', at: snapshotId },
        filter,
        columns: withFilterColumns(columns, filter),
        hidden: 'version',
        statement: (relation, matching) => sql`SELECT ${versionTerms(columns)} FROM ${relation}${where(matching)} ORDER BY _row LIMIT 1`,
      },
      options,
    );
    return rowsOf(columns, values)[0];
  }

  /** One version of one row; undefined where there is none, or it has expired. */
  async byId(
    tableId: TableId,
    { rowId, fromSnapshotId }: { readonly rowId: RowId; readonly fromSnapshotId: SnapshotId },
    columns: readonly Column[],
    options: QueryOptions,
  ): Promise<Row | undefined> {
    const table = tableById(this.#current(), tableId);
    const at = fromSnapshotId < table.kept.horizon ? table.kept.horizon : fromSnapshotId;
    const hot = at === fromSnapshotId ? this.#hot(table, rowId, fromSnapshotId, columns) : undefined;
    if (hot !== undefined) return hot;
    const rows = await this.#window(tableId, rowId, at, columns, options);
    return rows.find((row) => row.fromSnapshotId === fromSnapshotId);
  }

  /** The version of a row that is visible at a snapshot; undefined where there is none. */
  async at(
    { tableId, snapshotId }: Pick<PageTarget, 'tableId' | 'snapshotId'>,
    rowId: RowId,
    columns: readonly Column[],
    options: QueryOptions,
  ): Promise<Row | undefined> {
    return (await this.#window(tableId, rowId, snapshotId, columns, options))[0];
  }

  /** A version out of the record of the small commit that brought it, which stays until all states name the file that took it over. */
  #hot(table: TableState, rowId: RowId, fromSnapshotId: SnapshotId, columns: readonly Column[]): Row | undefined {
    const hot = findHotCommit(this.#store, table, fromSnapshotId);
    const index = hot?.rowIds.indexOf(rowId) ?? -1;
    if (hot === undefined || index < 0) return undefined;
    return { rowId, fromSnapshotId, cells: mapCells(columnsOfVersion(table, hot.schemaVersion), columns)(hot.rows[index] as Cells) };
  }

  #window(tableId: TableId, rowId: RowId, snapshotId: SnapshotId, columns: readonly Column[], options: QueryOptions): Promise<Row[]> {
    return this.#scanner.window(
      { tableId, snapshotId, window: { lo: rowId, hi: rowId + 1 }, nextRow: Number.MAX_SAFE_INTEGER, columns },
      options,
    );
  }
}
