/**
 * A cache of decoded rows: parts of columns of data files, a block of row identities at a time. Files never change, so a
 * block never grows stale; what a page or a key asks for twice is not scanned twice. Bounded in bytes, the least recently
 * used go first. Only what is selected is read.
 */
import { hash as digest } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { endsOf, type TableState } from '../../catalog/state.ts';
import { fromDuck } from '../../data/cells.ts';
import type { Duck, QueryOptions } from '../../data/duckdb.ts';
import type { DataFiles } from '../../data/files.ts';
import { bytesOfResult } from '../../data/results.ts';
import type { RowCopies, RowCopy } from '../../data/row-copies.ts';
import { ByteWriter } from '../../encoding/bytes.ts';
import { writeCell } from '../../encoding/codec.ts';
import { firstAtLeast } from '../../model/ascending.ts';
import type { DataFile } from '../../model/history.ts';
import { asRowId, asSnapshotId, type SnapshotId, type TableId } from '../../model/ids.ts';
import type { Cell, Column } from '../../model/types.ts';
import { heapBytesOfCell } from './cell-bytes.ts';
import { relationSql } from './relation.ts';
import { type Row, versionTerms } from './row.ts';
import { sql } from './sql.ts';
import { isDeleted, type RowWindow } from './visibility.ts';

/** Row identities in a block. */
const BLOCK_ROWS = 1024;
/** Rows that take more than this, by their file's size, are scanned each time. */
const ROW_BYTES_MAX = 4096;
/** Bytes of one block; what compresses so well that it is more is scanned each time too. */
const BLOCK_BYTES_MAX = 16 * 1024 * 1024;
/** What Parquet saves, about. */
const COMPRESSION = 4;

/** One column's cells of a block, or the hidden ones. */
interface Part {
  readonly cells: readonly Cell[];
  readonly bytes: number;
}

/** A block of a file, for a reader of an instant. */
interface Place {
  readonly table: TableState;
  readonly file: DataFile;
  readonly block: number;
  readonly snapshotId: SnapshotId;
}

/** The hidden columns, cached as if they were columns. */
const ROW_PART = -1;
const FROM_PART = -2;

class TooLarge extends Error {}

export class Blocks implements RowCopy {
  readonly #duck: Duck;
  readonly #files: DataFiles;
  readonly #bytesMax: number;
  readonly #kept: LRUCache<string, Part>;
  /** On their way: how large they are is not known yet. */
  readonly #loading = new Map<string, Promise<Part>>();
  /** Files with a block that is too large to be kept. */
  readonly #tooLarge = new Set<number>();

  constructor(duck: Duck, files: DataFiles, bytesMax: number, copies: RowCopies) {
    this.#duck = duck;
    this.#files = files;
    this.#bytesMax = bytesMax;
    this.#kept = new LRUCache({ maxSize: Math.max(1, bytesMax) });
    copies.join('blocks of files', this);
  }

  get bytes(): number {
    return this.#kept.calculatedSize;
  }

  /** Drops what is cached of a table's files. */
  forget(tableId: TableId): void {
    const prefix = `${tableId}:`;
    for (const key of [...this.#kept.keys()]) if (key.startsWith(prefix)) this.#kept.delete(key);
    for (const key of this.#loading.keys()) if (key.startsWith(prefix)) this.#loading.delete(key);
  }

  kept(): unknown {
    return [...this.#kept.values(), ...this.#loading.values()];
  }

  /** Whether rows of these files are small enough to be kept. */
  suits(files: readonly DataFile[]): boolean {
    return (
      this.#bytesMax > 0 &&
      files.every((file) => (file.sizeBytes / file.rowCount) * COMPRESSION <= ROW_BYTES_MAX && !this.#tooLarge.has(file.fileId))
    );
  }

  /**
   * Rows of a window that are visible at a snapshot, from files that the caller has pinned and checked, by row identity;
   * undefined where a block is too large to be kept, and the files are to be scanned.
   * @throws EngineError of Duck.run
   */
  async read(
    table: TableState,
    files: readonly DataFile[],
    { window, snapshotId, columns }: { readonly window: RowWindow; readonly snapshotId: SnapshotId; readonly columns: readonly Column[] },
    options: QueryOptions,
  ): Promise<Row[] | undefined> {
    try {
      return await this.#read(table, files, { window, snapshotId, columns }, options);
    } catch (error) {
      if (error instanceof TooLarge) return undefined;
      throw error;
    }
  }

  async #read(
    table: TableState,
    files: readonly DataFile[],
    { window, snapshotId, columns }: { readonly window: RowWindow; readonly snapshotId: SnapshotId; readonly columns: readonly Column[] },
    options: QueryOptions,
  ): Promise<Row[]> {
    const rows: Row[] = [];
    for (const file of files) {
      const lo = Math.max(window.lo, file.rowLo);
      const hi = Math.min(window.hi, file.rowHi + 1);
      const deletes = (endsOf(table).get(file.fileId) ?? []).filter((batch) => batch.to <= snapshotId);
      for (let block = Math.floor(lo / BLOCK_ROWS); block * BLOCK_ROWS < hi; block += 1) {
        const [rowIds, froms, ...cells] = await this.#parts({ table, file, block, snapshotId }, columns, options);
        const ids = (rowIds as Part).cells as readonly number[];
        for (let index = firstAtLeast(ids, lo); index < ids.length && (ids[index] as number) < hi; index += 1) {
          const from = (froms as Part).cells[index] as number;
          if (from > snapshotId || isDeleted(deletes, ids[index] as number, from)) continue;
          rows.push({
            rowId: asRowId(ids[index] as number),
            fromSnapshotId: asSnapshotId(from),
            cells: cells.map((part) => part.cells[index] ?? null),
          });
        }
      }
    }
    return files.length > 1 ? rows.sort((left, right) => left.rowId - right.rowId) : rows;
  }

  async #parts(at: Place, columns: readonly Column[], options: QueryOptions): Promise<Part[]> {
    const { table, file, block, snapshotId } = at;
    const wanted = [ROW_PART, FROM_PART, ...columns.map((column) => column.fieldId)];
    // A column that was widened, or has another default where the file lacks it, has other cells.
    const readings = new Map(columns.map((column) => [column.fieldId, readingOf(column)]));
    // A file of history holds many versions of a row: its blocks are of one instant, which never changes either.
    const instant = file.kind === 'history' ? `@${snapshotId}` : '';
    const keyOf = (part: number): string => `${table.id}:${file.fileId}:${block}${instant}:${part}:${readings.get(part) ?? ''}`;
    const found = wanted.map((part) => this.#kept.get(keyOf(part)) ?? this.#loading.get(keyOf(part)));
    const missing = wanted.filter((_, at) => found[at] === undefined);
    if (missing.length === 0) return Promise.all(found as Part[]);
    this.#load(at, columns, missing, keyOf, options.timeoutMs);
    return Promise.all(found.map((part, at) => part ?? (this.#loading.get(keyOf(wanted[at] as number)) as Promise<Part>)));
  }

  /** One scan for all parts that are missing; whoever asks for one of them meanwhile waits for it. */
  #load(
    at: Place,
    columns: readonly Column[],
    missing: readonly number[],
    keyOf: (part: number) => string,
    timeoutMs: number | undefined,
  ): void {
    const read = columns.filter((column) => missing.includes(column.fieldId));
    // Shared by several readers, so no single one can give it up.
    const scan = this.#scan(at, read, { timeoutMs });
    for (const part of missing) {
      const key = keyOf(part);
      const loading = scan.then((parts) => parts.get(part) as Part);
      this.#loading.set(key, loading);
      const isOurs = (): boolean => this.#loading.get(key) === loading && this.#loading.delete(key);
      loading.then(
        (loaded) => {
          if (isOurs()) this.#kept.set(key, loaded, { size: loaded.bytes });
        },
        () => void isOurs(),
      );
    }
  }

  async #scan({ table, file, block, snapshotId }: Place, columns: readonly Column[], options: QueryOptions): Promise<Map<number, Part>> {
    const relation = relationSql({
      table,
      files: this.#files,
      planned: [file],
      mirrors: [],
      deletes: undefined,
      // The block holds all versions of the file, whatever has deleted them since.
      visibility: file.kind === 'history' ? { kind: 'visible', at: snapshotId } : { kind: 'stored' },
      window: { lo: block * BLOCK_ROWS, hi: (block + 1) * BLOCK_ROWS },
      columns,
      hidden: 'version',
    });
    const rowsOfBlock = sql`SELECT ${versionTerms(columns)} FROM (${relation}) ORDER BY _row`.render();
    const result = await this.#duck.run(rowsOfBlock.sql, rowsOfBlock.parameters, options);
    if (bytesOfResult(result) > BLOCK_BYTES_MAX) {
      this.#tooLarge.add(file.fileId);
      throw new TooLarge();
    }
    const [rows = [], froms = [], ...cells] = await result.getColumns();
    const parts = new Map<number, Part>([
      [ROW_PART, partOf(rows.map(Number))],
      [FROM_PART, partOf(froms.map(Number))],
    ]);
    columns.forEach((column, at) => {
      parts.set(column.fieldId, partOf((cells[at] ?? []).map((value) => fromDuck(column, value))));
    });
    return parts;
  }
}

const readings = new WeakMap<Column, string>();

/** A text for all that decides how a column's cells are read from a file: two columns of one text read the same cells. */
function readingOf(column: Column): string {
  let reading = readings.get(column);
  if (reading === undefined) {
    const { type, precision, scale, default: absent } = column;
    const writer = new ByteWriter(64);
    if (absent !== null) writeCell(writer, column, absent);
    reading = `${type}(${precision ?? ''},${scale ?? ''})${absent === null ? '' : digest('sha256', writer.finish())}`;
    readings.set(column, reading);
  }
  return reading;
}

function partOf(cells: readonly Cell[]): Part {
  let bytes = 128;
  for (const cell of cells) bytes += heapBytesOfCell(cell);
  return { cells, bytes };
}
