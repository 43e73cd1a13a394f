/** Primary keys as hashes: what the key index in the catalog goes by. */
import { hash as digest } from 'node:crypto';
import { EngineError } from '../model/errors.ts';
import { LIMITS } from '../model/limits.ts';
import { type InvalidRow, invalidRows } from '../model/rows.ts';
import type { Cell, Cells, Column, TableSchema } from '../model/types.ts';
import { ByteWriter } from './bytes.ts';
import { writeCell } from './codec.ts';

const KEY_HASH_BYTES = 16;

export interface KeyColumn {
  readonly column: Column;
  /** Position in the table schema. */
  readonly at: number;
}

export function keyColumns(schema: TableSchema): KeyColumn[] {
  return schema.primaryKey.map((name) => {
    const at = schema.columns.findIndex((column) => column.name === name);
    return { column: schema.columns[at] as Column, at };
  });
}

/** The first 16 bytes of SHA-256 over the key's cells in key order. None of them is null. */
export function hashKey(columns: readonly KeyColumn[], cellOf: (key: KeyColumn, index: number) => Cell): Buffer {
  const writer = new ByteWriter(64);
  columns.forEach((key, index) => {
    const cell = cellOf(key, index);
    if (cell === null) throw new EngineError('BAD_USER_INPUT', `key column ${key.column.name} is null`);
    // INT may be widened to LONG: both hash alike. (FLOAT and DOUBLE are no keys.)
    if (key.column.type === 'INT') writeCell(writer, { type: 'LONG' }, BigInt(cell as number));
    else writeCell(writer, key.column, cell);
  });
  return digest('sha256', writer.finish(), 'buffer').subarray(0, KEY_HASH_BYTES);
}

/**
 * The key hashes of a batch, one a row.
 * @throws EngineError INVALID_ROW where two rows of the batch have the same key
 */
export function hashKeys(schema: TableSchema, count: number, cellsOf: (index: number) => Cells, layout: 'schema' | 'key'): Buffer[] {
  if (schema.primaryKey.length === 0) return [];
  const columns = keyColumns(schema);
  const seen = new Map<string, number>();
  const duplicates: InvalidRow[] = [];
  let duplicateRows = 0;
  const hashes: Buffer[] = new Array(count);
  for (let index = 0; index < count; index += 1) {
    const cells = cellsOf(index);
    const hash = hashKey(columns, ({ at }, position) => cells[layout === 'schema' ? at : position] ?? null);
    const text = hash.toString('latin1');
    const first = seen.get(text);
    if (first === undefined) seen.set(text, index);
    else {
      duplicateRows += 1;
      if (duplicates.length < LIMITS.invalidRowsReported) {
        duplicates.push({ index, column: schema.primaryKey.join(', '), reason: `has the same primary key as row ${first} of the batch` });
      }
    }
    hashes[index] = hash;
  }
  if (duplicateRows > 0) throw invalidRows(duplicates, duplicateRows, count);
  return hashes;
}
