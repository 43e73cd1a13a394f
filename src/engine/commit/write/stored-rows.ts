/**
 * What a draft reads: the rows of its table at the draft's base. A second run of the same operations, on a newer base, reads
 * again only what was committed since the first.
 */
import { primaryKeyKey } from '../../catalog/keys.ts';
import { endsOf, type TableState } from '../../catalog/state.ts';
import type { CatalogStore } from '../../catalog/store.ts';
import type { QueryOptions } from '../../data/duckdb.ts';
import { ByteReader } from '../../encoding/bytes.ts';
import { LIMITS, limitExceeded } from '../../model/limits.ts';
import type { Column } from '../../model/types.ts';
import type { CheckedFilter } from '../../read/scan/filter.ts';
import type { Matched, Matcher } from '../../read/scan/match.ts';
import { isDeleted } from '../../read/scan/visibility.ts';

/** What the first run matched, in the order of its calls. */
export interface MatchMemory {
  readonly table: TableState;
  readonly calls: { readonly matched: readonly Matched[]; readonly columns: readonly Column[] }[];
}

export class StoredRows {
  readonly #table: TableState;
  readonly #matcher: Matcher;
  readonly #store: CatalogStore;
  readonly #earlier: MatchMemory | undefined;
  readonly memory: MatchMemory;

  /** `table` is of a state that the caller has pinned. */
  constructor(table: TableState, matcher: Matcher, store: CatalogStore, earlier: MatchMemory | undefined) {
    this.#table = table;
    this.#matcher = matcher;
    this.#store = store;
    // With other columns the same filter may mean others.
    const { filesEpoch, schema } = table;
    this.#earlier = earlier?.table.filesEpoch === filesEpoch && earlier.table.schema.version === schema.version ? earlier : undefined;
    this.memory = { table, calls: [] };
  }

  /** @throws EngineError LIMIT_EXCEEDED where more match than a commit may change */
  async match(filter: CheckedFilter | undefined, columns: readonly Column[], options: QueryOptions): Promise<Matched[]> {
    const earlier = this.#earlier?.calls[this.memory.calls.length];
    const matched =
      earlier !== undefined && this.#earlier !== undefined && sameFields(earlier.columns, columns)
        ? await this.#since(this.#earlier.table, earlier.matched, filter, columns, options)
        : await this.#all(filter, columns, options);
    this.memory.calls.push({ matched, columns });
    return matched;
  }

  async #all(filter: CheckedFilter | undefined, columns: readonly Column[], options: QueryOptions): Promise<Matched[]> {
    const visibility = { kind: 'visible', at: this.#table.last.snapshotId } as const;
    const limit = LIMITS.changedRowsMax + 1;
    const matched = await this.#matcher.match(this.#table, visibility, { filter, columns, limit }, options);
    if (matched.length < limit) return matched;
    throw limitExceeded('changedRowsMax', LIMITS.changedRowsMax, matched.length, 'Make this change in a commit of its own.');
  }

  /** What an earlier run matched and is still there, and what was committed since. */
  async #since(
    base: TableState,
    earlier: readonly Matched[],
    filter: CheckedFilter | undefined,
    columns: readonly Column[],
    options: QueryOptions,
  ): Promise<Matched[]> {
    const after = base.last.snapshotId;
    const upTo = this.#table.last.snapshotId;
    if (after === upTo) return [...earlier];
    const ends = endsOf(this.#table);
    const whole = new Set(this.#table.files.flatMap((file) => (file.endedAt !== null ? [file.fileId] : [])));
    const still = earlier.filter(({ row, from, fileId }) => !whole.has(fileId) && !isDeleted(ends.get(fileId) ?? [], row, from));
    const fresh = await this.#matcher.match(this.#table, { kind: 'created', after, upTo }, { filter, columns }, options);
    return [...still, ...fresh].sort((left, right) => left.row - right.row);
  }

  rows(ids: readonly number[], columns: readonly Column[], options: QueryOptions): Promise<Matched[]> {
    return this.#matcher.rows(this.#table, { kind: 'visible', at: this.#table.last.snapshotId }, ids, columns, options);
  }

  /** The row that has each key; undefined where none has. */
  async ownersOf(hashes: readonly Buffer[]): Promise<(number | undefined)[]> {
    const values = await this.#store.getMany(hashes.map((hash) => primaryKeyKey(this.#table.id, hash)));
    return values.map((value) => (value === undefined ? undefined : new ByteReader(value).varint()));
  }
}

function sameFields(left: readonly Column[], right: readonly Column[]): boolean {
  return (
    left.length === right.length && left.every((column, at) => column.fieldId === right[at]?.fieldId && column.type === right[at]?.type)
  );
}
