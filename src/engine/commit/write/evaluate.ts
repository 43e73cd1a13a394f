/**
 * evaluate: what the operations of one commit do to a pinned state of the catalog, as the changes of a log entry. Nothing
 * is logged here; the same operations can be evaluated again on a newer state (commit/write/transactions.ts).
 */
import { type CatalogState, findTable, type TableState, tableNamed } from '../../catalog/state.ts';
import type { QueryOptions } from '../../data/duckdb.ts';
import type { ChangeFile, TableChange } from '../../log/entry.ts';
import { alterTable } from '../../model/alter.ts';
import { EngineError, unreachable } from '../../model/errors.ts';
import type { Retention } from '../../model/history.ts';
import { asTableId, type TableId } from '../../model/ids.ts';
import { LIMITS } from '../../model/limits.ts';
import { checkPartialRows, checkPatch, checkRows } from '../../model/rows.ts';
import { columnNamed, defineTable, type NewTable, sameColumns } from '../../model/schema.ts';
import type { Cells, Operation, TableSchema } from '../../model/types.ts';
import { type CheckedFilter, checkFilter, type Filter } from '../../read/scan/filter.ts';
import { type BuiltRows, buildDraft } from './build.ts';
import { type BulkParts, bulkDelete, bulkReplace, bulkUpdate } from './bulk.ts';
import { Draft, type DraftRow, type Patch } from './draft.ts';
import { type CommitOperation, OPERATION_OF } from './operations.ts';
import { checkBatchSize } from './prepare.ts';
import { type MatchMemory, StoredRows } from './stored-rows.ts';

/** One table on the way through the operations. */
interface TableDraft {
  readonly id: TableId;
  readonly table: TableState | undefined;
  created: NewTable | undefined;
  draft: Draft | undefined;
  bulk: BuiltRows | undefined;
  operation: Operation | undefined;
  /** What alterations made of it; undefined where there were none. */
  altered: { readonly schema: TableSchema; readonly description: string | null; readonly retention: Retention | null } | undefined;
  dropped: boolean;
}

export interface Evaluated {
  readonly state: CatalogState;
  readonly changes: readonly TableChange[];
  /** Existing tables that the operations touch, and whether tables are created. */
  readonly tables: readonly TableState[];
  readonly creates: boolean;
  readonly files: readonly { readonly tableId: TableId; readonly file: ChangeFile }[];
  readonly bytes: number;
  /** What was matched, for a second run. */
  readonly memory: ReadonlyMap<TableId, MatchMemory>;
  /** The rows of a single operation's answer, and the table they are of; undefined where there are several, or too many. */
  readonly rows: { readonly operation: CommitOperation['kind']; readonly rows: readonly DraftRow[]; readonly draft: Draft } | undefined;
}

export class Evaluation {
  readonly #parts: BulkParts;
  readonly #state: CatalogState;
  readonly #options: QueryOptions;
  readonly #earlier: ReadonlyMap<TableId, MatchMemory> | undefined;
  readonly #tables = new Map<TableId, TableDraft>();
  readonly #names = new Map<string, TableDraft | undefined>();
  readonly #memory = new Map<TableId, MatchMemory>();
  #creates = false;
  #nextTableId: number;

  /** The state is pinned by the caller until the entry is logged. */
  constructor(parts: BulkParts, state: CatalogState, options: QueryOptions, earlier: ReadonlyMap<TableId, MatchMemory> | undefined) {
    this.#parts = parts;
    this.#state = state;
    this.#options = options;
    this.#earlier = earlier;
    this.#nextTableId = state.tables.length;
  }

  /** @throws EngineError of every check; with several operations its message names the one */
  async run(operations: readonly CommitOperation[]): Promise<Evaluated> {
    let rows: readonly DraftRow[] = [];
    for (const [index, operation] of operations.entries()) {
      try {
        rows = await this.#apply(operation, operations.length === 1);
      } catch (error) {
        if (operations.length === 1 || !(error instanceof EngineError)) throw error;
        throw new EngineError(error.code, `operations[${index}] (${operation.kind}): ${error.message}`, {
          details: { ...error.details, operation: index },
          ...(error.hint === undefined ? {} : { hint: error.hint }),
          cause: error,
        });
      }
    }
    return this.#finish(operations, rows);
  }

  #named(name: string): TableDraft {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    if (this.#names.has(name))
      throw new EngineError('TABLE_NOT_FOUND', `table ${name} is dropped by this very commit`, { details: { table: name } });
    const table = tableNamed(this.#state, name);
    const made: TableDraft = {
      id: table.id,
      table,
      created: undefined,
      draft: undefined,
      bulk: undefined,
      operation: undefined,
      altered: undefined,
      dropped: false,
    };
    this.#tables.set(table.id, made);
    this.#names.set(name, made);
    return made;
  }

  #schemaOf(at: TableDraft): TableSchema {
    return at.altered?.schema ?? at.created?.schema ?? (at.table as TableState).schema;
  }

  #draftOf(at: TableDraft): Draft {
    if (at.draft === undefined) {
      const { table } = at;
      const stored =
        table === undefined ? undefined : new StoredRows(table, this.#parts.matcher, this.#parts.store, this.#earlier?.get(table.id));
      if (stored !== undefined) this.#memory.set(at.id, stored.memory);
      at.draft = new Draft(this.#schemaOf(at), { table, stored, matcher: this.#parts.matcher }, this.#options);
    }
    return at.draft;
  }

  async #apply(operation: CommitOperation, alone: boolean): Promise<readonly DraftRow[]> {
    switch (operation.kind) {
      case 'createTable':
        this.#create(operation.definition);
        return [];
      case 'alterTable':
        this.#alter(operation);
        return [];
      case 'dropTable':
        this.#drop(operation.table);
        return [];
      default: {
        const at = this.#named(operation.table);
        at.operation ??= OPERATION_OF[operation.kind];
        if (alone && (await this.#inBulk(at, operation))) return [];
        return this.#change(this.#draftOf(at), this.#schemaOf(at), operation);
      }
    }
  }

  #create(definition: Extract<CommitOperation, { kind: 'createTable' }>['definition']): void {
    const created = defineTable(definition);
    const existing = this.#names.has(created.name) ? this.#names.get(created.name) : findTable(this.#state, created.name);
    if (existing !== undefined) {
      const schema = 'schemas' in existing ? existing.schema : this.#schemaOf(existing);
      if (definition.ifExists === 'IGNORE' && sameColumns(schema, created.schema)) return;
      if (definition.ifExists !== 'IGNORE')
        throw new EngineError('TABLE_EXISTS', `there is a table ${created.name} already`, {
          details: { table: created.name },
          hint: 'Choose another name, or say ifExists: IGNORE to take the table there is.',
        });
      throw new EngineError('SCHEMA_MISMATCH', `there is a table ${created.name} already, with other columns or another primary key`, {
        details: { table: created.name },
      });
    }
    const id = asTableId(this.#nextTableId);
    this.#nextTableId += 1;
    this.#creates = true;
    const made: TableDraft = {
      id,
      table: undefined,
      created,
      draft: undefined,
      bulk: undefined,
      operation: 'CREATE',
      altered: undefined,
      dropped: false,
    };
    this.#tables.set(id, made);
    this.#names.set(created.name, made);
  }

  #alter({ table: name, changes }: Extract<CommitOperation, { kind: 'alterTable' }>): void {
    const at = this.#named(name);
    const schema = this.#schemaOf(at);
    const schemas = [...(at.table?.schemas ?? []), schema];
    const { description } = at.altered ?? at.created ?? (at.table as TableState);
    const { retention } = at.altered ?? at.table ?? { retention: null };
    const altered = alterTable({ schema, schemas, description, retention }, changes);
    at.operation ??= 'ALTER';
    const next = altered.schema ?? schema;
    if (at.created !== undefined && altered.retention === null) {
      at.created = { ...at.created, description: altered.description, schema: { ...next, version: 1 } };
    } else {
      const version = altered.schema === null ? schema.version : (at.table?.schema.version ?? 1) + 1;
      at.altered = { ...altered, schema: { ...next, version } };
    }
    at.draft?.alter(this.#schemaOf(at));
  }

  #drop(name: string): void {
    const at = this.#named(name);
    at.dropped = true;
    at.operation = 'DROP';
    this.#names.set(name, undefined);
  }

  /** A change of more rows than a draft takes, where it is a commit of its own. */
  async #inBulk(at: TableDraft, operation: Extract<CommitOperation, { table: string }>): Promise<boolean> {
    const { table } = at;
    if (table === undefined || table.last.totalRows <= LIMITS.changedRowsMax) return false;
    if (operation.kind !== 'delete' && operation.kind !== 'update' && operation.kind !== 'replace') return false;
    const filter = filterOf(table.schema, operation.where);
    const visibility = { kind: 'visible', at: table.last.snapshotId } as const;
    if (operation.kind !== 'replace' || filter !== undefined) {
      const count = await this.#parts.matcher.count(table, visibility, filter, this.#options);
      if (count <= LIMITS.changedRowsMax) return false;
    }
    at.bulk = await this.#bulk(table, filter, operation);
    return true;
  }

  #bulk(
    table: TableState,
    filter: CheckedFilter | undefined,
    operation: Extract<CommitOperation, { kind: 'delete' | 'update' | 'replace' }>,
  ): Promise<BuiltRows> {
    switch (operation.kind) {
      case 'delete':
        return bulkDelete(this.#parts, table, filter, this.#options);
      case 'update': {
        const patch = patchOf(table.schema, operation);
        const keyed = patch.find(({ at }) => table.schema.primaryKey.includes(table.schema.columns[at]?.name ?? ''));
        if (keyed !== undefined)
          throw new EngineError(
            'INVALID_ROW',
            `set: column ${table.schema.columns[keyed.at]?.name}: several rows would have the same primary key`,
            {
              details: { rows: [], invalidRows: 1 },
              hint: 'Nothing was changed. Match one row at a time where its primary key is to change.',
            },
          );
        return bulkUpdate(this.#parts, table, { filter, patch }, this.#options);
      }
      case 'replace':
        return bulkReplace(this.#parts, table, { filter, rows: rowsOf(table.schema, operation) }, this.#options);
      default:
        return unreachable(operation);
    }
  }

  #change(draft: Draft, schema: TableSchema, operation: Extract<CommitOperation, { table: string }>): Promise<DraftRow[]> {
    switch (operation.kind) {
      case 'append':
        return draft.append(rowsOf(schema, operation));
      case 'upsert':
        if (schema.primaryKey.length === 0)
          throw new EngineError('BAD_USER_INPUT', `table ${operation.table} has no primary key, which upsert goes by`, {
            details: { table: operation.table },
            hint: 'Use append, or replace with where.',
          });
        return this.#upsert(draft, schema, operation);
      case 'replace':
        return draft.replace(filterOf(schema, operation.where), rowsOf(schema, operation));
      case 'delete':
        return draft.delete(filterOf(schema, operation.where));
      case 'update':
        return draft.update(filterOf(schema, operation.where), patchOf(schema, operation));
      case 'alterTable':
      case 'dropTable':
        throw new Error('not a change of rows');
      default:
        return unreachable(operation);
    }
  }

  #upsert(
    draft: Draft,
    schema: TableSchema,
    { rows, form = 'name', onConflict = {} }: Extract<CommitOperation, { kind: 'upsert' }>,
  ): Promise<DraftRow[]> {
    checkBatchSize(rows);
    const may = onConflict.update?.map((name) => columnNamed(schema, name, 'onConflict.update'));
    return draft.upsert(checkPartialRows(schema, rows, form), {
      form,
      mayChange: may === undefined ? () => true : (column) => may.includes(column),
      where: onConflict.where === undefined ? undefined : filterOf(schema, onConflict.where),
    });
  }

  async #finish(operations: readonly CommitOperation[], rows: readonly DraftRow[]): Promise<Evaluated> {
    const changes: TableChange[] = [];
    const files: { tableId: TableId; file: ChangeFile }[] = [];
    let bytes = 0;
    for (const at of this.#tables.values()) {
      if (at.created !== undefined) {
        changes.push({ kind: 'create', table: at.created, ifExists: 'ERROR' });
        bytes += 1024;
      }
      if (at.altered !== undefined && !at.dropped) {
        const { schema, description, retention } = at.altered;
        const before = at.created?.schema ?? (at.table as TableState).schema;
        const isNew = schema.version !== before.version || schema !== before;
        const columns = isNew && schema.version !== before.version ? schema : null;
        changes.push({
          kind: 'alter',
          tableId: at.id,
          operation: at.operation ?? 'ALTER',
          schemaVersion: before.version,
          schema: columns,
          description,
          retention,
        });
        bytes += 1024;
      }
      const built = at.dropped ? undefined : (at.bulk ?? (await this.#built(at)));
      if (built !== undefined) {
        changes.push({ ...built.change, schemaVersion: this.#schemaOf(at).version });
        files.push(...built.files.map((file) => ({ tableId: at.id, file })));
        bytes += built.bytes;
      }
      if (at.dropped) changes.push({ kind: 'drop', tableId: at.id });
    }
    const [only] = operations;
    const draft = this.#tables.size === 1 ? [...this.#tables.values()][0]?.draft : undefined;
    return {
      state: this.#state,
      changes,
      tables: [...this.#tables.values()].flatMap(({ table }) => (table === undefined ? [] : [table])),
      creates: this.#creates,
      files,
      bytes,
      memory: this.#memory,
      rows: operations.length === 1 && only !== undefined && draft !== undefined ? { operation: only.kind, rows, draft } : undefined,
    };
  }

  async #built(at: TableDraft): Promise<BuiltRows | undefined> {
    return at.draft === undefined ? undefined : buildDraft(this.#parts.staging, at.draft, at.id, at.operation ?? 'APPEND');
  }
}

/** The whole table is no filter at all. */
function filterOf(schema: TableSchema, where: Filter | undefined): CheckedFilter | undefined {
  if (where === undefined || (where.kind === 'and' && where.filters.length === 0)) return undefined;
  return checkFilter(schema, where);
}

function rowsOf(schema: TableSchema, { rows, form = 'name' }: Extract<CommitOperation, { rows: readonly unknown[] }>): Cells[] {
  checkBatchSize(rows);
  return checkRows(schema, rows, form);
}

function patchOf(schema: TableSchema, { set, form = 'name' }: Extract<CommitOperation, { kind: 'update' }>): Patch {
  return checkPatch(schema, set, form);
}
