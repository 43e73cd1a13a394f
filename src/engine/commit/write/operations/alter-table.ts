/** alterTable: other columns, another description or policy of a table. */
import type { ColumnChange } from '../../../model/alter.ts';
import type { TableDescriptor } from './descriptor.ts';

export interface AlterTable {
  readonly kind: 'alterTable';
  readonly table: string;
  readonly changes: readonly ColumnChange[];
}

export const alterTable: TableDescriptor<AlterTable> = {
  kind: 'alterTable',
  operation: 'ALTER',
  onTables: (tables, { table, changes }) => tables.alter(table, changes),
};
