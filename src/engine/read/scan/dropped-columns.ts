/**
 * Rows read with columns of another time than the instant's: a column that had been dropped by then is null, whatever files
 * from before the drop still hold. One that came later is another matter: it reads as its default.
 */
import type { TableState } from '../../catalog/state.ts';
import type { Column, TableSchema } from '../../model/types.ts';

const known = new WeakMap<TableSchema, WeakMap<TableSchema, TableSchema>>();

/** The columns that are asked for, as they are where the table has the schema `present`. */
export function withoutDropped(table: TableState, asked: TableSchema, present: TableSchema): TableSchema {
  if (asked === present) return asked;
  let byPresent = known.get(asked);
  if (byPresent === undefined) {
    byPresent = new WeakMap();
    known.set(asked, byPresent);
  }
  let schema = byPresent.get(present);
  if (schema === undefined) {
    const wasDropped = droppedBy(table, present);
    schema = asked.columns.some(wasDropped)
      ? { ...asked, columns: asked.columns.map((column) => (wasDropped(column) ? nowhere(column) : column)) }
      : asked;
    byPresent.set(present, schema);
  }
  return schema;
}

/** Whether a column had been there before a schema version, and was not any more. */
export function droppedBy(
  { schemas }: TableState,
  { version, columns }: Pick<TableSchema, 'version' | 'columns'>,
): (column: Column) => boolean {
  const ever = schemas.filter((schema) => schema.version <= version).flatMap((schema) => schema.columns.map(({ fieldId }) => fieldId));
  const newest = Math.max(...ever);
  const present = new Set(columns.map(({ fieldId }) => fieldId));
  return ({ fieldId }) => fieldId > 0 && fieldId <= newest && !present.has(fieldId);
}

/** Identities from here down are those of columns that nothing has stored. */
const NOWHERE = -1_000;

function nowhere(column: Column): Column {
  return { ...column, fieldId: NOWHERE - column.fieldId, default: null };
}
