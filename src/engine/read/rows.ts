/** Single rows: by primary key and by identity, from the catalog where the row is hot, else from the one file that holds it. */

import { primaryKeyKey } from '../catalog/keys.ts';
import { type CatalogState, tableById } from '../catalog/state.ts';
import type { CatalogStore } from '../catalog/store.ts';
import type { QueryOptions } from '../data/duckdb.ts';
import { findHotCommit } from '../data/hot.ts';
import { ByteReader } from '../model/bytes.ts';
import { EngineError } from '../model/errors.ts';
import { asRowId, asSnapshotId, type RowId, type SnapshotId, type TableId } from '../model/ids.ts';
import { hashKey, keyColumns } from '../model/keys.ts';
import type { Column } from '../model/types.ts';
import { parseCell, Refusal } from '../model/values.ts';
import type { Row } from './page.ts';
import type { Scanner } from './scanner.ts';

export class RowReader {
  readonly #current: () => CatalogState;
  readonly #store: CatalogStore;
  readonly #scanner: Scanner;

  constructor(parts: {
    readonly current: () => CatalogState;
    readonly store: CatalogStore;
    readonly scanner: Scanner;
  }) {
    this.#current = parts.current;
    this.#store = parts.store;
    this.#scanner = parts.scanner;
  }

  /**
   * The row with a primary key at a snapshot; undefined where there is none.
   * `key`: wire forms by column name.
   * @throws EngineError BAD_USER_INPUT where the table has no primary key or a value does not fit
   */
  async byKey(
    tableId: TableId,
    snapshotId: SnapshotId,
    key: Readonly<Record<string, unknown>>,
    columns: readonly Column[],
    options: QueryOptions,
  ): Promise<Row | undefined> {
    const table = tableById(this.#current(), tableId);
    const keys = keyColumns(table.schema);
    if (keys.length === 0) throw new EngineError('BAD_USER_INPUT', `table ${table.name} has no primary key`);
    const hash = hashKey(keys, ({ column }) => {
      const value = key[column.name];
      if (value === undefined || value === null) throw new EngineError('BAD_USER_INPUT', `key column ${column.name} is missing`);
      const cell = parseCell(column, value);
      if (cell instanceof Refusal) throw new EngineError('BAD_USER_INPUT', `key column ${column.name}: ${cell.reason}`);
      return cell;
    });
    const stored = this.#store.get(primaryKeyKey(tableId, hash));
    if (stored === undefined) return undefined;
    const reader = new ByteReader(stored);
    const rowId = asRowId(reader.varint());
    const fromSnapshotId = asSnapshotId(reader.varint());
    if (fromSnapshotId > snapshotId) return undefined;
    const row = await this.byId(tableId, { rowId, fromSnapshotId }, columns, options);
    if (row === undefined) throw this.#store.corrupt(`row ${rowId} of table ${table.name} is in the key index, but not stored`);
    return row;
  }

  /** One version of one row; undefined where there is none. */
  async byId(
    tableId: TableId,
    { rowId, fromSnapshotId }: { readonly rowId: RowId; readonly fromSnapshotId: SnapshotId },
    columns: readonly Column[],
    options: QueryOptions,
  ): Promise<Row | undefined> {
    // The record of a small commit stays until every file that took its rows over is in the state that scans plan on.
    const hot = findHotCommit(this.#store, tableById(this.#current(), tableId), fromSnapshotId);
    if (hot === undefined) return this.#fromFile(tableId, { rowId, fromSnapshotId }, columns, options);
    const cells = hot.rows[rowId - hot.rowBase];
    if (cells === undefined) return undefined;
    const all = tableById(this.#current(), tableId).schema.columns;
    return { rowId, fromSnapshotId, cells: columns.map((column) => cells[all.indexOf(column)] ?? null) };
  }

  async #fromFile(
    tableId: TableId,
    { rowId, fromSnapshotId }: { readonly rowId: RowId; readonly fromSnapshotId: SnapshotId },
    columns: readonly Column[],
    options: QueryOptions,
  ): Promise<Row | undefined> {
    const rows = await this.#scanner.window(
      { tableId, snapshotId: fromSnapshotId, window: { lo: rowId, hi: rowId + 1 }, nextRow: rowId + 1, columns },
      options,
    );
    return rows.find((row) => row.fromSnapshotId === fromSnapshotId);
  }
}
