/** dropTable: a table goes. Its history stays readable, and its name is free. */
import type { TableDescriptor } from './descriptor.ts';

export interface DropTable {
  readonly kind: 'dropTable';
  readonly table: string;
}

export const dropTable: TableDescriptor<DropTable> = {
  kind: 'dropTable',
  operation: 'DROP',
  onTables: (tables, { table }) => tables.drop(table),
};
