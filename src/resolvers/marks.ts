/**
 * What we note on types, fields and arguments of the GraphQL schema, for code that walks it: such code asks for the mark and
 * knows no names of types or fields. Marks stay with what they are on in all versions of the schema.
 */
const KEY = 'tidemark';

export interface Marks {
  /** An input type that says which rows are meant: a part of it that is lost would let more rows be meant. */
  readonly narrows?: 'filter' | 'onConflict';
  /** An argument or input field of new values: what is absent stays as it is. */
  readonly isPatch?: true;
  /** A field that says which snapshot an answer is of, not what it holds: with it alone, an answer is no other. */
  readonly tellsPlace?: true;
  /** A field that says which commit was the newest. */
  readonly tellsHead?: true;
  /** A field that reads rows of this table, by its id. */
  readonly readsTable?: number;
  /** A field that reads rows of the table that this argument names. */
  readonly readsTableNamedBy?: string;
  /** A type through which any table can be reached. */
  readonly reachesAllTables?: true;
}

interface Markable {
  readonly extensions?: object | null | undefined;
}

/** Options of a type, field or argument that is to have marks. */
export function marked(marks: Marks): { readonly extensions: Readonly<Record<string, unknown>> } {
  return { extensions: { [KEY]: marks } };
}

const NONE: Marks = {};

export function marksOf({ extensions }: Markable): Marks {
  return (extensions as Readonly<Record<string, Marks | undefined>> | null | undefined)?.[KEY] ?? NONE;
}

/** Nothing but the marks, of extensions that hold more. */
export function onlyMarks(at: Markable): Readonly<Record<string, unknown>> {
  const marks = marksOf(at);
  return marks === NONE ? {} : marked(marks).extensions;
}
