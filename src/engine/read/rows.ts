/** Single rows: by primary key and by identity, from the catalog where the row is hot, else from the one file that holds it. */

import { primaryKeyKey } from '../catalog/keys.ts';
import { type CatalogState, columnsOfVersion, type TableState, tableById } from '../catalog/state.ts';
import type { CatalogStore } from '../catalog/store.ts';
import { fromDuck } from '../data/cells.ts';
import { type QueryOptions, sqlName } from '../data/duckdb.ts';
import { readHotCommit } from '../data/hot.ts';
import type { Pins } from '../data/pins.ts';
import { ByteReader } from '../model/bytes.ts';
import { EngineError } from '../model/errors.ts';
import { asRowId, asSnapshotId, type RowId, type SnapshotId, type TableId } from '../model/ids.ts';
import { hashKey, keyColumns } from '../model/keys.ts';
import type { Cell, Column } from '../model/types.ts';
import { parseCell, Refusal } from '../model/values.ts';
import type { Row } from './page.ts';
import type { Scanner } from './scanner.ts';

export class RowReader {
  readonly #current: () => CatalogState;
  readonly #pins: Pins;
  readonly #store: CatalogStore;
  readonly #scanner: Scanner;

  constructor(parts: {
    readonly current: () => CatalogState;
    readonly pins: Pins;
    readonly store: CatalogStore;
    readonly scanner: Scanner;
  }) {
    this.#current = parts.current;
    this.#pins = parts.pins;
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
    return fromSnapshotId > snapshotId ? undefined : this.byId(tableId, { rowId, fromSnapshotId }, columns, options);
  }

  /** One version of one row; undefined where there is none. */
  async byId(
    tableId: TableId,
    { rowId, fromSnapshotId }: { readonly rowId: RowId; readonly fromSnapshotId: SnapshotId },
    columns: readonly Column[],
    options: QueryOptions,
  ): Promise<Row | undefined> {
    const state = this.#current();
    const table = tableById(state, tableId);
    const isHot = fromSnapshotId > table.hotFloor && !table.files.some((file) => file.kind === 'staged' && file.fromLo === fromSnapshotId);
    if (!isHot) return this.#fromFile(tableId, { rowId, fromSnapshotId }, columns, options);
    const pin = this.#pins.pin(state.logIndex);
    try {
      return hotRow(this.#store, table, { rowId, fromSnapshotId }, columns);
    } finally {
      pin.release();
    }
  }

  async #fromFile(
    tableId: TableId,
    { rowId, fromSnapshotId }: { readonly rowId: RowId; readonly fromSnapshotId: SnapshotId },
    columns: readonly Column[],
    options: QueryOptions,
  ): Promise<Row | undefined> {
    const names = columns.map((column) => sqlName(column.name));
    const [values] = await this.#scanner.scan(
      {
        tableId,
        snapshotId: fromSnapshotId,
        window: { lo: rowId, hi: rowId + 1 },
        columns,
        hidden: true,
        statement: (relation) => `SELECT ${['_from', ...names].join(', ')} FROM ${relation} ORDER BY _from DESC LIMIT 1`,
      },
      options,
    );
    if (values === undefined || Number(values[0]) !== fromSnapshotId) return undefined;
    return { rowId, fromSnapshotId, cells: columns.map((column, at): Cell => fromDuck(column, values[at + 1] ?? null)) };
  }
}

function hotRow(
  store: CatalogStore,
  table: TableState,
  { rowId, fromSnapshotId }: { readonly rowId: RowId; readonly fromSnapshotId: SnapshotId },
  columns: readonly Column[],
): Row | undefined {
  const commit = readHotCommit(store, table, fromSnapshotId);
  const cells = commit.rows[rowId - commit.rowBase];
  if (cells === undefined) return undefined;
  const all = columnsOfVersion(table, table.schema.version);
  return { rowId, fromSnapshotId, cells: columns.map((column) => cells[all.indexOf(column)] ?? null) };
}
