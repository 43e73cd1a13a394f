/** An item of `orderBy`: exactly one column and its direction, as a type that the generated ones take. */

/** The type of an item of `orderBy` as codegen writes it: one object type for each column, with exactly this key. */
export type OrderByItem<Column extends string, Direction> = { [Name in Column]: { [Key in Name]: Direction } }[Column];

/**
 * An item of `orderBy` for a column that is known only at run time, for example in a sortable header. TypeScript does not know
 * that `{ [column]: direction }` has exactly one key; the result of this function has the right type.
 */
export function orderBy<Column extends string, Direction extends string>(
  column: Column,
  direction: Direction,
): OrderByItem<Column, Direction> {
  return { [column]: direction } as OrderByItem<Column, Direction>;
}
