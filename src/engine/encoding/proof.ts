/**
 * Roots over rows, for the audit chain (docs/audit.md). A row's leaf is an HMAC-SHA-256 of its values by field id, keyed
 * with a secret of its commit, so that flush, compaction, renames and widening leave it as it is, and a row that was
 * erased, together with the secret, cannot be guessed back from the root.
 */
import { createHash, hash as digest, type Hash, randomBytes } from 'node:crypto';
import type { RowsProof } from '../model/history.ts';
import type { Cell, Cells, Column } from '../model/types.ts';
import { ByteWriter } from './bytes.ts';
import { writeCell } from './codec.ts';

const SEED_BYTES = 16;
const BLOCK_BYTES = 64;
/** SHA-256. */
export const HASH_BYTES = 32;
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

/** Leaves up to this many are hashed at once; more go into a running hash. */
const LEAVES_AT_ONCE = 64;
const PREFIX = Buffer.from('tidemark rows');

/** Shared by all builders, one row at a time: the inner hash's key and message, and the outer one's key and digest. */
const inner = new ByteWriter(1024);
const outer = Buffer.alloc(BLOCK_BYTES + HASH_BYTES);
/** The seed whose key stands in both. */
let keyedWith: Buffer | undefined;

function keyWith(seed: Buffer): void {
  const pad = Buffer.alloc(BLOCK_BYTES, 0x36);
  outer.fill(0x5c, 0, BLOCK_BYTES);
  for (let at = 0; at < SEED_BYTES; at += 1) {
    const byte = seed[at] as number;
    pad[at] = byte ^ 0x36;
    outer[at] = byte ^ 0x5c;
  }
  inner.truncate(0).raw(pad);
  keyedWith = seed;
}

export class RootBuilder {
  readonly #seed: Buffer;
  readonly #columns: readonly LeafColumn[];
  #leaves: Buffer = Buffer.allocUnsafe(HASH_BYTES);
  #waiting = 0;
  #hash: Hash | undefined;
  #rows = 0;

  constructor(seed: Buffer, columns: readonly Column[]) {
    this.#seed = seed;
    this.#columns = leafColumns(columns);
  }

  /** Rows that were added. */
  get rows(): number {
    return this.#rows;
  }

  /** The next row that the commit brought, by row identity. A null counts as a value that is not there. */
  add(cells: Cells | readonly Cell[]): void {
    if (keyedWith !== this.#seed) keyWith(this.#seed);
    inner.truncate(BLOCK_BYTES);
    for (const { column, at } of this.#columns) {
      const cell = cells[at] ?? null;
      if (cell !== null) writeCanonical(inner, column, cell);
    }
    // As text of one byte a character (which the types do not know): half the time of a Buffer.
    outer.write(digest('sha256', inner.finish(), 'latin1' as 'hex'), BLOCK_BYTES, HASH_BYTES, 'latin1');
    if (this.#waiting === LEAVES_AT_ONCE) this.#flush();
    if (this.#leaves.length < (this.#waiting + 1) * HASH_BYTES) this.#grow();
    this.#leaves.write(digest('sha256', outer, 'latin1' as 'hex'), this.#waiting * HASH_BYTES, HASH_BYTES, 'latin1');
    this.#waiting += 1;
    this.#rows += 1;
  }

  #grow(): void {
    const grown = Buffer.allocUnsafe(LEAVES_AT_ONCE * HASH_BYTES);
    this.#leaves.copy(grown);
    this.#leaves = grown;
  }

  #flush(): void {
    this.#hash ??= createHash('sha256').update(PREFIX);
    this.#hash.update(this.#leaves.subarray(0, this.#waiting * HASH_BYTES));
    this.#waiting = 0;
  }

  /** Ends the root with the versions that the commit ended, by row identity. */
  finish(ended: readonly EndedVersions[] = []): RowsProof {
    const { rows, froms } = ended.length === 0 ? NO_VERSIONS : mergeEnded(ended);
    const tail = new ByteWriter(16).u64(this.#rows).u64(rows.length).finish();
    if (this.#hash === undefined && rows.length === 0) {
      const all = Buffer.concat([PREFIX, this.#leaves.subarray(0, this.#waiting * HASH_BYTES), tail]);
      return { seed: this.#seed, root: digest('sha256', all, 'buffer') };
    }
    this.#flush();
    const hash = (this.#hash as unknown as Hash).update(tail);
    if (rows.length > 0) hash.update(bytesOf(rows)).update(bytesOf(froms));
    return { seed: this.#seed, root: hash.digest() };
  }
}

const NO_VERSIONS: EndedVersions = { rows: new Float64Array(0), froms: new Float64Array(0) };

const orders = new WeakMap<readonly Column[], readonly LeafColumn[]>();

function leafColumns(columns: readonly Column[]): readonly LeafColumn[] {
  let order = orders.get(columns);
  if (order === undefined) {
    order = columns.map((column, at) => ({ column, at })).sort((left, right) => left.column.fieldId - right.column.fieldId);
    orders.set(columns, order);
  }
  return order;
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
