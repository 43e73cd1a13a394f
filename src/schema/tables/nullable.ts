/**
 * Whether a typed field may be null. Typed rows have today's columns at every instant. So it is not enough that a column is
 * required today: a restore can bring back earlier columns, and rows written in between stay readable.
 */
import type { Column, Table, TableSchema } from '../../engine/index.ts';

/** A column is null at some instant where it was optional, dropped, or wider than today and held what does not fit now. */
export function mayBeNull({ schemas }: Pick<Table, 'schemas'>, column: Column): boolean {
  if (!column.required) return true;
  // Before a column came, its rows read its default.
  const first = schemas.findIndex((schema) => versionOf(column, schema) !== undefined);
  return schemas.slice(Math.max(first, 0)).some((schema) => {
    const then = versionOf(column, schema);
    return then === undefined || !then.required || holdsMore(then, column);
  });
}

function versionOf({ fieldId }: Column, { columns }: TableSchema): Column | undefined {
  return columns.find((candidate) => candidate.fieldId === fieldId);
}

/** Types only ever become wider, by alterTable; narrower by a restore. */
function holdsMore(then: Column, now: Column): boolean {
  if (then.type !== now.type) return then.type === 'LONG' || then.type === 'DOUBLE';
  return (then.precision ?? 0) > (now.precision ?? 0);
}
