/** Which table a typed field or type belongs to: the tables as they were when a GraphQL schema was built. */
import { type Column, isInherited, type Table, typePrefix } from '../engine/index.ts';

export interface TypedTable {
  readonly table: Table;
  /** What the names of its GraphQL types begin with. */
  readonly prefix: string;
  /** Columns by their name in the typed door. */
  readonly byGraphqlName: ReadonlyMap<string, Column>;
}

export class TableTypes {
  readonly tables: readonly TypedTable[];
  /** Whether a table or column has a name that JavaScript objects inherit. */
  readonly hasInheritedNames: boolean;
  readonly #byInputType: ReadonlyMap<string, TypedTable>;
  readonly #byPatchType: ReadonlyMap<string, TypedTable>;
  readonly #byId: ReadonlyMap<number, TypedTable>;

  constructor(tables: readonly Table[]) {
    this.tables = tables.map((table) => ({
      table,
      prefix: typePrefix(table.graphqlName),
      byGraphqlName: new Map(table.schema.columns.map((column) => [column.graphqlName, column])),
    }));
    this.hasInheritedNames = this.tables.some(
      ({ table, byGraphqlName }) => isInherited(table.graphqlName) || [...byGraphqlName.keys()].some(isInherited),
    );
    this.#byInputType = new Map(this.tables.map((typed) => [`${typed.prefix}RowInput`, typed]));
    this.#byPatchType = new Map(this.tables.map((typed) => [`${typed.prefix}RowPatch`, typed]));
    this.#byId = new Map(this.tables.map((typed) => [typed.table.id, typed]));
  }

  /** The table whose rows an input type takes. */
  ofInputType(name: string): TypedTable | undefined {
    return this.#byInputType.get(name);
  }

  /** The table whose new values an input type takes. */
  ofPatchType(name: string): TypedTable | undefined {
    return this.#byPatchType.get(name);
  }

  ofTable(tableId: number): TypedTable | undefined {
    return this.#byId.get(tableId);
  }
}
