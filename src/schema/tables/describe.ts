/** What the typed API says about a column. */
import type { Column } from '../../engine/index.ts';

export function describeColumn(column: Column): string {
  const type = column.type === 'DECIMAL' ? `DECIMAL(${column.precision}, ${column.scale})` : column.type;
  return column.description === null ? `${type} column ${column.name}.` : `${column.description} (${type})`;
}
