/** Which table a typed field or type belongs to: the tables as they were when a GraphQL schema was built. */
import { type Column, isInherited, type Table, tableTypeName, typePrefix } from '../engine/index.ts';

export interface TypedTable {
  /** What of the table its types are made from; kept as long as these. */
  readonly table: Pick<Table, 'id' | 'name' | 'graphqlName' | 'description' | 'schema' | 'schemas'>;
  /** What the names of its GraphQL types begin with. */
  readonly prefix: string;
  /** Columns by their name in the typed API. */
  readonly byGraphqlName: ReadonlyMap<string, Column>;
  /** Whether it or a column has a name that JavaScript objects inherit. */
  readonly hasInheritedNames: boolean;
}

export function typedTable({ id, name, graphqlName, description, schema, schemas }: Table): TypedTable {
  return {
    table: { id, name, graphqlName, description, schema, schemas },
    prefix: typePrefix(graphqlName),
    byGraphqlName: new Map(schema.columns.map((column) => [column.graphqlName, column])),
    hasInheritedNames: isInherited(graphqlName) || schema.columns.some((column) => isInherited(column.graphqlName)),
  };
}

export class TableTypes {
  readonly tables: readonly TypedTable[];
  /** Whether a table or column has a name that JavaScript objects inherit. */
  readonly hasInheritedNames: boolean;
  readonly #byInputType: ReadonlyMap<string, TypedTable>;
  readonly #byPatchType: ReadonlyMap<string, TypedTable>;
  readonly #byId: ReadonlyMap<number, TypedTable>;
  readonly #leftOut: ReadonlyMap<number, string>;

  /** `leftOut`: why other tables are not among them, by id. */
  constructor(tables: readonly TypedTable[], leftOut: ReadonlyMap<number, string>) {
    this.tables = tables;
    this.hasInheritedNames = tables.some((typed) => typed.hasInheritedNames);
    this.#byInputType = new Map(tables.map((typed) => [tableTypeName(typed.prefix, 'RowInput'), typed]));
    this.#byPatchType = new Map(tables.map((typed) => [tableTypeName(typed.prefix, 'RowPatch'), typed]));
    this.#byId = new Map(tables.map((typed) => [typed.table.id, typed]));
    this.#leftOut = leftOut;
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

  noticesOf(tableId: number): readonly string[] {
    const notice = this.#leftOut.get(tableId);
    return notice === undefined ? [] : [notice];
  }
}
