/**
 * The GraphQL schema of the moment. The types of a table are built once for each state of its columns; a version of the
 * schema is put together from them when the first operation asks for it. Operations under way keep the one they began with.
 */
import type { GraphQLSchema } from 'graphql';
import type { Session, Table } from '../engine/index.ts';
import { TableTypes, typedTable } from '../resolvers/table-types.ts';
import { assemble } from './assemble.ts';
import { type FixedPart, fixedPart, type TablePart, tableParts } from './parts.ts';
import { schemaText } from './print.ts';
import { nextTurn, STRETCH_MS } from './turns.ts';

export interface SchemaEntry {
  readonly epoch: number;
  readonly schema: GraphQLSchema;
  readonly types: TableTypes;
  /** The schema as text, made when it is first asked for. */
  readonly sdl: () => Promise<string>;
}

/** Told once of each table that the typed API has to do without. */
type OnLeftOut = (table: Table, error: unknown) => void;

/** Tables whose types are built in one go: at the start, when nobody waits for anything else, and later. */
const TABLES_AT_START = 50;
const TABLES_AT_ONCE = 4;

interface Built {
  readonly of: Table;
  /** Undefined where its types cannot be built. */
  readonly part: TablePart | undefined;
}

export class SchemaProvider {
  readonly #session: Session;
  readonly #onLeftOut: OnLeftOut;
  #parts: ReadonlyMap<number, Built> = new Map();
  #preparing: Promise<void> | undefined;
  #fixed: FixedPart | undefined;
  #entry: SchemaEntry | undefined;

  constructor(session: Session, onLeftOut: OnLeftOut = () => {}) {
    this.#session = session;
    this.#onLeftOut = onLeftOut;
  }

  /** The schema of the catalog as it is now. */
  current(): SchemaEntry {
    if (this.#entry?.epoch === this.#session.schemaEpoch) return this.#entry;
    const work = this.#assembling();
    for (let step = work.next(); ; step = work.next()) if (step.done === true) return this.#keep(step.value);
  }

  /** The newest schema that there is: for who has waited for `prepare`. */
  newest(): SchemaEntry {
    return this.#entry ?? this.current();
  }

  /** Puts the schema of the catalog as it is now together, with turns of the event loop for others in between. */
  async prepare(): Promise<void> {
    const wanted = this.#session.schemaEpoch;
    while (this.#entry === undefined || this.#entry.epoch < wanted) {
      this.#preparing ??= this.#prepare().finally(() => {
        this.#preparing = undefined;
      });
      await this.#preparing;
    }
  }

  /** What may surprise about a table in the typed API. */
  async noticesOf(tableId: number): Promise<readonly string[]> {
    await this.prepare();
    return this.newest().types.noticesOf(tableId);
  }

  async #prepare(): Promise<void> {
    const work = this.#assembling();
    let began = performance.now();
    for (let step = work.next(); ; step = work.next()) {
      if (step.done === true) return void this.#keep(step.value);
      if (performance.now() - began < STRETCH_MS) continue;
      await nextTurn();
      began = performance.now();
    }
  }

  /** Another one may have been faster, and newer. */
  #keep(entry: SchemaEntry): SchemaEntry {
    if (this.#entry === undefined || this.#entry.epoch < entry.epoch) this.#entry = entry;
    return entry;
  }

  /** The parts of some tables, those built that are not there yet. Yields after each part of the work. */
  *#built(fixed: FixedPart, tables: readonly Table[]): Generator<undefined, Map<number, Built>> {
    const known = this.#parts;
    const missing = tables.filter((table) => {
      const built = known.get(table.id);
      return built === undefined || !hasSameTypes(built.of, table);
    });
    const absent = new Set(missing);
    const found = new Map(tables.flatMap((table) => (absent.has(table) ? [] : [[table.id, known.get(table.id) as Built] as const])));
    const atOnce = this.#entry === undefined ? TABLES_AT_START : TABLES_AT_ONCE;
    for (let at = 0; at < missing.length; at += atOnce) {
      for (const [table, part] of partsOf(fixed, missing.slice(at, at + atOnce), this.#onLeftOut)) found.set(table.id, { of: table, part });
      yield;
    }
    this.#parts = found;
    return found;
  }

  *#assembling(): Generator<undefined, SchemaEntry> {
    const epoch = this.#session.schemaEpoch;
    const tables = this.#session.tables();
    this.#fixed ??= fixedPart();
    const built = yield* this.#built(this.#fixed, tables);
    const parts: TablePart[] = [];
    const leftOut = new Map<number, string>();
    const names = new Set<string>();
    for (const table of tables) {
      const part = built.get(table.id)?.part;
      const taken = part?.names.find((name) => names.has(name));
      if (part !== undefined && taken === undefined) {
        for (const name of part.names) names.add(name);
        parts.push(part);
      } else leftOut.set(table.id, noticeOf(table, taken));
      yield;
    }
    const schema = yield* assemble(this.#fixed, parts);
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
