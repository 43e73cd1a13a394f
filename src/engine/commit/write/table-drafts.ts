/** The tables that the operations of one commit are about, and what the operations so far have made of each. */
import { type CatalogState, findTable, type TableState, tableNamed } from '../../catalog/state.ts';
import { alterTable, type ColumnChange } from '../../model/alter.ts';
import { EngineError } from '../../model/errors.ts';
import type { Retention } from '../../model/history.ts';
import { asTableId, type TableId } from '../../model/ids.ts';
import type { NewTable } from '../../model/schema.ts';
import type { Operation, TableSchema } from '../../model/types.ts';
import type { BuiltRows } from './build.ts';
import type { Draft } from './draft.ts';

type Wanted = { readonly table: NewTable; readonly ifExists: 'ERROR' | 'IGNORE' };

/** One table on the way through the operations: one that was there, or one that the commit creates. */
export class TableDraft {
  readonly id: TableId;
  readonly table: TableState | undefined;
  created: Wanted | undefined;
  draft: Draft | undefined;
  bulk: BuiltRows | undefined;
  /** What the snapshot is named by: the first operation. */
  operation: Operation | undefined;
  /** What alterations made of it; undefined where there were none. */
  altered: { readonly schema: TableSchema; readonly description: string | null; readonly retention: Retention | null } | undefined;
  dropped = false;

  constructor(id: TableId, from: { readonly table: TableState } | { readonly created: Wanted }) {
    this.id = id;
    if ('table' in from) {
      this.table = from.table;
      return;
    }
    this.created = from.created;
    this.operation = 'CREATE';
  }

  get #origin(): TableState | NewTable {
    const origin = this.created?.table ?? this.table;
    if (origin === undefined) throw new Error(`table ${this.id} of a commit is neither there nor created`);
    return origin;
  }

  get schema(): TableSchema {
    return this.altered?.schema ?? this.#origin.schema;
  }

  get graphqlName(): string {
    return this.#origin.graphqlName;
  }

  /** The columns before alterations by this commit; of a table that it creates, those that it has from the start. */
  get schemaBefore(): TableSchema {
    return this.#origin.schema;
  }

  alter(changes: readonly ColumnChange[]): void {
    const { schema } = this;
    const schemas = [...(this.table?.schemas ?? []), schema];
    const { description } = this.altered ?? this.#origin;
    const { retention } = this.altered ?? this.table ?? { retention: null };
    const altered = alterTable({ schema, schemas, description, retention }, changes);
    this.operation ??= 'ALTER';
    const next = altered.schema ?? schema;
    if (this.created !== undefined && altered.retention === null) {
      const table = { ...this.created.table, description: altered.description, schema: { ...next, version: 1 } };
      this.created = { ...this.created, table };
    } else {
      const version = altered.schema === null ? schema.version : (this.table?.schema.version ?? 1) + 1;
      this.altered = { ...altered, schema: { ...next, version } };
    }
    this.draft?.alter(this.schema);
  }
}

export class TableDrafts {
  readonly #state: CatalogState;
  readonly #tables = new Map<TableId, TableDraft>();
  /** By name, as the operations so far left it; undefined where they dropped the table. */
  readonly #names = new Map<string, TableDraft | undefined>();
  readonly #found = new Map<TableId, TableState>();
  #nextTableId: number;

  constructor(state: CatalogState) {
    this.#state = state;
    this.#nextTableId = state.tables.length;
  }

  /** The tables that the commit changes, in the order in which operations named them first. */
  get all(): readonly TableDraft[] {
    return [...this.#tables.values()];
  }

  /** Tables that createTable took as they are. */
  get found(): readonly TableState[] {
    return [...this.#found.values()];
  }

  /** The table of a name, to be changed. @throws EngineError TABLE_NOT_FOUND */
  named(name: string): TableDraft {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    if (this.#names.has(name))
      throw new EngineError('TABLE_NOT_FOUND', `table ${name} is dropped by this very commit`, { details: { table: name } });
    const table = tableNamed(this.#state, name);
    return this.#add(name, new TableDraft(table.id, { table }));
  }

  /** The table of a name as the operations so far left it, where there is one. */
  find(name: string): Pick<NewTable, 'graphqlName' | 'schema'> | undefined {
    return this.#names.has(name) ? this.#names.get(name) : findTable(this.#state, name);
  }

  create(table: NewTable, ifExists: 'ERROR' | 'IGNORE'): void {
    const id = asTableId(this.#nextTableId);
    this.#nextTableId += 1;
    this.#add(table.name, new TableDraft(id, { created: { table, ifExists } }));
  }

  /** The commit rests on the table's being there, and changes nothing about it. */
  takeAsItIs(name: string): void {
    const table = this.#names.has(name) ? undefined : findTable(this.#state, name);
    if (table !== undefined) this.#found.set(table.id, table);
  }

  alter(name: string, changes: readonly ColumnChange[]): void {
    this.named(name).alter(changes);
  }

  drop(name: string): void {
    const at = this.named(name);
    at.dropped = true;
    at.operation = 'DROP';
    this.#names.set(name, undefined);
  }

  #add(name: string, table: TableDraft): TableDraft {
    this.#tables.set(table.id, table);
    this.#names.set(name, table);
    return table;
  }
}
