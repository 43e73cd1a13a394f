/**
 * evaluate: what the operations of one commit do to a pinned state of the catalog, as the changes of a log entry. Nothing
 * is logged here; the same operations can be evaluated again on a newer state (commit/write/transactions.ts). What each
 * kind of operation does stands in its descriptor (commit/write/operations/).
 */
import type { CatalogState, TableState } from '../../catalog/state.ts';
import type { QueryOptions } from '../../data/duckdb.ts';
import type { AlterChange, ChangeFile, TableChange } from '../../log/entry.ts';
import { EngineError } from '../../model/errors.ts';
import type { TableId } from '../../model/ids.ts';
import { LIMITS } from '../../model/limits.ts';
import { type BuiltRows, buildDraft } from './build.ts';
import type { BulkParts } from './bulk.ts';
import { Draft, type DraftRow } from './draft.ts';
import type { RowsDescriptor } from './operations/descriptor.ts';
import { type CommitOperation, isRowOperation, type RowOperation, rowsDescriptorOf, tableDescriptorOf } from './operations/index.ts';
import { type MatchMemory, StoredRows } from './stored-rows.ts';
import { type TableDraft, TableDrafts } from './table-drafts.ts';

export interface Evaluated {
  readonly state: CatalogState;
  readonly changes: readonly TableChange[];
  /** Existing tables that the operations touch. */
  readonly tables: readonly TableState[];
  /** Tables that createTable took as they are. */
  readonly found: readonly TableState[];
  /**
   * What must be as it was evaluated when the entry is applied: the tables; also which tables there are, since changes name
   * tables that the commit creates by their ids; or nothing, since apply can decide by itself.
   */
  readonly restsOn: 'tables' | 'tables and ids' | 'nothing';
  readonly files: readonly { readonly tableId: TableId; readonly file: ChangeFile }[];
  readonly bytes: number;
  /** What was matched, for a second run. */
  readonly memory: ReadonlyMap<TableId, MatchMemory>;
  /** The rows of a single operation's answer, and the table they are of; undefined where there are several, or too many. */
  readonly rows: { readonly rows: readonly DraftRow[]; readonly draft: Draft } | undefined;
}

/** What a table's definition adds to the weight of an entry, and each of its columns. */
const DEFINITION_BYTES = 1024;
const COLUMN_BYTES = 64;

export class Evaluation {
  readonly #parts: BulkParts;
  readonly #state: CatalogState;
  readonly #options: QueryOptions;
  readonly #earlier: ReadonlyMap<TableId, MatchMemory> | undefined;
  readonly #tables: TableDrafts;
  readonly #memory = new Map<TableId, MatchMemory>();

  /** The state is pinned by the caller until the entry is logged. */
  constructor(parts: BulkParts, state: CatalogState, options: QueryOptions, earlier: ReadonlyMap<TableId, MatchMemory> | undefined) {
    this.#parts = parts;
    this.#state = state;
    this.#options = options;
    this.#earlier = earlier;
    this.#tables = new TableDrafts(state);
  }

  /** @throws EngineError of every check; with several operations its message names the one */
  async run(operations: readonly CommitOperation[]): Promise<Evaluated> {
    const isAlone = operations.length === 1;
    let rows: readonly DraftRow[] = [];
    for (const [index, operation] of operations.entries()) {
      try {
        rows = await this.#apply(operation, isAlone);
      } catch (error) {
        if (isAlone || !(error instanceof EngineError)) throw error;
        throw new EngineError(error.code, `operations[${index}] (${operation.kind}): ${error.message}`, {
          details: { ...error.details, operation: index },
          ...(error.hint === undefined ? {} : { hint: error.hint }),
          cause: error,
        });
      }
    }
    return this.#finish(isAlone, rows);
  }

  async #apply(operation: CommitOperation, isAlone: boolean): Promise<readonly DraftRow[]> {
    if (!isRowOperation(operation)) {
      tableDescriptorOf(operation).onTables(this.#tables, operation, isAlone);
      return [];
    }
    const descriptor = rowsDescriptorOf(operation);
    const at = this.#tables.named(operation.table);
    at.operation ??= descriptor.operation;
    if (isAlone && (await this.#inBulk(at, descriptor, operation))) return [];
    return descriptor.onDraft(this.#draftOf(at), operation);
  }

  #draftOf(at: TableDraft): Draft {
    if (at.draft === undefined) {
      const { table } = at;
      const stored =
        table === undefined ? undefined : new StoredRows(table, this.#parts.matcher, this.#parts.store, this.#earlier?.get(table.id));
      if (stored !== undefined) this.#memory.set(at.id, stored.memory);
      at.draft = new Draft(at.schema, { table, stored, matcher: this.#parts.matcher }, this.#options);
    }
    return at.draft;
  }

  /** A change of more rows than a draft takes, where it is a commit of its own. */
  async #inBulk(at: TableDraft, { inBulk }: RowsDescriptor<RowOperation>, operation: RowOperation): Promise<boolean> {
    const { table } = at;
    if (inBulk === null || table === undefined || table.last.totalRows <= LIMITS.changedRowsMax) return false;
    const filter = inBulk.about(table.schema, operation);
    if (filter !== undefined) {
      const visibility = { kind: 'visible', at: table.last.snapshotId } as const;
      const count = await this.#parts.matcher.count(table, visibility, filter, this.#options);
      if (count <= LIMITS.changedRowsMax) return false;
    }
    at.bulk = await inBulk.evaluate(this.#parts, { table, filter }, operation, this.#options);
    return true;
  }

  async #finish(isAlone: boolean, rows: readonly DraftRow[]): Promise<Evaluated> {
    const changes: TableChange[] = [];
    const files: { tableId: TableId; file: ChangeFile }[] = [];
    let bytes = 0;
    for (const at of this.#tables.all) {
      if (at.created !== undefined) {
        changes.push({ kind: 'create', ...at.created });
        bytes += DEFINITION_BYTES + at.schema.columns.length * COLUMN_BYTES;
      }
      if (at.altered !== undefined && !at.dropped) {
        changes.push(alteration(at, at.altered));
        bytes += DEFINITION_BYTES;
      }
      const built = at.dropped ? undefined : (at.bulk ?? (await this.#built(at)));
      if (built !== undefined) {
        changes.push({ ...built.change, schemaVersion: at.schema.version });
        files.push(...built.files.map((file) => ({ tableId: at.id, file })));
        bytes += built.bytes;
      }
      if (at.dropped) changes.push({ kind: 'drop', tableId: at.id });
    }
    const [only] = this.#tables.all;
    return {
      state: this.#state,
      changes,
      tables: this.#tables.all.flatMap(({ table }) => (table === undefined ? [] : [table])),
      found: this.#tables.found,
      restsOn: this.#restsOn(isAlone),
      files,
      bytes,
      memory: this.#memory,
      rows: isAlone && only?.draft !== undefined ? { rows, draft: only.draft } : undefined,
    };
  }

  #restsOn(isAlone: boolean): Evaluated['restsOn'] {
    if (this.#tables.all.every(({ created }) => created === undefined)) return 'tables';
    return isAlone ? 'nothing' : 'tables and ids';
  }

  async #built(at: TableDraft): Promise<BuiltRows | undefined> {
    return at.draft === undefined ? undefined : buildDraft(this.#parts.staging, at.draft, at.id, at.operation ?? 'APPEND');
  }
}

function alteration(at: TableDraft, { schema, description, retention }: NonNullable<TableDraft['altered']>): AlterChange {
  const { version } = at.schemaBefore;
  return {
    kind: 'alter',
    tableId: at.id,
    operation: at.operation ?? 'ALTER',
    schemaVersion: version,
    schema: schema.version === version ? null : schema,
    description,
    retention,
  };
}
