/**
 * SQL in fragments that carry their parameters. A fragment is text with values between its chunks: other fragments, which
 * nest; parameters; and whole numbers, which are bound as 64-bit integers. Parameters get their numbers when a statement is
 * rendered, so the order in which fragments are made does not matter. A bare string in a template does not compile: text
 * comes in through `identifier`, `literal` and `trusted` alone, so no value of a client can become SQL.
 */
import { integer, sqlType } from '../../data/cells.ts';
import { type Parameter, sqlName } from '../../data/duckdb.ts';
import { invariant } from '../../model/errors.ts';
import type { Column } from '../../model/types.ts';
import type { ValueType } from '../../model/values.ts';

/** A statement as DuckDB takes it. */
export interface Statement {
  readonly sql: string;
  readonly parameters: readonly Parameter[];
}

export class Sql {
  readonly #chunks: readonly string[];
  /** One between each two chunks. */
  readonly #values: readonly (Sql | Parameter)[];

  constructor(chunks: readonly string[], values: readonly (Sql | Parameter)[]) {
    this.#chunks = chunks;
    this.#values = values;
  }

  /** The whole statement; a parameter that stands in several places is bound once. */
  render(): Statement {
    const places = new Map<Parameter, number>();
    return { sql: this.#write(places), parameters: [...places.keys()] };
  }

  #write(places: Map<Parameter, number>): string {
    let text = this.#chunks[0] ?? '';
    for (const [at, value] of this.#values.entries()) {
      if (value instanceof Sql) text += value.#write(places);
      else {
        const place = places.get(value) ?? places.size + 1;
        places.set(value, place);
        text += `$${place}`;
      }
      text += this.#chunks[at + 1] ?? '';
    }
    return text;
  }
}

/** A fragment of SQL: sql`SELECT ${fragment} WHERE ${parameter} < ${5}`. */
export function sql(chunks: TemplateStringsArray, ...values: readonly (Sql | Parameter | number)[]): Sql {
  return new Sql(chunks, values.map(bindable));
}

/** A number is bound as a 64-bit integer. The types keep strings out; this does where they were cast away. */
function bindable(value: Sql | Parameter | number): Sql | Parameter {
  invariant(typeof value !== 'string', 'text is part of a statement as a parameter, an identifier or trusted');
  return typeof value === 'number' ? integer(value) : value;
}

/** Text of our own making: a keyword, a generated name, a path that is quoted already. Never of a client. */
export function trusted(text: string): Sql {
  return new Sql([text], []);
}

/** A quoted name. */
export function identifier(name: string): Sql {
  return trusted(sqlName(name));
}

/** The name of a column, quoted. */
export function nameOf(column: Pick<Column, 'name'>): Sql {
  return identifier(column.name);
}

/** The type of a column. */
export function typeOf(column: ValueType): Sql {
  return trusted(sqlType(column));
}

/** A whole number as text, where DuckDB plans better with one that it can read; elsewhere numbers are bound. */
export function literal(number: number | bigint): Sql {
  return trusted(literalText(number));
}

/** Whole numbers as a list of literals. */
export function literals(numbers: Iterable<number>): Sql {
  return trusted(Array.from(numbers, literalText).join(', '));
}

function literalText(number: number | bigint): string {
  invariant(typeof number === 'bigint' || Number.isSafeInteger(number), 'a literal is a whole number');
  // In parentheses, since two minus signs would begin a comment.
  return number < 0 ? `(${number})` : String(number);
}

/** Fragments with a separator between them. */
export function joinSql(fragments: readonly Sql[], separator: ', ' | ' AND ' | ' OR ' | ' UNION ALL ' = ', '): Sql {
  return new Sql(fragments.length === 0 ? [''] : ['', ...fragments.slice(1).map(() => separator), ''], fragments);
}

/** ` WHERE`, and all conditions; nothing where there are none. */
export function where(...conditions: readonly (Sql | undefined)[]): Sql {
  const given = conditions.filter((condition) => condition !== undefined);
  return given.length === 0 ? EMPTY : sql` WHERE ${joinSql(given, ' AND ')}`;
}

export const EMPTY = trusted('');
