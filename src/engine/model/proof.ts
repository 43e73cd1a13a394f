/**
 * Roots over rows, for the audit chain (docs/audit.md). A row's leaf is an HMAC-SHA-256 of its values by field id, keyed
 * with a secret of its commit, so that flush, compaction, renames and widening leave it as it is, and a row that was
 * erased, together with the secret, cannot be guessed back from the root.
 */
import { createHash, hash as digest, type Hash, randomBytes } from 'node:crypto';
import { ByteWriter } from './bytes.ts';
import { writeCell } from './codec.ts';
import type { RowsProof } from './history.ts';
import type { Cell, Cells, Column } from './types.ts';

const SEED_BYTES = 16;
const BLOCK_BYTES = 64;
const POOL_SEEDS = 256;

let pool = Buffer.alloc(0);

/** 16 random bytes. */
export function newSeed(): Buffer {
  if (pool.length < SEED_BYTES) pool = randomBytes(SEED_BYTES * POOL_SEEDS);
  const seed = pool.subarray(0, SEED_BYTES);
  pool = pool.subarray(SEED_BYTES);
  return seed;
}

/** The canonical bytes of a value: the same before and after its column is widened. */
function writeCanonical(writer: ByteWriter, column: Column, cell: Exclude<Cell, null>): void {
  writer.varint(column.fieldId);
  if (column.type === 'INT') writer.i64(BigInt(cell as number));
  else if (column.type === 'FLOAT') writer.f64(cell as number);
  else writeCell(writer, column, cell);
}

/** Columns in the order that leaves are made of: by field id. */
interface LeafColumn {
  readonly column: Column;
  readonly at: number;
}

export class RootBuilder {
  readonly #seed: Buffer;
  readonly #inner: Buffer;
  readonly #outer: Buffer;
  readonly #hash: Hash = createHash('sha256').update('tidemark rows');
  readonly #columns: readonly LeafColumn[];
  #rows = 0;

  constructor(seed: Buffer, columns: readonly Column[]) {
    this.#seed = seed;
    this.#inner = Buffer.alloc(BLOCK_BYTES, 0x36);
    this.#outer = Buffer.alloc(BLOCK_BYTES, 0x5c);
    for (let at = 0; at < SEED_BYTES; at += 1) {
      this.#inner[at] = (seed[at] as number) ^ 0x36;
      this.#outer[at] = (seed[at] as number) ^ 0x5c;
    }
    this.#columns = columns.map((column, at) => ({ column, at })).sort((left, right) => left.column.fieldId - right.column.fieldId);
  }

  /** The next row that the commit brought, by row identity. A null counts as a value that is not there. */
  add(cells: Cells | readonly Cell[]): void {
    const writer = new ByteWriter(BLOCK_BYTES * 4).raw(this.#inner);
    for (const { column, at } of this.#columns) {
      const cell = cells[at] ?? null;
      if (cell !== null) writeCanonical(writer, column, cell);
    }
    const outer = Buffer.allocUnsafe(BLOCK_BYTES + 32);
    outer.set(this.#outer);
    outer.set(digest('sha256', writer.finish(), 'buffer'), BLOCK_BYTES);
    this.#hash.update(digest('sha256', outer, 'buffer'));
    this.#rows += 1;
  }

  /** Ends the root with the versions that the commit ended, by row identity. */
  finish(ended: readonly EndedVersions[] = []): RowsProof {
    const tail = new ByteWriter(32).u64(this.#rows);
    const { rows, froms } = mergeEnded(ended);
    this.#hash.update(tail.u64(rows.length).finish());
    if (rows.length > 0) this.#hash.update(bytesOf(rows)).update(bytesOf(froms));
    return { seed: this.#seed, root: this.#hash.digest() };
  }
}

export interface EndedVersions {
  /** Ascending. */
  readonly rows: Float64Array;
  readonly froms: Float64Array;
}

const bytesOf = (numbers: Float64Array): Uint8Array => new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);

/** Ended versions of several sources as one list, by row identity. */
export function mergeEnded(lists: readonly EndedVersions[]): EndedVersions {
  const [only] = lists;
  if (only !== undefined && lists.length === 1) return only;
  const count = lists.reduce((sum, list) => sum + list.rows.length, 0);
  const rows = new Float64Array(count);
  const froms = new Float64Array(count);
  let at = 0;
  for (const list of lists) {
    rows.set(list.rows, at);
    froms.set(list.froms, at);
    at += list.rows.length;
  }
  return sortEnded({ rows, froms });
}

/** Sorts versions by row identity. */
export function sortEnded({ rows, froms }: EndedVersions): EndedVersions {
  let sorted = true;
  for (let index = 1; index < rows.length && sorted; index += 1) sorted = (rows[index - 1] as number) <= (rows[index] as number);
  if (sorted) return { rows, froms };
  const order = Uint32Array.from(rows.keys()).sort((left, right) => (rows[left] as number) - (rows[right] as number));
  return {
    rows: Float64Array.from(order, (index) => rows[index] as number),
    froms: Float64Array.from(order, (index) => froms[index] as number),
  };
}

/** The proof of a commit that brought and ended no rows. */
export function emptyProof(): RowsProof {
  return new RootBuilder(newSeed(), []).finish();
}
