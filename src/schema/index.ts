/**
 * The GraphQL schema of the moment. The types of a table are built once for each state of its columns; a version of the
 * schema is put together from them when the first operation asks for it. Operations under way keep the one they began with.
 */
import type { GraphQLSchema } from 'graphql';
import type { Engine, Table } from '../engine/index.ts';
import { TableTypes, typedTable } from '../resolvers/table-types.ts';
import { assemble } from './assemble.ts';
import { type FixedPart, fixedPart, type TablePart, tableParts } from './parts.ts';
import { schemaText } from './print.ts';
import { nextTurn } from './turns.ts';

export interface SchemaEntry {
  readonly epoch: number;
  readonly schema: GraphQLSchema;
  readonly types: TableTypes;
  /** The schema as text, made when it is first asked for. */
  readonly sdl: () => Promise<string>;
}

/** Told once of each table that the typed API has to do without. */
export type OnLeftOut = (table: Table, error: unknown) => void;

/** Tables whose types are built before the event loop has its turn. */
const TABLES_A_TURN = 8;

interface Built {
  readonly of: Table;
  /** Undefined where its types cannot be built. */
  readonly part: TablePart | undefined;
}

export class SchemaProvider {
  readonly #engine: Engine;
  readonly #onLeftOut: OnLeftOut;
  readonly #built = new Map<number, Built>();
  #fixed: FixedPart | undefined;
  #entry: SchemaEntry | undefined;

  constructor(engine: Engine, onLeftOut: OnLeftOut = () => {}) {
    this.#engine = engine;
    this.#onLeftOut = onLeftOut;
  }

  /** The schema of the catalog as it is now. */
  current(): SchemaEntry {
    const epoch = this.#engine.schemaEpoch;
    if (this.#entry?.epoch !== epoch) this.#entry = this.#assembled(epoch);
    return this.#entry;
  }

  /** Builds what `current` would have to build, a few tables at a time: for the start, and for changes of many tables. */
  async prepare(): Promise<void> {
    if (this.#entry?.epoch === this.#engine.schemaEpoch) return;
    for (;;) {
      const missing = this.#missing();
      if (missing.length <= TABLES_A_TURN) return;
      this.#build(missing.slice(0, TABLES_A_TURN));
      await nextTurn();
    }
  }

  /** What may surprise about a table in the typed API. */
  noticesOf(tableId: number): readonly string[] {
    return this.current().types.noticesOf(tableId);
  }

  #missing(): Table[] {
    return this.#engine.tables().filter((table) => {
      const built = this.#built.get(table.id);
      return built === undefined || !hasSameTypes(built.of, table);
    });
  }

  #build(tables: readonly Table[]): void {
    this.#fixed ??= fixedPart();
    for (const [table, part] of partsOf(this.#fixed, tables, this.#onLeftOut)) this.#built.set(table.id, { of: table, part });
  }

  #assembled(epoch: number): SchemaEntry {
    this.#fixed ??= fixedPart();
    const missing = this.#missing();
    if (missing.length > 0) this.#build(missing);
    const tables = this.#engine.tables();
    const living = new Set<number>(tables.map(({ id }) => id));
    for (const id of this.#built.keys()) if (!living.has(id)) this.#built.delete(id);
    const parts: TablePart[] = [];
    const leftOut = new Map<number, string>();
    const names = new Set(Object.keys(this.#fixed.schema.getTypeMap()));
    for (const table of tables) {
      const part = this.#built.get(table.id)?.part;
      const taken = part === undefined ? undefined : takenBy(part, names);
      if (part !== undefined && taken === undefined) {
        for (const name of namesOf(part)) names.add(name);
        parts.push(part);
      } else leftOut.set(table.id, noticeOf(table, taken));
    }
    const schema = assemble(this.#fixed, parts);
    let sdl: Promise<string> | undefined;
    return {
      epoch,
      schema,
      types: new TableTypes(
        parts.map(({ typed }) => typed),
        leftOut,
      ),
      sdl: () => {
        sdl ??= schemaText(schema);
        return sdl;
      },
    };
  }
}

/** Whether all that the types of a table are made from is the same. */
function hasSameTypes(one: Table, other: Table): boolean {
  return (
    one.schema === other.schema && one.name === other.name && one.graphqlName === other.graphqlName && one.description === other.description
  );
}

/** A table whose types cannot be built stops no other: it alone is left out. */
function partsOf(fixed: FixedPart, tables: readonly Table[], onLeftOut: OnLeftOut): (readonly [Table, TablePart | undefined])[] {
  try {
    const parts = tableParts(fixed, tables.map(typedTable));
    return tables.map((table, index) => [table, parts[index]]);
  } catch (error) {
    if (tables.length > 1) return tables.flatMap((table) => partsOf(fixed, [table], onLeftOut));
    return tables.map((table) => {
      onLeftOut(table, error);
      return [table, undefined];
    });
  }
}

function noticeOf({ name }: Table, taken: string | undefined): string {
  const why =
    taken === undefined ? 'its GraphQL types cannot be built; the log of the server says why' : `${taken} is another table's name`;
  return `table ${name} is not in the typed API: ${why}. The generic API has it, and can change and drop it.`;
}

/** Names of types, and of fields that are added, under the name of what they are added to. */
function namesOf({ shared, copied, added }: TablePart): string[] {
  const fields = [...added].flatMap(([type, own]) => own.map(({ name }) => `${type}.${name}`));
  return [...shared, ...copied].map(({ name }) => name).concat(fields);
}

function takenBy(part: TablePart, names: ReadonlySet<string>): string | undefined {
  return namesOf(part).find((name) => names.has(name));
}
