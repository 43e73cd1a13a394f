/** The current GraphQL schema, rebuilt when the catalog's tables have changed; operations under way keep the one they began with. */
import { type GraphQLSchema, printSchema } from 'graphql';
import type { Engine } from '../engine/index.ts';
import { TableTypes } from '../resolvers/table-types.ts';
import { buildSchema } from './build.ts';

export interface SchemaEntry {
  readonly epoch: number;
  readonly schema: GraphQLSchema;
  readonly types: TableTypes;
  /** The schema as text, made when it is first asked for. */
  readonly sdl: () => string;
}

export class SchemaProvider {
  readonly #engine: Engine;
  #entry: SchemaEntry | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** The schema of the catalog as it is now. */
  current(): SchemaEntry {
    const epoch = this.#engine.schemaEpoch;
    if (this.#entry === undefined || this.#entry.epoch !== epoch) {
      const types = new TableTypes(this.#engine.tables());
      const schema = buildSchema(types);
      let sdl: string | undefined;
      this.#entry = {
        epoch,
        schema,
        types,
        sdl: () => {
          sdl ??= `${printSchema(schema)}\n`;
          return sdl;
        },
      };
    }
    return this.#entry;
  }
}

export { buildSchema, sortedSchema } from './build.ts';
