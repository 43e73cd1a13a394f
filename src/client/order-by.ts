/** An item of `orderBy`: exactly one column and its direction, as a type that the generated ones take. */

/** One object type a column, each with that one key. */
export type OrderByItem<Column extends string, Direction> = { [Name in Column]: { [Key in Name]: Direction } }[Column];

/** For a column that is known at run time only: `{[column]: direction}` alone has an index signature to TypeScript. */
export function orderBy<Column extends string, Direction extends string>(
  column: Column,
  direction: Direction,
): OrderByItem<Column, Direction> {
  return { [column]: direction } as OrderByItem<Column, Direction>;
}
